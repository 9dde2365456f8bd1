"""Pixels read at computed coordinates (keras/src/ops/image.py).

Every pixel of the result is a mixture of pixels at indices that are computed first: they are gathered from the
images laid out in one axis.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_integer

from ..bounds import counted
from .operands import (
    apply,
    expanded,
    flattened,
    given,
    known,
    number_like,
    permuted,
    register_table,
    reshaped,
    sizes,
    sliced,
    tensor,
    without_axes,
)
from .windows import layout

FILLS = ("constant", "nearest", "reflect", "wrap")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the operations that read pixels at computed coordinates."""
    register_table(register, ("images", "transform"), {"AffineTransform": affine_transform})
    register_table(register, ("images", "start_points", "end_points"), {"PerspectiveTransform": perspective_transform})
    register_table(register, ("inputs", "coordinates"), {"MapCoordinates": map_coordinates})


def affine_transform(call: LayerCall, emit: Emitter) -> Symbol:
    """Images whose pixel (x, y) is read at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1.

    transform holds a0 a1 a2 b0 b1 b2 c0 c1, for all images or for each.
    """
    transform = tensor(emit, call.argument("transform"), "float32")
    transform = expanded(emit, transform, [0]) if transform.rank == 1 else transform
    return _projected(call, emit, transform, call.config.str("fill_mode", "constant", FILLS))


def perspective_transform(call: LayerCall, emit: Emitter) -> Symbol:
    """Images moved so that four start points come to lie on four end points."""
    points = [tensor(emit, call.argument(name), "float32") for name in ("start_points", "end_points")]
    points = [expanded(emit, p, [0]) if p.rank == 2 else p for p in points]
    return _projected(call, emit, _homography(emit, *points), "constant")


def _homography(emit: Emitter, start: Symbol, end: Symbol) -> Symbol:
    """Solve for the 8 numbers of the projection that takes end points (n, 4, 2) to start points."""
    one = apply(emit, "add", apply(emit, "multiply", sliced(emit, end, 2, 0, 1), 0), 1)
    plain = emit.op("concatenate", end, one, axis=2)
    zeros = apply(emit, "multiply", plain, 0)
    rows = []
    for axis in range(2):
        target = sliced(emit, start, 2, axis, axis + 1)
        moved = emit.op("multiply", emit.op("negative", target), end)
        parts = (plain, zeros, moved) if axis == 0 else (zeros, plain, moved)
        rows.append(expanded(emit, emit.op("concatenate", *parts, axis=2), [2]))
    matrix = reshaped(emit, emit.op("concatenate", *rows, axis=2), [-1, 8, 8])
    solution = emit.op("solve", matrix, reshaped(emit, start, [-1, 8, 1]))
    return reshaped(emit, solution, [-1, 8])


def _projected(call: LayerCall, emit: Emitter, transform: Symbol, fill: str) -> Symbol:
    """Return the images read through projections (n, 8), n = 1 or one for each image."""
    x = given(call, emit, "images")
    alone, first = x.rank == 3, layout(call) == "channels_first"
    x = expanded(emit, x, [0]) if alone else x
    x = permuted(emit, x, [0, 2, 3, 1]) if first else x
    height, width = (known(size, "the size of the images") for size in x.shape[1:3])
    places, outside = _places(emit, transform, height, width)
    places = [_filled(emit, p, size, fill) for p, size in zip(places, (width, height), strict=True)]
    nearest = call.config.str("interpolation", "bilinear", ("nearest", "bilinear")) == "nearest"
    y = _mixed(emit, x, places, call.config.float("fill_value", 0.0), nearest, outside)
    y = reshaped(emit, emit.cast(y, x.dtype), sizes(x, "like"), x)
    y = permuted(emit, y, [0, 3, 1, 2]) if first else y
    return without_axes(emit, y, [0]) if alone else y


def _places(emit: Emitter, transform: Symbol, height: int, width: int) -> tuple[list[Symbol], Symbol]:
    """Return where each pixel is read, x and y (n, height width), and where that is nowhere."""
    counted(height * width)
    across = tensor(emit, np.tile(np.arange(width), height)[None].tolist(), "float32")
    down = tensor(emit, np.repeat(np.arange(height), width)[None].tolist(), "float32")
    a, b, c, d, e, f, g, h = (sliced(emit, transform, 1, i, i + 1) for i in range(8))

    def plane(x: Symbol, y: Symbol, shift: Symbol | float) -> Any:
        return apply(emit, "add", emit.op("add", emit.op("multiply", x, across), emit.op("multiply", y, down)), shift)

    depth = plane(g, h, 1.0)
    return [emit.op("divide", plane(*row), depth) for row in ((a, b, c), (d, e, f))], apply(emit, "equal", depth, 0.0)


