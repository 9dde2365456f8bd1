"""Products, and rows picked from tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .flow import Along, Flow, Refused
from .pointwise import aligned
from .registry import rule
from .site import Site, merged, outputs, plain

SUMS = "its products sum over the steps, or set them beside each other"


@rule("matmul")
def matmul(site: Site) -> Sequence[Flow]:
    """x may have the steps on any axis but the last, y on any but the one before; both only before these two."""
    x, y = site.flow(0), site.flow(1)
    if isinstance(x, Along) and x.axis == site.rank(0) - 1:
        raise Refused(SUMS)
    if isinstance(y, Along) and (y.axis == site.rank(1) - 2 or site.rank(0) == 1):
        raise Refused(SUMS)
    rank = max(site.rank(0), site.rank(1))
    inner = [isinstance(flow, Along) and flow.axis >= site.rank(i) - 2 for i, flow in enumerate((x, y))]
    flows: list[Flow] = [
        replace(flow, axis=flow.axis + rank - site.rank(i)) if isinstance(flow, Along) else flow
        for i, flow in enumerate((x, y))
    ]
    if any(inner):
        if isinstance(x, Along) and isinstance(y, Along):
            raise Refused(SUMS)
        return outputs(site, merged(flows))
    return outputs(site, merged(aligned(site)))


@rule("einsum")
def einsum(site: Site) -> Sequence[Flow]:
    """The steps keep one letter from the inputs to the result."""
    ends, result = str(site.attrs["equation"]).split("->")
    terms = ends.split(",")
    flow = merged([replace(f, axis=0) if isinstance(f, Along) else f for f in site.all_but()])
    if not isinstance(flow, Along):
        return outputs(site, flow)
    letters = {term[f.axis] for term, f in zip(terms, site.all_but(), strict=True) if isinstance(f, Along)}
    if len(letters) > 1 or not letters <= set(result):
        raise Refused(SUMS)
    (letter,) = letters
    for term, f, type_ in zip(terms, site.all_but(), site.types, strict=True):
        if not isinstance(f, Along) and letter in term and type_ is not None and type_.shape[term.index(letter)] != 1:
            raise Refused("it joins the steps with a fixed value of as many steps")
    return outputs(site, replace(flow, axis=result.index(letter)))


@rule("take")
def take(site: Site) -> Sequence[Flow]:
    """Rows of a table for each step, or the same rows of every step."""
    axis = site.attrs["axis"] % max(site.rank(), 1)
    x, indices = plain(site.flow(0)), plain(site.flow(1))
    flow = merged([replace(f, axis=0) if isinstance(f, Along) else f for f in (x, indices)])
    if isinstance(x, Along) and isinstance(indices, Along):
        raise Refused("it picks steps by steps")
    if isinstance(x, Along) and x.axis == axis:
        raise Refused("it picks some of the steps")
    if isinstance(indices, Along) and isinstance(flow, Along):
        flow = replace(flow, axis=axis + indices.axis)
    elif isinstance(x, Along) and isinstance(flow, Along):
        flow = replace(flow, axis=x.axis if x.axis < axis else x.axis + site.rank(1) - 1)
    return outputs(site, flow)
