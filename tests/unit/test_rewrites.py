"""The float rewrites: equal outputs, channel peaks of 1, and every case that must be left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("keras")

import keras
import numpy as np
from keras import layers as L
from numpy.typing import NDArray

from convert.rewrites import REWRITES, apply_rewrites
from convert.rewrites.depthwise import batch_norm_to_depthwise
from convert.rewrites.equalize import equalize_channels
from convert.rewrites.graph import UnsupportedGraphError, channel_peaks, flatten, pre_activation_norms, rebuild, run
from fer_edge.errors import DataError, UsageError

Images = NDArray[np.float32]


@pytest.fixture(autouse=True)
def _same_weights_every_time() -> None:
    keras.utils.set_random_seed(0)


def images(size: int = 16, count: int = 6) -> Images:
    return np.random.default_rng(5).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


def randomise(model: keras.Model, seed: int = 3) -> None:
    """Batch-norm statistics that fit what arrives, gamma and beta far from 1 and 0, channels far apart."""
    rng = np.random.default_rng(seed)
    for layer in [node.layer for node in flatten(model).nodes]:
        if isinstance(layer, L.BatchNormalization):
            width = layer.moving_mean.shape[0]
            layer.moving_mean.assign(rng.normal(0, 0.5, width))
            layer.moving_variance.assign(rng.uniform(0.3, 3, width))
            if layer.scale:
                layer.gamma.assign(np.exp(rng.normal(0, 1, width)) * rng.choice([1, -1], width))
            if layer.center:
                layer.beta.assign(rng.normal(0, 0.5, width))
        elif getattr(layer, "use_bias", False):
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))


def stem(pixels: keras.KerasTensor) -> keras.KerasTensor:
    x = L.Rescaling(1 / 255)(pixels)
    return L.ReLU()(L.BatchNormalization()(L.Conv2D(6, 3, padding="same", use_bias=False)(x)))


def head(x: keras.KerasTensor) -> keras.KerasTensor:
    return L.Dense(4, activation="softmax")(L.Dropout(0.3)(L.GlobalAveragePooling2D()(x)))


def finish(pixels: keras.KerasTensor, x: keras.KerasTensor) -> keras.Model:
    model = keras.Model(pixels, head(x), name="small")
    randomise(model)
    return model


def dense_block(norm: Callable[[], keras.layers.Layer] = L.BatchNormalization) -> keras.Model:
    pixels = keras.Input((16, 16, 3))
    x = L.MaxPooling2D(3, strides=2, padding="same")(stem(pixels))
    for activation in ("linear", "relu"):
        y = L.Activation("relu")(norm()(x))
        y = L.Conv2D(4, 3, padding="same", activation=activation, groups=2)(y)
        x = L.Concatenate()([x, y])
    x = L.LeakyReLU()(norm()(x))
    x = L.AveragePooling2D(2)(L.Conv2D(8, 1, use_bias=False)(x))
    return finish(pixels, L.ReLU()(L.DepthwiseConv2D(3, depth_multiplier=2)(norm()(x))))


def residual() -> keras.Model:
    pixels = keras.Input((16, 16, 3))
    x = L.ZeroPadding2D(1)(stem(pixels))
    x = L.Add()([L.Conv2D(8, 1)(x), L.DepthwiseConv2D(3, padding="same")(L.Conv2D(8, 3, padding="same")(x))])
    y = L.ReLU()(L.BatchNormalization()(x))
    x = L.Add()([L.MaxPooling2D(1, strides=2)(x), L.Conv2D(8, 3, strides=2, padding="same")(y)])
    return finish(pixels, L.ReLU()(L.BatchNormalization(epsilon=1e-2)(x)))


def nested() -> keras.Model:
    inner = keras.Input((None, None, 6))
    x = L.Concatenate()([inner, L.Conv2D(5, 3, padding="same", name="conv")(inner)])
    block = keras.Model(inner, L.ReLU()(L.BatchNormalization(name="norm")(x)), name="block")
    tail = keras.Sequential([keras.Input((16, 16, 11)), L.Conv2D(6, 1, name="conv"), L.ReLU()], name="tail")
    pixels = keras.Input((16, 16, 3))
    return finish(pixels, tail(block(stem(pixels), training=False)))


def plain() -> keras.Model:
    pixels = keras.Input((16, 16, 3))
    return finish(pixels, L.ReLU()(L.BatchNormalization(scale=False)(L.Dropout(0.1)(L.Conv2D(5, 3)(stem(pixels))))))


def relu6_and_gate() -> keras.Model:
    pixels = keras.Input((16, 16, 3))
    x = stem(pixels)
    x = L.Concatenate()([L.ReLU(6.0)(x), L.Multiply()([x, L.Conv2D(6, 1, activation="sigmoid")(x)])])
    return finish(pixels, L.ReLU()(L.BatchNormalization()(x)))


def before_norms(model: keras.Model, pixels: Images) -> list[Images]:
    graph = flatten(model)
    tensors = [graph.nodes[i].inputs[0] for i in pre_activation_norms(graph)]
    return channel_peaks(graph, tensors, pixels)


def difference(one: keras.Model, other: keras.Model, pixels: Images) -> float:
    return float(np.abs(run(one, pixels)[0] - run(other, pixels)[0]).max())


def norm_count(model: keras.Model) -> int:
    return sum(isinstance(layer, L.BatchNormalization) for layer in model.layers)


@pytest.mark.parametrize(("build", "norms"), [(dense_block, 4), (residual, 2), (nested, 1)])
def test_both_rewrites_are_exact(build: Callable[[], keras.Model], norms: int) -> None:
    model, pixels = build(), images()
    old = model.get_weights()
    assert max(p.max() for p in before_norms(model, pixels)) > 1.5

    equalized, note = equalize_channels(model, pixels)
    assert note is not None and f"feed {norms} pre-activation" in note
    highest = [peak.max() for peak in before_norms(equalized, pixels)]
    assert max(highest) == pytest.approx(1, abs=1e-4)
    assert difference(model, equalized, pixels) < 1e-5

    final, note = batch_norm_to_depthwise(equalized)
    assert note is not None and f": {norms} pre-activation" in note
    assert pre_activation_norms(flatten(final)) == []
    assert norm_count(final) == norm_count(equalized) - norms
    assert difference(model, final, pixels) < 1e-5
    for kept, now in zip(old, model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_every_channel_of_a_concatenation_gets_its_own_scale() -> None:
    pixels = images()
    peak = before_norms(equalize_channels(dense_block(), pixels)[0], pixels)[2]
    np.testing.assert_allclose(peak[peak > 0], 1, atol=1e-4)


def test_a_residual_stream_has_one_scale_per_channel() -> None:
    pixels = images()
    model = residual()
    old, new = (before_norms(m, pixels) for m in (model, equalize_channels(model, pixels)[0]))
    np.testing.assert_allclose(new[0] / old[0], new[1] / old[1], rtol=1e-3)
    np.testing.assert_allclose(np.maximum(*new), 1, atol=1e-4)


def test_plain_network_is_left_alone() -> None:
    model = plain()
    result, notes = apply_rewrites(model, tuple(REWRITES), images(), images())
    assert result is model
    assert [note.split(",")[0] for note in notes] == [f"{name}: nothing to do" for name in REWRITES]


def test_relu6_and_multiply_pin_their_channels() -> None:
    model, pixels = relu6_and_gate(), images()
    assert equalize_channels(model, pixels) == (model, None)
    final, notes = apply_rewrites(model, tuple(REWRITES), pixels, pixels)
    assert "nothing to do" in notes[0]
    assert "became" in notes[1]
    assert difference(model, final, pixels) < 1e-5


def test_batch_norm_without_gamma_pins_its_channels() -> None:
    model, pixels = dense_block(lambda: L.BatchNormalization(scale=False)), images()
    assert equalize_channels(model, pixels) == (model, None)
    final, note = batch_norm_to_depthwise(model)
    assert note is not None
    assert difference(model, final, pixels) < 1e-5


def test_batch_norm_without_beta_is_exact() -> None:
    model, pixels = dense_block(lambda: L.BatchNormalization(center=False)), images()
    final, notes = apply_rewrites(model, tuple(REWRITES), pixels, pixels)
    assert not any(note.startswith("refused") for note in notes)
    assert difference(model, final, pixels) < 1e-5


def test_a_silent_channel_is_not_blown_up() -> None:
    model, pixels = dense_block(), images()
    conv = next(layer for layer in model.layers if isinstance(layer, L.Conv2D) and layer.groups == 2)
    kernel, bias = conv.get_weights()
    kernel[..., 0], bias[0] = 0, 0
    conv.set_weights([kernel, bias])
    equalized, _ = equalize_channels(model, pixels)
    assert difference(model, equalized, pixels) < 1e-5
    assert all(np.isfinite(w).all() for w in equalized.get_weights())


def test_unnested_model_has_unique_names_and_the_same_output() -> None:
    model = nested()
    flat = rebuild(flatten(model))
    assert not any(isinstance(layer, keras.Model) for layer in flat.layers)
    assert {"conv", "conv_2"} <= {layer.name for layer in flat.layers}
    assert flat.count_params() == model.count_params()
    assert difference(model, flat, images()) == 0


def test_bare_operations_survive() -> None:
    pixels = keras.Input((16, 16, 3))
    x = stem(pixels / 2.0)
    y = L.Conv2D(6, 1)(x)
    model = finish(pixels, L.ReLU()(L.BatchNormalization()(keras.ops.concatenate([x + y, y], axis=-1))))
    final, notes = apply_rewrites(model, tuple(REWRITES), images(), images())
    assert "nothing to do" in notes[0]
    assert "became" in notes[1]
    assert difference(model, final, images()) < 1e-5


def test_a_layer_without_weights_may_be_shared() -> None:
    pixels, relu = keras.Input((16, 16, 3)), L.ReLU()
    x = relu(stem(pixels))
    x = relu(L.BatchNormalization()(L.Add()([x, L.Conv2D(6, 1)(x)])))
    model = finish(pixels, x)
    final, notes = apply_rewrites(model, tuple(REWRITES), images(), images())
    assert not any(note.startswith("refused") for note in notes)
    assert difference(model, final, images()) < 1e-5


def test_shared_weights_are_refused() -> None:
    pixels, conv = keras.Input((16, 16, 3)), L.Conv2D(6, 1, name="twice")
    x = stem(pixels)
    model = keras.Model(pixels, head(L.BatchNormalization()(L.Add()([conv(x), conv(conv(x))]))))
    with pytest.raises(UnsupportedGraphError, match="'twice' is called more than once"):
        flatten(model)
    result, notes = apply_rewrites(model, tuple(REWRITES), images(), images())
    assert result is model
    assert all(note.startswith("refused: ") for note in notes)


def test_unbuilt_and_two_input_models_are_refused() -> None:
    with pytest.raises(UnsupportedGraphError, match="not a built"):
        flatten(keras.Sequential([L.Dense(2)]))
    two = [keras.Input((3,)), keras.Input((3,))]
    with pytest.raises(UnsupportedGraphError, match="2 inputs"):
        flatten(keras.Model(two, L.Add()(two)))


@pytest.mark.parametrize("factor", [1.5, float("nan")])
def test_a_rewrite_that_changes_the_output_is_refused(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: keras.Model, _calibration: Images) -> tuple[keras.Model, str]:
        graph = flatten(model)
        last = len(graph.nodes) - 1
        return rebuild(graph, weights={last: [w * factor for w in graph.nodes[last].layer.get_weights()]}), "broken: ok"

    monkeypatch.setattr("convert.rewrites.depthwise.batch_norm_to_depthwise", broken)
    model, pixels = residual(), images()
    result, notes = apply_rewrites(model, tuple(REWRITES), pixels, pixels)
    assert "scaled to a peak of 1" in notes[0]
    assert notes[1].startswith("refused: batch-norm-to-depthwise changed the float output")
    assert difference(model, result, pixels) < 1e-5


def test_unknown_rewrite_and_wrong_images() -> None:
    model = plain()
    with pytest.raises(UsageError, match="unknown rewrite 'magic'"):
        apply_rewrites(model, ["magic"], images(), images())
    for wrong in (images()[:0], images(8)):
        with pytest.raises(DataError, match="calibration images of shape"):
            apply_rewrites(model, list(REWRITES), wrong, wrong)
    assert apply_rewrites(model, [], images(), images()) == (model, ())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "norms"), [("DenseNet121", 64, 62), ("ResNet50V2", 64, 17), ("InceptionV3", 75, 0)]
)
def test_real_networks(name: str, size: int, norms: int) -> None:
    pixels = keras.Input((size, size, 3))
    body = getattr(keras.applications, name)(include_top=False, weights=None, input_tensor=L.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, head(body.output))
    settle(model, images(size, 8))
    final, notes = apply_rewrites(model, tuple(REWRITES), images(size, 8), images(size, 8))
    if not norms:
        assert final is model
        return
    assert f"feed {norms} pre-activation" in notes[0]
    assert f": {norms} pre-activation" in notes[1]
    assert pre_activation_norms(flatten(final)) == []
    assert difference(model, final, images(size, 8)) < 1e-4


def settle(model: keras.Model, pixels: Images) -> None:
    """Take batch-norm statistics from one batch, as training would, then draw gamma and beta."""
    rng = np.random.default_rng(1)
    norms = [layer for layer in model.layers if isinstance(layer, L.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
        if layer.scale:
            layer.gamma.assign(np.exp(rng.normal(0, 0.5, layer.gamma.shape)))
        layer.beta.assign(rng.normal(0, 0.3, layer.beta.shape))
    model(pixels, training=True)
