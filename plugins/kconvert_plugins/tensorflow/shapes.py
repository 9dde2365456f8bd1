"""Functions about shapes, and those that take one: reshape, tile, zeros, range."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, Extent, LayerCall, Register, Symbol, Unsupported, hookimpl

from ..bounds import counted
from ..operations.operands import documented, reshaped, sizes, tensor
from .binding import Function, axis, dtype, given, operation, plain, register_functions, value, whole
from .extents import counting, dims, filled, known, product, shape, shape_of, vector


@hookimpl
def register_layers(register: Register) -> None:
    """Register the functions about shapes."""
    register_functions(register, FUNCTIONS)


def shape_(call: LayerCall, emit: Emitter) -> Symbol:
    """The sizes of all axes."""
    return vector(emit, shape_of(given(call, emit, "input")), dtype(call, "out_type", "int32"))


def shape_n(call: LayerCall, emit: Emitter) -> list[Symbol]:
    """The sizes of all axes of several tensors."""
    return [vector(emit, shape_of(x), dtype(call, "out_type", "int32")) for x in call.get("input")]


def size(call: LayerCall, emit: Emitter) -> Symbol:
    """How many elements there are."""
    count = product(shape_of(given(call, emit, "input")))
    return _scalar(emit, count, dtype(call, "out_type", "int32"))


def rank(call: LayerCall, emit: Emitter) -> Symbol:
    """How many axes there are."""
    return _scalar(emit, given(call, emit, "input").rank, "int32")


def _scalar(emit: Emitter, count: Any, kind: str) -> Symbol:
    if isinstance(count, int):
        return emit.constant(count, kind).with_sizes(count)
    return reshaped(emit, vector(emit, [count], kind), []).with_sizes(count)


def reshape(call: LayerCall, emit: Emitter) -> Symbol:
    """The same elements in another shape; one size may be -1."""
    x = given(call, emit, "tensor")
    wanted = shape(call.get("shape"))
    return _reshaped(emit, x, wanted).with_sizes(x.sizes if x.rank == len(wanted) else None)


def _reshaped(emit: Emitter, x: Symbol, wanted: list[int | Extent]) -> Symbol:
    """Reshape; a single open size is what is left over, so that it does not matter where it comes from."""
    opened = [i for i, length in enumerate(wanted) if isinstance(length, Extent)]
    if len(opened) == 1 and -1 not in wanted and 0 not in wanted:
        wanted = [*wanted[: opened[0]], -1, *wanted[opened[0] + 1 :]]
    found, like = dims(wanted, x)
    return emit.op("reshape", x, like, shape=found)


def expand_dims(call: LayerCall, emit: Emitter) -> Symbol:
    """A new axis of size 1."""
    x = given(call, emit, "input")
    place = value(call, "axis", value(call, "dim"))
    return operation(emit, "ExpandDims", x, axis=plain(place))


def squeeze(call: LayerCall, emit: Emitter) -> Symbol:
    """Without axes of size 1: those named, or all."""
    x = given(call, emit, "input")
    places = value(call, "axis", value(call, "squeeze_dims"))
    y = operation(emit, "Squeeze", x, axis=None if places in (None, []) else plain(places))
    return y.with_sizes(known(x)[0] if x.rank == 1 and isinstance(known(x), tuple) else None)


def flatten(call: LayerCall, emit: Emitter) -> Symbol:
    """Every row as a vector."""
    x = given(call, emit, "x")
    return _reshaped(emit, x, [-1, product(shape_of(x)[1:]) or 0])


def transpose(call: LayerCall, emit: Emitter) -> Symbol:
    """The axes in another order, backwards if none is given."""
    order = value(call, "perm")
    return operation(emit, "Transpose", given(call, emit, "a"), axes=None if order is None else list(plain(order)))


def concat(call: LayerCall, emit: Emitter) -> Symbol:
    """Tensors joined along an axis; sizes joined are sizes."""
    found = _tensors(call, emit, "values")
    along = axis(call, found[0].rank, default=0)
    y: Symbol = emit.op("concatenate", *found, axis=along) if len(found) > 1 else found[0].with_mask(None)
    parts = [known(item) for item in call.get("values") or ()] if y.rank == 1 and "int" in y.dtype else [None]
    whole_vectors = all(isinstance(part, tuple) for part in parts)
    return y.with_sizes(tuple(n for part in parts for n in part or ()) if whole_vectors else None)


def stack(call: LayerCall, emit: Emitter) -> Symbol:
    """Tensors joined along a new axis; sizes become a vector of sizes."""
    found = _tensors(call, emit, "values")
    y: Symbol = operation(emit, "Stack", found, axis=plain(value(call, "axis", 0)))
    parts = tuple(known(item) for item in call.get("values") or ())
    return y.with_sizes(parts if y.rank == 1 and "int" in y.dtype else None)


def _tensors(call: LayerCall, emit: Emitter, name: str) -> list[Symbol]:
    found = call.get(name)
    if not isinstance(found, (list, tuple)):
        found = [found]
    kinds = {item.dtype for item in _symbols(found)}
    if len(kinds) > 1:
        raise Unsupported(f"its tensors have several dtypes ({', '.join(sorted(kinds))}), which TensorFlow refuses")
    kind = next(iter(kinds), None)
    return [_tensor(emit, item, kind) for item in found]


def _symbols(found: Any) -> list[Symbol]:
    if isinstance(found, (list, tuple)):
        return [symbol for item in found for symbol in _symbols(item)]
    return [found] if isinstance(found, Symbol) else []


def _tensor(emit: Emitter, item: Any, kind: str | None) -> Symbol:
    """Return a tensor; a list that holds tensors is stacked."""
    if isinstance(item, (list, tuple)) and _symbols(item):
        return operation(emit, "Stack", [_tensor(emit, part, kind) for part in item], axis=0)
    return tensor(emit, item, kind)


def unstack(call: LayerCall, emit: Emitter) -> Any:
    """The entries along an axis."""
    x = given(call, emit, "value")
    count = whole(call, "num") if call.get("num") is not None else None
    found = operation(emit, "Unstack", x, axis=plain(value(call, "axis", 0)), num=count)
    sizes_ = known(x)
    if x.rank == 1 and isinstance(sizes_, tuple):
        return [part.with_sizes(n) for part, n in zip(found, sizes_, strict=True)]
    return found


def split(call: LayerCall, emit: Emitter) -> Any:
    """Pieces along an axis: a number of equal ones, or of given sizes."""
    x = given(call, emit, "value")
    along = axis(call, x.rank, default=0)
    pieces = plain(call.get("num_or_size_splits"))
    if isinstance(pieces, int):
        return operation(emit, "Split", x, indices_or_sections=pieces, axis=along)
    found: list[Any] = list(pieces) if isinstance(pieces, (list, tuple)) else [None]
    if not all(isinstance(n, int) for n in found) or -1 in found[:-1]:
        raise Unsupported("its pieces must be whole numbers in the file")
    cuts = [sum(found[: i + 1]) for i in range(len(found) - 1)]
    length = x.shape[along]
    if found[-1] != -1 and length is not None and sum(found) != length:
        raise Unsupported(f"its pieces {found} do not make up an axis of {length}")
    return operation(emit, "Split", x, indices_or_sections=cuts, axis=along)


def tile(call: LayerCall, emit: Emitter) -> Symbol:
    """x repeated as a whole along each axis."""
    x = given(call, emit, "input")
    counts = shape(call.get("multiples"))
    if len(counts) != x.rank:
        raise Unsupported(f"it has {len(counts)} multiples for {x.rank} axes")
    if all(isinstance(n, int) for n in counts):
        return operation(emit, "Tile", x, repeats=counts)
    return _tiled(emit, x, counts)


def _tiled(emit: Emitter, x: Symbol, counts: list[int | Extent]) -> Symbol:
    """Put an axis in front of each, broadcast it, and join the two."""
    apart = reshaped(emit, x, [part for length in sizes(x) for part in (1, length)])
    lengths = [f"x.{2 * i + 1}" if n is None else n for i, n in enumerate(x.shape)]
    outer, like = dims(counts, None)
    wide: Symbol = emit.op(
        "broadcast_to", apart, like, shape=[part for pair in zip(outer, lengths, strict=True) for part in pair]
    )
    joined = [f"x.{2 * i}*x.{2 * i + 1}" for i in range(x.rank)]
    return reshaped(emit, wide, joined)


def repeat(call: LayerCall, emit: Emitter) -> Symbol:
    """Every entry along an axis several times."""
    x = given(call, emit, "input")
    count = known(call.get("repeats"))
    count = count[0] if isinstance(count, tuple) and len(count) == 1 else count
    if isinstance(count, (int, tuple)):
        return operation(emit, "Repeat", x, repeats=count, axis=plain(call.get("axis")))
    if not isinstance(count, Extent) or call.get("axis") is None:
        raise Unsupported("its repeats must be whole numbers in the file, or the size of an axis")
    along = axis(call, x.rank)
    apart = reshaped(emit, x, [part for i, n in enumerate(sizes(x)) for part in ((n, 1) if i == along else (n,))])
    outer, like = dims([count], None)
    wide = [outer[0] if i == along + 1 else n for i, n in enumerate(sizes(apart))]
    full: Symbol = emit.op("broadcast_to", apart, like, shape=wide)
    shape_ = sizes(full)
    shape_[along : along + 2] = [f"x.{along}*x.{along + 1}"]
    return reshaped(emit, full, shape_)


def broadcast_to(call: LayerCall, emit: Emitter) -> Symbol:
    """x repeated along axes of size 1 to fill a shape."""
    x = given(call, emit, "input")
    found, like = dims(shape(call.get("shape")), x)
    return emit.op("broadcast_to", x, like, shape=found)


def _made(number: int) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        kind = dtype(call, "dtype", "float32")
        return filled(emit, shape(call.get("shape")), bool(number) if kind == "bool" else number, kind)

    return ("shape", "dtype"), documented(lower, f"{number} in a given shape.")


def _like(number: int) -> Function:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x = given(call, emit, "input")
        kind = dtype(call, "dtype", x.dtype)
        item: Any = bool(number) if kind == "bool" else number
        return emit.op("full", x, shape=sizes(x, "like"), value=item, dtype=kind)

    return ("input", "dtype", "optimize"), documented(lower, f"{number} in the shape of a tensor.")


def fill(call: LayerCall, emit: Emitter) -> Symbol:
    """A value in a given shape."""
    item = given(call, emit, "value")
    if item.rank != 0:
        raise Unsupported("its value must be one number")
    found, like = dims(shape(call.get("dims")), None)
    return emit.op("broadcast_to", item, like, shape=found)


def range_(call: LayerCall, emit: Emitter) -> Symbol:
    """start, start + delta, ... below limit; from 0 if only one number is given."""
    start, limit = call.get("start"), call.get("limit")
    start, limit = (0, start) if limit is None else (start, limit)
    step = value(call, "delta", 1)
    kind = dtype(call, "dtype", "float32" if any(isinstance(n, float) for n in (start, limit, step)) else "int32")
    first, last = _number(start), _number(limit)
    if isinstance(last, Extent) and first == 0 and _number(step) == 1:
        return counting(emit, last, kind)
    if isinstance(first, Extent) or isinstance(last, Extent) or not isinstance(_number(step), (int, float)):
        raise Unsupported("it counts to the size of an axis in another way than from 0 by 1")
    step = _number(step)
    count = max(-int(-(last - first) // step), 0)
    return emit.constant([first + i * step for i in range(counted(count))], kind)


def _number(item: Any) -> Any:
    found = item if isinstance(item, (int, float)) else known(item)
    if isinstance(found, tuple) and len(found) == 1:
        found = found[0]
    if not isinstance(found, (int, float, Extent)):
        raise Unsupported("it counts between numbers that are known only when the model runs")
    return found


FUNCTIONS: dict[str, Function] = {
    "shape": (("input", "out_type"), shape_),
    "shape_n": (("input", "out_type"), shape_n),
    "size": (("input", "out_type"), size),
    "rank": (("input",), rank),
    "reshape": (("tensor", "shape"), reshape),
    "expand_dims": (("input", "axis", "dim"), expand_dims),
    "squeeze": (("input", "axis", "squeeze_dims"), squeeze),
    "keras.backend.batch_flatten": (("x",), flatten),
    "transpose": (("a", "perm"), transpose),
    "concat": (("values", "axis"), concat),
    "stack": (("values", "axis"), stack),
    "unstack": (("value", "num", "axis"), unstack),
    "split": (("value", "num_or_size_splits", "axis", "num"), split),
    "tile": (("input", "multiples"), tile),
    "repeat": (("input", "repeats", "axis"), repeat),
    "broadcast_to": (("input", "shape"), broadcast_to),
    "zeros": _made(0),
    "ones": _made(1),
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "fill": (("dims", "value"), fill),
    "range": (("start", "limit", "delta", "dtype"), range_),
}
