from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.data.split import balanced_sample, grouped_split, select_classes, split_by_photo
from fer_edge.errors import DataError, UsageError
from tests.support import flawed
from tests.support.pictures import png

TARGETS = np.repeat([0, 1, 2], [100, 50, 10]).astype(np.int64)


def test_a_sample_is_balanced_and_exact() -> None:
    sample = balanced_sample(TARGETS, 50, seed=3)
    assert len(set(sample)) == 50
    assert np.bincount(TARGETS[sample]).tolist() == [20, 20, 10]


def test_a_sample_larger_than_the_set_is_refused() -> None:
    with pytest.raises(DataError, match="161 images were asked for and 160 are there"):
        balanced_sample(TARGETS, 161, 0)


def made_up(targets: list[int], labels: tuple[str, ...]) -> LabelledImages:
    """Images without pixels."""
    names = tuple(f"{labels[t]}/{i}.png" for i, t in enumerate(targets))
    return LabelledImages("made up", labels, names, np.array(targets, np.int64), lambda name: b"")


@given(
    classes=st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=20), min_size=2, max_size=5),
    fraction=st.floats(0.05, 0.95),
    seed=st.integers(0, 2**32),
)
def test_groups_stay_whole_and_classes_keep_their_shares(classes: list[list[int]], fraction: float, seed: int) -> None:
    """`classes` holds the sizes of each class's groups."""
    targets = [t for t, sizes in enumerate(classes) for size in sizes for _ in range(size)]
    groups = np.repeat(np.arange(sum(map(len, classes))), [size for sizes in classes for size in sizes]).astype(
        np.int64
    )
    order = np.random.default_rng(seed).permutation(len(targets))
    images, groups = made_up([targets[i] for i in order], tuple("abcde")[: len(classes)]), groups[order]
    first, second = grouped_split(images, groups, fraction, seed)
    assert sorted([*first, *second]) == list(range(len(images)))
    assert not set(groups[first]) & set(groups[second])
    for target, sizes in enumerate(classes):
        here = int((images.targets[second] == target).sum())
        assert 0 < here < sum(sizes)
        assert abs(here - fraction * sum(sizes)) <= max(sizes)


@given(pairs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8)), min_size=1, max_size=60), seed=st.integers(0, 9))
def test_groups_over_several_classes_stay_whole_or_are_refused(pairs: list[tuple[int, int]], seed: int) -> None:
    images = made_up([target for target, _ in pairs], ("a", "b", "c"))
    groups = np.array([group for _, group in pairs], np.int64)
    try:
        first, second = grouped_split(images, groups, 0.3, seed)
    except DataError as error:
        assert "cannot be on both sides" in error.message
        return
    assert not set(groups[first]) & set(groups[second])
    assert set(images.targets[first]) == set(images.targets[second]) == {0, 1, 2}


def test_single_images_are_split_exactly() -> None:
    images = made_up([0] * 100 + [1] * 50 + [2] * 10, ("a", "b", "c"))
    first, second = grouped_split(images, np.arange(160), 0.2, 1)
    assert np.bincount(images.targets[second]).tolist() == [20, 10, 2]
    assert np.array_equal(second, grouped_split(images, np.arange(160), 0.2, 1)[1])
    assert not np.array_equal(second, grouped_split(images, np.arange(160), 0.2, 2)[1])
    assert len(first) == 128


def test_a_class_of_one_photo_is_refused_by_name() -> None:
    images = made_up([0, 0, 1, 1, 1], ("calm", "cross"))
    with pytest.raises(DataError, match="class 'calm' cannot be on both sides"):
        grouped_split(images, np.array([0, 0, 1, 2, 3]), 0.2, 0)


def test_ahegao_is_dropped_unless_it_is_named() -> None:
    images = made_up([0, 1, 2], ("AHEGAO", "happy", "sad"))
    kept, dropped = select_classes(images)
    assert (kept.labels, kept.names, dropped) == (("happy", "sad"), ("happy/1.png", "sad/2.png"), ("AHEGAO",))
    assert select_classes(images, ["AHEGAO", "sad"])[0].labels == ("AHEGAO", "sad")
    assert select_classes(images, rename={"AHEGAO": "odd"})[0].labels == ("happy", "odd", "sad")


def test_classes_are_renamed_joined_and_chosen() -> None:
    images = made_up([0, 1, 2, 3], ("Fear", "Happy", "Sad", "Surprise"))
    kept, dropped = select_classes(
        images, ["surprise", "happy"], {"Fear": "surprise", "Surprise": "surprise", "Happy": "happy"}
    )
    assert kept.labels == ("happy", "surprise")
    assert kept.targets.tolist() == [1, 0, 1]
    assert dropped == ()


@pytest.mark.parametrize(
    ("classes", "rename", "message"),
    [
        (["bored"], {}, r"--classes: there is no class 'bored'. The classes are: happy, sad"),
        ([], {"bored": "sad"}, r"--rename: there is no class 'bored'"),
        (["happy"], {"happy": "joy"}, r"no class 'happy'. The classes are: joy, sad"),
        ([], {"happy": "a/b"}, "'a/b' is no name for a class"),
        ([], {"happy": "x" * 65}, "is no name for a class"),
    ],
)
def test_unfit_names_are_refused(classes: list[str], rename: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        select_classes(made_up([0, 1], ("happy", "sad")), classes, rename)


def test_near_copies_are_on_one_side(tmp_path: Path) -> None:
    for label in ("happy", "sad"):
        for number in range(10):
            picture = flawed.grey(number + 100 * (label == "sad"))
            flawed.write(tmp_path, f"{label}/{number}a.png", png(picture))
            flawed.write(tmp_path, f"{label}/{number}b.jpg", flawed.jpeg(picture))
    train, test = split_by_photo(open_images(tmp_path, prefer="train"), 0.3, 0)
    assert not {name[:-5] for name in train.names} & {name[:-5] for name in test.names}
    assert np.bincount(test.targets).tolist() == [6, 6]


def test_an_unreadable_image_is_named_with_the_command_that_leaves_it_out(tmp_path: Path) -> None:
    flawed.write(tmp_path, "happy/1.png", b"nothing")
    flawed.write(tmp_path, "sad/1.png", png(flawed.grey(1)))
    with pytest.raises(DataError, match=r"happy/1\.png is not a readable image.*fer-edge data audit --data .* --fix"):
        split_by_photo(open_images(tmp_path, prefer="train"), 0.2, 0)
