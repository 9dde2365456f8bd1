"""Layers on images: what changes them in training only, and what cuts, resamples and stretches them at any time."""

from __future__ import annotations

from typing import Any

from .spec import HALF, Case, layer, model, x

PICTURE = (2, 6, 7, 3)
COLOURS = x(*PICTURE, low=0, high=255)
BYTES = x(*PICTURE, dtype="uint8", low=0, high=256)
WHOLE = x(*PICTURE, dtype="int32", low=0, high=256)


def picture(*shape: int, **options: Any) -> Any:
    return x(*shape, **{"low": 0, "high": 255, **options})


IN_TRAINING_ONLY = [
    layer("AugMix", BYTES),
    layer("CutMix", COLOURS, factor=0.5),
    layer("MixUp", BYTES),
    layer("RandAugment", COLOURS, num_ops=3, dtype="float16"),
    layer("RandomBrightness", COLOURS, factor=0.3, value_range=(0, 1)),
    layer("RandomColorDegeneration", BYTES, factor=0.4),
    layer("RandomColorJitter", COLOURS, brightness_factor=0.2, hue_factor=0.3, dtype="mixed_bfloat16"),
    layer("RandomContrast", WHOLE, factor=0.4),
    layer("RandomCrop", BYTES, height=3, width=9),
    layer("RandomCrop", COLOURS, height=2, width=4, dtype="float64"),
    layer("RandomElasticTransform", BYTES),
    layer("RandomErasing", COLOURS, factor=0.7),
    layer("RandomFlip", BYTES, mode="horizontal"),
    layer("RandomFlip", picture(6, 7, 3, dtype="float64", fixed=True)),
    layer("RandomGaussianBlur", BYTES, kernel_size=3),
    layer("RandomGrayscale", BYTES),
    layer("RandomHue", COLOURS, factor=0.4),
    layer("RandomInvert", COLOURS),
    layer("RandomPerspective", WHOLE),
    layer("RandomPosterization", COLOURS, factor=4),
    layer("RandomRotation", COLOURS, factor=0.2),
    layer("RandomSaturation", COLOURS, factor=0.4),
    layer("RandomSharpness", BYTES, factor=0.4, dtype="float64"),
    layer("RandomShear", COLOURS, x_factor=0.4, data_format="channels_first"),
    layer("RandomTranslation", picture(2, 6, 7, 3, dynamic=(1, 2)), height_factor=0.4, width_factor=0.1),
    layer("RandomZoom", BYTES, height_factor=0.4, dtype="bfloat16"),
    layer("Solarization", COLOURS, addition_factor=0.4, threshold_factor=0.1),
]

RESIZING = [
    *(
        layer("Resizing", COLOURS, height=4, width=9, interpolation=name)
        for name in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")
    ),
    *(
        layer("Resizing", BYTES, height=9, width=4, interpolation=name, antialias=True)
        for name in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")
    ),
    layer("Resizing", picture(2, 6, 7, 3, dynamic=(1, 2)), height=4, width=9),
    layer("Resizing", WHOLE, height=12, width=14),
    layer("Resizing", BYTES, height=6, width=7),
    layer("Resizing", picture(2, 3, 6, 7), height=4, width=9, data_format="channels_first", dtype="float64"),
    layer("Resizing", picture(6, 7, 3, dtype="int16", fixed=True), height=4, width=9, dtype="mixed_float16"),
    layer("Resizing", COLOURS, height=4, width=9, dtype="bfloat16"),
    layer("Resizing", COLOURS, height=4, width=9, crop_to_aspect_ratio=True),
    layer("Resizing", BYTES, height=9, width=4, crop_to_aspect_ratio=True, interpolation="bicubic"),
    layer("Resizing", COLOURS, height=4, width=9, pad_to_aspect_ratio=True, fill_value=7.5),
    layer("Resizing", BYTES, height=9, width=4, pad_to_aspect_ratio=True, fill_value=3),
    layer("Resizing", picture(2, 3, 6, 7, dtype="float16"), height=9, width=2, pad_to_aspect_ratio=True,
          data_format="channels_first", dtype="float16"),
]  # fmt: skip

CROPPING = [
    layer("CenterCrop", BYTES, height=4, width=4),
    layer("CenterCrop", COLOURS, height=6, width=7, dtype="mixed_float16"),
    layer("CenterCrop", COLOURS, height=9, width=5),
    layer("CenterCrop", BYTES, height=5, width=9, dtype="float64"),
    layer("CenterCrop", picture(6, 7, 3, fixed=True), height=3, width=2),
    layer("CenterCrop", picture(2, 3, 6, 7), height=8, width=8, data_format="channels_first", dtype="float16"),
]

