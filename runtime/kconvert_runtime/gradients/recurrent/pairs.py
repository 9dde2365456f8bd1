"""The pairs of recurrent ops: kernel and VJP in one, and two directions in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.opset import find_op

from ...plan import unaries
from ...registry import KERNELS, VJPS, pair
from .cells import GruCell, LstmCell, SimpleCell
from .loop import Cell, ready, run

CELLS: dict[str, type[Cell]] = {"lstm": LstmCell, "gru": GruCell, "simple_rnn": SimpleCell}


def is_default(op: str, attrs: Mapping[str, Any]) -> bool:
    """Tell whether there is a cell for these activations."""
    gates = [(attrs["recurrent_activation"], "sigmoid")] if "recurrent_activation" in attrs else []
    return ready((attrs["activation"], "tanh"), *gates) and bool(attrs.get("reset_after", True))


def _pair(
    op: str, wanted: Sequence[bool], x: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None = None,
    mask: Array | None = None, *states: Array | None, **attrs: Any,
) -> tuple[tuple[Array, ...], Callable[..., Any]]:  # fmt: skip
    """One direction; by kernel and VJP where the activations are others."""
    if not is_default(op, attrs):
        return _plain(op, (x, kernel, recurrent_kernel, bias, mask, *states), attrs)
    started = (*states, None, None)[: 2 if op == "lstm" else 1]
    options = bool(attrs["go_backwards"]), attrs["zero_output_for_mask"]
    weights = [(kernel, recurrent_kernel, bias)]
    y, back = run(CELLS[op], x, weights, mask, started, (options[0],), options[1])
    return y, lambda *g: back(*g)[0]


def _plain(op: str, inputs: Sequence[Any], attrs: Mapping[str, Any]) -> tuple[Any, Callable[..., Any]]:
    spec = find_op(op)
    assert spec is not None  # noqa: S101  (a built-in op)
    y = KERNELS[op](*inputs, **unaries(spec, attrs))

    def back(*g: Array | None) -> Any:
        whole = tuple(one * 0 if by is None else by for by, one in zip(g, y, strict=True))
        return VJPS[op](whole, y, *inputs, **attrs)

    return y, back


for _op in CELLS:
    pair(_op)(partial(_pair, _op))


def both(
    op: str, wanted: Sequence[bool], x: Array, mask: Array | None, *weights: Array | None, zero_output_for_mask: bool,
    **attrs: Any,
) -> tuple[tuple[Array, ...], Callable[..., Any]]:  # fmt: skip
    """Two directions over x, from zeros: the weights of the one that goes forwards first."""
    halves: list[Any] = [weights[:3], weights[3:]]
    states = [None] * (2 if op == "lstm" else 1)
    y, back = run(CELLS[op], x, halves, mask, states, (False, True), zero_output_for_mask)

    def both_back(*g: Array | None) -> Any:
        forward, backward = back(*g)
        return forward[0] + backward[0], None, *forward[1:4], *backward[1:4]

    return y, both_back
