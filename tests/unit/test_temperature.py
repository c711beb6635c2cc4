"""Temperature scaling: found, and folded into the last layer without changing a label."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_edge.training.temperature import best_temperature, fold_temperature


def softmax(logits: np.ndarray) -> np.ndarray:
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


@pytest.mark.parametrize("wrong_by", [0.5, 1.0, 2.5])
def test_a_model_that_is_too_sure_or_not_sure_enough_is_put_right(wrong_by: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 5))
    rows = softmax(logits).astype(np.float64)
    targets = np.array([random.choice(5, p=row / row.sum()) for row in rows])
    assert best_temperature(targets, softmax(logits * wrong_by)) == pytest.approx(wrong_by, rel=0.05)


def test_folding_divides_the_logits() -> None:
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(4, activation="softmax", name="probabilities")(inputs)
    model = keras.Model(inputs, outputs)
    faces = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    before = np.asarray(model(faces))
    fold_temperature(model, 2.0)
    after = np.asarray(model(faces))
    assert np.allclose(after, softmax(np.log(before) / 2), atol=1e-5)
    assert (after.argmax(1) == before.argmax(1)).all()
