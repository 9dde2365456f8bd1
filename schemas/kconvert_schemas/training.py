"""The member `training` of graph.json: on disk, and the rules that it obeys. What is empty is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import partial
from typing import Any

from .cursor import Cursor
from .dtypes import FLOATS
from .errors import show
from .graph import Body, Constraint, Dropped, Graph, Node, Penalty, Spectral, TensorType, Training

RECURRENT = {"simple_rnn": (1,), "lstm": (1, 4), "gru": (1, 3)}
"""Ops with dropout inside -> in how many parts they can decide it."""


def numbers(cursor: Cursor) -> tuple[int, ...]:
    """Return a list of integers of at least 0."""
    return cursor.items(Cursor.number)


RECORDS: dict[str, tuple[type[Any], dict[str, Callable[[Cursor], Any]]]] = {
    "penalties": (
        Penalty,
        {
            "value": Cursor.name,
            "l1": Cursor.factor,
            "l2": Cursor.factor,
            "by_batch": Cursor.flag,
            "rows": Cursor.factor,
            "columns": Cursor.factor,
        },
    ),
    "constraints": (
        Constraint,
        {
            "weight": Cursor.name,
            "non_negative": Cursor.flag,
            "axes": numbers,
            "least": Cursor.factor,
            "most": Cursor.factor,
            "rate": Cursor.factor,
        },
    ),
    "dropped": (
        Dropped,
        {"node": Cursor.name, "inputs": Cursor.factor, "states": Cursor.factor, "gates": Cursor.number},
    ),
    "spectral": (Spectral, {"weight": Cursor.name, "vector": Cursor.name, "iterations": Cursor.number}),
}
"""The lists of records: what an entry becomes, and how each of its members is read."""


def required(kind: type[Any]) -> set[str]:
    """Return the members that an entry must have: those without a default."""
    return {field.name for field in fields(kind) if field.default is MISSING}


def encode_training(training: Training) -> dict[str, Any]:
    """Return the JSON form, without what is empty."""
    records = {name: [_encode(record) for record in getattr(training, name)] for name in RECORDS}
    rest = {
        "masks": dict(training.masks),
        "norm_masks": dict(training.norm_masks),
        "norm_steps": dict(training.norm_steps),
        "frozen": list(training.frozen),
        "refused": dict(training.refused),
    }
    return {name: value for name, value in {**records, **rest}.items() if value}


def _encode(record: Any) -> dict[str, Any]:
    given = {field.name: (getattr(record, field.name), field.default) for field in fields(record)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, (value, default) in given.items()
        if value != default
    }


def decode_training(cursor: Cursor) -> Training:
    """Return what the JSON form describes; GraphError at the first thing that is not as FORMAT.md says."""
    lists = {name: cursor.take(name) for name in RECORDS} if isinstance(cursor.value, dict) else {}
    found: dict[str, Any] = {
        name: part.items(partial(_decode, *RECORDS[name])) for name, part in lists.items() if part is not None
    }
    maps: dict[str, Callable[[Cursor], Any]] = {
        "masks": Cursor.name,
        "norm_masks": Cursor.name,
        "norm_steps": Cursor.number,
        "refused": Cursor.text,
    }
    for name, item in maps.items():
        part = cursor.take(name) if isinstance(cursor.value, dict) else None
        if part is not None:
            found[name] = part.mapping(item)
    frozen = cursor.take("frozen") if isinstance(cursor.value, dict) else None
    if frozen is not None:
        found["frozen"] = frozen.items(Cursor.name)
    cursor.fields()
    return Training(**found)


def _decode(kind: type[Any], readers: Mapping[str, Callable[[Cursor], Any]], cursor: Cursor) -> Any:
    needed = required(kind)
    optional = [name for name in readers if name not in needed] if isinstance(cursor.value, dict) else []
    parts = {name: cursor.take(name) for name in optional}
    parts.update(zip(sorted(needed), cursor.fields(*sorted(needed)), strict=True))
    return kind(**{name: readers[name](part) for name, part in parts.items() if part is not None})


def training_problems(graph: Graph, known: Mapping[str, TensorType]) -> list[str]:
    """Return the rules that `training` breaks: what it names must be there, and be of the kind that is needed."""
    training, problems = graph.training, []
    for penalty in training.penalties:
        type_ = known.get(penalty.value)
        if type_ is None or type_.dtype not in FLOATS:
            problems.append(f"a penalty is of {show(penalty.value)}, which is no value of floats")
        elif (penalty.rows or penalty.columns) and len(type_.shape) != 2:
            problems.append(f"a penalty on rows or columns is of {show(penalty.value)}, which is no matrix")
    ports = {port.name for port in graph.outputs.ports}
    for port, value in training.masks.items():
        if port not in ports or value not in known or known[value].dtype != "bool":
            problems.append(f"{show(value)} is no mask of bools for an output {show(port)}")
    nodes = {node.name: node for node in _nodes(graph.nodes)}
    return [f"training: {text}" for text in (*problems, *_of_weights(graph), *_of_nodes(training, nodes, known))]


def _of_weights(graph: Graph) -> list[str]:
    problems = []
    for constraint in graph.training.constraints:
        weight = graph.weights.get(constraint.weight)
        if weight is None or weight.type.dtype not in FLOATS:
            problems.append(f"a constraint is of {show(constraint.weight)}, which is no weight of floats")
        elif any(axis >= len(weight.type.shape) for axis in constraint.axes):
            problems.append(f"the constraint of {show(constraint.weight)} has axes that it has not")
    for one in graph.training.spectral:
        pair = [graph.weights.get(name) for name in (one.weight, one.vector)]
        shapes = [weight.type.shape for weight in pair if weight is not None and weight.type.dtype in FLOATS]
        if len(shapes) < 2 or not shapes[0] or shapes[1] != (1, shapes[0][-1]):
            problems.append(f"{show(one.vector)} is no vector for the spectral norm of a weight {show(one.weight)}")
    return problems


def _of_nodes(training: Training, nodes: Mapping[str, Node], known: Mapping[str, TensorType]) -> list[str]:
    problems = []
    for dropped in training.dropped:
        node = nodes.get(dropped.node)
        if node is None or dropped.gates not in RECURRENT.get(node.op, ()):
            problems.append(f"{show(dropped.node)} is no recurrent node with dropout in {dropped.gates} parts")
    norms = {name for name, node in nodes.items() if node.op == "batch_norm"}
    for name, value in training.norm_masks.items():
        if name not in norms or value not in known or known[value].dtype != "bool":
            problems.append(f"{show(value)} is no mask of bools for a batch_norm {show(name)}")
    problems += [f"{show(name)} is no batch_norm" for name in training.frozen if name not in norms]
    for name, steps in training.norm_steps.items():
        if name not in norms or not steps:
            problems.append(f"{show(name)} is no batch_norm over {steps} steps")
    return problems


def _nodes(nodes: tuple[Node, ...]) -> list[Node]:
    """Return nodes with those in their bodies."""
    found = list(nodes)
    for node in nodes:
        for value in node.attrs.values():
            if isinstance(value, Body):
                found += _nodes(value.nodes)
    return found
