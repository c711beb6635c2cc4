"""Read and write what a converted model says about itself, inside its own file, without the converters' packages.

TFLite: `manifest.json` in a ZIP appended to the flatbuffer. ONNX: `metadata_props["fer_edge.manifest"]`. OpenVINO:
`<fer_edge><manifest value="..."/></fer_edge>` in the `<rt_info>` of the net. The text is
`{"sha256": "...", "manifest": {...}}`, so that a changed byte in the manifest is noticed as well as one in the model.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from pydantic import ValidationError

from fer_edge.artifact_formats import AGAIN, MAX_MANIFEST_BYTES, OpenedFile, open_onnx, open_openvino, open_tflite
from fer_edge.errors import ArtifactError
from fer_edge.manifest import Format, Manifest
from fer_edge.whole_file import whole_file

SEAL = re.compile(rb'\{"sha256":"([0-9a-f]{64})","manifest":(.*)\}', re.DOTALL)
OPENERS = {Format.TFLITE: open_tflite, Format.ONNX: open_onnx, Format.OPENVINO: open_openvino}


def detect_format(path: Path) -> Format:
    """Tell the format from the file's first bytes.

    Raises:
        ArtifactError: missing, empty, unreadable, or none of the formats.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(256)
    except OSError as error:
        raise ArtifactError(f"cannot open {path}: {error.strerror}", "Check the path") from error
    if not head:
        raise ArtifactError(f"{path} is empty", AGAIN)
    if head[4:8] == b"TFL3":
        return Format.TFLITE
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<net")):
        return Format.OPENVINO
    if head[0] == 0x08 and path.suffix == ".onnx":  # ModelProto begins with ir_version
        return Format.ONNX
    if path.suffix == ".keras":
        raise ArtifactError(f"{path} is a checkpoint, not a converted model", f"Give it as --baseline {path}")
    if path.suffix == ".bin" and path.with_suffix(".xml").exists():
        raise ArtifactError(f"{path} holds only weights", f"Name {path.with_suffix('.xml')} instead")
    raise ArtifactError(f"{path} is no TFLite, ONNX or OpenVINO (.xml) model", "Check the path; " + AGAIN)


def artifact_files(path: Path) -> tuple[Path, ...]:
    """The file and, for OpenVINO, the weights beside it.

    Raises:
        ArtifactError: a file is missing.
    """
    if detect_format(path) is not Format.OPENVINO:
        return (path,)
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise ArtifactError(
            f"{path} lacks its weights: there is no {weights}", "Copy the .bin file along with the .xml"
        )
    return path, weights


def size_bytes(path: Path) -> int:
    """Size of all its files."""
    return sum(file.stat().st_size for file in artifact_files(path))


def payload_sha256(path: Path, fmt: Format) -> str:
    """SHA-256 of the model without its manifest: the same before and after `write_manifest`.

    Raises:
        ArtifactError: missing, truncated or of another format.
    """
    digest = hashlib.sha256()
    for part in _open(path, fmt).payload:
        digest.update(part)
    return digest.hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read the manifest inside a model.

    Raises:
        ArtifactError: missing, truncated or foreign file; a manifest that is damaged or of a newer fer-edge.
    """
    fmt = detect_format(path)
    text = _open(path, fmt).text
    if text is None:
        raise ArtifactError(f"{path} carries no fer-edge manifest: it was cut short, or another program made it", AGAIN)
    seal = SEAL.fullmatch(text)
    if seal is None or hashlib.sha256(seal[2]).hexdigest() != seal[1].decode():
        raise ArtifactError(f"the manifest inside {path} was altered or damaged", AGAIN)
    try:
        manifest = Manifest.model_validate_json(seal[2])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ArtifactError(
            f"the manifest inside {path} is not valid: {where}: {first['msg']}",
            "Update fer-edge if a newer one made the file: pip install --upgrade fer-edge",
        ) from error
    if manifest.format is not fmt:
        raise ArtifactError(f"{path} is a {fmt.value} model with the manifest of a {manifest.format.value} one", AGAIN)
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Embed `manifest` in the model at `path`, replacing an older one; the file changes at once or not at all.

    Raises:
        ArtifactError: no model of the manifest's format, or a manifest that is too large.
    """
    inner = manifest.model_dump_json().encode()
    if len(inner) > MAX_MANIFEST_BYTES // 2:  # what XML escapes may double it
        raise ArtifactError(f"the manifest of {path} would take {len(inner)} bytes", "Use fewer calibration images")
    text = b'{"sha256":"%s","manifest":%s}' % (hashlib.sha256(inner).hexdigest().encode(), inner)
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        for part in _open(path, manifest.format).sealed(text):
            stream.write(part)


def _open(path: Path, fmt: Format) -> OpenedFile:
    found = detect_format(path)
    if found is not fmt:
        raise ArtifactError(f"{path} is a {found.value} model, not {fmt.value}", "Check the path")
    try:
        return OPENERS[fmt](path)
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}", "Check the path") from error
