"""Ops that move, cut, join or make values without arithmetic."""

from __future__ import annotations

from ..dims import Shape, resolve
from ..dtypes import INTEGERS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, axes_of, axis_of, broadcast, count, one_dtype, require_shape


def _reshape(types: Inputs, attrs: Attrs) -> TensorType:
    shape = resolve(attrs["shape"], types.shapes, size_of="x")
    before, after = count(types.x.shape), count(shape)
    if before is not None and after is not None and before != after:
        raise OpError(f"{before} elements of {types.x} do not fill {shape}")
    return TensorType(shape, types.x.dtype)


def _transpose(types: Inputs, attrs: Attrs) -> TensorType:
    axes = axes_of(attrs["axes"], len(types.x.shape))
    if len(axes) != len(types.x.shape):
        raise OpError(f"axes {list(axes)} do not name every axis of {types.x}")
    return TensorType(tuple(types.x.shape[axis] for axis in axes), types.x.dtype)


def _concatenate(types: Inputs, attrs: Attrs) -> TensorType:
    first = types[0]
    dtype = one_dtype(types.present)
    axis = axis_of(attrs["axis"], len(first.shape))
    shape = list(first.shape)
    for type_ in types.present[1:]:
        require_shape(type_, (*first.shape[:axis], None, *first.shape[axis + 1 :]), "each input")
        for i, size in enumerate(type_.shape):
            if i == axis:
                total = shape[i]
                shape[i] = None if size is None or total is None else total + size
            elif shape[i] is None:
                shape[i] = size
    return TensorType(tuple(shape), dtype)


def slice_length(size: int, start: int | None, stop: int | None, step: int | None) -> int:
    """Number of elements that Python's slice takes of an axis."""
    return len(range(*slice(start, stop, step).indices(size)))


def _slice(types: Inputs, attrs: Attrs) -> TensorType:
    slices = attrs["slices"]
    if len(slices) != len(types.x.shape):
        raise OpError(f"slices must have one entry for each axis of {types.x}, got {len(slices)}")
    shape: list[int | None] = []
    for size, part in zip(types.x.shape, slices, strict=True):
        if part is None:
            shape.append(size)
        elif not _is_slice(part):
            raise OpError(f"a slice is null or [start, stop, step] with a step other than 0, got {part!r:.60}")
        else:
            shape.append(_sliced(size, *part))
    return TensorType(tuple(shape), types.x.dtype)


def _is_slice(part: object) -> bool:
    """Tell whether `part` is [start, stop, step], each a whole number or null."""
    if not isinstance(part, (list, tuple)) or len(part) != 3 or part[2] == 0:
        return False
    return all(n is None or (isinstance(n, int) and not isinstance(n, bool)) for n in part)


def _sliced(size: int | None, start: int | None, stop: int | None, step: int | None) -> int | None:
    if size is not None:
        return slice_length(size, start, stop, step)
    if start in (None, 0) and stop is None and step in (None, 1, -1):
        return None
    return None


def _pad(types: Inputs, attrs: Attrs) -> TensorType:
    if len(attrs["pads"]) != len(types.x.shape):
        raise OpError(f"pads must have one pair for each axis of {types.x}")
    shape = tuple(
        None if size is None else size + before + after
        for size, (before, after) in zip(types.x.shape, attrs["pads"], strict=True)
    )
    return TensorType(shape, types.x.dtype)


def _flip(types: Inputs, attrs: Attrs) -> TensorType:
    axes_of(attrs["axes"], len(types.x.shape))
    return types.x


def _take(types: Inputs, attrs: Attrs) -> TensorType:
    if types.indices.dtype not in INTEGERS:
        raise OpError(f"indices must be integers, got {types.indices.dtype}")
    axis = axis_of(attrs["axis"], len(types.x.shape))
    shape = types.x.shape[:axis] + types.indices.shape + types.x.shape[axis + 1 :]
    return TensorType(shape, types.x.dtype)


