"""The file of `fer-edge run --config`: what a service needs, under the names of the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
from pydantic import BaseModel, ConfigDict, Field

from fer_edge.toml_file import read_toml

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]


class RunConfig(BaseModel):
    """What may stand in the file; every key may be left out, and options on the command line win.

    Attributes:
        model: see `fer-edge run MODEL`.
        source: camera or recording.
        compare: other models on the same faces.
        detector: face detector.
        sinks: where results go.
        detect_every: look for faces in each n-th frame.
        max_frames: end after so many frames.
        duration: end after so many seconds.
        no_frames: no picture is stored or sent.
        threads: processor threads of each model.
        runtime: what executes the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: Text | None = None
    source: Text | None = None
    compare: list[Text] | None = None
    detector: Text | None = None
    sinks: Annotated[list[Text], Field(min_length=1)] | None = None
    detect_every: Count | None = None
    max_frames: Count | None = None
    duration: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    no_frames: bool | None = None
    threads: Count | None = None
    runtime: Text | None = None


PARAMETERS = {"compare": "others", "duration": "duration_s"}  # of the command, where they are named otherwise


def use_config(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    """Make the file's values the defaults of the command (a Click callback).

    Raises:
        BadInputError: no such file, or not what it should be.
    """
    if path is None:
        return
    config = read_toml(path, RunConfig, "configuration of run", "Its keys are in docs/run.md")
    given = {PARAMETERS.get(key, key): value for key, value in config.model_dump(exclude_none=True).items()}
    context.default_map = {**(context.default_map or {}), **given}
