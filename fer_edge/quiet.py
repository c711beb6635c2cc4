"""Keep what TensorFlow and the converters print off the screen."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop everything that Python and C++ code prints while the block runs.

    Log handlers that were made in it write on the standard error afterwards.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with (
        open(os.devnull, "w", encoding="utf-8") as sink,  # noqa: PTH123 - a device, not a path
        warnings.catch_warnings(),
        contextlib.redirect_stdout(sink),
        contextlib.redirect_stderr(sink),
    ):
        warnings.simplefilter("ignore")
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            sink.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])
            logging.disable(level)
            _redirect_handlers(sink)


def _redirect_handlers(closed: TextIO) -> None:
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):  # a place holder of the hierarchy has none
            if getattr(handler, "stream", None) is closed:
                handler.setStream(sys.__stderr__)  # sys.stderr may be a passing redirection
