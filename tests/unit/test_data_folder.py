from __future__ import annotations

import contextlib
import json
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_edge.contract import InputContract
from fer_edge.data.folder import open_images, open_whole, subsets_of
from fer_edge.data.split_file import write_split
from fer_edge.errors import BadInputError, DataError
from tests.support.pictures import png, texture, write_squares

PICTURE = png(texture(0))


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    images = open_images(write_squares(tmp_path / "data", 3), prefer="train")
    assert images.labels == ("angry", "happy", "neutral", "sad")
    assert images.targets.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    faces = images.array(InputContract(height=24, width=20, colour="rgb", labels=images.labels))
    assert faces.shape == (12, 24, 20, 3)


def test_the_wanted_order_of_labels_counts(tmp_path: Path) -> None:
    labels = ("sad", "neutral", "happy", "angry", "surprise")
    images = open_images(write_squares(tmp_path / "data", 1), prefer="train", labels=labels)
    assert images.labels == labels
    assert images.targets.tolist() == [3, 2, 1, 0]


def test_a_zip_equals_its_folder(tmp_path: Path) -> None:
    root = write_squares(tmp_path / "data", 2)
    files = {f"data/{p.relative_to(root).as_posix()}": p.read_bytes() for p in root.rglob("*.png")}
    zipped = open_images(write_zip(tmp_path / "data.zip", files), prefer="train")
    folder = open_images(root, prefer="train")
    assert zipped.targets.tolist() == folder.targets.tolist()
    assert all(np.array_equal(zipped.image(i), folder.image(i)) for i in range(len(folder)))


def test_subsets_are_chosen(tmp_path: Path) -> None:
    files = {f"{part}/{label}/1.png": PICTURE for part in ("train", "test") for label in ("happy", "sad")}
    path = write_zip(tmp_path / "data.zip", {**files, "train/sad/2.png": PICTURE})
    assert len(open_images(path, prefer="train")) == 3
    assert len(open_images(path, prefer="test")) == 2
    assert len(open_images(f"{path}#test", prefer="train")) == 2
    with pytest.raises(DataError, match="there is no tuning/ folder"):
        open_images(f"{path}#tuning", prefer="train")


def test_the_names_of_subsets_may_be_written_otherwise(tmp_path: Path) -> None:
    files = {f"faces/{part}/{label}/1.png": PICTURE for part in ("Train", "TEST") for label in ("happy", "sad")}
    path = write_zip(tmp_path / "data.zip", files)
    assert open_images(path, prefer="train").names == ("faces/Train/happy/1.png", "faces/Train/sad/1.png")
    assert open_images(f"{path}#Train", prefer="test").names == open_images(path, prefer="train").names
    assert (subsets_of(path), subsets_of(f"{path}#test")) == (("train", "test"), ())


def test_a_class_in_several_places_is_not_pooled(tmp_path: Path) -> None:
    files = {f"{part}/{label}/1.png": PICTURE for part in ("training", "validation") for label in ("happy", "sad")}
    with pytest.raises(DataError, match="holds (happy|sad)/ in training, validation"):
        open_images(write_zip(tmp_path / "data.zip", files), prefer="train")
    with pytest.raises(DataError, match="holds (happy|sad)/ in training, validation"):
        open_whole(tmp_path / "data.zip")


def test_training_data_is_not_taken_for_test_data(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"train/happy/1.png": PICTURE, "train/sad/1.png": PICTURE})
    with pytest.raises(DataError, match="has train but no test/"):
        open_images(path, prefer="test")


def test_hidden_files_and_other_files_are_left_out(tmp_path: Path) -> None:
    members = {"happy/1.png": PICTURE, "happy/.2.png": b"", "__MACOSX/happy/1.png": b"", "notes.txt": b""}
    assert open_images(write_zip(tmp_path / "data.zip", members), prefer="train").names == ("happy/1.png",)


