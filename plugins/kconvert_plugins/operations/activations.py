"""Activations as operations (keras/src/ops/nn.py and activations/activations.py)."""

from __future__ import annotations

from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert.promotion import is_integer

from .operands import Lower, axes_of, axis_of, documented, given, number_like, register_table


@hookimpl
def register_layers(register: Register) -> None:
    """Register the activations."""
    register_table(register, ("x",), ACTIVATIONS)


def _named(op: str, **renamed: str) -> Lower:
    """An op of the same name; `renamed` gives the attributes that it takes from the config."""

    def lower(call: LayerCall, emit: Emitter) -> Any:
        return emit.op(op, given(call, emit), **{attr: call.config.float(name) for attr, name in renamed.items()})

    return documented(lower, f"The op `{op}`.")


def relu(call: LayerCall, emit: Emitter) -> Symbol:
    """The activation `relu` with a slope, a largest value and a threshold."""
    config, x = call.config, given(call, emit)
    slope, threshold = config.float("negative_slope", 0.0), config.float("threshold", 0.0)
    if is_integer(x.dtype) and (slope or threshold):
        raise Unsupported(f"its input is {x.dtype}; cast it to floats first")
    most = None if config.get("max_value") is None else config.float("max_value")
    if threshold < 0 and most is not None:
        raise Unsupported("Keras cuts a relu with a largest value at 0, whatever its negative threshold says")
    return emit.op("relu", x, negative_slope=slope, max_value=most, threshold=threshold)


def leaky_relu(call: LayerCall, emit: Emitter) -> Symbol:
    """The values above 0, `negative_slope` times those below; whole numbers become float32."""
    x = given(call, emit)
    x = emit.cast(x, "float32") if is_integer(x.dtype) else x
    return emit.op("leaky_relu", x, negative_slope=call.config.float("negative_slope", 0.2))


def gelu(call: LayerCall, emit: Emitter) -> Symbol:
    """x Phi(x), Phi by tanh unless `approximate` is off."""
    return emit.op("gelu", given(call, emit), approximate=call.config.bool("approximate", True))


def glu(call: LayerCall, emit: Emitter) -> Symbol:
    """The first half along an axis times the sigmoid of the second."""
    x = given(call, emit)
    return emit.op("glu", x, axis=axis_of(call.argument("axis", -1), x.rank))


def sparsemax(call: LayerCall, emit: Emitter) -> Symbol:
    """The projection onto the simplex along an axis."""
    x = given(call, emit)
    return emit.op("sparsemax", x, axis=axis_of(call.argument("axis", -1), x.rank))


def _softmax(op: str) -> Lower:
    def lower(call: LayerCall, emit: Emitter) -> Any:
        x, axis = given(call, emit), call.argument("axis", -1)
        if isinstance(axis, list):
            raise Unsupported("Keras does not run it over several axes on TensorFlow; use the layer of that name")
        return emit.op(op, x, axes=axes_of(axis, x.rank))

    return documented(lower, f"The op `{op}` along an axis, or over all elements.")


def threshold(call: LayerCall, emit: Emitter) -> Symbol:
    """The values above `threshold`, `default_value` for the others."""
    x = given(call, emit)
    above = emit.op("greater", x, number_like(emit, call.config["threshold"], x))
    return emit.op("where", above, x, number_like(emit, call.config["default_value"], x))


ACTIVATIONS: dict[str, Lower] = {
    "ReLU": relu,
    "Relu": _named("relu"),
    "Relu6": _named("relu6"),
    "LeakyRelu": leaky_relu,
    "Elu": _named("elu", alpha="alpha"),
    "Celu": _named("celu", alpha="alpha"),
    "Selu": _named("selu"),
    "Gelu": gelu,
    "Silu": _named("silu"),
    "Mish": _named("mish"),
    "Sigmoid": _named("sigmoid"),
    "LogSigmoid": _named("log_sigmoid"),
    "HardSigmoid": _named("hard_sigmoid"),
    "HardSilu": _named("hard_silu"),
    "HardTanh": _named("hard_tanh"),
    "HardShrink": _named("hard_shrink", threshold="threshold"),
    "SoftShrink": _named("soft_shrink", threshold="threshold"),
    "TanhShrink": _named("tanh_shrink"),
    "Threshold": threshold,
    "Softplus": _named("softplus"),
    "Softsign": _named("softsign"),
    "Squareplus": _named("squareplus", b="b"),
    "SparsePlus": _named("sparse_plus"),
    "SparseSigmoid": _named("sparse_sigmoid"),
    "Sparsemax": sparsemax,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Glu": glu,
}
