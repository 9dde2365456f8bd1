"""How older files arrange the weights of a layer -> how Keras 2 and 3 do.

Keras 1 keeps the gates of recurrent layers apart and has other orders of kernel axes; the layers for NVIDIA's library
keep their matrices transposed, with two biases; Theano turns the kernels of convolutions around.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import TensorType

from ..spec import LayerSpec, StoredWeight

Weights = Mapping[str, StoredWeight]

GATES = {"LSTM": "icfo", "GRU": "zrh", "ConvLSTM2D": "icfo"}
"""The gates of a recurrent layer in the order in which Keras 1 lists their weights."""
JOINED = {"LSTM": "ifco", "GRU": "zrh", "ConvLSTM2D": "ifco"}
"""The order in which one kernel holds them."""
PARTS = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
SPATIAL = {"Conv1D": 1, "Conv2D": 2, "Conv3D": 3, "Conv2DTranspose": 2, "ConvLSTM2D": 2}
"""Convolutions and how many leading axes of their kernels are spatial."""


def separate_gates(class_name: str) -> list[str]:
    """Return the names under which Keras 1 keeps the weights of a recurrent layer: W_i, U_i, b_i, W_c..."""
    return [f"{part}_{gate}" for gate in GATES.get(class_name, "") for part in PARTS]


def modern(layer: LayerSpec, stored: Weights, major: int, backend: str) -> Weights:
    """Return a layer's weights by name, as many and as shaped as Keras 3 has them.

    major: the version of Keras that wrote them; backend: what it ran on, '' where the file does not say.
    """
    if layer.class_name in GATES and set(stored) == set(separate_gates(layer.class_name)):
        stored = _with_joined_gates(JOINED[layer.class_name], stored)
    if layer.class_name in SPATIAL:
        kernels = {name: weight for name, weight in stored.items() if name.endswith("kernel")}
        return {**stored, **{n: _convolution(layer, w, major, backend) for n, w in kernels.items()}}
    return _from_cudnn(layer.class_name, stored) if _is_cudnn(layer, stored) else stored


def _is_cudnn(layer: LayerSpec, stored: Weights) -> bool:
    """Whether input and recurrent biases stand one after the other in one row: NVIDIA's library."""
    if layer.class_name not in ("LSTM", "GRU") or set(stored) != set(PARTS.values()):
        return False
    units = stored["recurrent_kernel"].type.shape[:1]
    return stored["bias"].type.shape == tuple(2 * len(GATES[layer.class_name]) * (n or 0) for n in units)


def _from_cudnn(class_name: str, stored: Weights) -> Weights:
    """Kernels stand transposed (the input kernel in Fortran order too); input and recurrent biases stand apart."""
    gates = len(GATES[class_name])

    def transposed(k: Array) -> Array:
        return np.hstack([part.T.reshape(part.shape, order="F") for part in np.hsplit(k, gates)])

    def joined(b: Array) -> Array:
        return b.reshape(2, -1) if class_name == "GRU" else b.reshape(2, -1).sum(axis=0, dtype=b.dtype)

    return {
        "kernel": _converted(stored["kernel"], transposed),
        "recurrent_kernel": _converted(
            stored["recurrent_kernel"], lambda k: np.hstack([part.T for part in np.hsplit(k, gates)])
        ),
        "bias": _converted(stored["bias"], joined),
    }


def _with_joined_gates(order: str, stored: Weights) -> Weights:
    """Keras 1 has W, U and b for each gate, named `lstm_1_W_i`."""
    merged = {}
    for part, name in PARTS.items():
        gates = [stored[f"{part}_{gate}"] for gate in order]
        width = sum((gate.type.shape or (0,))[-1] or 0 for gate in gates)
        type_ = TensorType((*gates[0].type.shape[:-1], width), gates[0].type.dtype)
        merged[name] = StoredWeight(
            type_,
            lambda gates=gates: np.concatenate([gate.read() for gate in gates], axis=-1),  # type: ignore[misc]
        )
    return merged


def _convolution(layer: LayerSpec, kernel: StoredWeight, major: int, backend: str) -> StoredWeight:
    """Bring the axes of a kernel into the order (space, in, out), transposed convolutions (space, out, in)."""
    spatial = SPATIAL[layer.class_name]
    shape = tuple(n or 0 for n in kernel.type.shape)
    if layer.class_name == "Conv1D" and len(shape) == 4:
        kernel, shape = _from_two_axes(layer, kernel)
    axes = _axes(layer, shape, spatial, major)
    if axes is not None:
        kernel = _converted(kernel, lambda k: k.transpose(axes))
    if backend == "theano" and len(shape) == spatial + 2:
        kernel = _converted(kernel, lambda k: np.flip(k, tuple(range(spatial))))
    return kernel


def _from_two_axes(layer: LayerSpec, kernel: StoredWeight) -> tuple[StoredWeight, tuple[int, ...]]:
    """Keras 1 convolves along one axis with kernels of two: (length, 1, in, out), at first (out, in, length, 1)."""
    size = _numbers(layer.config.get("kernel_size"))
    if kernel.type.shape[:2] != (*size, 1):
        kernel = _converted(kernel, lambda k: k.transpose(2, 3, 1, 0))
    kernel = _converted(kernel, lambda k: k[:, 0])
    return kernel, tuple(n or 0 for n in kernel.type.shape)


def _axes(layer: LayerSpec, shape: tuple[int, ...], spatial: int, major: int) -> tuple[int, ...] | None:
    """Return how to transpose a kernel of Keras 1; None where it stands as today. Its shape tells, then the version."""
    size = _numbers(layer.config.get("kernel_size"))
    width = layer.config.get("filters")
    if layer.class_name == "ConvLSTM2D" or len(shape) != spatial + 2 or len(size) != spatial:
        return None
    out = 2 if layer.class_name == "Conv2DTranspose" else -1
    today = shape[:spatial] == size and shape[out] == width
    first = shape[2:] == size and shape[0] == width
    channels_first = layer.config.get("data_format") == "channels_first"
    if first and (not today or (major < 2 and channels_first)):
        ahead = tuple(range(2, 2 + spatial))
        return (*ahead, 0, 1) if layer.class_name == "Conv2DTranspose" else (*ahead, 1, 0)
    if layer.class_name == "Conv2DTranspose" and shape[:2] == size and shape[3] == width:
        return None if today and (major > 1 or channels_first) else (0, 1, 3, 2)
    return None


def _numbers(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _converted(weight: StoredWeight, convert: Callable[[Array], Array]) -> StoredWeight:
    """Return a weight whose values are `convert`ed when read."""
    shape = convert(np.broadcast_to(np.int8(0), tuple(n or 0 for n in weight.type.shape))).shape
    return replace(weight, type=TensorType(shape, weight.type.dtype), read=lambda: convert(weight.read()))
