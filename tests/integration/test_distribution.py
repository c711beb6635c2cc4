"""A step on two devices is the step on one: checked on two logical processors, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import tensorflow as tf

from fer_edge.training import devices

SCRIPT = """
import json
import keras, numpy as np, tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from fer_edge.training.devices import training_strategy
from fer_edge.training.loop import compile_model
from fer_edge.training.pipeline import Cache, training_batches
from fer_edge.training.recipe import Recipe, Stage

random = np.random.default_rng(0)
pixels = random.integers(0, 255, (64, 32, 32, 3), np.uint8)
cache = Cache(pixels, np.eye(4, dtype=np.float32)[random.integers(0, 4, 64)])
recipe = Recipe(name="x", stages=(Stage(size=32, epochs=1),), batch_size=32, learning_rate=1e-2, optimizer="adamw",
                weight_decay=0.05, label_smoothing=0.1)

def first_step(devices):
    keras.utils.set_random_seed(1)
    strategy = training_strategy(devices)
    with strategy.scope():
        pixels = keras.Input((32, 32, 3))
        x = keras.layers.Rescaling(1 / 255)(pixels)
        x = keras.layers.Conv2D(8, 3, activation="relu")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(pixels, keras.layers.Dense(4, activation="softmax")(x))
        compile_model(model, recipe, 2)
    before = model.get_weights()
    history = model.fit(training_batches(cache, recipe, 32, 0).take(1), epochs=1, verbose=0, shuffle=False).history
    return strategy.num_replicas_in_sync, history["loss"][0], model.get_weights(), before

one, two = first_step(["CPU:0"]), first_step(["CPU:0", "CPU:1"])
print(json.dumps({
    "replicas": [one[0], two[0]],
    "loss": abs(one[1] - two[1]),
    "moved": max(float(np.abs(a - b).max()) for a, b in zip(one[2], one[3], strict=True)),
    "weights": max(float(np.abs(a - b).max()) for a, b in zip(one[2], two[2], strict=True)),
}))
"""


def test_the_first_step_on_two_devices_equals_that_on_one() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == [1, 2]
    assert found["moved"] > 1e-3
    assert found["loss"] < 1e-5
    assert found["weights"] < 1e-5


@pytest.mark.parametrize(
    ("capabilities", "processor", "dtype"),
    [
        ([], True, "mixed_bfloat16"),
        ([], False, "float32"),
        ([(8, 0)], False, "mixed_bfloat16"),
        ([(8, 6), (7, 5)], True, "float32"),
        ([None], True, "float32"),
    ],
)
def test_the_number_type_is_what_the_training_s_processors_compute_in(
    monkeypatch: pytest.MonkeyPatch, capabilities: list[tuple[int, int] | None], processor: bool, dtype: str
) -> None:
    details = [{} if found is None else {"compute_capability": found} for found in capabilities]
    monkeypatch.setattr(devices, "has_bfloat16", lambda: processor)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(range(len(details))))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details[gpu])
    assert devices.fastest_dtype() == dtype
