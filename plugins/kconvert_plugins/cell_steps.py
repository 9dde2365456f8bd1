"""Cells written op by op in the body of a `scan`, for what the ops of whole sequences cannot hold.

That is: an activation of several ops or with weights; and bfloat16, where Keras' rounding after each op shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kconvert import Emitter, Symbol
from kconvert_schemas import TensorType

from .cells import Cell, Order, activate, drops, has_bias, reset_after, weight


def scan(
    emit: Emitter, cell: Cell, x: Symbol, states: Sequence[Symbol], mask: Symbol | None, order: Order
) -> tuple[Symbol, Symbol, list[Symbol]]:
    """Run a cell over x (batch, time, features); returns the sequence, the last output and the states."""
    units = cell.config.int("units")
    z = _projected(emit, cell, x)
    zeros = emit.op("full", x, shape=["like.0", units], value=0, dtype=cell.compute) if not states else None
    started = list(states) if zeros is None else [zeros] * cell.kind.states
    types = {"z": TensorType((z.shape[0], z.shape[2]), z.dtype)}
    types |= {name: TensorType((z.shape[0], units), z.dtype) for name in "hc"[: cell.kind.states]}
    body = emit.body(types, partial(STEPS[cell.kind.op], emit, cell))
    sequence, last, *finals = emit.op(
        "scan", z, mask, *started, body=body, go_backwards=order.go_backwards,
        zero_output_for_mask=order.zero_output_for_mask,
    )  # fmt: skip
    return sequence, last, finals


def _projected(emit: Emitter, cell: Cell, x: Symbol) -> Symbol:
    """Return x kernel for all steps, with the bias where the cell adds it before the product with the state."""
    inputs, _, gates = drops(cell)
    kernel = weight(emit, cell, "kernel", x.shape[2])
    z = _by_gate(emit, x, kernel, inputs, gates, noise_shape=[None, 1, None])
    if not has_bias(cell) or (cell.kind.op == "lstm" and not _splits(cell)):
        return z
    bias = weight(emit, cell, "bias")
    added: Symbol = emit.op("add", z, bias if bias.rank == 1 else _part(emit, bias, 0, 0, 1))
    return added


def _by_gate(emit: Emitter, x: Symbol, kernel: Symbol, rate: float, gates: int, **attrs: Any) -> Symbol:
    """Return x kernel, where in training elements of x are dropped: for each gate others, the same at each step."""
    if not rate:
        y: Symbol = emit.op("matmul", x, kernel)
        return y
    width = (kernel.shape[1] or 0) // gates
    parts = [
        emit.op(
            "matmul", emit.op("dropout", x, rate=rate, **attrs),
            kernel if gates == 1 else _part(emit, kernel, 1, n * width, (n + 1) * width),
        )
        for n in range(gates)
    ]  # fmt: skip
    return parts[0] if gates == 1 else emit.op("concatenate", *parts, axis=x.rank - 1)


def _recurrent(emit: Emitter, cell: Cell, h: Symbol, kernel: Symbol, gates: int) -> Symbol:
    """Return h kernel within a step, for so many gates."""
    _, rate, apart = drops(cell)
    return _by_gate(emit, h, kernel, rate, gates if apart > 1 else 1, fixed=True)


def _splits(cell: Cell) -> bool:
    """Whether the cell computes gate by gate, as it does for the sake of recurrent dropout."""
    return bool(cell.config.get("recurrent_dropout", 0))


def _simple_rnn(emit: Emitter, cell: Cell, z: Symbol, h: Symbol) -> list[Symbol]:
    """One step: h = activation(z + h recurrent_kernel)."""
    inner = _recurrent(emit, cell, h, weight(emit, cell, "recurrent_kernel"), 1)
    h = activate(emit, cell, "activation", emit.op("add", z, inner))
    return [h, h]


def _lstm(emit: Emitter, cell: Cell, z: Symbol, h: Symbol, c: Symbol) -> list[Symbol]:
    """One step: c = f c + i activation(g), h = o activation(c)."""
    z = emit.op("add", z, _recurrent(emit, cell, h, weight(emit, cell, "recurrent_kernel"), 4))
    if has_bias(cell) and not _splits(cell):
        z = emit.op("add", z, weight(emit, cell, "bias"))
    i, f, g, o = _gates(emit, z, 4)
    gate, squash = _activations(emit, cell)
    c = emit.op("add", emit.op("multiply", gate(f), c), emit.op("multiply", gate(i), squash(g)))
    h = emit.op("multiply", gate(o), squash(c))
    return [h, h, c]


def _gru(emit: Emitter, cell: Cell, x: Symbol, h: Symbol) -> list[Symbol]:
    """One step: h = z h + (1 - z) activation(g), g from r (h recurrent_kernel) or (r h) recurrent_kernel."""
    recurrent = weight(emit, cell, "recurrent_kernel")
    units = cell.config.int("units")
    gate, squash = _activations(emit, cell)
    x_z, x_r, x_g = _gates(emit, x, 3)
    if reset_after(cell):
        inner = _recurrent(emit, cell, h, recurrent, 3)
        if has_bias(cell):
            inner = emit.op("add", inner, _part(emit, weight(emit, cell, "bias"), 0, 1, 2))
        h_z, h_r, h_g = _gates(emit, inner, 3)
        z, r = gate(emit.op("add", x_z, h_z)), gate(emit.op("add", x_r, h_r))
        h_g = emit.op("multiply", r, h_g)
    else:
        h_z, h_r = _gates(emit, _recurrent(emit, cell, h, _part(emit, recurrent, 1, 0, 2 * units), 2), 2)
        z, r = gate(emit.op("add", x_z, h_z)), gate(emit.op("add", x_r, h_r))
        last = _part(emit, recurrent, 1, 2 * units, 3 * units)
        h_g = _recurrent(emit, cell, emit.op("multiply", r, h), last, 1)
    g = squash(emit.op("add", x_g, h_g))
    rest = emit.op("subtract", emit.constant(1, z.dtype), z)
    h = emit.op("add", emit.op("multiply", z, h), emit.op("multiply", rest, g))
    return [h, h]


STEPS: dict[str, Callable[..., list[Symbol]]] = {"simple_rnn": _simple_rnn, "lstm": _lstm, "gru": _gru}


def _activations(emit: Emitter, cell: Cell) -> tuple[Callable[[Symbol], Symbol], Callable[[Symbol], Symbol]]:
    return partial(activate, emit, cell, "recurrent_activation"), partial(activate, emit, cell, "activation")


def _gates(emit: Emitter, z: Symbol, count: int) -> list[Symbol]:
    """Return the gates that stand side by side in z (batch, count units)."""
    units = (z.shape[1] or 0) // count
    return [_part(emit, z, 1, n * units, (n + 1) * units) for n in range(count)]


def _part(emit: Emitter, x: Symbol, axis: int, start: int, stop: int) -> Symbol:
    """Return x[start:stop] along an axis of a matrix."""
    cut: list[Any] = [None] * x.rank
    cut[axis] = [start, stop, None]
    y: Symbol = emit.op("slice", x, slices=cut)
    return y
