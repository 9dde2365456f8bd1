"""keras.ops: picking elements, moving them, joining and splitting, and making tensors."""

from __future__ import annotations

import numpy as np

from .spec import Case, Tensor, ids, model, op, x

S = slice
PLAIN = x(2, 5, 4)
OPEN = x(2, 5, 4, dynamic=(1,))
FIXED = x(2, 5, 4, fixed=True)
FLAT = x(5, 3, fixed=True)
KEYS = (
    (S(None), 0), (S(None), -1), (S(None), S(1, 3)), (S(None), S(None, None, -1)), (..., -2),
    (S(None), None), (None, ..., None), (..., S(None, None, 2)), (S(1, None), 2, ..., S(None, -1)),
    (S(None), S(-2, None), None, S(3, 0, -1)), (S(None), S(10, 20)), (S(None), S(4, 1, -2), 1),
    (S(None), S(-100, 100), S(2, 2)), (None, ..., None, -1, None, 0), (S(None, None, -2),), (...,),
)  # fmt: skip


def both(name: str, *args: object, **options: object) -> list[Case]:
    """A function on a tensor whose sizes are known, and on one with an open axis."""
    return [op(name, tensor, *args, **options) for tensor in (PLAIN, OPEN)]


def positive(*shape: int, dtype: str = "float32") -> Tensor:
    return x(*shape, dtype=dtype, low=1, high=4)


