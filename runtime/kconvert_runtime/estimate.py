"""What running a model on inputs of given shapes takes, told without running it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kconvert_schemas.check import least_bytes
from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.errors import InputError
from kconvert_schemas.graph import Port, TensorType
from kconvert_schemas.opspec import OpError

from .parallel import workers
from .plan import needed_nodes
from .plans import Shares
from .sizes import VIEWS
from .steps import Plan
from .tuned.specialise import concrete_types
from .work import multiply_adds

if TYPE_CHECKING:
    from .model import Model


@dataclass(frozen=True, slots=True)
class Estimate:
    """The work and the memory of one run.

    multiply_adds: of products, convolutions and recurrent layers, those within `uncounted` loops (`scan`) left out.
    weights, values: bytes of the weights and of all arrays that the run holds at once, inputs and outputs included.
    prepared: bytes of weights that were folded or put in another order when planning, beside the weights as they are.
    memory: these three; kernels hold some megabytes to work in besides, in each thread. all_values: bytes of all
    values, if none of them shared its memory.
    """

    inputs: dict[str, list[int]]
    outputs: dict[str, list[int | None]]
    multiply_adds: int
    uncounted: int
    weights: int
    prepared: int
    values: int
    all_values: int
    memory: int


def estimate(model: Model, shapes: Sequence[tuple[int, ...]]) -> Estimate:
    """Return what a run on inputs of these shapes, in the order of the inputs, takes; InputError if they do not fit."""
    graph = model.graph
    ports = [port.value for port in graph.outputs.ports]
    nodes = needed_nodes(graph.nodes, ports)
    given = [_stand_in(port, shape) for port, shape in zip(graph.inputs.ports, shapes, strict=True)]
    try:
        types = concrete_types(graph, nodes, shapes)
    except OpError as error:
        raise InputError(f"The model cannot run on inputs of these shapes: {error}.") from error
    way, prepared = _planned(model, given)
    work = [
        multiply_adds(node, [None if name is None else _shape(types[name]) for name in node.inputs],
                      _shape(types[node.outputs[0]]))
        for node in nodes
    ]  # fmt: skip
    weights = sum(least_bytes(weight.type) for weight in graph.weights.values())
    inputs = sum(least_bytes(types[port.value]) for port in graph.inputs.ports)
    if isinstance(way, Shares):
        results = sum(least_bytes(types[value]) for value in ports)
        part = concrete_types(graph, nodes, way.largest(shapes))
        held = 2 * results + min(workers(), len(way.plans)) * max(_buffers(plan, part) for plan in way.plans)
    else:
        held = _buffers(way, types) + sum(least_bytes(type_) for type_, buffer in way.memory.arrays if buffer is None)
    values = inputs + held
    return Estimate(
        {port.name: list(shape) for port, shape in zip(graph.inputs.ports, shapes, strict=True)},
        {port.name: list(types[port.value].shape) for port in graph.outputs.ports},
        sum(work),
        sum(node.op == "scan" for node in nodes),
        weights,
        prepared,
        values,
        inputs + sum(least_bytes(types[value]) for node in nodes for value in node.outputs),
        weights + prepared + values,
    )


def _planned(model: Model, given: Sequence[Array]) -> tuple[Plan | Shares, int]:
    """Return how it is run, and the bytes that planning has left in memory: NumPy tells tracemalloc of its arrays."""
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    way = model.way_for(given)
    after, _ = tracemalloc.get_traced_memory()
    if not was_tracing:
        tracemalloc.stop()
    return way, max(after - before, 0)


def _buffers(plan: Plan, types: Mapping[str, TensorType]) -> int:
    """Return the bytes that a run of the plan holds, without what leaves it."""
    return sum(plan.memory.sizes) + _fresh(plan, types)


def _fresh(plan: Plan, types: Mapping[str, TensorType]) -> int:
    """Return the most bytes held at once in arrays that kernels return, which lie in no buffer of the plan."""
    live: dict[int, int] = {}
    most = 0
    for step in plan.steps:
        if step.fills is None and step.node.op not in VIEWS:
            live.update((slot, least_bytes(types[v])) for slot, v in zip(step.outputs, step.node.outputs, strict=False))
            most = max(most, sum(live.values()))
        for slot in step.frees:
            live.pop(slot, None)
    return most


def _stand_in(port: Port, shape: tuple[int, ...]) -> Array:
    """Return an array of the shape that takes no memory."""
    from .inputs import fit

    try:
        array = np.broadcast_to(np.zeros((), holder(port.type.dtype)), shape)
    except ValueError as error:
        raise InputError(f"No array has this shape: {error}.") from error
    return fit(port, array)


def _shape(type_: TensorType) -> tuple[int, ...]:
    return tuple(n or 0 for n in type_.shape)
