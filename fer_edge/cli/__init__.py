"""The command line: one module per command, imported when it is called."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from importlib.metadata import version
from typing import Any

import click

from fer_edge.errors import BadInputError, FerEdgeError, NoSpaceError

COMMANDS = {
    "quickstart": "Generate faces, train, convert, verify and benchmark: the whole path in one command.",
    "data": "Look for what is wrong with labelled images, and split them without leaks.",
    "train": "Train one of the three networks, or all, on labelled faces.",
    "evaluate": "Score models class by class, against each other, together and against human raters.",
    "convert": "Quantize a checkpoint to TFLite, ONNX and OpenVINO.",
    "verify": "Compare converted models' accuracy with the full-precision baseline.",
    "benchmark": "Compare accuracy, latency and memory with the full-precision baseline.",
    "inspect": "Show what a checkpoint or artifact says about itself.",
    "predict": "Classify the faces in pictures.",
    "run": "Find faces in a camera's pictures and say what they show.",
    "capture": "Take labelled face crops with one's own camera.",
    "models": "List the models that come along, and fetch the face detector.",
    "device": "Show a board's profile, and write what it needs to run fer-edge at boot.",
    "doctor": "Check what this machine can run and say what to install.",
}


# What makes a path that a user gave unusable.
UNUSABLE: tuple[int, ...] = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS)
UNUSABLE += (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


class LazyGroup(click.Group):
    """Imports a command's module when it is called; `--help` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the data's path."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `fer_edge.cli.<name>` and return its `command`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"fer_edge.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(version("fer-edge"), prog_name="fer-edge")
def cli() -> None:
    """Facial-expression classifiers: from training to a quantized model on an edge camera, with the cost measured."""


def main() -> None:
    """Run the command line; every expected failure is one message and its exit code, never a traceback."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run the command line on `arguments`; returns the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow does so itself on processors with VNNI only; without it ResNet50V2 trains at a quarter of the speed.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        result: Any = cli.main(arguments, prog_name="fer-edge", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except FerEdgeError as error:
        return _fail(error)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except OSError as error:
        return _fail(_explained(error))


def _explained(error: OSError) -> FerEdgeError:
    """What a user can do about a failed file operation; raises `error` again if that is not known."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"no space left for {error.filename or 'the output'}", "Free space, then run again")
    if error.filename is not None and error.errno in UNUSABLE:
        return BadInputError(f"{error.filename} cannot be used: {error.strerror}", "Give another path")
    raise error


def _fail(error: FerEdgeError) -> int:
    click.echo(f"error: {error.message}", err=True)
    if error.remedy:
        click.echo(f"       {error.remedy}", err=True)
    return error.exit_code
