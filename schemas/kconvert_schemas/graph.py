"""The graph: frozen data, no verbs. FORMAT.md says what each field means on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .dims import Shape

Structure: TypeAlias = Any
"""How Keras nests tensors: a name, or a list, tuple or dict of structures."""

FORMAT = "kconvert"
VERSION = 1


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape (None where a size is known only when running) and dtype of a value."""

    shape: Shape
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join('?' if n is None else str(n) for n in self.shape)}]"


@dataclass(frozen=True, slots=True)
class Node:
    """One call of an op. `layer` is the path of the Keras layer it came from ('' for none)."""

    op: str
    name: str
    layer: str
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Weight:
    """What is known of a stored array; `source` is the path of its Keras variable."""

    type: TensorType
    trainable: bool
    source: str


@dataclass(frozen=True, slots=True)
class Port:
    """A named input or output of the model, and the value that carries it."""

    name: str
    value: str
    type: TensorType


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs or the outputs of a model, in Keras' order and structure (leaves are port names)."""

    structure: Structure
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A Keras layer of the source: where its outputs are, one tuple of values for each call."""

    class_name: str
    calls: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A subgraph in a node's attrs. It sees its own inputs and the weights of the graph around it."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    values: Mapping[str, TensorType]


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a value or weight v adds to the loss: l1 sum |v| + l2 sum v^2; by_batch: over the size of its first axis.

    rows, columns: factors of a matrix, of the mean over all pairs of its rows (or columns), normalised, of |their dot
    product|, which is least where they are orthogonal.
    """

    value: str
    l1: float
    l2: float
    by_batch: bool
    rows: float = 0.0
    columns: float = 0.0


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a weight w is made to be after each step.

    non_negative: max(w, 0). Then, with the norms n of w over `axes`, w (rate clip(n, least, most) + (1 - rate) n) / n.
    """

    weight: str
    non_negative: bool = False
    axes: tuple[int, ...] = ()
    least: float = 0.0
    most: float = 0.0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """Dropout within a recurrent node: the rates for its inputs and its states, the same elements at each step.

    gates: how many decisions there are for each element, one after another for equal parts of what the kernels give.
    """

    node: str
    inputs: float
    states: float
    gates: int


@dataclass(frozen=True, slots=True)
class Spectral:
    """A weight that is divided by its spectral norm before each step, found by `iterations` from `vector`."""

    weight: str
    vector: str
    iterations: int


@dataclass(frozen=True, slots=True)
class Training:
    """What only training needs.

    penalties: what the layers add to the loss. masks: output port -> the value with its mask. refused: path of a layer
    -> why training it here would not be what Keras does. constraints, dropped, spectral: see there. norm_masks: name of
    a batch_norm node -> the value with the mask of its input, for its statistics. frozen: names of the batch_norm nodes
    that act as when running. norm_steps: name of a batch_norm node -> how many time steps its rows are joined of (batch
    times steps): each step is normalised by itself, one after another.
    """

    penalties: tuple[Penalty, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    spectral: tuple[Spectral, ...] = ()
    norm_masks: Mapping[str, str] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    norm_steps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """The model file that a graph came from."""

    file: str
    sha256: str
    keras_version: str
    container: str


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole model. Nodes stand in an order in which they can run."""

    inputs: Signature
    outputs: Signature
    nodes: tuple[Node, ...]
    values: Mapping[str, TensorType]
    weights: Mapping[str, Weight]
    layers: Mapping[str, Layer] = field(default_factory=dict)
    opsets: Mapping[str, int] = field(default_factory=dict)
    source: Source = Source("", "", "", "")
    producer: str = ""
    training: Training = Training()
    weights_sha256: str = ""
    """SHA-256 of weights.npz as 64 hexadecimal digits, "" where it is not stated."""

    def type_of(self, value: str) -> TensorType:
        """Return the type of a value, an input or a weight; KeyError for an unknown name."""
        if value in self.values:
            return self.values[value]
        if value in self.weights:
            return self.weights[value].type
        return {port.value: port.type for port in self.inputs.ports}[value]
