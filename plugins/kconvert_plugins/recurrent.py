"""SimpleRNN, LSTM, GRU, and RNN over their cells (keras/src/layers/rnn, keras/src/backend/tensorflow/rnn.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .cell_steps import scan
from .cells import (
    KINDS,
    Cell,
    Order,
    activation_attrs,
    addresses,
    cells_of,
    drops,
    has_bias,
    note,
    refuse_other_policy,
    reset_after,
    states_of,
    weight,
)

ARGUMENTS = ("sequences", "initial_state", "mask", "training")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the recurrent layers."""
    for name in ("SimpleRNN", "LSTM", "GRU"):
        register(f"keras.layers.{name}", one_cell, arguments=ARGUMENTS, compute_mask=recurrent_mask)
    register("keras.layers.RNN", rnn, arguments=ARGUMENTS, compute_mask=recurrent_mask)
    register(list(KINDS), one_step, arguments=("inputs", "states", "training"))
    register("keras.layers.StackedRNNCells", stacked_step, arguments=("inputs", "states", "training"))


def one_cell(call: LayerCall, emit: Emitter) -> Any:
    """A cell of the same settings and dtype run over the sequence."""
    kind = KINDS[f"{call.layer.key}Cell"]
    refuse_other_policy(call, f"{kind.op}_cell")
    cell = Cell(kind, call.config, call.layer.policy.compute, "cell")
    return _outputs(call, emit, [cell], [given_states(call)])


def rnn(call: LayerCall, emit: Emitter) -> Any:
    """Cells stacked in one layer are run one after the other over the whole sequence, which gives the same."""
    owner, cells = cells_of(emit, call.config["cell"])
    given = given_states(call)
    if owner.key != "keras.layers.StackedRNNCells":
        return _outputs(call, emit, cells, [given])
    groups = [None] * len(cells) if given is None else given
    if not isinstance(groups, (list, tuple)) or len(groups) != len(cells):
        raise Unsupported(f"its initial_state must be a list with the states of each of its {len(cells)} cells")
    return _outputs(call, emit, cells, list(groups), nested=True)


def one_step(call: LayerCall, emit: Emitter) -> Any:
    """One step of a cell: the output and the list of new states."""
    cell = Cell(KINDS[call.layer.key], call.config, call.layer.policy.compute)
    given = call.get("states")
    states = states_of(emit, cell, given)
    if call.x.rank != 2 or not states:
        raise Unsupported(f"it must be called with a tensor (batch, features) and states, got {call.x.type}")
    features = "x.1" if call.x.shape[1] is None else call.x.shape[1]
    x = emit.op("reshape", call.x, shape=["x.0", 1, features])
    _, last, finals = _run(emit, cell, x, states, None, Order())
    return last, finals if isinstance(given, (list, tuple)) else finals[0]


def stacked_step(call: LayerCall, emit: Emitter) -> Any:
    """One step of several cells, the output of each the input of the next."""
    configs, states = call.config["cells"], call.get("states")
    if not isinstance(states, (list, tuple)) or len(states) != len(configs):
        raise Unsupported(f"it must be called with states for each of its {len(configs)} cells")
    y: Any = call.x
    finals = []
    for address, config, given in zip(addresses(configs, ""), configs, states, strict=True):
        alone = isinstance(given, Symbol)
        y, final = emit.call(emit.child(config, address), y, [given] if alone else list(given))
        finals.append(final[0] if alone else final)
    return y, finals[0] if len(finals) == 1 else finals


def recurrent_mask(call: LayerCall, mask: Any, emit: Emitter) -> Any:
    """The mask of the inputs for the sequence, none for a last output and for states."""
    return [first(mask)] if call.config.bool("return_sequences", False) else None


def first(mask: Any) -> Any:
    """Return the first leaf of a nest of masks: that of the sequence."""
    while isinstance(mask, (list, tuple)):
        mask = mask[0] if mask else None
    return mask


def given_states(call: LayerCall) -> Any:
    """The initial state: an argument, or what follows the sequence in a list of inputs, as Keras 2 wrote it."""
    if isinstance(call.inputs, (list, tuple)) and len(call.inputs) > 1:
        return list(call.inputs[1:])
    return call.get("initial_state")


def sequences(call: LayerCall, rank: int = 3) -> Symbol:
    """Return the sequence that a recurrent layer is called with."""
    x = call.inputs[0] if isinstance(call.inputs, (list, tuple)) and call.inputs else call.inputs
    if not isinstance(x, Symbol) or x.rank != rank:
        raise Unsupported(
            f"it must be called with a tensor of {rank} axes, got {x.type if isinstance(x, Symbol) else x}"
        )
    return x


