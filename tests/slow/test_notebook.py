"""docs/colab.ipynb, cell by cell, on a host with a TensorFlow of its own; the notebook itself installs fer-edge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# What a notebook's kernel does with cells, of which lines with "!" go to the shell.
KERNEL = """
import json, subprocess, sys
import matplotlib
matplotlib.use("Agg")
def shell(line):
    names["_exit_code"] = subprocess.run(line.format(**names), shell=True).returncode
names = {"__name__": "__main__", "shell": shell}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        lines = "".join(cell["source"]).splitlines()
        text = "\\n".join(f"shell({line[1:]!r})" if line.startswith("!") else line for line in lines)
        print(text, flush=True)
        exec(text, names)
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """An environment that sees this one's packages, as a hosted notebook's sees the host's."""
    venv.create(tmp_path / "host", with_pip=True)
    packages = tmp_path / "host/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (packages / "host.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return tmp_path / "host/bin"


def test_the_cells_run_from_top_to_bottom(host: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "fer-edge").symlink_to(ROOT)
    environment = {**os.environ, "PATH": f"{host}:{os.environ['PATH']}"}
    command = [str(host / "python"), "-c", KERNEL, str(ROOT / "docs/colab.ipynb")]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert (work / "artifacts/densenet121-int8.tflite").is_file()
    assert "not in Colab" in done.stdout
    location = "import fer_edge; print(fer_edge.__file__)"
    found = subprocess.run([str(host / "python"), "-c", location], cwd=work, capture_output=True, text=True, check=True)
    assert str(tmp_path) in found.stdout, "the notebook installed nothing"


def test_the_notebook_holds_no_output() -> None:
    cells = json.loads((ROOT / "docs/colab.ipynb").read_text())["cells"]
    assert all(not cell.get("outputs") for cell in cells)
