from __future__ import annotations

import re
from pathlib import Path

import pytest

from fer_edge.errors import BadInputError, UsageError
from fer_edge.profiles import FACTS, FOLDER, Profile, load_profile, profile_names
from fer_edge.runtime.sources import SOURCES
from fer_edge.runtime.uri import parse_uri
from fer_edge.toml_file import read_toml

NAMES = ["jetson-orin-nano", "pi4", "pi5", "x86-64"]
VALID = (FOLDER / "pi4.toml").read_text(encoding="utf-8")


def written(folder: Path, text: str) -> str:
    path = folder / "board.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_profiles_that_come_along() -> None:
    assert profile_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_is_valid_and_says_what_was_tried(name: str) -> None:
    profile = load_profile(name)
    assert "by us" in profile.tested
    assert profile.recommended.threads <= profile.cpu.cores
    assert profile.service.memory_max_mb < min(profile.memory.sizes_mb)
    assert parse_uri(profile.camera.source, "source", tuple(SOURCES)).scheme in SOURCES


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_has_a_source(name: str) -> None:
    profile = load_profile(name)
    named = {fact for source in profile.sources for fact in source.facts}
    assert named == {f"{part}.{field}" for part in FACTS for field in getattr(profile, part).model_fields_set}


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    assert load_profile(written(tmp_path, VALID)) == load_profile("pi4")


@pytest.mark.parametrize("name", ["pi6", "../profiles/pi4", ""])
def test_an_unknown_name_lists_the_valid_ones(name: str) -> None:
    with pytest.raises(UsageError, match="Choose one of: jetson-orin-nano, pi4, pi5, x86-64"):
        load_profile(name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema_version = 1", "schema_version = 2", "schema_version"),
        ("schema_version = 1", "schema_version = 1\nspeed = 3", "speed: is not known"),
        ("cores = 4", "cores = '4'", "cpu.cores"),
        ("cores = 4", "cores = 0", "cpu.cores"),
        ("cores = 4", "", "cpu.cores"),
        ('precision = "int8"', 'precision = "int4"', "recommended.precision"),
        ('title = "Raspberry Pi 4 Model B"', 'title = "Pi\\nExecStartPre=/bin/sh"', "title"),
        ('groups = ["video"]', 'groups = ["video\\nUser=root"]', "service.groups"),
        ('"char-media"', '"/dev/media*"', "service.devices"),
        ('facts = ["cpu.features"]', 'facts = ["cpu.speed"]', "no source is given for cpu.features"),
        ('facts = ["cpu.features"]', 'facts = ["cpu.features", "cpu.speed"]', "cpu.speed, which the profile does not"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in VALID
    with pytest.raises(BadInputError, match=re.escape(message)):
        load_profile(written(tmp_path, VALID.replace(old, new)))


@pytest.mark.parametrize(
    ("text", "message"),
    [("not toml", "not a valid"), ("a = " + "[" * 100_000, "not a valid"), ("#" * (2**20 + 1), "larger than 1 MB")],
    ids=["other", "deep", "huge"],
)
def test_a_hostile_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        load_profile(written(tmp_path, text))


def test_a_file_without_end_is_refused() -> None:
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("needs /dev/zero: run on Linux or macOS")
    with pytest.raises(BadInputError, match="larger than"):
        read_toml(endless, Profile, "device profile", "Give another")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read"):
        load_profile(str(tmp_path / "none.toml"))
