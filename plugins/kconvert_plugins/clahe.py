"""Contrast limited adaptive histogram equalization (keras/src/layers/preprocessing/image_preprocessing/clahe.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas.dtypes import FLOATS

from .image_layers import ranged, value_range
from .samples import each, refused

LEVELS = 256
WHOLE = (0.0, 255.0)
NOTHING_ELSE = refused("it takes images only, and segmentation masks; leave labels and bounding boxes out")


@dataclass(frozen=True)
class Grid:
    """Tiles of an image: `rows` x `columns` of them, each `high` x `wide`, the last ones past its end."""

    rows: int
    columns: int
    high: int
    wide: int
    channels: int


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layer."""
    register("keras.layers.ContrastLimitedAdaptiveHistogramEqualization", clahe, arguments=("data",))


def clahe(call: LayerCall, emit: Emitter) -> Any:
    """Each pixel at its place in the order of the values around it: in its tile and, by distance, in the next ones."""
    return each(call, emit, lambda x: _equalized(call, emit, x), labels=NOTHING_ELSE, boxes=NOTHING_ELSE)


def _equalized(call: LayerCall, emit: Emitter, given: Symbol) -> Symbol:
    if given.dtype not in FLOATS:
        raise Unsupported(
            f"its images are {given.dtype}: Keras cuts the result off to whole numbers, so that rounding errors become "
            "whole steps. Cast the images to float32 before"
        )
    first = call.config.data_format() == "channels_first"
    x = emit.op("transpose", given, axes=[0, 2, 3, 1]) if first else given
    own = value_range(call)
    y = _interpolated(call, emit, ranged(emit, x, own, WHOLE, "float32"))
    y = emit.cast(ranged(emit, y, WHOLE, own, "float32"), given.dtype)
    return emit.op("transpose", y, axes=[0, 3, 1, 2]) if first else y


