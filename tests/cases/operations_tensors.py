"""keras.ops: products, matrices, complex numbers, Fourier transforms and images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import Case, Tensor, ids, model, op, x

DTYPES = ("uint8", "int8", "int32", "int64", "float16", "bfloat16", "float32", "float64")
RNG = np.random.default_rng(2)
SQUARE = RNG.normal(size=(3, 4, 4))
DEFINITE = SQUARE @ SQUARE.transpose(0, 2, 1) + np.eye(4)
square, definite = x(3, 4, 4, values=SQUARE), x(3, 4, 4, values=DEFINITE)
tall, wide = x(2, 5, 3), x(2, 3, 5)
RIGHT, FOUR = x(4, 5, fixed=True), x(4, fixed=True)
COMPLEX = x(2, 3, dtype="complex64", values=[[0, 1 + 2j, -1], [-1j, 2 - 0.5j, 3]])


def products(keras: Any) -> Any:
    """Matrix products of every pair of dtypes."""
    inputs = [keras.Input((3, 4), dtype=dtype) for dtype in DTYPES]
    turned = [keras.ops.transpose(a, (0, 2, 1)) for a in inputs]
    ops = keras.ops
    outputs = [
        f(a, b) for a in inputs for b in turned for f in (ops.matmul, lambda a, b: ops.einsum("bij,bjk->bik", a, b))
    ]
    return keras.Model(inputs, outputs)


def picture(*shape: int, **options: Any) -> Tensor:
    return x(*shape, **{"low": 0.0, "high": 1.0, **options})


CASES: list[Case] = [
    model("matmul and einsum of every pair of dtypes", products, [x(2, 3, 4, dtype=dtype, low=0, high=4) for dtype in DTYPES], tolerance=1e-2),
    op("matmul", x(2, 3, 4), RIGHT), op("matmul", x(2, 3, 4), FOUR), op("matmul", FOUR, x(2, 4, 5)), op("matmul", FOUR, FOUR),
    op("matmul", x(2, 3, 4, dynamic=(1,)), np.ones((4, 2), "float32")), op("matmul", x(2, 3, 4, 5), x(2, 1, 5, 3)), op("matmul", x(2, 4), x(2, 4, 5)),
    op("dot", x(2, 3, 4), x(2, 4, 5)), op("dot", x(2, 4), FOUR), op("dot", ids(2, 3), 2.5), op("dot", ids(2, 3), ids(3, 2, fixed=True)),
    op("inner", x(2, 3, 4), x(5, 4)), op("inner", x(2, 3), 2), op("vdot", x(2, 3), x(3, 2)), op("outer", x(2, 3), ids(4)),
    op("outer", x(2, dtype="bool"), x(3, dtype="bool")), op("kron", x(2, 3), x(4, 2)), op("kron", x(3), ids(2, 2)),
    *(op("tensordot", x(2, 3, 4), x(4, 3, 5, fixed=True), axes=axes) for axes in (0, 1, [[1, 2], [1, 0]], [[-1], [0]])),
    op("tensordot", x(2, 3, 4), x(3, 4, fixed=True), axes=2), op("tensordot", ids(2, 3), x(3, 2, dtype="uint8", low=0, fixed=True), axes=1),
    op("cross", x(2, 3), x(2, 3)), op("cross", x(2, 3), x(3, fixed=True)), op("cross", x(2, 2), x(2, 2)), op("cross", x(2, 2), x(2, 3)),
    op("cross", x(2, 3, 4), x(2, 3, 4), axis=1), op("cross", x(2, 3, 4), x(2, 4, 3), axisa=1, axisb=2, axisc=0),
    *(op("einsum", equation, *tensors) for equation, tensors in (
        ("ij,jk", (x(2, 4), RIGHT)), ("...ij,jk", (x(2, 3, 4), RIGHT)), ("b...j,j...->b...", (x(2, 3, 4), x(4, 3, fixed=True))), ("bij->", (x(2, 3, 4),)),
        ("bij->bji", (x(2, 3, 4, dynamic=(1,)),)), ("i,i->", (FOUR, FOUR)), ("abc,cde->abde", (x(2, 3, 4), x(4, 2, 5, fixed=True))),
        ("bij,bjk,k->bi", (x(2, 3, 4), x(2, 4, 5), x(5, fixed=True))), ("btnh,bsnh->bnts", (x(2, 3, 2, 4), x(2, 5, 2, 4))), ("...i->...", (x(2, 3, 4),)))),
    *(op(f, square) for f in ("det", "inv", "slogdet", "matrix_rank")), op("matrix_rank", definite, tol=3.0), op("logdet", definite),
    op("cholesky", definite), op("cholesky", definite, upper=True), op("cholesky_inverse", x(2, 3, 3, values=np.linalg.cholesky(DEFINITE[:2, :3, :3]))),
    *(op("qr", tensor, mode=mode) for tensor in (tall, wide) for mode in ("reduced", "complete")), op("svd", tall, compute_uv=False),
    op("pinv", tall), op("pinv", wide, rcond=0.3), op("solve", square, x(3, 4, 2)), op("solve", square, x(3, 4)),
    op("solve_triangular", definite, x(3, 4, 2), lower=True), op("solve_triangular", definite, x(3, 4)), op("lstsq", x(5, 3, fixed=True), x(5, 2, fixed=True)),
    op("lstsq", x(5, 3, fixed=True), x(5, fixed=True), rcond=0.3), op("cdist", x(2, 4, 3), x(2, 5, 3)), op("det", x(2, 3, 3, dtype="float64")),
    *(op(f, COMPLEX) for f in ("real", "imag", "conj", "conjugate", "angle", "absolute", "square", "exp", "sqrt", "isreal", "sum", "negative")),
    *(op(f, x(2, 3)) for f in ("real", "imag", "conj", "angle")), op("angle", ids(2, 3)), op("multiply", COMPLEX, COMPLEX), op("add", COMPLEX, 2.0),
    op("matmul", COMPLEX, x(3, 2, fixed=True)), op("view_as_real", COMPLEX), op("nn.polar", x(2, 3), x(2, 3)),
    *(op(f, [x(2, 4, 5), x(2, 4, 5)]) for f in ("fft", "fft2", "ifft2")), op("fft", [x(2, 8, dtype="float64"), x(2, 8, dtype="float64")]),
    *(op("rfft", x(2, 3, 8), fft_length=length) for length in (None, 5, 12)), *(op("irfft", [x(2, 5), x(2, 5)], fft_length=length) for length in (None, 7, 12)),
    op("extract_sequences", x(2, 20), 6, 4), op("extract_sequences", x(2, 3, 9, dtype="int32"), 4, 1),
    *(op("stft", x(2, 40), 12, 5, 16, window=window, center=center) for window, center in (("hann", True), ("hamming", False), (None, True))),
    op("stft", x(2, 40), 11, 5, 15), *(op("istft", [x(2, 5, 9), x(2, 5, 9)], 12, 5, 16, window=window, center=center, length=length)
      for window, center, length in (("hann", True, None), ("hamming", False, 20), (None, True, 20))),
    *(op("image.rgb_to_grayscale", picture(2, 3, 4, 3, dtype=dtype)) for dtype in ("float32", "float16")), op("image.rgb_to_grayscale", ids(2, 3, 4, 3, high=255)),
    op("image.rgb_to_grayscale", picture(2, 3, 4, 5), data_format="channels_first"), op("image.rgb_to_grayscale", picture(2, 3, 4, 1)),
    op("image.rgb_to_hsv", picture(2, 3, 4, 3)), op("image.hsv_to_rgb", picture(2, 3, 4, 3)), op("image.rgb_to_hsv", picture(2, 3, 4, 5), data_format="channels_first"),
    op("image.gaussian_blur", picture(2, 7, 6, 2), (5, 3), (0.7, 2.0)), op("image.gaussian_blur", picture(2, 2, 7, 6), data_format="channels_first"),
    op("image.sobel_edges", picture(2, 7, 6, 2)), op("image.sobel_edges", picture(2, 2, 7, 6), data_format="channels_first"),
    *(op("image.resize", picture(2, 6, 8, 3), size, interpolation=how) for size, how in (
        ((3, 4), "nearest"), ((12, 5), "bilinear"), ((7, 16), "bicubic"), ((3, 5), "lanczos3"), ((6, 8), "area"))),
    op("image.resize", picture(2, 6, 8, 3), (3, 3), antialias=True), op("image.resize", picture(2, 6, 8, 3), (3, 3), crop_to_aspect_ratio=True),
    op("image.resize", picture(2, 6, 8, 3), (9, 9), pad_to_aspect_ratio=True, fill_value=0.5), op("image.resize", picture(2, 3, 6, 8), (9, 5), data_format="channels_first"),
    op("image.resize", picture(2, 6, 8, 3, dtype="float16"), (4, 4)), op("image.resize", ids(2, 6, 8, 3, high=255), (3, 16), interpolation="nearest"),
    op("image.crop_images", picture(2, 6, 8, 3), 1, 2, 1, 0), op("image.crop_images", picture(2, 6, 8, 3), bottom_cropping=1, left_cropping=2, target_height=3, target_width=4),
    op("image.pad_images", picture(2, 6, 8, 3), 1, 2, 3, 0), op("image.pad_images", picture(2, 3, 6, 8), top_padding=1, right_padding=2, target_height=9, target_width=12, data_format="channels_first"),
    op("image.extract_patches", picture(2, 6, 8, 3), 2), op("image.extract_patches", picture(2, 6, 8, 3), (3, 2), strides=(2, 1), padding="same"),
    op("image.extract_patches", picture(2, 3, 6, 8), 2, strides=1, dilation_rate=2, data_format="channels_first"),
    model("one image without a batch", lambda keras: (lambda a: keras.Model(a, [
        keras.ops.image.resize(a[0], (3, 5)), keras.ops.image.rgb_to_grayscale(a[1]), keras.ops.image.pad_images(a[1], 1, 1, 1, 1)]))(keras.Input((6, 8, 3))),
        picture(2, 6, 8, 3), tolerance=1e-5),
]  # fmt: skip
