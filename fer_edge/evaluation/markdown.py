"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]


def markdown_table(head: Row, rows: Sequence[Row]) -> list[str]:
    """Lines of a table; a pipe in a cell stays in its cell."""
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in (head, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return [lines[0], f"|{'---|' * len(head)}", *lines[1:]]
