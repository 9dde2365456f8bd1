"""Ops that work element by element, or along axes of their own: steps stay apart where time is none of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kconvert_schemas.ops import activation, elementwise
from kconvert_schemas.ops.rules import axes_of

from .flow import STILL, Along, Flow, Refused
from .registry import rule
from .site import Site, merged, outputs, plain, require_still

OWN_RULES = ("view",)
POINTWISE = (
    *(s.name for s in (*elementwise.OPS, *activation.OPS)
      if not {"axis", "axes"} & s.attrs.keys() and s.name not in OWN_RULES),
    "stop_gradient", "dropout", "alpha_dropout", "gaussian_dropout", "gaussian_noise", "one_hot", "complex", "real",
    "imag", "standardize_text", "hash_bucket",
)  # fmt: skip
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "any", "all", "argmax", "argmin")
ALONG = ("softmax", "log_softmax", "sparsemax", "glu", "cumsum", "cumprod", "flip", "fft", "argsort", "unpack_bits")
MATRICES = ("cholesky", "qr", "svd", "slogdet", "solve")


@rule(*POINTWISE)
def pointwise(site: Site) -> Sequence[Flow]:
    """Inputs are broadcast; the steps must stand on one axis of the result."""
    return outputs(site, merged(aligned(site)))


def aligned(site: Site) -> list[Flow]:
    """Return the flows of the inputs with their axes counted as in the broadcast result."""
    ranks = [site.rank(i) for i in range(len(site.flows))]
    rank = max(ranks, default=0)
    flows = [
        replace(flow, axis=flow.axis + rank - own) if isinstance(flow, Along) else flow
        for flow, own in zip((site.flow(i) for i in range(len(ranks))), ranks, strict=True)
    ]
    for flow in flows:
        if isinstance(flow, Along):
            require_broadcast(site, flows, rank - flow.axis)
    return flows


def require_broadcast(site: Site, flows: Sequence[Flow], behind: int) -> None:
    """Refuse a still input that has its own number for each step, `behind` axes from the end."""
    for flow, type_ in zip(flows, site.types, strict=True):
        if flow is STILL and type_ is not None and len(type_.shape) >= behind and type_.shape[-behind] != 1:
            raise Refused(f"it joins the steps with a fixed value of {type_.shape[-behind] or 'so many'} steps")


@rule("view")
def view(site: Site) -> Sequence[Flow]:
    """The last axis grows or shrinks."""
    flow = plain(site.x)
    if isinstance(flow, Along) and flow.axis == site.rank() - 1:
        raise Refused("it joins the bytes of several steps, or parts those of one")
    return outputs(site, flow)


@rule(*REDUCTIONS)
def reduction(site: Site) -> Sequence[Flow]:
    """Axes other than that of time may go."""
    flow = plain(site.x)
    if not isinstance(flow, Along):
        return outputs(site, flow)
    axes = _own_axes(site, flow)
    gone = 0 if site.attrs["keepdims"] else sum(axis < flow.axis for axis in axes)
    return outputs(site, replace(flow, axis=flow.axis - gone))


@rule(*ALONG)
def along(site: Site) -> Sequence[Flow]:
    """What happens along axes other than that of time happens at each step."""
    flow = plain(site.x)
    if isinstance(flow, Along):
        _own_axes(site, flow)
    return outputs(site, flow)


@rule("batch_norm", "layer_norm")
def normalization(site: Site) -> Sequence[Flow]:
    """Statistics of other axes, or stored ones."""
    require_still(site.all_but(0), "its scale or its statistics")
    return along(site)


@rule("concatenate", "take_along_axis")
def side_by_side(site: Site) -> Sequence[Flow]:
    """Inputs of one rank, with the steps on one axis, which is not the op's."""
    flow = merged(site.all_but())
    if isinstance(flow, Along):
        _own_axes(site, flow)
        require_broadcast(site, site.all_but(), site.rank() - flow.axis)
        if site.node.op == "concatenate" and STILL in site.all_but():
            raise Refused("it joins a fixed value to every step")
    return outputs(site, flow)


@rule(*MATRICES)
def matrices(site: Site) -> Sequence[Flow]:
    """Each matrix, the last two axes, by itself."""
    flow = merged(site.all_but())
    if isinstance(flow, Along) and (flow.axis >= site.rank() - 2 or len(set(site.all_but())) > 1):
        raise Refused("its matrices are made of steps, or meet a fixed one")
    return outputs(site, flow)


@rule("lookup", "searchsorted")
def searched(site: Site) -> Sequence[Flow]:
    """Each element is looked for in what is fixed."""
    index = [*site.names].index("x")
    require_still(site.all_but(index), "what it searches")
    return outputs(site, plain(site.flow(index)))


def _own_axes(site: Site, flow: Along) -> tuple[int, ...]:
    """Return the axes that the op works along; Refused where time is one of them."""
    attrs = site.attrs
    axes = axes_of([attrs["axis"]] if "axis" in attrs else attrs["axes"], site.rank())
    if flow.axis in axes:
        raise Refused("it works along the axis of time, over all steps at once")
    return axes
