"""ConvLSTM1D, 2D and 3D (keras/src/layers/rnn/conv_lstm.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl
from kconvert_schemas import TensorType

from .cells import activation, refuse_other_policy
from .recurrent import ARGUMENTS, check_stateful, recurrent_mask, result, sequence_mask, sequences, zero_at, zeroes_late


@hookimpl
def register_layers(register: Register) -> None:
    """Register the convolutional recurrent layers."""
    for rank in (1, 2, 3):
        lower = partial(conv_lstm, rank=rank)
        lower.__doc__ = conv_lstm.__doc__
        register(f"keras.layers.ConvLSTM{rank}D", lower, arguments=ARGUMENTS, compute_mask=recurrent_mask)


def conv_lstm(call: LayerCall, emit: Emitter, rank: int) -> Any:
    """An LSTM whose products are convolutions: that of the inputs over all steps at once, then a scan."""
    refuse_other_policy(call, "conv_lstm_cell")
    x, mask = sequences(call, rank + 3), sequence_mask(call, emit)
    check_stateful(call, emit)
    z = _input_gates(call, emit, x, rank)
    if None in z.shape[2:]:
        raise Unsupported(f"its input {x.type} must have known sizes beside batch and time")
    states = _states(call, emit, z, rank)
    step = TensorType((z.shape[0], *z.shape[2:]), z.dtype)
    types = {"z": step, **{name: state.type for name, state in zip("hc", states, strict=True)}}
    body = emit.body(types, partial(_step, call, emit, rank))
    late_zero = zeroes_late(call, mask)
    sequence, last, *finals = emit.op(
        "scan", z, mask, *states, body=body, go_backwards=call.config.bool("go_backwards", False),
        zero_output_for_mask=call.config.bool("zero_output_for_mask", False) and not late_zero,
    )  # fmt: skip
    if late_zero and mask is not None:
        sequence = zero_at(emit, sequence, mask)
    return result(call, sequence, last, finals)


def _channel_axis(call: LayerCall, rank: int) -> int:
    """The axis of the channels in a tensor without time."""
    return rank + 1 if call.config.data_format() == "channels_last" else 1


def _input_gates(call: LayerCall, emit: Emitter, x: Symbol, rank: int) -> Symbol:
    """Return the convolved inputs of all steps, with the bias: (batch, time, ...), gates along the channels."""
    config, axis, width = call.config, _channel_axis(call, rank), 4 * call.config.int("filters")
    _require_windows_that_meet(call, x, rank)
    shape = (*config.ints("kernel_size", rank=rank), x.shape[axis + 1], width)
    sizes = [f"x.{i}" if size is None else size for i, size in enumerate(x.shape)]
    kernel = emit.weight("kernel", 0, child="cell", shape=shape)
    settings = {
        "strides": config.ints("strides", 1, rank), "padding": config.str("padding", "valid", ("valid", "same")),
        "dilation_rate": config.ints("dilation_rate", 1, rank), "data_format": config.data_format(),
    }  # fmt: skip

    def convolved(kernel: Symbol, dropped: Symbol) -> Symbol:
        joined = emit.op("reshape", dropped, shape=["x.0*x.1", *sizes[2:]])
        y: Symbol = emit.op("conv", joined, kernel, **settings)
        return y

    noise_shape = [None, 1, *[None] * (rank + 1)]
    y = _by_gate(call, emit, x, kernel, "dropout", axis, convolved, noise_shape=noise_shape)
    if config.bool("use_bias", True):
        bias = emit.weight("bias", 2, child="cell", shape=(width,))
        y = emit.op("add", y, emit.op("reshape", bias, shape=[width, *[1] * (rank + 1 - axis)]))
    rest = [f"x.{i}" if size is None else size for i, size in enumerate(y.shape)][1:]
    time: Any = "like.1" if x.shape[1] is None else x.shape[1]
    z: Symbol = emit.op("reshape", y, x, shape=["like.0", time, *rest])
    return z


def _by_gate(
    call: LayerCall, emit: Emitter, x: Symbol, kernel: Symbol, rate: str, axis: int,
    convolved: Callable[[Symbol, Symbol], Symbol], **attrs: Any,
) -> Symbol:  # fmt: skip
    """Return x convolved; where elements of x are dropped in training, for each gate others, a gate at a time."""
    chance = call.config.float(rate, 0.0)
    if not 0 < chance < 1:
        return convolved(kernel, x)
    parts = [
        convolved(part, emit.op("dropout", x, rate=chance, **attrs))
        for part in _gates(emit, kernel, kernel.rank - 1, call.config.int("filters"))
    ]
    y: Symbol = emit.op("concatenate", *parts, axis=axis)
    return y


def _require_windows_that_meet(call: LayerCall, x: Symbol, rank: int) -> None:
    """Refuse what TensorFlow's 3D convolution may compute otherwise than in float32 (as with Conv3D)."""
    pairs = zip(call.config.ints("kernel_size", rank=rank), call.config.ints("strides", 1, rank), strict=True)
    apart = any(stride > window + 1 for window, stride in pairs)
    if apart and rank == 3 and x.dtype in ("float16", "float64") and call.config.get("padding") == "same":
        raise Unsupported(f"its windows leave elements out, where TensorFlow in {x.dtype} disagrees with itself")


