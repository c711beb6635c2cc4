"""What every file of the project must keep to."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fer_edge.cli

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = ("constraints.txt", "constraints-tflite-runtime.txt")
MAX_BYTES = 2**20
# Spelled so that this file does not name them.
HOSTS = re.compile(
    "|".join(re.escape(h) for h in ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "crates" + ".io"))
)
MACHINE_PATHS = re.compile(
    "|".join(f"(?<![\\w.])/{name}/" for name in ("work", "root", "home/[a-z]+", "Users/[A-Za-z]+"))
)
PIN = re.compile(r"[a-z0-9][a-z0-9.-]*==[0-9][a-z0-9.]*(; python_version (<|>=) \"3\.\d+\")?")


def tracked() -> list[Path]:
    """Files that git tracks; all that a checkout without git would hold."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    """Tracked text files with their content."""
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize("pattern", [HOSTS, MACHINE_PATHS], ids=["registry hosts", "machine paths"])
def test_no_file_names_this_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    hits = [f"{path.relative_to(ROOT)}: {match[0]}" for path, text in texts() if (match := pattern.search(text))]
    assert hits == []


def test_no_file_is_large() -> None:
    zoo = ROOT / "fer_edge" / "zoo"
    large = [
        path.relative_to(ROOT) for path in tracked() if path.stat().st_size > MAX_BYTES and zoo not in path.parents
    ]
    assert large == []


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_are_pins_without_addresses(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines == sorted(lines, key=lambda line: line.split("==")[0])
    assert [line for line in lines if not PIN.fullmatch(line)] == []


def test_every_dependency_is_pinned() -> None:
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"]
    needed = [
        *PROJECT["project"]["dependencies"],
        *extras["train"],
        *extras["convert"],
        *extras["benchmark"],
        *extras["dev"],
    ]
    names = {re.split(r"[\[<>=;! ]", requirement)[0] for requirement in needed} - {"fer-edge"}
    assert names <= pinned


def test_the_device_side_needs_no_large_package() -> None:
    names = {re.split(r"[<>=; ]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]}
    assert names == {"numpy", "click", "rich", "pydantic", "opencv-python-headless", "ai-edge-litert", "tomli"}


def test_the_version_is_the_same_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert fer_edge.cli.execute(["--version"]) == 0
    assert capsys.readouterr().out.split()[-1] == PROJECT["project"]["version"]


@pytest.mark.parametrize("package", PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
def test_every_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_files_stay_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path, text in texts()
        if path.suffix == ".py" and (lines := text.count("\n")) > 320
    ]
    assert long == []
