"""Full-precision predictions that travel without the full-precision model."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.models import OpenedModel
from fer_edge.errors import BadInputError, DataError, UsageError
from fer_edge.runtime.backends.base import Probabilities
from fer_edge.whole_file import whole_file

SCHEMA_VERSION = 1
REMEDY = "Write it again where the model runs: fer-edge verify ... --save-baseline FILE.npz"


@dataclass(frozen=True)
class SavedPredictions:
    """What the full-precision model said about a set of images.

    Attributes:
        name: the model's file name.
        runtime: what executed it.
        executed_precision: see `Backend`.
        size_bytes: of the model.
        source_sha256: of the checkpoint.
        labels: in the order of the outputs.
        images: exact fingerprint of each image; no name and no pixel is kept.
        targets: int64[N].
        probabilities: float32[N, len(labels)].
    """

    name: str
    runtime: str
    executed_precision: str
    size_bytes: int
    source_sha256: str
    labels: tuple[str, ...]
    images: tuple[str, ...]
    targets: npt.NDArray[np.int64]
    probabilities: Probabilities

    @classmethod
    def of(
        cls, model: OpenedModel, images: tuple[str, ...], targets: npt.NDArray[np.int64], probabilities: Probabilities
    ) -> SavedPredictions:
        """Record what an opened model predicted."""
        backend = model.backend
        return cls(
            name=model.path.name,
            runtime=backend.runtime,
            executed_precision=backend.executed_precision,
            size_bytes=model.size_bytes,
            source_sha256=model.source_sha256,
            labels=backend.contract.labels,
            images=images,
            targets=targets,
            probabilities=probabilities,
        )

    def save(self, path: Path) -> None:
        """Write a `.npz` without pickle; the name appears when the file is complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(
                stream,
                schema_version=np.int64(SCHEMA_VERSION),
                model=np.array([self.name, self.runtime, self.executed_precision, self.source_sha256]),
                size_bytes=np.int64(self.size_bytes),
                labels=np.array(self.labels),
                images=np.array(self.images),
                targets=self.targets,
                probabilities=self.probabilities,
            )

    @classmethod
    def read(cls, path: Path) -> SavedPredictions:
        """Read what `save` wrote.

        Raises:
            BadInputError: missing, damaged, or no file of this kind.
        """
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                version = int(stored["schema_version"])
                name, runtime, executed, source = (str(v) for v in stored["model"])
                saved = cls(
                    name=name,
                    runtime=runtime,
                    executed_precision=executed,
                    size_bytes=int(stored["size_bytes"]),
                    source_sha256=source,
                    labels=tuple(str(v) for v in stored["labels"]),
                    images=tuple(str(v) for v in stored["images"]),
                    targets=np.asarray(stored["targets"], np.int64),
                    probabilities=np.asarray(stored["probabilities"], np.float32),
                )
        except FileNotFoundError as error:
            raise BadInputError(f"there is no file {path}", REMEDY) from error
        except (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise BadInputError(f"{path} holds no saved baseline predictions ({error})", REMEDY) from error
        n = len(saved.images)
        if (
            version != SCHEMA_VERSION
            or saved.targets.shape != (n,)
            or saved.probabilities.shape != (n, len(saved.labels))
        ):
            raise BadInputError(f"{path} is damaged or of another version ({version})", REMEDY)
        return saved

    def check_images(self, images: tuple[str, ...], targets: npt.NDArray[np.int64], source: str) -> None:
        """Refuse data other than what was predicted.

        Raises:
            DataError: other images, another order, or other labels.
        """
        if self.images == images and np.array_equal(self.targets, targets):
            return
        common = len(set(self.images) & set(images))
        what = (
            "the order or the labels differ"
            if common == len(set(images)) == len(set(self.images))
            else (f"{common} images are in both")
        )
        raise DataError(
            f"the saved baseline predicted {len(self.images)} images and {source} has {len(images)}: {what}",
            f"Give the data that it was saved on. {REMEDY}",
        )


def check_output(path: Path) -> None:
    """Refuse a name that could not be given back as a baseline, or that is taken.

    Raises:
        UsageError: it does not end in .npz.
        BadInputError: the file exists.
    """
    if path.suffix != ".npz":
        raise UsageError(f"{path} does not end in .npz", f"Name it {path.with_suffix('.npz')}")
    if path.exists():
        raise BadInputError(f"{path} exists already", "Remove it, or give another name")