def _states(call: LayerCall, emit: Emitter, z: Symbol, rank: int) -> list[Symbol]:
    """Return the initial h and c: given, or zeros like one gate of z."""
    given = call.get("initial_state")
    if given is not None:
        if not isinstance(given, (list, tuple)) or len(given) != 2 or not all(isinstance(s, Symbol) for s in given):
            raise Unsupported("its initial_state must be a list of two tensors")
        return [emit.cast(state, z.dtype) for state in given]
    sizes = [*z.shape[2:]]
    sizes[_channel_axis(call, rank) - 1] = call.config.int("filters")
    return [emit.op("full", z, shape=["like.0", *sizes], value=0, dtype=z.dtype)] * 2


def _step(call: LayerCall, emit: Emitter, rank: int, z: Symbol, h: Symbol, c: Symbol) -> list[Symbol]:
    """One step: c = f c + i activation(g), h = o activation(c), gates i, f, g, o from z and the convolved h."""
    config, filters = call.config, call.config.int("filters")
    shape = (*config.ints("kernel_size", rank=rank), filters, 4 * filters)
    ones = [1] * rank
    kernel, axis = emit.weight("recurrent_kernel", 1, child="cell", shape=shape), _channel_axis(call, rank)
    rest = {"strides": ones, "padding": "same", "dilation_rate": ones, "data_format": config.data_format()}
    convolved = _by_gate(
        call,
        emit,
        h,
        kernel,
        "recurrent_dropout",
        axis,
        lambda kernel, h: emit.op("conv", h, kernel, **rest),
        fixed=True,
    )
    z_i, z_f, z_g, z_o = _gates(emit, emit.op("add", z, convolved), axis, filters)
    gate: Callable[[Symbol], Symbol] = partial(activation, emit, value=config.get("recurrent_activation"))
    squash: Callable[[Symbol], Symbol] = partial(activation, emit, value=config.get("activation"))
    c = emit.op("add", emit.op("multiply", gate(z_f), c), emit.op("multiply", gate(z_i), squash(z_g)))
    h = emit.op("multiply", gate(z_o), squash(c))
    return [h, h, c]


def _gates(emit: Emitter, z: Symbol, axis: int, filters: int) -> Sequence[Symbol]:
    """Return the four parts of z along the channels."""

    def part(n: int) -> Symbol:
        cut: list[Any] = [None] * z.rank
        cut[axis] = [n * filters, (n + 1) * filters, None]
        y: Symbol = emit.op("slice", z, slices=cut)
        return y

    return [part(n) for n in range(4)]
