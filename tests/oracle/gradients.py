"""A case's gradients, by tf.GradientTape and by `Model.gradients`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kconvert_runtime import Model
from kconvert_runtime.plan import types_of
from kconvert_schemas.dtypes import HALVES
from tests.cases.spec import Case
from tests.compare import flatten, in_memory, relative_error

FLOATS = ("float32", "float64")
Pairs = dict[str, tuple[np.ndarray, np.ndarray]]


def worth_it(case: Case) -> bool:
    """Whether a gradient can be compared: not where the model is changed, or another one gives the outputs."""
    return case.step is None and case.twin is None


def pairs(case: Case, folder: Path) -> Pairs:
    """Return (ours, Keras') for each weight and input that the tape gives a gradient of.

    The number that is differentiated is the sum of the outputs of floats, each element times a random one.
    """
    import keras

    from tests.keras_models import randomize

    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(1)
    keras_model = case.build(keras)
    randomize(keras_model)
    file = folder / "model.keras"
    keras_model.save(file)
    arrays = case.arrays()
    seeds, inputs, variables = _taped(keras_model, case, arrays)
    model = Model(*in_memory(file))
    if any(type_.dtype in HALVES for type_ in types_of(model.graph).values()):
        return {}  # TensorFlow rounds gradients of 16 bits where we compute in 32
    names = [value.name for value in model.inputs]
    found: Pairs = {}
    wanted = {names[i]: g for i, g in inputs.items()}
    for values, g in variables:
        twins = [n for n, w in model.weights.items() if w.shape == values.shape and np.array_equal(w, values)]
        wanted.update(dict.fromkeys(twins[:1], g))
    if not wanted or all(seed is None for seed in seeds):
        return {}
    shaped = _structured(model, seeds)
    mine = model.gradients(arrays if len(arrays) > 1 else arrays[0], shaped, wrt=list(wanted))
    given = dict(zip(names, arrays, strict=True))
    for name, g in wanted.items():
        finite = np.isfinite(given[name]) if name in given else np.True_  # at NaN and infinity nothing is promised
        found[name] = np.where(finite, mine[name], 0), np.where(finite, g, 0)
    return found


def errors(compared: Pairs) -> dict[str, float]:
    """Return the error of each gradient: over its largest element, or a hundredth of the largest of them all.

    The latter where a gradient is 0 but for rounding, as that of the biases of keys before a softmax.
    """
    largest = max((float(np.abs(g[np.isfinite(g)]).max(initial=0.0)) for _, g in compared.values()), default=0.0)
    found = {}
    for name, (mine, g) in compared.items():
        own = float(np.abs(g[np.isfinite(g)]).max(initial=0.0))
        found[name] = relative_error(mine, g) * max(own, 1e-3) / max(own, largest / 100, 1e-3)
    return found


def _structured(model: Model, seeds: list[Any]) -> Any:
    """Put gradients of the outputs, in Keras' order, into the structure of what the model returns."""
    places = [np.array(i) for i in range(len(seeds))]
    order = flatten(model._structured(places))
    named = {i: seeds[place] for place, i in enumerate(int(one) for one in order)}
    return model._structured([named[i] for i in range(len(seeds))])


def _taped(model: Any, case: Case, arrays: list[np.ndarray]) -> tuple[list[Any], dict[int, Any], list[Any]]:
    """Return the random factors of the outputs, the gradients of inputs by number, (values, gradient) of weights."""
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(array) for array in arrays]
    floats = [i for i, tensor in enumerate(tensors) if tensor.dtype.name in FLOATS]
    rng = np.random.default_rng(9)
    with tf.GradientTape() as tape:
        for i in floats:
            tape.watch(tensors[i])
        outputs = tf.nest.flatten(model(tensors if len(tensors) > 1 else tensors[0], training=False))
        seeds = [
            rng.uniform(0.5, 1.5, y.shape).astype(y.dtype.name) if y.dtype.name in FLOATS else None for y in outputs
        ]
        terms = [tf.reduce_sum(tf.cast(y * g, "float64")) for y, g in zip(outputs, seeds, strict=True) if g is not None]
        total = tf.add_n(terms) if terms else tf.constant(0.0)
    trained = [v for v in model.trainable_variables if v.dtype in FLOATS]
    grads = tape.gradient(total, [*(tensors[i] for i in floats), *(v.value for v in trained)])
    dense = [None if g is None else np.asarray(tf.convert_to_tensor(g)) for g in grads]
    by_input = {i: g for i, g in zip(floats, dense, strict=False) if g is not None}
    weights = [(np.asarray(v.value), g) for v, g in zip(trained, dense[len(floats) :], strict=True) if g is not None]
    return seeds, by_input, weights
