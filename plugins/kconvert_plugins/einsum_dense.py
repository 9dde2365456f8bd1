"""EinsumDense (keras/src/layers/core/einsum_dense.py)."""

from __future__ import annotations

import re
from string import ascii_letters

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, promotion

from .shapes import added

_FORMS = (
    re.compile(r"()([a-zA-Z]+)(),([a-zA-Z]+)->()([a-zA-Z]+)()"),
    re.compile(r"(0)([a-zA-Z]+)(),([a-zA-Z]+)->(0)([a-zA-Z]+)()"),
    re.compile(r"()([a-zA-Z]{2,})(0),([a-zA-Z]+)->()([a-zA-Z]+)(0)"),
)
"""Input, kernel and result, with axes left out (0) nowhere, in front, or at the end."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register EinsumDense."""
    register("keras.layers.EinsumDense", einsum_dense)


def einsum_dense(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(einsum(x, kernel) + bias); a LoRA layer is saved with its low-rank part added to the kernel."""
    x, kernel = call.x, emit.weight("kernel", 0)
    dtype = promotion.result_type(x.dtype, kernel.dtype)
    source, weight, result = _terms(call.config.str("equation"), x)
    y: Symbol = emit.op(
        "einsum", emit.cast(x, dtype), emit.cast(kernel, dtype), equation=f"{source},{weight}->{result}"
    )
    axes = call.config.get("bias_axes")
    if axes is not None:
        first = min(result.index(label) for label in axes)
        shape = [y.shape[first + i] if label in axes else 1 for i, label in enumerate(result[first:])]
        y = added(emit, y, emit.cast(emit.weight("bias", 1, shape=tuple(shape)), dtype))
    return emit.activation(y, call.config.get("activation"))


def _terms(equation: str, x: Symbol) -> tuple[str, str, str]:
    """Return the terms of an equation with a letter for each axis, those that '...' stands for included."""
    plain = equation.replace(" ", "").replace("...", "0")
    found = next((match for form in _FORMS if (match := form.fullmatch(plain))), None)
    if found is None:
        raise Unsupported(f"its equation {equation!r} is none of [X],[Y]->[Z], ...[X],[Y]->...[Z], [X]...,[Y]->[Z]...")
    before, source, after, weight, _, result, _ = found.groups()
    free = [letter for letter in ascii_letters if letter not in source + weight + result]
    left_out = "".join(free[: x.rank - len(source)]) if before or after else ""
    if x.rank != len(source + left_out):
        raise Unsupported(f"its equation {equation!r} does not fit its input {x.type}")
    if before:
        return left_out + source, weight, left_out + result
    return source + left_out, weight, result + left_out
