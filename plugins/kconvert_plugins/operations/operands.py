"""What operations are called with - tensors, Python's numbers, arrays that the file holds - and the dtype they meet in.

Keras converts a number on its own to int32 or float32; beside a tensor some operations let it take the tensor's
dtype ("weak"). keras/src/backend/tensorflow/numpy.py says for each operation which of the two it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kconvert import ArrayConstant, Emitter, LayerCall, Register, Symbol, Unsupported
from kconvert.promotion import result_type
from kconvert_schemas.dims import Dim
from kconvert_schemas.dtypes import DTYPES

SHOWN_SIZE = 16
"""Arrays up to this size stand in graph.json itself."""

Lower = Callable[[LayerCall, Emitter], Any]


def register_table(register: Register, arguments: Sequence[str], table: Mapping[str, Lower]) -> None:
    """Register operations by class name; all take the call arguments `arguments`."""
    for name, lower in table.items():
        register(f"keras.ops.{name}", lower, arguments=arguments)


def documented(lower: Lower, doc: str) -> Lower:
    """Give a function that stands for a whole family its own one-line description."""
    lower.__doc__ = doc
    return lower


def is_number(value: Any) -> bool:
    """Tell whether `value` is one of Python's ints or floats, which promote weakly (a bool does not)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def kind(value: Any) -> str:
    """Return what `value` counts as in promotion: its dtype, or 'int' or 'float' for a Python number."""
    if isinstance(value, Symbol):
        return value.dtype
    if is_number(value):
        return "int" if isinstance(value, int) else "float"
    return _array(value)[1]


def join(*kinds: str) -> str:
    """Return Keras' common dtype; Unsupported where there is none."""
    try:
        return result_type(*kinds)
    except ValueError as error:
        raise Unsupported(str(error)) from error


def tensor(emit: Emitter, value: Any, dtype: str | None = None) -> Symbol:
    """Return `value` as Keras' `convert_to_tensor` makes it, or in `dtype`."""
    if isinstance(value, Symbol):
        return value if dtype is None else emit.cast(value, dtype)
    array, own = _array(value)
    if array.ndim and array.size > SHOWN_SIZE:
        return emit.array("constant", array, dtype or own)
    return emit.constant(array.tolist(), dtype or own)


def weak(emit: Emitter, values: Sequence[Any], *others: str) -> list[Symbol]:
    """Return `values` in their common dtype; Python's numbers adapt. `others` take part in it: 'float'."""
    dtype = join(*(kind(value) for value in values), *others)
    return [tensor(emit, value, dtype) for value in values]


def strong(emit: Emitter, values: Sequence[Any], *others: str) -> list[Symbol]:
    """Return `values` in their common dtype, where Python's numbers count as int32 and float32."""
    tensors = [tensor(emit, value) for value in values]
    dtype = join(*(value.dtype for value in tensors), *others)
    return [emit.cast(value, dtype) for value in tensors]


def arguments(call: LayerCall, *names: str) -> list[Any]:
    """Return the call's arguments `names`; Unsupported when one is missing."""
    return [call.argument(name) for name in names]


def given(call: LayerCall, emit: Emitter, name: str = "x") -> Symbol:
    """Return the argument `name` as a tensor."""
    return tensor(emit, call.argument(name))


def number_like(emit: Emitter, value: float, x: Symbol) -> Symbol:
    """Return a constant in the dtype of `x`."""
    return emit.constant(value, x.dtype)


def apply(emit: Emitter, op: str, *values: Symbol | float) -> Any:
    """Write an elementwise op; Python's numbers among `values` take the dtype of the last tensor among them."""
    dtype = next(value.dtype for value in reversed(values) if isinstance(value, Symbol))
    return emit.op(op, *(v if isinstance(v, Symbol) else emit.constant(v, dtype) for v in values))


def dtype_setting(call: LayerCall, default: str) -> str:
    """Return the config's `dtype`, `default` for None; Unsupported when it is not a dtype."""
    value = call.argument("dtype", None)
    if value is None:
        return default
    name = "int64" if value == "int" else value
    if not isinstance(name, str) or name not in DTYPES:
        raise Unsupported(f"its dtype {value!r:.40} is not known")
    return name


def sizes(x: Symbol, name: str = "x") -> list[Dim]:
    """Return the axes of `x` as dimension expressions that read unknown sizes off the op's input `name`."""
    return [f"{name}.{i}" if size is None else size for i, size in enumerate(x.shape)]


def axis_of(axis: Any, rank: int) -> int:
    """Return `axis` counted from the front."""
    if isinstance(axis, bool) or not isinstance(axis, int) or not -rank <= axis < rank:
        raise Unsupported(f"its axis {axis!r:.40} is not one of {rank} axes")
    return axis % rank


def axes_of(value: Any, rank: int) -> list[int]:
    """Return the axes that an `axis` setting names: all for None, one, or a list."""
    if value is None:
        return list(range(rank))
    return [axis_of(axis, rank) for axis in (value if isinstance(value, (list, tuple)) else [value])]


def known(size: int | None, what: str) -> int:
    """Return a size; Unsupported where the file leaves it open."""
    if size is None:
        raise Unsupported(f"it needs to know {what}, which the file leaves open")
    return size


def reshaped(emit: Emitter, x: Symbol, shape: Sequence[Dim], like: Symbol | None = None) -> Symbol:
    """Return `x` in another shape."""
    return emit.op("reshape", x, like, shape=list(shape))


def flattened(emit: Emitter, x: Symbol) -> Symbol:
    """Return the elements of `x` in one axis."""
    return reshaped(emit, x, [-1])


def expanded(emit: Emitter, x: Symbol, axes: Sequence[int]) -> Symbol:
    """Return `x` with axes of size 1 inserted, at positions in the result counted from the front."""
    shape = sizes(x)
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return reshaped(emit, x, shape)


def without_axes(emit: Emitter, x: Symbol, axes: Sequence[int]) -> Symbol:
    """Return `x` without axes of size 1."""
    return reshaped(emit, x, [size for i, size in enumerate(sizes(x)) if i not in axes])


def permuted(emit: Emitter, x: Symbol, order: Sequence[int]) -> Symbol:
    """Return `x` with its axes in another order."""
    return emit.op("transpose", x, axes=list(order))


def moved(emit: Emitter, x: Symbol, source: Sequence[int], destination: Sequence[int]) -> Symbol:
    """Return `x` with the axes `source` at the places `destination`, the others in order; x if nothing moves."""
    if list(source) == list(destination):
        return x
    order = [axis for axis in range(x.rank) if axis not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return permuted(emit, x, order)


def sliced(emit: Emitter, x: Symbol, axis: int, start: int | None, stop: int | None, step: int | None = None) -> Symbol:
    """Return x[start:stop:step] along one axis."""
    slices: list[list[int | None] | None] = [None] * x.rank
    slices[axis] = [start, stop, step]
    return emit.op("slice", x, slices=slices)


def _array(value: Any) -> tuple[np.ndarray[Any, Any], str]:
    """Return a constant of the file as an array, and the dtype that TensorFlow gives it."""
    if isinstance(value, ArrayConstant):
        return _regular(value.value), value.dtype
    array = _regular(value)
    if array.dtype.kind == "i":
        fits = array.size == 0 or (array.min() >= -(2**31) and array.max() < 2**31)
        return array, "int32" if fits else "int64"
    return array, {"f": "float32", "b": "bool", "U": "string"}[array.dtype.kind]


def _regular(value: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "ifbU":
        raise Unsupported(f"it is called with {value!r:.60}, which is neither a tensor nor an array of numbers")
    return array
