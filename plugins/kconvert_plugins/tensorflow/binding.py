"""How functions of TensorFlow are registered and read: their arguments by name, numbers in the dtype of the tensors.

Keras 2 writes a call of a TensorFlow function as a layer. Such a layer casts nothing, and its outputs carry no mask.
TensorFlow promotes nothing: tensors have one dtype, and Python's numbers take it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported
from kconvert_schemas.dtypes import DTYPES

from ..operations.operands import axes_of, axis_of, documented, tensor

Lower = Callable[[LayerCall, Emitter], Any]
Function = tuple[tuple[str, ...], Lower]

IGNORED = ("name", "validate_indices", "use_cudnn_on_gpu", "validate_shape", "conjugate", "layout", "dispatch")
"""Arguments that do not change the result (`conjugate` for the real numbers that models hold)."""
EMPTY: tuple[Any, ...] = (None, False, "")


def register_functions(register: Register, table: Mapping[str, Function]) -> None:
    """Register functions by the last part of their name, or all of it: 'reshape', 'image.resize'."""
    for name, (arguments, lower) in table.items():
        register(f"tf.{name}", _checked(lower, arguments), arguments=arguments, autocast=False)


def _checked(lower: Lower, arguments: Sequence[str]) -> Lower:
    def run(call: LayerCall, emit: Emitter) -> Any:
        for name, value in call.arguments.items():
            empty = value is None or any(value is nothing for nothing in EMPTY)
            if name not in arguments and name not in IGNORED and not empty:
                raise Unsupported(f"its argument {name!r} is not converted")
        return lower(call, emit)

    return documented(run, lower.__doc__ or "")


def operation(emit: Emitter, name: str, *inputs: Any, **settings: Any) -> Any:
    """Write the operation `keras.ops.<name>` with these inputs and settings."""
    return emit.call(replace(emit.layer, key=f"keras.ops.{name}", config=settings, build_config={}), *inputs)


def value(call: LayerCall, name: str, default: Any = None) -> Any:
    """Return an argument, `default` where it is missing or None."""
    found = call.get(name)
    return default if found is None else found


def given(call: LayerCall, emit: Emitter, name: str) -> Symbol:
    """Return an argument as a tensor; Unsupported when it is missing."""
    found = call.get(name)
    if found is None:
        raise Unsupported(f"its argument {name!r} is missing")
    return tensor(emit, found)


def alike(call: LayerCall, emit: Emitter, *names: str) -> list[Symbol]:
    """Return arguments as tensors of the dtype of those that are computed."""
    values = [call.get(name) for name in names]
    missing = [name for name, found in zip(names, values, strict=True) if found is None]
    if missing:
        raise Unsupported(f"its argument {missing[0]!r} is missing")
    dtypes = {found.dtype for found in values if isinstance(found, Symbol)}
    if len(dtypes) > 1:
        raise Unsupported(f"its tensors have several dtypes ({', '.join(sorted(dtypes))}), which TensorFlow refuses")
    return [tensor(emit, found, next(iter(dtypes), None)) for found in values]


def dtype(call: LayerCall, name: str, default: str) -> str:
    """Return an argument that is a dtype."""
    found = value(call, name, default)
    if not isinstance(found, str) or found not in DTYPES:
        raise Unsupported(f"its {name} {found!r:.40} is not a dtype that is known")
    return found


def number(call: LayerCall, name: str, default: Any) -> Any:
    """Return an argument that must be a number in the file."""
    found = value(call, name, default)
    if not isinstance(found, (int, float)):
        raise Unsupported(f"its {name} must be a number in the file, not {type(found).__name__}")
    return found


def whole(call: LayerCall, name: str, default: Any = None) -> int:
    """Return an argument that must be a whole number in the file."""
    found = value(call, name, default)
    if isinstance(found, Symbol) and isinstance(found.sizes, int):
        found = found.sizes
    if isinstance(found, bool) or not isinstance(found, int):
        raise Unsupported(f"its {name} must be a whole number in the file, not {type(found).__name__}")
    return found


def axes(call: LayerCall, rank: int, *names: str) -> list[int] | None:
    """Return the axes that the first of the arguments `names` that is there lists; None for all."""
    found = next((call.get(name) for name in names if call.get(name) is not None), None)
    return None if found is None else axes_of(plain(found), rank)


def axis(call: LayerCall, rank: int, name: str = "axis", default: int = -1) -> int:
    """Return an axis counted from the front."""
    return axis_of(plain(value(call, name, default)), rank)


def plain(found: Any) -> Any:
    """Return a constant of the file as numbers and lists; tensors stay."""
    return getattr(found, "value", found)


def unary(name: str, doc: str = "", argument: str = "x", **settings: Any) -> Function:
    """A function of one tensor that is the operation `name` of Keras."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        return operation(emit, name, given(call, emit, argument), **settings)

    return (argument,), documented(lower, doc or f"As `keras.ops` {name}.")


def binary(op: str, doc: str = "", first: str = "x", second: str = "y") -> Function:
    """A function of two tensors that is one op."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        return emit.op(op, *alike(call, emit, first, second))

    return (first, second), documented(lower, doc or f"The op `{op}`.")
