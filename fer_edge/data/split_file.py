"""The `split.json`: which images of a folder or zip belong to which subset, under which label, with which content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fer_edge.errors import BadInputError, DataError, UsageError
from fer_edge.whole_file import write_text_file

if TYPE_CHECKING:
    from fer_edge.data.folder import LabelledImages

WRITERS = "fer-edge data split, fer-edge data audit --fix and fer-edge train write one"


@dataclass(frozen=True)
class SplitFile:
    """What a `split.json` says.

    Attributes:
        data: the folder or zip that holds the images.
        subsets: subset -> names of its images below `data`.
        rename: class folder -> label, where the two differ.
        sha256: name -> `short_sha256` of the file; files of early versions have none.
    """

    data: str
    subsets: dict[str, tuple[str, ...]]
    rename: dict[str, str]
    sha256: dict[str, str]


def short_sha256(content: bytes) -> str:
    """First 16 hexadecimal digits of the SHA-256: enough to notice a change, not to stop a forger."""
    return hashlib.sha256(content).hexdigest()[:16]


def read_split(path: Path) -> SplitFile:
    """Read a `split.json`.

    Raises:
        DataError: no such file, or it is not one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return SplitFile(
            str(content["data"]),
            {str(subset): tuple(str(name) for name in names) for subset, names in content["subsets"].items()},
            {str(folder): str(label) for folder, label in content.get("rename", {}).items()},
            {str(name): str(digest) for name, digest in content.get("sha256", {}).items()},
        )
    except FileNotFoundError as error:
        raise DataError(f"there is no split file {path}", WRITERS) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is no split file ({error})", WRITERS) from error


def write_split(path: Path, data: str | Path, subsets: Mapping[str, LabelledImages]) -> None:
    """Write a `split.json`; reads every image's file once for its hash.

    Args:
        path: the file.
        data: the folder or zip, absolute or relative, that the images come from.
        subsets: subset -> its images.
    """
    rename, digests = {}, {}
    for images in subsets.values():
        for name, target in zip(images.names, images.targets, strict=True):
            folder, label = PurePosixPath(name).parent.name, images.labels[target]
            digests[name] = short_sha256(images.read_bytes(name))
            if folder != label:
                rename[folder] = label
    content = {
        "schema_version": 1,
        "data": str(data),
        "subsets": {subset: list(images.names) for subset, images in subsets.items()},
        "rename": rename,
        "sha256": digests,
    }
    write_text_file(path, json.dumps(content, indent=0))


def check_new_split(path: Path, overwrite: bool) -> None:
    """Refuse, before any work, a path that `write_split` could not or should not write.

    Raises:
        UsageError: it does not end in .json, by which a split file is known.
        BadInputError: it exists and may not be replaced, or its folder does not.
    """
    if path.suffix != ".json":
        raise UsageError(f"{path} does not end in .json", f"Write {path.with_suffix('.json')}")
    if path.exists() and not overwrite:
        raise BadInputError(f"{path} exists already", "Give another name, or --overwrite to replace it")
    if not path.parent.is_dir():
        raise BadInputError(f"there is no folder {path.parent} for {path.name}", f"mkdir -p {path.parent}")
