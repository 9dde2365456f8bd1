"""Tensors made of numbers, shaped or bounded by others (keras/src/ops/numpy.py)."""

from __future__ import annotations

import math
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from ..bounds import counted
from .elementwise import constant_like
from .operands import (
    Lower,
    axis_of,
    documented,
    dtype_setting,
    expanded,
    given,
    join,
    kind,
    known,
    number_like,
    register_table,
    sizes,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that make tensors."""
    register_table(register, ("x",), LIKE)
    register("keras.ops.FullLike", full_like, arguments=("x", "fill_value"))
    register("keras.ops.Full", full, arguments=("fill_value",))
    register_table(register, ("start", "stop"), {"Linspace": linspace, "Logspace": logspace, "Geomspace": geomspace})
    register("keras.ops.UnravelIndex", unravel_index, arguments=("indices",))


def _like(value: int) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit)
        dtype = dtype_setting(call, x.dtype)
        return constant_like(emit, x, bool(value) if dtype == "bool" else value, dtype)

    return documented(lower, f"{value} in the shape of x.")


def full_like(call: LayerCall, emit: Emitter) -> Symbol:
    """A value, or a tensor that broadcasts, in the shape of x."""
    x = given(call, emit)
    value = tensor(emit, call.argument("fill_value"), join(dtype_setting(call, x.dtype)))
    return emit.op("broadcast_to", value, x, shape=sizes(x, "like"))


def full(call: LayerCall, emit: Emitter) -> Symbol:
    """A computed value in a given shape."""
    value = tensor(emit, call.argument("fill_value"), dtype_setting(call, "float32"))
    return emit.op("broadcast_to", value, shape=call.config.ints("shape"))


def size(call: LayerCall, emit: Emitter) -> Symbol:
    """How many elements x has, as int32."""
    return emit.op("sum", constant_like(emit, given(call, emit), 1, "int32"))


def isreal(call: LayerCall, emit: Emitter) -> Symbol:
    """True for real numbers; for complex ones, whether the imaginary part is 0."""
    x = given(call, emit)
    if not x.dtype.startswith("complex"):
        return constant_like(emit, x, True, "bool")
    imaginary: Symbol = emit.op("imag", x)
    return emit.op("equal", imaginary, number_like(emit, 0, imaginary))


def linspace(call: LayerCall, emit: Emitter) -> Any:
    """`num` numbers from start to stop, along a new axis; with `retstep` also their distance."""
    values = [call.argument(name) for name in ("start", "stop")]
    dtype = dtype_setting(call, join(*(kind(value) for value in values), "float"))
    y, step = spaced(call, emit, *(tensor(emit, value, dtype) for value in values))
    return [y, step] if call.argument("retstep", False) else y


def spaced(call: LayerCall, emit: Emitter, start: Symbol, stop: Symbol) -> tuple[Symbol, Symbol]:
    """Return the numbers between two tensors by the call's num, endpoint and axis, and their distance."""
    num, endpoint, dtype = call.config.int("num", 50), call.argument("endpoint", True), start.dtype
    if "int" in dtype:
        raise Unsupported("it counts in whole numbers; ask for floats and cast them")
    if num < 0 or (num < 2 and call.argument("retstep", False)):
        raise Unsupported(f"it makes {num} numbers, so that there is no step between them")
    parts = number_like(emit, max(num - 1 if endpoint else num, 1), start)
    step: Symbol = emit.op("divide", emit.op("subtract", stop, start), parts)
    axis = axis_of(call.argument("axis", 0), step.rank + 1)
    steps = tensor(emit, list(range(counted(num))), dtype)
    steps = expanded(emit, steps, [i for i in range(step.rank + 1) if i != axis]) if step.rank else steps
    wide = [expanded(emit, x, [axis]) if x.rank else x for x in (start, step)]
    if start.rank < step.rank:
        wide[0] = start if start.rank == 0 else expanded(emit, start, [max(axis - (step.rank - start.rank), 0)])
    return emit.op("add", wide[0], emit.op("multiply", wide[1], steps)), step


def logspace(call: LayerCall, emit: Emitter) -> Symbol:
    """`base` to the powers of `linspace`."""
    values = [call.argument(name) for name in ("start", "stop")]
    dtype = dtype_setting(call, join(*(kind(value) for value in values), "float"))
    powers, _ = spaced(call, emit, *(tensor(emit, value, dtype) for value in values))
    return emit.op("power", number_like(emit, call.argument("base", 10), powers), powers)


def geomspace(call: LayerCall, emit: Emitter) -> Symbol:
    """`num` numbers from start to stop with one ratio, through logarithms to the base 10."""
    start, stop = (tensor(emit, call.argument(name)) for name in ("start", "stop"))
    dtype = dtype_setting(call, "float32")
    ten = emit.constant(math.log(10.0), dtype)
    ends = [emit.op("divide", emit.op("log", emit.cast(emit.op("abs", x), dtype)), ten) for x in (start, stop)]
    powers, _ = spaced(call, emit, *ends)
    y = emit.op("power", number_like(emit, 10, powers), powers)
    return emit.op("multiply", y, emit.op("sign", emit.cast(start, dtype)))


def vander(call: LayerCall, emit: Emitter) -> Symbol:
    """Powers of a vector, falling or rising along a new axis."""
    x = given(call, emit)
    count = call.argument("N", None)
    count = known(x.shape[0], "how many powers there are") if count is None else count
    powers = list(range(counted(count)))[:: 1 if call.argument("increasing", False) else -1]
    dtype = join(x.dtype, "float32")
    y = emit.op("power", expanded(emit, emit.cast(x, dtype), [x.rank]), tensor(emit, powers, dtype))
    return emit.cast(y, join(x.dtype))


def unravel_index(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """Places in a flattened shape as an index for each axis.

    For indices that are not a vector Keras on TensorFlow peels the sizes off from the other end.
    """
    x = given(call, emit, "indices")
    shape = call.config.ints("shape")
    found = []
    rest = x
    for length in shape[::-1] if x.rank == 1 else shape:
        whole = number_like(emit, length, x)
        found.append(emit.op("mod", rest, whole))
        rest = emit.op("floor_divide", rest, whole)
    return found[::-1]


LIKE: dict[str, Lower] = {
    "ZerosLike": _like(0),
    "EmptyLike": _like(0),
    "OnesLike": _like(1),
    "Size": size,
    "Isreal": isreal,
    "Vander": vander,
}
