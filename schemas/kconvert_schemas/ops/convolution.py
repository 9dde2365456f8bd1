"""Convolution over 1, 2 or 3 spatial axes."""

from __future__ import annotations

from ..dtypes import FLOATS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, one_dtype, require_rank
from .windows import LAYOUT, PADDING, arranged, extents, per_axis, spatial, transposed_count, window_count


def _conv(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype([types.x, types.kernel], FLOATS)
    sizes, channels = spatial(types.x, attrs["data_format"])
    require_rank(types.kernel, len(sizes) + 2, "kernel")
    *windows, per_group, filters = types.kernel.shape
    groups = attrs["groups"]
    strides, dilations = (per_axis(attrs, name, len(sizes)) for name in ("strides", "dilation_rate"))
    if channels is not None and per_group is not None and channels != per_group * groups:
        raise OpError(f"kernel takes {per_group} channels in each of {groups} groups, x has {channels}")
    if filters is not None and filters % groups:
        raise OpError(f"{filters} filters do not divide into {groups} groups")
    steps = zip(sizes, extents(tuple(windows), dilations), strides, strict=True)
    lengths = tuple(window_count(n, w, s, attrs["padding"]) for n, w, s in steps)
    return TensorType(arranged(types.x.shape[0], lengths, filters, attrs["data_format"]), dtype)


def _conv_transpose(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype([types.x, types.kernel], FLOATS)
    sizes, channels = spatial(types.x, attrs["data_format"])
    require_rank(types.kernel, len(sizes) + 2, "kernel")
    *windows, filters, depth = types.kernel.shape
    strides, dilations = (per_axis(attrs, name, len(sizes)) for name in ("strides", "dilation_rate"))
    outside: list[int | None] = [None] * len(sizes)
    if attrs["output_padding"] is not None:
        outside = [*per_axis(attrs, "output_padding", len(sizes))]
    if channels is not None and depth is not None and channels != depth:
        raise OpError(f"kernel takes {depth} channels, x has {channels}")
    steps = zip(sizes, extents(tuple(windows), dilations), strides, outside, strict=True)
    lengths = tuple(transposed_count(n, w, s, attrs["padding"], out)[0] for n, w, s, out in steps)
    return TensorType(arranged(types.x.shape[0], lengths, filters, attrs["data_format"]), dtype)


OPS = (
    OpSpec("conv", ("x", "kernel"), _conv,
           "cross-correlation; kernel (spatial..., channels / groups, filters), filters ordered by group",
           {"strides": Attr("ints", minimum=1), "padding": PADDING, "dilation_rate": Attr("ints", minimum=1),
            "groups": Attr("int", 1, minimum=1), "data_format": LAYOUT},
           differentiable=("x", "kernel")),
    OpSpec("conv_transpose", ("x", "kernel"), _conv_transpose,
           "each element spread over a window, as in conv's gradient; kernel (spatial..., filters, channels)",
           {"strides": Attr("ints", minimum=1), "padding": PADDING,
            "output_padding": Attr("ints", None, nullable=True, minimum=0,
                                   doc="elements behind the last window; null: as many as the stride needs"),
            "dilation_rate": Attr("ints", minimum=1), "data_format": LAYOUT},
           differentiable=("x", "kernel")),
)  # fmt: skip
