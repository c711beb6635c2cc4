"""How fast the input pipeline is by itself: `python -m fer_edge.training.pipeline_speed --data DATA`."""

from __future__ import annotations

import sys
import time

import click

from fer_edge.command_line import run_command
from fer_edge.contract import InputContract
from fer_edge.data.folder import open_images
from fer_edge.system_info import system_info
from fer_edge.training.pipeline import Cache, fill_cache, training_batches
from fer_edge.training.recipe import Recipe, load_recipe


@click.command()
@click.option("--data", required=True, help="Folder or zip, as for fer-edge train.")
@click.option("--recipe", "recipe_name", default="reference", show_default=True, help="Whose sizes and augmentation.")
@click.option("--seconds", default=10.0, show_default=True, help="Measure each size for this long.")
def main(data: str, recipe_name: str, seconds: float) -> None:
    """Images per second into the cache, and augmented out of it, without any network."""
    recipe, images = load_recipe(recipe_name), open_images(data, prefer="train")
    contract = InputContract(height=recipe.size, width=recipe.size, colour=recipe.colour, labels=images.labels)
    started = time.perf_counter()
    cache = fill_cache(images, contract)
    cores = system_info().cores
    _print(f"decoded and resized to {recipe.size} px, one thread", len(images) / (time.perf_counter() - started), 1)
    for size in dict.fromkeys(stage.size for stage in recipe.stages):
        _print(f"augmented at {size} px, {cores} cores", augmented_per_second(cache, recipe, size, seconds), cores)


def augmented_per_second(cache: Cache, recipe: Recipe, size: int, seconds: float) -> float:
    """Images per second of the training batches at `size` px; building the graph and the first batch do not count."""
    batches = iter(training_batches(cache, recipe, size, epoch=0).repeat())
    next(batches)
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        count += len(next(batches)[1])
    return count / elapsed


def _print(what: str, rate: float, cores: int) -> None:
    click.echo(f"{what}: {rate:,.0f} images/s, {rate / cores:,.0f} per core")


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
