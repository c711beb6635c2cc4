"""Labelled images in a folder or a zip: one folder per class, optionally under train/, tuning/ and test/."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from fer_edge.contract import InputContract
from fer_edge.data.listing import list_pictures
from fer_edge.data.split_file import SplitFile, read_split, short_sha256
from fer_edge.errors import DataError
from fer_edge.preprocess import Image, decode_image, preprocess

SUBSETS = ("train", "tuning", "test")  # names of folders, in any case
WHOLE = "all"  # the only subset of data that has none
OUTSIDE = "outside"  # in none of them, though there is one


@dataclass(frozen=True)
class LabelledImages:
    """A list of image files with their labels; the pixels are read when they are asked for.

    Attributes:
        source: what the user named, for messages.
        labels: class names in the order of `targets`.
        names: path of each image below the root, with forward slashes.
        targets: int64[N], index into `labels`.
        read_bytes: returns the encoded file of a name.
    """

    source: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    targets: npt.NDArray[np.int64]
    read_bytes: Callable[[str], bytes]

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Image:
        """Decode image `index`: uint8[h, w, 3], RGB in 0-255, at its own size.

        Raises:
            BadInputError, DataError: it is missing, damaged or too large.
        """
        name = self.names[index]
        return decode_image(self.read_bytes(name), f"{self.source}: {name}")

    def batches(self, contract: InputContract, size: int = 64) -> Iterator[Image]:
        """Yield preprocessed faces, uint8[n, H, W, 3], RGB in 0-255, with n <= `size`, in order.

        Raises:
            BadInputError, DataError: see `image`.
        """
        for start in range(0, len(self), size):
            yield np.stack([preprocess(self.image(i), contract) for i in range(start, min(start + size, len(self)))])

    def array(self, contract: InputContract) -> Image:
        """All preprocessed faces, uint8[N, H, W, 3]."""
        return np.concatenate(list(self.batches(contract)))

    def take(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> LabelledImages:
        """The images at `indices`, in that order."""
        picked = np.asarray(indices, np.int64)
        return replace(self, names=tuple(self.names[i] for i in picked), targets=self.targets[picked])

    def sha256(self) -> str:
        """Identify the set: SHA-256 over names and encoded bytes."""
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(name.encode() + b"\0" + hashlib.sha256(self.read_bytes(name)).digest())
        return digest.hexdigest()


def open_images(data: str | Path, prefer: str, labels: Sequence[str] | None = None) -> LabelledImages:
    """Open labelled images.

    Args:
        data: a folder, a `.zip`, or a `split.json` (see `fer_edge.data.split_file`); "#NAME" at the end picks one
            subset ("faces.zip#test", "split.json#tuning").
        prefer: the subset to take when the data has subsets and `data` picks none. Data without subsets is taken whole.
        labels: class names in the wanted order; None takes the folder names in alphabetical order.

    Raises:
        DataError: nothing there, damaged or hostile zip, no images, folders that are not among `labels`, or a class in
            several places that are not subsets.
    """
    path, _, subset = str(data).partition("#")
    if path.endswith(".json"):
        split = read_split(Path(path))
        subset = subset or (WHOLE if WHOLE in split.subsets else prefer)
        return _of_split(Path(path), split, subset, _names_of(Path(path), split, subset), labels)
    names, read_bytes = list_pictures(Path(path))
    names = _choose_subset(str(data), names, subset, prefer)
    return _labelled(str(data), names, read_bytes, labels)


def open_whole(data: str | Path) -> tuple[LabelledImages, tuple[str, ...]]:
    """Open labelled images with all their subsets, or with the one that `data` picks.

    Returns:
        The images, and the subset of each: one of `SUBSETS` or of a split file's; `OUTSIDE` for images beside them;
        `WHOLE` where there are no subsets.

    Raises:
        DataError: as in `open_images`.
    """
    path, _, subset = str(data).partition("#")
    if path.endswith(".json"):
        split = read_split(Path(path))
        pairs = [(s, n) for s in ([subset] if subset else split.subsets) for n in _names_of(Path(path), split, s)]
        subsets = tuple(s for s, _ in pairs)
        return _of_split(Path(path), split, subset, [n for _, n in pairs], None), subsets
    names, read_bytes = list_pictures(Path(path))
    if subset:
        names = _choose_subset(str(data), names, subset, subset)
    images = _labelled(str(data), names, read_bytes, None)
    found = [next((s for s in SUBSETS if _is_below(name, s)), OUTSIDE) for name in names]
    if set(found) == {OUTSIDE}:
        _check_unsplit(str(data), names)
        found = [WHOLE] * len(found)
    return images, tuple(found)


def subsets_of(data: str | Path) -> tuple[str, ...]:
    """The subsets that can be picked of labelled images; none where `data` picks one already.

    Raises:
        DataError: nothing there, or a damaged or hostile zip.
    """
    path, _, subset = str(data).partition("#")
    if subset:
        return ()
    return tuple(read_split(Path(path)).subsets) if path.endswith(".json") else _present(list_pictures(Path(path))[0])


def _labelled(
    source: str,
    names: Sequence[str],
    read_bytes: Callable[[str], bytes],
    labels: Sequence[str] | None,
    rename: Mapping[str, str] | None = None,
) -> LabelledImages:
    folders = [PurePosixPath(name).parent.name for name in names]
    classes = [(rename or {}).get(folder, folder) for folder in folders]
    found = sorted(set(classes))
    if stray := [name for name, label in zip(names, classes, strict=True) if not label and len(found) > 1]:
        raise DataError(f"{source} holds {stray[0]} outside the class folders", "Move it into one, or remove it")
    if not names or found == [""]:
        raise DataError(
            f"{source} holds no images in class folders",
            "Expected one folder per class, such as happy/0001.png, optionally under train/, tuning/ and test/",
        )
    order = tuple(labels) if labels is not None else tuple(found)
    unknown = [c for c in found if c not in order]
    if unknown:
        raise DataError(
            f"{source} has class folders that the model does not know: {', '.join(unknown) or '(none)'}",
            f"The model's classes are: {', '.join(order)}. Rename or remove the others",
        )
    index = {label: i for i, label in enumerate(order)}
    return LabelledImages(source, order, tuple(names), np.array([index[c] for c in classes], np.int64), read_bytes)


def _choose_subset(source: str, names: list[str], subset: str, prefer: str) -> list[str]:
    """Keep one subset; names are CLASS/FILE or SUBSET/CLASS/FILE, maybe under one more folder."""
    present, subset = _present(names), subset.lower()
    if subset and subset not in present:
        raise DataError(f"{source}: there is no {subset}/ folder", f"Subsets there: {', '.join(present) or 'none'}")
    wanted = subset or (prefer if prefer in present else "")
    if not wanted and present:
        raise DataError(f"{source} has {', '.join(present)} but no {prefer}/", f"Name one: {source}#{present[0]}")
    if not present:
        _check_unsplit(source, names)
    return [n for n in names if _is_below(n, wanted)] if wanted else names


def _present(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(s for s in SUBSETS if any(_is_below(n, s) for n in names))


def _is_below(name: str, subset: str) -> bool:
    return subset in PurePosixPath(name.lower()).parts[:-2]


def _check_unsplit(source: str, names: Sequence[str]) -> None:
    """Refuse to take one class from several places together: they may be a training and a test set by other names."""
    places: dict[str, set[str]] = {}
    for folder in {PurePosixPath(name).parent for name in names}:
        places.setdefault(folder.name, set()).add(str(folder.parent))
    for label, found in places.items():
        if label and len(found) > 1:
            raise DataError(
                f"{source} holds {label}/ in {', '.join(sorted(found)[:4])}",
                "Name these folders train, tuning or test, give one of them, or put each class into one folder",
            )


def data_root(data: str) -> Path:
    """The folder or zip, absolute, that `data` (see `open_images`) takes its images from.

    Raises:
        DataError: `data` is a split file that is damaged or cannot be read.
    """
    path = Path(data.partition("#")[0])
    return Path(read_split(path).data if path.suffix == ".json" else path).resolve()


def _names_of(path: Path, split: SplitFile, subset: str) -> tuple[str, ...]:
    if subset not in split.subsets:
        there = ", ".join(split.subsets) or "none"
        raise DataError(f"{path} has no subset {subset!r}", f"Subsets there: {there}")
    return split.subsets[subset]


def _of_split(
    path: Path, split: SplitFile, subset: str, names: Sequence[str], labels: Sequence[str] | None
) -> LabelledImages:
    """The images of a split file; each is compared with its hash, where there is one, when it is read."""
    known, read_bytes = list_pictures(Path(split.data))
    missing = sorted(set(names) - set(known))
    if missing:
        raise DataError(f"{split.data} lacks {len(missing)} images of {path}, such as {missing[0]}", "Restore the data")

    def read_same(name: str) -> bytes:
        content = read_bytes(name)
        if short_sha256(content) != split.sha256.get(name, short_sha256(content)):
            raise DataError(f"{split.data}: {name} has changed since {path} was written", "Restore it, or split again")
        return content

    return _labelled(f"{path}#{subset}" if subset else str(path), names, read_same, labels, split.rename)