CASES: list[Case] = [
    *(case for key in KEYS for case in both("get_item", key)), op("get_item", FIXED, -1), op("get_item", FIXED, (1, 2, 3)),
    op("get_item", FIXED, (0, 1)), op("get_item", x(2, 3, dtype="bool"), (S(None), 1)),
    *(op("take", PLAIN, [1, 0, -1], axis=axis) for axis in (0, 1, -1, None)),
    op("take", PLAIN, 1, axis=1), op("take", OPEN, np.array([[0, 1], [1, -2]]), axis=1),
    op("take", PLAIN, ids(3, 2, high=5), axis=1), op("take", x(6, dtype="bfloat16"), ids(2, 3, high=6)),
    *(op("take_along_axis", PLAIN, ids(2, 3, 4, high=5), axis=axis) for axis in (1, -2)),
    op("take_along_axis", OPEN, np.array([[[0, -1]]]), axis=2), op("take_along_axis", FIXED, np.array([3, -1]), axis=None),
    op("where", x(2, 3, dtype="bool"), x(2, 3), 0), op("where", ids(2, 3, high=2), 1, 2.5),
    op("where", x(2, 3), x(2, 1, dtype="float16"), ids(2, 3)), op("where", x(2, 3, dtype="bool"), True, False),
    op("select", [x(2, 3, dtype="bool"), x(2, 3, dtype="bool")], [x(2, 3), x(2, 3)], default=5),
    op("select", [x(2, 3, dtype="bool")], [ids(2, 3)]),
    op("slice", PLAIN, (0, 1, 2), (-1, 3, 2)), op("slice", x(2, 5), np.array([0, 2]), [2, -1]),
    op("slice_update", PLAIN, [0, 1, 2], x(2, 2, 2)), op("slice_update", OPEN, [0, 0, 1], x(2, 5, 2, dynamic=(1,))),
    op("scatter", ids(4, 2, high=3), x(4), (5, 4)), op("scatter", ids(4, 1, high=5), x(4, 3), (5, 3)),
    op("scatter_update", FLAT, [[1], [3], [0]], x(3, 3, fixed=True)),
    *(op("scatter_update", FLAT, [[1], [3], [1]], x(3, 3, fixed=True), reduction=how) for how in ("add", "max", "min", "mul")),
    op("scatter_update", FLAT, [[1, 2], [3, 0]], np.array([7.0, 8.0], "float32")),
    *(case for shape in ((-1,), (-1, 2, 2), (2, 10, 2)) for case in both("reshape", shape)), *both("ravel"),
    *(case for axes in (None, (0, 2, 1), (-1, 0, 1)) for case in both("transpose", axes)),
    *(case for axes in ((1, 2), (0, -1), (1, 1)) for case in both("swapaxes", *axes)),
    *(case for axes in ((1, 2), ((1, -1), (-1, 1)), (2, 2)) for case in both("moveaxis", *axes)), op("moveaxis", FIXED, 0, 1),
    op("moveaxis", FIXED, (0, -1), (-1, 0)),
    *(case for axis in (0, -1, (1, -2), 2) for case in both("expand_dims", axis)),
    op("squeeze", x(2, 1, 3, 1)), op("squeeze", x(2, 1, 3, 1), 1), op("squeeze", x(2, 1, 3, 1), (1, -1)),
    *(case for axis in (None, 1, (0, -1)) for case in both("flip", axis)), op("fliplr", OPEN), op("flipud", PLAIN),
    *(case for turns in (-1, 0, 1, 2) for case in both("rot90", turns, (1, 2))), op("rot90", x(2, 3), 3),
    op("rot90", x(2, 3), 2),
    *(case for axis in (None, 0, 1, -1) for case in both("repeat", 3, axis=axis)), op("repeat", PLAIN, [1, 0, 2, 3], axis=2),
    op("repeat", PLAIN, [2], axis=1),
    *(case for counts in (2, (1, 2), (2, 1, 3), (2, 1, 1, 1)) for case in both("tile", counts)),
    op("broadcast_to", x(2, 1, 4), (3, 2, 5, 4)), op("broadcast_to", x(2), (4, 2)),
    *(case for shift, axis in ((1, None), (2, 1), (-7, 1), ((1, -2), (1, 2)), (0, 0)) for case in both("roll", shift, axis)),
    *(op("pad", PLAIN, ((0, 0), (1, 2), (3, 0)), mode) for mode in ("constant", "reflect", "symmetric")),
    op("pad", OPEN, ((0, 0), (1, 2), (1, 0)), constant_values=3.5), op("pad", x(4, dtype="bool", fixed=True), (1, 2)),
    op("pad", ids(4, fixed=True), 2, "reflect"),
    *(case for k in (-1, 0, 2) for name in ("tril", "triu") for case in both(name, k)),
    *(op("diagonal", PLAIN, offset, 1, 2) for offset in (-2, 0, 3)), op("diagonal", x(2, 3, 3, 4), 1, -1, 1),
    *(op("trace", x(2, 3, 3, dtype=dtype), 0, 1, 2) for dtype in ("float32", "uint8", "bool")), op("trace", PLAIN, -1, 2, 1),
    *(op("diag", x(3, fixed=True), k) for k in (0, -1, 2)), op("diag", FLAT), op("diagflat", FLAT, 2), op("diagflat", x(3, dtype="bool", fixed=True)),
    *(op("rearrange", FIXED, pattern, **sizes) for pattern, sizes in (
        ("b h w -> b w h", {}), ("b h (w q) -> (b h) w q", {"q": 2}), ("b h w -> b (h w)", {}), ("b h w -> h (b w)", {}))),
    op("rearrange", x(2, 4, 6, 3, fixed=True), "b (h p) (w q) c -> b h w (p q c)", p=2, q=3),
    *(op("concatenate", [PLAIN, x(2, 5, 4), PLAIN], axis=axis) for axis in (0, 1, -1)),
    op("concatenate", [OPEN, x(2, 3, 4, dynamic=(1,))], axis=1), op("concatenate", [ids(2, 3), x(2, 1, dtype="float16")], axis=1),
    op("concatenate", [FLAT, np.ones((1, 3), "float32")], axis=0),
    *(op("stack", [PLAIN, x(2, 5, 4)], axis=axis) for axis in (0, 1, -1)), op("stack", [ids(2, 3), x(2, 3)], axis=1),
    op("hstack", [x(2, 3), ids(2, 1)]), op("vstack", [x(2, 3), x(1, 3)]),
    op("dstack", [x(2, 3), ids(2, 3)]), op("dstack", [x(2, 3, 1), x(2, 3, 2)]), op("dstack", [x(3), x(3)]),
    op("append", x(2, 3), ids(2, 3)), op("append", x(2, 3), ids(2, 1), axis=1),
    op("split", PLAIN, 2, axis=-1), op("split", x(2, 6, 4, dynamic=(1,)), 3, axis=1), op("split", PLAIN, [1, 1, 4], axis=1),
    op("split", OPEN, [2, 3], axis=1), op("hsplit", PLAIN, 5), op("vsplit", PLAIN, 2), op("dsplit", PLAIN, [1]),
    op("array_split", PLAIN, 3, axis=1), op("array_split", PLAIN, 7, axis=2), op("unstack", PLAIN, axis=1),
    op("unstack", OPEN, axis=-1), op("unstack", OPEN, 5, axis=1),
    op("meshgrid", x(2), x(3), x(4)), op("meshgrid", x(2), x(3), indexing="ij"),
    *(op(f"{name}_like", ids(2, 3), dtype=dtype) for name in ("zeros", "ones", "empty") for dtype in (None, "float16", "bool")),
    op("full_like", OPEN, 3.5), op("full_like", ids(2, 3), x(2, 1), dtype="float64"), op("full_like", OPEN, x(4, fixed=True)),
    op("full", (3, 2), x(2)), op("size", OPEN), op("isreal", x(2, 3)), op("isreal", x(2, 3, dtype="complex64")),
    op("linspace", positive(2, 3), 5.0, 4), op("linspace", 0, positive(2, 3), 4, endpoint=False, axis=-1),
    op("linspace", positive(2, 3), positive(3), 1),
    op("linspace", positive(2, dtype="int32"), 5, 4), op("logspace", positive(2, 3), 2.0, 4, base=3, axis=1),
    op("geomspace", positive(2, 3), 90.0, 5), op("geomspace", -9.0, positive(2) , 3, endpoint=False),
    op("vander", x(3), 4), op("vander", x(3), 2, increasing=True), op("vander", ids(3), 3),
    op("unravel_index", ids(3, high=24), (2, 3, 4)), op("unravel_index", ids(2, 3, high=6), (2, 3)),
    model(
        "patches of a picture, as a vision transformer cuts them",
        lambda keras: (lambda a: keras.Model(a, keras.ops.reshape(keras.ops.transpose(
            keras.ops.reshape(a, (-1, 2, 3, 2, 4, 3)), (0, 1, 3, 2, 4, 5)), (-1, 4, 36))))(keras.Input((6, 8, 3))),
        x(2, 6, 8, 3),
    ),
]  # fmt: skip
