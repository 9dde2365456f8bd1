"""What a model file says, in one form for every dialect: frozen data, no verbs.

Readers bring each dialect to the config that Keras 3 writes; `modelspec` turns that config into these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Source, Structure, TensorType


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor of a Functional model: output `tensor` of call `node` of layer `layer`; its type if the file says."""

    layer: str
    node: int
    tensor: int
    type: TensorType | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ArrayConstant:
    """An array that stands in the arguments of a call, as nested lists."""

    value: Any
    dtype: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A dtype policy: layers compute in `compute` and keep their variables in `variable`."""

    name: str
    compute: str
    variable: str


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer, or one operation such as `keras.ops.Add`.

    key: the registered name that plugins convert: 'keras.layers.Dense', 'keras.ops.Add', 'acme>Swish'.
    path: layer names from the outermost model down, joined by '/'.
    address: where its variables stand in the weights file.
    model: set for Functional and Sequential models.
    module: the Python module that its class was in, where the file says.
    """

    key: str
    class_name: str
    name: str
    path: str
    address: str
    config: Mapping[str, Any]
    policy: Policy
    build_config: Mapping[str, Any] = field(default_factory=dict)
    model: ModelSpec | None = None
    module: str = ""

    @property
    def is_operation(self) -> bool:
        """Whether this is a node of `keras.ops` rather than a layer."""
        return self.key.startswith("keras.ops.")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer in a Functional model; leaves of args and kwargs may be TensorRefs."""

    layer: LayerSpec
    node: int
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An InputLayer: its tensor's name, type and place in the graph."""

    name: str
    type: TensorType
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A Functional model, or a Sequential one written as a chain of calls.

    inputs and outputs are structures of TensorRefs. A Sequential that never saw an input has none; its
    chain then starts from whatever it is called with.
    """

    name: str
    layers: tuple[LayerSpec, ...]
    calls: tuple[Call, ...]
    input_layers: Mapping[str, InputSpec]
    inputs: Structure
    outputs: Structure


@dataclass(frozen=True, slots=True)
class StoredWeight:
    """A variable in the file: its type, and how to read it."""

    type: TensorType
    read: Callable[[], Array]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """All that was read from a file. `weights` is keyed by Keras 3's addresses, such as 'layers/dense/vars/0'.

    problems: what does not fit between the architecture and the weights: a reason -> the layers it concerns.
    """

    root: LayerSpec
    weights: Mapping[str, StoredWeight]
    assets: Mapping[str, bytes]
    source: Source
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)
