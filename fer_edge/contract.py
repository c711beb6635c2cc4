"""What a model expects to see and what its outputs mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Side = Annotated[int, Field(ge=16, le=1024)]
MAX_LABELS = 1000
Label = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^/\\\x00-\x1f]+$")]


class InputContract(BaseModel):
    """The agreement between a model and everybody who feeds it.

    It is stored inside every checkpoint and artifact; `fer_edge.preprocess` carries it out for training, calibration,
    verification, benchmark and runtime alike.

    Attributes:
        height: input height, pixels.
        width: input width, pixels.
        colour: "rgb", or "grey" when the graph itself reduces the three channels to their luma.
        resize: "area" averages when it shrinks and is bilinear when it enlarges; "bilinear" is bilinear always. The
            aspect ratio is not kept.
        crop_margin: what a face box grows on each side before it is cut, as a fraction of its longer side. Data-set
            images are crops already, so it applies to detected faces only.
        labels: the class names, in the order of the outputs.
        value_range: the pixel values the graph takes; scaling to what the network was trained on is inside the graph.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    height: Side
    width: Side
    colour: Literal["rgb", "grey"]
    resize: Literal["area", "bilinear"] = "area"
    crop_margin: Annotated[float, Field(ge=0, le=1)] = 0.1
    labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=MAX_LABELS)]
    value_range: tuple[Literal[0], Literal[255]] = (0, 255)

    @field_validator("labels")
    @classmethod
    def _labels_are_unique(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(labels)) != len(labels):
            raise ValueError(f"labels repeat: {', '.join(labels)}")
        return labels
