"""The pen that plugins write with: ops, weights, constants, and calls of nested layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kconvert_schemas.dims import Shape
from kconvert_schemas.dtypes import COMPLEXES, Array, cast
from kconvert_schemas.errors import show
from kconvert_schemas.graph import Dropped, Spectral, TensorType
from kconvert_schemas.ops.normalization import TRAINING_ONLY
from kconvert_schemas.opspec import OpError

from . import activations, penalties
from .call import LayerCall
from .config import Config
from .errors import Unsupported
from .modelspec import build_layer, join, place
from .spec import LayerSpec, StoredWeight
from .symbol import Symbol

if TYPE_CHECKING:
    from .lowering import Lowering


class Emitter:
    """Writes the ops of one layer call into the graph."""

    def __init__(self, lowering: Lowering, layer: LayerSpec) -> None:
        self._lowering = lowering
        self.layer = layer

    @property
    def calls(self) -> int:
        """How many calls of this layer stand in the graph already: a layer may be shared."""
        return len(self._lowering.builder.layers.get(self.layer.path, ("", []))[1])

    def op(self, op: str, *inputs: Symbol | None, **attrs: Any) -> Any:
        """Write a call of `op`; returns its output, or a tuple for an op with several.

        Inputs stand in the order of the op table, None for an optional one that is left out; numbers have to
        be made values by `constant`. Raises Unsupported when the op table does not allow these inputs and
        attributes.
        """
        stranger = next((x for x in inputs if x is not None and not isinstance(x, Symbol)), None)
        if stranger is not None:
            raise TypeError(f"{op} takes symbols, got {stranger!r:.60}; write emit.constant(value, dtype) for numbers")
        try:
            outputs = self._lowering.builder.node(op, inputs, attrs, self.layer.path)
        except OpError as error:
            raise Unsupported(str(error)) from error
        if op in TRAINING_ONLY and inputs[0] is not None:  # Keras hands on the tensor itself
            self._lowering.same[outputs[0].name] = self._lowering.same.get(inputs[0].name, inputs[0].name)
        return outputs[0] if len(outputs) == 1 else outputs

    def source(self, x: Symbol) -> tuple[str, Symbol] | None:
        """Return the op that gave `x`, and its first input; None for an input of the model, a weight or a constant."""
        return self._lowering.builder.source(x)

    def weight(
        self, name: str, index: int | str, *, child: str = "", shape: Shape | None = None, trainable: bool = True,
        cast: bool = True, dtype: str = "",
    ) -> Symbol:  # fmt: skip
        """Return variable number `index` of the layer (a name, if it stores them by name), named `name` in the bundle.

        child: attribute path of the object that owns it, such as 'cell'. shape: what the config and the
        inputs ask for; a file that holds another shape is refused. trainable: False for variables that
        Keras does not train, such as moving averages. cast: give it in the layer's compute dtype, as
        Keras does under a mixed policy. dtype: what it must be stored as, where that is not a float; one stored in
        8 bits without that belongs to a layer that was quantized.
        """
        address = join(self.layer.address, child, "vars", str(index))
        stored = self._lowering.file.weights.get(address)
        if stored is None:
            stored = self._stand_in(
                f"the file holds no {name!r} for it (expected at {address!r} in the weights)", shape, None
            )
        elif shape is not None and not _agrees(stored.type.shape, shape):
            wrong = f"its {name!r} has the shape {stored.type.shape} in the file, its config asks for {shape}"
            stored = self._stand_in(wrong, shape, stored)
        if stored.type.dtype != dtype if dtype else stored.type.dtype in ("int8", "uint8"):
            raise Unsupported(
                f"its {name!r} is stored as {stored.type.dtype}, which its dtype policy {self.layer.policy.name} does "
                "not say; Keras cannot load that either, as when it quantized layers that stand within another"
            )
        if stored.type.dtype in (*COMPLEXES, "string") and stored.type.dtype not in (dtype, self.layer.policy.variable):
            raise Unsupported(f"its {name!r} is stored as {stored.type.dtype}; expected {self.layer.policy.variable}")
        trainable = trainable and bool(self.layer.config.get("trainable", True))
        full_name = join(self.layer.path, _safe(name))
        symbol = self._lowering.builder.weight(full_name, stored, address, trainable)
        floating = symbol.dtype.startswith(("float", "bfloat"))
        return self.cast(symbol, self.layer.policy.compute) if cast and floating else symbol

    def _stand_in(self, problem: str, shape: Shape | None, stored: StoredWeight | None) -> StoredWeight:
        """Report a weight that does not fit; go on with one that would, to find what else does not."""
        if shape is None or None in shape:
            raise Unsupported(problem)
        self._lowering.report(self.layer, problem)
        dtype = stored.type.dtype if stored else self.layer.policy.variable
        return StoredWeight(TensorType(tuple(shape), dtype), lambda: np.empty(0))

    def regularized(self, config: Mapping[str, Any], name: str = "") -> None:
        """Note the penalties and constraints in the config of something held, whose weights are named `name`/..."""
        reason = penalties.of_config(self._lowering.builder, config, f"{join(self.layer.path, name)}/")
        if reason is not None:
            self._lowering.builder.refused.setdefault(self.layer.path, reason)

    @contextmanager
    def over_steps(self, steps: int | None) -> Iterator[None]:
        """What is called within works on time steps, joined with the batch, that Keras takes one by one."""
        self._lowering.builder.steps.append(steps)
        try:
            yield
        finally:
            self._lowering.builder.steps.pop()

    def dropped(self, y: Symbol, *, inputs: float, states: float, gates: int) -> None:
        """Note the dropout within the recurrent op that gave `y`: see `kconvert_schemas.Dropped`."""
        node = next(node for node in reversed(self._lowering.builder.nodes) if y.name in node.outputs)
        if inputs or states:
            self._lowering.builder.dropped.append(Dropped(node.name, inputs, states, gates))

    def spectral(self, layer: LayerSpec, vector: Symbol, iterations: int) -> None:
        """Note that the kernel (or table) of a layer within is divided by its spectral norm at each step."""
        builder = self._lowering.builder
        names = [f"{layer.path}/{name}" for name in ("kernel", "embeddings")]
        weight = next((name for name in names if name in builder.weights), None)
        if (
            weight is None
            or any(one.weight == weight for one in builder.spectral)
            or builder.within_body
            or builder.steps
        ):
            reason = "it changes a weight that is not found" if weight is None else "it is called more than once"
            builder.refused.setdefault(self.layer.path, f"{reason}, and divides a weight each time in training")
            return
        builder.spectral.append(Spectral(weight, vector.name, iterations))

    def has_weight(self, index: int, child: str = "") -> bool:
        """Tell whether the file holds variable number `index`."""
        return join(self.layer.address, child, "vars", str(index)) in self._lowering.file.weights

    def array(self, name: str, values: Array, dtype: str) -> Symbol:
        """Return an array computed by the plugin (a vocabulary, a table) as an untrainable weight."""
        held = cast(np.asarray(values), dtype)
        key = (self.layer.path, name)
        known = self._lowering.arrays.get(key)
        if known is not None and np.array_equal(known[0], held):
            return known[1]
        stored = StoredWeight(TensorType(held.shape, dtype), lambda: held)
        symbol = self._lowering.builder.weight(join(self.layer.path, _safe(name)), stored, "", trainable=False)
        self._lowering.arrays[key] = (held, symbol)
        return symbol

    def asset(self, name: str, child: str = "") -> bytes | None:
        """Return the layer's asset file `name`, None when the model file has none."""
        return self._lowering.file.assets.get(join(self.layer.address, child, name))

    def constant(self, value: Any, dtype: str) -> Symbol:
        """Return a number, or a nested list of numbers, as a value."""
        symbol: Symbol = self.op("constant", value=value, dtype=dtype)
        return symbol

    def cast(self, x: Symbol, dtype: str) -> Symbol:
        """Return `x` in `dtype`, `x` itself where it already is; the mask stays."""
        if x.dtype == dtype:
            return x
        y: Symbol = self.op("cast", x, dtype=dtype)
        return y.with_mask(x.mask)

    def activation(self, x: Symbol, value: Any) -> Symbol:
        """Apply an activation as Keras serialises it: a name, a function, or a layer.

        A function of someone's own is converted by the plugin that registers its name: 'acme>bent'.
        """
        if isinstance(value, Mapping) and "config" in value and isinstance(value["config"], Mapping):
            result: Symbol = self.call(self.child(value, "activation"), x)
            return result
        handler = self._lowering.registry.handlers.get(_function_name(value))
        if handler is not None:
            written: Symbol = handler.lower(LayerCall(self.layer, Config({}), {"x": x}), self)
            return written
        handler = self._lowering.registry.handlers.get(activations.custom_name(value))
        if handler is not None:
            custom = replace(self.layer, key=handler.name, config={}, build_config={})
            y: Symbol = handler.lower(LayerCall(custom, Config({}), {"x": x}), self)
            return y
        return activations.write(self, x, value)

    def clear_mask(self, x: Symbol) -> None:
        """Take the mask off a tensor that the layer was called with: all that read it later find none."""
        self._lowering.clear_mask(x)

    def child(self, config: Any, attribute: str) -> LayerSpec:
        """Return the spec of a layer nested in this one's config, whose variables stand under `attribute`."""
        name = str(config["config"].get("name", attribute)) if isinstance(config, Mapping) else attribute
        path, address = join(self.layer.path, name), join(self.layer.address, attribute)
        return build_layer(config, path, address, scope=self.layer.scope)

    def children(self, configs: Sequence[Any], attribute: str) -> list[LayerSpec]:
        """Return the specs of the layers in a list that this one keeps under `attribute`."""
        used: Counter[str] = Counter()
        return [self.child(config, f"{attribute}/{place(config, used)}") for config in configs]

    def call(self, layer: LayerSpec, *args: Any, **kwargs: Any) -> Any:
        """Call a nested layer, with Keras' rules for dtypes and masks; returns its outputs."""
        return self._lowering.call(layer, args, kwargs)

    def body(self, inputs: Mapping[str, TensorType], write: Callable[..., Any]) -> Any:
        """Write a subgraph: `write` is called with one symbol for each of `inputs` and returns its outputs."""
        return self._lowering.body(self.layer, inputs, write)


def _function_name(value: Any) -> str:
    """Return the registered name of a serialised function, '' for anything else."""
    if isinstance(value, Mapping) and value.get("class_name") == "function" and isinstance(value.get("config"), str):
        return str(value["config"])
    return ""


def _agrees(shape: Shape, expected: Shape) -> bool:
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )


def _safe(name: str) -> str:
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise Unsupported(f"{show(name)} is not a name for a weight")
    return name
