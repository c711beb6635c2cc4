"""The command line: one module per command, imported when it is called."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from importlib.metadata import version

import click

from fer_edge.command_line import run_command

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
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its Python part heeds no such variable
    # TensorFlow does so itself on processors with VNNI only; without it ResNet50V2 trains at a quarter of the speed.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    return run_command(cli, arguments, "fer-edge")
