"""Tables from a name to the object that implements it, imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from fer_edge.errors import UsageError


def lookup(table: Mapping[str, str], name: str, kind: str) -> Any:  # noqa: ANN401 - the caller knows the type its table holds
    """Import and return what `table` holds under `name` as "module:attribute".

    Raises:
        UsageError: the name is not in the table; the message lists the valid ones.
    """
    if name not in table:
        raise UsageError(f"unknown {kind} {name!r}", f"Choose one of: {', '.join(table)}")
    module, attribute = table[name].split(":")
    return getattr(importlib.import_module(module), attribute)
