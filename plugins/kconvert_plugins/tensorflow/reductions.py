"""Functions over axes: sums, norms, order."""

from __future__ import annotations

import math
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_float

from ..operations.operands import documented, number_like
from .binding import Function, axes, axis, dtype, given, operation, plain, register_functions, value, whole
from .extents import known, product

REDUCED = ("input_tensor", "axis", "keepdims", "keep_dims", "reduction_indices")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the functions over axes."""
    register_functions(register, FUNCTIONS)


def _keeps(call: LayerCall) -> bool:
    return bool(value(call, "keepdims", value(call, "keep_dims", False)))


def _over(call: LayerCall, x: Symbol) -> dict[str, Any]:
    return {"axis": axes(call, x.rank, "axis", "reduction_indices"), "keepdims": _keeps(call)}


def _reduce(name: str, dtypes: str = "") -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "input_tensor")
        if dtypes == "floats" and not is_float(x.dtype):
            raise Unsupported(f"it takes the mean of {x.type}, which TensorFlow cuts to whole numbers")
        y = operation(emit, name, x, **_over(call, x))
        return emit.cast(y, x.dtype)

    return REDUCED, documented(lower, f"As `keras.ops` {name}, in the dtype of the tensor.")


def prod(call: LayerCall, emit: Emitter) -> Symbol:
    """The product; that of sizes is a size."""
    x = given(call, emit, "input_tensor")
    y = operation(emit, "Prod", x, **_over(call, x))
    sizes = known(x)
    whole_vector = isinstance(sizes, tuple) and x.rank == 1 and not _keeps(call)
    return emit.cast(y, x.dtype).with_sizes(product(sizes) if whole_vector else None)


def euclidean(call: LayerCall, emit: Emitter) -> Symbol:
    """sqrt(sum(x^2))."""
    x = given(call, emit, "input_tensor")
    over = axes(call, x.rank, "axis")
    return emit.op("sqrt", emit.op("sum", emit.op("multiply", x, x), axes=over, keepdims=_keeps(call)))


def norm(call: LayerCall, emit: Emitter) -> Symbol:
    """The norm of vectors, by default over all elements."""
    x = given(call, emit, "tensor")
    order, over = value(call, "ord", "euclidean"), axes(call, x.rank, "axis")
    if order == "fro" and over is not None and len(over) == 1:
        raise Unsupported("its ord 'fro' is for matrices, it has one axis")
    if order in ("euclidean", "fro", 2, 2.0) and (order not in (2, 2.0) or over is None or len(over) == 1):
        return emit.op("sqrt", emit.op("sum", emit.op("multiply", x, x), axes=over, keepdims=_keeps(call)))
    if (over is not None and len(over) != 1) or isinstance(order, str):
        raise Unsupported(f"its ord {order!r:.40} is converted for vectors only")
    size = emit.op("abs", x)
    if order in (1, 1.0):
        return emit.op("sum", size, axes=over, keepdims=_keeps(call))
    if math.isinf(order):
        return emit.op("max", size, axes=over, keepdims=_keeps(call))
    power = number_like(emit, float(order), x)
    total = emit.op("sum", emit.op("power", size, power), axes=over, keepdims=_keeps(call))
    return emit.op("power", total, emit.op("divide", number_like(emit, 1, x), power))


def _place(op: str) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "input")
        along = value(call, "axis", value(call, "dimension", 0))
        y = emit.op(op, x, axis=int(plain(along)) % x.rank)
        return emit.cast(y, dtype(call, "output_type", "int64"))

    return ("input", "axis", "output_type", "dimension"), documented(
        lower, f"The op `{op}` along an axis, by default 0."
    )


def count_nonzero(call: LayerCall, emit: Emitter) -> Symbol:
    """How many elements are not 0."""
    x = given(call, emit, "input")
    some = emit.cast(emit.cast(x, "bool"), dtype(call, "dtype", "int64"))
    return emit.op("sum", some, axes=axes(call, x.rank, "axis"), keepdims=_keeps(call))


def l2_loss(call: LayerCall, emit: Emitter) -> Symbol:
    """Half the sum of squares."""
    x = given(call, emit, "t")
    return emit.op("divide", emit.op("sum", emit.op("multiply", x, x)), number_like(emit, 2, x))


def _falling(call: LayerCall) -> bool:
    direction = str(value(call, "direction", "ASCENDING")).upper()
    if direction not in ("ASCENDING", "DESCENDING"):
        raise Unsupported(f"its direction {direction!r:.40} is not known")
    return direction == "DESCENDING"


def sort(call: LayerCall, emit: Emitter) -> Symbol:
    """The elements in order along an axis."""
    x = given(call, emit, "values")
    along = axis(call, x.rank)
    order = emit.op("argsort", x, axis=along, descending=_falling(call))
    return emit.op("take_along_axis", x, order, axis=along)


def argsort(call: LayerCall, emit: Emitter) -> Symbol:
    """The places of the elements in order along an axis."""
    x = given(call, emit, "values")
    return emit.op("argsort", x, axis=axis(call, x.rank), descending=_falling(call))


def top_k(call: LayerCall, emit: Emitter) -> Any:
    """The k largest along the last axis in falling order, and their places."""
    x = given(call, emit, "input")
    return operation(emit, "TopK", x, k=whole(call, "k", 1), sorted=value(call, "sorted", True) is not False)


def in_top_k(call: LayerCall, emit: Emitter) -> Symbol:
    """Whether the target is among the k largest predictions."""
    targets, predictions = given(call, emit, "targets"), given(call, emit, "predictions")
    return operation(emit, "InTopK", targets, predictions, k=whole(call, "k"))


def _running(op: str, start: int) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "x")
        along = axis(call, x.rank, default=0)
        y = emit.op("flip", x, axes=[along]) if value(call, "reverse", False) else x
        if value(call, "exclusive", False):
            pads = [[1, 0] if i == along else [0, 0] for i in range(x.rank)]
            slices: list[Any] = [[None, -1, None] if i == along else None for i in range(x.rank)]
            y = emit.op("slice", emit.op("pad", y, pads=pads, value=start), slices=slices)
        y = emit.op(op, y, axis=along)
        return emit.op("flip", y, axes=[along]) if value(call, "reverse", False) else y

    return ("x", "axis", "exclusive", "reverse"), documented(lower, f"The op `{op}` along an axis, by default 0.")


FUNCTIONS: dict[str, Function] = {
    "reduce_sum": _reduce("Sum"),
    "reduce_mean": _reduce("Mean", "floats"),
    "reduce_max": _reduce("Max"),
    "reduce_min": _reduce("Min"),
    "reduce_any": _reduce("Any"),
    "reduce_all": _reduce("All"),
    "reduce_std": _reduce("Std", "floats"),
    "reduce_variance": _reduce("Var", "floats"),
    "reduce_logsumexp": _reduce("Logsumexp", "floats"),
    "reduce_prod": (REDUCED, prod),
    "reduce_euclidean_norm": (REDUCED, euclidean),
    "norm": (("tensor", "ord", "axis", "keepdims", "keep_dims"), norm),
    "argmax": _place("argmax"),
    "argmin": _place("argmin"),
    "count_nonzero": (("input", "axis", "keepdims", "dtype"), count_nonzero),
    "l2_loss": (("t",), l2_loss),
    "sort": (("values", "axis", "direction"), sort),
    "argsort": (("values", "axis", "direction", "stable"), argsort),
    "top_k": (("input", "k", "sorted"), top_k),
    "in_top_k": (("predictions", "targets", "k"), in_top_k),
    "cumsum": _running("cumsum", 0),
    "cumprod": _running("cumprod", 1),
}
