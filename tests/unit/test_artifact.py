"""Manifests in model files: three stand-ins for models, each with just what its format needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fer_edge import artifact
from fer_edge.artifact import artifact_files, detect_format, payload_sha256, read_manifest, size_bytes, write_manifest
from fer_edge.artifact_formats import MAX_MANIFEST_BYTES, OpenedFile, open_onnx
from fer_edge.errors import ArtifactError
from fer_edge.manifest import Format, Manifest, Precision
from tests.support.tiny_models import FORMATS, make_manifest

NOISE = np.random.default_rng(0).bytes(3000)
OTHER_PROPERTY = b"\x72\x0a\x0a\x03key\x12\x03old"
XML = """<?xml version="1.0"?>
<net name="tiny" version="11">
<layers><layer id="0"><rt_info><attribute name="old_api_map"/></rt_info></layer></layers>
<edges><edge from-layer="0"/></edges>
%s</net>
"""
RT_INFO = '<rt_info>\n<model_info><labels value="a b"/></model_info>\n</rt_info>\n'

Maker = Callable[[Path], Path]


def tflite(folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + NOISE)
    return path


def onnx(folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(b"\x08\x0a" + OTHER_PROPERTY + b"\x3a\xb8\x17" + NOISE)  # IR version, property, graph
    return path


def openvino(folder: Path, rt_info: str = RT_INFO) -> Path:
    path = folder / "model.xml"
    path.write_text(XML % rt_info)
    path.with_suffix(".bin").write_bytes(NOISE)
    return path


@pytest.fixture(params=[tflite, onnx, openvino])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model without manifest."""
    maker: Maker = request.param
    return maker(tmp_path)


@pytest.fixture
def sealed(model: Path) -> Path:
    """A model with its manifest."""
    write_manifest(model, make_manifest(model))
    return model


def is_whole(path: Path) -> bool:
    """Whether everything about the file is in order."""
    try:
        manifest = read_manifest(path)
        return payload_sha256(path, manifest.format) == manifest.payload_sha256
    except ArtifactError:
        return False


def test_what_is_written_is_read(model: Path) -> None:
    before = payload_sha256(model, FORMATS[model.suffix])
    manifest = make_manifest(model, steps=("a <step> & \"another\" 'one'\n\tof two lines, größer",))
    write_manifest(model, manifest)
    assert read_manifest(model) == manifest
    assert payload_sha256(model, manifest.format) == before
    assert detect_format(model) is manifest.format


def test_the_same_manifest_gives_the_same_bytes(sealed: Path) -> None:
    first = sealed.read_bytes()
    write_manifest(sealed, read_manifest(sealed))
    assert sealed.read_bytes() == first


def test_a_new_manifest_replaces_the_old(sealed: Path) -> None:
    old = read_manifest(sealed)
    write_manifest(sealed, old.model_copy(update={"plan": "another"}))
    assert read_manifest(sealed).plan == "another"
    assert payload_sha256(sealed, old.format) == old.payload_sha256
    assert b'"plan":"plain"' not in sealed.read_bytes().replace(b"&quot;", b'"')


def test_nothing_else_is_lost_or_left(sealed: Path) -> None:
    content = sealed.read_bytes()
    others = {".tflite": NOISE, ".onnx": OTHER_PROPERTY, ".xml": b'<model_info><labels value="a b"/></model_info>'}
    assert others[sealed.suffix] in content
    assert {p.name for p in sealed.parent.iterdir()} == {p.name for p in artifact_files(sealed)}
    assert size_bytes(sealed) == sum(p.stat().st_size for p in sealed.parent.iterdir())


def test_an_empty_onnx_or_openvino_property_list_is_fine(tmp_path: Path) -> None:
    for rt_info in ("", "<rt_info />\n", "<rt_info></rt_info>"):
        path = openvino(tmp_path, rt_info)
        manifest = make_manifest(path)
        write_manifest(path, manifest)
        assert read_manifest(path) == manifest
        assert payload_sha256(path, Format.OPENVINO) == manifest.payload_sha256


