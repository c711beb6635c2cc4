"""Labelled images in a folder or a zip: one folder per class, optionally under train/ and test/."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from fer_edge.contract import InputContract
from fer_edge.data.split_file import SplitFile, read_split, short_sha256
from fer_edge.errors import DataError
from fer_edge.preprocess import IMAGE_SUFFIXES, Image, decode_image, preprocess

SUBSETS = ("train", "test")
WHOLE = "all"  # the only subset of data that has none
OUTSIDE = "outside"  # in neither train/ nor test/, though they are there
MAX_FILES = 2_000_000
ZIP_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)  # of a damaged one
MAX_FILE_BYTES = 64 * 2**20
MAX_COMPRESSION = 500  # a solid-colour PNG inside a zip stays far below


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
        """Decode image `index`: uint8[h, w, 3], RGB, at its own size."""
        name = self.names[index]
        return decode_image(self.read_bytes(name), f"{self.source}: {name}")

    def batches(self, contract: InputContract, size: int = 64) -> Iterator[Image]:
        """Yield preprocessed faces, uint8[n, H, W, 3] with n <= `size`, in order."""
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
        prefer: the subset to take ("train" or "test") when the data has subsets and `data` picks none. Data without
            subsets is taken whole.
        labels: class names in the wanted order; None takes the folder names in alphabetical order.

    Raises:
        DataError: nothing there, damaged or hostile zip, no images, or folders that are not among `labels`.
    """
    path, _, subset = str(data).partition("#")
    if path.endswith(".json"):
        split = read_split(Path(path))
        subset = subset or (WHOLE if WHOLE in split.subsets else prefer)
        return _of_split(Path(path), split, subset, _names_of(Path(path), split, subset), labels)
    names, read_bytes = _list(Path(path))
    names = _choose_subset(str(data), names, subset, prefer)
    return _labelled(str(data), names, read_bytes, labels)


def open_whole(data: str | Path) -> tuple[LabelledImages, tuple[str, ...]]:
    """Open labelled images with all their subsets, or with the one that `data` picks.

    Returns:
        The images, and the subset of each: "train", "test" or another of a split file; `OUTSIDE` for images beside
        train/ and test/; `WHOLE` where there are no subsets.

    Raises:
        DataError: as in `open_images`.
    """
    path, _, subset = str(data).partition("#")
    if path.endswith(".json"):
        split = read_split(Path(path))
        pairs = [(s, n) for s in ([subset] if subset else split.subsets) for n in _names_of(Path(path), split, s)]
        subsets = tuple(s for s, _ in pairs)
        return _of_split(Path(path), split, subset, [n for _, n in pairs], None), subsets
    names, read_bytes = _list(Path(path))
    if subset:
        names = _choose_subset(str(data), names, subset, subset)
    images = _labelled(str(data), names, read_bytes, None)
    found = [next((s for s in SUBSETS if _is_below(name, s)), OUTSIDE) for name in names]
    return images, tuple(found if set(found) != {OUTSIDE} else [WHOLE] * len(found))


def _list(root: Path) -> tuple[list[str], Callable[[str], bytes]]:
    return _list_zip(root) if root.suffix.lower() == ".zip" else _list_folder(root)


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
            "Expected one folder per class, such as happy/0001.png, optionally under train/ and test/",
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
    """Keep one of train/ and test/; names are CLASS/FILE or SUBSET/CLASS/FILE, maybe under one more folder."""
    present = [s for s in SUBSETS if any(_is_below(n, s) for n in names)]
    if subset and subset not in present:
        raise DataError(f"{source}: there is no {subset}/ folder", f"Subsets there: {', '.join(present) or 'none'}")
    wanted = subset or (prefer if prefer in present else "")
    if not wanted and present:
        raise DataError(f"{source} has {', '.join(present)} but no {prefer}/", f"Name one: {source}#{present[0]}")
    return [n for n in names if _is_below(n, wanted)] if wanted else names


def _is_below(name: str, subset: str) -> bool:
    return subset in PurePosixPath(name).parts[:-2]


def _is_image(path: PurePosixPath) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _list_folder(root: Path) -> tuple[list[str], Callable[[str], bytes]]:
    if not root.is_dir():
        raise DataError(f"there is no folder or zip {root}", "Check the path given for the data")
    names = sorted(path.as_posix() for path in map(PurePosixPath, _files(root)) if _is_image(path))

    def read_bytes(name: str) -> bytes:
        path = root / name
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise DataError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MB", "Remove it or scale it down")
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}", "Check that the data is complete") from error

    return names, read_bytes


def _files(root: Path) -> Iterator[str]:
    """Paths of the files below `root`, relative to it; links to folders are followed, once each."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        below = Path(folder).relative_to(root)
        yield from ((below / file).as_posix() for file in files)


def _list_zip(path: Path) -> tuple[list[str], Callable[[str], bytes]]:
    """List a zip without extracting it: members are read one at a time, into memory, within limits."""
    try:
        archive = zipfile.ZipFile(path)  # stays open as long as the images are read
    except FileNotFoundError as error:
        raise DataError(f"there is no folder or zip {path}", "Check the path given for the data") from error
    except ZIP_ERRORS as error:
        raise DataError(f"{path} is not a complete zip file ({error})", "Download or pack it again") from error
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise DataError(f"{path} holds {len(members)} files, more than {MAX_FILES}", "Split it")
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise DataError(f"{path} holds a path that leads outside: {member.filename!r}", "Do not use this file")
        if member.file_size > MAX_FILE_BYTES or member.file_size > MAX_COMPRESSION * max(member.compress_size, 1):
            raise DataError(
                f"{path}: {member.filename!r} would unpack to {member.file_size} bytes from {member.compress_size}",
                "This looks like a zip bomb; do not use this file",
            )

    def read_bytes(name: str) -> bytes:
        try:
            with archive.open(name) as member:
                data = member.read(MAX_FILE_BYTES + 1)
        except ZIP_ERRORS as error:
            raise DataError(f"{path}: cannot read {name}: {error}", "Download or pack it again") from error
        if len(data) > MAX_FILE_BYTES:
            raise DataError(f"{path}: {name} unpacks to more than {MAX_FILE_BYTES >> 20} MB", "Do not use this file")
        return data

    return sorted(m.filename for m in members if not m.is_dir() and _is_image(PurePosixPath(m.filename))), read_bytes


def data_root(data: str) -> Path:
    """The folder or zip, absolute, that `data` (see `open_images`) takes its images from."""
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
    known, read_bytes = _list(Path(split.data))
    missing = sorted(set(names) - set(known))
    if missing:
        raise DataError(f"{split.data} lacks {len(missing)} images of {path}, such as {missing[0]}", "Restore the data")

    def read_same(name: str) -> bytes:
        content = read_bytes(name)
        if short_sha256(content) != split.sha256.get(name, short_sha256(content)):
            raise DataError(f"{split.data}: {name} has changed since {path} was written", "Restore it, or split again")
        return content

    return _labelled(f"{path}#{subset}" if subset else str(path), names, read_same, labels, split.rename)
