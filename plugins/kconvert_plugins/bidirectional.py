"""Bidirectional (keras/src/layers/rnn/bidirectional.py)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kconvert import Emitter, LayerCall, LayerSpec, Register, Symbol, Unsupported, hookimpl

from .recurrent import ARGUMENTS, first, given_states

MERGE_MODES = ("concat", "sum", "mul", "ave")


@hookimpl
def register_layers(register: Register) -> None:
    """Register Bidirectional."""
    register("keras.layers.Bidirectional", bidirectional, arguments=ARGUMENTS, compute_mask=bidirectional_mask)


def bidirectional(call: LayerCall, emit: Emitter) -> Any:
    """Two layers over the same sequence, one of them backwards; their outputs merged, their states side by side."""
    forward, backward = _layers(call, emit)
    x, states = first(call.inputs), _halves(given_states(call))
    results = [
        emit.call(layer, x, initial_state=state, mask=first(call.mask))
        for layer, state in zip((forward, backward), states, strict=True)
    ]
    finals: list[Any] = []
    if _setting(call, "return_state"):
        finals = [state for _, *found in results for state in found]
        results = [result[0] for result in results]
    ahead, back = (emit.cast(result, call.layer.policy.compute).with_mask(None) for result in results)
    if _setting(call, "return_sequences"):
        back = emit.op("flip", back, axes=[1])
    outputs = (ahead, back) if call.config.get("merge_mode") is None else (_merged(call, emit, ahead, back),)
    return (*outputs, *finals) if len(outputs) > 1 or _setting(call, "return_state") else outputs[0]


def bidirectional_mask(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """The mask of the inputs for each sequence, none for last outputs and states."""
    if not _setting(call, "return_sequences"):
        return None
    return [first(mask)] * (2 if call.config.get("merge_mode") is None else 1)


def _setting(call: LayerCall, name: str) -> bool:
    """Return a setting that both layers share."""
    return bool(call.config["layer"]["config"].get(name, False))


def _layers(call: LayerCall, emit: Emitter) -> tuple[LayerSpec, LayerSpec]:
    """Return the forward and the backward layer; a file without the second means the first with time reversed."""
    given = call.config["layer"]
    other = call.config.get("backward_layer")
    if other is None:
        name = f"backward_{str(given['config'].get('name', 'layer')).removeprefix('forward_')}"
        other = {**given, "config": {**given["config"], "name": name, "go_backwards": True}}
    forward, backward = _child(emit, given, "forward_layer"), _child(emit, other, "backward_layer")
    if bool(forward.config.get("go_backwards", False)) == bool(backward.config.get("go_backwards", False)):
        raise Unsupported("its two layers run in the same direction")
    for name in ("stateful", "return_sequences", "return_state"):
        if bool(forward.config.get(name, False)) != bool(backward.config.get(name, False)):
            raise Unsupported(f"its two layers differ in their setting {name!r}")
    return forward, backward


def _child(emit: Emitter, config: Any, attribute: str) -> LayerSpec:
    """Return one of the two layers; Bidirectional sets its zero_output_for_mask to its return_sequences."""
    layer = emit.child(config, attribute)
    if not layer.key.startswith("keras.layers.") and "zero_output_for_mask" not in layer.config:
        return layer
    return replace(
        layer, config={**layer.config, "zero_output_for_mask": bool(layer.config.get("return_sequences", False))}
    )


def _halves(states: Any) -> tuple[Any, Any]:
    """Return the first half of the initial states for the forward layer, the second for the backward one."""
    if states is None:
        return None, None
    if not isinstance(states, (list, tuple)):
        raise Unsupported("its initial_state must be a list: the states of the forward, then of the backward layer")
    half = len(states) // 2
    return list(states[:half]), list(states[half:])


def _merged(call: LayerCall, emit: Emitter, ahead: Symbol, back: Symbol) -> Symbol:
    mode = call.config.str("merge_mode", "concat", MERGE_MODES)
    if mode == "concat":
        y = emit.op("concatenate", ahead, back, axis=ahead.rank - 1)
    else:
        y = emit.op("multiply" if mode == "mul" else "add", ahead, back)
    if mode == "ave":
        y = emit.op("divide", y, emit.constant(2, y.dtype))
    result: Symbol = y
    return result
