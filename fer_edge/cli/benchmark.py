"""`fer-edge benchmark`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fer_edge.cli.comparison import comparison_parameters


@click.command("benchmark")
@comparison_parameters
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for results.json, report and figure."
)
@click.option("--min-seconds", type=click.FloatRange(0.1, 600), default=2.0, show_default=True, help="Per model.")
@click.option("--overwrite", is_flag=True, help="Replace the results in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json on stdout too.")
def command(
    artifacts: tuple[str, ...],
    baseline: str,
    data: str,
    out: Path,
    margin: float,
    min_seconds: float,
    threads: int | None,
    runtime: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Compare accuracy, latency and memory of converted models with the full-precision baseline.

    Exit code 3: a model is INFERIOR. 5: the times are invalid. 7: the images do not decide, or they chose the model.
    4: a runtime is missing.
    """
    from benchmarks.document import document
    from benchmarks.job import benchmark
    from benchmarks.output import check_output, write_output
    from benchmarks.report import print_report
    from benchmarks.request import BenchmarkRequest
    from fer_edge.models import resolve_model
    from fer_edge.optional import require

    require("matplotlib", extra="benchmark")
    check_output(out, overwrite)
    paths = tuple(resolve_model(name) for name in artifacts)
    request = BenchmarkRequest(
        paths, resolve_model(baseline), data, margin / 100, threads, runtime, min_seconds=min_seconds
    )
    report = benchmark(request, lambda line: click.echo(line, err=True))
    print_report(report)
    results = write_output(report, out)
    click.echo(f"written: {results}, report.md and tradeoff.svg beside it", err=True)
    if as_json:
        click.echo(json.dumps(document(report), indent=1, allow_nan=False))
    return report.exit_code