def check_stateful(call: LayerCall, emit: Emitter) -> bool:
    """Return whether the layer is stateful; Unsupported where that would show within one run."""
    stateful = call.config.bool("stateful", False)
    if stateful and emit.calls:
        raise Unsupported(
            "it is stateful and called more than once, so that a call starts from the state of another; use one layer "
            "for each call, or hand on the state as initial_state"
        )
    return stateful


def sequence_mask(call: LayerCall, emit: Emitter) -> Symbol | None:
    """Return the mask as Keras' loop reads it: bool, for the sequence."""
    mask = first(call.mask)
    if mask is None:
        return None
    if not isinstance(mask, Symbol):
        raise Unsupported(f"its mask must be a tensor, got {mask!r:.40}")
    if call.config.bool("unroll", False) and any(size != 1 for size in mask.shape[2:]):
        raise Unsupported(f"it is unrolled and its mask {mask.type} has more axes than (batch, time); set unroll=False")
    return emit.cast(mask, "bool")


def zero_at(emit: Emitter, sequence: Symbol, mask: Symbol) -> Symbol:
    """Return the sequence with 0 where mask is False."""
    shape = [f"x.{i}" if i < mask.rank else 1 for i in range(sequence.rank)]
    shown = emit.op("reshape", mask, shape=shape)
    y: Symbol = emit.op("where", shown, sequence, emit.constant(0, sequence.dtype))
    return y


def _outputs(call: LayerCall, emit: Emitter, cells: list[Cell], given: list[Any], nested: bool = False) -> Any:
    """Run the cells; returns the sequence or the last output, and the states with `return_state`."""
    x, mask, order = sequences(call), sequence_mask(call, emit), _order(call, emit)
    late_zero, whole_mask = zeroes_late(call, mask), mask
    finals: list[Any] = []
    last = x
    for index, (cell, states) in enumerate(zip(cells, given, strict=True)):
        zero = order.zero_output_for_mask and not late_zero and index == len(cells) - 1
        started = states_of(emit, cell, states)
        x = emit.cast(x, cell.compute)
        x, last, found = _run(emit, cell, x, started, mask, replace(order, zero_output_for_mask=zero))
        found = [emit.cast(state, call.layer.policy.compute) for state in found]
        finals += [found[0] if isinstance(states, Symbol) else found] if nested else found
        if order.go_backwards:  # the sequence is in the order of the steps from here on
            order = replace(order, go_backwards=False)
            mask = emit.op("flip", mask, axes=[1]) if mask is not None and index < len(cells) - 1 else mask
    if late_zero and whole_mask is not None:
        x = zero_at(emit, x, whole_mask)
    note(emit, [cell for cell in cells if cell.name])
    x, last = emit.cast(x, call.layer.policy.compute), emit.cast(last, call.layer.policy.compute)
    return result(call, x, last, finals)


def result(call: LayerCall, sequence: Symbol, last: Symbol, finals: list[Any]) -> Any:
    """Return what a recurrent layer gives: the sequence or the last output, and the states with `return_state`."""
    y = (sequence if call.config.bool("return_sequences", False) else last).with_mask(None)
    return (y, *finals) if call.config.bool("return_state", False) else y


def _run(
    emit: Emitter, cell: Cell, x: Symbol, states: Sequence[Symbol], mask: Symbol | None, order: Order
) -> tuple[Symbol, Symbol, list[Symbol]]:
    """Run a cell over x (batch, time, features); returns the sequence, the last output and the states.

    No `states` stand for zeros. x and states have the cell's compute dtype.
    """
    attrs = activation_attrs(emit, cell)
    if attrs is None or cell.compute == "bfloat16":
        return scan(emit, cell, x, states, mask, order)
    if cell.kind.op == "gru":
        attrs["reset_after"] = reset_after(cell)
    names = ("kernel", "recurrent_kernel", *(["bias"] if has_bias(cell) else []))
    weights = [weight(emit, cell, name, x.shape[2]) for name in names]
    sequence, last, *finals = emit.op(
        cell.kind.op, x, *weights, *[None] * (3 - len(weights)), mask, *states, go_backwards=order.go_backwards,
        zero_output_for_mask=order.zero_output_for_mask, stateful=order.stateful, **attrs,
    )  # fmt: skip
    inputs, states_rate, gates = drops(cell)
    emit.dropped(sequence, inputs=inputs, states=states_rate, gates=gates)
    return sequence, last, finals


def _order(call: LayerCall, emit: Emitter) -> Order:
    return Order(
        call.config.bool("go_backwards", False),
        call.config.bool("zero_output_for_mask", False),
        check_stateful(call, emit),
    )


def zeroes_late(call: LayerCall, mask: Symbol | None) -> bool:
    """Whether Keras zeroes a backward sequence by the mask in forward order, as its unrolled loop does."""
    wanted = ("unroll", "go_backwards", "zero_output_for_mask", "return_sequences")
    return mask is not None and all(call.config.bool(name, False) for name in wanted)
