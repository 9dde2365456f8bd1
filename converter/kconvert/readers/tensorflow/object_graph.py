"""The graph of objects in a checkpoint: which variable is which attribute of which layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kconvert_schemas.errors import ModelFileError, show

from . import protobuf
from .bundle import Bundle
from .protobuf import Damaged

KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "VARIABLE_VALUE"


@dataclass(frozen=True, slots=True)
class Node:
    """An object: its attributes that are objects, by name, and the keys of its own tensors."""

    children: Mapping[str, int]
    keys: Mapping[str, str]
    full_name: str


@dataclass(frozen=True, slots=True)
class ObjectGraph:
    """The objects of a checkpoint; the first is what was saved."""

    nodes: Sequence[Node]
    visited: list[int] = field(default_factory=lambda: [0])
    """How many objects `within` has gone through."""

    def child(self, node: int | None, *names: str) -> int | None:
        """Return the object at a path of attributes, each of which may be private; None where there is none."""
        for name in names:
            if node is None:
                return None
            children = self.nodes[node].children
            node = children.get(name, children.get(f"_{name}"))
        return node

    def key(self, node: int | None) -> str | None:
        """Return the key of a variable; None for another object."""
        return None if node is None else self.nodes[node].keys.get(VALUE)

    def within(self, node: int) -> list[int]:
        """Return an object and all that it consists of."""
        found, stack = {node: None}, [node]
        while stack:
            for child in self.nodes[stack.pop()].children.values():
                if child not in found:
                    found[child] = None
                    stack.append(child)
        self.visited[0] += len(found)
        if self.visited[0] > protobuf.FIELDS:
            raise ModelFileError("The checkpoint's graph of objects leads to the same objects too often.")
        return list(found)


def read_object_graph(bundle: Bundle) -> ObjectGraph:
    """Return the objects of a checkpoint; ModelFileError for one that names its variables only."""
    if KEY not in bundle.entries:
        raise ModelFileError(
            f"{show(bundle.prefix)} is a checkpoint of TensorFlow 1, which names variables but no layers. Load it with "
            "the code that wrote it and save the model with `model.save('model.keras')`."
        )
    data = b"".join(bundle.strings(KEY))
    try:
        graph = ObjectGraph([_node(message) for message in protobuf.messages(data, 1)])
    except Damaged as error:
        raise ModelFileError(f"{show(bundle.prefix)}: its graph of objects is damaged: {error}.") from error
    if not graph.nodes or any(c >= len(graph.nodes) for node in graph.nodes for c in node.children.values()):
        raise ModelFileError(f"{show(bundle.prefix)}: its graph of objects names an object that is not there.")
    return graph


def _node(message: memoryview) -> Node:
    children, keys, full_name = {}, {}, ""
    for child in protobuf.messages(message, 1):
        children[protobuf.text(child, 2)] = protobuf.numbers(child).get(1, 0)
    for attribute in protobuf.messages(message, 2):
        keys[protobuf.text(attribute, 1)] = protobuf.text(attribute, 3)
        full_name = protobuf.text(attribute, 2) or full_name
    return Node(children, keys, full_name)
