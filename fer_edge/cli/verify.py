"""`fer-edge verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fer_edge.cli.comparison import comparison_parameters


@click.command("verify")
@comparison_parameters
@click.option("--save-baseline", type=click.Path(path_type=Path), help="Keep the baseline's predictions (.npz).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(
    artifacts: tuple[str, ...],
    baseline: str,
    data: str,
    margin: float,
    save_baseline: Path | None,
    threads: int | None,
    runtime: str | None,
    as_json: bool,
) -> int:
    """Compare the accuracy of converted models with the full-precision baseline, on the same images.

    Exit code 3: a model is INFERIOR. 7: the images do not decide, or they chose the model. 4: a runtime is missing.
    """
    from benchmarks.document import document
    from benchmarks.job import verify
    from benchmarks.report import print_report
    from benchmarks.request import VerifyRequest
    from fer_edge.models import resolve_model

    paths = tuple(resolve_model(name) for name in artifacts)
    request = VerifyRequest(paths, resolve_model(baseline), data, margin / 100, threads, runtime, save_baseline)
    report = verify(request, lambda line: click.echo(line, err=True))
    print_report(report)
    if as_json:
        click.echo(json.dumps(document(report), indent=1, allow_nan=False))
    return report.exit_code