@pytest.mark.parametrize("name", ["../happy/1.png", "happy/../../1.png", "/etc/happy/1.png", "..\\happy\\1.png"])
def test_a_zip_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads outside"):
        open_images(write_zip(tmp_path / "data.zip", {"happy/1.png": PICTURE, name: PICTURE}), prefer="train")


@pytest.mark.parametrize("size", [2 * 2**20, 65 * 2**20])
def test_a_zip_bomb_is_refused_unread(tmp_path: Path, size: int) -> None:
    with pytest.raises(DataError, match="would unpack to"):
        open_images(write_zip(tmp_path / "data.zip", {"happy/1.png": b"\0" * size}), prefer="train")


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": b"\0" * 2**20, "sad/1.png": PICTURE})
    raw = bytearray(path.read_bytes())
    # The uncompressed size stands at offset 24 of the central directory's record.
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 24, 1000)
    path.write_bytes(raw)
    with pytest.raises(BadInputError):
        open_images(path, prefer="train").image(0)


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": PICTURE, "sad/1.png": PICTURE})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="not a complete zip file"):
        open_images(path, prefer="train")


def test_a_zip_damaged_inside_is_refused_when_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": PICTURE, "sad/1.png": PICTURE})
    raw = bytearray(path.read_bytes())
    raw[100:200] = bytes(100)
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"cannot read happy/1\.png"):
        open_images(path, prefer="train").image(0)


def test_an_encrypted_zip_is_refused_when_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": PICTURE})
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + offset] |= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"cannot read happy/1\.png"):
        open_images(path, prefer="train").image(0)


def test_unknown_classes_are_listed(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": PICTURE, "bored/1.png": PICTURE})
    with pytest.raises(DataError, match=r"does not know: bored.*happy, sad"):
        open_images(path, prefer="test", labels=("happy", "sad"))


@pytest.mark.parametrize("name", ["data", "data.zip", "data.json"])
def test_missing_data_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="there is no"):
        open_images(tmp_path / name, prefer="train")


def test_a_file_that_is_no_data_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"model")
    with pytest.raises(DataError, match="is a file, not a folder, a zip or a split"):
        open_images(path, prefer="train")


def test_data_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data" / "happy").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no images in class folders"):
        open_images(tmp_path / "data", prefer="train")
    with pytest.raises(DataError, match="holds no images in class folders"):
        open_images(write_zip(tmp_path / "data.zip", {}), prefer="train")


def test_images_without_class_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        open_images(write_zip(tmp_path / "data.zip", {"1.png": PICTURE}), prefer="train")


def test_an_image_beside_the_class_folders_is_named(tmp_path: Path) -> None:
    members = {"happy/1.png": PICTURE, "sad/1.png": PICTURE, "preview.png": PICTURE}
    with pytest.raises(DataError, match=r"holds preview\.png outside"):
        open_images(write_zip(tmp_path / "data.zip", members), prefer="train")


def test_links_to_class_folders_are_followed_once(tmp_path: Path) -> None:
    root = write_squares(tmp_path / "data", 1)
    (root / "sad").rename(tmp_path / "elsewhere")
    (root / "sad").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(root)
    assert open_images(root, prefer="train").labels == ("angry", "happy", "neutral", "sad")


