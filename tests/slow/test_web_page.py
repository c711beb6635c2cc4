"""The web view in a real browser: the picture moves, the bars follow, nothing complains."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fer_edge.models import DEFAULT_MODEL

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: sudo apt install chromium"),
]


@pytest.fixture
def address() -> Iterator[str]:
    """A drawn camera with two models on it."""
    command = [
        sys.executable,
        "-m",
        "fer_edge",
        "run",
        DEFAULT_MODEL,
        "--compare",
        DEFAULT_MODEL,
        "--detector",
        "whole",
    ]
    command += ["--source", "synthetic://?faces=2"]
    process = subprocess.Popen([*command, "--sink", "web://127.0.0.1:8137"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines: list[str] = []
    while not any("127.0.0.1:8137" in line for line in lines):
        line = process.stderr.readline()
        assert line, lines
        lines.append(line)
    yield "http://127.0.0.1:8137/"
    process.terminate()
    process.communicate(timeout=5)
    assert process.returncode == 0


@pytest.fixture
def page() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1200, "height": 900})
        browser.close()


def test_the_page_lives(address: str, page: Any, tmp_path: Path) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".face progress")
    pictures, bars, states = set(), set(), set()
    for _ in range(12):
        time.sleep(0.25)
        pictures.add(page.locator("#picture").screenshot(path=tmp_path / "picture.png"))
        bars.add(tuple(page.eval_on_selector_all(".face progress", "nodes => nodes.map(n => n.value.toFixed(3))")))
        states.add(page.inner_text("#state"))
    assert len(pictures) >= 6
    assert len(bars) >= 3
    assert all("frames a second" in state for state in states)
    assert page.locator("#models tr").count() == 2
    assert page.locator("#events li").count() >= 1
    assert page.locator("#no-picture").is_hidden()
    assert complaints == []