def _filled(emit: Emitter, x: Symbol, size: int, fill: str) -> Any:
    """Bring coordinates back into the images, as `fill` says; `constant` leaves them."""
    if fill == "constant":
        return x
    if fill != "nearest" and size <= 1:
        return apply(emit, "multiply", x, 0.0)
    y = x if fill == "nearest" else _reflected(emit, x, size) if fill == "reflect" else _wrapped(emit, x, size)
    return apply(emit, "minimum", apply(emit, "maximum", y, 0.0), size - 1.0)


def _turns(emit: Emitter, x: Symbol, period: float, step: float, more: float = 0.0) -> Any:
    """Return how far x of 0 or more lies from where its turns of `period` began, in turns of `step`."""
    return apply(emit, "multiply", apply(emit, "add", emit.op("floor", apply(emit, "divide", x, period)), more), step)


def _reflected(emit: Emitter, x: Symbol, size: int) -> Any:
    """Edges are mirrors: dcba|abcd|dcba."""
    both = 2.0 * size
    below = emit.op("add", _turns(emit, emit.op("negative", x), both, both), x)
    mirrored = apply(emit, "subtract", emit.op("negative", below), 1.0)
    below = emit.op("where", apply(emit, "less", below, -float(size)), apply(emit, "add", below, both), mirrored)
    above = emit.op("subtract", x, _turns(emit, x, both, both))
    mirrored = apply(emit, "subtract", apply(emit, "subtract", both, above), 1.0)
    above = emit.op("where", apply(emit, "greater_equal", above, float(size)), mirrored, above)
    return _split(emit, x, size, below, above)


def _wrapped(emit: Emitter, x: Symbol, size: int) -> Any:
    """Images are repeated: abcd|abcd|abcd; TensorFlow counts the repetitions by size - 1."""
    below = emit.op("add", x, _turns(emit, emit.op("negative", x), size - 1.0, size, 1.0))
    return _split(emit, x, size, below, emit.op("subtract", x, _turns(emit, x, size - 1.0, size)))


def _split(emit: Emitter, x: Symbol, size: int, below: Symbol, above: Symbol) -> Any:
    inside = emit.op("where", apply(emit, "greater", x, size - 1.0), above, x)
    return emit.op("where", apply(emit, "less", x, 0.0), below, inside)


def _mixed(emit: Emitter, x: Symbol, places: list[Any], value: float, nearest: bool, nowhere: Symbol) -> Any:
    """Return images (n, height width, channels) mixed, in float32, from the pixels around places (x, y)."""
    _, height, width, _ = x.shape
    flat = reshaped(emit, x, [sizes(x)[0], (height or 0) * (width or 0), sizes(x)[3]])
    fill = number_like(emit, int(value) if is_integer(x.dtype) else value, x)
    nowhere = expanded(emit, nowhere, [2])

    def read(across: Symbol, down: Symbol) -> Any:
        inside = emit.op("logical_and", _within(emit, across, width or 0), _within(emit, down, height or 0))
        place = apply(emit, "add", apply(emit, "multiply", down, float(width or 0)), across)
        place = emit.op("where", inside, place, apply(emit, "multiply", across, 0.0))
        found = emit.op("take_along_axis", flat, expanded(emit, emit.cast(place, "int32"), [2]), axis=1)
        return emit.op("where", expanded(emit, inside, [2]), found, fill)

    if nearest:
        y = read(*(_rounded(emit, place) for place in places))
        return emit.op("where", nowhere, fill, y)
    low = [emit.op("floor", place) for place in places]
    high = [apply(emit, "add", place, 1.0) for place in low]
    before = [expanded(emit, emit.op("subtract", h, p), [2]) for h, p in zip(high, places, strict=True)]
    after = [expanded(emit, emit.op("subtract", p, n), [2]) for p, n in zip(places, low, strict=True)]

    def line(down: Symbol) -> Any:
        left, right = (emit.cast(read(across, down), "float32") for across in (low[0], high[0]))
        return emit.op("add", emit.op("multiply", before[0], left), emit.op("multiply", after[0], right))

    y = emit.op("add", emit.op("multiply", before[1], line(low[1])), emit.op("multiply", after[1], line(high[1])))
    return emit.op("where", nowhere, fill, emit.cast(y, x.dtype))


