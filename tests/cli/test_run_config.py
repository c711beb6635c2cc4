"""`fer-edge run --config`, and what systemd is told: what a service needs."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from fer_edge.cli import execute
from fer_edge.runtime.backends.base import CheckedBackend
from fer_edge.runtime.load import load
from fer_edge.runtime.message import Message
from fer_edge.runtime.pipeline import Pipeline, PipelineSettings, RunSummary
from fer_edge.runtime.sinks.base import Published
from fer_edge.runtime.sinks.systemd import SystemdSink

SOURCE = "synthetic://?size=160x120&fps=0"


def test_every_key_reaches_the_command_and_options_win(
    tiny_artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[tuple[str, object, object]] = []
    settings: list[PipelineSettings] = []
    original = load

    def spy(name: str, *, threads: int | None, runtime: str | None) -> CheckedBackend:
        loaded.append((name, threads, runtime))
        return original(name, threads=threads, runtime=runtime)

    class SpiedPipeline(Pipeline):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            settings.append(arguments[4])
            super().__init__(*arguments, **more)

    monkeypatch.setattr("fer_edge.runtime.load.load", spy)
    monkeypatch.setattr("fer_edge.runtime.pipeline.Pipeline", SpiedPipeline)
    first, other = (str(tiny_artifacts / name) for name in ("tiny-int8.tflite", "tiny-fp32.tflite"))
    lines = tmp_path / "faces.jsonl"
    config = tmp_path / "run.toml"
    config.write_text(
        f'model = "{first}"\nsource = "{SOURCE}"\ndetector = "whole"\nsinks = ["jsonl:{lines}"]\n'
        "max_frames = 7\ndetect_every = 2\nthreads = 1\nno_frames = true\nduration = 60\n"
        f'compare = ["{other}"]\nruntime = "litert"\n'
    )
    assert execute(["run", "--config", str(config), "--json"]) == 0
    assert loaded == [(first, 1, "litert"), (other, 1, None)]
    assert settings == [PipelineSettings(detect_every=2, max_frames=7, duration_s=60, no_frames=True)]
    assert json.loads(capsys.readouterr().out)["frames"] == len(lines.read_text().splitlines()) == 7
    assert execute(["run", other, "--config", str(config), "--max-frames", "3", "--threads", "2", "--json"]) == 0
    assert loaded[2] == (other, 2, "litert")
    assert settings[1].max_frames == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("camera = 1", "camera: is not known; known are model, source"),
        ('max_frames = "7"', "max_frames: "),
        ("threads = 0", "threads: "),
        ("sinks = 'console:'", "sinks: "),
        ("no_frames = 1", "no_frames: "),
        ("sinks = []", "sinks: "),
        ("duration = true", "duration: "),
        ("duration = inf", "duration: "),
        ("model = [", "is not a valid configuration of run"),
        ("a = " + "[" * 5000, "is not a valid configuration of run"),
        ("#" * (2**20 + 1), "is larger than 1 MB"),
        (None, "cannot read the configuration of run"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(
    text: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.toml"
    if text is not None:
        config.write_text(text)
    assert execute(["run", "--config", str(config)]) == 8
    assert words in capsys.readouterr().err


def test_systemd_is_told_that_the_service_is_ready_alive_and_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        started = time.monotonic()
        source = "synthetic://?size=160x120&fps=30"
        call = ["run", "--source", source, "--detector", "whole", "--sink", f"jsonl:{tmp_path / 'f.jsonl'}"]
        assert execute([*call, "--duration", "2.5"]) == 0
        seconds = time.monotonic() - started
        listening.setblocking(False)
        told = []
        while True:
            try:
                told.append(listening.recv(4096).decode())
            except BlockingIOError:
                break
    assert told[0].startswith("READY=1\nWATCHDOG=1\nSTATUS=")
    assert told[-1] == "STOPPING=1"
    assert 1 <= sum(text.startswith("WATCHDOG=1") for text in told) <= seconds


def test_nobody_listening_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    call = ["run", "--source", f"{SOURCE}&frames=3", "--detector", "whole", "--sink", f"jsonl:{tmp_path / 'f.jsonl'}"]
    assert execute(call) == 0


def test_ready_is_sent_again_when_it_did_not_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(address))
    sink = SystemdSink()
    sink.open()
    summary = RunSummary(1, 1.0, 0, 0, {}, {})
    published = Published(Message(0, 0, ()), None, lambda: summary, tuple)
    sink.write(published)  # nobody is there yet
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        sink.write(published)
        sink.close()
        assert listening.recv(4096).startswith(b"READY=1")
        assert listening.recv(4096) == b"STOPPING=1"


def test_a_service_whose_results_go_nowhere_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    started = time.monotonic()
    call = ["run", "--source", "synthetic://?size=160x120&fps=30", "--detector", "whole", "--duration", "20"]
    assert execute([*call, "--sink", "jsonl:/dev/full"]) == 9
    assert time.monotonic() - started < 10
