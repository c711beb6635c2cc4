from __future__ import annotations

from pathlib import Path

import pytest

from fer_edge.errors import BadInputError, UsageError
from fer_edge.training.recipe import FOLDER, Recipe, Stage, load_recipe

REFERENCE_RUNS = Path(__file__).parents[2] / "docs/recipes"


@pytest.mark.parametrize("name", sorted(p.stem for p in FOLDER.glob("*.toml")))
def test_every_shipped_recipe_is_valid(name: str) -> None:
    assert load_recipe(name).name == name


@pytest.mark.parametrize("path", sorted(REFERENCE_RUNS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_recipes_of_the_reference_runs_are_valid(path: Path) -> None:
    assert load_recipe(str(path)).colour == "grey"


def test_the_paper_recipe_is_the_study() -> None:
    recipe = load_recipe("paper")
    assert (recipe.size, recipe.epochs, recipe.learning_rate, recipe.dropout) == (224, 25, 1e-4, 0.5)
    changes = recipe.augmentation
    assert (changes.rotation_degrees, changes.shift, changes.zoom, changes.flip) == (20, 0.2, (0.8, 1.2), True)


def test_stages_follow_each_other() -> None:
    recipe = Recipe(name="x", stages=(Stage(size=32, epochs=2), Stage(size=64, epochs=1)))
    assert [recipe.stage_at(epoch).size for epoch in range(4)] == [32, 32, 64, 64]
    assert (recipe.size, recipe.epochs) == (64, 3)


def test_overrides_are_recorded() -> None:
    recipe, overrides = load_recipe("scratch").override(size=96, epochs=3, weights=None, seed=7)
    assert recipe.stages == (Stage(size=96, epochs=3),)
    assert overrides == {"size": "96", "epochs": "3", "seed": "7"}


def test_no_override_changes_nothing() -> None:
    recipe = load_recipe("scratch")
    assert recipe.override(size=None, epochs=None, weights=None, seed=None) == (recipe, {})


@pytest.mark.parametrize("name", ["unknown", "../scratch", "missing.toml"])
def test_an_unknown_recipe_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=r"Choose one of: .*paper.*scratch"):
        load_recipe(name)


@pytest.mark.parametrize(
    "text",
    [
        "stages = [",
        "stages = []",
        "stages = [{ size = 64, epochs = 1 }]\nlearning_speed = 3",
        "stages = [{ size = 8, epochs = 1 }]",
        "stages = [{ size = 64, epochs = 1 }]\nseed = -1",
        "stages = [{ size = 64, epochs = 1 }]\n[augmentation]\nshift = 2.0",
        "stages = [{ size = 64, epochs = 1 }]\n[augmentation]\nzoom = [-1.0, 1.0]",
    ],
)
def test_a_bad_recipe_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match="is not a valid recipe"):
        load_recipe(str(path))


def test_a_recipe_file_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("stages = [{ size = 64, epochs = 1 }]")
    assert load_recipe(str(path)).name == "mine"
