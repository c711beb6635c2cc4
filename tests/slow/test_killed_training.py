"""A training that is killed without warning goes on from its last finished epoch as if nothing had happened."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.integration.test_training import RECIPE
from tests.support.pictures import write_squares

pytestmark = pytest.mark.slow

EPOCHS = 4
SECONDS = 600


def begin(command: list[str], out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "fer_edge", *command, "--out", str(out)], stderr=subprocess.DEVNULL)


def finished_epochs(out: Path) -> int:
    progress = out / "state/progress.json"
    return int(json.loads(progress.read_text())["epoch"]) if progress.exists() else 0


def wait_for_epoch(run: subprocess.Popen[bytes], out: Path, epoch: int) -> None:
    deadline = time.monotonic() + SECONDS
    while finished_epochs(out) < epoch:
        assert run.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_twice_it_equals_the_uninterrupted_run(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE.replace("epochs = 2", f"epochs = {EPOCHS}"))
    data = write_squares(tmp_path / "data", 20)
    command = ["train", "--data", str(data), "--recipe", str(tmp_path / "tiny.toml"), "--limit", "60"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert begin(command, whole).wait(SECONDS) == 0
    for epoch in (1, 2):
        run = begin(command, killed)
        wait_for_epoch(run, killed, epoch)
        run.send_signal(signal.SIGKILL)
        assert run.wait(60) == -signal.SIGKILL
    assert 2 <= finished_epochs(killed) < EPOCHS
    assert begin(command, killed).wait(SECONDS) == 0
    name = f"state/variables-{EPOCHS}.npz"
    with np.load(whole / name) as expected, np.load(killed / name) as got:
        assert expected.files == got.files
        for key in expected.files:
            np.testing.assert_allclose(got[key], expected[key], rtol=0, atol=1e-6)
    assert (whole / "history.csv").read_text() == (killed / "history.csv").read_text()
