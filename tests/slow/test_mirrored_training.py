"""A whole training on two devices: batch norms, precise statistics, state and checkpoint; two logical processors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fer_edge.checkpoint import read_checkpoint_info
from tests.support.pictures import write_squares
from tests.support.trained_runs import RECIPE

pytestmark = pytest.mark.slow

SCRIPT = """
import sys
import tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from fer_edge.training import job
from fer_edge.training.devices import training_strategy
job.training_strategy = lambda: training_strategy(["CPU:0", "CPU:1"])
from fer_edge.cli import execute
sys.exit(execute(sys.argv[1:]))
"""


def test_a_network_is_trained_on_two_devices(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    data = write_squares(tmp_path / "data", 20)
    call = ["train", "--data", str(data), "--recipe", str(tmp_path / "tiny.toml"), "--limit", "60"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *call, "--out", str(tmp_path / "out")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    info = read_checkpoint_info(tmp_path / "out" / "densenet121.keras")
    assert info is not None
    assert info.training is not None
    assert info.training.metrics["tuning_accuracy"] >= 0.8
