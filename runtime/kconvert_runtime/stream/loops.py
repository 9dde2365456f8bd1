"""Recurrent ops: their states carry on, and under a mask the output before the first step of a chunk does, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .flow import LATEST, STILL, Along, Flow, Refused
from .registry import rule
from .site import Site, plain, require_still

LAYOUT = {"simple_rnn": (4, 5), "lstm": (4, 5), "gru": (4, 5), "scan": (1, 2)}
"""Where the mask stands among the inputs, and where the initial states begin."""
BACKWARDS = "it runs backwards, from the last step to the first"
STARTS = "it starts from a state that itself depends on the steps; let only the inputs of the later layer come in steps"


@rule(*LAYOUT)
def loop(site: Site) -> Sequence[Flow]:
    """Time on axis 1: the states carry on. Steps among the rows: each has a loop of its own."""
    at, first = LAYOUT[site.node.op]
    x, mask, states = plain(site.x), site.given(at), site.all_but()[first:]
    require_still(site.all_but()[1:at], "its kernel")
    if not isinstance(x, Along):
        require_still([x, *site.all_but()[1:]], "its mask or its initial state")
        return [STILL] * len(site.node.outputs)
    if x.axis == 0:
        return _row_by_row(site, x, [mask, *(site.given(first + i) for i in range(len(states)))])
    if x.axis != 1:
        raise Refused("it runs along another axis than that of the steps")
    if site.attrs["go_backwards"]:
        raise Refused(BACKWARDS)
    if mask is not None and not (isinstance(mask, Along) and mask.place == x.place):
        raise Refused("its mask is not one of the steps")
    if any(flow is not STILL for flow in states):
        raise Refused(STARTS)
    _carry(site, at, first)
    return [x, *[LATEST] * (len(site.node.outputs) - 1)]


def _row_by_row(site: Site, x: Along, others: Sequence[Flow | None]) -> list[Flow]:
    """Each step is a row with a sequence of its own along axis 1."""
    if site.node.op == "scan":
        raise Refused("it runs at each step over a sequence of the step, and may mix it with those of other steps")
    for flow in others:
        if flow is not None and not (isinstance(flow, Along) and flow.place == x.place):
            raise Refused("it runs at each step over a sequence of the step, with a mask or a state that is not of it")
    return [replace(x, front=None)] * len(site.node.outputs)


def _carry(site: Site, at: int, first: int) -> None:
    """Write the op with its states as inputs; they become its final states."""
    node = site.node
    inputs = [*node.inputs, *[None] * (first - len(node.inputs))]
    given = node.inputs[first:]
    before = []
    for i, final in enumerate(node.outputs[2:]):
        start = _zeros(site, final) if i >= len(given) or given[i] is None else _for_all_rows(site, first + i, final)
        before.append(site.state(final, site.outputs[2 + i], start))
        site.becomes(final, final)
    inputs[first:] = before
    masked = len(node.inputs) > at and node.inputs[at] is not None
    if not masked or site.attrs["zero_output_for_mask"]:
        site.keep(inputs)
        return
    _repeat(site, inputs, at, before[0] if node.op != "scan" and not any(given) else None)


def _zeros(site: Site, final: str) -> str:
    """Return zeros for a state of which no start is given."""
    type_, name = site.outputs[site.node.outputs.index(final)], f"{len(site.sketch.states)}/zeros"
    shape: list[Any] = ["like.0", *type_.shape[1:]]
    return site.op("full", name, str(site.node.inputs[0]), shape=shape, value=0, dtype=type_.dtype)


def _for_all_rows(site: Site, index: int, final: str) -> str:
    """Return an initial state, repeated where one is given for all rows."""
    value, type_ = str(site.node.inputs[index]), site.types[index]
    if type_ is None or type_.shape[0] is None or site.outputs[0].shape[0] is not None:
        return value
    shape: list[Any] = ["like.0", *type_.shape[1:]]
    return site.op("broadcast_to", f"{index}/rows", value, str(site.node.inputs[0]), shape=shape)


def _repeat(site: Site, inputs: Sequence[str | None], at: int, previous: str | None) -> None:
    """Where mask has been False since the chunk began, give the output before, for which the op itself gives 0.

    previous: the value with the output before the chunk; None: a state of its own.
    """
    sequence, last = site.node.outputs[:2]
    type_, rank = site.outputs[1], len(site.outputs[0].shape)
    if previous is None:
        previous = site.state(last, type_, _zeros(site, last))
        site.becomes(last, last)
    raw = site.renamed(inputs, (sequence, last))
    mask = str(inputs[at])
    count = site.op("cumsum", "unmasked", site.op("cast", "counted", mask, dtype="int32"), axis=1)
    seen = site.op("greater", "seen", count, site.op("constant", "none", value=0, dtype="int32"))
    mask_rank = site.rank(at)
    shown = site.op("reshape", "shown", seen, shape=[*(f"x.{i}" for i in range(mask_rank)), *[1] * (rank - mask_rank)])
    rest: list[Any] = [f"x.{i + 1}" for i in range(rank - 2)]
    held = site.op("reshape", "held", previous, shape=["x.0", 1, *rest])
    site.define(sequence, "where", shown, raw, held)
    end: list[Any] = [None, [-1, None, None], *[None] * (rank - 2)]
    final = site.op("slice", "end", sequence, slices=end)
    site.define(last, "reshape", final, shape=["x.0", *(f"x.{i + 2}" for i in range(rank - 2))])
