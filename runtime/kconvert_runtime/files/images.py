"""Pictures as float32 arrays from 0 to 255. Needs Pillow, which is imported only here."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dims import Shape
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Port
from kconvert_schemas.limits import current

from .arrays import names
from .source import Source

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # others may start programs of their own
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
EIGHT_BIT = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")


def read_image(source: Source, ports: Sequence[Port]) -> dict[str, Any]:
    """Return a picture as a batch of one, in the channels of the only input, which it must fit in size."""
    if len(ports) > 1:
        raise InputError(f"{source.label} is one picture; {len(ports)} inputs are wanted: {names(ports)}.")
    port = ports[0]
    axis, (height, width, channels) = _layout(source, port)
    try:
        from PIL import Image
    except ImportError:
        raise InputError(f"{source.label} is a picture; install Pillow to read it: pip install pillow.") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(source.data), formats=FORMATS) as image:
                _check_size(source, port, image.size, (height, width))
                _check_memory(source, image.size, channels or len(MODES))
                pixels = _pixels(source, image, channels)
        except InputError:
            raise
        except Exception as error:  # Pillow raises many kinds for damaged files
            raise InputError(f"{source.label} is not a picture that can be read: {error!s:.200}.") from error
    return {port.name: _arranged(pixels, port.type.shape, axis)}


def _pixels(source: Source, image: Any, channels: int | None) -> Array:
    """Decode a picture; where the number of channels is open, grey ones have 1 and others 3."""
    if getattr(image, "n_frames", 1) > 1:
        source.notes.append(f"only the first of the {image.n_frames} pictures in {source.label} is used")
    if image.mode not in EIGHT_BIT:
        raise InputError(f"{source.label} has pixels of the kind {image.mode!r}; expected 8 bits a channel.")
    mode = MODES[channels] if channels else ("L" if image.mode in ("1", "L") else "RGB")
    return np.asarray(image.convert(mode), np.float32)


def _layout(source: Source, port: Port) -> tuple[int, tuple[int | None, int | None, int | None]]:
    """Return the axis of the channels (0 where there is none) and (height, width, channels)."""
    shape = port.type.shape
    if len(shape) == 3:
        return 0, (shape[1], shape[2], 1)
    if len(shape) == 4 and (shape[3] in MODES or (shape[3] is None and shape[1] not in MODES)):
        return 3, (shape[1], shape[2], shape[3])
    if len(shape) == 4 and shape[1] in MODES:
        return 1, (shape[2], shape[3], shape[1])
    raise InputError(f"{source.label} is a picture; input {show(port.name)} is {port.type}, which holds no pictures.")


def _check_size(source: Source, port: Port, size: tuple[int, int], wanted: tuple[int | None, int | None]) -> None:
    height, width = wanted
    if (height not in (None, size[1])) or (width not in (None, size[0])):
        shown = f"{width or 'any'} x {height or 'any'}"
        raise InputError(
            f"{source.label} is {size[0]} x {size[1]} pixels (width x height); input {show(port.name)} takes {shown}. "
            "Resize the picture the way the model was trained with."
        )


def _check_memory(source: Source, size: tuple[int, int], channels: int) -> None:
    need = size[0] * size[1] * channels * np.dtype(np.float32).itemsize
    if need > current().array_size:
        raise InputError(
            f"{source.label} is {size[0]} x {size[1]} pixels, which take {need:,} bytes (limit array_size)."
        )


def _arranged(pixels: Array, shape: Shape, axis: int) -> Array:
    if axis == 0:
        return pixels[None]
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return (pixels if axis == 3 else np.moveaxis(pixels, -1, 0))[None]
