"""`fer-edge run`."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fer_edge.cli.run_config import use_config
from fer_edge.errors import FerEdgeError

if TYPE_CHECKING:
    from fer_edge.runtime.compare import LiveComparison
    from fer_edge.runtime.pipeline import Pipeline, RunSummary
    from fer_edge.runtime.sinks.base import Sink
    from fer_edge.runtime.stage_times import StageFigures

DEFAULT_PORT = 8080


@click.command("run")
@click.argument("model", required=False)
@click.option("--source", help="Camera or recording, such as picamera2://0 or file:clip.mp4.  [default: the camera]")
@click.option(
    "--compare", "others", multiple=True, metavar="MODEL", help="Another model on the same faces; repeatable."
)
@click.option("--report", type=click.Path(path_type=Path), help="Folder for the comparison as JSON and Markdown.")
@click.option("--overwrite", is_flag=True, help="Replace the report that is there.")
@click.option("--detector", help="blazeface, haar, yunet:FILE or whole.  [default: blazeface, else haar]")
@click.option(
    "--sink",
    "sinks",
    multiple=True,
    help="console:, jsonl:PATH, video:PATH, web://HOST:PORT; repeatable.  "
    "[default: console:, and web: if it is installed]",
)
@click.option("--detect-every", default=1, show_default=True, type=click.IntRange(1), help="Look in each n-th frame.")
@click.option("--max-frames", type=click.IntRange(1), help="End after so many frames.")
@click.option("--duration", "duration_s", type=click.FloatRange(0, min_open=True), help="End after so many seconds.")
@click.option("--no-frames", is_flag=True, help="Make it impossible that a picture is stored or sent.")
@click.option("--threads", type=click.IntRange(1), help="Processor threads of each model; default: all.")
@click.option("--runtime", help="Of MODEL: litert or tflite-runtime; ONNX execution providers; OpenVINO device.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document about the run on stdout.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=use_config,
    help="TOML file with values for these options; those given here win.",
)
def command(
    model: str | None,
    source: str | None,
    others: tuple[str, ...],
    report: Path | None,
    overwrite: bool,
    detector: str | None,
    sinks: tuple[str, ...],
    detect_every: int,
    max_frames: int | None,
    duration_s: float | None,
    no_frames: bool,
    threads: int | None,
    runtime: str | None,
    as_json: bool,
) -> None:
    """Find faces in a camera's pictures and say what they show, until Ctrl-C.

    MODEL is a converted model, a checkpoint or zoo:NAME; without it, zoo:densenet121-int8. With --compare, other models
    see the same faces: how often they agree, and how long each takes, is printed at the end.
    """
    from fer_edge.models import DEFAULT_MODEL
    from fer_edge.runtime.classify import FaceClassifier
    from fer_edge.runtime.compare import LiveComparison
    from fer_edge.runtime.compare_report import check_folder
    from fer_edge.runtime.faces import open_default_detector, open_detector
    from fer_edge.runtime.faces.smoothing import LabelSmoother
    from fer_edge.runtime.load import load
    from fer_edge.runtime.pipeline import Pipeline, PipelineSettings
    from fer_edge.runtime.sources import open_source
    from fer_edge.runtime.sources.discover import find_source

    if report is not None:
        if not others:
            raise click.UsageError("--report is about a comparison: name another model with --compare")
        check_folder(report, overwrite)
    made = _make_sinks(sinks, no_frames)
    settings = PipelineSettings(detect_every, max_frames, duration_s, no_frames)
    with ExitStack() as stack:
        names = [model or DEFAULT_MODEL, *others]
        backends = [
            stack.enter_context(load(name, threads=threads, runtime=None if number else runtime))
            for number, name in enumerate(names)
        ]
        comparison = LiveComparison(list(zip(names, backends, strict=True))) if others else None
        faces = open_detector(detector) if detector else open_default_detector(_say)
        camera = stack.enter_context(open_source(source or find_source()))
        observe = comparison.observe if comparison else None
        classifier = FaceClassifier(backends[0], LabelSmoother(), observe)
        models = comparison.figures if comparison else tuple
        with ExitStack() as opened:
            for sink in made:
                sink.open()
                opened.callback(sink.close)
                _say(f"leaves this process: {_leaves(sink, no_frames)}")
            pipeline = Pipeline(camera, faces, classifier, made, settings, models=models, say=_say)
            opened.pop_all()  # from here the pipeline closes them
        failure: Exception | None = None
        with _stopped_by_signals(pipeline):
            try:
                pipeline.run()
            except (FerEdgeError, OSError) as error:
                failure = error
            if comparison is not None and failure is None and not pipeline.is_busy:
                comparison.finish()
    _print_summary(camera.name, pipeline.summary(), comparison, report, as_json)
    if failure is not None:
        raise failure


def _make_sinks(texts: tuple[str, ...], no_frames: bool) -> list[Sink]:
    """Those that were named, or the default ones; and systemd where it listens."""
    from fer_edge.runtime.sinks import make_sink
    from fer_edge.runtime.sinks.systemd import SOCKET, SystemdSink

    if twice := [text for text in texts if texts.count(text) > 1]:
        raise click.UsageError(f"--sink {twice[0]} is given twice")
    made = [make_sink(text, no_frames) for text in texts or _default_sinks()]
    return [*made, SystemdSink()] if os.environ.get(SOCKET) else made


def _default_sinks() -> tuple[str, ...]:
    """The terminal, and the web view where its packages are."""
    if not all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn", "websockets")):
        _say("for the picture in a browser: pip install 'fer-edge[web]'")
        return ("console:",)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:  # another program's, or another run's
            return ("console:", "web://127.0.0.1:0")
    return ("console:", f"web://127.0.0.1:{DEFAULT_PORT}")


def _leaves(sink: Sink, no_frames: bool) -> str:
    return f"pictures, {sink.leaves}" if sink.shows_frames and not no_frames else sink.leaves


@contextmanager
def _stopped_by_signals(pipeline: Pipeline) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the pipeline, and everything be flushed."""
    before = {n: signal.signal(n, lambda *_: pipeline.stop()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _print_summary(
    source: str, summary: RunSummary, comparison: LiveComparison | None, report: Path | None, as_json: bool
) -> None:
    models = comparison.figures() if comparison else []
    if as_json:
        document = {"schema_version": 1, **asdict(summary), "models": [asdict(model) for model in models]}
        click.echo(json.dumps(document, indent=2))
    else:
        rate = summary.frames / summary.seconds if summary.seconds else 0.0
        bad = f", {summary.bad_frames} could not be read" if summary.bad_frames else ""
        _say(f"{summary.frames} frames in {summary.seconds:.1f} s: {rate:.1f} a second; dropped {summary.dropped}{bad}")
        for name, stage in summary.stages.items():
            known = [f"{what} {value:.1f} ms" for what, value in _percentiles(stage) if value is not None]
            _say(f"  {name:10} {', '.join(known) or 'too few samples for a percentile'}")
        for name, count in summary.missed.items():
            _say(f"  {name} was too slow for {count} messages")
    if comparison is not None:
        from rich.console import Console
        from rich.markdown import Markdown

        from fer_edge.runtime.compare_report import markdown, write_report

        if not as_json:
            Console(stderr=True).print(Markdown(markdown(source, models, summary)))
        if report is not None:
            _say(f"Report: {write_report(report, source, models, summary)}")


def _percentiles(stage: StageFigures) -> tuple[tuple[str, float | None], ...]:
    return (("median", stage.p50_ms), ("95% within", stage.p95_ms))
