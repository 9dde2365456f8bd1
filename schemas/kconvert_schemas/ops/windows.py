"""What ops that slide windows over 1, 2 or 3 spatial axes share: layout, padding, sizes."""

from __future__ import annotations

from ..dims import Shape
from ..graph import TensorType
from ..opspec import Attr, OpError
from .rules import Attrs

LAYOUT = Attr("str", "channels_last", ("channels_last", "channels_first"))
PADDING = Attr("str", "valid", ("valid", "same"), doc="same: as TensorFlow, the odd element after")


def window_count(size: int | None, window: int, stride: int, padding: str) -> int | None:
    """Return how many windows an axis of `size` elements has.

    valid: floor((size - window) / stride) + 1; same: ceil(size / stride). None for an unknown size;
    OpError when not one window fits.
    """
    if size is None:
        return None
    if padding == "same":
        return -(-size // stride)
    if size < window:
        raise OpError(f"a window of {window} does not fit into {size} elements")
    return (size - window) // stride + 1


def spatial(x: TensorType, data_format: str) -> tuple[Shape, int | None]:
    """Return the spatial sizes and the channel count of `x`."""
    if not 3 <= len(x.shape) <= 5:
        raise OpError(f"x must have batch, channel and 1 to 3 spatial axes, got {x}")
    if data_format == "channels_last":
        return x.shape[1:-1], x.shape[-1]
    return x.shape[2:], x.shape[1]


def arranged(batch: int | None, sizes: Shape, channels: int | None, data_format: str) -> Shape:
    """Put batch, spatial sizes and channels in the order of `data_format`."""
    return (batch, *sizes, channels) if data_format == "channels_last" else (batch, channels, *sizes)


def per_axis(attrs: Attrs, name: str, rank: int) -> list[int]:
    """Return attribute `name`, checked to have one entry for each spatial axis."""
    values: list[int] = list(attrs[name])
    if len(values) != rank:
        raise OpError(f"{name} must have {rank} entries, got {values}")
    return values


def extents(windows: Shape, dilations: list[int]) -> list[int]:
    """Return how many elements each window spans: (window - 1) dilation + 1; an unknown window counts as 1."""
    return [((window or 1) - 1) * dilation + 1 for window, dilation in zip(windows, dilations, strict=True)]
