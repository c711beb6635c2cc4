"""Read what a `.keras` checkpoint says about itself, without Keras."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fer_edge.errors import CheckpointError, problems
from fer_edge.manifest import CheckpointInfo

MEMBER = "fer_edge.json"
# What reading a damaged zip raises, and what Keras raises on a damaged or foreign one.
READING_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError)
LOADING_ERRORS = (*READING_ERRORS, TypeError, AttributeError, ImportError)
MAX_MEMBER_BYTES = 16 * 2**20
SAVE_AGAIN = "Copy the file again from where it was made, or save it again with model.save('NAME.keras')"


def read_checkpoint_info(path: str | Path) -> CheckpointInfo | None:
    """Read the contract and training record inside a checkpoint; None for a foreign `.keras` without them.

    Raises:
        CheckpointError: missing file, no `.keras` file, damaged, or with a layer that runs code (Lambda).
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            config = _read_json(archive, "config.json")
            info = _read_json(archive, MEMBER) if MEMBER in archive.namelist() else None
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no file {path}", "Check the path; fer-edge train writes one") from error
    except READING_ERRORS as error:
        if path.suffix in (".tflite", ".onnx", ".xml"):
            raise CheckpointError(f"{path} is a converted model, not a checkpoint", "Name the .keras file") from error
        raise CheckpointError(f"{path} is not a complete .keras file ({error})", SAVE_AGAIN) from error
    _refuse_code(path, config)
    if info is None:
        return None
    try:
        return CheckpointInfo.model_validate(info)
    except ValidationError as error:
        raise CheckpointError(
            f"{path}: {MEMBER} is not valid: {problems(error, CheckpointInfo)}", "Train or export the model again"
        ) from error


def add_checkpoint_info(path: Path, info: CheckpointInfo) -> None:
    """Append the record to a `.keras` file that has none; Keras ignores the extra member."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, info.model_dump_json(indent=1))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _read_json(archive: zipfile.ZipFile, name: str) -> Any:  # noqa: ANN401 - JSON
    if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
        raise ValueError(f"{name} is larger than {MAX_MEMBER_BYTES >> 20} MB")
    return json.loads(archive.read(name))


def _refuse_code(path: Path, node: object) -> None:
    """Refuse layers that carry Python code; Keras' safe mode would too, but at length and only when it loads."""
    if isinstance(node, dict):
        if node.get("class_name") in ("Lambda", "__lambda__"):
            raise CheckpointError(
                f"{path} contains a Lambda layer, which runs code from the file when it is loaded",
                "Replace it by a built-in layer (Rescaling, Normalization, ...) and save the model again",
            )
        for value in node.values():
            _refuse_code(path, value)
    elif isinstance(node, list):
        for value in node:
            _refuse_code(path, value)
