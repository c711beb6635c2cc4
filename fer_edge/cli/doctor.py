"""`fer-edge doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from fer_edge.errors import EnvironmentFailure

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(as_json: bool) -> int:
    """Check what this machine can run and say what to install.

    Every runtime is imported in a process of its own, every camera is opened for a frame. Exit code 4 when no
    inference runtime works.
    """
    from fer_edge.doctor import can_infer, examine
    from fer_edge.runtime.checks import examine_device
    from fer_edge.system_info import system_info

    checks = examine()
    checks += examine_device()
    usable = can_infer(checks)
    if as_json:
        document = {
            "schema_version": 1,
            "system": asdict(system_info()),
            "can_infer": usable,
            "checks": [asdict(check) for check in checks],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for check in checks:
            mark = click.style(f"{check.status.value:4}", fg=COLOURS[check.status.value])
            click.echo(f"{mark}  {check.name:16} {check.message}", err=True)
            if check.remedy:
                click.echo(f"{'':23}{check.remedy}", err=True)
    return 0 if usable else EnvironmentFailure.exit_code