def test_a_failing_write_leaves_the_old_file(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(text: bytes) -> list[bytes]:
        raise OSError(28, "No space left on device")

    before, manifest = sealed.read_bytes(), read_manifest(sealed)
    monkeypatch.setitem(artifact.OPENERS, manifest.format, lambda path: OpenedFile((), None, full))
    with pytest.raises(OSError, match="No space"):
        write_manifest(sealed, manifest)
    assert sealed.read_bytes() == before
    assert not list(sealed.parent.glob(".*"))


def test_missing(model: Path) -> None:
    model.unlink()
    for action in (read_manifest, detect_format, artifact_files, size_bytes):
        with pytest.raises(ArtifactError, match="cannot open .*No such file"):
            action(model)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot open .*directory"):
        read_manifest(tmp_path)


def test_empty(model: Path) -> None:
    model.write_bytes(b"")
    with pytest.raises(ArtifactError, match="is empty"):
        read_manifest(model)


def test_foreign(model: Path) -> None:
    with pytest.raises(ArtifactError, match="carries no fer-edge manifest.*another program made it"):
        read_manifest(model)
    model.write_bytes(b"PK\x03\x04" + NOISE)
    with pytest.raises(ArtifactError, match="is no TFLite, ONNX or OpenVINO"):
        read_manifest(model)


@pytest.mark.parametrize("part", range(20))
def test_truncated_anywhere(sealed: Path, part: int) -> None:
    content = sealed.read_bytes()
    sealed.write_bytes(content[: 1 + part * (len(content) - 10) // 19])
    assert not is_whole(sealed)


@pytest.mark.parametrize("part", range(20))
def test_altered_anywhere(sealed: Path, part: int) -> None:
    content = bytearray(sealed.read_bytes())
    at = content.index(b'"format"' if sealed.suffix != ".xml" else b"&quot;format")
    position = (at * part // 20) if part < 10 else at + (part - 10) * 100  # model, then manifest
    if sealed.suffix == ".xml" and part < 10:
        position = content.index(b"<layers>") + part
    content[position] ^= 1
    sealed.write_bytes(content)
    assert not is_whole(sealed)


def test_another_payload_under_the_same_manifest(sealed: Path) -> None:
    manifest = read_manifest(sealed)
    weights = artifact_files(sealed)[-1]
    weights.write_bytes(weights.read_bytes().replace(NOISE, NOISE[::-1]))
    assert read_manifest(sealed) == manifest
    assert not is_whole(sealed)


def test_the_manifest_of_another_format(model: Path, tmp_path: Path) -> None:
    other = Format.ONNX if model.suffix != ".onnx" else Format.TFLITE
    manifest = make_manifest(model).model_copy(update={"format": other})
    with pytest.raises(ArtifactError, match=f"not {other.value}"):
        write_manifest(model, manifest)
    with pytest.raises(ArtifactError, match=f"not {other.value}"):
        payload_sha256(model, other)


def test_a_newer_manifest_names_the_remedy(model: Path) -> None:
    class Newer(Manifest):
        schema_version: int = 2  # type: ignore[assignment]

    write_manifest(model, Newer(**{**dict(make_manifest(model)), "schema_version": 2}))
    with pytest.raises(ArtifactError, match="schema_version.*pip install --upgrade fer-edge"):
        read_manifest(model)


def test_a_manifest_that_is_too_large(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = make_manifest(model, steps=("x" * MAX_MANIFEST_BYTES,))
    with pytest.raises(ArtifactError, match="would take"):
        write_manifest(model, manifest)
    monkeypatch.setattr(artifact, "MAX_MANIFEST_BYTES", 10 * MAX_MANIFEST_BYTES)
    write_manifest(model, manifest)
    with pytest.raises(ArtifactError, match="larger than 16 MB"):
        read_manifest(model)


def test_openvino_needs_its_weights(tmp_path: Path) -> None:
    path = openvino(tmp_path)
    write_manifest(path, make_manifest(path, Precision.INT8))
    with pytest.raises(ArtifactError, match=r"model\.bin holds only weights.*Name .*model\.xml"):
        path.with_suffix(".bin").write_bytes(NOISE)
        read_manifest(path.with_suffix(".bin"))
    path.with_suffix(".bin").unlink()
    for action in (read_manifest, artifact_files, size_bytes):
        with pytest.raises(ArtifactError, match=r"lacks its weights.*model\.bin"):
            action(path)


def test_openvino_refuses_entities(tmp_path: Path) -> None:
    path = openvino(tmp_path)
    write_manifest(path, make_manifest(path))
    bomb = '<!DOCTYPE net [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n<net'
    path.write_text(path.read_text().replace("<net", bomb, 1))
    with pytest.raises(ArtifactError, match="declares XML entities"):
        read_manifest(path)


def test_openvino_empty_weights_are_legal(tmp_path: Path) -> None:
    path = openvino(tmp_path)
    path.with_suffix(".bin").write_bytes(b"")
    write_manifest(path, make_manifest(path))
    assert is_whole(path)


@given(content=st.binary(min_size=1, max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
def test_no_bytes_crash_the_protobuf_reader(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x0a" + content)
    try:
        opened = open_onnx(path)
    except ArtifactError:
        return
    assert b"".join(map(bytes, opened.payload)) == path.read_bytes() or opened.text is not None
