"""Convolution and pooling over 1, 2 or 3 spatial axes."""

from __future__ import annotations

from collections.abc import Callable

from ..dims import Shape
from ..dtypes import FLOATS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, one_dtype, require_rank

LAYOUT = Attr("str", "channels_last", ("channels_last", "channels_first"))
PADDING = Attr("str", "valid", ("valid", "same"), doc="same: as TensorFlow, the odd element after")


def window_size(size: int | None, window: int, stride: int, padding: str) -> int | None:
    """Return the number of windows along an axis: TensorFlow's rule for valid and same padding."""
    if size is None:
        return None
    length = -(-size // stride) if padding == "same" else (size - window) // stride + 1
    if length < 0 or (padding == "valid" and size < window):
        raise OpError(f"a window of {window} does not fit into {size} elements")
    return length


def spatial(x: TensorType, data_format: str) -> tuple[Shape, int | None]:
    """Return the spatial sizes and the channel count of `x`."""
    if len(x.shape) < 3:
        raise OpError(f"x must have batch, channel and spatial axes, got {x}")
    if data_format == "channels_last":
        return x.shape[1:-1], x.shape[-1]
    return x.shape[2:], x.shape[1]


def arranged(batch: int | None, sizes: Shape, channels: int | None, data_format: str) -> Shape:
    """Put batch, spatial sizes and channels in the order of `data_format`."""
    return (batch, *sizes, channels) if data_format == "channels_last" else (batch, channels, *sizes)


def per_axis(attrs: Attrs, name: str, rank: int) -> list[int]:
    """Return attribute `name`, checked to have one entry for each spatial axis."""
    values: list[int] = list(attrs[name])
    if len(values) != rank:
        raise OpError(f"{name} must have {rank} entries, got {values}")
    return values


def _conv(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype([types.x, types.kernel], FLOATS)
    sizes, channels = spatial(types.x, attrs["data_format"])
    rank = len(sizes)
    require_rank(types.kernel, rank + 2, "kernel")
    *windows, per_group, filters = types.kernel.shape
    groups, strides, dilations = attrs["groups"], *(per_axis(attrs, n, rank) for n in ("strides", "dilation_rate"))
    if None not in (channels, per_group) and channels != per_group * groups:
        raise OpError(f"kernel takes {per_group} channels in each of {groups} groups, x has {channels}")
    if filters is not None and filters % groups:
        raise OpError(f"{filters} filters do not divide into {groups} groups")
    extents = [((w or 1) - 1) * d + 1 for w, d in zip(windows, dilations, strict=True)]
    steps = zip(sizes, extents, strides, strict=True)
    lengths = tuple(window_size(n, w, s, attrs["padding"]) for n, w, s in steps)
    return TensorType(arranged(types.x.shape[0], lengths, filters, attrs["data_format"]), dtype)


def _pool(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x])
    sizes, channels = spatial(types.x, attrs["data_format"])
    windows, strides = (per_axis(attrs, name, len(sizes)) for name in ("pool_size", "strides"))
    steps = zip(sizes, windows, strides, strict=True)
    lengths = tuple(window_size(n, w, s, attrs["padding"]) for n, w, s in steps)
    return TensorType(arranged(types.x.shape[0], lengths, channels, attrs["data_format"]), types.x.dtype)


def _pooling(name: str, doc: str, rule: Callable[[Inputs, Attrs], TensorType]) -> OpSpec:
    attrs = {"pool_size": Attr("ints", minimum=1), "strides": Attr("ints", minimum=1), "padding": PADDING}
    return OpSpec(name, ("x",), rule, doc, {**attrs, "data_format": LAYOUT}, differentiable=("x",))


OPS = (
    OpSpec("conv", ("x", "kernel"), _conv,
           "cross-correlation; kernel (spatial..., channels / groups, filters), filters ordered by group",
           {"strides": Attr("ints", minimum=1), "padding": PADDING, "dilation_rate": Attr("ints", minimum=1),
            "groups": Attr("int", 1, minimum=1), "data_format": LAYOUT},
           differentiable=("x", "kernel")),
    _pooling("max_pool", "largest in each window", _pool),
    _pooling("avg_pool", "mean of each window; padding is not counted", _pool),
)  # fmt: skip