STRETCHING = [
    layer("AutoContrast", COLOURS),
    layer("AutoContrast", BYTES, dtype="float64"),
    layer("AutoContrast", x(*PICTURE), value_range=(2, -2), dtype="mixed_bfloat16"),
    layer("AutoContrast", x(6, 7, 3, low=0, high=1, fixed=True), value_range=(0, 1)),
    layer("AutoContrast", x(2, 1, 1, 3, low=0, high=1), value_range=(0, 1)),
]
EQUALIZE = "ContrastLimitedAdaptiveHistogramEqualization"
EQUALIZING = [
    layer(EQUALIZE, picture(2, 16, 16, 1)),
    layer(EQUALIZE, COLOURS, tile_grid_size=(2, 3), clip_limit=40.0),
    layer(EQUALIZE, COLOURS, tile_grid_size=(3, 3), clip_limit=0.0, dtype="float16"),
    layer(EQUALIZE, x(2, 3, 9, 8, low=0, high=1), tile_grid_size=(2, 3), value_range=(0, 1),
          data_format="channels_first", dtype="float64"),
    layer(EQUALIZE, x(6, 7, 3, low=-1, high=1, fixed=True), tile_grid_size=(1, 2), value_range=(-1, 1)),
]  # fmt: skip


def sample(name: str, **options: Any) -> Case:
    """A layer on a dict of images, labels and segmentation masks."""

    def build(keras: Any) -> Any:
        shapes = {"images": (6, 7, 3), "labels": (4,), "segmentation_masks": (6, 7, 1)}
        data = {key: keras.Input(shape, name=key) for key, shape in shapes.items()}
        return keras.Model(data, getattr(keras.layers, name)(**options)(data))

    shown = "".join(f" {key}={value}" for key, value in options.items())
    tolerance = 1e-2 if options.get("dtype") in HALF else 1e-5
    return model(f"{name} on a sample{shown}", build, [COLOURS, x(2, 4), picture(2, 6, 7, 1)], tolerance=tolerance)


def boxes(name: str, **options: Any) -> Case:
    """A layer on images and their bounding boxes, which leave the model as a list."""

    def build(keras: Any) -> Any:
        inputs = [keras.Input((6, 7, 3)), keras.Input((None, 4)), keras.Input((None,), dtype="int32")]
        data = {"images": inputs[0], "bounding_boxes": {"boxes": inputs[1], "labels": inputs[2]}}
        found = getattr(keras.layers, name)(bounding_box_format="xyxy", **options)(data)
        return keras.Model(
            inputs, [found["images"], found["bounding_boxes"]["boxes"], found["bounding_boxes"]["labels"]]
        )

    inputs = [COLOURS, picture(2, 5, 4), x(2, 5, dtype="int32", low=0, high=9)]
    shown = "".join(f" {key}={value}" for key, value in options.items())
    tolerance = 1e-2 if options.get("dtype") in HALF else 1e-5
    return model(f"{name} on boxes{shown}", build, inputs, tolerance=tolerance)


SAMPLES = [
    sample("CutMix", dtype="float16"),
    sample("RandomFlip", dtype="float64"),
    sample("RandomRotation", factor=0.2, dtype="float16"),
    sample("MixUp"),
    sample("AutoContrast"),
    boxes("MaxNumBoundingBoxes", max_number=3),
    boxes("MaxNumBoundingBoxes", max_number=7, dtype="float16"),
    boxes("RandomZoom", height_factor=0.1, dtype="float16"),
]


def augmented(keras: Any) -> Any:
    """Augmentation in front of a network, in a pipeline within a pipeline; two layers of one class with weights."""
    layers = keras.layers
    images = keras.Input((6, 7, 3), dtype="uint8")
    inner = layers.Pipeline([layers.RandomZoom(0.2), layers.Resizing(5, 5), layers.Rescaling(1 / 127.5, -1)])
    steps = [layers.RandomFlip(), inner, layers.Conv2D(4, 2), layers.Conv2D(3, 2), layers.BatchNormalization()]
    x = layers.Pipeline(steps)(images)
    return keras.Model(images, layers.Dense(2)(layers.Flatten()(x)))


def unbuilt(keras: Any) -> Any:
    """Layers that cannot stand in a functional model by themselves; a Sequential without an input; a sample."""
    layers = keras.layers
    data = {"images": keras.Input((6, 7, 3), name="images")}
    data["segmentation_masks"] = keras.Input((6, 7, 1), name="segmentation_masks")
    steps = [layers.Equalization(), layers.CenterCrop(5, 4), layers.Resizing(4, 6, dtype="float64")]
    return keras.Model(data, layers.Pipeline(steps)(data))


PIPELINES = [
    model("a pipeline before a network", augmented, BYTES),
    model("a pipeline on a sample", unbuilt, [COLOURS, picture(2, 6, 7, 1)]),
]

CASES = [
    *IN_TRAINING_ONLY, *RESIZING, *CROPPING, *STRETCHING, *EQUALIZING, *SAMPLES, *PIPELINES,
]  # fmt: skip
