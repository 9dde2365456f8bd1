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
    """Return how many elements each window spans: (window - 1) dilation + 1; OpError for an unknown window."""
    known = [window for window in windows if window is not None]
    if len(known) < len(windows):
        raise OpError(f"the sizes of the window must be known, got {windows}")
    if 0 in known:
        raise OpError(f"a window of {windows} holds nothing")
    return [(window - 1) * dilation + 1 for window, dilation in zip(known, dilations, strict=True)]


def transposed_count(
    size: int | None, window: int, stride: int, padding: str, output_padding: int | None
) -> tuple[int | None, int]:
    """Return the length of an axis of a transposed convolution, and how many elements it leaves out in front.

    Position i of the input adds to the `window` elements that follow i stride. valid keeps them all:
    (size - 1) stride + window elements, or up to the next multiple of the stride. same gives size stride.
    output_padding: so many elements after (size - 1) stride + window, or, for same, after
    (size - 1) stride + window % 2. OpError where a convolution would not lead back to `size`, as in TensorFlow.
    """
    if padding == "same":
        last = stride if output_padding is None else window % 2 + output_padding
        front, fits = max(window - last, 0) // 2, 0 < last <= stride
    else:
        last = max(window, stride) if output_padding is None else window + output_padding
        front, fits = 0, window <= last < window + stride
    if not fits:
        raise OpError(f"output_padding {output_padding} does not fit a window of {window} with stride {stride}")
    return None if size is None else max((size - 1) * stride + last, 0), front
