"""More options of ops whose gradients have more than one way, one line each."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.opset import BUILT_IN
from tests.plugins.op_cases import CASES, OpCase, bools, case, complexes, ids, x


def ties(*shape: int) -> np.ndarray:
    """Numbers far apart, so that a step decides nothing."""
    return (np.random.default_rng(5).permutation(int(np.prod(shape))) / 7 - 1).reshape(shape).astype("float32")


def zeros_in(array: np.ndarray, *places: int) -> np.ndarray:
    array.reshape(-1)[list(places)] = 0
    return array


POINTWISE = ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "negative")
WINDOW = {"strides": [2, 1], "padding": "same", "dilation_rate": [1, 2]}
ODD = {"activation": {"op": "relu", "attrs": {"negative_slope": 0.3}}, "recurrent_activation": "hard_sigmoid"}
NONE = {"activation": None, "recurrent_activation": None}

MORE = [
    *(case(op, complexes(2, 3)) for op in POINTWISE),
    *(case(op, complexes(2, 3), complexes(3)) for op in ("multiply", "divide", "power", "subtract", "matmul")),
    *(case(op, x(2, 1, 4, low=0.2), x(3, 1)) for op in ("add", "power", "maximum", "minimum", "arctan2", "multiply")),
    case("where", bools(3, 1), x(1, 4), x(2, 1, 1)), case("cast", x(3), dtype="complex128"),
    case("cast", complexes(3), dtype="float64"), case("cast", x(3), dtype="float64"),
    case("i0", x(9, low=-6, high=6)), case("relu", x(3, 4), max_value=0.5), case("elu", x(3, 4), alpha=0.3),
    case("celu", x(3, 4), alpha=0.3), case("hard_sigmoid", 4 * x(20), slope=0.2), case("hard_silu", 5 * x(20)),
    case("relu6", 8 * x(20)), case("soft_shrink", x(9), threshold=0.2), case("sparse_plus", 3 * x(20)),
    case("squareplus", x(9), b=0.3), case("sparse_sigmoid", 3 * x(20)), case("sparsemax", 3 * x(3, 7)),
    *(case(op, ties(3, 4), axes=None) for op in ("sum", "mean", "prod", "max", "min")), case("sum", x(3, 4), axes=[]),
    case("prod", zeros_in(x(3, 4), 1, 5, 6), axes=[1]), case("cumprod", zeros_in(x(3, 4), 1, 5, 6), axis=1),
    case("prod", zeros_in(x(2, 3, 4), 1), axes=[0, 2]),
    case("mean", complexes(3, 4), axes=[0]), case("prod", complexes(3, 4), axes=[0]),
    case("cumprod", complexes(3, 4), axis=0), case("cumsum", complexes(3, 4), axis=0),
    case("concatenate", x(3, 4), x(3, 1), axis=1), case("slice", x(5, 6), slices=[[-2, None, -2], [4, 0, -3]]),
    *(case("pad", x(3, 4), pads=[[2, 1], [0, 3]], mode=mode) for mode in ("reflect", "symmetric", "edge", "constant")),
    case("take", x(4, 5, 3), ids(2, 2), axis=-2), case("take", x(4), np.array(-1, "int32")),
    case("take_along_axis", x(1, 5, 2), ids(3, 4, 1) - 3, axis=-2), case("take_along_axis", x(3, 5), ids(1, 2), axis=1),
    case("broadcast_to", x(1, 3, 1), shape=[2, 4, 3, 5]),
    *(case("scatter", ties(3, 4) + 0.05, ids(5, 1), ties(5, 4), reduction=r) for r in ("set", "add", "mul", "max")),
    *(case("scatter", x(3, 4), ids(5, 2), x(5), reduction=r) for r in ("set", "add", "min")),
    case("scatter", zeros_in(x(3), 0, 1), np.array([[0], [0], [1], [2]], "int32"), zeros_in(x(4), 0, 3),
         reduction="mul"),
    case("matmul", x(4), x(4)), case("matmul", x(4), x(2, 4, 3)), case("matmul", x(2, 3, 4), x(4)),
    case("matmul", x(3, 4), x(4, 2)), case("matmul", x(1, 3, 4), x(5, 2, 4, 3)), case("matmul", x(4), x(4, 3)),
    case("einsum", x(3, 3, 2), equation="iij->ij"), case("einsum", x(3, 4), x(5, 3), equation="ab,cd->bc"),
    case("einsum", x(1, 4), x(3, 1), equation="ab,ab->b"), case("einsum", x(3, 3), x(3), equation="ii,i->"),
    case("einsum", x(2, 3), x(3, 4), x(4, 2), equation="ab,bc,cd->ad"), case("einsum", x(2, 3), equation="ab->"),
    case("einsum", complexes(2, 3), complexes(3, 4), equation="ab,bc->ca"),
    case("conv", x(2, 7, 6, 4), x(3, 2, 2, 6), **WINDOW, groups=2), case("conv", x(1, 9, 3), x(4, 1, 6), strides=[3],
         dilation_rate=[2], groups=3), case("conv", x(1, 2, 5), x(2, 2, 3), strides=[4], dilation_rate=[1],
         data_format="channels_first", padding="same"),
    case("conv", x(1, 2, 5), x(1, 5, 3), strides=[1], dilation_rate=[1]),
    case("conv", x(1, 4, 4, 3, 2), x(2, 1, 2, 2, 2), strides=[1, 2, 1], dilation_rate=[2, 1, 1], padding="same"),
    *(case("conv_transpose", x(2, 3, 4, 3), x(w, 2, 5, 3), strides=[s, 1], dilation_rate=[d, 1], padding=p)
      for w, s, d, p in ((1, 3, 1, "valid"), (3, 2, 1, "same"), (3, 1, 2, "valid"), (2, 3, 1, "same"))),
    case("conv_transpose", x(2, 3, 4), x(3, 5, 3), strides=[2], dilation_rate=[1], output_padding=[1],
         data_format="channels_first"),
    *(case(op, ties(2, 5, 7, 2), pool_size=[3, 2], strides=[2, 3], padding=p) for op in ("max_pool", "avg_pool")
      for p in ("same", "valid")),
    *(case(op, ties(1, 2, 5, 4, 3), pool_size=[2, 3, 1], strides=[1, 1, 2], padding="same",
           data_format="channels_first")
      for op in ("max_pool", "avg_pool")),
    *(case("resize", x(1, 4, 5, 2), size=[7, 3], interpolation=i)
      for i in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")),
    *(case("resize", x(1, 2, 6, 5), size=[3, 4], interpolation=i, antialias=True, data_format="channels_first")
      for i in ("bilinear", "bicubic", "lanczos5")),
    case("layer_norm", x(3, 2, 4), x(2, 4), None, axes=[1, -1]), case("layer_norm", x(3, 4), axes=[0]),
    case("batch_norm", x(3, 2, 4), x(2), x(2, low=0.5), x(2), None, axis=-2),
    *(case("simple_rnn", x(2, 4, 3), x(3, 5), x(5, 5), None, bools(2, 4), h, zero_output_for_mask=zero, **options)
      for h, zero, options in ((None, False, {}), (x(2, 5), True, {"activation": "gelu"}),
                               (x(2, 5), False, {"go_backwards": True, "activation": None}))),
    *(case("lstm", x(2, 4, 3), x(3, 20), x(5, 20), x(20), m, x(2, 5), None, **options)
      for m, options in ((bools(2, 4), {"go_backwards": True, **ODD}), (bools(2, 4, 5), {"zero_output_for_mask": True}),
                         (None, NONE), (None, {"activation": "softmax", "recurrent_activation": "softmax"}))),
    *(case("gru", x(2, 4, 3), x(3, 15), x(5, 15), b, m, x(2, 5), reset_after=after, **options)
      for b, m, after, options in ((x(2, 15), bools(2, 4), True, {"go_backwards": True, **ODD}),
                                   (x(15), bools(2, 4, 1), False, {"zero_output_for_mask": True}),
                                   (None, None, False, NONE), (None, bools(2, 4), True, {}))),
    case("fft", complexes(3, 4, 2), axes=[0, 1]), case("fft", complexes(3, 4), axes=[0], inverse=True),
    case("ctc_loss", np.array([[1, 1, 0], [2, 0, 0], [3, 1, 2]]), 2 * x(3, 7, 5), np.array([3, 0, 2]),
         np.array([7, 4, 5]), blank=4),
    case("ctc_loss", np.array([[1, 2], [3, 3]]), x(2, 3, 4), np.array([1, 1]), np.array([1, 3])),
    *(case("qr", x(*shape)) for shape in ((4, 3), (2, 3, 3), (2, 5))), case("qr", x(2, 3, 4), full=True),
    case("complex", x(3, 1), x(4)), case("solve", x(1, 3, 3) + 2 * np.eye(3, dtype="float32"), x(2, 3, 2)),
]  # fmt: skip
LEFT_OUT = {
    "cholesky": "its gradient is for symmetric changes only",
    "scan": "its body is in float32",
    "bincount": "its dtype is an attribute",
}


def smooth_cases() -> list[OpCase]:
    """The lines of every op that differences can check."""
    return [
        case for case in [*CASES, *MORE] if case.op in BUILT_IN.ops and case.op not in LEFT_OUT and _is_smooth(case)
    ]


def _is_smooth(case: OpCase) -> bool:
    rounds = case.op == "cast" and case.attrs["dtype"] == "bfloat16"
    return not rounds and "nan" not in case.attrs
