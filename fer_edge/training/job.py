"""One training from data to checkpoint, history and model card."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from fer_edge.checkpoint import add_checkpoint_info
from fer_edge.contract import MAX_LABELS, InputContract
from fer_edge.data.fingerprint import combined_sha256
from fer_edge.data.folder import LabelledImages, data_root
from fer_edge.data.split_file import write_split
from fer_edge.data.votes import read_votes
from fer_edge.errors import BadInputError, DataError, FerEdgeError
from fer_edge.evaluation.classification import Probabilities
from fer_edge.manifest import CheckpointInfo, TrainingRecord
from fer_edge.training.backbones import build_classifier
from fer_edge.training.devices import fastest_dtype, training_strategy
from fer_edge.training.half import halve, round_kernels
from fer_edge.training.loop import EVALUATION_BATCH, StoppedError, compile_model, fit
from fer_edge.training.outputs import FILES, write_history, write_outputs
from fer_edge.training.parts import Part, choosing_images, training_parts
from fer_edge.training.pipeline import Cache, fill_cache, plain_batches
from fer_edge.training.recipe import Recipe
from fer_edge.training.state import Progress, StateFolder
from fer_edge.training.temperature import best_temperature, fold_temperature
from fer_edge.whole_file import finished_files, whole_file

STATE = "state"
WRITTEN = ("split.json", *FILES)


@dataclass(frozen=True)
class TrainingRequest:
    """What to train.

    Attributes:
        data: the training images.
        tuning: the images that choose the epoch; None takes the recipe's part of `data`.
        data_path: as the user named it, for the split file.
        architecture: a key of the backbones table.
        recipe: with the command line's overrides in it.
        overrides: those overrides, for the record.
        limit: use at most this many images of `data`, and of `tuning`; None uses all.
        votes: CSV of the raters' votes, which become the targets (see `read_votes`); None trains on the labels.
        out: folder of the run.
        overwrite: replace the run that is there, once everything for the new one has been read.
    """

    data: LabelledImages
    tuning: LabelledImages | None
    data_path: str
    architecture: str
    recipe: Recipe
    overrides: dict[str, str]
    limit: int | None
    votes: Path | None
    out: Path
    overwrite: bool

    @property
    def contract(self) -> InputContract:
        """Of the finished model."""
        size, labels = self.recipe.size, self.data.labels
        return InputContract(height=size, width=size, colour=self.recipe.colour, labels=labels)


def train(
    request: TrainingRequest,
    say: Callable[[str], None],
    report: Callable[[Progress, float], None],
    on_batch: Callable[[int, int], None],
) -> Path:
    """Train, or go on with the run found in `request.out`; returns the checkpoint's path.

    Writes `split.json`, what `write_outputs` lists and, last, `<architecture>.keras`.

    Args:
        request: what to train.
        say: is told each step, a line of text.
        report: is told after each epoch how far the run is, and the seconds that the epoch took.
        on_batch: is told after each batch how many of the epoch's are done, and of how many.

    Raises:
        BadInputError: the folder belongs to another run.
        DataError: unreadable images, too few of them, or votes that do not fit.
        CheckpointError, DownloadError: see `build_classifier`.
        FerEdgeError: the loss became NaN, memory ran out, or a weight is too large for float16.
    """
    recipe, labels = request.recipe, request.data.labels
    keras.utils.set_random_seed(recipe.seed)
    if not 2 <= len(labels) <= MAX_LABELS:
        raise DataError(f"training on {request.data.source} with {len(labels)} classes", f"Give 2 to {MAX_LABELS}")
    parts = training_parts(request.data, request.tuning, request.limit, recipe, say)
    fitted, kept = (part.images for part in parts)
    say(f"[1/3] reading {len(fitted)} images to fit and {len(kept)} to tune")
    votes = [read_votes(request.votes, images) if request.votes else None for images in (fitted, kept)]
    training, tuning = fill_cache(fitted, request.contract, votes[0]), fill_cache(kept, request.contract, votes[1])
    record = _record(request, parts, votes[0].sha256 if votes[0] else "", say)
    dtype = fastest_dtype() if recipe.dtype == "auto" else recipe.dtype
    say(f"[2/3] training {request.architecture}, recipe {recipe.name}, {recipe.epochs} epochs at most, in {dtype}")
    model = _compiled(request, dtype, len(fitted))
    state, progress = _begin(request, model, record)
    write_split(request.out / "split.json", data_root(request.data_path), {"train": fitted, "tuning": kept})
    try:
        fit(model, recipe, training, tuning, state, progress, _with_history(request.out, report), on_batch)
    except StoppedError as error:
        raise _stopped(error, request, record, model, state, progress) from error
    model = _in_float32(model, request)
    probabilities, metrics = _finish(model, recipe, tuning, kept.targets)
    info = _info(request, record, progress.epoch, metrics)
    say("[3/3] writing report, figures and model card, then the checkpoint")
    write_outputs(request.out, info, recipe, progress, kept, probabilities)
    path = request.out / f"{request.architecture}.keras"
    save_checkpoint(model, info, path, half=recipe.half_kernels)
    return path


def _record(
    request: TrainingRequest, parts: tuple[Part, Part], votes_sha256: str, say: Callable[[str], None]
) -> TrainingRecord:
    """What is known of the training before its first epoch."""
    recipe, (fitted, kept) = request.recipe, parts
    return TrainingRecord(
        recipe=recipe.name,
        overrides=request.overrides,
        seed=recipe.seed,
        epochs=0,
        data_sha256=combined_sha256(fitted.prints),
        counts={"fit": len(fitted.prints), "tuning": len(kept.prints)},
        tuning=choosing_images(recipe.weights, kept, say),
        metrics={},
        votes_sha256=votes_sha256,
    )


def _info(request: TrainingRequest, record: TrainingRecord, epochs: int, metrics: dict[str, float]) -> CheckpointInfo:
    """What the checkpoint says of itself after so many epochs."""
    tools = {name: importlib.import_module(name).__version__ for name in ("keras", "tensorflow", "numpy")}
    return CheckpointInfo(
        architecture=request.architecture,
        contract=request.contract,
        training=record.model_copy(update={"epochs": epochs, "metrics": metrics}),
        tools={**tools, "fer-edge": version("fer-edge")},
    )


def _with_history(out: Path, report: Callable[[Progress, float], None]) -> Callable[[Progress, float], None]:
    """What is to be done after every epoch."""

    def after_epoch(progress: Progress, seconds: float) -> None:
        write_history(out, progress)
        report(progress, seconds)

    return after_epoch


def _compiled(request: TrainingRequest, dtype: str, images: int) -> keras.Model:
    """The network, open to every size, ready to fit `images` images."""
    recipe = request.recipe
    with training_strategy().scope():
        keras.config.set_dtype_policy(dtype)
        try:
            model = build_classifier(
                request.architecture, request.contract, recipe.weights, any_size=True, dropout=recipe.dropout
            )
        finally:
            keras.config.set_dtype_policy("float32")
        compile_model(model, recipe, max(images // recipe.batch_size, 1))
    return model


def _stopped(
    error: StoppedError,
    request: TrainingRequest,
    record: TrainingRecord,
    model: keras.Model,
    state: StateFolder,
    progress: Progress,
) -> FerEdgeError:
    """Say how to go on, from the last good weights where there are any."""
    if not progress.epoch:
        return FerEdgeError(str(error), f"Lower the recipe's {error.key} and start again with --overwrite")
    state.restore_best(progress, model)
    save_checkpoint(_in_float32(model, request), _info(request, record, progress.epoch, {}), state.last_good)
    return FerEdgeError(
        f"{error}; the weights of epoch {progress.best_epoch or progress.epoch} are kept as {state.last_good}",
        f"Lower the recipe's {error.key} and go on from them: --weights {state.last_good}, and another --out",
    )


def _begin(request: TrainingRequest, model: keras.Model, record: TrainingRecord) -> tuple[StateFolder, Progress]:
    """Bring the model to where the run in `request.out` stands, or make room for a new one."""
    state = StateFolder(request.out / STATE)
    if request.overwrite:
        (request.out / f"{request.architecture}.keras").unlink(missing_ok=True)
        state.clear()
    return state, state.load(_identity(request, record), model)


def _identity(request: TrainingRequest, record: TrainingRecord) -> str:
    """The same for all starts of one run: of network, recipe and images."""
    # What comes after the training may be changed while it is under way, in a copy of a built-in recipe too.
    dump = request.recipe.model_dump_json(exclude={"name", "temperature", "half_kernels"})
    images = record.data_sha256, record.votes_sha256, *record.tuning
    return hashlib.sha256(f"{request.architecture} {dump} {' '.join(images)}".encode()).hexdigest()


def _in_float32(model: keras.Model, request: TrainingRequest) -> keras.Model:
    """The same weights in a float32 model of the contract's size."""
    copy = build_classifier(request.architecture, request.contract, dropout=request.recipe.dropout)
    copy.set_weights(model.get_weights())
    return copy


