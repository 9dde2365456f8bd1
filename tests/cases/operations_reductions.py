"""keras.ops: sums, means, extremes, counts, order, differences and segments."""

from __future__ import annotations

import numpy as np

from .spec import Case, Tensor, ids, op, x

PLAIN = x(2, 3, 4)
OPEN = x(2, 3, 4, dynamic=(1,))
HOLES = x(2, 4, values=[[np.nan, 1.0, -2.0, np.inf], [np.nan, np.nan, 0.0, -0.0]])
EMPTY = x(2, 3, values=[[np.nan, np.nan, np.nan], [1.0, np.nan, 3.0]])
TIES = x(3, 4, values=[[3.0, 1.0, 3.0, 1.0], [0.0, -0.0, 0.0, -0.0], [-np.inf, np.inf, 2.0, 2.0]])
REDUCE = ("sum", "mean", "max", "min", "prod", "var", "std")
NAN = ("nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanvar", "nanstd", "nanargmax", "nanargmin")
SMALL = ("bool", "uint8", "int8", "int32", "int64", "float16", "bfloat16", "float64")


def of(dtype: str) -> Tensor:
    return x(2, 3, 4, dtype=dtype, low=0, high=5)


CASES: list[Case] = [
    *(op(f, tensor, axis=axis, keepdims=keepdims) for f in REDUCE for tensor, axis, keepdims in (
        (PLAIN, None, False), (PLAIN, 1, True), (OPEN, (1, -1), False), (OPEN, -1, True), (PLAIN, (0, 2), False))),
    *(op(f, of(dtype), axis=1) for f in REDUCE for dtype in SMALL if (f, dtype) != ("var", "bool")),
    *(op(f, of(dtype), axis=-1) for f in ("any", "all", "count_nonzero", "ptp") for dtype in ("float32", "int32")),
    op("any", x(2, 3, dtype="bool"), axis=1, keepdims=True), op("all", of("float16"), axis=(1, 2)), op("any", OPEN),
    op("amax", PLAIN, axis=1), op("amin", PLAIN, axis=-1, keepdims=True), op("max", x(2, 3, dtype="bool"), axis=1),
    op("max", PLAIN, axis=1, initial=0.5), op("min", ids(2, 3), axis=1, initial=2), op("min", x(2, 3, dtype="bool"), axis=1),
    op("max", x(2, 3, dtype="bool"), axis=1, initial=True), op("sum", PLAIN, axis=()), op("mean", HOLES, axis=1),
    op("prod", ids(2, 3), axis=1, dtype="float32"), op("max", HOLES, axis=1), op("min", HOLES, axis=-1),
    *(op(f, tensor, axis=axis, keepdims=keepdims) for f in ("argmax", "argmin") for tensor, axis, keepdims in (
        (PLAIN, None, False), (PLAIN, None, True), (OPEN, 1, True), (TIES, -1, False), (HOLES, 1, False), (ids(2, 3), 1, False))),
    *(op(f, tensor, axis=axis) for f in ("cumsum", "cumprod") for tensor, axis in (
        (PLAIN, None), (OPEN, 1), (PLAIN, -1), (x(2, 3, dtype="bool"), 1), (x(2, 3, dtype="int8"), 0))),
    op("cumsum", ids(2, 3), axis=1, dtype="float16"), op("cumprod", x(2, 3, dtype="float64"), axis=1, dtype="float32"),
    *(op(f, HOLES, axis=axis, keepdims=keepdims) for f in NAN for axis, keepdims in ((1, False), (0, True), (None, False))),
    *(op(f, tensor, axis=-1) for f in NAN for tensor in (EMPTY, ids(2, 3), x(2, 3, dtype="float16"))),
    *(op(f, HOLES, axis=axis) for f in ("nancumsum", "nancumprod") for axis in (None, 1)),
    op("average", PLAIN, axis=1), op("average", ids(2, 3)), op("average", PLAIN, axis=-1, weights=np.array([0.5, 1.0, 2.0, 0.25])),
    op("average", PLAIN, axis=1, weights=x(2, 3, 4, low=0.1)), op("average", ids(2, 3), axis=1, weights=np.array([1, 2, 3])),
    op("average", PLAIN, weights=x(2, 3, 4, low=0.1)),
    *(op("logsumexp", tensor, axis=axis, keepdims=keepdims) for tensor, axis, keepdims in (
        (PLAIN, None, False), (OPEN, 1, True), (PLAIN, (1, 2), False), (TIES, 1, False), (x(2, 3, dtype="float16"), 1, False))),
    *(op("norm", PLAIN, ord=order, axis=axis, keepdims=keepdims) for order, axis, keepdims in (
        (None, None, False), (None, 1, True), (2, -1, False), (1, 1, False), (3, 1, True), (0, 1, False), (-1.5, 1, False),
        (float("inf"), 2, False), (-float("inf"), 2, True), ("fro", (1, 2), False), (1, (1, 2), True), (-1, (2, 1), False),
        (float("inf"), (1, 2), False), (-float("inf"), (2, 1), True), ("nuc", (1, 2), False), (2, (1, 2), True),
        (-2, (-2, -1), True), (None, (0, 1), False)) if axis is not None),
    op("norm", x(2, 3), ord="fro"), op("norm", ids(2, 3), axis=1), op("norm", x(3)),
    *(op(f, tensor, axis=axis) for f in ("sort", "argsort") for tensor, axis in (
        (PLAIN, -1), (OPEN, 1), (PLAIN, None), (TIES, 1), (x(2, 5, dtype="bool"), 1), (x(2, 5, dtype="uint8", low=0), 1))),
    *(op("top_k", tensor, k) for tensor, k in ((PLAIN, 2), (TIES, 3), (ids(2, 5), 5), (x(2, 5, dtype="float16"), 1))),
    op("top_k", PLAIN, 1, sorted=False), op("in_top_k", ids(3, high=4), TIES, k=2), op("in_top_k", ids(2, high=5), x(2, 4), k=1),
    *(op("median", PLAIN, axis=axis, keepdims=keepdims) for axis, keepdims in ((1, False), ((1, 2), True), ((2, 1), False))),
    *(op("quantile", PLAIN, q, axis=axis, keepdims=keepdims) for q, axis, keepdims in (
        (0.3, 1, False), ([0.1, 0.5, 0.77], -1, True), (np.array([0.0, 1.0]), (1, 2), False), (0.25, (2, 1), True))),
    op("quantile", PLAIN, 0.3, axis=1, method="lower"), op("quantile", ids(2, 5), 0.6, axis=1), op("median", HOLES, axis=1),
    *(op("percentile", PLAIN, q, axis=-1, method=method) for q, method in (
        (30, "linear"), ([10.0, 50.0], "lower"), (40, "higher"), (62.5, "nearest"), (35.0, "midpoint"))),
    op("searchsorted", np.array([-1.0, 0.0, 0.5, 1.0], "float32"), x(5)), op("searchsorted", np.array([0, 2, 4], "int32"), ids(5), side="right"),
    op("digitize", PLAIN, np.array([-1.0, 0.0, 1.0])), op("digitize", ids(2, 3), np.array([1, 3, 5])), op("digitize", HOLES, np.array([0.0, 1.0])),
    *(op("diff", PLAIN, n, axis) for n, axis in ((0, -1), (1, -1), (2, 1), (1, 0))), op("diff", x(2, 3, dtype="bool")),
    op("trapezoid", PLAIN, dx=0.5), op("trapezoid", PLAIN, [1.0, 2.0, 4.0, 4.5]), op("trapezoid", OPEN, axis=1), op("trapezoid", ids(2, 3)),
    op("corrcoef", x(3, 5)), op("corrcoef", ids(3, 5)),
    *(op("correlate", x(5, fixed=True), np.array([1.0, -2.0, 0.5], "float32"), mode=mode) for mode in ("valid", "same", "full")),
    *(op(f"segment_{f}", x(5, 3), ids(5, high=3), num_segments=4) for f in ("sum", "max", "min", "prod")),
    op("segment_sum", x(4), x(4, dtype="int32", values=[0, -1, 2, 0]), num_segments=3),
]  # fmt: skip
