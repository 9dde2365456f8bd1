"""keras.ops: results as long as their values say, quantiles, bytes, computed places."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .spec import Case, ids, model, op, x

NUMBERS = ids(3, 4, values=[[3, 1, 3, 0], [7, 1, 1, 5], [3, 1, 3, 0]])
HOLES = x(3, 4, values=[[1, np.nan, 3, 2], [np.nan, np.nan, np.nan, np.nan], [4, 5, -2, 0.5]])
SOME = x(3, 4, values=[[1, np.nan, 3, 2], [np.nan, 7, np.nan, np.nan], [4, 5, -2, 0.5]])
SEGMENTS = ids(6, values=[0, 2, 2, 0, 3, 3])
ROWS = ids(6, values=[0, 0, 1, 1, 1, 3])
DENSE = ids(6, values=[2, 0, 0, 1, 2, 2])
METHODS = ("linear", "lower", "higher", "nearest", "midpoint")
DTYPES = ("uint8", "int16", "uint32", "int64", "float16", "bfloat16", "float32", "float64")


def fractions(function: str, values: Any, keras: Any) -> Any:
    """Quantiles whose fractions are computed, or whose axes are as long as the batch."""
    a, q = keras.Input((4,)), keras.Input(batch_shape=(2,))
    call = getattr(keras.ops, function)
    outputs = [call(a, q, method=method) for method in METHODS]
    outputs += [call(a, q, axis=1), call(a, q, axis=0, keepdims=True), call(a, values, axis=(0, 1), keepdims=True)]
    return keras.Model([a, q], outputs)


def bytes_of(keras: Any) -> Any:
    """Every dtype read as every other."""
    inputs = [keras.Input((8,), dtype=dtype) for dtype in DTYPES]
    return keras.Model(inputs, [keras.ops.view(a, dtype) for a in inputs for dtype in DTYPES])


def tapped(keras: Any) -> Any:
    """Places that are computed."""
    a, start, part = keras.Input(batch_shape=(4, 5)), keras.Input(batch_shape=(2,), dtype="int32"), keras.Input((2,))
    ops = keras.ops
    outputs = [ops.slice(a, start, (2, 3)), ops.slice_update(a, start, part), ops.slice_update(a, (1, 9), part)]
    return keras.Model([a, start, part], outputs)


WORDS = ids(3, 4, values=[[1, 2, 1, 3], [2, 2, 0, 0], [4, 1, 3, 2]])
LENGTHS = ids(3, values=[4, 2, 1])
TIMES = ids(3, values=[9, 5, 1])
SPOKEN = x(3, 9, 5, values=np.repeat(np.random.default_rng(5).normal(size=(3, 5, 5)) * 3, [1, 2, 1, 3, 2], axis=1))

CASES: list[Case] = [
    *(op("ctc_loss", WORDS, x(3, 9, 5, dtype=dtype), LENGTHS, TIMES, mask_index=blank)
      for dtype, blank in (("float32", 0), ("float32", 4), ("float64", 0), ("float16", 0))),
    op("ctc_loss", WORDS, x(3, 9, 5), ids(3, values=[2, 2, 0]), ids(3, values=[9, 3, 1])),
    *(op("ctc_decode", SPOKEN, TIMES, merge_repeated=merge, mask_index=blank) for merge, blank in ((True, 0), (False, 4), (True, -2))),
    *(op(f, NUMBERS) for f in ("nonzero", "where")),
    *(op("unique", NUMBERS, sorted=rising, return_index=True, return_inverse=True, return_counts=True, axis=axis)
      for axis in (None, 0, 1) for rising in (True, False)),
    op("unique", NUMBERS, size=3), op("unique", NUMBERS, size=7, fill_value=9, return_index=True, return_counts=True), op("unique", HOLES, sorted=False),
    op("unique", ids(2, 2, 3, high=2), axis=2), op("unique", ids(2, 2, 3, high=2), axis=1, size=2),
    op("bincount", ids(5, fixed=True)), op("bincount", NUMBERS, minlength=9), op("bincount", ids(4, fixed=True), weights=[0.5, 1.0, 2.0, -1.0]),
    op("argpartition", ids(7, fixed=True), 2), op("argpartition", x(4, 6, low=-9, high=9, fixed=True), 2), op("argpartition", ids(4, 3, fixed=True), 1, axis=0),
    op("argpartition", ids(4, 3, fixed=True), 5, axis=None), op("digitize", x(2, 5), x(3, values=[-1, 0, 1.5], fixed=True)),
    *(op(f, x(6, 3), ids_, sorted=rising) for f in ("segment_sum", "segment_max") for ids_, rising in ((DENSE, False), (ROWS, True))),
    op("segment_max", x(6, 2), SEGMENTS), op("segment_max", ids(6), SEGMENTS),
    *(op("nanmedian", HOLES, axis=axis, keepdims=keep) for axis, keep in ((None, False), (1, True), (0, False), ((0, 1), False))),
    *(op("nanquantile", SOME, [0.3, 0.9], axis=1, method=method) for method in METHODS), op("nanpercentile", HOLES, 37.0), op("nanmedian", ids(3, 4)),
    *(op(f, x(3, 4, dtype="float16"), 0.4, axis=1) for f in ("nanquantile", "quantile")), op("median", x(3, 4), axis=0),
    *(model(f"{f} of computed fractions", partial(fractions, f, share), [x(3, 4), x(2, values=np.array([0.3, 0.8]) * most, fixed=True)])
      for f, most, share in (("quantile", 1, 0.25), ("percentile", 100, 25), ("nanquantile", 1, 0.25), ("nanpercentile", 100, 25))),
    model("every dtype viewed as every other", bytes_of, [x(2, 8, dtype=dtype, low=0, high=120) for dtype in DTYPES]),
    model("slices at computed places", tapped, [x(4, 5), x(2, dtype="int32", values=[1, 2], fixed=True), x(2, 2)]),
    *(op(f, x(2), x(2), num=0) for f in ("linspace", "logspace")), op("logdet", x(2, 2, 2, values=[[[1, 2], [2, 1]], [[2, 1], [1, 3]]])),
    op("einsum", "ji", x(2, 3)), op("einsum", "mij,ijk,...", x(2, 3, 4, fixed=True), x(3, 4, 5, fixed=True), x(2, 2, fixed=True)),
    op("repeat", x(3, 2), [1, 0, 2], axis=0), op("scatter_update", x(4, dtype="float64", fixed=True), [[1], [2]], np.float32([3, 0.5])),
]  # fmt: skip
