"""Take a model file of each format apart into model and manifest, and say how to put them together again."""

from __future__ import annotations

import io
import mmap
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from xml.sax.saxutils import escape, unescape

from fer_edge.errors import ArtifactError

MEMBER = "manifest.json"
ONNX_KEY = b"fer_edge.manifest"
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_XML_BYTES = 128 * 2**20
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same conversion gives the same bytes
AGAIN = "Copy the file again from where it was made, or make it again with fer-edge convert"
XML_MANIFEST = re.compile(rb'<fer_edge>\s*<manifest value="([^"]*)"\s*/>\s*</fer_edge>')
QUOTES = {'"': "&quot;", "\n": "&#10;"}

Part: TypeAlias = bytes | memoryview


@dataclass(frozen=True)
class OpenedFile:
    """A model file taken apart.

    Attributes:
        payload: the model without its manifest, in pieces.
        text: the manifest as it is stored; None where there is none.
        sealed: makes the whole new file from a stored text, in pieces.
    """

    payload: Sequence[Part]
    text: bytes | None
    sealed: Callable[[bytes], Sequence[Part]]


def _map(path: Path) -> memoryview:
    """The file's bytes, read by the system as they are used."""
    with path.open("rb") as stream:
        return (
            memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            if path.stat().st_size
            else memoryview(b"")
        )


def _limited(path: Path, text: bytes) -> bytes:
    if len(text) > MAX_MANIFEST_BYTES:
        raise ArtifactError(f"the manifest inside {path} is larger than {MAX_MANIFEST_BYTES >> 20} MB", AGAIN)
    return text


# TFLite


def open_tflite(path: Path) -> OpenedFile:
    """Split before the ZIP."""
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
    except (RuntimeError, EOFError, ValueError, zlib.error) as error:  # encrypted, unknown compression, damaged
        raise ArtifactError(f"the manifest inside {path} is not readable: {error}", AGAIN) from error
    payload = data[:end]
    return OpenedFile((payload,), text, lambda new: (payload, _zipped(new)))


def _zipped(text: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(MEMBER, ZIP_DATE), text)
    return buffer.getvalue()


# ONNX: a protobuf message is a row of fields, and appending a field to its bytes appends to the repeated field.


def open_onnx(path: Path) -> OpenedFile:
    """Leave out our entry of `metadata_props`."""
    data, text, has_graph = _map(path), None, False
    payload: list[Part] = []
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
    return OpenedFile(payload, text, lambda new: (*payload, _metadata_record(new)))


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


def open_openvino(path: Path) -> OpenedFile:
    """Leave out the net's `<rt_info>`; the weights come first."""
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise ArtifactError(f"{path} lacks its weights: there is no {weights}", "Copy the .bin along with the .xml")
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
    text = _limited(path, _unescaped(path, match[1])) if match else None
    kept = XML_MANIFEST.sub(b"", section)
    inside = kept[kept.index(b">") + 1 : kept.rindex(b"</rt_info>")] if b"</rt_info>" in kept else b""

    def sealed(new: bytes) -> Sequence[Part]:
        value = escape(new.decode(), QUOTES).encode()
        ours = b'<fer_edge><manifest value="%s"/></fer_edge>' % value
        return xml[:start], b"<rt_info>", inside, ours, b"</rt_info>", xml[end:]

    return OpenedFile((_map(weights), xml[:start], xml[end:]), text, sealed)


def _unescaped(path: Path, value: bytes) -> bytes:
    try:
        return unescape(value.decode(), {v: k for k, v in QUOTES.items()}).encode()
    except UnicodeDecodeError as error:
        raise ArtifactError(f"the manifest inside {path} was altered or damaged", AGAIN) from error


def _net_rt_info(xml: bytes, net_end: int) -> tuple[int, int]:
    """Where the net's own `<rt_info>` begins and ends (layers have theirs before the edges), if it has one."""
    start = xml.find(b"<rt_info", max(xml.rfind(b"</edges>"), xml.rfind(b"</layers>"), 0), net_end)
    if start < 0:
        return net_end, net_end
    closing = xml.rfind(b"</rt_info>", start, net_end)
    return start, closing + len(b"</rt_info>") if closing > 0 else xml.index(b">", start) + 1
