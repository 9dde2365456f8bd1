"""Padding, cropping and upsampling: every form of their settings, both layouts, every interpolation."""

from __future__ import annotations

from .spec import layer, x

PADDING = [
    layer("ZeroPadding1D", x(2, 4, 3)),
    layer("ZeroPadding1D", x(2, 4, 3, dynamic=(1,)), padding=(0, 3)),
    layer("ZeroPadding1D", x(2, 3, 4), padding=(2, 1), data_format="channels_first"),
    layer("ZeroPadding2D", x(2, 4, 5, 3)),
    layer("ZeroPadding2D", x(2, 4, 5, 3), padding=(0, 2)),
    layer("ZeroPadding2D", x(2, 4, 5, 3, dynamic=(1, 2)), padding=((1, 0), (2, 3)), dtype="mixed_float16"),
    layer("ZeroPadding2D", x(2, 3, 4, 5), padding=((0, 0), (2, 1)), data_format="channels_first"),
    layer("ZeroPadding2D", x(2, 4, 5, 3, dtype="int32", low=-9, high=9), padding=2),
    layer("ZeroPadding3D", x(1, 2, 3, 4, 2)),
    layer("ZeroPadding3D", x(1, 2, 3, 4, 2), padding=(1, 0, 2), dtype="float64"),
    layer("ZeroPadding3D", x(1, 2, 2, 3, 4), padding=((0, 1), (2, 0), (1, 1)), data_format="channels_first"),
]

CROPPING = [
    layer("Cropping1D", x(2, 6, 3)),
    layer("Cropping1D", x(2, 6, 3, dynamic=(1,)), cropping=(0, 2)),
    layer("Cropping1D", x(2, 6, 3), cropping=(3, 0), dtype="bfloat16"),
    layer("Cropping2D", x(2, 6, 7, 3)),
    layer("Cropping2D", x(2, 6, 7, 3, dynamic=(1, 2)), cropping=((1, 0), (0, 2))),
    layer("Cropping2D", x(2, 6, 7, 3), cropping=(2, 3)),
    layer("Cropping2D", x(2, 3, 6, 7), cropping=((2, 1), (3, 0)), data_format="channels_first"),
    layer("Cropping3D", x(1, 4, 5, 6, 2)),
    layer("Cropping3D", x(1, 4, 5, 6, 2, dynamic=(2,)), cropping=((1, 2), (0, 0), (2, 0))),
    layer("Cropping3D", x(1, 2, 4, 5, 6), cropping=(0, 1, 2), data_format="channels_first"),
]

REPEATING = [
    layer("UpSampling1D", x(2, 4, 3)),
    layer("UpSampling1D", x(2, 4, 3, dynamic=(1,)), size=3),
    layer("UpSampling2D", x(2, 4, 5, 3)),
    layer("UpSampling2D", x(2, 4, 5, 3, dynamic=(1, 2)), size=(1, 3)),
    layer("UpSampling2D", x(2, 3, 4, 5, dynamic=(3,)), size=(2, 3), data_format="channels_first"),
    layer("UpSampling2D", x(2, 4, 5, 3, dtype="uint8", low=0, high=200), size=2),
    layer("UpSampling3D", x(1, 2, 3, 4, 2)),
    layer("UpSampling3D", x(1, 2, 3, 4, 2, dynamic=(1, 3)), size=(1, 3, 2)),
    layer("UpSampling3D", x(1, 2, 2, 3, 4), size=(3, 2, 1), data_format="channels_first", dtype="float16"),
]

INTERPOLATING = [
    *(
        layer("UpSampling2D", x(2, 4, 5, 3), size=(3, 2), interpolation=name)
        for name in ("bilinear", "bicubic", "area")
    ),
    *(layer("UpSampling2D", x(1, 9, 11, 2), size=(2, 5), interpolation=f"lanczos{n}") for n in (3, 5)),
    layer("UpSampling2D", x(2, 4, 5, 3, dynamic=(1, 2)), size=(2, 3), interpolation="bilinear"),
    layer("UpSampling2D", x(2, 3, 4, 5, dynamic=(2,)), interpolation="bicubic", data_format="channels_first"),
    layer("UpSampling2D", x(2, 1, 2, 3), size=4, interpolation="lanczos3"),
    layer("UpSampling2D", x(2, 4, 5, 3), size=1, interpolation="bicubic"),
    layer("UpSampling2D", x(2, 4, 5, 3), interpolation="bilinear", dtype="float64"),
    layer("UpSampling2D", x(2, 4, 5, 3), interpolation="bicubic", dtype="mixed_float16"),
    layer("UpSampling2D", x(2, 4, 5, 3), interpolation="bilinear", dtype="bfloat16"),
    layer("UpSampling2D", x(2, 4, 5, 3, dtype="uint8", low=0, high=256), size=3, interpolation="bicubic"),
    layer("UpSampling2D", x(2, 4, 5, 3, dtype="int32", low=-90, high=90), size=3, interpolation="lanczos5"),
]

CASES = [*PADDING, *CROPPING, *REPEATING, *INTERPOLATING]
