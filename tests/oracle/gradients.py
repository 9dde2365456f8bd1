"""A case's gradients, by tf.GradientTape and by `Model.gradients`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_runtime import Model
from kconvert_runtime.plan import types_of
from kconvert_schemas.dtypes import HALVES
from tests.cases.spec import Case
from tests.compare import flatten, in_memory

FLOATS = ("float16", "bfloat16", "float32", "float64")
SHARE = {False: 1e-2, True: 0.3}
"""A gradient is measured by its largest element, or by this share of the largest of all; more with 16-bit floats."""


@dataclass
class Compared:
    """Our gradients and those of the tape, by the names of weights and inputs; half: 16-bit floats are in between."""

    mine: dict[str, np.ndarray]
    theirs: dict[str, np.ndarray]
    half: bool

    def errors(self) -> dict[str, float]:
        """Return the error of each gradient: over its largest element, or a share of the largest of them all.

        The latter where a gradient is 0 but for rounding, as that of the biases of keys before a softmax.
        """
        most = {name: _largest(g) for name, g in self.theirs.items()}
        least = max(SHARE[self.half] * max(most.values(), default=0.0), 1e-3)
        return {name: _distance(self.mine[name], g) / max(most[name], least) for name, g in self.theirs.items()}


def compare(case: Case, folder: Path) -> Compared:
    """Differentiate the sum of all outputs of floats, each element times a random number, in both ways."""
    import keras

    from tests.keras_models import randomize

    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(1)
    keras_model = case.build(keras)
    randomize(keras_model)
    file = folder / "model.keras"
    keras_model.save(file)
    if case.twin is not None:
        keras_model = case.twin(keras)
        randomize(keras_model)
    arrays = [_finite(array) for array in case.arrays()]
    seeds, by_input, variables = _taped(keras_model, case, arrays)
    model = Model(*in_memory(file))
    names = [value.name for value in model.inputs]
    theirs = {names[i]: g for i, g in by_input.items()}
    theirs |= {_named(model.weights, path, values): g for path, values, g in variables}
    half = any(type_.dtype in HALVES for type_ in types_of(model.graph).values())
    if not theirs or all(seed is None for seed in seeds):
        return Compared({}, {}, half)
    mine = model.gradients(arrays if len(arrays) > 1 else arrays[0], _structured(model, seeds), wrt=list(theirs))
    return Compared({name: mine[name].reshape(g.shape) for name, g in theirs.items()}, theirs, half)


def _named(weights: Mapping[str, np.ndarray], path: str, values: np.ndarray) -> str:
    """Return the name of the weight with the values of a variable, which are random."""
    same = [name for name, w in weights.items() if w.shape == values.shape and np.array_equal(w, values)]
    assert len(same) == 1, f"the variable {path} is {same or 'no weight'}"
    return same[0]


def _finite(array: np.ndarray) -> np.ndarray:
    """Put numbers in the place of NaN and infinities: no gradient is promised there."""
    if array.dtype.kind != "f":
        return array
    return np.nan_to_num(array, nan=0.75, posinf=1.25, neginf=-1.75)


def _largest(g: np.ndarray) -> float:
    return float(np.abs(g[np.isfinite(g)]).max(initial=0.0))


def _distance(mine: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference; infinite where shapes differ, or NaN and infinities do not match."""
    a, b = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    finite = np.isfinite(b)
    if a.shape != b.shape or not np.array_equal(finite, np.isfinite(a)):
        return float("inf")
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    return float(np.abs(a[finite] - b[finite]).max(initial=0.0))


def _structured(model: Model, seeds: list[Any]) -> Any:
    """Put gradients of the outputs, in Keras' order, into the structure of what the model returns."""
    places = [np.array(i) for i in range(len(seeds))]
    order = flatten(model._structured(places))
    named = {i: seeds[place] for place, i in enumerate(int(one) for one in order)}
    return model._structured([named[i] for i in range(len(seeds))])


def _taped(
    model: Any, case: Case, arrays: list[np.ndarray]
) -> tuple[list[Any], dict[int, np.ndarray], list[tuple[str, np.ndarray, np.ndarray]]]:
    """Return the random factors of the outputs, gradients of inputs by number, (path, values, gradient) of variables.

    What the outputs do not depend on has zeros.
    """
    import tensorflow as tf

    from tests.keras_models import _fed, _packed, flatten_keras

    fed = [_fed(array, tensor.dtype, tf) for array, tensor in zip(arrays, case.inputs, strict=True)]
    floats = [i for i, tensor in enumerate(fed) if tensor.dtype.name in FLOATS]
    variables = [v for v in model.trainable_variables if v.dtype in FLOATS]
    rng = np.random.default_rng(9)
    with tf.GradientTape() as tape:
        for i in floats:
            tape.watch(fed[i])
        outputs = flatten_keras(model(_packed(model, fed), training=False))
        outputs = [y.to_tensor() if hasattr(y, "to_tensor") else tf.convert_to_tensor(y) for y in outputs]
        seeds = [rng.uniform(-1, 1, y.shape).astype(np.float32) if y.dtype.name in FLOATS else None for y in outputs]
        terms = [tf.cast(y, "float64") * g for y, g in zip(outputs, seeds, strict=True) if g is not None]
        total = tf.add_n([tf.reduce_sum(term) for term in terms]) if terms else tf.constant(0.0)
    sources = [*(fed[i] for i in floats), *(v.value for v in variables)]
    found = tape.gradient(total, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    dense = [np.asarray(tf.cast(tf.convert_to_tensor(g), "float64")) for g in found]
    weights = zip(variables, dense[len(floats) :], strict=True)
    by_variable = [(v.path, np.asarray(tf.cast(v.value, "float64")), g) for v, g in weights]
    seeds = [None if g is None else g.astype(_held(y)) for g, y in zip(seeds, outputs, strict=True)]
    return seeds, dict(zip(floats, dense, strict=False)), by_variable


def _held(tensor: Any) -> str:
    """The dtype in which we hold a tensor."""
    return "float32" if tensor.dtype.name == "bfloat16" else str(tensor.dtype.name)
