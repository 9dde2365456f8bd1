"""Gradients against differences: one random inner product, never a full Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kconvert_schemas.attrs import complete
from kconvert_schemas.dtypes import Array
from kconvert_schemas.opset import find_op
from kconvert_schemas.opspec import OpSpec

from .compare import arrays_of, require
from .conversion import convert_op

STEP = 1e-6
TOLERANCE = 1e-5


def check_vjp(
    op: str, inputs: Sequence[Array | None], attrs: Mapping[str, Any] | None = None, *, tolerance: float = TOLERANCE
) -> None:
    """Compare the VJP of `op` with central differences in float64, for the differentiable inputs of its row.

    For a random direction v and random g: <g, (f(x + h v) - f(x - h v)) / 2h> = <vjp(g), v>, where <a, b> is
    the real part of the sum of conj(a) b. Fails also when a gradient is missing, has not the shape and dtype of
    its input (in float32 and in float64), or when something is written to. Choose inputs away from kinks and
    ties.
    """
    spec = find_op(op)
    if spec is None:
        raise AssertionError(f"there is no op {op!r}")
    _Backward.run(spec, inputs, attrs or {}, "float32")
    run = _Backward.run(spec, inputs, attrs or {}, "float64")
    varied = [i for i, name in enumerate(_names(spec, len(inputs))) if _varies(spec, name, run.inputs[i])]
    require(bool(varied), f"{op}: its row names no differentiable input among those given")
    rng = np.random.default_rng(1)
    for i in varied:
        what = f"{op}, input {_names(spec, len(inputs))[i]!r}"
        got, x = run.gradients[i], run.inputs[i]
        if got is None or x is None:
            raise AssertionError(f"{what}: the VJP returns None, the row says that it is differentiable")
        v = _direction(rng, x)
        numeric, exact = run.slope(i, v), _inner(got, v)
        scale = max(abs(numeric), abs(exact), 1e-3 * sum(float(np.abs(g).sum()) for g in run.g), 1e-3)
        require(abs(numeric - exact) <= tolerance * scale, f"{what}: the VJP gives {exact:.9g}, not {numeric:.9g}")


@dataclass(frozen=True, slots=True)
class _Backward:
    """One run of an op and of its VJP, on a random g."""

    function: Callable[..., Any]
    inputs: list[Array | None]
    g: list[Array]
    gradients: Sequence[Array | None]

    @staticmethod
    def run(spec: OpSpec, inputs: Sequence[Array | None], attrs: Mapping[str, Any], dtype: str) -> _Backward:
        from kconvert_runtime import gradients as _  # noqa: F401  (registers those of built-in ops)
        from kconvert_runtime.registry import VJPS

        require(spec.name in VJPS, f"{spec.name} has no VJP")
        arrays = [_frozen(array, dtype) for array in inputs]
        model = convert_op(spec.name, arrays, attrs).model(optimize=False)
        y = arrays_of(model(*(array for array in arrays if array is not None)))
        rng = np.random.default_rng(0)
        g = [_direction(rng, array) for array in y]
        given = (g[0], y[0]) if len(spec.outputs) == 1 else (tuple(g), tuple(y))
        before = [array.tobytes() for array in [*g, *y]]
        gradients = VJPS[spec.name](*given, *arrays, **complete(spec, attrs))
        require([array.tobytes() for array in [*g, *y]] == before, f"the VJP of {spec.name} writes to g or y")
        _check_form(spec, arrays, gradients)
        return _Backward(model, arrays, g, gradients)

    def slope(self, i: int, v: Array) -> float:
        """Return <g, df> for a small step along v in input i."""
        ahead, behind = (self._moved(i, sign * STEP * v) for sign in (1, -1))
        steps = zip(self.g, ahead, behind, strict=True)
        return sum(_inner(g, a - b) / (2 * STEP) for g, a, b in steps if g.dtype.kind in "fc")

    def _moved(self, i: int, step: Array) -> list[Array]:
        arrays = [x + step if j == i and x is not None else x for j, x in enumerate(self.inputs)]
        return arrays_of(self.function(*(array for array in arrays if array is not None)))


def _check_form(spec: OpSpec, arrays: Sequence[Array | None], gradients: Any) -> None:
    """Fail unless there is one gradient, or None, for each input, of its shape and dtype; more may only be None."""
    fits = isinstance(gradients, (tuple, list)) and len(gradients) >= len(arrays)
    fits = fits and all(g is None for g in gradients[len(arrays) :])
    require(fits, f"the VJP of {spec.name} must return a tuple with a gradient, or None, for each of its inputs")
    for name, x, gradient in zip(_names(spec, len(arrays)), arrays, gradients[: len(arrays)], strict=True):
        if gradient is None or x is None or name not in spec.differentiable:
            continue
        what = f"{spec.name}, input {name!r}"
        require(gradient.shape == x.shape, f"{what}: the gradient has the shape {gradient.shape}, the input {x.shape}")
        require(gradient.dtype == x.dtype, f"{what}: the gradient is {gradient.dtype}, the input {x.dtype}")


def _names(spec: OpSpec, count: int) -> list[str]:
    """Return the name of each input; a variadic one names all the rest."""
    names = list(spec.input_names)
    return [*names, *[names[-1]] * (count - len(names))][:count]


def _varies(spec: OpSpec, name: str, array: Array | None) -> bool:
    return name in spec.differentiable and array is not None and array.dtype.kind in "fc"


def _inner(a: Array, b: Array) -> float:
    return float(np.real(np.sum(np.conj(a) * b)))


def _frozen(array: Array | None, dtype: str) -> Array | None:
    if array is None:
        return None
    kinds = {"f": dtype, "c": "complex64" if dtype == "float32" else "complex128"}
    held = np.array(array, kinds.get(np.asarray(array).dtype.kind))
    held.setflags(write=False)
    return held


def _direction(rng: np.random.Generator, array: Array) -> Array:
    """Return random numbers in the form of `array`; zeros for what is not a float."""
    if array.dtype.kind not in "fc":
        return np.zeros(array.shape, array.dtype)
    parts = [rng.uniform(-1, 1, array.shape) for _ in range(2)]
    return np.asarray(parts[0] + 1j * parts[1] if array.dtype.kind == "c" else parts[0], array.dtype)
