"""Ops whose indices are data: order, gather, scatter, search."""

from __future__ import annotations

from ..dtypes import FLOATS, INTEGERS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, axis_of, broadcast, one_dtype, require_rank, require_shape

REDUCTIONS = ("set", "add", "mul", "max", "min")


def _argsort(types: Inputs, attrs: Attrs) -> TensorType:
    axis_of(attrs["axis"], len(types.x.shape))
    return TensorType(types.x.shape, "int32")


def _take_along_axis(types: Inputs, attrs: Attrs) -> TensorType:
    x, indices = types.x, types.indices
    one_dtype([indices], INTEGERS)
    require_rank(indices, len(x.shape), "indices")
    axis = axis_of(attrs["axis"], len(x.shape))
    cut = [(*shape[:axis], 1, *shape[axis + 1 :]) for shape in (x.shape, indices.shape)]
    shape = broadcast(cut)
    return TensorType((*shape[:axis], indices.shape[axis], *shape[axis + 1 :]), x.dtype)


def _scatter(types: Inputs, attrs: Attrs) -> TensorType:
    x, indices, updates = types.x, types.indices, types.updates
    one_dtype([indices], INTEGERS)
    one_dtype([x, updates])
    depth = indices.shape[-1] if indices.shape else None
    if depth is None or depth > len(x.shape):
        raise OpError(f"the last axis of indices must name up to {len(x.shape)} axes, got {indices}")
    require_shape(updates, (*indices.shape[:-1], *x.shape[depth:]), "updates")
    return x


def _searchsorted(types: Inputs, attrs: Attrs) -> TensorType:
    require_rank(types.sorted, 1, "sorted")
    one_dtype([types.sorted, types.x], INTEGERS + FLOATS)
    return TensorType(types.x.shape, "int32")


def _argwhere(types: Inputs, attrs: Attrs) -> TensorType:
    return TensorType((None, len(types.x.shape)), "int32")


def _unique(types: Inputs, attrs: Attrs) -> tuple[TensorType, ...]:
    one_dtype([types.x], INTEGERS + FLOATS)
    if not types.x.shape:
        raise OpError(f"takes no scalars, got {types.x}")
    found = TensorType((None,), "int32")
    return TensorType((None, *types.x.shape[1:]), types.x.dtype), found, TensorType(types.x.shape[:1], "int32"), found


def _ctc_loss(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.labels, types.label_length, types.logit_length], INTEGERS)
    dtype = one_dtype([types.logits], FLOATS)
    require_rank(types.labels, 2, "labels")
    require_rank(types.logits, 3, "logits")
    batch = types.logits.shape[0]
    for name, size in (("label_length", types.label_length), ("logit_length", types.logit_length)):
        require_shape(size, (batch,), name)
    return TensorType((batch,), dtype)


OPS = (
    OpSpec("argsort", ("x",), _argsort, "indices that sort x along axis; equal elements keep their order",
           {"axis": Attr("int", -1), "descending": Attr("bool", False)}),
    OpSpec("take_along_axis", ("x", "indices"), _take_along_axis,
           "x at indices along axis, both broadcast along the others; negative ones count from the end, "
           "indices outside are an error",
           {"axis": Attr("int")}, differentiable=("x",)),
    OpSpec("scatter", ("x", "indices", "updates"), _scatter,
           "x with x[index] replaced by its update (the last of several) or combined with all, for each row of "
           "indices; those outside are an error",
           {"reduction": Attr("str", "set", REDUCTIONS)}, differentiable=("x", "updates")),
    OpSpec("searchsorted", ("sorted", "x"), _searchsorted,
           "how many of sorted are less than x (left), or not more (right)",
           {"side": Attr("str", "left", ("left", "right"))}),
    OpSpec("argwhere", ("x",), _argwhere, "the indices of each element that is not 0 (not false), in C order"),
    OpSpec("unique", ("x",), _unique,
           "the different rows of x, the place where each first stands, which of them each row of x is, and how often "
           "each stands; NaN differs from NaN, and is an error where they are sorted",
           {"sorted": Attr("bool", True, doc="rising, compared element by element; else as they first stand in x")},
           ("values", "places", "inverse", "counts")),
    OpSpec("ctc_loss", ("labels", "logits", "label_length", "logit_length"), _ctc_loss,
           "-log of the probability that softmax(logits) (batch, time, classes) spell the labels (batch, places), with "
           "blanks between and repeats anywhere; an error where that is impossible",
           {"blank": Attr("int", 0, minimum=0, doc="the class that spells nothing")},
           differentiable=("logits",)),
)  # fmt: skip
