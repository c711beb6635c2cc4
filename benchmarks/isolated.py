"""Memory and time to the first result of one model in a process of its own: `python -m benchmarks.isolated MODEL`."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from fer_edge.errors import FerEdgeError
from fer_edge.evaluation.results import Footprint

TIMEOUT_S = 600


def footprint(path: Path, threads: int | None = None, runtime: str | None = None) -> Footprint:
    """Measure a model in a new process.

    Args:
        path: a checkpoint or an artifact.
        threads: None takes the runtime's default, all cores.
        runtime: what executes an artifact, as in `fer_edge.runtime.load.load`; None takes the format's usual one.

    Returns:
        Its peak memory and the time to its first result.

    Raises:
        FerEdgeError: the process failed; the message ends in its last line.
    """
    command = [sys.executable, "-m", "benchmarks.isolated", str(path.absolute())]
    command += ["--threads", str(threads)] if threads else []
    command += ["--runtime", runtime] if runtime else []
    try:
        # -m looks in the working directory first: it must not find a folder of the user's called benchmarks
        done = subprocess.run(
            command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        if done.returncode:
            raise FerEdgeError(
                f"the process that measures memory failed: {(done.stderr.strip() or '?').splitlines()[-1]}"
            )
        return Footprint(**json.loads(done.stdout.strip().splitlines()[-1]))
    except subprocess.TimeoutExpired as error:
        raise FerEdgeError(f"the process that measures memory took more than {TIMEOUT_S} s") from error
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise FerEdgeError(f"the process that measures memory gave no result: {error}") from error


def main() -> None:
    """Load the model, classify one black face, print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--runtime")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    start = time.perf_counter()
    from fer_edge.runtime.load import load

    try:
        backend = load(arguments.model, threads=arguments.threads, runtime=arguments.runtime)
    except FerEdgeError as error:
        sys.exit(str(error))
    contract = backend.contract
    backend.predict(np.zeros((1, contract.height, contract.width, 3), np.uint8))
    first_ms = (time.perf_counter() - start) * 1e3
    print(json.dumps({"peak_rss_mb": _peak_rss_mb(), "first_inference_ms": first_ms}))


def _peak_rss_mb() -> float:
    """VmHWM where there is one: Linux counts the parent's memory at the time of the fork into ru_maxrss."""
    try:
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main()
