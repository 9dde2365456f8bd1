"""Dense and EinsumDense under quantized dtype policies (keras/src/layers/core/dense.py, einsum_dense.py).

The products of int8 with int8 are summed in int32. int4 holds two weights in a byte; with blocks, gptq and awq a
weight is (w - zero) scale, with a scale and a zero for each group of rows. float8 rounds inputs and kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from kconvert import Emitter, LayerCall, Quantization, Symbol, Unsupported, promotion

from .quantizers import (
    DEFAULT,
    block_size,
    dequantize,
    inputs_quantizer,
    last_expanded,
    promoted,
    quantization,
    quantize,
    through_float8,
    unpacked,
)

Product = Callable[[Symbol, Symbol], Symbol]
Bias = Callable[[tuple[int | None, ...]], Symbol]
"""Reads the bias, given its shape."""
ORDER = {
    "int8": ("kernel", "bias", "kernel_scale"),
    "int4": ("kernel", "bias", "kernel_scale"),
    "blocks": ("kernel", "bias", "kernel_scale", "kernel_zero", "g_idx"),
    "float8": ("kernel", "bias", "inputs_scale", "inputs_amax_history", "kernel_scale"),
    "gptq": ("bias", "kernel", "kernel_scale", "kernel_zero", "g_idx"),
    "awq": ("bias", "kernel", "kernel_scale", "kernel_zero", "awq_scales", "g_idx"),
}
"""The variables of each mode, in the order in which they are numbered; `blocks` is int4 with blocks."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a kind of dense layer multiplies.

    product: (x, kernel) -> y. kernel_shape: that of a kernel that is not quantized, of which `rows` and `columns` are
    the product of some axes each. scale_shape: that of the scales of an int8 kernel. axes: those of the inputs that
    are summed over. aligned: brings the scale of quantized inputs to the axes of y. bias: adds a bias to y, None for
    a layer without one. scales_kernel: whether an int4 kernel is scaled before the product rather than y after it.
    """

    product: Product
    kernel_shape: tuple[int, ...]
    rows: int
    columns: int
    scale_shape: tuple[int | None, ...]
    axes: tuple[int, ...]
    aligned: Callable[[Symbol], Symbol]
    bias: Callable[[Symbol, Bias], Symbol] | None
    scales_kernel: bool = False


class Variables:
    """The variables of a quantized layer by name."""

    def __init__(self, emit: Emitter, mode: str, has_bias: bool) -> None:
        self._emit = emit
        self._names = [name for name in ORDER[mode] if name != "bias" or has_bias]
        if mode in ("gptq", "awq") and not emit.has_weight(len(self._names) - 1):
            raise Unsupported(
                f"the file lacks a variable of it: Keras 3.15 does not save the kernel_zero of a layer quantized by "
                f"{mode}, and cannot load what it saved"
            )

    def __call__(
        self, name: str, shape: tuple[int | None, ...], dtype: str = "", *, cast: bool = True, trainable: bool = False
    ) -> Symbol:
        return self._emit.weight(
            name, self._names.index(name), shape=shape, dtype=dtype, cast=cast, trainable=trainable
        )


def quantized(call: LayerCall, emit: Emitter, form: Form) -> Symbol:
    """activation(x kernel + bias) as the layer's dtype policy quantizes it."""
    found = quantization(call)
    size = block_size(call, found) if found.mode == "int4" else None
    variables = Variables(emit, "blocks" if size else found.mode, form.bias is not None)
    if found.mode == "float8":
        y = _float8(call, emit, form, variables)
    elif found.mode in ("gptq", "awq"):
        y = _by_groups(call, emit, form, variables, found)
    elif size:
        y = _in_blocks(call, emit, form, variables, size)
    else:
        y = _scaled(call, emit, form, variables, found.mode)
    if form.bias is not None:
        y = form.bias(y, lambda shape: _bias(call, emit, variables("bias", shape, trainable=True)))
    return emit.activation(y, call.config.get("activation"))


def _bias(call: LayerCall, emit: Emitter, bias: Symbol) -> Symbol:
    """Return the bias, which beside float8 in float32 is rounded to bfloat16."""
    policy = call.layer.policies.default if call.layer.policies else call.layer.policy
    if quantization(call).mode == "float8" and policy.compute == "float32":
        return emit.cast(emit.cast(bias, "bfloat16"), bias.dtype)
    return bias


