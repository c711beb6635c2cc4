from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from fer_edge.contract import InputContract

GOOD: dict[str, Any] = {"height": 96, "width": 80, "colour": "grey", "labels": ("happy", "sad")}


def test_it_survives_json() -> None:
    contract = InputContract(**GOOD, resize="bilinear", crop_margin=0.25)
    assert InputContract.model_validate_json(contract.model_dump_json()) == contract


def test_it_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        InputContract(**GOOD).height = 1


def test_the_labels_keep_their_order() -> None:
    assert InputContract(**{**GOOD, "labels": ["z", "a", "m"]}).labels == ("z", "a", "m")


@pytest.mark.parametrize(
    "wrong",
    [
        {"height": 15},
        {"width": 1025},
        {"colour": "bgr"},
        {"resize": "lanczos"},
        {"crop_margin": -0.1},
        {"crop_margin": 1.5},
        {"labels": ("alone",)},
        {"labels": ("twice", "twice")},
        {"labels": ("", "empty")},
        {"labels": ("a/b", "slash")},
        {"labels": ("line\nbreak", "b")},
        {"labels": ("x" * 65, "b")},
        {"value_range": (0, 1)},
        {"schema_version": 2},
        {"mean": 0.5},
    ],
    ids=str,
)
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        InputContract(**{**GOOD, **wrong})
