from __future__ import annotations

import itertools
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from fer_edge.data.audit import Audit, audit
from fer_edge.data.clean import cleaned
from fer_edge.data.fingerprint import BLOCK, fingerprint, same_photo
from fer_edge.data.folder import open_images, open_whole
from fer_edge.errors import DataError
from fer_edge.manifest import Fingerprint
from tests.support import flawed
from tests.support.fetched import FACES
from tests.support.pictures import png, texture

MAX_SECONDS = 60  # of processor time, so that others on the machine do not count


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    root = tmp_path_factory.mktemp("data")
    flawed.write_flawed(root)
    return audit(*open_whole(root))


def names(found: Audit, indices: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(found.images.names[i] for i in indices)


def test_unreadable_files_are_listed_with_their_reason(found: Audit) -> None:
    assert set(names(found, tuple(found.unreadable))) == flawed.UNREADABLE
    assert all("is not a readable image" in reason for reason in found.unreadable.values())


@pytest.mark.parametrize("flag", flawed.FLAGGED)
def test_each_odd_image_is_flagged_and_no_other(found: Audit, flag: str) -> None:
    assert set(names(found, found.flagged[flag])) == flawed.FLAGGED[flag]


@pytest.mark.parametrize("kind", flawed.COPIES)
def test_copies_are_found_and_nothing_else(found: Audit, kind: str) -> None:
    groups = {tuple(sorted(names(found, group))) for group in found.copies()[kind]}
    assert groups == {tuple(sorted(group)) for group in flawed.COPIES[kind]}


def test_equal_pixels_are_told_from_near_copies(found: Audit) -> None:
    exact = {name for group in found.groups if found.is_exact(group) for name in names(found, group)}
    assert {Path(name).stem for name in exact} == {"00", "copy", "leak", "03", "other"}


def test_a_sound_set_has_no_findings(tmp_path: Path) -> None:
    flawed.write_sound(tmp_path)
    sound = audit(*open_whole(tmp_path))
    assert not sound.unreadable
    assert sound.groups == ()
    assert not any(sound.flagged.values())
    assert sound.sizes == {(48, 48): 48}


def test_a_set_of_all_sizes_and_colours_has_no_odd_ones(tmp_path: Path) -> None:
    for number in range(12):
        picture = texture(number, 40 + number) if number % 2 else flawed.grey(number, 40 + number)
        flawed.write(tmp_path, f"happy/{number}.png", png(picture))
    mixed = audit(*open_whole(tmp_path))
    assert mixed.flagged["odd_size"] == mixed.flagged["odd_colour"] == ()
    assert mixed.coloured == 6


def test_blank_images_are_no_copies_of_each_other(tmp_path: Path) -> None:
    for number in range(3):
        flawed.write(tmp_path, f"happy/{number}.png", png(np.full((48, 48, 3), 80 * number, np.uint8)))
    blank = audit(*open_whole(tmp_path))
    assert len(blank.flagged["blank"]) == 3
    assert blank.groups == ()
    with pytest.raises(DataError, match="no image would be left"):
        cleaned(blank)


def test_images_beside_train_and_test_are_looked_at_too(tmp_path: Path) -> None:
    for name in ("train/happy/1.png", "test/happy/2.png", "validation/happy/3.png"):
        flawed.write(tmp_path, name, png(texture(0 if name[-5] != "2" else 1)))
    found = audit(*open_whole(tmp_path))
    assert sorted(found.subsets) == ["outside", "test", "train"]
    assert len(found.copies()["leak"]) == 1


def test_what_is_kept(found: Audit) -> None:
    kept = cleaned(found)
    assert kept.left_out == flawed.LEFT_OUT
    everything = {name for images in kept.subsets.values() for name in images.names}
    assert not everything & flawed.UNREADABLE
    assert {"test/happy/00.png", "test/happy/01.png", "train/angry/00.png"} <= everything  # one of each photo
    gone = {"train/happy/leak.png", "test/angry/03.png", "train/sad/other.png", "train/happy/03.png"}
    assert not gone & everything
    assert len(everything) == len(found.images) - sum(flawed.LEFT_OUT.values())


def test_a_cleaned_set_is_clean(found: Audit) -> None:
    for images in cleaned(found).subsets.values():
        again = audit(images, ("train",) * len(images))
        assert not again.unreadable
        assert again.groups == ()
        assert again.flagged["blank"] == ()


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    flawed.write(tmp_path, "happy/1.png", b"nothing")
    with pytest.raises(DataError, match="none of the 1 images"):
        audit(*open_whole(tmp_path))


def random_print(rng: np.random.Generator) -> bytearray:
    return bytearray(rng.bytes(32))


def as_print(bits: bytes) -> Fingerprint:
    return Fingerprint(exact="0" * 16, perceptual=bits.hex())


def test_groups_go_on_across_blocks_and_through_others() -> None:
    rng = np.random.default_rng(0)
    prints = [random_print(rng) for _ in range(2 * BLOCK + 10)]
    chain = [5, BLOCK + 3, 2 * BLOCK + 7]  # each is within 40 bits of the one before, the ends are 80 apart
    for before, after in itertools.pairwise(chain):
        prints[after] = prints[before].copy()
        at = 0 if before == 5 else 10
        prints[after][at : at + 5] = bytes(255 - b for b in prints[after][at : at + 5])
    group = same_photo([as_print(bytes(p)) for p in prints])
    assert group[chain].tolist() == [5, 5, 5]
    assert (group == np.arange(len(prints))).sum() == len(prints) - 2


def test_thousands_of_copies_are_one_group_in_little_memory() -> None:
    tracemalloc.start()  # which numpy tells what it takes
    try:
        assert same_photo([fingerprint(texture(0))] * (3 * BLOCK)).tolist() == [0] * (3 * BLOCK)
        assert tracemalloc.get_traced_memory()[1] < 600 * 2**20
    finally:
        tracemalloc.stop()


def test_no_images_have_no_groups() -> None:
    assert same_photo([]).tolist() == []


def test_one_subset_can_be_named(tmp_path: Path) -> None:
    flawed.write_sound(tmp_path)
    images, subsets = open_whole(f"{tmp_path}#test")
    assert set(subsets) == {"test"}
    assert images.names == open_images(tmp_path, prefer="test").names


@pytest.mark.slow
@pytest.mark.skipif(not FACES.is_file(), reason=f"needs real faces: shared/data/{FACES.name} beside the repository")
def test_the_real_set_is_audited_within_a_minute() -> None:
    started = time.process_time()
    found = audit(*open_whole(FACES))
    assert time.process_time() - started < MAX_SECONDS
    assert len(found.images) == 25477
    assert found.sizes == {(48, 48): 25477}
    assert found.coloured == 0
    assert not found.unreadable
    assert {flag for flag, indices in found.flagged.items() if indices} == {"low_contrast", "blurred"}
    assert 80 <= len(found.copies()["leak"]) <= 110
