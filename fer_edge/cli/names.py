"""Names in one option, separated by commas."""

from __future__ import annotations


def split_names(text: str | None) -> list[str]:
    """The names in order, without blanks around them; none without a text."""
    return [name.strip() for name in text.split(",")] if text else []
