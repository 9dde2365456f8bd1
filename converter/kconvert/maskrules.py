"""Masks around a call, as Keras' `Layer.__call__` treats them: filled in before, attached after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .call import LayerCall
from .emitter import Emitter
from .registry import ComputeMask, Handler
from .structures import flatten, map_structure, rebuild
from .symbol import Symbol


def without_masks(outputs: Any, arguments: Mapping[str, Any]) -> Any:
    """Drop the masks of what an operation made; an input that it hands on is still the tensor that has the mask."""
    inputs = {leaf.name for leaf in flatten(arguments) if isinstance(leaf, Symbol)}

    def fresh(leaf: Any) -> Any:
        return leaf.with_mask(None) if isinstance(leaf, Symbol) and leaf.name not in inputs else leaf

    return map_structure(fresh, outputs)


def _mask_of(leaf: Any) -> Any:
    return leaf.mask if isinstance(leaf, Symbol) else None


def _is_tensors(value: Any) -> bool:
    if not isinstance(value, (list, tuple, Mapping)):
        return isinstance(value, Symbol)
    leaves = flatten(value)
    return bool(leaves) and all(leaf is None or isinstance(leaf, Symbol) for leaf in leaves)


def fill_in_masks(handler: Handler, arguments: dict[str, Any]) -> None:
    """Fill in `mask` from a call's only tensor argument, or `<name>_mask` from each of several."""
    tensors = {name: value for name, value in arguments.items() if _is_tensors(value)}
    if len(tensors) == 1:
        if "mask" in handler.arguments and arguments.get("mask") is None:
            arguments["mask"] = map_structure(_mask_of, next(iter(tensors.values())))
    else:
        for name, value in tensors.items():
            if f"{name}_mask" in handler.arguments and arguments.get(f"{name}_mask") is None:
                arguments[f"{name}_mask"] = map_structure(_mask_of, value)


def attach_masks(compute_mask: ComputeMask, call: LayerCall, given: Any, outputs: Any, emit: Emitter) -> Any:
    """Attach the masks of the outputs, as `Layer._set_mask_metadata` does.

    given: the mask the layer was called with by keyword, or that was filled in; Keras overlooks a positional one.
    """
    symbols = flatten(outputs)
    if all(isinstance(s, Symbol) and s.mask is not None for s in symbols):
        return outputs
    previous = given if given is not None else map_structure(_mask_of, call.inputs)
    masks = compute_mask(call, previous, emit)
    if masks is None:
        return outputs
    padded = [*flatten(masks), *[None] * len(symbols)]
    pairs = zip(symbols, padded, strict=False)
    return rebuild(outputs, [s.with_mask(s.mask or m) if isinstance(s, Symbol) else s for s, m in pairs])
