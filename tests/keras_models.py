"""Building the models of cases with Keras, with random weights. Only oracle tests and the golden writer use this."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tests.cases.spec import Case
from tests.compare import flatten

POSITIVE = ("kernel_scale", "embeddings_scale", "inputs_scale", "awq_scales")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def save_case(case: Case, file: Path) -> list[np.ndarray]:
    """Build the case's model, give it random weights, save it, and return what Keras computes."""
    import keras

    keras.utils.clear_session(free_memory=False)  # collecting garbage takes longer than all of the rest
    keras.utils.set_random_seed(1)
    model = case.build(keras)
    randomize(model)
    if case.step is not None:
        case.step(keras, model)
    model.save(file)
    if case.step is not None:
        model = keras.saving.load_model(file)
    if case.twin is not None:
        model = case.twin(keras)
        randomize(model)
    return outputs_of(model, case)


def outputs_of(model: Any, case: Case) -> list[np.ndarray]:
    """Run a Keras model on the case's data."""
    import tensorflow as tf

    arrays = [_fed(tensor.array(seed), tensor.dtype, tf) for seed, tensor in enumerate(case.inputs)]
    outputs = model(_packed(model, arrays), training=False)  # as in predict; image augmentation runs otherwise
    return [_plain(value) for value in flatten_keras(outputs)]


def flatten_keras(value: Any) -> list[Any]:
    """Like `flatten`, for tensors."""
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in flatten_keras(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten_keras(item)]
    return [value]


def randomize(model: Any) -> None:
    """Set every weight to random values; variances and other positive ones stay positive, groups what they are."""
    rng = np.random.default_rng(7)
    for weight in model.weights:
        kind = str(weight.dtype)
        if kind in ("int8", "uint8"):
            weight.assign(rng.integers(0, 128, weight.shape).astype(kind))
        if "float" not in kind or weight.path.endswith("g_idx"):
            continue
        low, high = (0.3, 1.5) if "variance" in weight.path or weight.path.endswith(POSITIVE) else (-0.6, 0.6)
        weight.assign(rng.uniform(low, high, weight.shape).astype("float32"))
    for layer in model._flatten_layers():
        if type(layer).__name__ == "Normalization":
            layer.finalize_state()  # it computes with copies of its weights


def _fed(array: np.ndarray, dtype: str, tf: Any) -> Any:
    if dtype == "string":
        return tf.constant(array.tolist())
    return tf.constant(array, dtype=dtype)


def _packed(model: Any, arrays: list[Any]) -> Any:
    names = getattr(model, "_inputs_struct", None)
    if isinstance(names, dict):
        return dict(zip(sorted(names), arrays, strict=True))
    return arrays if len(arrays) > 1 else arrays[0]


def _plain(value: Any) -> np.ndarray:
    """A tensor as an array; bfloat16 and floats of 8 bits as float32, strings as str."""
    import keras

    if hasattr(value, "to_tensor"):
        value = value.to_tensor()
    array = keras.ops.convert_to_numpy(value) if str(getattr(value, "dtype", "")).find("string") < 0 else value.numpy()
    if array.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        return array.astype(np.float32)
    if array.dtype == object or array.dtype.kind == "S":
        return np.array([s.decode() for s in np.ravel(array)], object).reshape(np.shape(array))
    return array


__all__ = ["flatten", "outputs_of", "randomize", "save_case"]