def test_every_byte_of_a_zip_may_be_wrong(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": PICTURE, "sad/1.png": PICTURE})
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(BadInputError, DataError):
            images = open_images(path, prefer="train")
            [images.image(i) for i in range(len(images))]


@pytest.mark.parametrize("content", [b"", b"hello", PICTURE[:30], b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_file_that_is_no_image_is_named(tmp_path: Path, content: bytes) -> None:
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": content})
    with pytest.raises(BadInputError, match=r"happy/1\.png is not a readable image"):
        open_images(path, prefer="train").image(0)


def test_a_picture_of_impossible_size_is_refused(tmp_path: Path) -> None:
    header = bytearray(PICTURE)
    struct.pack_into(">II", header, 16, 60_000, 60_000)
    path = write_zip(tmp_path / "data.zip", {"happy/1.png": bytes(header)})
    with pytest.raises(BadInputError, match="is not a readable image"):
        open_images(path, prefer="train").image(0)


def split_of(root: Path, path: Path, rename: dict[str, str] | None = None) -> Path:
    """Write a split file with the first and the second image of each class."""
    images, _ = open_whole(root)
    labels = tuple((rename or {}).get(label, label) for label in images.labels)
    images = replace(images, labels=labels)
    write_split(path, root, {"train": images.take([0, 2, 4, 6]), "tuning": images.take([1, 3, 5, 7])})
    return path


def test_a_split_file_selects_and_says_what_is_missing(tmp_path: Path) -> None:
    root = write_squares(tmp_path / "data", 2)
    split = split_of(root, tmp_path / "split.json")
    assert open_images(f"{split}#tuning", prefer="train").names[::3] == ("angry/0001.png", "sad/0001.png")
    assert open_images(split, prefer="train").names[::3] == ("angry/0000.png", "sad/0000.png")
    images, subsets = open_whole(split)
    assert (len(images), subsets) == (8, ("train",) * 4 + ("tuning",) * 4)
    with pytest.raises(DataError, match=r"no subset 'test'. Subsets there: train, tuning"):
        open_images(split, prefer="test")
    (root / "sad" / "0001.png").unlink()
    with pytest.raises(DataError, match=r"lacks 1 images .*sad/0001\.png"):
        open_images(f"{split}#tuning", prefer="train")


def test_a_split_file_remembers_labels(tmp_path: Path) -> None:
    split = split_of(write_squares(tmp_path / "data", 2), tmp_path / "split.json", {"happy": "joy", "angry": "wrath"})
    images = open_images(split, prefer="train")
    assert images.labels == ("joy", "neutral", "sad", "wrath")
    assert [images.labels[t] for t in images.targets] == ["wrath", "joy", "neutral", "sad"]
    wanted = ("sad", "joy", "wrath", "neutral")
    assert open_images(split, prefer="train", labels=wanted).targets.tolist() == [2, 1, 3, 0]


def test_a_changed_image_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    root = write_squares(tmp_path / "data", 2)
    images = open_images(split_of(root, tmp_path / "split.json"), prefer="train")
    (root / "happy" / "0000.png").write_bytes(PICTURE)
    assert images.image(0).shape == (32, 32, 3)
    with pytest.raises(DataError, match=r"happy/0000\.png has changed since .*split\.json was written"):
        images.image(1)


def test_a_split_file_of_an_early_version_is_read(tmp_path: Path) -> None:
    root = write_squares(tmp_path / "data", 1)
    content = {"schema_version": 1, "data": str(root), "subsets": {"train": ["happy/0000.png", "sad/0000.png"]}}
    (tmp_path / "split.json").write_text(json.dumps(content))
    images = open_images(tmp_path / "split.json", prefer="train")
    assert [images.image(i).shape for i in range(2)] == [(32, 32, 3)] * 2


def test_a_split_file_without_subsets_is_taken_whole(tmp_path: Path) -> None:
    images, subsets = open_whole(write_squares(tmp_path / "data", 1))
    write_split(tmp_path / "split.json", tmp_path / "data", {subsets[0]: images})
    for prefer in ("train", "test"):
        assert len(open_images(tmp_path / "split.json", prefer=prefer)) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"data": "x", "subsets": {}, "rename": 1}',
        json.dumps({"data": "x", "subsets": {"train": 3}}),
    ],
)
def test_a_bad_split_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DataError, match="is no split file"):
        open_images(tmp_path / "split.json", prefer="train")


def test_the_hash_depends_on_names_and_content(tmp_path: Path) -> None:
    first = open_images(write_zip(tmp_path / "a.zip", {"happy/1.png": PICTURE}), prefer="train").sha256()
    renamed = open_images(write_zip(tmp_path / "b.zip", {"happy/2.png": PICTURE}), prefer="train").sha256()
    changed = open_images(write_zip(tmp_path / "c.zip", {"happy/1.png": png(texture(1))}), prefer="train").sha256()
    assert len({first, renamed, changed}) == 3
