from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from fer_edge import doctor
from fer_edge.cli import execute
from fer_edge.doctor import Check, Package, Status, describe, examine, import_problem

GOOD = Package("json.decoder", ("numpy",), "reads JSON", "pip install json", True)
ABSENT = Package("no_such_module_at_all.inner", ("no-such-distribution",), "nothing", "pip install it", True)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `probed` that probing processes find; a test writes its body."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "probed.py"


def test_a_working_package() -> None:
    assert import_problem(GOOD.module) == ""
    check = describe(GOOD, "")
    assert check.status is Status.OK
    assert check.remedy == ""


def test_an_absent_package_warns_and_names_the_command() -> None:
    check = describe(ABSENT, import_problem(ABSENT.module))
    assert (check.status, check.remedy) == (Status.WARN, "pip install it")


def test_an_absent_package_that_is_not_needed_is_fine() -> None:
    package = Package("no_such_module_at_all", ("no-such-distribution",), "", "", unneeded=lambda: "not on this board")
    check = describe(package, import_problem(package.module))
    assert check.status is Status.OK
    assert "not on this board" in check.message


def test_a_crash_is_reported_as_such(module: Path) -> None:
    module.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)")
    check = describe(Package("probed", ("numpy",), "", "pip install it"), import_problem("probed"))
    assert check.status is Status.FAIL
    assert "SIGILL" in check.message
    assert check.remedy == "pip install it"


def test_a_hang_is_reported_as_such(module: Path) -> None:
    module.write_text("import time\ntime.sleep(60)")
    assert "does not finish" in import_problem("probed", timeout_s=0.5)


def test_an_import_error_keeps_its_reason(module: Path) -> None:
    module.write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    check = describe(Package("probed", ("numpy",), "", ""), import_problem("probed"))
    assert check.status is Status.FAIL
    assert "libGL.so.1" in check.message


def test_a_clashing_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def owners() -> Mapping[str, list[str]]:
        return {"convert": ["convert-anything", "fer-edge"], "benchmarks": ["fer-edge"]}

    monkeypatch.setattr("importlib.metadata.packages_distributions", owners)
    checks = {check.name: check for check in examine([GOOD])}
    assert checks["convert"].status is Status.WARN
    assert "convert-anything" in checks["convert"].message
    assert checks["convert"].remedy == "pip uninstall convert-anything"
    assert checks["benchmarks"].status is Status.OK


def test_every_failure_and_warning_names_a_remedy() -> None:
    for check in examine([GOOD, ABSENT]):
        assert check.status is Status.OK or check.remedy, check


def test_without_a_runtime_the_exit_code_is_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor.examine, "__defaults__", ((ABSENT,),))
    assert execute(["doctor"]) == 4
    assert "no inference runtime works" in capsys.readouterr().err


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor.examine, "__defaults__", ((GOOD,),))
    assert execute(["doctor", "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["schema_version"] == 1
    assert document["can_infer"] is True
    assert {row["status"] for row in document["checks"]} <= {"ok", "warn", "fail"}
    assert Check(**{**document["checks"][0], "status": Status(document["checks"][0]["status"])}).name == "python"
