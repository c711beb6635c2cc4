from __future__ import annotations

import errno
from pathlib import Path
from typing import NoReturn

import click
import pytest

import fer_edge.cli
from fer_edge.cli import COMMANDS, cli, execute
from fer_edge.errors import DataError
from tests.support.pictures import write_squares


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Replace every command by one that raises `error`."""

    @click.command("failing")
    def failing() -> NoReturn:
        raise error

    monkeypatch.setattr(type(cli), "get_command", lambda *_: failing)


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["fly"]) == 2
    assert "fly" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["train"], ["train", "--data", "x", "--out", "y", "--size", "big"], ["train", "--fast"]]
)
def test_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(arguments) == 2
    assert "Usage: fer-edge train" in capsys.readouterr().err


def test_an_unknown_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["train", "--data", "x", "--recipe", "magic", "--out", str(tmp_path / "run")]) == 2
    assert "Choose one of" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_squares(tmp_path / "data", 2)
    assert execute(["train", "--data", str(data), "--arch", "vgg", "--out", str(tmp_path / "run")]) == 2
    assert "densenet121, inceptionv3, resnet50v2" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_missing_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing"
    assert execute(["train", "--data", str(missing), "--out", str(tmp_path / "run")]) == 8
    assert capsys.readouterr().err.startswith(f"error: there is no folder or zip {missing}\n")
    assert not (tmp_path / "run").exists()


def test_an_expected_failure_is_two_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fail_with(monkeypatch, DataError("no faces in x", "Add some"))
    assert execute(["train"]) == 8
    captured = capsys.readouterr()
    assert captured.err == "error: no faces in x\n       Add some\n"
    assert captured.out == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, error)
    assert execute(["train"]) == 130


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_left(number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fail_with(monkeypatch, OSError(number, "No space left on device", "/out/model.tflite"))
    assert execute(["convert"]) == 9
    assert "no space left for /out/model.tflite" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOTDIR, errno.EISDIR, errno.EROFS])
def test_a_path_that_cannot_be_used(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, OSError(number, "No way", "/out/model.tflite"))
    assert execute(["convert"]) == 8
    assert capsys.readouterr().err.startswith("error: /out/model.tflite cannot be used: No way\n")


def test_a_folder_below_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert execute(["quickstart", "--out", str(tmp_path / "file" / "x")]) == 8
    assert "cannot be used: Not a directory" in capsys.readouterr().err


def test_other_operating_system_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output"):
        execute(["convert"])


def test_main_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["fer-edge", "fly"])
    with pytest.raises(SystemExit) as caught:
        fer_edge.cli.main()
    assert caught.value.code == 2


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out.startswith("fer-edge, version ")
