"""Convolutions and poolings: windows that look back keep the steps that they still need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kconvert_schemas.graph import TensorType

from .flow import Along, Flow, Padding, Refused
from .registry import rule
from .site import Site, outputs, plain, require_still


@rule("conv", "max_pool", "avg_pool")
def window(site: Site) -> Sequence[Flow]:
    """A window of one step, or one that looks back on padding as wide as it (padding='causal')."""
    require_still(site.all_but(0), "its kernel")
    x = site.x
    if not isinstance(x, Along) or x.axis == 0:
        return outputs(site, plain(x))
    axis = _spatial(site, x)
    sizes = site.attrs.get("pool_size") or (site.types[1] or TensorType((), "")).shape
    back = ((sizes[axis] or 1) - 1) * [*site.attrs.get("dilation_rate", [1] * 9)][axis]
    if site.attrs["strides"][axis] != 1:
        raise Refused(f"it makes one step of {site.attrs['strides'][axis]}")
    if not back:
        return outputs(site, plain(x))
    if x.front is None or site.attrs["padding"] != "valid":
        raise Refused(f"its window of {back + 1} steps does not look back only; padding='causal' would")
    if x.front.steps != back:
        raise Refused(f"its window looks back {back} steps, on padding of {x.front.steps}")
    _look_back(site, x, x.front)
    return outputs(site, replace(x, front=None))


@rule("conv_transpose", "resize")
def spread_out(site: Site) -> Sequence[Flow]:
    """Each row by itself."""
    require_still(site.all_but(0), "its kernel")
    x = plain(site.x)
    if isinstance(x, Along) and x.axis > 0:
        _spatial(site, x)
        raise Refused("it makes other steps of the steps")
    return outputs(site, x)


def _spatial(site: Site, x: Along) -> int:
    """Return which of the spatial axes has the steps."""
    first = site.attrs["data_format"] == "channels_first"
    if x.axis == (1 if first else site.rank() - 1):
        raise Refused("it mixes the steps: they stand where it has its channels")
    return x.axis - (2 if first else 1)


def _look_back(site: Site, x: Along, front: Padding) -> None:
    """Put the last steps of before in front of these, and keep the last of both."""
    value, type_, axis = str(site.node.inputs[0]), site.types[0], x.axis
    assert type_ is not None  # noqa: S101  (the op requires it)
    shape: list[Any] = [f"like.{i}" if size is None else size for i, size in enumerate(type_.shape)]
    shape[axis] = front.steps
    start = site.op("full", "start", value, shape=shape, value=front.value, dtype=type_.dtype)
    name = f"{site.node.outputs[0]}:past"
    kept = TensorType((*type_.shape[:axis], front.steps, *type_.shape[axis + 1 :]), type_.dtype)
    whole = site.op("concatenate", "whole", site.state(name, kept, start), value, axis=axis)
    last: list[Any] = [[-front.steps, None, None] if i == axis else None for i in range(site.rank())]
    site.becomes(name, site.op("slice", "past", whole, slices=last))
    site.keep((whole, *site.node.inputs[1:]))
