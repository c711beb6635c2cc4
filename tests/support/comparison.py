"""Models that need no file, and labelled pictures on disk, for the tests of verification and benchmark."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fer_edge.errors import FerEdgeError
from fer_edge.manifest import Format, GoldenSample, Manifest, Parity, Precision, Source
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.base import CheckedBackend
from tests.support.tiny_models import CONTRACT, LABELS, tiny_images

SOURCE = Source(name="tiny.keras", sha256="a" * 64, architecture="tiny")


class ColourBackend(CheckedBackend):
    """Tells which channel is strongest; `scale` and `order` break it on purpose.

    Args:
        scale: factor on each channel.
        order: the channel behind each label.
        seconds: how long a face takes.
    """

    def __init__(
        self,
        scale: tuple[float, float, float] = (1, 1, 1),
        order: tuple[int, int, int] = (0, 1, 2),
        seconds: float = 0.0,
        runtime: str = "fake 1.0",
        executed: str = "fp32",
    ) -> None:
        super().__init__(CONTRACT, runtime, executed)
        self._scale, self._order, self._seconds = np.array(scale), list(order), seconds
        self.closed = False

    def _infer(self, face: Image) -> npt.NDArray[np.float32]:
        time.sleep(self._seconds)
        logits = (face.mean(axis=(0, 1, 2)) * self._scale)[self._order] / 20
        exponentials = np.exp(logits - logits.max())
        return np.asarray(exponentials / exponentials.sum(), np.float32)

    def close(self) -> None:
        self.closed = True


def manifest(precision: Precision = Precision.FP32, **changes: object) -> Manifest:
    """A manifest for a model that is no file."""
    fields: dict[str, Any] = {
        "format": Format.TFLITE,
        "precision": precision,
        "contract": CONTRACT,
        "golden": GoldenSample.of(tiny_images(1)[0][0], np.array([0.9, 0.05, 0.05], np.float32)),
        "payload_sha256": "b" * 64,
        "source": SOURCE,
        "plan": "plain",
        "parity": Parity(
            count=1, agreement=1, max_probability_difference=0, mean_probability_difference=0, sqnr_db=None
        ),
        "tools": {},
    }
    return Manifest(**{**fields, **changes})


@dataclass
class Shelf:
    """File name -> model; the functions that open files are replaced by look-ups here."""

    models: dict[str, tuple[Callable[[], CheckedBackend], Manifest]] = field(default_factory=dict)
    opened: list[ColourBackend] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)
    errors: dict[str, FerEdgeError] = field(default_factory=dict)

    def put(self, name: str, made: Manifest | None = None, **options: Any) -> str:
        """Add a model; returns its name."""
        self.models[name] = (lambda: ColourBackend(**options), made or manifest())
        return name

    def load(self, path: str | Path, *, threads: int | None = None, runtime: str | None = None) -> CheckedBackend:
        """Stands in for `fer_edge.runtime.load.load`."""
        name = Path(path).name
        if name in self.errors:
            raise self.errors[name]
        if name in self.warnings:
            warnings.warn(self.warnings[name], UserWarning, stacklevel=2)
        backend = self.models[name][0]()
        assert isinstance(backend, ColourBackend)
        self.opened.append(backend)
        return backend


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An empty shelf; footprints are made up, since a new process would not know it."""
    from fer_edge.evaluation.results import Footprint

    made = Shelf()
    monkeypatch.setattr("benchmarks.models.load", made.load)
    monkeypatch.setattr("benchmarks.models.read_manifest", lambda path: made.models[Path(path).name][1])
    monkeypatch.setattr("benchmarks.models.size_bytes", lambda path: 1000)
    monkeypatch.setattr("benchmarks.job.footprint", lambda *_: Footprint(50.0, 12.5))
    return made


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which every latency run is valid."""
    monkeypatch.setattr("benchmarks.latency._problems", lambda *_: ())


def write_pictures(root: Path, count: int, seed: int = 0) -> Path:
    """Write `count` labelled pictures in one folder per label."""
    faces, labels = tiny_images(count, seed)
    for i, (face, label) in enumerate(zip(faces, labels, strict=True)):
        folder = root / LABELS[label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{i:04}.png"), cv2.cvtColor(face, cv2.COLOR_RGB2BGR))
    return root
