from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.data.split import balanced_sample, stratified_split
from fer_edge.errors import DataError

TARGETS = np.repeat([0, 1, 2], [100, 50, 10]).astype(np.int64)


def test_each_class_keeps_its_share() -> None:
    first, second = stratified_split(TARGETS, 0.2, seed=1)
    assert np.bincount(TARGETS[second]).tolist() == [20, 10, 2]
    assert sorted([*first, *second]) == list(range(160))


def test_the_seed_settles_the_split() -> None:
    assert np.array_equal(stratified_split(TARGETS, 0.2, 1)[1], stratified_split(TARGETS, 0.2, 1)[1])
    assert not np.array_equal(stratified_split(TARGETS, 0.2, 1)[1], stratified_split(TARGETS, 0.2, 2)[1])


@given(
    sizes=st.lists(st.integers(2, 30), min_size=1, max_size=6),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_both_parts_have_every_class(sizes: list[int], fraction: float, seed: int) -> None:
    targets = np.repeat(np.arange(len(sizes)), sizes).astype(np.int64)
    for part in stratified_split(targets, fraction, seed):
        assert set(targets[part]) == set(range(len(sizes)))


def test_a_class_of_one_image_cannot_be_split() -> None:
    with pytest.raises(DataError, match="class number 1 has 1 image"):
        stratified_split(np.array([0, 0, 1], np.int64), 0.5, 0)


def test_a_sample_is_balanced_and_exact() -> None:
    sample = balanced_sample(TARGETS, 50, seed=3)
    assert len(set(sample)) == 50
    assert np.bincount(TARGETS[sample]).tolist() == [20, 20, 10]


def test_a_sample_larger_than_the_set_is_refused() -> None:
    with pytest.raises(DataError, match="161 images were asked for and 160 are there"):
        balanced_sample(TARGETS, 161, 0)
