"""`fer-edge evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("evaluate")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--data", required=True, help="Labelled images that no model learned from; test/ is preferred.")
@click.option("--votes", type=click.Path(path_type=Path), help="CSV of raters' votes: compare with people too.")
@click.option("--robustness", is_flag=True, help="Blur, darken, glare, add noise and cover too: 11 times the work.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for report.json, report.md and figures.")
@click.option("--overwrite", is_flag=True, help="Replace the report in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(
    models: tuple[str, ...],
    data: str,
    votes: Path | None,
    robustness: bool,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure how well models tell the classes apart, which of them is better, and how they do together.

    MODEL is a checkpoint, a converted model or zoo:NAME.
    """
    from benchmarks.evaluate import EvaluationRequest, evaluate
    from benchmarks.evaluate_report import FILES, document, print_evaluation, write_output
    from benchmarks.output import check_output
    from fer_edge.optional import require

    if out is not None:
        require("matplotlib", extra="benchmark")
        check_output(out, overwrite, FILES)
    found = evaluate(EvaluationRequest(models, data, votes, robustness), lambda line: click.echo(line, err=True))
    print_evaluation(found)
    if out is not None:
        write_output(found, out)
        click.echo(f"written: {out / 'report.md'}, with report.json and figures beside it", err=True)
    if as_json:
        click.echo(json.dumps(document(found), indent=1, allow_nan=False))
