"""Recurrent layers over cells of the author's own: the cell is followed for one step, which `scan` repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kconvert_schemas.graph import TensorType

from ..call import LayerCall
from ..emitter import Emitter
from ..errors import Unsupported
from ..registry import Registry
from ..structures import flatten
from ..symbol import Symbol
from .modules import Imported
from .tracing import Tracer

RNN = "keras.layers.RNN"


def follow_cells(registry: Registry, tracer: Tracer, imported: Imported) -> None:
    """Let the handler of RNN deal with imported cells as well."""
    known = registry.handlers[RNN]
    own = tuple(set(imported.classes.values()))

    def lower(call: LayerCall, emit: Emitter) -> Any:
        cell = getattr(tracer.live.get(call.layer.path), "cell", None)
        return _steps(call, emit, cell) if cell is not None and isinstance(cell, own) else known.lower(call, emit)

    lower.__doc__ = known.lower.__doc__
    registry.handlers[RNN] = replace(known, lower=lower)


def _steps(call: LayerCall, emit: Emitter, cell: Any) -> Any:
    config = call.config
    if "get_initial_state" in vars(type(cell)):
        raise Unsupported("its cell makes its own initial state, which is not followed")
    if config.bool("stateful", False) or config.bool("unroll", False):
        raise Unsupported("it is stateful or unrolled around a cell of its own; build it without")
    inputs = call.inputs
    given = list(inputs[1:]) if isinstance(inputs, (list, tuple)) and len(inputs) > 1 else call.get("initial_state")
    x = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
    states = _zeros(emit, x, cell) if given is None else [s for s in flatten(given) if isinstance(s, Symbol)]
    sequence, last, *finals = _scanned(call, emit, x, states)
    y = (sequence if config.bool("return_sequences", False) else last).with_mask(None)
    return (y, *finals) if config.bool("return_state", False) else y


def _zeros(emit: Emitter, x: Symbol, cell: Any) -> list[Symbol]:
    """Return the states that a sequence starts from."""
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    dtype = emit.layer.policy.compute
    shapes = [list(size) if isinstance(size, (list, tuple)) else [size] for size in sizes]
    return [emit.op("full", x, shape=["like.0", *shape], value=0.0, dtype=dtype) for shape in shapes]


def _scanned(call: LayerCall, emit: Emitter, x: Symbol, states: list[Symbol]) -> Any:
    child = emit.child(call.config["cell"], "cell")
    types = {"x": TensorType((x.shape[0], *x.shape[2:]), x.dtype)}
    types |= {f"state_{i}": state.type for i, state in enumerate(states)}
    mask = call.mask
    while isinstance(mask, (list, tuple)):
        mask = mask[0] if mask else None

    def step(x: Symbol, *before: Symbol) -> list[Symbol]:
        y, after = emit.call(child, x, list(before))
        found = [y, *flatten(after)]
        if len(found) != len(before) + 1:
            raise Unsupported(f"its cell gives {len(found) - 1} states for {len(before)}")
        return found

    body: Callable[..., Any] = emit.body(types, step)
    flags = {name: call.config.bool(name, False) for name in ("go_backwards", "zero_output_for_mask")}
    return emit.op("scan", x, None if mask is None else emit.cast(mask, "bool"), *states, body=body, **flags)
