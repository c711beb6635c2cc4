from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from fer_edge.checkpoint import MEMBER, add_checkpoint_info, file_sha256, read_checkpoint_info
from fer_edge.contract import InputContract
from fer_edge.errors import CheckpointError
from fer_edge.manifest import CheckpointInfo

CONTRACT = InputContract(height=48, width=48, colour="grey", labels=("happy", "sad"))
LAMBDA = {"class_name": "Functional", "config": {"layers": [{"class_name": "Lambda", "config": {"function": "..."}}]}}


def write(path: Path, config: object) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"\0" * 1000)
    return path


def test_the_record_survives(tmp_path: Path) -> None:
    path = write(tmp_path / "model.keras", {"class_name": "Functional"})
    info = CheckpointInfo(architecture="densenet121", contract=CONTRACT)
    add_checkpoint_info(path, info)
    assert read_checkpoint_info(path) == info


def test_a_foreign_model_has_no_record(tmp_path: Path) -> None:
    assert read_checkpoint_info(write(tmp_path / "model.keras", {"class_name": "Functional"})) is None


def test_a_lambda_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="Lambda layer, which runs code"):
        read_checkpoint_info(write(tmp_path / "model.keras", LAMBDA))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.keras", {"class_name": "Functional"})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match=r"not a complete \.keras file"):
        read_checkpoint_info(path)


def test_a_zip_without_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "hello")
    with pytest.raises(CheckpointError, match=r"not a complete \.keras file"):
        read_checkpoint_info(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"not a complete \.keras file"):
        read_checkpoint_info(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no file"):
        read_checkpoint_info(tmp_path / "model.keras")


def test_an_oversized_record_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (17 * 2**20))
    with pytest.raises(CheckpointError, match="larger than 16 MB"):
        read_checkpoint_info(path)


@pytest.mark.parametrize("record", [{}, {"architecture": "x", "contract": {"height": 48}}, {"schema_version": 99}])
def test_an_invalid_record_is_refused(tmp_path: Path, record: object) -> None:
    path = write(tmp_path / "model.keras", {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, json.dumps(record))
    with pytest.raises(CheckpointError, match=f"{MEMBER} is not valid"):
        read_checkpoint_info(path)


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")
