"""`kbundle verify` catches a kernel that is wrong, whatever op it computes, and names the layer that uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_runtime.registry import KERNELS
from kconvert_runtime.tuned.candidates import CANDIDATES
from tests.cli.conftest import Run, run
from tests.keras_models import randomize

__all__ = ["run"]
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

IMAGE, SEQUENCE, ROW, WORDS = (8, 8, 3), (5, 4), (6,), (1,)
Build = Callable[[Any], Any]
CASES: dict[str, tuple[tuple[int, ...], Build, str]] = {
    "dense": (ROW, lambda k: k.Dense(4, name="wrong"), "matmul"),
    "convolution": (IMAGE, lambda k: k.Conv2D(4, 3, name="wrong"), "conv"),
    "convolution, same, strided": (IMAGE, lambda k: k.Conv2D(4, 3, 2, "same", name="wrong"), "conv"),
    "convolution, 1 x 1": (IMAGE, lambda k: k.Conv2D(4, 1, name="wrong"), "conv"),
    "depthwise": (IMAGE, lambda k: k.DepthwiseConv2D(3, name="wrong"), "conv"),
    "groups": ((8, 8, 4), lambda k: k.Conv2D(4, 3, groups=2, name="wrong"), "conv"),
    "transposed": (IMAGE, lambda k: k.Conv2DTranspose(2, 3, 2, name="wrong"), "conv_transpose"),
    "largest of windows": (IMAGE, lambda k: k.MaxPooling2D(2, name="wrong"), "max_pool"),
    "mean of windows": (IMAGE, lambda k: k.AveragePooling2D(3, 2, "same", name="wrong"), "avg_pool"),
    "mean of an image": (IMAGE, lambda k: k.GlobalAveragePooling2D(name="wrong"), "mean"),
    "batch normalisation": (IMAGE, lambda k: k.BatchNormalization(name="wrong"), "batch_norm"),
    "layer normalisation": (SEQUENCE, lambda k: k.LayerNormalization(name="wrong"), "layer_norm"),
    "attention": (SEQUENCE, lambda k: twice(k.MultiHeadAttention(2, 3, name="wrong")), "softmax"),
    "lstm": (SEQUENCE, lambda k: k.LSTM(3, return_sequences=True, name="wrong"), "lstm"),
    "gru": (SEQUENCE, lambda k: k.GRU(3, name="wrong"), "gru"),
    "simple recurrence": (SEQUENCE, lambda k: k.SimpleRNN(3, name="wrong"), "simple_rnn"),
    "sum": (ROW, lambda k: twice(k.Add(name="wrong"), pair=True), "add"),
    "joined": (ROW, lambda k: twice(k.Concatenate(name="wrong"), pair=True), "concatenate"),
    "tanh": (ROW, lambda k: k.Activation("tanh", name="wrong"), "tanh"),
    "gelu": (ROW, lambda k: k.Activation("gelu", name="wrong"), "gelu"),
    "softmax": (ROW, lambda k: k.Softmax(name="wrong"), "softmax"),
    "order of axes": (IMAGE, lambda k: k.Permute((3, 1, 2), name="wrong"), "transpose"),
    "another shape": (IMAGE, lambda k: k.Reshape((4, 48), name="wrong"), "reshape"),
    "zeros around": (IMAGE, lambda k: k.ZeroPadding2D(1, name="wrong"), "pad"),
    "a part": (IMAGE, lambda k: k.Cropping2D(1, name="wrong"), "slice"),
    "words": (WORDS, lambda k: k.StringLookup(vocabulary=["a", "b", "c"], name="wrong"), "lookup"),
    "text": (
        WORDS, lambda k: k.TextVectorization(vocabulary=["a", "b"], output_sequence_length=4, name="wrong"), "lookup"),
}  # fmt: skip
TUNED = [name for name, (_, _, op) in CASES.items() if op in CANDIDATES]


def twice(layer: Any, *, pair: bool = False) -> Callable[[Any], Any]:
    return lambda x: layer([x, x]) if pair else layer(x, x)


def make(name: str, folder: Path) -> None:
    """Convert a model of two outputs, the second of which the layer `wrong` gives."""
    import keras

    shape, build, _ = CASES[name]
    keras.utils.set_random_seed(5)
    text = shape == WORDS
    start = keras.layers.Input(shape, dtype="string" if text else None, name="x")
    before = start if text else keras.layers.LeakyReLU(name="before")(start)
    outputs = [build(keras.layers)(before), before]
    if not text:
        outputs[0] = keras.layers.Rescaling(2.0, name="after")(outputs[0])
    model = keras.Model(start, outputs)
    randomize(model)
    model.save(folder / "m.keras")
    kconvert.convert(folder / "m.keras", folder / "out")


def off(values: Any) -> Any:
    """Return values that are wrong by one in a thousand; whole numbers by one."""
    if isinstance(values, tuple):
        return tuple(map(off, values))
    return values * values.dtype.type(1.001) if values.dtype.kind == "f" else values + values.dtype.type(1)


def verified(run: Run, folder: Path) -> dict[str, Any]:
    done = run("kbundle", "verify", folder / "out", "--against", folder / "m.keras", "--json")
    data = json.loads(done.out)
    assert done.code == (0 if data["holds"] else 1), done
    return data


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_kernel_is_named(run: Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(name, tmp_path)
    assert verified(run, tmp_path)["holds"]
    op = CASES[name][2]
    right = KERNELS[op]
    monkeypatch.setitem(KERNELS, op, lambda *arrays, **attrs: off(right(*arrays, **attrs)))
    found = verified(run, tmp_path)
    assert (found["holds"], found["first_divergence"]) == (False, "wrong")


@pytest.mark.parametrize("name", TUNED)
def test_a_wrong_tuned_kernel_is_named(run: Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain kernel is right, every faster one wrong."""
    make(name, tmp_path)
    built = []

    def spoiled(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def wrong(site: Any) -> Any:
            call = build(site)
            built.append(site)

            def run_(do: Any, out: Any, *inputs: Any) -> None:
                call(do, out, *inputs)
                do(np.multiply, out, np.float32(1.001), out=out)

            return run_

        return wrong

    op = CASES[name][2]
    monkeypatch.setitem(CANDIDATES, op, [replace(one, build=spoiled(one.build)) for one in CANDIDATES[op]])
    found = verified(run, tmp_path)
    if not built:
        pytest.skip("no faster kernel is chosen for this model")
    assert (found["holds"], found["first_divergence"]) == (False, "wrong")


def test_most_tuned_kernels_are_tried() -> None:
    assert len(TUNED) > 8