def _scaled(call: LayerCall, emit: Emitter, form: Form, variables: Variables, mode: str) -> Symbol:
    """One scale for each column: int8, or int4 without blocks. The inputs are quantized too, or they are not."""
    if not promotion.is_float(call.x.dtype):
        raise Unsupported(f"its input is {call.x.type}; a layer quantized by {mode} is only converted for floats")
    compute, quantizer = call.layer.policy.compute, inputs_quantizer(call, DEFAULT if mode == "int8" else None)
    kernel, scale = _columns(emit, form, variables, mode)
    if mode == "int4" and form.scales_kernel:
        kernel = emit.op("divide", emit.cast(kernel, compute), scale)
        kernel = emit.op("reshape", kernel, shape=list(form.kernel_shape))
    if quantizer is None:
        y = _product(emit, form, call.x, kernel)
        return y if mode == "int4" and form.scales_kernel else promoted(emit, "divide", emit.cast(y, compute), scale)
    x, inputs_scale = quantize(emit, call.x, quantizer, form.axes)
    inputs_scale = form.aligned(inputs_scale)
    y = emit.cast(_product(emit, form, x, kernel), compute)
    if mode == "int4" and form.scales_kernel:
        return promoted(emit, "divide", y, inputs_scale)
    return promoted(emit, "divide", y, promoted(emit, "multiply", inputs_scale, scale))


def _columns(emit: Emitter, form: Form, variables: Variables, mode: str) -> tuple[Symbol, Symbol]:
    """Return the kernel as int8, and the scales of its columns."""
    if mode == "int8":
        return variables("kernel", form.kernel_shape, "int8"), variables("kernel_scale", form.scale_shape)
    packed = variables("kernel", (form.rows, ceil(form.columns / 2)), "int8")
    return unpacked(emit, packed, 1, form.columns), variables("kernel_scale", (form.columns,))


def _product(emit: Emitter, form: Form, x: Symbol, kernel: Symbol) -> Symbol:
    """Multiply in the dtype where both meet, int8 with int8 in int32."""
    whole = x.dtype == kernel.dtype == "int8"
    dtype = "int32" if whole else promotion.result_type(x.dtype, kernel.dtype)
    return form.product(emit.cast(x, dtype), emit.cast(kernel, dtype))


def _in_blocks(call: LayerCall, emit: Emitter, form: Form, variables: Variables, size: int) -> Symbol:
    """int4 with a scale and a zero for each block of rows in each column."""
    shape = (ceil(form.rows / size), form.columns)
    kernel = unpacked(emit, variables("kernel", (form.rows, ceil(form.columns / 2)), "int8"), 1, form.columns)
    scale, zero = variables("kernel_scale", shape), variables("kernel_zero", shape, "int8")
    kernel = dequantize(emit, kernel, scale, zero, variables("g_idx", (form.rows,)), 0)
    kernel = emit.op("reshape", emit.cast(kernel, call.layer.policy.compute), shape=list(form.kernel_shape))
    return _product(emit, form, call.x, kernel)


def _by_groups(call: LayerCall, emit: Emitter, form: Form, variables: Variables, found: Quantization) -> Symbol:
    """GPTQ and AWQ: unsigned weights, stored by column, with a scale and a zero for each group of rows."""
    groups = 1 if found.group is None else ceil(form.rows / found.group)
    packed = found.bits == 4
    stored = variables("kernel", (ceil(form.columns / 2) if packed else form.columns, form.rows), "uint8")
    kernel = unpacked(emit, stored, 0, form.columns) if packed else stored
    scale = variables("kernel_scale", (form.columns, groups))
    zero = variables("kernel_zero", (form.columns, groups), "uint8")
    kernel = dequantize(emit, kernel, scale, zero, variables("g_idx", (form.rows,)), 1)
    kernel = emit.op("transpose", kernel, axes=[1, 0])
    if found.mode == "awq":
        kernel = promoted(emit, "divide", kernel, last_expanded(emit, variables("awq_scales", (form.rows,))))
    return _product(emit, form, call.x, emit.op("reshape", kernel, shape=list(form.kernel_shape)))


def _float8(call: LayerCall, emit: Emitter, form: Form, variables: Variables) -> Symbol:
    """Inputs and kernel, each rounded to float8 after division by a scale that training found."""
    x, kernel = emit.cast(call.x, call.layer.policy.compute), variables("kernel", form.kernel_shape, trainable=True)
    x = through_float8(emit, x, variables("inputs_scale", (), cast=False, trainable=True))
    kernel = through_float8(emit, kernel, variables("kernel_scale", (), cast=False, trainable=True))
    return form.product(x, kernel)
