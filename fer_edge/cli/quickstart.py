"""`fer-edge quickstart`."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from fer_edge.errors import BadInputError, FerEdgeError
from fer_edge.optional import require

ARCHITECTURE = "densenet121"
ARTIFACTS = 10
TRAIN_PER_CLASS, TEST_PER_CLASS = 800, 640
SEED = 6
INCOMPLETE, LATENCY_INVALID, INCONCLUSIVE, INFERIOR = 6, 5, 7, 3
SUFFIXES = (".tflite", ".onnx", ".xml")


@dataclass(frozen=True)
class Layout:
    """Where a quickstart keeps what its steps make."""

    out: Path

    @property
    def faces(self) -> Path:
        """Drawn faces, train/ and test/."""
        return self.out / "faces"

    @property
    def model(self) -> Path:
        """The full-precision checkpoint."""
        return self.out / "model" / f"{ARCHITECTURE}.keras"

    @property
    def artifacts(self) -> Path:
        """Converted models."""
        return self.out / "artifacts"

    @property
    def report(self) -> Path:
        """Folder of the benchmark's results."""
        return self.out / "report"

    def converted(self) -> list[Path]:
        """The converted models that are there; of an OpenVINO pair the .xml."""
        return sorted(path for path in self.artifacts.glob(f"{ARCHITECTURE}-*") if path.suffix in SUFFIXES)


@click.command("quickstart")
@click.option("--out", type=click.Path(path_type=Path), default="runs/quickstart", show_default=True, help="Folder.")
@click.option("--keep", is_flag=True, help="Keep the training's resume state, about 100 MB, when all is done.")
def command(out: Path, keep: bool) -> int:
    """Generate faces, train on them, convert, verify and benchmark: the whole path, without a download or a photo.

    Each step prints the command that does it, the last line names the report. A second run keeps what an earlier one
    finished; remove the folder to start over.
    """
    places = Layout(out)
    for package, extra in (("tensorflow", "convert"), ("scipy", "benchmark"), ("matplotlib", "benchmark")):
        if importlib.util.find_spec(package) is None:
            require(package, extra=extra)
    _draw(places)
    _train(places)
    codes = [_convert(places), _benchmark(places)]
    if not keep:
        shutil.rmtree(places.model.parent / "state", ignore_errors=True)
    _say(f"Report: {places.report / 'report.md'}")
    return next((code for code in (INCOMPLETE, INFERIOR) if code in codes), 0)


def _draw(places: Layout) -> None:
    count = f"{5 * TRAIN_PER_CLASS} faces to train and {5 * TEST_PER_CLASS} to test"
    _step(1, f"drawing {count} in {places.faces}")
    if _is_done(places.faces):
        return
    from fer_edge.synthetic import write_dataset

    places.out.mkdir(parents=True, exist_ok=True)
    write_dataset(places.faces, TRAIN_PER_CLASS, TEST_PER_CLASS, SEED, _say)


def _train(places: Layout) -> None:
    _step(2, "training a small-input DenseNet121 from scratch")
    if _is_done(places.model):
        return
    options = ["--arch", ARCHITECTURE, "--recipe", "quickstart", "--out", str(places.model.parent)]
    _require(_fer_edge(["train", "--data", str(places.faces), *options]), "train", (0,))


def _convert(places: Layout) -> int:
    """Returns 0, or 6 when some artifacts could not be made."""
    _step(3, "converting to TFLite, ONNX and OpenVINO, calibrated on training faces")
    artifacts = places.converted()
    if len(artifacts) >= ARTIFACTS and min(map(_modified, artifacts)) >= _modified(places.model):
        _is_done(places.artifacts)
        return 0
    options = ["--calibration", str(places.faces), "--out", str(places.artifacts), "--resume"]
    code = _fer_edge(["convert", str(places.model), *options])
    return _require(code, "convert", (0, INCOMPLETE) if places.converted() else (0,))


def _benchmark(places: Layout) -> int:
    """Returns the benchmark's exit code, also when an earlier run made the report."""
    _step(4, "comparing accuracy, latency and memory with the Keras model on the test faces")
    results, report = places.report / "results.json", places.report / "report.md"
    artifacts = places.converted()
    if results.is_file() and _modified(results) >= max(map(_modified, artifacts), default=0.0) and _is_done(report):
        _say(report.read_text(encoding="utf-8"))
        return _code_of(results)
    options = ["--baseline", str(places.model), "--data", str(places.faces), "--out", str(places.report), "--overwrite"]
    code = _fer_edge(["benchmark", *map(str, artifacts), *options])
    return _require(code, "benchmark", (0, INFERIOR, LATENCY_INVALID, INCOMPLETE, INCONCLUSIVE))


def _code_of(results: Path) -> int:
    try:
        verdicts = [artifact["verdict"] for artifact in json.loads(results.read_text(encoding="utf-8"))["artifacts"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{results} is damaged ({error!r})", f"Remove {results.parent}, then run again") from error
    return INFERIOR if "INFERIOR" in verdicts else 0


def _fer_edge(arguments: Sequence[str]) -> int:
    """Show and run a fer-edge command in a process of its own, which gives its memory back; returns its exit code."""
    _say(f"$ fer-edge {shlex.join(arguments)}")
    # Folders of the user's that are called like our packages must not come first, as they would with python -m.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    with subprocess.Popen([sys.executable, "-m", "fer_edge", *arguments], env=environment) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal interrupts the child too; let it clean up before leaving.
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _require(code: int, name: str, accepted: Sequence[int]) -> int:
    """Pass an accepted exit code on; end the quickstart with any other.

    Raises:
        FerEdgeError: a signal ended the step; the others leave through `click`'s Exit.
    """
    if code in accepted:
        return code
    if code < 0:
        raise FerEdgeError(
            f"{name} was ended by {signal.Signals(-code).name}",
            "SIGKILL means that memory ran out: close other programs. The same command goes on from here",
        )
    raise click.exceptions.Exit(code)


def _modified(path: Path) -> float:
    return path.stat().st_mtime


def _is_done(path: Path) -> bool:
    if path.exists():
        _say(f"kept {path}")
        return True
    return False


def _step(number: int, text: str) -> None:
    _say(f"[{number}/4] {text}")


def _say(text: str) -> None:
    click.echo(text, err=True)
