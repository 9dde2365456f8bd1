"""Ops that reshape, move and cut: where the steps are afterwards, with the number of steps left open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kconvert_schemas import dims
from kconvert_schemas.graph import TensorType

from .flow import LATEST, STILL, Along, Flow, Kind, Padding, Refused
from .registry import rule
from .site import Site, outputs, plain

BATCH, TIME, OTHERS = 1_000_003, 999_983, (99_991, 99_989, 99_971, 99_961, 99_929, 99_923, 99_907, 99_901)
"""Sizes that stand for those left open: primes, so that a product tells its factors."""


JOINS = "it joins the steps with other axes, or parts them"


def probed(flow: Flow, type_: TensorType) -> tuple[int, ...]:
    """Return a shape in which every size is known, those left open by a prime that stands for them."""
    sizes = [OTHERS[i % len(OTHERS)] if size is None else size for i, size in enumerate(type_.shape)]
    if sizes and type_.shape[0] is None:
        sizes[0] = BATCH
    if isinstance(flow, Along):
        time = TIME if flow.length is None else flow.length
        sizes[flow.axis] = time * BATCH if flow.rows else time
    return tuple(sizes)


def _refers(dim: Any, name: str, flow: Flow) -> bool:
    """Tell whether a dimension expression contains the axis of the steps of an input."""
    return isinstance(dim, str) and isinstance(flow, Along) and f"{name}.{flow.axis}" in dim.split("*")


@rule("reshape")
def reshape(site: Site) -> Sequence[Flow]:
    """The steps keep an axis of their own, or lie in the first with the rows of the batch (TimeDistributed)."""
    x, like, shape = plain(site.x), plain(site.flow(1)), list(site.attrs["shape"])
    if not isinstance(x, Along):
        if any(_refers(dim, "like", like) for dim in shape):
            raise Refused("it makes steps of what has none")
        return outputs(site, LATEST if like is LATEST and x is LATEST else x)
    sizes = _sizes(site)
    try:
        result = [size or 0 for size in dims.resolve(shape, sizes, "x")]
    except ValueError as error:  # sizes that do not fit any number of steps
        raise Refused(JOINS) from error
    places = _places(x, sizes["x"], result)
    if not places:
        raise Refused(JOINS)
    axis, rows = _likeliest(places, [_refers(d, "x", x) or _refers(d, "like", like) for d in shape], x)
    shape[axis] = _open(shape, axis, rows, x, like)
    site.keep(shape=shape)
    return outputs(site, replace(x, axis=axis, rows=rows))


def _sizes(site: Site) -> dict[str, tuple[int | None, ...]]:
    names = zip(site.names, site.types, strict=False)
    return {name: probed(site.flow(i), type_) for i, (name, type_) in enumerate(names) if type_ is not None}


def _places(x: Along, given: Sequence[int | None], result: Sequence[int]) -> list[tuple[int, bool]]:
    """Return where the steps can be in `result`: axes with as many elements behind, and as many before."""
    sizes = [size or 0 for size in given]
    behind = math.prod(sizes[x.axis + 1 :])
    before = BATCH if x.rows else math.prod(sizes[: x.axis])
    time = sizes[x.axis] // BATCH if x.rows else sizes[x.axis]
    found = []
    for axis, size in enumerate(result):
        if math.prod(result[axis + 1 :]) != behind:
            continue
        if size == time and math.prod(result[:axis]) == before:
            found.append((axis, False))
        elif axis == 0 and size == before * time:
            found.append((axis, True))
    return found


def _likeliest(places: Sequence[tuple[int, bool]], named: Sequence[bool], x: Along) -> tuple[int, bool]:
    """Of several places, as sizes of 1 allow: where the size is named after the steps, else where they were."""
    return max(places, key=lambda place: (named[place[0]], place[0] == x.axis, place[0]))


def _open(shape: Sequence[Any], axis: int, rows: bool, x: Along, like: Flow) -> Any:
    """Return what stands in a shape for the axis of steps, whatever their number."""
    dim = shape[axis]
    if dim == -1 or _refers(dim, "x", x) or _refers(dim, "like", like):
        return dim
    if x.rows and rows:
        return "x.0"
    if rows:
        return "*".join(f"x.{i}" for i in range(x.axis + 1))
    if not x.rows:
        return f"x.{x.axis}"
    if isinstance(like, Along) and not like.rows:
        return f"like.{like.axis}"
    if -1 in shape:
        raise Refused("its shape leaves two sizes open once the number of steps is")
    return -1


@rule("broadcast_to", "full")
def spread(site: Site) -> Sequence[Flow]:
    """What is the same for all steps may be repeated for each of them."""
    full = site.node.op == "full"
    x, like = (STILL if full else plain(site.x)), plain(site.flow(0 if full else 1))
    shape = list(site.attrs["shape"])
    if isinstance(x, Along):
        axis = x.axis + len(shape) - site.rank()
        if not _refers(shape[axis], "x", x) and not _refers(shape[axis], "like", like) and shape[axis] != x.length:
            raise Refused("it repeats the steps")
        shape[axis] = f"x.{x.axis}"
        site.keep(shape=shape)
        return outputs(site, replace(x, axis=axis))
    axes = [i for i, dim in enumerate(shape) if _refers(dim, "like", like)] or _as_like(site, shape, like)
    if not axes or not isinstance(like, Along):
        return outputs(site, LATEST if LATEST in (x, like) and x is not STILL else x)
    if x is LATEST:
        raise Refused("it repeats for every step what is known only after the last")
    if len(axes) > 1:
        raise Refused("it has two axes of steps")
    (axis,) = axes
    whole = str(shape[axis]).split("*")
    if len(whole) > 1 and axis > 0:
        raise Refused("it joins the steps with other axes")
    shape[axis] = shape[axis] if isinstance(shape[axis], str) else f"like.{like.axis}"
    site.keep(shape=shape)
    return outputs(site, Along(axis, len(whole) > 1 or like.rows, like.length))


def _as_like(site: Site, shape: Sequence[Any], like: Flow) -> list[int]:
    """Return the axis of steps of a shape that is, number for number, that of `like`."""
    index = 0 if site.node.op == "full" else 1
    type_ = site.types[index] if index < len(site.types) else None
    if not isinstance(like, Along) or like.length is None or type_ is None or len(shape) != len(type_.shape):
        return []
    try:
        same = dims.resolve(shape, _sizes(site)) == probed(like, type_)
    except ValueError:
        return []
    return [like.axis] if same else []


@rule("transpose")
def transpose(site: Site) -> Sequence[Flow]:
    """The steps move along."""
    x = plain(site.x)
    return outputs(site, replace(x, axis=list(site.attrs["axes"]).index(x.axis)) if isinstance(x, Along) else x)


@rule("slice")
def cut(site: Site) -> Sequence[Flow]:
    """All steps, or the last one."""
    x = plain(site.x)
    if not isinstance(x, Along):
        return outputs(site, x)
    slices = list(site.attrs["slices"])
    start, stop, step = slices[x.axis] or (None, None, None)
    length = x.length
    if start in (None, 0) and step in (None, 1) and (stop is None or (length is not None and stop >= length)):
        slices[x.axis] = None
        site.keep(slices=slices)
        return outputs(site, x)
    last = start == -1 or (length is not None and start == length - 1)
    if x.rows or not last or step not in (None, 1) or not (stop is None or (length is not None and stop >= length)):
        raise Refused("it picks some of the steps")
    slices[x.axis] = [-1, None, None]
    site.keep(slices=slices)
    flow: Kind = LATEST
    return outputs(site, flow)


@rule("pad")
def pad(site: Site) -> Sequence[Flow]:
    """Padding in front of the first step is left to the window that reads it."""
    x = plain(site.x)
    if not isinstance(x, Along):
        return outputs(site, x)
    pads = [list(pair) for pair in site.attrs["pads"]]
    before, after = pads[x.axis]
    if after or (before and (site.attrs["mode"] != "constant" or x.rows)):
        raise Refused("it pads the axis of time")
    pads[x.axis] = [0, 0]
    site.keep(pads=pads)
    return outputs(site, replace(x, front=Padding(before, float(site.attrs["value"]))) if before else x)
