"""Pooling over 1, 2 or 3 spatial axes."""

from __future__ import annotations

from ..dtypes import FLOATS, INTEGERS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpSpec
from .rules import Attrs, one_dtype
from .windows import LAYOUT, PADDING, arranged, per_axis, spatial, window_count


def _pooled(types: Inputs, attrs: Attrs) -> TensorType:
    sizes, channels = spatial(types.x, attrs["data_format"])
    windows, strides = (per_axis(attrs, name, len(sizes)) for name in ("pool_size", "strides"))
    steps = zip(sizes, windows, strides, strict=True)
    lengths = tuple(window_count(n, w, s, attrs["padding"]) for n, w, s in steps)
    return TensorType(arranged(types.x.shape[0], lengths, channels, attrs["data_format"]), types.x.dtype)


def _pooling(name: str, doc: str, allowed: tuple[str, ...]) -> OpSpec:
    def rule(types: Inputs, attrs: Attrs) -> TensorType:
        one_dtype([types.x], allowed)
        return _pooled(types, attrs)

    attrs = {"pool_size": Attr("ints", minimum=1), "strides": Attr("ints", minimum=1), "padding": PADDING}
    return OpSpec(name, ("x",), rule, doc, {**attrs, "data_format": LAYOUT}, differentiable=("x",))


OPS = (
    _pooling("max_pool", "largest in each window", INTEGERS + FLOATS),
    _pooling("avg_pool", "mean of each window; padding is not counted", FLOATS),
)
