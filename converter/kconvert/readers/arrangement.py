"""How older files arrange the weights of a layer -> how Keras 2 and 3 do.

Keras 1 keeps the gates of recurrent layers apart and has other orders of kernel axes; the layers for NVIDIA's library
keep their matrices transposed, with two biases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import TensorType

from ..spec import LayerSpec, StoredWeight

GATES = {"LSTM": (4, "ifco"), "GRU": (3, "zrh")}


def modern(layer: LayerSpec, stored: list[StoredWeight], names: list[str]) -> list[StoredWeight]:
    """Return a layer's weights, as many and as shaped as Keras 3 has them."""
    if layer.config.get("cudnn") and len(stored) == 3:
        return _from_cudnn(layer, stored)
    if layer.class_name in GATES and len(stored) == 3 * GATES[layer.class_name][0]:
        return _from_separate_gates(layer, stored, names)
    if layer.class_name == "Conv1D" and stored and len(stored[0].type.shape) == 4:
        return [_converted(stored[0], lambda k: k[:, 0]), *stored[1:]]
    return stored


def _from_cudnn(layer: LayerSpec, stored: list[StoredWeight]) -> list[StoredWeight]:
    """Kernels stand transposed (the input kernel in Fortran order too); input and recurrent biases stand apart."""
    gates = GATES[layer.class_name][0]
    kernel, recurrent, bias = stored

    def transposed(k: Array) -> Array:
        return np.hstack([part.T.reshape(part.shape, order="F") for part in np.hsplit(k, gates)])

    def joined(b: Array) -> Array:
        return b.reshape(2, -1) if layer.class_name == "GRU" else b.reshape(2, -1).sum(axis=0)

    return [
        _converted(kernel, transposed),
        _converted(recurrent, lambda k: np.hstack([part.T for part in np.hsplit(k, gates)])),
        _converted(bias, joined),
    ]


def _from_separate_gates(layer: LayerSpec, stored: list[StoredWeight], names: list[str]) -> list[StoredWeight]:
    """Keras 1 has W, U and b for each gate, named `lstm_1_W_i`; the names say the order of the gates."""
    order = GATES[layer.class_name][1]
    by_name = {
        name.rpartition("/")[2].partition(":")[0][-3:]: weight for name, weight in zip(names, stored, strict=True)
    }
    merged = []
    for kind in "WUb":
        parts = [by_name[f"{kind}_{gate}"] for gate in order]
        width = sum(part.type.shape[-1] or 0 for part in parts)
        shape = (*parts[0].type.shape[:-1], width)
        merged.append(
            StoredWeight(
                TensorType(shape, parts[0].type.dtype),
                lambda parts=parts: np.concatenate([part.read() for part in parts], axis=-1),  # type: ignore[misc]
            )
        )
    return merged


def _converted(weight: StoredWeight, convert: Callable[[Array], Array]) -> StoredWeight:
    """Return a weight whose values are `convert`ed when read."""
    shape = convert(np.empty(tuple(n or 0 for n in weight.type.shape), np.int8)).shape
    return replace(weight, type=TensorType(shape, weight.type.dtype), read=lambda: convert(weight.read()))
