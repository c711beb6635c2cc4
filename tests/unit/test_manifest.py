from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from fer_edge.errors import ArtifactError
from fer_edge.manifest import GoldenSample, Manifest, Precision
from tests.support.tiny_models import CONTRACT, make_manifest, tiny_images


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"\0\0\0\0TFL3")
    return make_manifest(path, Precision.INT8)


def test_it_survives_json(manifest: Manifest) -> None:
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_it_does_not_change(manifest: Manifest) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        manifest.plan = "other"


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "pickle"},
        {"precision": "int4"},
        {"payload_sha256": "abc"},
        {"schema_version": 2},
        {"note": "unknown key"},
        {"calibration": {"sha256": "0" * 64, "count": 0, "images": []}},
    ],
    ids=str,
)
def test_wrong_values_are_refused(manifest: Manifest, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Manifest.model_validate({**manifest.model_dump(), **wrong})


def test_the_golden_face_comes_back() -> None:
    face = tiny_images(1)[0][0]
    golden = GoldenSample.of(face, np.array([0.2, 0.7, 0.1], np.float32))
    assert np.array_equal(golden.face(CONTRACT), face)
    assert golden.probabilities == pytest.approx((0.2, 0.7, 0.1))
    assert golden.margin == pytest.approx(0.5)


@pytest.mark.parametrize("pixels", ["", "AAAA", "not base64!"])
def test_a_damaged_golden_sample_is_refused(manifest: Manifest, pixels: str) -> None:
    golden = manifest.golden.model_copy(update={"pixels": pixels})
    with pytest.raises(ArtifactError, match="golden sample is damaged"):
        golden.face(CONTRACT)


def test_a_golden_sample_of_another_size_is_refused(manifest: Manifest) -> None:
    for side in (31, 33):
        with pytest.raises(ArtifactError, match="golden sample is damaged"):
            manifest.golden.face(CONTRACT.model_copy(update={"height": side}))
