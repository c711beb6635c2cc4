"""The protocol that every runtime fulfils, and the checks they share."""

from __future__ import annotations

import abc
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from fer_edge.contract import InputContract
from fer_edge.errors import BadInputError
from fer_edge.preprocess import Image

UINT8 = np.dtype(np.uint8)
Probabilities = npt.NDArray[np.float32]


@runtime_checkable
class Backend(Protocol):
    """An opened model.

    Attributes:
        runtime: name and version of what executes, such as "ai-edge-litert 2.3.0".
        executed_precision: what the arithmetic really runs in ("fp32", "fp16", "bf16", "int8", "int8 weights").
        contract: what the model expects and what its outputs mean.
    """

    runtime: str
    executed_precision: str
    contract: InputContract

    def predict(self, faces: Image) -> Probabilities:
        """Classify faces.

        Args:
            faces: uint8[N, H, W, 3], RGB, 0-255, NHWC, at the contract's size (see `fer_edge.preprocess`).

        Returns:
            float32[N, len(contract.labels)], each row non-negative and summing to 1.

        Raises:
            BadInputError: another dtype or shape.
        """
        ...

    def close(self) -> None:
        """Release the model; `predict` must not be called afterwards."""
        ...


class CheckedBackend(abc.ABC):
    """Checks what comes in, loops over faces, normalises what goes out; a runtime fills `_infer`."""

    def __init__(self, contract: InputContract, runtime: str, executed_precision: str) -> None:
        self.contract = contract
        self.runtime = runtime
        self.executed_precision = executed_precision
        self._shape = (contract.height, contract.width, 3)
        self._ones = np.ones(len(contract.labels), np.float32)

    @abc.abstractmethod
    def _infer(self, face: Image) -> npt.NDArray[np.float32]:
        """Run one face, uint8[1, H, W, 3]; return its raw probabilities, float32[K]."""

    def predict(self, faces: Image) -> Probabilities:
        """See `Backend.predict`."""
        self._check(faces)
        if len(faces) == 1:  # a camera's usual case: as few calls as possible
            row = self._infer(faces)
            total = row.dot(self._ones)
            return (row / total if total > 0 else np.full_like(row, np.nan))[None]
        out = np.empty((len(faces), len(self.contract.labels)), np.float32)
        for i in range(len(faces)):
            out[i] = self._infer(faces[i : i + 1])
        return normalised(out)

    def _check(self, faces: Image) -> None:
        if faces.dtype != UINT8 or faces.ndim != 4 or faces.shape[1:] != self._shape:
            height, width, channels = self._shape
            raise BadInputError(
                f"predict takes uint8[N, {height}, {width}, {channels}], not {faces.dtype}{list(faces.shape)}",
                "Pass each face through fer_edge.preprocess(face, model.contract) and stack the results",
            )

    def close(self) -> None:  # noqa: B027 - most runtimes have nothing to release
        """Release the model."""

    def __enter__(self) -> CheckedBackend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def normalised(probabilities: Probabilities) -> Probabilities:
    """Scale each row to sum 1: int8 outputs are multiples of 1/256 and sum to it only nearly."""
    total = probabilities.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(probabilities, total, out=np.full_like(probabilities, np.nan), where=total > 0))
