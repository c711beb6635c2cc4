"""Temperature scaling, folded into the model (Guo et al. 2017)."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

RANGE = (0.2, 5.0)


def best_temperature(targets: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> float:
    """The temperature with the least negative log-likelihood.

    Args:
        targets: int64[N].
        probabilities: float32[N, K], a softmax's output; its logarithm differs from the logits by a constant per row.

    Returns:
        0.2 to 5: below 1 makes the probabilities sharper, above 1 flatter.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    rows = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1)
        total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(np.mean(total - scaled[rows, targets]))

    return float(np.exp(minimize_scalar(loss, bounds=np.log(RANGE), method="bounded").x))


def fold_temperature(model: keras.Model, temperature: float) -> None:
    """Divide the logits by `temperature` for good: weights and bias of the layer "probabilities".

    Args:
        model: changed in place.
        temperature: above 0.

    Raises:
        ValueError: the model has no such layer.
    """
    layer = model.get_layer("probabilities")
    layer.set_weights([weights / temperature for weights in layer.get_weights()])
