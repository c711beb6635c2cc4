"""`fer-edge run --config`, and what systemd is told: what a service needs."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from fer_edge.cli import execute

SOURCE = "synthetic://?size=160x120&fps=0"


def test_the_file_gives_defaults_and_options_win(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "faces.jsonl"
    config = tmp_path / "run.toml"
    config.write_text(
        f'model = "zoo:densenet121"\nsource = "{SOURCE}"\ndetector = "whole"\nsinks = ["jsonl:{lines}"]\n'
        "max_frames = 7\ndetect_every = 2\nthreads = 1\nno_frames = true\nduration = 60\n"
        'compare = ["zoo:densenet121"]\n'
    )
    assert execute(["run", "--config", str(config), "--json"]) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert summary["frames"] == 7
    assert len(summary["models"]) == 2
    assert len(lines.read_text().splitlines()) == 7
    assert execute(["run", "--config", str(config), "--max-frames", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("camera = 1", "camera: is not known; known are model, source"),
        ('max_frames = "7"', "max_frames: "),
        ("threads = 0", "threads: "),
        ("sinks = 'console:'", "sinks: "),
        ("no_frames = 1", "no_frames: "),
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
