"""What a crowd of raters said about each image: soft labels for training, a yardstick for evaluation."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from fer_edge.data.folder import LabelledImages
from fer_edge.errors import DataError
from fer_edge.whole_file import write_text_file

MAX_BYTES = 256 * 2**20
MAX_VOTES = 10**6
EXPECTED = "Expected the columns file (as the data names its images) and one per class, each holding a number of votes"


@dataclass(frozen=True)
class Votes:
    """The votes of one set of images.

    Attributes:
        counts: float64[N, K], non-negative, each row with at least one vote for one of the K labels.
        sha256: of the file they came from.
    """

    counts: npt.NDArray[np.float64]
    sha256: str

    @property
    def shares(self) -> npt.NDArray[np.float32]:
        """Share of each label among an image's votes: float32[N, K], rows sum to 1."""
        shares: npt.NDArray[np.float32] = (self.counts / self.counts.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def read_votes(path: Path, images: LabelledImages) -> Votes:
    """Read the votes of `images` from a CSV file; votes for anything but their labels are left out.

    Raises:
        DataError: no such file, a missing column or image, a value that is no number of votes, an image without any.
    """
    data, by_name = _read_rows(path, images.labels)
    counts = np.empty((len(images), len(images.labels)))
    for index, name in enumerate(images.names):
        if (votes := by_name.get(_key(name))) is None:
            raise DataError(f"{path} has no votes for {name}", "Give the votes that belong to this data")
        counts[index] = [_number(path, votes, label) for label in images.labels]
    empty = np.flatnonzero(counts.sum(axis=1) == 0)
    if len(empty):
        raise DataError(f"{path} has no vote for any of the labels of {images.names[empty[0]]}", "Drop the image")
    return Votes(counts, hashlib.sha256(data).hexdigest())


def write_votes(path: Path, images: LabelledImages, shares: npt.NDArray[np.float64], source: Path) -> None:
    """Write a copy of the votes `source` with the shares (float64[N, K]) for `images`; other images keep their votes.

    Only images with a row in `source` are written, and of its columns `file` and those of the labels.

    Raises:
        DataError: see `read_votes`.
    """
    _, rows = _read_rows(source, images.labels)
    new = dict(zip(map(_key, images.names), shares, strict=True))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", *images.labels])
    for key, row in rows.items():
        if key in new:
            cells = [f"{share:.5g}" for share in new[key]]
        else:
            cells = [f"{_number(source, row, label):.9g}" for label in images.labels]
        table.writerow([row["file"], *cells])
    write_text_file(path, text.getvalue())


def _read_rows(path: Path, labels: Sequence[str]) -> tuple[bytes, dict[str, dict[str, str]]]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES >> 20} MB", EXPECTED)
        rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    except OSError as error:
        raise DataError(f"cannot read the votes {path}: {error.strerror}", EXPECTED) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file: {error}", EXPECTED) from error
    missing = [c for c in ("file", *labels) if not rows or c not in rows[0]]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}", EXPECTED)
    by_name: dict[str, dict[str, str]] = {}
    for row in rows:
        key = _key(row["file"] or "")
        if key in by_name:
            raise DataError(f"{path} has two rows for {row['file']}", "Keep one")
        by_name[key] = row
    return data, by_name


def _key(name: str) -> str:
    """Subset, class and file name: what stays the same wherever the data lies."""
    return "/".join(PurePosixPath(name).parts[-3:])


def _number(path: Path, row: dict[str, str], label: str) -> float:
    try:
        value = float(row[label])
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value <= MAX_VOTES:
        raise DataError(f"{path}: {row['file']} has {row[label]!r} votes for {label}", EXPECTED)
    return value
