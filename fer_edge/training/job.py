"""One training from data to checkpoint, history and model card."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from fer_edge.checkpoint import add_checkpoint_info
from fer_edge.contract import MAX_LABELS, InputContract
from fer_edge.data.fingerprint import combined_sha256, fingerprints
from fer_edge.data.folder import LabelledImages, data_root
from fer_edge.data.split import balanced_sample, stratified_split
from fer_edge.data.split_file import write_split
from fer_edge.data.votes import read_votes
from fer_edge.errors import BadInputError, DataError
from fer_edge.evaluation.classification import Probabilities
from fer_edge.manifest import CheckpointInfo, TrainingRecord
from fer_edge.system_info import has_bfloat16
from fer_edge.training.backbones import build_classifier
from fer_edge.training.devices import training_strategy
from fer_edge.training.half import halve, round_kernels
from fer_edge.training.loop import EVALUATION_BATCH, compile_model, fit
from fer_edge.training.outputs import FILES, write_outputs
from fer_edge.training.pipeline import Cache, fill_cache, plain_batches
from fer_edge.training.recipe import Recipe
from fer_edge.training.state import Progress, StateFolder
from fer_edge.training.temperature import best_temperature, fold_temperature
from fer_edge.whole_file import whole_file

STATE = "state"
WRITTEN = ("split.json", *FILES)


@dataclass(frozen=True)
class TrainingRequest:
    """What to train.

    Attributes:
        data: the training images, from which the tuning part is taken.
        data_path: as the user named it, for the split file.
        architecture: a key of the backbones table.
        recipe: with the command line's overrides in it.
        overrides: those overrides, for the record.
        limit: use at most this many images; None uses all.
        votes: CSV of the raters' votes, which become the targets (see `read_votes`); None trains on the labels.
        out: folder of the run.
        overwrite: replace the run that is there, once everything for the new one has been read.
    """

    data: LabelledImages
    data_path: str
    architecture: str
    recipe: Recipe
    overrides: dict[str, str]
    limit: int | None
    votes: Path | None
    out: Path
    overwrite: bool


def train(
    request: TrainingRequest,
    say: Callable[[str], None],
    report: Callable[[Progress, float], None],
    on_batch: Callable[[int, int], None],
) -> Path:
    """Train, or go on with the run found in `request.out`; returns the checkpoint's path.

    Writes `split.json`, what `write_outputs` lists and, last, `<architecture>.keras`.

    Raises:
        BadInputError: the folder belongs to another run.
        DataError: unreadable images, too few of them, or votes that do not fit.
        CheckpointError, DownloadError: see `build_classifier`.
        FerEdgeError: the loss became NaN, memory ran out, or a weight is too large for float16.
    """
    recipe = request.recipe
    keras.utils.set_random_seed(recipe.seed)
    images = request.data
    if not 2 <= len(images.labels) <= MAX_LABELS:
        raise DataError(f"{images.source} has {len(images.labels)} class folders", f"Give 2 to {MAX_LABELS}")
    if request.limit is not None and request.limit < len(images):
        images = images.take(balanced_sample(images.targets, request.limit, recipe.seed))
    contract = InputContract(height=recipe.size, width=recipe.size, colour=recipe.colour, labels=images.labels)
    fit_indices, tuning_indices = stratified_split(images.targets, recipe.tuning_fraction, recipe.seed)
    fit_images, tuning_images = images.take(fit_indices), images.take(tuning_indices)
    say(f"[1/3] reading {len(fit_images)} images to fit and {len(tuning_images)} to tune")
    prints = fingerprints(fit_images)
    tuning_prints = fingerprints(tuning_images)
    votes = [read_votes(request.votes, part) for part in (fit_images, tuning_images)] if request.votes else [None, None]
    training, tuning = fill_cache(fit_images, contract, votes[0]), fill_cache(tuning_images, contract, votes[1])
    votes_sha256 = votes[0].sha256 if votes[0] else ""
    data_sha256 = combined_sha256(prints)
    say(f"[2/3] training {request.architecture}, recipe {recipe.name}, {recipe.epochs} epochs at most")
    model = _compiled(request, contract, len(fit_images))
    state, progress = _begin(request, model, data_sha256 + votes_sha256)
    split = {"train": fit_images, "tuning": tuning_images}
    write_split(request.out / "split.json", data_root(request.data_path), split)
    fit(model, recipe, training, tuning, state, progress, report, on_batch)
    model = _in_float32(model, request.architecture, contract, recipe)
    probabilities, metrics = _finish(model, recipe, tuning, tuning_images.targets)
    info = CheckpointInfo(
        architecture=request.architecture,
        contract=contract,
        training=TrainingRecord(
            recipe=recipe.name,
            overrides=request.overrides,
            seed=recipe.seed,
            epochs=progress.epoch,
            data_sha256=data_sha256,
            counts={"fit": len(fit_images), "tuning": len(tuning_images)},
            tuning=tuple(p.exact for p in tuning_prints),
            metrics=metrics,
            votes_sha256=votes_sha256,
        ),
        tools={name: importlib.import_module(name).__version__ for name in ("keras", "tensorflow", "numpy")},
    )
    say("[3/3] writing report, figures and model card, then the checkpoint")
    write_outputs(request.out, info, recipe, progress, tuning_images, probabilities)
    path = request.out / f"{request.architecture}.keras"
    save_checkpoint(model, info, path, half=recipe.half_kernels)
    return path


def _compiled(request: TrainingRequest, contract: InputContract, images: int) -> keras.Model:
    """The network, open to every size, in the recipe's number type, ready to fit `images` images."""
    recipe = request.recipe
    policy = ("mixed_bfloat16" if has_bfloat16() else "float32") if recipe.dtype == "auto" else recipe.dtype
    with training_strategy().scope():
        keras.config.set_dtype_policy(policy)
        try:
            model = build_classifier(
                request.architecture, contract, recipe.weights, any_size=True, dropout=recipe.dropout
            )
        finally:
            keras.config.set_dtype_policy("float32")
        compile_model(model, recipe, max(images // recipe.batch_size, 1))
    return model


def _begin(request: TrainingRequest, model: keras.Model, data_identity: str) -> tuple[StateFolder, Progress]:
    """Bring the model to where the run in `request.out` stands, or make room for a new one."""
    # What comes after the training may be changed while it is under way, in a copy of a built-in recipe too.
    dump = request.recipe.model_dump_json(exclude={"name", "temperature", "half_kernels"})
    identity = hashlib.sha256(f"{request.architecture} {dump} {data_identity}".encode()).hexdigest()
    state = StateFolder(request.out / STATE)
    if request.overwrite:
        (request.out / f"{request.architecture}.keras").unlink(missing_ok=True)
        state.clear()
    return state, state.load(identity, model)


def _in_float32(model: keras.Model, architecture: str, contract: InputContract, recipe: Recipe) -> keras.Model:
    """The same weights in a float32 model of the contract's size."""
    copy = build_classifier(architecture, contract, dropout=recipe.dropout)
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
    others = [path.name for path in sorted(out.glob("*.keras")) if path.stem != architecture]
    if others:
        raise BadInputError(f"{out} holds the run of {others[0]}", "Give another --out")
    taken = [name for name in (f"{architecture}.keras", *(() if begun else WRITTEN)) if (out / name).exists()]
    if taken and not overwrite:
        raise BadInputError(f"{out / taken[0]} exists already", "Give another --out, or --overwrite to replace it")
    out.mkdir(parents=True, exist_ok=True)
