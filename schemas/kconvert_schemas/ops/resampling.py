"""Resampling of images."""

from __future__ import annotations

from ..dims import resolve
from ..dtypes import FLOATS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, one_dtype
from .windows import LAYOUT, arranged, spatial

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")


def _resize(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype([types.x], FLOATS)
    sizes, channels = spatial(types.x, attrs["data_format"])
    size = resolve(attrs["size"], types.shapes)
    if len(size) != len(sizes):
        raise OpError(f"size must have {len(sizes)} entries, got {attrs['size']}")
    if any(n is not None and n < 1 for n in size):
        raise OpError(f"every size must be at least 1, got {attrs['size']}")
    return TensorType(arranged(types.x.shape[0], size, channels, attrs["data_format"]), dtype)


OPS = (
    OpSpec("resize", ("x",), _resize,
           "x with its spatial axes resampled to size; a sample stands for the middle of its pixel",
           {"size": Attr("dims"), "interpolation": Attr("str", "bilinear", INTERPOLATIONS),
            "antialias": Attr("bool", False, doc="widen the filter where an axis shrinks"), "data_format": LAYOUT},
           differentiable=("x",)),
)  # fmt: skip
