"""Write docs/cli.md from the commands themselves: `make docs`."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import click

from fer_edge.cli import COMMANDS, cli

TARGET = Path(__file__).parent / "cli.md"
HEAD = """# Command line

Written by `make docs` from the commands' own help; do not edit.

Exit codes: 0 done, 1 internal error, 2 usage, 3 an artifact is INFERIOR, 4 a runtime or provider is missing, 5 the
latency is invalid, 6 some targets failed, 7 the images do not decide, 8 bad input, 9 no space left, 130 interrupted. If
several apply, the first of 8, 9, 4, 6, 3, 5, 7.

People read stderr; `--json` prints one JSON document on stdout. Options give percentage points, JSON fractions.
"""


def render() -> str:
    """The page: the help of the group and of every command, 100 columns wide."""
    group = click.Context(cli, info_name="fer-edge", terminal_width=100, **cli.context_settings)
    parts = [HEAD, _section(group)]
    for name in COMMANDS:
        command = cli.get_command(group, name) if importlib.util.find_spec(f"fer_edge.cli.{name}") else None
        if command is not None:
            parts += _sections(click.Context(command, parent=group, info_name=name))
    return "\n".join(parts)


def _sections(context: click.Context) -> list[str]:
    """A command's section; after a group's, those of its commands."""
    within = context.command.commands if isinstance(context.command, click.Group) else {}
    below = [_sections(click.Context(command, parent=context, info_name=name)) for name, command in within.items()]
    return [_section(context), *itertools.chain.from_iterable(below)]


def _section(context: click.Context) -> str:
    return f"## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