def _interpolated(call: LayerCall, emit: Emitter, x: Symbol) -> Symbol:
    """Each pixel's level looked up in the four nearest tables, blended by its distance from the tiles' middles."""
    height, width, channels = x.shape[1:]
    if height is None or width is None or channels is None:
        raise Unsupported("it needs to know the size of the images and their channels, which the file leaves open")
    rows, columns = call.config.ints("tile_grid_size", [8, 8], rank=2)
    grid = Grid(rows, columns, -(-height // rows), -(-width // columns), channels)
    below, right = grid.rows * grid.high - height, grid.columns * grid.wide - width
    if below > height or right > width:
        raise Unsupported(f"its tile_grid_size {[rows, columns]} is too fine for images of {height} x {width}")
    if below or right:
        x = emit.op("pad", x, pads=[[0, 0], [0, below], [0, right], [0, 0]], mode="symmetric")
    limit = call.config.float("clip_limit", 4.0)
    tables = emit.op("reshape", _tables(emit, x, grid, limit), shape=[-1])
    y = _looked_up(emit, tables, emit.cast(_limited(emit, x), "int32"), grid)
    cut = [None, [0, height, 1], [0, width, 1], None]
    result: Symbol = emit.op("slice", y, slices=cut)
    return result


def _limited(emit: Emitter, x: Symbol) -> Symbol:
    low, high = emit.constant(0, x.dtype), emit.constant(LEVELS - 1, x.dtype)
    y: Symbol = emit.op("minimum", emit.op("maximum", x, low), high)
    return y


def _tables(emit: Emitter, x: Symbol, grid: Grid, limit: float) -> Symbol:
    """For each tile and channel, what becomes of each level: (batch, rows + 2, columns + 2, channels, 256).

    The histogram is cut off at a limit, and what is cut off spread over all levels; the table is its running sum,
    stretched to 0 to 255. The tiles at the border are repeated outside it.
    """
    counts = _histograms(emit, x, grid)
    area = grid.high * grid.wide
    if limit > 0:
        top = emit.constant(limit * area / LEVELS, "float32")
        kept = emit.op("minimum", counts, top)
        excess = emit.op("sum", emit.op("subtract", counts, kept), axes=[-1], keepdims=True)
        counts = emit.op("add", kept, emit.op("divide", excess, emit.constant(float(LEVELS), "float32")))
    running = emit.op("cumsum", counts, axis=4)
    lowest = emit.op("min", running, axes=[-1], keepdims=True)
    rest = emit.op("subtract", emit.constant(float(area), "float32"), lowest)
    empty = emit.op("equal", rest, emit.constant(0.0, "float32"))
    rest = emit.op("where", empty, emit.constant(1.0, "float32"), rest)
    raised = emit.op("multiply", emit.op("subtract", running, lowest), emit.constant(255.0, "float32"))
    table = _limited(emit, emit.op("divide", raised, rest))
    edges = [[0, 0], [1, 1], [1, 1], [0, 0], [0, 0]]
    y: Symbol = emit.op("pad", table, pads=edges, mode="edge")
    return y


def _histograms(emit: Emitter, x: Symbol, grid: Grid) -> Symbol:
    """How often each level stands in each tile of each channel: (batch, rows, columns, channels, 256)."""
    split = ["x.0", grid.rows, grid.high, grid.columns, grid.wide, grid.channels]
    tiles = emit.op("transpose", emit.op("reshape", x, shape=split), axes=[0, 1, 3, 5, 2, 4])
    flat = emit.op("reshape", tiles, shape=["x.0", grid.rows, grid.columns, grid.channels, grid.high * grid.wide])
    levels = _limited(emit, emit.cast(flat, "int32"))
    y: Symbol = emit.op("bincount", levels, minlength=LEVELS, maxlength=LEVELS, dtype="float32")
    return y


def _looked_up(emit: Emitter, tables: Symbol, levels: Symbol, grid: Grid) -> Symbol:
    row, below, down = _neighbours(grid.rows, grid.high)
    column, right, across = _neighbours(grid.columns, grid.wide)
    step = LEVELS * grid.channels
    own = emit.op("add", levels, emit.array("channel", np.arange(grid.channels) * LEVELS, "int32"))
    own = emit.op("add", own, _batch_offsets(emit, levels, step * (grid.columns + 2) * (grid.rows + 2)))

    def values(rows: Any, columns: Any, name: str) -> Symbol:
        places = rows[:, None, None] * step * (grid.columns + 2) + columns[:, None] * step
        y: Symbol = emit.op("take", tables, emit.op("add", own, emit.array(name, places, "int32")))
        return y

    sideways, downwards = across[:, None], down[:, None, None]
    top = _blend(emit, values(row, column, "above_left"), values(row, right, "above_right"), sideways, "across")
    bottom = _blend(emit, values(below, column, "below_left"), values(below, right, "below_right"), sideways, "across")
    return _blend(emit, top, bottom, downwards, "down")


def _batch_offsets(emit: Emitter, like: Symbol, step: int) -> Symbol:
    """0, step, 2 step... for the images of a batch: (batch, 1, 1, 1)."""
    steps = emit.op("full", like, shape=["like.0", 1, 1, 1], value=step, dtype="int32")
    y: Symbol = emit.op("subtract", emit.op("cumsum", steps, axis=0), emit.constant(step, "int32"))
    return y


def _neighbours(count: int, size: int) -> tuple[Any, Any, Any]:
    """For each place along an axis: the tables before and after it, and how far it is from the first to the second."""
    places = np.arange(count * size, dtype=np.float32)
    position = (places - np.float32(size / 2)) / np.float32(size) + np.float32(1)
    before = np.floor(position)
    limited = [np.clip(table, 0, count + 1).astype(np.int64) for table in (before, before + 1)]
    return limited[0], limited[1], position - before


def _blend(emit: Emitter, a: Symbol, b: Symbol, share: Any, name: str) -> Symbol:
    first = emit.op("multiply", a, emit.array(f"{name}_first", np.float32(1) - share, "float32"))
    y: Symbol = emit.op("add", first, emit.op("multiply", b, emit.array(f"{name}_second", share, "float32")))
    return y
