"""ModelFile -> Graph: walks the calls of a model, as Keras would run them, on symbols.

Dtypes and masks follow `Layer.__call__` (keras/src/layers/layer.py): floating inputs are cast to the
layer's compute dtype, the mask argument is filled in from the tensors, and masks of outputs are attached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import FLOATS, FLOATS8, Array, holder
from kconvert_schemas.errors import ConversionError, KconvertError, show
from kconvert_schemas.graph import Body, Graph, Port, TensorType

from . import penalties, training
from .call import LayerCall
from .config import Config
from .emitter import Emitter
from .errors import Unsupported
from .graphbuilder import GraphBuilder
from .maskrules import attach_masks, fill_in_masks, without_masks
from .order import calls_of, check_calls, execution_order
from .registry import Handler, Lower, Registry
from .spec import ArrayConstant, Call, LayerSpec, ModelFile, ModelSpec, TensorRef
from .structures import flatten, labels, map_structure, rebuild, unpacked
from .symbol import Symbol
from .unknown import no_plugin, refusal

INLINE_LIMIT = 64
"""Arrays of more elements, standing in the calls of a model, become weights rather than constants in the graph."""


class Lowering:
    """One conversion. `problems` collects what stands in the way, layer by layer."""

    def __init__(self, file: ModelFile, registry: Registry) -> None:
        self.file = file
        self.registry = registry
        self.builder = GraphBuilder()
        self.problems = {reason: list(paths) for reason, paths in file.problems.items()}
        self.unknown: list[LayerSpec] = []
        self.arrays: dict[tuple[str, str], tuple[Array, Symbol]] = {}
        self.same: dict[str, str] = {}
        self.unmasked: set[str] = set()
        self.reported = {(reason, path) for reason, paths in self.problems.items() for path in paths}
        self.calls = 0
        self.training: bool | None = None

    def run(self, producer: str) -> Graph:
        """Convert the model; raises ConversionError listing every problem."""
        root = self.file.root
        model = self._model_of(root)
        check_calls(calls_of(root, {}) - 1, self.file.source.file)
        self._scan(root)
        inputs, structure = self._inputs(model)
        outputs = None if inputs is None else self._model(root, inputs)
        self._raise()
        ports, out_structure = self._outputs(model, outputs)
        pairs = zip(ports, flatten(outputs), strict=True)
        masks = {port.name: s.mask.name for port, s in pairs if s.mask is not None and s.mask.dtype == "bool"}
        return self.builder.finish(structure, out_structure, ports, self.file.source, producer, masks)

    def call(self, layer: LayerSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call a layer or operation with symbols, by Keras' rules; returns its outputs."""
        args, kwargs = (map_structure(self._with_current_mask, part) for part in (args, kwargs))
        if layer.model is not None:
            return self._call_model(layer, args, kwargs)
        handler = self._handler(layer)
        emit = Emitter(self, layer)
        if layer.is_operation:
            operation = LayerCall(layer, Config(layer.config), _bind(handler, args, kwargs))
            made = without_masks(handler.lower(operation, emit), operation.arguments)
            self._record(layer, made)
            return made
        args, kwargs = (map_structure(lambda leaf: _symbol(emit, leaf), part) for part in (args, kwargs))
        write = _lower(handler, layer)
        if handler.autocast:
            args, kwargs = (map_structure(lambda leaf: _autocast(emit, leaf), part) for part in (args, kwargs))
        arguments = _bind(handler, args, kwargs)
        trained = training.of_layer(handler, arguments, self.training)
        training.refuse(layer, handler, trained)
        fill_in_masks(handler, arguments)
        call = LayerCall(layer, Config(layer.config), arguments)
        outputs = self._within(trained, lambda: write(call, emit))
        if handler.compute_mask is not None:
            given = None if "mask" in handler.arguments[: len(args)] else call.mask
            outputs = attach_masks(handler.compute_mask, call, given, outputs, emit)
        self._record(layer, outputs)
        found = [symbol for symbol in flatten(outputs) if isinstance(symbol, Symbol)]
        penalties.note(self.builder, layer, handler, found, arguments.get("mask"))
        return outputs

    def _record(self, layer: LayerSpec, outputs: Any) -> None:
        """Note what a call gave, so that it can be tapped."""
        self.builder.layer(layer.path, layer.class_name, [s for s in flatten(outputs) if isinstance(s, Symbol)])

    def follow(self, layer: LayerSpec, given: Sequence[Symbol]) -> Any:
        """Write the calls of a nested model on symbols, one for each of its inputs; returns its outputs."""
        outputs = self._model(layer, list(given))
        if outputs is None:
            raise Poisoned
        return outputs

    def _within(self, trained: bool | None, write: Callable[[], Any]) -> Any:
        """Write what is called within a call with that `training`."""
        outer, self.training = self.training, trained
        try:
            return write()
        finally:
            self.training = outer

    def clear_mask(self, symbol: Symbol) -> None:
        """Take the mask off a tensor, for all who read it from now on."""
        self.unmasked.add(self.same.get(symbol.name, symbol.name))

    def _with_current_mask(self, leaf: Any) -> Any:
        cleared = isinstance(leaf, Symbol) and self.same.get(leaf.name, leaf.name) in self.unmasked
        return leaf.with_mask(None) if cleared else leaf

    def body(self, layer: LayerSpec, inputs: Mapping[str, TensorType], write: Callable[..., Any]) -> Body:
        """Write a subgraph by running `write` on fresh symbols; its nodes do not join the graph around it."""
        builder = self.builder
        outer = builder.nodes, builder.values, builder.layers
        builder.nodes, builder.values, builder.layers = [], {}, {}  # what is inside cannot be tapped
        within, builder.within_body = builder.within_body, True
        try:
            symbols = [Symbol(builder.unique(f"{layer.path}/{name}"), type_) for name, type_ in inputs.items()]
            outputs = write(*symbols)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            values = {**{s.name: s.type for s in symbols}, **builder.values}
            names = (tuple(s.name for s in symbols), tuple(s.name for s in outputs))
            return Body(*names, tuple(builder.nodes), values)
        finally:
            builder.nodes, builder.values, builder.layers = outer
            builder.within_body = within

    def _model_of(self, layer: LayerSpec) -> ModelSpec:
        if layer.model is None:
            raise Unsupported("it is not a model")
        return layer.model

    def _handler(self, layer: LayerSpec) -> Handler:
        handler = self.registry.handlers.get(layer.key)
        if handler is None:
            raise Unsupported(self._refusal(layer))
        return handler

    def _refusal(self, layer: LayerSpec) -> str:
        if layer.key in self.registry.refusals:
            return self.registry.refusals[layer.key][0]
        if layer.is_operation:
            return f"no plugin converts the operation {show(layer.key)}"
        self.unknown.append(layer)
        return no_plugin(layer.key)

    def _scan(self, layer: LayerSpec) -> None:
        """Report every layer without a handler before anything is lowered."""
        for inner in layer.model.layers if layer.model else ():
            if inner.model is not None:
                self._scan(inner)
            elif inner.key not in self.registry.handlers:
                self.report(inner, self._refusal(inner))

    def report(self, layer: LayerSpec, reason: str) -> None:
        """Note what stands in the way of converting a layer."""
        misfits = [path for paths in self.file.problems.values() for path in paths]
        if any(layer.path == path or layer.path.startswith(f"{path}/") for path in misfits):
            return  # its weights do not fit, as reported already
        if (reason, layer.path) not in self.reported:
            self.reported.add((reason, layer.path))
            self.problems.setdefault(reason, []).append(layer.path)

    def _raise(self) -> None:
        if self.problems:
            raise ConversionError(refusal(self.file, self.problems, self.unknown))

    def _inputs(self, model: ModelSpec) -> tuple[Any, Any]:
        """Make the graph's inputs; returns them and the structure of their names, as Keras takes them."""
        if not model.input_layers:
            self.problems["the file holds no input shape; call the model on data once, or add an Input, and save"] = [
                model.name
            ]
            return None, None
        symbols = {name: self.builder.input(name, spec.type) for name, spec in model.input_layers.items()}
        order = [ref.layer for ref in flatten(model.inputs)]
        self.builder.ports.sort(key=lambda port: order.index(port.name) if port.name in order else len(order))
        by_layer = map_structure(lambda ref: symbols.get(ref.layer) or next(iter(symbols.values())), model.inputs)
        return by_layer, map_structure(lambda symbol: symbol.name, by_layer)

    def _outputs(self, model: ModelSpec, outputs: Any) -> tuple[list[Port], Any]:
        """Name the outputs: by dict key, else by the layer they come from."""
        ports: list[Port] = []
        try:
            named = list(zip(flatten(outputs), labels(outputs, model.outputs), strict=True))
        except (AttributeError, LookupError, ValueError):
            named = [(None, "")]
        if not all(isinstance(symbol, Symbol) for symbol, _ in named):
            raise ConversionError(f"{show(self.file.source.file)}: its layers do not give the outputs that it names.")
        for symbol, label in named:
            taken = {port.name for port in ports}
            name, count = label, 0
            while name in taken:
                count += 1
                name = f"{label}_{count}"
            ports.append(Port(name, symbol.name, symbol.type))
        return ports, rebuild(outputs, [port.name for port in ports])

    def _call_model(self, layer: LayerSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call a nested model: its inputs are matched by structure, cast and reshaped as Functional does."""
        given = args[0] if args else kwargs.get("inputs")
        mask = kwargs.get("mask", args[2] if len(args) > 2 else None)
        if mask is not None:
            symbols = [s.with_mask(m or s.mask) for s, m in zip(flatten(given), flatten(mask), strict=False)]
            self.unmasked -= {self.same.get(s.name, s.name) for s in symbols if s.mask is not None}
            given = rebuild(given, symbols)
        trained = training.of_model(args, kwargs, self.training)
        outputs = self._within(trained, lambda: self._model(layer, given))
        if outputs is None:
            raise Poisoned
        self.builder.layer(layer.path, layer.class_name, flatten(outputs))
        return outputs

    def _model(self, layer: LayerSpec, given: Any) -> Any:
        """Run the calls of a model on symbols; returns its outputs, None if a problem left none."""
        model = self._model_of(layer)
        tensors: dict[tuple[str, int], Any] = {}
        emit = Emitter(self, layer)
        if model.input_layers:
            for ref, symbol in zip(flatten(model.inputs), _matched(model, given), strict=True):
                spec = model.input_layers.get(ref.layer) or next(iter(model.input_layers.values()))
                tensors[ref.layer, 0] = None if symbol is None else _standardized(emit, symbol, spec.type)
        else:
            tensors["", 0] = given
        for call in execution_order(model, tensors):
            tensors[call.layer.name, call.node] = self._run_call(call, tensors)
        return unpacked(_resolve(model.outputs, tensors)) if not _poisoned(model.outputs, tensors) else None

    def _run_call(self, call: Call, tensors: Mapping[tuple[str, int], Any]) -> Any:
        """Run one call; a call that fails is reported, and what depends on it goes on with the recorded types."""
        self.calls += 1  # wrappers call layers, too, so they are counted again as they are made
        check_calls(self.calls, self.file.source.file)
        if _poisoned([call.args, call.kwargs], tensors):
            args, kwargs = (map_structure(_recorded, part) for part in (call.args, call.kwargs))
            if any(isinstance(leaf, TensorRef) for leaf in flatten([args, kwargs])):
                return POISON
        else:
            args, kwargs = call.args, call.kwargs
        args, kwargs = _resolve(args, tensors), _resolve(kwargs, tensors)
        handler = self.registry.handlers.get(call.layer.key)
        try:
            return self.call(call.layer, args, training.handed_down(self.training, call.layer, handler, kwargs))
        except Poisoned:
            return POISON
        except Unsupported as error:
            self.report(call.layer, str(error))
        except KconvertError:
            raise
        except Exception as error:
            handler = self.registry.handlers.get(call.layer.key)
            self.report(call.layer, f"its plugin ({handler.package if handler else '?'}) failed: {error!r}")
        return POISON


class Poisoned(Exception):
    """A nested model has no outputs because of problems already reported."""


POISON: Any = object()


def _lower(handler: Handler, layer: LayerSpec) -> Lower:
    """Return what writes a layer under its dtype policy, as Keras chooses between `call` and `quantized_call`."""
    if layer.policy.problem:
        raise Unsupported(layer.policy.problem)
    if layer.policy.quantization is None:
        return handler.lower
    if handler.quantized is None:
        raise Unsupported(f"its dtype policy is {layer.policy.name}; Keras has no such form of it and cannot load it")
    return handler.quantized


def _bind(handler: Handler, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, in the order of the signature."""
    names = handler.arguments
    if len(args) > len(names):
        raise Unsupported(f"it is called with {len(args)} positional arguments, {handler.name} takes {len(names)}")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return {name: given[name] for name in (*names, *(n for n in given if n not in names)) if name in given}


def _symbol(emit: Emitter, leaf: Any) -> Any:
    if not isinstance(leaf, ArrayConstant):
        return leaf
    values = np.array(leaf.value, holder(leaf.dtype))
    if values.size > INLINE_LIMIT:
        return emit.array("constant", values, leaf.dtype)
    return emit.constant(leaf.value, leaf.dtype)


def _autocast(emit: Emitter, leaf: Any) -> Any:
    if isinstance(leaf, Symbol) and leaf.dtype in (*FLOATS, *FLOATS8) and emit.layer.policy.compute != "string":
        return emit.cast(leaf, emit.layer.policy.compute)
    return leaf


def _poisoned(value: Any, tensors: Mapping[tuple[str, int], Any]) -> bool:
    return any(isinstance(ref, TensorRef) and tensors.get((ref.layer, ref.node)) is POISON for ref in flatten(value))


def _recorded(leaf: Any) -> Any:
    """A stand-in for a tensor whose layer failed, from the type that the file records beside the reference."""
    return Symbol("?", leaf.type) if isinstance(leaf, TensorRef) and leaf.type is not None else leaf


def _resolve(value: Any, tensors: Mapping[tuple[str, int], Any]) -> Any:
    """Replace TensorRefs by symbols; tensor -1 stands for all outputs of a call."""

    def find(leaf: Any) -> Any:
        if not isinstance(leaf, TensorRef):
            return leaf
        if (leaf.layer, leaf.node) not in tensors:
            raise ConversionError(f"An output of {show(leaf.layer)} is used that the file does not describe.")
        outputs = tensors[leaf.layer, leaf.node]
        if leaf.tensor == -1 or outputs is None:
            return outputs
        found = flatten(outputs)
        if leaf.tensor >= len(found):
            raise ConversionError(f"Output {leaf.tensor} of {show(leaf.layer)} is used; it has {len(found)}.")
        return found[leaf.tensor]

    return map_structure(find, value)


def _matched(model: ModelSpec, given: Any) -> list[Any]:
    """Return what a model was called with in the order of its inputs."""
    names = [ref.layer for ref in flatten(model.inputs)]
    if isinstance(given, Mapping) and not isinstance(model.inputs, Mapping):
        if not set(names) <= given.keys():
            raise Unsupported(f"it is called with the inputs {', '.join(given)}, it has {', '.join(names)}")
        return [given[name] for name in names]
    found = flatten(given)
    if isinstance(given, Mapping):  # Keras pairs what it finds by position, overlooking what is left
        found = found[: len(names)]
    if len(found) != len(names):
        raise Unsupported(f"it is called with {len(found)} tensors, it has {len(names)} inputs")
    return found


def _standardized(emit: Emitter, symbol: Symbol, type_: TensorType) -> Symbol:
    """Cast an input to the model's dtype and add or drop a last axis of size 1, as Functional does."""
    mask = symbol.mask
    symbol = emit.cast(symbol, type_.dtype)
    dims = [n if n is not None else f"x.{i}" for i, n in enumerate(symbol.shape)]
    if symbol.rank == len(type_.shape) + 1 and symbol.shape[-1] == 1:
        symbol = emit.op("reshape", symbol, shape=dims[:-1])
    elif symbol.rank == len(type_.shape) - 1 and type_.shape[-1] == 1:
        symbol = emit.op("reshape", symbol, shape=[*dims, 1])
    elif symbol.rank != len(type_.shape):
        raise Unsupported(f"it is called with {symbol.type}, its input is {type_}")
    return symbol.with_mask(mask)
