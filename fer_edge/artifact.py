"""Read and write what a converted model says about itself, inside its own file, without the converters' packages.

TFLite: `manifest.json` in a ZIP appended to the flatbuffer. ONNX: `metadata_props["fer_edge.manifest"]`. OpenVINO:
`<fer_edge><manifest value="..."/></fer_edge>` in the `<rt_info>` of the net. The text is
`{"sha256": "...", "manifest": {...}}`, so that a changed byte in the manifest is noticed as well as one in the model.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, unescape

from pydantic import ValidationError

from fer_edge.errors import ArtifactError
from fer_edge.manifest import Format, Manifest

MEMBER = "manifest.json"
ONNX_KEY = b"fer_edge.manifest"
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_XML_BYTES = 128 * 2**20
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same conversion gives the same bytes
AGAIN = "Copy the file again from where it was made, or make it again with fer-edge convert"
SEAL = re.compile(rb'\{"sha256":"([0-9a-f]{64})","manifest":(.*)\}', re.DOTALL)
XML_MANIFEST = re.compile(rb'<fer_edge>\s*<manifest value="([^"]*)"\s*/>\s*</fer_edge>')
QUOTES = {'"': "&quot;", "\n": "&#10;"}

_Part = bytes | memoryview


@dataclass(frozen=True)
class _Opened:
    """A model file taken apart.

    Attributes:
        payload: the model without its manifest, in pieces.
        text: the manifest as it is stored; None where there is none.
        sealed: makes the whole new file from a stored text, in pieces.
    """

    payload: Sequence[_Part]
    text: bytes | None
    sealed: Callable[[bytes], Sequence[_Part]]


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
        raise ArtifactError(f"{path} lacks its weights: there is no {weights}", "Copy the .bin file along with the .xml")
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
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with temporary.open("wb") as stream:
            for part in _open(path, manifest.format).sealed(text):
                stream.write(part)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _open(path: Path, fmt: Format) -> _Opened:
    found = detect_format(path)
    if found is not fmt:
        raise ArtifactError(f"{path} is a {found.value} model, not {fmt.value}", "Check the path")
    try:
        return _OPENERS[fmt](path)
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}", "Check the path") from error


def _map(path: Path) -> memoryview:
    """The file's bytes, read by the system as they are used."""
    with path.open("rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)) if path.stat().st_size else memoryview(b"")


def _limited(path: Path, text: bytes) -> bytes:
    if len(text) > MAX_MANIFEST_BYTES:
        raise ArtifactError(f"the manifest inside {path} is larger than {MAX_MANIFEST_BYTES >> 20} MB", AGAIN)
    return text


# TFLite


def _open_tflite(path: Path) -> _Opened:
    data, text = _map(path), None
    try:
        with zipfile.ZipFile(path) as archive:
            end = min((member.header_offset for member in archive.infolist()), default=len(data))
            if MEMBER in archive.namelist():
                with archive.open(MEMBER) as stream:
                    text = _limited(path, stream.read(MAX_MANIFEST_BYTES + 1))
    except zipfile.BadZipFile as error:
        if "CRC" in str(error):
            raise ArtifactError(f"the manifest inside {path} was altered or damaged", AGAIN) from error
        end = len(data)
    except (RuntimeError, NotImplementedError, EOFError, ValueError) as error:  # encrypted, unknown compression
        raise ArtifactError(f"the manifest inside {path} is not readable: {error}", AGAIN) from error
    payload = data[:end]
    return _Opened((payload,), text, lambda new: (payload, _zipped(new)))


def _zipped(text: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(MEMBER, ZIP_DATE), text)
    return buffer.getvalue()


# ONNX: a protobuf message is a row of fields, and appending a field to its bytes appends to the repeated field.


def _open_onnx(path: Path) -> _Opened:
    data, text, has_graph = _map(path), None, False
    payload: list[_Part] = []
    try:
        for number, start, body, end in _fields(data):
            has_graph |= number == 7  # ModelProto.graph
            entry = dict(_strings(data[body:end])) if number == 14 else {}  # ModelProto.metadata_props
            if bytes(entry.get(1, b"")) == ONNX_KEY:
                text = _limited(path, bytes(entry.get(2, b"")))
            else:
                payload.append(data[start:end])
    except (IndexError, ValueError) as error:
        raise ArtifactError(f"{path} was cut short, or is no ONNX model", AGAIN) from error
    if not has_graph:
        raise ArtifactError(f"{path} holds no ONNX graph", AGAIN)
    return _Opened(payload, text, lambda new: (*payload, _metadata_record(new)))


def _fields(data: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Fields of a protobuf message: number, start, start of the content, end."""
    position = 0
    while position < len(data):
        start = position
        key, position = _varint(data, position)
        body = position
        if key & 7 == 0:
            _, position = _varint(data, position)
        elif key & 7 == 2:
            length, body = _varint(data, position)
            position = body + length
        elif key & 7 in (1, 5):
            position += 8 if key & 7 == 1 else 4
        else:
            raise ValueError(f"wire type {key & 7}")
        if position > len(data) or not key >> 3:
            raise ValueError("cut short")
        yield key >> 3, start, body, position


def _strings(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    return ((number, data[body:end]) for number, _, body, end in _fields(data))


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise ValueError("varint too long")


def _metadata_record(text: bytes) -> bytes:
    entry = b"\x0a" + _length(ONNX_KEY) + ONNX_KEY + b"\x12" + _length(text) + text
    return b"\x72" + _length(entry) + entry


def _length(data: bytes) -> bytes:
    value, out = len(data), bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


# OpenVINO


def _open_openvino(path: Path) -> _Opened:
    weights = artifact_files(path)[1]
    if path.stat().st_size > MAX_XML_BYTES:
        raise ArtifactError(f"{path} is larger than {MAX_XML_BYTES >> 20} MB", AGAIN)
    xml = path.read_bytes()
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise ArtifactError(f"{path} declares XML entities, which no converter writes", "Do not use this file")
    net_end = xml.rfind(b"</net>")
    if net_end < 0 or b"<layers" not in xml:
        raise ArtifactError(f"{path} was cut short, or is no OpenVINO model", AGAIN)
    start, end = _net_rt_info(xml, net_end)
    section = xml[start:end]
    match = XML_MANIFEST.search(section)
    text = _limited(path, unescape(match[1].decode(), {v: k for k, v in QUOTES.items()}).encode()) if match else None
    kept = XML_MANIFEST.sub(b"", section)
    inside = kept[kept.index(b">") + 1 : kept.rindex(b"</rt_info>")] if b"</rt_info>" in kept else b""

    def sealed(new: bytes) -> Sequence[_Part]:
        value = escape(new.decode(), QUOTES).encode()
        ours = b'<fer_edge><manifest value="%s"/></fer_edge>' % value
        return xml[:start], b"<rt_info>", inside, ours, b"</rt_info>", xml[end:]

    return _Opened((_map(weights), xml[:start], xml[end:]), text, sealed)


def _net_rt_info(xml: bytes, net_end: int) -> tuple[int, int]:
    """Where the net's own `<rt_info>` begins and ends (layers have theirs before the edges); empty where there is none."""
    start = xml.find(b"<rt_info", max(xml.rfind(b"</edges>"), xml.rfind(b"</layers>"), 0), net_end)
    if start < 0:
        return net_end, net_end
    closing = xml.rfind(b"</rt_info>", start, net_end)
    return start, closing + len(b"</rt_info>") if closing > 0 else xml.index(b">", start) + 1


_OPENERS = {Format.TFLITE: _open_tflite, Format.ONNX: _open_onnx, Format.OPENVINO: _open_openvino}
