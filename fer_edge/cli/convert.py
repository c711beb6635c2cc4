"""`fer-edge convert`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from convert.request import ConvertRequest, ForeignContract, TargetResult
    from fer_edge.contract import InputContract

SCHEMA_VERSION = 1


@click.command("convert")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--to", "formats", help="tflite,onnx,openvino; default all.")
@click.option("--precision", "precisions", help="fp32,fp16,dynamic,int8; default all.")
@click.option(
    "--calibration", required=True, help="Real images, one folder per class; their train/ where there is one."
)
@click.option(
    "--calibration-count", default=200, show_default=True, type=click.IntRange(1), help="Exact number of images."
)
@click.option("--evaluation", help="Images that must not overlap the calibration; parity is measured on them.")
@click.option("--plan", default="resilient", show_default=True, help="Conversion plan: resilient or plain.")
@click.option("--contract", "contract_file", type=click.Path(path_type=Path), help="TOML contract of a foreign model.")
@click.option("--labels", help="Foreign model: class names in the order of its outputs, comma-separated.")
@click.option("--colour", type=click.Choice(["rgb", "grey"]), help="Foreign model: what it was trained on.")
@click.option("--scale", type=float, help="Foreign model: factor on 0-255 pixels.  [default: 1/255]")
@click.option("--mean", type=float, nargs=3, help="Foreign model: subtracted after scaling, per channel.")
@click.option("--std", type=float, nargs=3, help="Foreign model: divided by after the mean, per channel.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the artifacts.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the parity runs.  [default: all cores]")
@click.option("--resume", is_flag=True, help="Keep whole artifacts that are there already; make the others.")
@click.option("--overwrite", is_flag=True, help="Replace artifacts that are there already.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be made.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(
    model: Path,
    formats: str | None,
    precisions: str | None,
    calibration: str,
    calibration_count: int,
    evaluation: str | None,
    plan: str,
    contract_file: Path | None,
    out: Path,
    threads: int | None,
    resume: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    **foreign_options: object,
) -> int:
    """Quantize MODEL (a .keras file or zoo:NAME) to TFLite, ONNX and OpenVINO.

    Every artifact carries its input contract, a golden sample and the fingerprints of its calibration images, and is
    compared with MODEL before it is written.
    """
    from rich.console import Console

    from convert.plan import load_plan
    from convert.request import ConvertRequest, select_targets
    from fer_edge.data.folder import open_images
    from fer_edge.manifest import Format, Precision
    from fer_edge.models import resolve_model

    model = resolve_model(str(model))
    targets, skipped = select_targets(_choices(formats, Format, "--to"), _choices(precisions, Precision, "--precision"))
    load_plan(plan)
    contract, foreign = _contract(model, contract_file, foreign_options)
    request = ConvertRequest(
        model=model,
        contract=contract,
        foreign=foreign,
        targets=targets,
        calibration=open_images(calibration, prefer="train", labels=contract.labels),
        calibration_count=calibration_count,
        evaluation=open_images(evaluation, prefer="test", labels=contract.labels) if evaluation else None,
        plan=plan,
        out=out,
        resume=resume,
        overwrite=overwrite,
        threads=threads,
    )
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for sentence in skipped:
        console.print(sentence, markup=False)
    if dry_run:
        results = _dry_run(request)
    else:
        from fer_edge.optional import require

        require("tensorflow", extra="convert")
        from convert.job import convert

        results = convert(request, lambda message: console.print(message, markup=False))
    if as_json:
        click.echo(json.dumps(_document(request, results, skipped), indent=1))
    elif dry_run:
        for result in results:
            console.print(f"would make {result.path}", markup=False)
    else:
        _print_table(console, results)
    return 6 if any(result.status == "failed" for result in results) else 0


def _choices(text: str | None, kind: type, option: str) -> list | None:  # type: ignore[type-arg]
    if text is None:
        return None
    valid = [member.value for member in kind]  # type: ignore[attr-defined]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in valid:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(valid)}", param_hint=option)
    return [kind(name) for name in dict.fromkeys(names)]


def _contract(
    model: Path, contract_file: Path | None, options: dict[str, object]
) -> tuple[InputContract, ForeignContract | None]:
    """The contract inside the checkpoint, or a foreign model's from file and options."""
    from fer_edge.checkpoint import read_checkpoint_info

    given = {name: value for name, value in options.items() if value is not None}
    info = read_checkpoint_info(model)
    if info is not None:
        if given or contract_file:
            named = ", ".join(f"--{name}" for name in given) or "--contract"
            raise click.UsageError(f"{model} carries its own contract; leave {named} out")
        return info.contract, None
    from fer_edge.optional import require

    require("tensorflow", extra="convert")
    from convert.model import ForeignOptions, foreign_contract, merge_options, read_contract_file

    base = read_contract_file(contract_file) if contract_file else ForeignOptions()
    if "labels" in given:
        given["labels"] = tuple(part.strip() for part in str(given["labels"]).split(","))
    foreign = foreign_contract(model, merge_options(base, given))
    return foreign.contract, foreign


def _dry_run(request: ConvertRequest) -> list[TargetResult]:
    """Check what can be checked without converting."""
    from convert.calibration import sample_calibration
    from convert.job import check_output
    from convert.request import TargetResult

    check_output(request)
    sample_calibration(
        request.calibration, request.contract, request.calibration_count, request.evaluation, request.seed
    )
    return [TargetResult(t, "planned", request.out / t.file_name(request.model.stem)) for t in request.targets]


def _document(request: ConvertRequest, results: list[TargetResult], skipped: list[str]) -> dict[str, object]:
    from fer_edge.models import model_name

    return {
        "schema_version": SCHEMA_VERSION,
        "model": model_name(request.model),
        "plan": request.plan,
        "calibration": {"source": request.calibration.source, "count": request.calibration_count},
        "skipped": skipped,
        "artifacts": [
            {
                "format": r.target.format.value,
                "precision": r.target.precision.value,
                "status": r.status,
                "path": str(r.path) if r.path else None,
                "size_bytes": r.size_bytes,
                "parity": r.parity.model_dump() if r.parity else None,
                "steps": list(r.steps),
                "reason": r.reason,
                "seconds": round(r.seconds, 1),
            }
            for r in results
        ],
    }


def _print_table(console: object, results: list[TargetResult]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("Artifact", "Status", "Size MB", "Agreement", "Max |dp|", "SQNR dB", "Reason or file")
    for r in results:
        parity = r.parity
        figures = (
            (f"{parity.agreement:.3f}", f"{parity.max_probability_difference:.4f}", _decibel(parity.sqnr_db))
            if parity
            else ("", "", "")
        )
        size = f"{r.size_bytes / 1e6:.1f}" if r.size_bytes else ""
        table.add_row(str(r.target), r.status, size, *figures, Text(r.reason or str(r.path)))
    console.print(table)  # type: ignore[attr-defined]


def _decibel(value: float | None) -> str:
    return "equal" if value is None else f"{value:.0f}"
