"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable

from ..dtypes import COMPLEXES, FLOATS, INTEGERS, NUMERIC
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpSpec
from .rules import Attrs, axis_of, one_dtype, reduced

AXES = {"axes": Attr("ints", None, nullable=True, doc="null: all axes"), "keepdims": Attr("bool", False)}


def _over_axes(allowed: tuple[str, ...]) -> Callable[[Inputs, Attrs], TensorType]:
    def rule(types: Inputs, attrs: Attrs) -> TensorType:
        dtype = one_dtype([types.x], allowed)
        return TensorType(reduced(types.x.shape, attrs["axes"], attrs["keepdims"]), dtype)

    return rule


def _arg(types: Inputs, attrs: Attrs) -> TensorType:
    axis = axis_of(attrs["axis"], len(types.x.shape))
    return TensorType(reduced(types.x.shape, [axis], attrs["keepdims"]), "int32")


def _along(types: Inputs, attrs: Attrs) -> TensorType:
    axis_of(attrs["axis"], len(types.x.shape))
    return types.x


def _reduction(name: str, doc: str, allowed: tuple[str, ...], smooth: bool = True) -> OpSpec:
    return OpSpec(name, ("x",), _over_axes(allowed), doc, AXES, differentiable=("x",) if smooth else ())


def _argument(name: str, doc: str) -> OpSpec:
    return OpSpec(name, ("x",), _arg, doc, {"axis": Attr("int"), "keepdims": Attr("bool", False)})


OPS = (
    _reduction("sum", "sum over axes; 0 for none", NUMERIC),
    _reduction("mean", "arithmetic mean over axes", FLOATS + COMPLEXES),
    _reduction("prod", "product over axes; 1 for none", NUMERIC),
    _reduction("max", "largest over axes", INTEGERS + FLOATS),
    _reduction("min", "smallest over axes", INTEGERS + FLOATS),
    _reduction("any", "whether one holds", ("bool",), smooth=False),
    _reduction("all", "whether all hold", ("bool",), smooth=False),
    _argument("argmax", "index of the first largest along axis; NaN is passed over, -0.0 is less than 0.0"),
    _argument("argmin", "index of the first smallest along axis; NaN is passed over, -0.0 is less than 0.0"),
    OpSpec("cumsum", ("x",), _along, "running sum along axis", {"axis": Attr("int")}, differentiable=("x",)),
    OpSpec("cumprod", ("x",), _along, "running product along axis", {"axis": Attr("int")}, differentiable=("x",)),
)