def _broadcast_to(types: Inputs, attrs: Attrs) -> TensorType:
    shape = resolve(attrs["shape"], types.shapes)
    if len(shape) < len(types.x.shape):
        raise OpError(f"cannot broadcast {types.x} to the smaller shape {shape}")
    require_shape(TensorType(broadcast([types.x.shape, shape]), ""), shape, "the broadcast result")
    return TensorType(shape, types.x.dtype)


def _full(types: Inputs, attrs: Attrs) -> TensorType:
    return TensorType(resolve(attrs["shape"], types.shapes), attrs["dtype"])


def _constant(types: Inputs, attrs: Attrs) -> TensorType:
    return TensorType(_nested_shape(attrs["value"]), attrs["dtype"])


def _nested_shape(value: object) -> Shape:
    if not isinstance(value, (list, tuple)):
        return ()
    inner = {_nested_shape(item) for item in value}
    if len(inner) > 1:
        raise OpError("value is a ragged list")
    return (len(value), *(inner.pop() if inner else ()))


def _one_hot(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], INTEGERS)
    return TensorType((*types.x.shape, attrs["depth"]), attrs["dtype"])


def _unpack_bits(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], ("int8", "uint8"))
    if attrs["bits"] not in (1, 2, 4):
        raise OpError(f"bits must be 1, 2 or 4, got {attrs['bits']}")
    axis, held, size = axis_of(attrs["axis"], len(types.x.shape)), 8 // attrs["bits"], attrs["size"]
    packed = types.x.shape[axis]
    if packed is not None and not packed * held - held < size <= packed * held:
        raise OpError(f"{size} elements do not fill the {packed} bytes along axis {axis} of {types.x}")
    return TensorType((*types.x.shape[:axis], size, *types.x.shape[axis + 1 :]), types.x.dtype)


OPS = (
    OpSpec("reshape", ("x", "like?"), _reshape, "the same elements, in C order, in another shape",
           {"shape": Attr("dims")}, differentiable=("x",)),
    OpSpec("transpose", ("x",), _transpose, "axis i of y is axis axes[i] of x",
           {"axes": Attr("ints")}, differentiable=("x",)),
    OpSpec("concatenate", ("xs*",), _concatenate, "inputs joined along axis",
           {"axis": Attr("int")}, differentiable=("xs",)),
    OpSpec("slice", ("x",), _slice, "Python's x[start:stop:step] on each axis; null takes all",
           {"slices": Attr("value", doc="for each axis null or [start, stop, step], each an integer or null")},
           differentiable=("x",)),
    OpSpec("pad", ("x",), _pad, "x with pads [before, after] on each axis",
           {"pads": Attr("pairs", minimum=0),
            "mode": Attr("str", "constant", ("constant", "reflect", "symmetric", "edge")),
            "value": Attr("value", 0.0, doc="the constant")},
           differentiable=("x",)),
    OpSpec("flip", ("x",), _flip, "x backwards along axes", {"axes": Attr("ints")}, differentiable=("x",)),
    OpSpec("take", ("x", "indices"), _take,
           "x at indices along axis; negative ones count from the end, indices outside are an error",
           {"axis": Attr("int", 0)}, differentiable=("x",)),
    OpSpec("broadcast_to", ("x", "like?"), _broadcast_to, "x repeated along axes of size 1 to fill shape",
           {"shape": Attr("dims")}, differentiable=("x",)),
    OpSpec("full", ("like?",), _full, "value everywhere", {"shape": Attr("dims"), "value": Attr("value"),
           "dtype": Attr("dtype")}),
    OpSpec("constant", (), _constant, "a number or a nested list of numbers",
           {"value": Attr("value"), "dtype": Attr("dtype")}),
    OpSpec("unpack_bits", ("x",), _unpack_bits,
           "size elements of a few bits each, signed for int8, out of the bytes x along axis; lower bits come first",
           {"bits": Attr("int", doc="1, 2 or 4"), "axis": Attr("int"), "size": Attr("int", minimum=0)}),
    OpSpec("one_hot", ("x",), _one_hot, "1 at position x of a new last axis, 0 elsewhere; all 0 for x outside",
           {"depth": Attr("int", minimum=1), "dtype": Attr("dtype", "float32")}),
)  # fmt: skip
