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
# What a notebook's kernel does with cells, of which lines with "!" go to the shell. A verdict other than
# NON_INFERIOR (3, 7) is no failure of the notebook.
KERNEL = """
import json, subprocess, sys
import matplotlib
matplotlib.use("Agg")
names = {"__name__": "__main__"}
for cell in json.load(open(sys.argv[1]))["cells"]:
    text = "".join(cell["source"])
    if cell["cell_type"] != "code":
        continue
    print(text, flush=True)
    if text.startswith("!"):
        code = subprocess.run(text[1:].format(**names), shell=True).returncode
        assert code in ((0, 3, 7) if "verify" in text else (0,)), code
    else:
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
    environment = {**os.environ, "FER_EDGE_SOURCE": str(ROOT), "PATH": f"{host}:{os.environ['PATH']}"}
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
