"""What a network starts from, without any training."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pytest

from fer_edge.contract import InputContract
from fer_edge.training.backbones import build_classifier, imagenet_layers
from fer_edge.training.initial_weights import with_initial_weights
from fer_edge.training.recipe import load_recipe


def no_network(*_arguments: object, **_options: object) -> None:
    raise Exception("URL fetch failure")  # what Keras raises


def test_a_recipe_without_its_imagenet_weights_starts_from_none_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.applications, "DenseNet121", no_network)
    said: list[str] = []
    recipe, overrides = with_initial_weights(load_recipe("paper"), {"epochs": "1"}, ["densenet121"], said.append)
    assert recipe.weights == "none"
    assert overrides == {"epochs": "1", "weights": "none, for the ImageNet weights could not be downloaded"}
    assert "--weights none" in said[0]
    scratch = load_recipe("scratch")
    assert with_initial_weights(scratch, {}, ["densenet121"], said.append) == (scratch, {})
    assert len(said) == 1


def test_a_mistake_of_ours_is_not_taken_for_a_missing_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_options: object) -> None:
        raise TypeError("a mistake of ours")

    monkeypatch.setattr(keras.applications, "DenseNet121", broken)
    with pytest.raises(TypeError, match="of ours"):
        imagenet_layers("densenet121")


def test_a_foreign_scaling_of_another_kind_is_left_out(tmp_path: Path) -> None:
    contract = InputContract(height=32, width=32, colour="rgb", labels=("a", "b"))
    ours = build_classifier("densenet121", contract)
    pixels = keras.Input((32, 32, 3))
    scaled = keras.layers.Conv2D(3, 1, use_bias=False, name="scaling")(pixels)
    body = keras.applications.DenseNet121(include_top=False, weights=None, input_tensor=scaled)
    keras.Model(pixels, body.output).save(tmp_path / "foreign.keras")
    taken = build_classifier("densenet121", contract, str(tmp_path / "foreign.keras"))
    for got, expected in zip(taken.layers[1].get_weights(), ours.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_the_donor_s_scaling_is_taken_for_either_colour(tmp_path: Path, colour: Literal["rgb", "grey"]) -> None:
    mean, std = np.array([120, 110, 100], np.float32), np.array([60, 50, 40], np.float32)
    contract = InputContract(height=32, width=32, colour=colour, labels=("a", "b"))
    donor = build_classifier("densenet121", contract.model_copy(update={"colour": "rgb"}))
    donor.get_layer("scaling").set_weights([np.diag(1 / std)[None, None], -mean / std])
    donor.save(tmp_path / "donor.keras")
    taken = build_classifier("densenet121", contract, str(tmp_path / "donor.keras"))
    kernel, bias = taken.get_layer("scaling").get_weights()
    np.testing.assert_allclose(np.array([255, 255, 255]) @ kernel[0, 0] + bias, (255 - mean) / std, rtol=1e-5)
    np.testing.assert_allclose(np.array([0, 0, 0]) @ kernel[0, 0] + bias, -mean / std, rtol=1e-5)
