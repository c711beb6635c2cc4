"""`fer-edge train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fer_edge.cli.names import split_names

if TYPE_CHECKING:
    from fer_edge.data.folder import LabelledImages


@click.command("train")
@click.option(
    "--data",
    required=True,
    help="Folder or zip with one folder per class, optionally under train/ and tuning/; or a split.json.",
)
@click.option("--arch", "architecture", default="densenet121", show_default=True, help="Network, or 'all'.")
@click.option(
    "--recipe",
    "recipe_name",
    default="paper",
    show_default=True,
    help="paper, scratch, reference, quickstart or a .toml file.",
)
@click.option("--size", type=click.IntRange(32, 1024), help="Input side in pixels; makes one stage of the recipe.")
@click.option("--epochs", type=click.IntRange(1, 1000), help="Most epochs; makes one stage of the recipe.")
@click.option("--weights", help="Initial weights: imagenet, none, a .keras file or zoo:NAME.")
@click.option(
    "--votes",
    type=click.Path(path_type=Path),
    help="CSV of raters' votes (columns file and one per class): their shares are the targets.",
)
@click.option("--classes", help="Names to keep, comma-separated.  [default: all but Ahegao]")
@click.option("--limit", type=click.IntRange(10), help="Use this many images only, classes balanced.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Settles every random choice.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder of the run; an unfinished one goes on."
)
@click.option("--overwrite", is_flag=True, help="Start anew, replacing what is in --out.")
def command(
    data: str,
    architecture: str,
    recipe_name: str,
    size: int | None,
    epochs: int | None,
    weights: str | None,
    votes: Path | None,
    classes: str | None,
    limit: int | None,
    seed: int | None,
    out: Path,
    overwrite: bool,
) -> None:
    """Train a facial-expression classifier and write its checkpoint.

    An interrupted run goes on from its last finished epoch when the same command is given again.
    """
    from fer_edge.cli.progress import TrainingDisplay
    from fer_edge.optional import require

    for package in ("tensorflow", "matplotlib", "scipy"):
        require(package, extra="train")
    from fer_edge.training.backbones import BACKBONES, check_size, check_weights
    from fer_edge.training.devices import grow_gpu_memory
    from fer_edge.training.initial_weights import with_initial_weights
    from fer_edge.training.job import TrainingRequest, check_output, train
    from fer_edge.training.recipe import load_recipe
    from fer_edge.training.study import check_output as check_comparison
    from fer_edge.training.study import write_comparison

    grow_gpu_memory()  # looking for initial weights makes the first model
    recipe, overrides = load_recipe(recipe_name).override(size=size, epochs=epochs, weights=weights, seed=seed)
    architectures = list(BACKBONES) if architecture == "all" else [architecture]
    for name in architectures:
        check_size(name, min(stage.size for stage in recipe.stages))
    check_weights(recipe.weights, architectures)
    images, tuning = _open(data, classes)
    folders = {name: out / name if architecture == "all" else out for name in architectures}
    if architecture == "all" and not overwrite:
        for name in [n for n, folder in folders.items() if (folder / f"{n}.keras").exists()]:
            click.echo(f"kept {folders.pop(name) / f'{name}.keras'}", err=True)
    if architecture == "all":
        check_comparison(out, architectures, overwrite)
    for name, folder in folders.items():
        check_output(folder, name, overwrite)
    recipe, overrides = with_initial_weights(recipe, overrides, folders, lambda line: click.echo(line, err=True))
    for name, folder in folders.items():
        request = TrainingRequest(images, tuning, data, name, recipe, overrides, limit, votes, folder, overwrite)
        with TrainingDisplay(recipe.epochs) as display:
            path = train(request, display.say, display.epoch, display.batch)
        click.echo(str(path))
    if architecture == "all":
        click.echo(str(write_comparison(out, architectures)))


def _open(data: str, classes: str | None) -> tuple[LabelledImages, LabelledImages | None]:
    """The images to fit, and those for tuning where the data has some set aside."""
    from fer_edge.data.folder import open_images, subsets_of
    from fer_edge.data.split import select_classes
    from fer_edge.errors import DataError

    wanted = split_names(classes)
    images, dropped = select_classes(open_images(data, prefer="train"), wanted)
    for name in dropped:
        click.echo(f"dropped: {name} (--classes keeps it)", err=True)
    if not {"train", "tuning"} <= set(subsets_of(data)):
        return images, None
    tuning = open_images(f"{data}#tuning", prefer="tuning")
    tuning, _ = select_classes(tuning, [name for name in wanted if name in tuning.labels])
    if tuning.labels != images.labels:
        message = f"{data} has {', '.join(images.labels)} under train/, and {', '.join(tuning.labels)} under tuning/"
        raise DataError(message, "Give both the same classes")
    return images, tuning
