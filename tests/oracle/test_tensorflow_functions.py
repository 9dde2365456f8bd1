"""TensorFlow functions in Keras 2 models: written as TFOpLambda layers, and (by TF 1) as nodes of its graph."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_schemas import ConversionError
from tests.compare import flatten, relative_error
from tests.oracle.tensorflow_functions import FUNCTIONS

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore"),  # Keras 2 and TensorFlow warn about themselves
]


def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "x": rng.uniform(-2, 2, (3, 6)).astype(np.float32),
        "z": rng.uniform(-2, 2, (3, 6)).astype(np.float32),
        "s": rng.uniform(-2, 2, (3, 5, 4)).astype(np.float32),
        "im": rng.uniform(0, 1, (3, 8, 8, 3)).astype(np.float32),
        "i": rng.integers(0, 4, (3,)).astype(np.int32),
        "ids": rng.integers(0, 5, (3, 2)).astype(np.int32),
    }


def built(family: str, only: str = "") -> tuple[Any, list[str]]:
    """A model with an output for each call, and the names of the inputs that they need."""
    import tensorflow as tf
    import tf_keras

    tf_keras.backend.clear_session()
    arrays = data()
    inputs = {k: tf_keras.Input(a.shape[1:], dtype=a.dtype.name, name=f"in_{k}") for k, a in arrays.items()}
    calls = [line.strip() for line in FUNCTIONS[family].strip().splitlines()]
    outputs = [eval(call, {"tf": tf, "K": tf_keras.backend, **inputs}) for call in calls if only in call]
    used = [name for name in inputs if any(re.search(rf"\b{name}\b", call) for call in calls if only in call)]
    return tf_keras.Model([inputs[name] for name in used], outputs), used


@pytest.mark.parametrize("family", FUNCTIONS)
def test_functions_agree_with_keras_2(family: str, tmp_path: Path) -> None:
    pytest.importorskip("tf_keras", reason="needs the dependency group 'oracle'")
    model, used = built(family)
    model.save(tmp_path / "m.h5")
    kconvert.convert(tmp_path / "m.h5", tmp_path / "out")
    arrays = data()
    inputs = [arrays[name] for name in used]
    mine = flatten(kconvert.load(tmp_path / "out")(*inputs))
    theirs = [np.asarray(y) for y in flatten(model(inputs if len(inputs) > 1 else inputs[0]))]
    calls = [line.strip() for line in FUNCTIONS[family].strip().splitlines()]
    for call, a, b in zip(calls, mine, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), call
        assert relative_error(a, b) < 1e-5, call


REFUSED = {
    "x == z": "'other' is missing",
    "tf.reduce_mean(i)": "cuts to whole numbers",
    'tf.einsum("bij,bkj->bik", s, s)': "Keras 2 loses them",
    "tf.nn.dropout(x, 0.5)": "random numbers",
    "tf.boolean_mask(x, x > 0)": "depends on their values",
    "tf.math.lgamma(x * x)": "no plugin converts",
}


def test_what_is_not_exact_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tf_keras", reason="needs the dependency group 'oracle'")
    for call, reason in REFUSED.items():
        FUNCTIONS["refused"] = call
        model, _ = built("refused")
        del FUNCTIONS["refused"]
        model.save(tmp_path / "m.h5")
        with pytest.raises(ConversionError, match=reason):
            kconvert.convert(tmp_path / "m.h5", tmp_path / "out")


NODES = """
import sys, numpy as np, tensorflow as tf
tf.compat.v1.disable_eager_execution()
import tf_keras
sys.path.insert(0, {root!r})
from tests.oracle.test_tensorflow_functions import built, data
from tests.oracle.tensorflow_functions import FUNCTIONS
FUNCTIONS["nodes"] = {calls!r}
model, used = built("nodes")
model.save({file!r})
arrays = data()
inputs = [arrays[name] for name in used]
np.savez({out!r}, *model.predict(inputs, verbose=0))
print(*used)
"""
NODE_CALLS = """
x * 2.0 - z / 3.0
tf.maximum(tf.abs(x), 0.5) ** 2.0
tf.reduce_mean(s, axis=[1, 2], keepdims=True)
tf.reduce_sum(tf.exp(x), axis=-1)
tf.concat([x, z], axis=-1)
tf.stack([x, z], axis=1)
s[:, 1:4, -1]
x[:, tf.newaxis, ::2]
tf.transpose(s, [0, 2, 1])
tf.reshape(s, [-1, 20])
tf.reshape(s, [tf.shape(s)[0], 4, 5])
tf.matmul(s, s, transpose_b=True)
tf.matmul(x, tf.transpose(z))
tf.expand_dims(tf.squeeze(tf.expand_dims(x, 1), 1), -1)
tf.split(x, 2, axis=-1)[1]
tf.split(x, [2, 4], axis=1)[0]
tf.unstack(s, axis=1)[2]
tf.cast(x > z, tf.float32)
tf.where(x > 0.0, x, z)
tf.one_hot(tf.cast(i, tf.int32), 5)
tf.gather(x, [0, 2], axis=1)
tf.nn.softmax(x)
tf.nn.leaky_relu(x, 0.3)
tf.nn.relu6(x * 4.0)
tf.clip_by_value(x, -1.0, 1.0)
tf.pad(x, [[0, 0], [1, 2]])
tf.pad(im, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
tf.tile(x, [1, 2])
tf.argmax(x, axis=1)
tf.math.l2_normalize(x, axis=-1)
tf.nn.max_pool2d(im, 2, 2, "VALID")
tf.nn.depth_to_space(tf.nn.space_to_depth(im, 2), 2)
tf.compat.v1.image.resize_bilinear(im, [16, 12])
tf.image.resize(im, [16, 16], method="nearest")
tf.math.squared_difference(x, z)
tf.reverse(s, axis=[-1])
"""


def test_nodes_of_graphs_agree_with_keras_2(tmp_path: Path) -> None:
    """In graph mode, which cannot be left again, Keras 2 writes nodes: another process does it."""
    pytest.importorskip("tf_keras", reason="needs the dependency group 'oracle'")
    names = {"root": str(Path(__file__).parents[2]), "file": str(tmp_path / "m.h5"), "out": str(tmp_path / "out.npz")}
    script = NODES.format(calls=NODE_CALLS, **names)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    kconvert.convert(tmp_path / "m.h5", tmp_path / "out")
    arrays = data()
    mine = flatten(kconvert.load(tmp_path / "out")(*(arrays[name] for name in done.stdout.split())))
    with np.load(tmp_path / "out.npz") as file:
        for i, (call, a) in enumerate(zip(NODE_CALLS.strip().splitlines(), mine, strict=True)):
            assert a.shape == file[f"arr_{i}"].shape, call
            assert relative_error(a, file[f"arr_{i}"]) < 1e-5, call