def _finish(
    model: keras.Model, recipe: Recipe, tuning: Cache, targets: npt.NDArray[np.int64]
) -> tuple[Probabilities, dict[str, float]]:
    """Calibrate and round the trained model; returns its probabilities of the tuning images, and figures."""
    batches = plain_batches(tuning, recipe.size, EVALUATION_BATCH)
    metrics = {}
    if recipe.temperature:
        metrics["temperature"] = best_temperature(targets, model.predict(batches, verbose=0))
        fold_temperature(model, metrics["temperature"])
    if recipe.half_kernels:
        round_kernels(model)
    probabilities = model.predict(batches, verbose=0)
    return probabilities, {"tuning_accuracy": float(np.mean(probabilities.argmax(axis=1) == targets)), **metrics}


def save_checkpoint(model: keras.Model, info: CheckpointInfo, path: Path, *, half: bool = False) -> None:
    """Write a self-contained `.keras` with its record; `half`: see `halve`."""
    with whole_file(path) as temporary:
        model.save(temporary)
        if half:
            halve(temporary)
        add_checkpoint_info(temporary, info)


def check_output(out: Path, architecture: str, overwrite: bool) -> None:
    """Make the run's folder; refuse one whose files would be lost, unless they may be replaced.

    Raises:
        BadInputError: a finished training is there, another network's even if it may be replaced, or files of another
            origin with the names that it writes.
    """
    begun = (out / STATE).is_dir()
    others = [path.name for path in finished_files(out, "*.keras") if path.stem != architecture]
    if others:
        raise BadInputError(f"{out} holds the run of {others[0]}", "Give another --out")
    taken = [name for name in (f"{architecture}.keras", *(() if begun else WRITTEN)) if (out / name).exists()]
    if taken and not overwrite:
        raise BadInputError(f"{out / taken[0]} exists already", "Give another --out, or --overwrite to replace it")
    out.mkdir(parents=True, exist_ok=True)
