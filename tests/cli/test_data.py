"""`fer-edge data`: what it says, what it writes, and that it never touches the images."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fer_edge.cli import execute
from fer_edge.data.folder import open_images, open_whole
from fer_edge.preprocess import read_image
from tests.support import flawed
from tests.support.pictures import png, texture


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set with one of each flaw."""
    flawed.write_flawed(tmp_path / "data")
    return tmp_path / "data"


def digest(root: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


def zipped(root: Path) -> Path:
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in root.rglob("*.*"):
            archive.write(file, file.relative_to(root))
    return path


def write_classes(root: Path, **counts: int) -> Path:
    """Write `counts` different pictures of each class."""
    for c, (label, count) in enumerate(counts.items()):
        for number in range(count):
            flawed.write(root, f"{label}/{number}.png", png(texture(1000 * c + number)))
    return root


def audited(data: str, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert execute(["data", "audit", "--data", data, "--json", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_document_names_every_finding(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = audited(str(data), capsys)
    assert found["schema_version"] == 1
    assert found["subsets"]["test"] == {"angry": 4, "happy": 4, "sad": 5}
    assert {image["file"] for image in found["unreadable"]} == flawed.UNREADABLE
    for flag, names in flawed.FLAGGED.items():
        assert {image["file"] for image in found["flagged"][flag]} == names
    for kind in ("leak", "conflict"):
        groups = [{image["file"] for image in g["images"]} for g in found["same_photo"] if g[kind]]
        assert sorted(map(sorted, groups)) == sorted(sorted(group) for group in flawed.COPIES[kind])
    assert found["sizes"][1] == {"width": 64, "height": 64, "images": 1}
    assert found["colours"]["rgb"] == 1
    assert "left_out" not in found


def test_a_zip_is_audited_like_its_folder(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, archive = audited(str(data), capsys), audited(str(zipped(data)), capsys)
    same = ("subsets", "sizes", "colours", "flagged", "same_photo", "limits")
    assert {key: folder[key] for key in same} == {key: archive[key] for key in same}


def test_people_read_stderr(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["data", "audit", "--data", str(data)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    for words in ("3 unreadable", "3 leak", "2 conflict", "2 blank", "1 odd size", "cut.jpg is not a readable image"):
        assert words in captured.err
    assert "next: fer-edge data audit --data" in captured.err


def test_the_files(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    found = audited(str(data), capsys, "--out", str(out))
    assert sorted(p.name for p in out.iterdir()) == ["overview.png", "report.json", "report.md"]
    assert json.loads((out / "report.json").read_text()) == found
    report = (out / "report.md").read_text()
    assert all(Path(name).name in report for name in flawed.UNREADABLE)
    assert "do not publish" in report
    assert read_image(out / "overview.png").shape[1] > 1000
    before = digest(out)
    assert execute(["data", "audit", "--data", str(data), "--out", str(out)]) == 8
    assert "--overwrite" in capsys.readouterr().err
    assert digest(out) == before
    assert execute(["data", "audit", "--data", str(data), "--out", str(out), "--overwrite"]) == 0


def test_a_report_does_not_become_data(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out in (data, data / "train" / "report"):
        assert execute(["data", "audit", "--data", str(data), "--out", str(out)]) == 8
        assert "lies in the data" in capsys.readouterr().err


def test_the_fix_leaves_flaws_out_and_images_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, fix = digest(data), tmp_path / "clean.json"
    found = audited(str(data), capsys, "--fix", str(fix))
    assert found["left_out"] == flawed.LEFT_OUT
    assert digest(data) == before
    again = audited(str(fix), capsys)
    assert again["images"] == len(open_whole(data)[0]) - sum(flawed.LEFT_OUT.values())
    assert again["unreadable"] == again["same_photo"] == []
    assert len(open_images(fix, prefer="test")) == 11  # of 13: blank white.jpg, and 03 that train calls sad
    assert execute(["data", "audit", "--data", str(data), "--fix", str(fix)]) == 8
    assert execute(["data", "audit", "--data", str(data), "--fix", str(tmp_path / "clean.txt")]) == 2


def test_a_changed_image_is_reported(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audited(str(data), capsys, "--fix", str(tmp_path / "clean.json"))
    flawed.write(data, "train/sad/00.png", png(texture(77)))
    unreadable = audited(str(tmp_path / "clean.json"), capsys)["unreadable"]
    assert ["has changed since" in found["reason"] for found in unreadable] == [True]


def test_names_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_classes(tmp_path / "data", happy=2)
    flawed.write(root, "happy/\x1b[31m[red]|`.png", b"nothing")
    out = tmp_path / "out"
    assert execute(["data", "audit", "--data", str(root), "--out", str(out)]) == 0
    shown = capsys.readouterr().err
    assert "\x1b[31m" not in shown + (out / "report.md").read_text()
    assert "\\x1b[31m[red]" in shown


def test_a_split_in_the_published_shares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_classes(tmp_path / "data", Angry=20, Happy=30, Ahegao=5)
    out = tmp_path / "split.json"
    assert execute(["data", "split", "--data", str(root), "--out", str(out), "--rename", "Angry=angry"]) == 0
    captured = capsys.readouterr()
    assert "dropped: Ahegao" in captured.err
    assert captured.out == ""
    train, test = (open_images(f"{out}#{name}", prefer="train") for name in ("train", "test"))
    assert train.labels == test.labels == ("Happy", "angry")
    assert [(test.targets == k).sum() for k in (0, 1)] == [6, 4]
    assert (len(train), len(test)) == (40, 10)
    assert train.image(0).shape == (48, 48, 3)
    assert not any("Ahegao" in name for name in train.names + test.names)


def test_a_split_may_choose_its_classes(tmp_path: Path) -> None:
    root = write_classes(tmp_path / "data", angry=5, Ahegao=5, sad=5)
    out = tmp_path / "split.json"
    call = ["data", "split", "--data", str(root), "--out", str(out), "--test-fraction", "0.4", "--seed", "3"]
    assert execute([*call, "--classes", "Ahegao, sad"]) == 0
    assert open_images(out, prefer="test").labels == ("Ahegao", "sad")
    assert len(open_images(out, prefer="test")) == 4
    first = out.read_bytes()
    assert execute([*call, "--classes", "Ahegao, sad"]) == 8
    assert execute([*call, "--classes", "Ahegao, sad", "--overwrite"]) == 0
    assert out.read_bytes() == first


def test_subsets_are_pooled_unless_one_is_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean, out = tmp_path / "clean.json", tmp_path / "split.json"
    audited(str(data), capsys, "--fix", str(clean))
    assert execute(["data", "split", "--data", str(clean), "--out", str(out)]) == 0
    assert "pooled: test, train" in capsys.readouterr().err
    assert len(open_whole(out)[0]) == len(open_whole(clean)[0])
    assert execute(["data", "split", "--data", f"{clean}#train", "--out", str(out), "--overwrite"]) == 0
    assert "pooled:" not in capsys.readouterr().err
    assert all(name.startswith("train/") for name in open_whole(out)[0].names)


@pytest.mark.parametrize("action", ["audit", "split"])
@pytest.mark.parametrize("kind", ["absent", "empty", "file", "garbage", "no zip"])
def test_hostile_data(action: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {"garbage": "split.json", "no zip": "data.zip"}
    path = tmp_path / paths.get(kind, "data")
    if kind == "empty":
        path.mkdir()
    elif kind != "absent":
        path.write_bytes(b"\x00{garbage")
    target = ["--out", str(tmp_path / "out.json")] if action == "split" else ["--json"]
    assert execute(["data", action, "--data", str(path), *target]) == 8
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.out == ""
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--classes", "bored"], 2, "there is no class 'bored'"),
        (["--rename", "happy"], 2, "'happy' is not OLD=NEW"),
        (["--test-fraction", "1"], 2, "--test-fraction"),
        (["--classes", "happy"], 8, "has one class: happy"),
        (["--classes", "happy,sad"], 8, "class 'sad' cannot be on both sides"),
    ],
)
def test_a_split_that_cannot_be(
    options: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_classes(tmp_path / "data", happy=4, sad=1)
    assert execute(["data", "split", "--data", str(root), "--out", str(tmp_path / "s.json"), *options]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "s.json").exists()


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_classes(tmp_path / "data", happy=2, sad=2)
    assert execute(["data", "split", "--data", str(root), "--out", str(tmp_path / "no" / "s.json")]) == 8
    assert "mkdir -p" in capsys.readouterr().err
