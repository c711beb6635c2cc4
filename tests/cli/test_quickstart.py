"""The quickstart's order, commands, resumption and exit codes; the heavy commands are stood in for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fer_edge.cli import execute, quickstart

NAMES = [
    *(f"densenet121-{p}.tflite" for p in ("fp32", "fp16", "dynamic", "int8")),
    *(f"densenet121-{p}.onnx" for p in ("fp32", "fp16", "int8")),
    *(f"densenet121-{p}.xml" for p in ("fp32", "fp16", "int8")),
]


class Commands:
    """Stands in for the processes: makes the files that each command makes and returns the exit code it is given."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.verdict = "NON_INFERIOR"
        self.called: list[list[str]] = []

    def __call__(self, arguments: Sequence[str]) -> int:
        self.called.append(list(arguments))
        code = self.codes.get(arguments[0], 0)
        out = Path(arguments[arguments.index("--out") + 1])
        out.mkdir(parents=True, exist_ok=True)
        if arguments[0] == "train" and code == 0:
            (out / "densenet121.keras").touch()
            (out / "state").mkdir()
        elif arguments[0] == "convert":
            for name in NAMES[: 9 if code else None]:
                (out / name).touch()
        elif arguments[0] == "benchmark":
            (out / "results.json").write_text(json.dumps({"artifacts": [{"verdict": self.verdict}]}))
            (out / "report.md").write_text("the table")
        return code

    @property
    def names(self) -> list[str]:
        return [arguments[0] for arguments in self.called]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    commands = Commands()
    monkeypatch.setattr(quickstart, "_fer_edge", commands)
    monkeypatch.setattr(quickstart, "TRAIN_PER_CLASS", 2)
    monkeypatch.setattr(quickstart, "TEST_PER_CLASS", 1)
    return commands


def test_steps_run_in_order_and_the_last_line_names_the_report(
    commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["quickstart", "--out", str(tmp_path)]) == 0
    assert commands.names == ["train", "convert", "benchmark"]
    measured = [Path(a).name for a in commands.called[2] if Path(a).parent == tmp_path / "artifacts"]
    assert sorted(measured) == sorted(NAMES)
    assert commands.called[1][commands.called[1].index("--calibration") + 1] == str(tmp_path / "faces")
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line[:5] for line in lines if line.startswith("[")] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert lines[-1] == f"Report: {tmp_path / 'report' / 'report.md'}"
    assert len(list((tmp_path / "faces" / "train").glob("*/*.png"))) == 10


def test_a_second_run_keeps_what_is_there_and_shows_the_report(
    commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(["quickstart", "--out", str(tmp_path)])
    commands.called.clear()
    capsys.readouterr()
    assert execute(["quickstart", "--out", str(tmp_path)]) == 0
    assert commands.called == []
    assert "the table" in capsys.readouterr().err


def test_a_model_trained_again_is_converted_and_measured_again(commands: Commands, tmp_path: Path) -> None:
    execute(["quickstart", "--out", str(tmp_path)])
    commands.called.clear()
    (tmp_path / "model" / "densenet121.keras").unlink()
    assert execute(["quickstart", "--out", str(tmp_path)]) == 0
    assert commands.names == ["train", "convert", "benchmark"]


def test_the_resume_state_goes_unless_kept(commands: Commands, tmp_path: Path) -> None:
    execute(["quickstart", "--out", str(tmp_path / "a")])
    execute(["quickstart", "--out", str(tmp_path / "b"), "--keep"])
    assert not (tmp_path / "a" / "model" / "state").exists()
    assert (tmp_path / "b" / "model" / "state").exists()


@pytest.mark.parametrize(("code", "expected"), [(5, 0), (7, 0), (3, 3), (6, 6), (4, 4), (1, 1)])
def test_exit_code_follows_the_benchmark(commands: Commands, tmp_path: Path, code: int, expected: int) -> None:
    commands.codes["benchmark"] = code
    assert execute(["quickstart", "--out", str(tmp_path)]) == expected


def test_a_partial_conversion_is_measured_reported_and_taken_up_again(commands: Commands, tmp_path: Path) -> None:
    commands.codes["convert"] = 6
    assert execute(["quickstart", "--out", str(tmp_path)]) == 6
    assert commands.names == ["train", "convert", "benchmark"]
    commands.called.clear()
    commands.codes.clear()
    execute(["quickstart", "--out", str(tmp_path)])
    assert commands.names == ["convert", "benchmark"]
    assert "--resume" in commands.called[0]


def test_an_inferior_verdict_is_not_forgotten_by_a_second_run(commands: Commands, tmp_path: Path) -> None:
    commands.codes["benchmark"], commands.verdict = 3, "INFERIOR"
    assert [execute(["quickstart", "--out", str(tmp_path)]) for _ in range(2)] == [3, 3]


def test_a_failed_step_ends_the_run(commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands.codes["train"] = 9
    assert execute(["quickstart", "--out", str(tmp_path)]) == 9
    commands.codes["train"] = -9
    assert execute(["quickstart", "--out", str(tmp_path)]) == 1
    assert "train was ended by SIGKILL" in capsys.readouterr().err
    assert commands.names == ["train", "train"]


def test_damaged_results_are_named(commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    execute(["quickstart", "--out", str(tmp_path)])
    (tmp_path / "report" / "results.json").write_text("{")
    assert execute(["quickstart", "--out", str(tmp_path)]) == 8
    assert "is damaged" in capsys.readouterr().err


def test_a_command_is_shown_and_runs_in_a_process_of_its_own(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quickstart._fer_edge(["--version"]) == 0
    captured = capfd.readouterr()
    assert captured.err == "$ fer-edge --version\n"
    assert captured.out.startswith("fer-edge")
