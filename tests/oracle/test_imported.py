"""Models with an author's own classes: followed by Keras, and compared with it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_schemas import ConversionError, ImportedError
from tests.compare import flatten, relative_error

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
FILE = Path(__file__).with_name("custom_layers.py")


@pytest.fixture(scope="module")
def own() -> Any:
    spec = importlib.util.spec_from_file_location("custom_layers", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["custom_layers"] = module
    spec.loader.exec_module(module)
    return module


def tokens(own: Any, keras: Any) -> Any:
    start = keras.Input((7,), dtype="int32")
    y = own.TokenAndPositionEmbedding(7, 11, 6)(start)
    y = own.TransformerBlock(6, 2, 8)(y)
    return keras.Model(start, own.TransformerBlock(6, 2, 5, name="second")(y))


def translation(own: Any, keras: Any) -> Any:
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    memory = own.PositionalEmbedding(9, 11, 6)(source)
    x = own.PositionalEmbedding(9, 11, 6)(target)
    x = own.TransformerDecoder(6, 8, 2)([x, memory])
    return keras.Model([source, target], [x, own.AttentionPooling()(x)])


def siamese(own: Any, keras: Any) -> Any:
    a, b = keras.Input((5,)), keras.Input((5,))
    dense = keras.layers.Dense(4, activation=own.bent)
    y = own.L1Dist()(dense(a), dense(b))
    y = keras.layers.Lambda(own.halves)(own.Scale(dtype="mixed_float16")(y))
    return keras.Model([a, b], y)


def vision(own: Any, keras: Any) -> Any:
    start = keras.Input((8, 8, 4))
    y = own.SqueezeExcite()(start)
    y = own.PatchEncoder(4, 6)(own.Patches(4)(y))
    return keras.Model(start, keras.layers.TimeDistributed(own.Scale())(y))


def convolutional(own: Any, keras: Any) -> Any:
    start = keras.Input((None, 3))
    block = own.ResidualBlock(3, 2, 2)
    y = block(own.ResidualBlock(3, 3, 1)(start))
    return keras.Model(start, own.AttentionPooling()(keras.layers.Masking()(block(y))))


def recurrent(own: Any, keras: Any) -> Any:
    start = keras.Input((None, 3))
    y = keras.layers.RNN(own.LeakyCell(4), return_sequences=True)(keras.layers.Masking()(start))
    return keras.Model(start, keras.layers.RNN(own.LeakyCell(2), go_backwards=True)(y))


def whole(own: Any, keras: Any) -> Any:
    model = own.Classifier(4)
    model(np.zeros((2, 6, 3), np.float32))
    return model


def tensorflow(own: Any, keras: Any) -> Any:
    start = keras.Input((5,))
    return keras.Model(start, own.WithTensorFlow()(start))


MODELS: dict[str, tuple[Callable[[Any, Any], Any], list[np.ndarray]]] = {}
_RNG = np.random.default_rng(3)
for _build, _inputs in (
    (tokens, [_RNG.integers(0, 11, (3, 7)).astype(np.int32)]),
    (translation, [_RNG.integers(0, 4, (3, n)).astype(np.int32) for n in (6, 5)]),
    (siamese, [_RNG.normal(size=(3, 5)).astype(np.float32) for _ in range(2)]),
    (vision, [_RNG.normal(size=(3, 8, 8, 4)).astype(np.float32)]),
    (convolutional, [_RNG.normal(size=(3, 9, 3)).astype(np.float32)]),
    (recurrent, [_RNG.normal(size=(3, 5, 3)).astype(np.float32) * np.array([[1], [1], [0], [1], [1]], np.float32)]),
    (whole, [_RNG.normal(size=(3, 6, 3)).astype(np.float32)]),
    (tensorflow, [_RNG.normal(size=(3, 5)).astype(np.float32)]),
):
    MODELS[_build.__name__] = (_build, _inputs)


def randomized(model: Any) -> Any:
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            weight.assign(rng.uniform(0.1, 0.7, weight.shape))
    return model


@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_keras(name: str, own: Any, tmp_path: Path) -> None:
    import keras

    keras.utils.clear_session()
    build, inputs = MODELS[name]
    model = randomized(build(own, keras))
    model.save(tmp_path / "m.keras")
    kconvert.convert(tmp_path / "m.keras", tmp_path / "out", imports=[FILE])
    mine = flatten(kconvert.load(tmp_path / "out")(*inputs))
    theirs = [np.asarray(y, np.float32) for y in flatten(model(inputs if len(inputs) > 1 else inputs[0]))]
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert a.shape == b.shape
        assert relative_error(a, b) < (1e-2 if name == "siamese" else 1e-5)


def test_what_cannot_be_followed_is_refused(own: Any, tmp_path: Path) -> None:
    import keras

    a, b = keras.Input((3,)), keras.Input((3,))
    for layer, reason in (
        (own.Sampling(), "random numbers"),
        (own.Noisy(), "other numbers in this output than Keras"),
        (own.Sorted(), "custom_layers.py:"),
    ):
        given = [a, b] if layer.name.startswith("sampling") else a
        keras.Model([a, b], keras.layers.Concatenate()([layer(given), b])).save(tmp_path / "m.keras")
        with pytest.raises(ConversionError, match=reason):
            kconvert.convert(tmp_path / "m.keras", tmp_path / "out", imports=[FILE])
        assert not (tmp_path / "out").exists()


def test_imports_that_fail_are_named(own: Any, tmp_path: Path) -> None:
    import keras

    start = keras.Input((5,))
    keras.Model(start, own.Scale()(start)).save(tmp_path / "m.keras")
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_that_name\n")
    for name, reason in (("absent.py", "no such file"), (str(broken), "nothing_of_that_name"), ("json", "Scale")):
        with pytest.raises(ImportedError, match=reason):
            kconvert.convert(tmp_path / "m.keras", tmp_path / "out", imports=[name])
