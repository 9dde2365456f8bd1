"""Following the author's layers: their `call` is run on symbolic tensors, which note what is done with them.

Sublayers and operations of `keras.ops` become the nodes of a Functional model, as when a model is built. Variables of
the layer are given in as inputs, so that they can stand on either side of an operator. Functions of TensorFlow, and
sizes of open axes, are noted as Keras 2 notes them: as functions by name.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from ..errors import Unsupported
from ..modelspec import join
from ..spec import ModelFile
from ..structures import flatten, map_structure, rebuild
from ..symbol import Symbol
from .functions import Functions
from .modules import Imported


@dataclass(frozen=True, slots=True)
class Traced:
    """A call that was followed.

    model: the Functional model; its inputs are the symbols, then the variables. symbols, variables: in that order; a
    variable is its name and itself. outputs: the structure of the outputs with places in the list that the model gives,
    masks: the same for their masks, None where there is none.
    """

    model: Any
    symbols: list[Symbol]
    variables: list[tuple[str, Any]]
    outputs: Any
    masks: list[int | None]


@dataclass
class Tracer:
    """Live layers by path, and how to follow them."""

    keras: Any
    imported: Imported
    file: ModelFile | None = None
    live: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def know(self, model: Any, path: str) -> None:
        """Remember the layers of a model, and those within them, by their paths."""
        for layer in getattr(model, "layers", None) or model._flatten_layers(include_self=False, recursive=False):
            own = join(path, layer.name)
            if own not in self.live:
                self.live[own] = layer
                self.know(layer, own)

    def number(self) -> int:
        """Return a number for the next model that is followed."""
        self.count += 1
        return self.count

    def whole_model(self, model: Any) -> Any:
        """Return a model class of the author's as a Functional model."""
        config = model.get_build_config() if model.built else None
        shapes = (config or {}).get("input_shape", (config or {}).get("shapes_dict"))
        if shapes is None:
            raise Unsupported("the model was never built; call it on data once, and save it")
        dtype = model.input_dtype if hasattr(model, "input_dtype") else "float32"
        inputs = self._inputs_of_shapes(shapes, dtype)
        with self.following(model):
            outputs = model.call(inputs, **self._fixed(model))
        return self.keras.Model(inputs, outputs, name=model.name)

    def _inputs_of_shapes(self, shapes: Any, dtype: str) -> Any:
        if isinstance(shapes, Mapping):
            return {key: self._inputs_of_shapes(shape, dtype) for key, shape in shapes.items()}
        if all(n is None or isinstance(n, int) for n in shapes):
            return self.keras.Input(batch_shape=(None, *shapes[1:]), dtype=dtype)
        return [self._inputs_of_shapes(shape, dtype) for shape in shapes]

    def _fixed(self, layer: Any) -> dict[str, Any]:
        """Arguments that say that nothing is trained."""
        return {"training": False} if "training" in layer._call_signature.parameters else {}

    def layer(self, layer: Any, arguments: Mapping[str, Any]) -> Traced:
        """Follow one call of a layer with symbols among its arguments."""
        run = lambda given: layer.call(**given)  # noqa: E731
        return self._traced(layer, {**arguments, **self._fixed(layer)}, run)

    def function(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Traced:
        """Follow a function with symbols among its arguments."""
        return self._traced(None, arguments, lambda given: function(*given.values()))

    def _traced(self, layer: Any, arguments: Mapping[str, Any], run: Callable[[dict[str, Any]], Any]) -> Traced:
        inputs: list[Any] = []
        symbols: list[Symbol] = []

        def as_input(leaf: Any) -> Any:
            if not isinstance(leaf, Symbol):
                return leaf
            tensor = self._input(leaf, len(inputs))
            inputs.append(tensor)
            symbols.append(leaf.with_mask(leaf.mask))
            if leaf.mask is not None:
                known = next((t for t, s in zip(inputs, symbols, strict=True) if s.name == leaf.mask.name), None)
                mask = known if known is not None else self._input(leaf.mask, len(inputs))
                if known is None:
                    inputs.append(mask)
                    symbols.append(leaf.mask)
                self.keras.src.backend.set_keras_mask(tensor, mask)
            return tensor

        given = {name: map_structure(as_input, value) for name, value in arguments.items()}
        variables = _variables(self.keras, layer) if layer is not None else []
        tensors = {name: self._variable(layer, name, variable, i) for i, (name, variable) in enumerate(variables)}
        with self.following(layer, tensors):
            outputs = run(given)
            masks = self._masks(layer, given, outputs)
        return self._finished(inputs, symbols, variables, tensors, outputs, masks, layer)

    def _input(self, symbol: Symbol, number: int) -> Any:
        return self.keras.Input(batch_shape=symbol.shape, dtype=symbol.dtype, name=f"given_{number}")

    def _variable(self, layer: Any, name: str, variable: Any, number: int) -> Any:
        floating = "float" in str(variable.dtype)
        dtype = (
            layer.compute_dtype
            if floating and layer.autocast and getattr(variable, "_autocast", True)
            else variable.dtype
        )
        return self.keras.Input(batch_shape=tuple(variable.shape), dtype=dtype, name=f"variable_{number}")

    def _masks(self, layer: Any, given: Mapping[str, Any], outputs: Any) -> list[Any]:
        """Return the mask of each output, as `Layer._set_mask_metadata` gives it."""
        backend = self.keras.src.backend
        leaves = flatten(outputs)
        found = [backend.get_keras_mask(leaf) if leaf is not None else None for leaf in leaves]
        if layer is None or not layer.supports_masking or all(mask is not None for mask in found):
            return found
        first = next(iter(given.values()))
        own = given.get("mask")
        previous = own if own is not None else map_structure(
            lambda leaf: backend.get_keras_mask(leaf) if leaf is not None else None, first
        )  # fmt: skip
        computed = layer.compute_mask(first, previous)
        if computed is None:
            return found
        padded = [*flatten(computed), *[None] * len(leaves)]
        return [mask if mask is not None else other for mask, other in zip(found, padded, strict=False)]

    def _finished(
        self, inputs: Sequence[Any], symbols: list[Symbol], variables: list[tuple[str, Any]],
        tensors: Mapping[str, Any], outputs: Any, masks: Sequence[Any], layer: Any,
    ) -> Traced:  # fmt: skip
        symbolic = self.keras.KerasTensor
        results: list[Any] = []

        def place(leaf: Any) -> int | None:
            if leaf is None:
                return None
            if not isinstance(leaf, symbolic):
                raise Unsupported("its call gives something that does not depend on its inputs")
            results.append(leaf)
            return len(results) - 1

        structure = rebuild(outputs, [place(leaf) for leaf in flatten(outputs)])
        places = [place(mask) for mask in masks]
        name = layer.name if layer is not None else "function"
        every = [*inputs, *tensors.values()]
        model = self.keras.Model(every, results, name=name)
        return Traced(model, symbols, variables, structure, places)

    @contextmanager
    def following(self, layer: Any, tensors: Mapping[str, Any] | None = None) -> Iterator[None]:
        """While this lasts, variables of the layer are symbolic, and functions are noted; failures say where."""
        functions = Functions(self.keras, self.imported)
        with ExitStack() as stack:
            stack.enter_context(functions.noted())
            for name, tensor in (tensors or {}).items():
                stack.enter_context(_replaced(layer, name, tensor))
            if layer is not None:
                stack.enter_context(mock.patch.object(layer, "_called", True))
            try:
                yield
            except Unsupported:
                raise
            except Exception as error:
                raise Unsupported(self._failure(error)) from error

    def _failure(self, error: BaseException) -> str:
        files = {str(getattr(module, "__file__", "")) for module in self.imported.modules.values()}
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
        place = f" at {frames[-1].filename}:{frames[-1].lineno} ({str(frames[-1].line)[:80]})" if frames else ""
        said = " ".join(str(error).split())[:240]
        return (
            f"its call cannot be followed{place}: {type(error).__name__}: {said}. Write it with keras.ops and layers, "
            "or write a plugin for it"
        )


def _variables(keras: Any, layer: Any) -> list[tuple[str, Any]]:
    """Return the variables that are attributes of a layer itself, by attribute; lists hold theirs by 'name.0'."""
    found = []
    for name, value in vars(layer).items():
        if name.startswith("_"):
            continue
        if isinstance(value, keras.Variable):
            found.append((name, value))
        elif isinstance(value, (list, tuple)) and any(isinstance(item, keras.Variable) for item in value):
            found += [(f"{name}.{i}", item) for i, item in enumerate(value) if isinstance(item, keras.Variable)]
    private = [
        (name, value)
        for name, value in vars(layer).items()
        if name.startswith("_") and isinstance(value, keras.Variable)
    ]
    return [*found, *private]


@contextmanager
def _replaced(layer: Any, name: str, tensor: Any) -> Iterator[None]:
    """Put a symbolic tensor in the place of a variable, past the tracking of attributes."""
    attribute, _, index = name.partition(".")
    before = vars(layer)[attribute]
    if index:
        after = list(before)
        after[int(index)] = tensor
    else:
        after = tensor
    vars(layer)[attribute] = after
    try:
        yield
    finally:
        vars(layer)[attribute] = before
