"""Casts and copies (keras/src/ops/core.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float
from kconvert_schemas.dtypes import round_bfloat16

from .elementwise import MOST
from .operands import dtype_setting, given, number_like, register_table


@hookimpl
def register_layers(register: Register) -> None:
    """Register casts and copies."""
    register_table(
        register,
        ("x",),
        {"Cast": cast, "ConvertToTensor": cast, "Array": cast, "SaturateCast": saturate_cast, "Copy": copy},
    )
    register("keras.ops.StopGradient", stop_gradient, arguments=("variable",))


def cast(call: LayerCall, emit: Emitter) -> Symbol:
    """The values in another dtype; the very tensor where it has that dtype."""
    x = given(call, emit)
    return emit.cast(x, dtype_setting(call, x.dtype))


def copy(call: LayerCall, emit: Emitter) -> Symbol:
    """The same values, as a tensor of its own: without a mask."""
    return call.x.with_mask(None)


def stop_gradient(call: LayerCall, emit: Emitter) -> Symbol:
    """The same values, without a mask; no gradient goes back past them."""
    x = call.x.with_mask(None)
    return emit.op("stop_gradient", x) if is_float(x.dtype) else x


def saturate_cast(call: LayerCall, emit: Emitter) -> Symbol:
    """The values cut to what the other dtype can hold, then cast."""
    x = given(call, emit)
    dtype = dtype_setting(call, x.dtype)
    low, high = limits(x.dtype, dtype)
    y = emit.cast(x, "int32") if x.dtype == "bool" else x
    own = (None, None) if is_float(x.dtype) else _range(x.dtype)
    y = y if high == own[1] else emit.op("minimum", y, number_like(emit, high, y))
    y = y if low == own[0] else emit.op("maximum", y, number_like(emit, low, y))
    return emit.cast(y, dtype)


def limits(source: str, target: str) -> tuple[Any, Any]:
    """Return the range that both dtypes have; for floats as whole numbers, the last float inside it."""
    (low, high), (least, most) = _range(source), _range(target)
    low, high = max(low, least), min(high, most)
    if is_float(target) and not is_float(source) and _rounded(high, target) > high:
        raise Unsupported(
            f"Keras gives wrong numbers for {source} to {target}: use keras.ops.cast, which cannot overflow"
        )
    if is_float(source) and not is_float(target):
        return _towards_0(low, source), _towards_0(high, source)
    return low, high


def _rounded(value: int, dtype: str) -> float:
    if dtype == "bfloat16":
        return float(round_bfloat16(np.array([value], np.float32))[0])
    return float(np.dtype(dtype).type(value))


def _range(dtype: str) -> tuple[Any, Any]:
    if dtype == "bool":
        return 0, 1
    if is_float(dtype):
        return -MOST[dtype], MOST[dtype]
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _towards_0(value: float, dtype: str) -> float:
    """Return `value` as a float of `dtype`, the next one towards 0 where rounding goes beyond it."""
    if dtype == "bfloat16":
        held = round_bfloat16(np.array([value], np.float32))
        if abs(int(held[0])) > abs(int(value)):
            held = (held.view(np.uint32) - np.uint32(0x10000)).view(np.float32)
        return float(held[0])
    near = np.dtype(dtype).type(value)
    return float(np.nextafter(near, near.dtype.type(0)) if abs(int(near)) > abs(int(value)) else near)
