"""The cells of recurrent layers (keras/src/layers/rnn): the op that runs one over a sequence, weights, states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kconvert import Config, Emitter, LayerCall, LayerSpec, Symbol, Unsupported, activations
from kconvert_schemas import Node, TensorType, find_op

from .rounded import STEPWISE

UNKNOWN_CELL = (
    "its cell {key!r} is none of SimpleRNNCell, LSTMCell, GRUCell and StackedRNNCells of these. Use one of them, or "
    "make the whole recurrent layer a registered class and write a plugin for that"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of cells: the op that runs one over a sequence, how many gates and how many states it has."""

    op: str
    gates: int
    states: int
    activations: tuple[str, ...] = ("activation",)


KINDS = {
    "keras.layers.SimpleRNNCell": Kind("simple_rnn", 1, 1),
    "keras.layers.LSTMCell": Kind("lstm", 4, 2, ("activation", "recurrent_activation")),
    "keras.layers.GRUCell": Kind("gru", 3, 1, ("activation", "recurrent_activation")),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a layer: its kind, settings and compute dtype; where its variables stand, and under what name."""

    kind: Kind
    config: Config
    compute: str
    address: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """How a sequence is run over: the attributes of the recurrent ops that do not belong to the cell."""

    go_backwards: bool = False
    zero_output_for_mask: bool = False
    stateful: bool = False


def addresses(configs: Sequence[Any], owner: str) -> list[str]:
    """Return where the variables of cells in a list stand: under their class names, counted."""
    found: list[str] = []
    for config in configs:
        base = f"{owner}/cells/{SNAKE.get(str(config.get('class_name')), 'cell')}".lstrip("/")
        count = sum(name == base or name.startswith(f"{base}_") for name in found)
        found.append(f"{base}_{count}" if count else base)
    return found


SNAKE = {"SimpleRNNCell": "simple_rnn_cell", "LSTMCell": "lstm_cell", "GRUCell": "gru_cell"}


def cells_of(emit: Emitter, config: Any) -> tuple[LayerSpec, list[Cell]]:
    """Return the `cell` of an RNN layer, and the plain cells that it consists of."""
    owner = emit.child(config, "cell")
    if owner.key != "keras.layers.StackedRNNCells":
        return owner, [_cell(emit, owner, "cell", owner.name)]
    configs = owner.config["cells"]
    cells = []
    for address, inner in zip(addresses(configs, "cell"), configs, strict=True):
        spec = emit.child(inner, address)
        cells.append(_cell(emit, spec, address, f"{owner.name}/{address.rpartition('/')[2]}"))
        if spec.policy.compute != owner.policy.compute:
            raise Unsupported(f"its cells compute in {spec.policy.compute}, their stack in {owner.policy.compute}")
    return owner, cells


def note(emit: Emitter, cells: Sequence[Cell]) -> None:
    """Note the penalties and constraints of cells that were written."""
    for cell in cells:
        emit.regularized({**cell.config}, cell.name)


def _cell(emit: Emitter, spec: LayerSpec, address: str, name: str) -> Cell:
    if spec.key not in KINDS:
        raise Unsupported(UNKNOWN_CELL.format(key=spec.key))
    if spec.policy.quantization or spec.policy.problem:
        raise Unsupported(
            spec.policy.problem or f"the dtype policy of its cell is {spec.policy.name}, not one for cells"
        )
    return Cell(KINDS[spec.key], Config(spec.config), spec.policy.compute, address, name)


def refuse_other_policy(call: LayerCall, name: str) -> None:
    """Refuse a layer whose map of dtype policies has another one for the cell `name` that the layer makes."""
    if call.layer.policy_of(name) != call.layer.policy:
        raise Unsupported(f"its map of dtype policies has another one for its {name}")


def drops(cell: Cell) -> tuple[float, float, int]:
    """Return the rates of dropout for inputs and states, and how many decisions there are for each element.

    LSTM and GRU decide gate by gate with implementation 1, which recurrent dropout turns on; and not at all where the
    rate is 1.
    """
    rates = [min(1.0, max(0.0, cell.config.float(name, 0.0))) for name in ("dropout", "recurrent_dropout")]
    if cell.kind.gates == 1:
        return rates[0], rates[1], 1
    apart = rates[1] != 0 or cell.config.get("implementation", 2) == 1
    inputs, states = (0.0 if rate == 1 else rate for rate in rates)
    return inputs, states, cell.kind.gates if apart else 1


def reset_after(cell: Cell) -> bool:
    """Whether the reset gate of a GRU acts after the product."""
    return cell.config.bool("reset_after", True)


def has_bias(cell: Cell) -> bool:
    """Whether the cell has a bias."""
    return cell.config.bool("use_bias", True)


def weight(emit: Emitter, cell: Cell, name: str, features: int | None = None) -> Symbol:
    """Return kernel, recurrent_kernel or bias of a cell, in its compute dtype."""
    units = cell.config.int("units")
    width = cell.kind.gates * units
    both = cell.kind.op == "gru" and reset_after(cell)
    shapes = {"kernel": (features, width), "recurrent_kernel": (units, width), "bias": (2, width) if both else (width,)}
    symbol = emit.weight(
        f"{cell.name}/{name}" if cell.name else name, list(shapes).index(name), child=cell.address, shape=shapes[name],
        trainable=bool(cell.config.get("trainable", True)), cast=False,
    )  # fmt: skip
    return emit.cast(symbol, cell.compute)


def activate(emit: Emitter, cell: Cell, name: str, x: Symbol) -> Symbol:
    """Apply an activation setting of the cell."""
    return activation(emit, x, cell.config.get(name))


def activation(emit: Emitter, x: Symbol, value: Any) -> Symbol:
    """Apply an activation, in bfloat16 rounded as TensorFlow rounds it."""
    found = None if isinstance(value, Mapping) else activations.lookup(value)
    if x.dtype == "bfloat16" and found is not None and found.op in STEPWISE and not found.attrs:
        return STEPWISE[found.op](emit, x)
    return emit.activation(x, value)


def activation_attrs(emit: Emitter, cell: Cell) -> dict[str, Any] | None:
    """Return the cell's activations as attributes of its op; None if one is not a single op that keeps the type."""
    found: dict[str, Any] = {}
    for name in cell.kind.activations:
        type_ = TensorType((None, cell.config.int("units")), cell.compute)
        body = emit.body({"x": type_}, partial(activate, emit, cell, name))
        if not body.nodes:
            found[name] = None
        elif len(body.nodes) == 1 and body.nodes[0].inputs == body.inputs and body.values[body.outputs[0]] == type_:
            found[name] = _unary(body.nodes[0])
        else:
            return None
    return found


def _unary(node: Node) -> Any:
    """Return the form of an attribute of kind `unary`, without attributes that have their default."""
    spec = find_op(node.op)
    defaults = {key: attr.default for key, attr in spec.attrs.items()} if spec else {}
    attrs = {key: given for key, given in node.attrs.items() if key not in defaults or defaults[key] != given}
    return {"op": node.op, "attrs": attrs} if attrs else node.op


def states_of(emit: Emitter, cell: Cell, given: Any) -> list[Symbol]:
    """Return the states given for one cell, a tensor or a list, in its compute dtype; [] for None: zeros."""
    if given is None:
        return []
    states = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(states) != cell.kind.states:
        raise Unsupported(f"it is called with {len(states)} states, {cell.kind.op} has {cell.kind.states}")
    return [_state(emit, cell, state) for state in states]


def _state(emit: Emitter, cell: Cell, state: Any) -> Symbol:
    if not isinstance(state, Symbol):
        raise Unsupported(f"each of its states must be a tensor, got {state!r:.40}")
    return emit.cast(state, cell.compute)
