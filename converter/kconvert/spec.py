"""What a model file says, in one form for every dialect: frozen data, no verbs.

Readers bring each dialect to the config that Keras 3 writes; `modelspec` turns that config into these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import show
from kconvert_schemas.graph import Source, Structure, TensorType

REPETITIONS = 4
"""Most repetitions in a regular expression of a model file that is tried on paths."""


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
class Quantization:
    """How a layer is quantized: by 'int8', 'int4', 'float8', 'gptq' or 'awq', to `bits` for each weight.

    group: how many rows of a kernel share a scale; None for all of them.
    """

    mode: str
    bits: int
    group: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A dtype policy: layers compute in `compute` and keep their variables in `variable`, quantized ones as integers.

    problem: why no layer can have it.
    """

    name: str
    compute: str
    variable: str
    quantization: Quantization | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PolicyMap:
    """Dtype policies by the path that Keras gives a layer, or by a regular expression for whole paths."""

    default: Policy
    entries: Mapping[str, Policy]

    def at(self, path: str) -> Policy:
        """Return the policy of the layer at `path`; with a `problem` where several fit or a pattern is not safe."""
        if path in self.entries:
            return self.entries[path]
        unsafe = next((pattern for pattern in self.entries if not _is_safe(pattern)), None)
        if unsafe is not None:
            problem = f"its map of dtype policies has the pattern {show(unsafe)}, which is not one to try on any text"
            return replace(self.default, problem=problem)
        found = [policy for pattern, policy in self.entries.items() if re.fullmatch(pattern, path)]
        if len(found) > 1:
            return replace(found[0], problem=f"its path {path!r} fits several entries of its map of dtype policies")
        return found[0] if found else self.default


def _is_safe(pattern: str) -> bool:
    """Whether a regular expression is valid and cannot run for ages: few repetitions, none of groups."""
    if re.search(r"\)[*+?{]|\(\?|\\[1-9]", pattern) or len(re.findall(r"[*+{]", pattern)) > REPETITIONS:
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer, or one operation such as `keras.ops.Add`.

    key: the registered name that plugins convert: 'keras.layers.Dense', 'keras.ops.Add', 'acme>Swish'.
    path: layer names from the outermost model down, joined by '/'.
    address: where its variables stand in the weights file.
    model: set for Functional and Sequential models.
    module: the Python module that its class was in, where the file says.
    scope: the path that Keras gives it, which maps of dtype policies go by. policies: the map it has as its dtype.
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
    scope: str = ""
    policies: PolicyMap | None = None

    def policy_of(self, name: str) -> Policy:
        """Return the policy of a layer `name` that this one makes with its own dtype."""
        return self.policy if self.policies is None else self.policies.at(f"{self.scope}/{name}")

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
