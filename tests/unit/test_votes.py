"""The raters' votes: matched by name, checked, turned into shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.data.votes import read_votes, write_votes
from fer_edge.errors import DataError
from tests.support.pictures import write_squares

HEADER = "file,angry,happy,neutral,sad,other\n"


@pytest.fixture
def images(tmp_path: Path) -> LabelledImages:
    return open_images(write_squares(tmp_path / "data" / "train", 1).parent, prefer="train")


def table(images: LabelledImages, counts: str) -> str:
    return HEADER + "".join(f"{name},{counts}\n" for name in images.names)


def test_shares_follow_the_labels_and_leave_other_answers_out(images: LabelledImages, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(HEADER + "".join(f"{name},{i},6,2,0,9\n" for i, name in reversed([*enumerate(images.names)])))
    shares = read_votes(path, images).shares
    assert shares.shape == (4, 4)
    assert np.allclose(shares[2], [0.2, 0.6, 0.2, 0])


def test_written_shares_are_read_again_and_other_images_keep_their_votes(
    images: LabelledImages, tmp_path: Path
) -> None:
    source, copy = tmp_path / "votes.csv", tmp_path / "copy.csv"
    source.write_text(table(images, "1,3,0,0,5"))
    write_votes(copy, images.take([0, 2]), np.array([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]]), source)
    shares = read_votes(copy, images).shares
    assert np.allclose(shares, np.array([[0.1, 0.2, 0.3, 0.4], [0.25, 0.75, 0, 0], [1, 0, 0, 0], [0.25, 0.75, 0, 0]]))
    source.write_text(table(images, "123456,1,0,0,5"))
    write_votes(copy, images.take([0]), np.array([[0.1, 0.2, 0.3, 0.4]]), source)
    assert read_votes(copy, images).counts[1].tolist() == [123456, 1, 0, 0]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("-1,1,1,1,0", "has '-1' votes for angry"),
        ("nan,1,1,1,0", "has 'nan' votes"),
        ("1e308,1,1,1,0", "has '1e308' votes"),
        ("many,1,1,1,0", "has 'many' votes"),
        ("1,1", "has None votes for neutral"),
        ("0,0,0,0,10", "no vote for any of the labels"),
    ],
)
def test_votes_that_cannot_be_used_are_refused(
    images: LabelledImages, tmp_path: Path, counts: str, message: str
) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(table(images, counts))
    with pytest.raises(DataError, match=message):
        read_votes(path, images)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column file, angry"),
        (HEADER.replace("sad", "glum").encode() + b"x,1,1,1,1,1\n", "has no column sad"),
        (HEADER.encode() + b"train/happy/another.png,1,1,1,1,1\n", "has no votes for"),
        (b"\xff\xfe\x00", "is no CSV file"),
        (HEADER.encode() + b"a/x.png,1,1,1,1,1\na/x.png,2,1,1,1,1\n", "has two rows for a/x.png"),
        (b"angry,happy,neutral,sad,file\n1,1\n", "has no votes for"),
        (None, "cannot read the votes"),
    ],
)
def test_a_file_that_is_none_is_refused(
    images: LabelledImages, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "votes.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_votes(path, images)
