"""`fer-edge device`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fer_edge.profiles import Profile


@click.group("device")
def command() -> None:
    """Show what is known of a board, and write what it needs to run fer-edge at boot.

    PROFILE is one of those that `list` shows, or the path of a .toml file.
    """


@command.command("list")
def list_profiles() -> None:
    """List the device profiles."""
    from fer_edge.profiles import load_profile, profile_names

    for name in profile_names():
        profile = load_profile(name)
        click.echo(f"{name}: {profile.title} ({profile.tested})")


@command.command("show")
@click.argument("profile")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def show(profile: str, as_json: bool) -> None:
    """Show a board's facts with their sources, and how fer-edge should run there."""
    from fer_edge.profiles import load_profile

    loaded = load_profile(profile)
    if as_json:
        click.echo(json.dumps(loaded.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        _print(loaded)


@command.command("render")
@click.argument("profile")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the files.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def render(profile: str, out: Path, overwrite: bool) -> None:
    """Write a board's run.toml, udev rules and service; print how to install them.

    For a Raspberry Pi there are lines for config.txt too. The commands are on stdout, one a line.
    """
    from fer_edge.profiles import load_profile
    from firmware_configs.render import install_commands, render, write

    loaded = load_profile(profile)
    files = render(loaded)
    write(files, out, overwrite)
    click.echo(f"Written to {out}: {', '.join(file.name for file in files)}", err=True)
    click.echo("To install fer-edge and them, on the device, in a checkout of fer-edge:", err=True)
    for line in install_commands(loaded, files, out):
        click.echo(line)


def _print(profile: Profile) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(profile.title), title_justify="left", show_header=False)
    table.add_row(Text("tested", "bold"), Text(profile.tested))
    content = profile.model_dump(mode="json", exclude={"schema_version", "title", "tested", "sources"})
    for part, fields in content.items():
        table.add_section()
        for name, value in fields.items():
            table.add_row(Text(f"{part}.{name}", "bold"), Text(_text(value), overflow="fold"))
    table.add_section()
    for source in profile.sources:
        table.add_row(Text("source of", "bold"), Text(f"{', '.join(source.facts)}: {source.where}", overflow="fold"))
    Console(stderr=True).print(table)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return "none" if value is None else str(value)
