"""What `verify` and `benchmark` have in common on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

_PARAMETERS = (
    click.argument("artifacts", nargs=-1, required=True, metavar="ARTIFACT..."),
    click.option("--baseline", required=True, help=".keras, fp32 artifact or saved .npz."),
    click.option("--data", required=True, help="Labelled images that no model learned from; test/ is preferred."),
    click.option("--margin", type=click.FloatRange(0, 100), default=1.0, show_default=True, help="Percentage points."),
    click.option("--threads", type=click.IntRange(1), help="Threads per model; default: all usable cores."),
    click.option("--runtime", help="What executes the artifacts: litert, tflite-runtime, execution providers, device."),
)


def comparison_parameters(function: FunctionT) -> FunctionT:
    """Give a command the artifacts, the baseline, the data and how to run them."""
    for parameter in reversed(_PARAMETERS):
        function = parameter(function)
    return function
