"""EinsumDense (keras/src/layers/core/einsum_dense.py)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from string import ascii_letters
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl, promotion

from .quantized_dense import Bias, Form, quantized
from .quantizers import quantization
from .shapes import added, sizes

_FORMS = (
    re.compile(r"()([a-zA-Z]+)(),([a-zA-Z]+)->()([a-zA-Z]+)()"),
    re.compile(r"(0)([a-zA-Z]+)(),([a-zA-Z]+)->(0)([a-zA-Z]+)()"),
    re.compile(r"()([a-zA-Z]{2,})(0),([a-zA-Z]+)->()([a-zA-Z]+)(0)"),
)
"""Input, kernel and result, with axes left out (0) nowhere, in front, or at the end."""


@hookimpl
def register_layers(register: Register) -> None:
    """Register EinsumDense."""
    register("keras.layers.EinsumDense", einsum_dense, quantized=quantized_einsum_dense)


def einsum_dense(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(einsum(x, kernel) + bias); a LoRA layer is saved with its low-rank part added to the kernel."""
    x, kernel = call.x, emit.weight("kernel", 0)
    dtype = promotion.result_type(x.dtype, kernel.dtype)
    source, weight, result = _terms(call.config.str("equation"), x)
    y: Symbol = emit.op(
        "einsum", emit.cast(x, dtype), emit.cast(kernel, dtype), equation=f"{source},{weight}->{result}"
    )
    if call.config.get("bias_axes") is not None:
        y = _with_bias(call, emit, y, result, lambda shape: emit.weight("bias", 1, shape=shape))
    return emit.activation(y, call.config.get("activation"))


def _with_bias(call: LayerCall, emit: Emitter, y: Symbol, result: str, bias: Bias) -> Symbol:
    """Add the bias, which has the axes `bias_axes` of the result, and size 1 between and after them."""
    axes = call.config["bias_axes"]
    first = min(result.index(label) for label in axes)
    shape = [y.shape[first + i] if label in axes else 1 for i, label in enumerate(result[first:])]
    return added(emit, y, emit.cast(bias(tuple(shape)), y.dtype))


def quantized_einsum_dense(call: LayerCall, emit: Emitter) -> Symbol:
    """activation(einsum(x, kernel) + bias) with a quantized kernel."""
    x, mode = call.x, quantization(call).mode
    source, weight, result = terms = _terms(call.config.str("equation"), x)
    if "..." in call.config.str("equation") and mode != "float8":
        raise Unsupported(f"its equation has '...', which Keras cannot quantize by {mode}")
    shape = _kernel_shape(call, x, terms)
    rows, columns = _matrix(mode, shape, weight, result)
    inner, place = _moves(source, result, result.find(weight[-1]))
    outer, _ = _moves(weight, result, place)
    form = Form(
        product=lambda a, kernel: emit.op("einsum", a, kernel, equation=f"{source},{weight}->{result}"),
        kernel_shape=shape,
        rows=rows,
        columns=columns,
        scale_shape=outer.shape_of(shape),
        axes=inner.summed,
        aligned=lambda scale: inner.applied(emit, scale),
        bias=None if call.config.get("bias_axes") is None else lambda y, bias: _with_bias(call, emit, y, result, bias),
        scales_kernel=True,
    )
    return quantized(call, emit, form)


def _kernel_shape(call: LayerCall, x: Symbol, terms: tuple[str, str, str]) -> tuple[int, ...]:
    """Return the shape of the kernel: sizes of the result as the config states them, or of the input."""
    source, weight, result = terms
    given = call.config["output_shape"]
    wanted = [given] if isinstance(given, int) else list(given)
    start = 1 if call.config.str("equation").replace(" ", "").endswith("...") else len(result) - len(wanted)
    known: dict[str, Any] = dict(zip(source, x.shape, strict=True))
    known |= {label: size for label, size in zip(result[start:], wanted, strict=False) if size is not None}
    shape = tuple(known.get(label) for label in weight)
    if None in shape:
        raise Unsupported(f"its kernel has a size that neither its config nor its input {x.type} states")
    return tuple(int(size) for size in shape if size is not None)


def _matrix(mode: str, shape: tuple[int, ...], weight: str, result: str) -> tuple[int, int]:
    """Return the rows and columns of the matrix that a kernel is stored as."""
    if mode not in ("gptq", "awq"):
        summed = [size for size, label in zip(shape, weight, strict=True) if label not in result]
        return prod(summed), prod(shape) // max(prod(summed), 1)
    if len(shape) not in (2, 3):
        raise Unsupported(f"its kernel {shape} has neither 2 nor 3 axes, which Keras cannot quantize by {mode}")
    rows = shape[0] if len(shape) == 2 or shape[0] == max(shape) else shape[0] * shape[1]
    return rows, prod(shape) // rows


@dataclass(frozen=True, slots=True)
class Moves:
    """How Keras brings a scale, of size 1 in the axes that are `summed`, to the axes of the result.

    order: how they are transposed. new: axes put in then. gone: axes taken out after that.
    """

    summed: tuple[int, ...]
    order: tuple[int, ...]
    new: tuple[int, ...]
    gone: tuple[int, ...]

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the scale of a kernel of this shape."""
        found = [1 if axis in self.summed else shape[axis] for axis in self.order]
        for axis in self.new:
            found.insert(axis, 1)
        return tuple(size for axis, size in enumerate(found) if axis not in self.gone)

    def applied(self, emit: Emitter, scale: Symbol) -> Symbol:
        """Return a scale with the axes of the result."""
        scale = emit.op("transpose", scale, axes=list(self.order))
        shape: list[int | str] = sizes(scale)
        for axis in self.new:
            shape.insert(axis, 1)
        if any(shape[axis] != 1 for axis in self.gone):
            raise Unsupported("its equation is one that Keras cannot quantize")
        return emit.op("reshape", scale, shape=[size for axis, size in enumerate(shape) if axis not in self.gone])


def _moves(term: str, result: str, place: int) -> tuple[Moves, int]:
    """Put each summed axis where the result has one that the term lacks; those left over come out again.

    Where Keras puts the latter in between is an accident of its code: at the `place` it used last, which is handed on.
    """
    summed = [axis for axis, label in enumerate(term) if label not in result]
    order = [term.index(label) for label in result if label in term]
    new = [axis for axis, label in enumerate(result) if label not in term]
    gone: list[int] = []
    for axis in summed:
        if new:
            place = new.pop(0)
        else:
            gone.append(axis)
        order.insert(place, axis)
    return Moves(tuple(summed), tuple(order), tuple(new), tuple(gone)), place


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
