"""The command line in a process of its own, with its time and peak memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Ends with the peak memory in kB on stderr; ru_maxrss would count the parent's too.
SCRIPT = """
import re, sys
from pathlib import Path
from fer_edge.cli import execute
code = execute(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)
sys.exit(code)
"""


def undisturbed(check: Callable[[], None], attempts: int = 3) -> None:
    """Let a timing hold once in a few attempts: other tests share the processor, and only ever make it slower."""
    for attempt in range(attempts):
        try:
            return check()
        except AssertionError:
            if attempt == attempts - 1:
                raise


def fer_edge(
    *arguments: str, python: Path = Path(sys.executable), folder: Path | None = None
) -> tuple[str, float, int]:
    """Run a command; returns its stdout, wall seconds and peak memory in MB."""
    started = time.monotonic()
    command = [str(python), "-c", SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout, seconds, round(int(done.stderr.strip().splitlines()[-1]) * 1024 / 1e6)
