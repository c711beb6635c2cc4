"""A training that is killed without warning goes on from its last finished epoch as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fer_edge.whole_file import WRITING
from tests.support.pictures import write_squares
from tests.support.trained_runs import RECIPE

pytestmark = pytest.mark.slow

EPOCHS = 4
SECONDS = 600


@contextlib.contextmanager
def begun(command: list[str], out: Path) -> Iterator[subprocess.Popen[bytes]]:
    with out.with_suffix(".log").open("ab") as log:
        arguments = [sys.executable, "-m", "fer_edge", *command, "--out", str(out)]
        run = subprocess.Popen(arguments, stderr=log, env={**os.environ, "TF_DETERMINISTIC_OPS": "1"})
        try:
            yield run
        finally:
            run.kill()
            run.wait()


def finished_epochs(out: Path) -> int:
    progress = out / "state/progress.json"
    return int(json.loads(progress.read_text())["epoch"]) if progress.exists() else 0


def wait_until(run: subprocess.Popen[bytes], due: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not due():
        assert run.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def kill(command: list[str], out: Path, due: Callable[[], bool]) -> None:
    with begun(command, out) as run:
        wait_until(run, due)
        run.send_signal(signal.SIGKILL)
        assert run.wait(60) == -signal.SIGKILL


def test_killed_thrice_it_equals_the_uninterrupted_run(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE.replace("epochs = 2", f"epochs = {EPOCHS}"))
    data = write_squares(tmp_path / "data", 20)
    command = ["train", "--data", str(data), "--recipe", str(tmp_path / "tiny.toml"), "--limit", "60"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    with begun(command, whole) as run:
        assert run.wait(SECONDS) == 0, whole.with_suffix(".log").read_text()
    # Within an epoch, while a state is being written, while the checkpoint is.
    kill(command, killed, lambda: finished_epochs(killed) == 1)
    kill(command, killed, lambda: any((killed / "state").glob(f"{WRITING}*.npz")))
    assert 1 <= finished_epochs(killed) < EPOCHS
    kill(command, killed, lambda: any(killed.glob(f"{WRITING}*.keras")))
    assert not (killed / "densenet121.keras").exists()
    with begun(command, killed) as run:
        assert run.wait(SECONDS) == 0, killed.with_suffix(".log").read_text()
    name = f"state/variables-{EPOCHS}.npz"
    with np.load(whole / name) as expected, np.load(killed / name) as got:
        assert expected.files == got.files
        for key in expected.files:
            np.testing.assert_allclose(got[key], expected[key], rtol=0, atol=1e-6)
    assert (whole / "history.csv").read_text() == (killed / "history.csv").read_text()
