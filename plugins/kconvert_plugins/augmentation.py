"""Layers that change images at random in training; without training they hand them on.

That is what Keras does in `predict`, or with training=False (keras/src/layers/preprocessing/image_preprocessing).
Most of them cast the images to the compute dtype, some leave them as they are. Called on its own, a Keras model
runs these layers as in training, since that is the default of their argument; files record it as if it had been
asked for.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .samples import each, kept, refused

UNTOUCHED = (
    "Equalization", "MixUp", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast",
    "RandomHue", "RandomInvert", "RandomPosterization", "RandomSaturation",
)  # fmt: skip
CAST = (
    "AugMix", "RandAugment", "RandomErasing", "RandomGaussianBlur", "RandomPerspective", "RandomRotation",
    "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Solarization",
)  # fmt: skip
BOXLESS = refused("it is called with bounding boxes, which the layer does not take")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers by what they do to images that they do not change."""
    register([f"keras.layers.{name}" for name in UNTOUCHED], untouched, arguments=("data",))
    register([f"keras.layers.{name}" for name in CAST], in_compute_dtype, arguments=("data",))
    register("keras.layers.RandomFlip", random_flip, arguments=("data",), autocast=False)
    register("keras.layers.RandomCrop", random_crop, arguments=("data",), autocast=False)
    register("keras.layers.RandomGrayscale", random_grayscale, arguments=("data",))
    register("keras.layers.RandomElasticTransform", random_elastic_transform, arguments=("data",))
    register("keras.layers.CutMix", cut_mix, arguments=("data",))


def untouched(call: LayerCall, emit: Emitter) -> Any:
    """The images as they are; changed in training only."""
    return each(call, emit, kept)


def in_compute_dtype(call: LayerCall, emit: Emitter) -> Any:
    """The images in the compute dtype; changed in training only."""
    return each(call, emit, _cast(call, emit))


def random_flip(call: LayerCall, emit: Emitter) -> Any:
    """The images, and their segmentation masks, in the compute dtype; flipped in training only."""
    return each(call, emit, _cast(call, emit), masks=_cast(call, emit))


def random_crop(call: LayerCall, emit: Emitter) -> Any:
    """The images as they are, whatever their size; cropped in training only."""
    reason = "Keras cuts segmentation masks here, but not the images that they belong to; leave the masks out"
    return each(call, emit, kept, masks=refused(reason))


def random_grayscale(call: LayerCall, emit: Emitter) -> Any:
    """The images as they are; made gray in training only."""
    if not isinstance(call.inputs, Symbol):
        raise Unsupported("it is called with a dict, which the layer does not take")
    return each(call, emit, kept)


def random_elastic_transform(call: LayerCall, emit: Emitter) -> Any:
    """The images in the compute dtype; distorted in training only."""
    return each(call, emit, _cast(call, emit), boxes=BOXLESS)


def cut_mix(call: LayerCall, emit: Emitter) -> Any:
    """The images, and their segmentation masks, in the compute dtype; mixed in training only."""
    return each(call, emit, _cast(call, emit), masks=_cast(call, emit), boxes=BOXLESS)


def _cast(call: LayerCall, emit: Emitter) -> Any:
    return partial(_in_dtype, emit, call.layer.policy.compute)


def _in_dtype(emit: Emitter, dtype: str, x: Symbol) -> Symbol:
    """Return `x` itself, with its mask, where it has the dtype: Keras hands on the same tensor."""
    return x if x.dtype == dtype else emit.cast(x, dtype).with_mask(None)