def _within(emit: Emitter, x: Symbol, size: int) -> Any:
    return emit.op("logical_and", apply(emit, "greater_equal", x, 0.0), apply(emit, "less", x, float(size)))


def _rounded(emit: Emitter, x: Symbol) -> Any:
    """Return the nearest whole numbers, halves away from 0."""
    low = emit.op("floor", x)
    half = apply(emit, "equal", emit.op("subtract", x, low), 0.5)
    up = emit.op("add", low, emit.cast(apply(emit, "greater_equal", x, 0.0), x.dtype))
    return emit.op("where", half, up, emit.op("round", x))


def map_coordinates(call: LayerCall, emit: Emitter) -> Symbol:
    """The elements of a tensor at coordinates (its rank, ...): the nearest, or mixed from those around."""
    x, places = given(call, emit, "inputs"), given(call, emit, "coordinates")
    order, fill = call.config.int("order"), call.config.str("fill_mode", "constant", (*FILLS, "mirror"))
    if order not in (0, 1) or places.rank < 2 or places.shape[0] != x.rank:
        raise Unsupported(f"it takes order 0 or 1 and as many coordinates as axes, got {order} and {places.type}")
    shape = [known(size, "the sizes of its inputs") for size in x.shape]
    parts = [without_axes(emit, sliced(emit, places, 0, i, i + 1), [0]) for i in range(x.rank)]
    axes = [[(*_index(emit, i, size, fill), w) for i, w in _neighbours(emit, p, order)]
            for p, size in zip(parts, shape, strict=True)]  # fmt: skip
    value = emit.cast(tensor(emit, call.argument("fill_value", 0.0), x.dtype), places.dtype)
    total: Any = None
    for corner in product(*axes):
        found = _at(emit, x, [index for index, _, _ in corner], shape, places.dtype)
        if fill == "constant":
            found = emit.op("where", _all(emit, [inside for _, inside, _ in corner]), found, value)
        weight = corner[0][2]
        for _, _, other in corner[1:]:
            weight = emit.op("multiply", weight, other)
        found = emit.op("multiply", weight, found)
        total = found if total is None else emit.op("add", total, found)
    return emit.cast(emit.op("round", total) if is_integer(x.dtype) else total, x.dtype)


def _neighbours(emit: Emitter, x: Symbol, order: int) -> list[tuple[Any, Any]]:
    """Return the indices around coordinates, and what each counts."""
    if order == 0:
        near = x if is_integer(x.dtype) else emit.op("round", x)
        return [(emit.cast(near, "int32"), number_like(emit, 1, x))]
    low = emit.op("floor", x)
    share = emit.op("subtract", x, low)
    index = emit.cast(low, "int32")
    return [(index, apply(emit, "subtract", 1, share)), (apply(emit, "add", index, 1), share)]


def _index(emit: Emitter, index: Symbol, size: int, fill: str) -> tuple[Any, Any]:
    """Return indices inside an axis, and whether they were."""
    inside = emit.op("logical_and", apply(emit, "greater_equal", index, 0), apply(emit, "less", index, size))
    if fill in ("constant", "nearest"):
        return apply(emit, "minimum", apply(emit, "maximum", index, 0), size - 1), inside
    if fill == "wrap":
        return apply(emit, "mod", index, size), inside
    index = apply(emit, "mod", emit.op("abs", index), 2 * size)
    back = apply(emit, "subtract", 2 * size - (fill == "reflect"), index)
    return emit.op("where", apply(emit, "less", index, size), index, back), inside


def _at(emit: Emitter, x: Symbol, indices: list[Any], shape: list[int], dtype: str) -> Any:
    """Return the elements of `x` at indices of each axis; indices outside are an error, as with TensorFlow."""
    place: Any = None
    wrong: Any = None
    for i, (index, size) in enumerate(zip(indices, shape, strict=True)):
        step = apply(emit, "multiply", index, math.prod(shape[i + 1 :]))
        place = step if place is None else emit.op("add", place, step)
        out = apply(emit, "greater_equal", index, size)
        wrong = out if wrong is None else emit.op("logical_or", wrong, out)
    place = emit.op("where", wrong, emit.constant(math.prod(shape), "int32"), place)
    return emit.cast(emit.op("take", flattened(emit, x), place, axis=0), dtype)


def _all(emit: Emitter, conditions: list[Any]) -> Any:
    found = conditions[0]
    for condition in conditions[1:]:
        found = emit.op("logical_and", found, condition)
    return found
