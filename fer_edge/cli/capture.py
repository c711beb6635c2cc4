"""`fer-edge capture`."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from fer_edge.cli.names import split_names


@click.command("capture")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder; one folder per class is made in it."
)
@click.option("--model", help="Whose labels and crop margin count.  [default: zoo:densenet121-int8]")
@click.option("--classes", help="Expressions to ask for, comma-separated.  [default: all of the model's]")
@click.option("--count", default=20, show_default=True, type=click.IntRange(1), help="Crops of each expression.")
@click.option(
    "--every", "every_s", default=0.2, show_default=True, type=click.FloatRange(0), help="Seconds between two."
)
@click.option("--source", help="Camera or recording, as for run.  [default: the camera]")
@click.option("--detector", help="blazeface, haar or whole.  [default: blazeface, else haar]")
@click.option("--yes", is_flag=True, help="The person in front of the camera has agreed; do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(
    out: Path,
    model: str | None,
    classes: str | None,
    count: int,
    every_s: float,
    source: str | None,
    detector: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask a person to show each expression, and keep the face crops, labelled.

    The folder serves verify and benchmark as --data and convert as --calibration: accuracy on your own camera.
    """
    from fer_edge.models import DEFAULT_MODEL
    from fer_edge.runtime.capture import CONSENT, Capture, CaptureSettings
    from fer_edge.runtime.faces import open_default_detector, open_detector
    from fer_edge.runtime.load import load
    from fer_edge.runtime.sources import open_source
    from fer_edge.runtime.sources.discover import find_source

    _say(CONSENT)
    if not yes:
        _ask()
    with ExitStack() as stack:
        with load(model or DEFAULT_MODEL) as backend:
            contract = backend.contract
        names = tuple(split_names(classes)) or contract.labels
        faces = open_detector(detector) if detector else open_default_detector(_say)
        camera = stack.enter_context(open_source(source or find_source()))
        counts = Capture(camera, faces, contract, out, _say).take(CaptureSettings(names, count, every_s))
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "folder": str(out), "counts": counts}))
    else:
        _say(f"{out} holds: {', '.join(f'{n} {name}' for name, n in counts.items())}")
        _say(f"next: fer-edge verify ARTIFACT --baseline MODEL --data {out}")


def _ask() -> None:
    try:
        agreed = click.confirm("Do you agree?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nobody can be asked here: give --yes if the person has agreed") from None
    if not agreed:
        raise click.Abort


def _say(text: str) -> None:
    click.echo(text, err=True)
