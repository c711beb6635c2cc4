"""Training recipes: data files that say everything about a run but the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fer_edge.errors import UsageError
from fer_edge.toml_file import read_toml

FOLDER = Path(__file__).parent / "recipes"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Part):
    """Consecutive epochs at one input size (pixels)."""

    size: Annotated[int, Field(ge=32, le=1024)]
    epochs: Annotated[int, Field(ge=1, le=1000)]


Zoom = Annotated[float, Field(ge=0.25, le=4)]


class Augmentation(_Part):
    """Random changes of training images; one bilinear warp carries out all the geometry.

    Attributes:
        rotation_degrees: uniform in +-.
        shift: uniform in +-, fraction of the side.
        zoom: factor uniform in this range.
        flip: mirror half of the images.
        brightness: additive, uniform in +-, fraction of the full range.
        contrast: factor uniform in 1 +-.
        blur: standard deviation up to this fraction of the side, of a Gaussian; half of the images stay sharp.
        noise: standard deviation up to this fraction of the full range, Gaussian; half of the images stay clean.
        erase_probability: chance that a rectangle of 2 to 20 percent of the area is replaced by one random grey.
    """

    rotation_degrees: Annotated[float, Field(ge=0, le=180)] = 0
    shift: Annotated[float, Field(ge=0, le=0.5)] = 0
    zoom: tuple[Zoom, Zoom] = (1, 1)
    flip: bool = False
    brightness: Annotated[float, Field(ge=0, le=1)] = 0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0
    blur: Annotated[float, Field(ge=0, le=0.2)] = 0
    noise: Annotated[float, Field(ge=0, le=1)] = 0
    erase_probability: Annotated[float, Field(ge=0, le=1)] = 0


class Recipe(_Part):
    """How to train.

    Attributes:
        stages: the last one's size is the model's input size.
        weights: initial weights of the backbone: "none", "imagenet", a path or zoo:NAME.
        learning_rate: peak.
        schedule: "constant", or "cosine" to zero over all stages after a linear warm-up.
        patience: epochs of the last stage without a lower validation loss before training stops.
        tuning_fraction: part of the training images kept for early stopping and later choices.
        batch_norm_images: training images on which the batch-norm statistics are estimated anew before every
            evaluation; Keras' moving averages lag badly in short trainings.
        temperature: divide the logits, for good, by the temperature that fits the tuning images best, so that a
            confidence of 80% is right in 80% of the cases.
        half_kernels: round the kernels to float16 in the end, and store them so: a checkpoint of half the size.
        dtype: "float32", "mixed_bfloat16", or "auto": mixed_bfloat16 where the GPUs, or else the processor, compute
            in it.
    """

    name: str
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    weights: str = "none"
    colour: Literal["rgb", "grey"] = "rgb"
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 32
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=1)] = 5
    tuning_fraction: Annotated[float, Field(gt=0, lt=0.5)] = 0.09
    batch_norm_images: Annotated[int, Field(ge=0)] = 2000
    temperature: bool = False
    half_kernels: bool = False
    dtype: Literal["auto", "float32", "mixed_bfloat16"] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 20240607
    augmentation: Augmentation = Augmentation()

    @property
    def size(self) -> int:
        """Input side of the finished model, pixels."""
        return self.stages[-1].size

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def stage_at(self, epoch: int) -> Stage:
        """The stage that epoch number `epoch` (from 0) belongs to."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        return self.stages[-1]

    def override(
        self, *, size: int | None, epochs: int | None, weights: str | None, seed: int | None
    ) -> tuple[Recipe, dict[str, str]]:
        """Replace what the command line gave; returns the recipe and the overrides for the record.

        A new size or number of epochs makes one stage of it.
        """
        changes: dict[str, object] = {}
        if size is not None or epochs is not None:
            changes["stages"] = (Stage(size=size or self.size, epochs=epochs or self.epochs),)
        if weights is not None:
            changes["weights"] = weights
        if seed is not None:
            changes["seed"] = seed
        given = {"size": size, "epochs": epochs, "weights": weights, "seed": seed}
        return self.model_copy(update=changes), {k: str(v) for k, v in given.items() if v is not None}


def load_recipe(name: str) -> Recipe:
    """Read a recipe by its name in this package, or from the path of a TOML file.

    Raises:
        UsageError: no such recipe.
        BadInputError: the file is not valid.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file() or (not name.endswith(".toml") and Path(name).name != name):
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise UsageError(f"there is no recipe {name!r}", f"Choose one of: {known}, or give the path of a .toml file")
    return read_toml(path, Recipe, "recipe", "Compare it with docs/training.md", name=path.stem)
