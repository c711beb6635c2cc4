"""Import packages that are not part of the base installation, or say exactly how to get them."""

from __future__ import annotations

import contextlib
import importlib
from types import ModuleType

from fer_edge.errors import MissingDependencyError
from fer_edge.quiet import quiet

NOISY = frozenset({"tensorflow"})  # greets with lines about processors and drivers that no setting turns off


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, which the extra `extra` of fer-edge installs.

    Raises:
        MissingDependencyError: the module, or one that it needs, is not installed or does not load.
    """
    try:
        with quiet() if module in NOISY else contextlib.nullcontext():
            return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"this command needs {module}, which does not import here ({error})",
            f"Install it: pip install 'fer-edge[{extra}]'",
        ) from error
