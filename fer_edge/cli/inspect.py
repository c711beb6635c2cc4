"""`fer-edge inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_edge.errors import ArtifactError

if TYPE_CHECKING:
    from fer_edge.contract import InputContract
    from fer_edge.manifest import CheckpointInfo, Manifest

Rows = list[tuple[str, str]]


@click.command("inspect")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(file: str, as_json: bool) -> int:
    """Show what a checkpoint or a converted model says about itself.

    Opens no runtime. Exit code 8 when the model is not the one that its manifest describes.
    """
    from fer_edge.models import model_name, resolve_model

    path = resolve_model(file)
    document, rows = _checkpoint(path) if path.suffix == ".keras" else _artifact(path)
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "path": model_name(path), **document}, indent=2))
    else:
        _print(model_name(path), rows)
    return 0 if document.get("intact", True) else ArtifactError.exit_code


def _artifact(path: Path) -> tuple[dict[str, Any], Rows]:
    from fer_edge.artifact import payload_sha256, read_manifest, size_bytes

    manifest = read_manifest(path)
    intact = payload_sha256(path, manifest.format) == manifest.payload_sha256
    size = size_bytes(path)
    told = manifest.model_dump(
        mode="json", exclude={"golden": {"pixels"}, "calibration": {"images"}, "source": {"selected_on"}}
    )
    told["source"]["selected_on_count"] = len(manifest.source.selected_on)
    document = {"kind": "artifact", "size_bytes": size, "intact": intact, "manifest": told}
    return document, _artifact_rows(manifest, size, intact)


def _artifact_rows(manifest: Manifest, size: int, intact: bool) -> Rows:
    parity, calibration, source = manifest.parity, manifest.calibration, manifest.source
    sqnr = "equal outputs" if parity.sqnr_db is None else f"SQNR {parity.sqnr_db:.1f} dB"
    return [
        ("format", f"{manifest.format.value}, {manifest.precision.value}"),
        ("size", f"{size / 1e6:.2f} MB"),
        ("model hash", "ok" if intact else "WRONG: altered or cut short; copy it again from where it was made"),
        *_contract_rows(manifest.contract),
        ("made from", f"{source.name} ({source.architecture}), SHA-256 {source.sha256[:16]}..."),
        ("chosen on", f"{len(source.selected_on)} tuning images" if source.selected_on else ""),
        ("plan", manifest.plan),
        ("steps", "\n".join(manifest.steps)),
        ("settings", ", ".join(f"{key}={value}" for key, value in manifest.runtime_settings.items())),
        ("calibration", f"{calibration.count} images, SHA-256 {calibration.sha256[:16]}..." if calibration else ""),
        (
            "parity",
            f"{parity.agreement:.3f} agreement on {parity.count} images, largest probability difference "
            f"{parity.max_probability_difference:.4f}, mean {parity.mean_probability_difference:.5f}, {sqnr}",
        ),
        ("golden sample", f"top-1 margin {manifest.golden.margin:.3f}"),
        ("made with", ", ".join(f"{name} {version}" for name, version in manifest.tools.items())),
    ]


def _checkpoint(path: Path) -> tuple[dict[str, Any], Rows]:
    from fer_edge.checkpoint import file_sha256, read_checkpoint_info

    info = read_checkpoint_info(path)
    size, digest = path.stat().st_size, file_sha256(path)
    rows = [("format", "Keras checkpoint"), ("size", f"{size / 1e6:.2f} MB"), ("SHA-256", f"{digest[:16]}...")]
    document: dict[str, Any] = {"kind": "checkpoint", "size_bytes": size, "sha256": digest, "info": None}
    if info is None:
        return document, [
            *rows,
            ("contract", "none: fer-edge did not make it; give labels and scaling to fer-edge convert"),
        ]
    told = info.model_dump(mode="json", exclude={"training": {"tuning"}})
    return {**document, "info": told}, [*rows, *_checkpoint_rows(info)]


def _checkpoint_rows(info: CheckpointInfo) -> Rows:
    rows = [("architecture", info.architecture), *_contract_rows(info.contract)]
    if training := info.training:
        rows += [
            ("recipe", ", ".join([training.recipe, *(f"{k}={v}" for k, v in training.overrides.items())])),
            ("trained", f"{training.epochs} epochs, seed {training.seed}"),
            ("images", ", ".join(f"{count} {name}" for name, count in training.counts.items())),
            ("tuning figures", ", ".join(f"{name} {value:.4f}" for name, value in training.metrics.items())),
        ]
    return [*rows, ("made with", ", ".join(f"{name} {version}" for name, version in info.tools.items()))]


def _contract_rows(contract: InputContract) -> Rows:
    return [
        ("input", f"{contract.height} x {contract.width} px, {contract.colour}, resized by {contract.resize}"),
        ("crop margin", f"{contract.crop_margin:g} of the face box's longer side"),
        ("labels", ", ".join(contract.labels)),
    ]


def _print(title: str, rows: Rows) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, title=Text(title), title_justify="left")
    for name, value in rows:
        if value:
            table.add_row(Text(name, "bold"), Text(value))
    Console(stderr=True).print(table)
