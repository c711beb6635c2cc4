"""Faces in whole frames: how many are found, and what finding them costs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from benchmarks import face_recall, full_frame
from tests.support.fetched import FACES, blazeface, photos

pytestmark = pytest.mark.slow


def test_known_faces_are_found_and_little_else() -> None:
    blazeface()
    done = CliRunner().invoke(face_recall.command, ["--photos", str(photos())])
    assert done.exit_code == 0, done.output
    found, haar = json.loads(done.stdout)["detectors"]
    print(found, haar)
    assert found["recall"] >= 0.9
    assert found["false_per_frame"] <= 0.05
    assert haar["recall"] >= 0.7


@pytest.mark.skipif(not FACES.is_file(), reason=f"needs real faces: shared/data/{FACES.name} beside the repository")
def test_a_face_that_was_found_is_classified_as_its_crop_is() -> None:
    blazeface()
    done = CliRunner().invoke(full_frame.command, ["--data", str(FACES), "--count", "1000"])
    assert done.exit_code == 0, done.output
    for result in json.loads(done.stdout)["detectors"]:
        print(result)
        assert result["found"] >= 500
        assert result["difference"] >= -0.04  # a thousand images say it within two points
