"""How Keras quantizes inputs, and what quantized variables stand for (keras/src/quantizers/quantizers.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kconvert import Config, Emitter, LayerCall, Quantization, Symbol, Unsupported, promotion

from .shapes import expand

CONFIGS = (
    "Int8QuantizationConfig", "Int4QuantizationConfig", "Float8QuantizationConfig", "GPTQConfig", "AWQConfig",
)  # fmt: skip
LARGEST_FLOAT8 = 448.0
"""The largest number of float8_e4m3fn."""


@dataclass(frozen=True, slots=True)
class AbsMax:
    """Numbers scaled by their largest magnitude along axes, and rounded; `axes` None: those that the layer says."""

    low: float
    high: float
    epsilon: float
    axes: tuple[int, ...] | None = None


DEFAULT = AbsMax(-127, 127, 1e-7)


def quantization(call: LayerCall) -> Quantization:
    """Return how the layer is quantized; refused for forms that Keras cannot combine with LoRA."""
    found = call.layer.policy.quantization
    if found is None:
        raise Unsupported("its dtype policy is not quantized")
    if call.config.get("lora_rank") and found.mode in ("float8", "gptq", "awq"):
        raise Unsupported(f"it has a lora_rank; Keras cannot load that together with {found.mode}")
    return found


def inputs_quantizer(call: LayerCall, default: AbsMax | None) -> AbsMax | None:
    """Return what quantizes the inputs; None where only the weights are quantized."""
    value = call.config.get("quantization_config")
    if value is None:
        return default
    config = _keras_object(value, "quantization_config", CONFIGS)
    quantizer = config.get("activation_quantizer")
    return (
        None if quantizer is None else _abs_max(_keras_object(quantizer, "activation_quantizer", ("AbsMaxQuantizer",)))
    )


def block_size(call: LayerCall, found: Quantization) -> int | None:
    """Return how many rows share a scale with int4: the quantization_config's word counts before the policy's."""
    value = call.config.get("quantization_config")
    if not isinstance(value, Mapping) or value.get("class_name") != "Int4QuantizationConfig":
        return found.group
    size = _keras_object(value, "quantization_config", CONFIGS).get("block_size")
    return None if size in (None, -1) else Config({"block_size": size}).int("block_size")


def _keras_object(value: Any, name: str, classes: Sequence[str]) -> Mapping[str, Any]:
    """Return the config of a serialised object that must be one of Keras' own classes."""
    config = value.get("config") if isinstance(value, Mapping) else None
    own = isinstance(config, Mapping) and str(value.get("module") or "").startswith("keras.")
    if not isinstance(config, Mapping) or not own or value.get("class_name") not in classes:
        raise Unsupported(f"its {name} is not one of {', '.join(classes)}")
    return config


def _abs_max(config: Mapping[str, Any]) -> AbsMax:
    if config.get("output_dtype", "int8") != "int8":
        raise Unsupported(f"its quantizer gives {config['output_dtype']}; only int8 is converted")
    low, high = config.get("value_range", (-127, 127))
    axis = config.get("axis")
    axes = None if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    return AbsMax(low, high, config.get("epsilon", 1e-7), axes)


def quantize(emit: Emitter, x: Symbol, quantizer: AbsMax, axes: Sequence[int]) -> tuple[Symbol, Symbol]:
    """Return round(x scale) as int8, and scale = high / (max |x| + epsilon) over axes, which are kept."""
    if not promotion.is_float(x.dtype):
        raise Unsupported(f"its input {x.type} is quantized, and only floats are; cast it to floats first")
    largest = emit.op("max", emit.op("abs", x), axes=list(axes), keepdims=True)
    nonzero = emit.op("add", largest, emit.constant(quantizer.epsilon, x.dtype))
    scale = emit.op("divide", emit.constant(quantizer.high, x.dtype), nonzero)
    rounded = emit.op("round", emit.op("multiply", x, scale))
    cut = emit.op("minimum", rounded, emit.constant(quantizer.high, x.dtype))
    cut = emit.op("maximum", cut, emit.constant(quantizer.low, x.dtype))
    return emit.cast(cut, "int8"), scale


def dequantize(emit: Emitter, x: Symbol, scale: Symbol, zero: Symbol, groups: Symbol, axis: int) -> Symbol:
    """Return (x - zero) scale; element i of `axis` belongs to group groups[i] of that axis of scale and zero."""
    places = emit.cast(groups, "int32")
    scale = emit.op("take", scale, places, axis=axis)
    zero = emit.cast(emit.op("take", zero, places, axis=axis), scale.dtype)
    dtype = promotion.result_type(x.dtype, scale.dtype)
    shifted = emit.op("subtract", emit.cast(x, dtype), emit.cast(zero, dtype))
    y: Symbol = emit.op("multiply", shifted, emit.cast(scale, dtype))
    return y


def unpacked(emit: Emitter, x: Symbol, axis: int, size: int) -> Symbol:
    """Return `size` elements of 4 bits along `axis`, two from each byte."""
    y: Symbol = emit.op("unpack_bits", x, bits=4, axis=axis, size=size)
    return y


def through_float8(emit: Emitter, x: Symbol, scale: Symbol) -> Symbol:
    """Return x / scale rounded to float8_e4m3fn, times scale."""
    scale = emit.cast(scale, x.dtype)
    y = emit.op("divide", x, scale)
    y = emit.op("minimum", y, emit.constant(LARGEST_FLOAT8, x.dtype))
    y = emit.op("maximum", y, emit.constant(-LARGEST_FLOAT8, x.dtype))
    rounded = emit.cast(emit.cast(y, "float8_e4m3fn"), x.dtype)
    product: Symbol = emit.op("multiply", rounded, scale)
    return product


def promoted(emit: Emitter, op: str, x: Symbol, y: Symbol) -> Symbol:
    """Return op(x, y) in the dtype where both meet."""
    dtype = promotion.result_type(x.dtype, y.dtype)
    z: Symbol = emit.op(op, emit.cast(x, dtype), emit.cast(y, dtype))
    return z


def last_expanded(emit: Emitter, x: Symbol) -> Symbol:
    """Return `x` with a new last axis of size 1."""
    return expand(emit, x, -1)
