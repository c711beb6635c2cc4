from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from fer_edge.checkpoint import add_checkpoint_info
from fer_edge.contract import InputContract
from fer_edge.data.fingerprint import fingerprints
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.errors import DataError
from fer_edge.manifest import CheckpointInfo, TrainingRecord
from fer_edge.training.parts import Part, choosing_images, training_parts
from fer_edge.training.recipe import Recipe, Stage
from tests.support.pictures import png, texture

RECIPE = Recipe(name="x", stages=(Stage(size=32, epochs=1),), tuning_fraction=0.25)


def write_textures(root: Path, copies: int, kinds: int = 8) -> LabelledImages:
    """`copies` of each of `kinds` pictures in each of two classes."""
    for label in ("happy", "sad"):
        (root / label).mkdir(parents=True)
        for kind in range(kinds):
            for copy in range(copies):
                content = png(texture(2 * kind + (label == "sad")))
                (root / label / f"{kind}-{copy}.png").write_bytes(content)
    return open_images(root, prefer="train")


@pytest.fixture
def images(tmp_path: Path) -> LabelledImages:
    return write_textures(tmp_path / "data", 3)


def test_copies_of_a_photo_are_on_one_side(images: LabelledImages) -> None:
    fitted, tuning = training_parts(images, None, None, RECIPE, pytest.fail)
    assert (len(fitted.images), len(tuning.images)) == (36, 12)
    assert not {p.exact for p in fitted.prints} & {p.exact for p in tuning.prints}
    for part in (fitted, tuning):
        assert part.prints == fingerprints(part.images)


def test_a_class_of_one_photo_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="class 'happy' cannot be on both sides.* under tuning/"):
        training_parts(write_textures(tmp_path / "data", 5, kinds=1), None, None, RECIPE, pytest.fail)


def test_tuning_images_that_are_given_are_taken(images: LabelledImages) -> None:
    given, said = images.take([0, 1, 30]), list[str]()
    fitted, tuning = training_parts(images.take(range(1, 48)), given, 40, RECIPE, said.append)
    assert (len(fitted.images), tuning.images.names) == (40, given.names)
    assert [("3 of the 3 tuning images show a photo that is fitted too" in line) for line in said] == [True]
    apart = images.take([i for i in range(48) if i not in range(3) and i not in range(30, 33)])
    training_parts(apart, given, None, RECIPE, pytest.fail)


def donor(folder: Path, tuning: LabelledImages) -> str:
    """A file that says that these images chose it."""
    path = folder / "donor.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    record = TrainingRecord(
        recipe="x",
        seed=0,
        epochs=1,
        data_sha256="0" * 64,
        counts={},
        tuning=tuple(p.exact for p in fingerprints(tuning)),
        metrics={},
    )
    contract = InputContract(height=32, width=32, colour="rgb", labels=tuning.labels)
    add_checkpoint_info(path, CheckpointInfo(architecture="densenet121", contract=contract, training=record))
    return str(path)


@pytest.mark.parametrize(
    ("own", "donors", "warned"),
    [([0, 3], [0, 3, 6], False), ([0, 3], [6, 9], False), ([0, 3], [3, 9], True)],
    ids=["the same parts", "other images", "other parts"],
)
def test_what_chose_the_initial_weights_chose_this_model_too(
    images: LabelledImages, tmp_path: Path, own: list[int], donors: list[int], warned: bool
) -> None:
    tuning = images.take(own)
    part = Part(tuning, fingerprints(tuning))
    said: list[str] = []
    chosen = choosing_images(donor(tmp_path, images.take(donors)), part, said.append)
    assert set(chosen) == {p.exact for p in fingerprints(images.take([*own, *donors]))}
    assert len(set(chosen)) == len(chosen)
    assert [("chosen by 1 of these 2 tuning images" in line) for line in said] == [True] * warned


def test_random_weights_were_chosen_by_nothing(images: LabelledImages) -> None:
    part = Part(images.take([0]), fingerprints(images.take([0])))
    assert choosing_images("none", part, pytest.fail) == (part.prints[0].exact,)
