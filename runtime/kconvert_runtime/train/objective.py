"""The loss of a whole model: that of each output, weighted, and the metrics beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Graph, Port

from .data import Rows
from .losses import Loss
from .losses.base import LOGITS
from .metrics import Metric, chosen, make_metric
from .names import parse
from .problems import Problems


@dataclass
class Target:
    """One output that has a loss or metrics.

    value: the value of the graph that the loss is computed from: the output, or the logits of its last softmax or
    sigmoid, from which Keras computes cross-entropies. mask: the value with the mask of the output.
    """

    port: str
    output: str
    value: str
    loss: Loss | None
    weight: float = 1.0
    metrics: list[Metric] = field(default_factory=list)
    weighted: list[Metric] = field(default_factory=list)
    mask: str | None = None
    shape: tuple[int | None, ...] = ()


def make_targets(
    graph: Graph, rows: Rows | None, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any
) -> list[Target]:
    """Pair outputs with their losses and metrics, given for all, in the order of the outputs, or by name.

    Without rows their labels are taken to be as they should be, so that names and settings can be checked.
    """
    names = [port.name for port in graph.outputs.ports]
    losses, weights = _per_output(loss, names, "loss"), _per_output(loss_weights, names, "loss_weights")
    some, more = _lists(metrics, names, "metrics"), _lists(weighted_metrics, names, "weighted_metrics")
    targets, problems = [], Problems()
    for port in graph.outputs.ports:
        found, y = losses.get(port.name), _stand_in(port.type.shape)
        labels = y if rows is None else rows.labels.get(port.name)
        if found is None and not some.get(port.name) and not more.get(port.name):
            continue
        targets.append(_target(graph, port, found, (some, more), labels, y, weights.get(port.name), problems))
    problems.check()
    if not any(target.loss for target in targets):
        raise InputError("No output has a loss: give `loss`, such as loss='mean_squared_error'.")
    return targets


def _target(
    graph: Graph, port: Port, loss: Any, metrics: Sequence[Mapping[str, list[Any]]], labels: Any, y: Any,
    weight: float | None, problems: Problems,
) -> Target:  # fmt: skip
    """Return the target of an output; what is wrong goes to `problems`."""
    if labels is None:
        problems.add(f"The output {show(port.name)} has a loss or metrics, but y has no labels for it.")
    if port.type.dtype not in ("float16", "bfloat16", "float32", "float64"):
        problems.add(f"The output {show(port.name)} is {port.type.dtype}: only floats can be trained.")
    labels = y if labels is None else labels
    made = None if loss is None else problems.trying(lambda: make_loss(loss, labels, y))
    found = [[problems.trying(partial(_metric, one, labels, y)) for one in part.get(port.name, [])] for part in metrics]
    plain, weighted = ([one for one in part if one is not None] for part in found)
    value, made = _logits(graph, port.value, made)
    mask, weight = graph.training.masks.get(port.name), 1.0 if weight is None else weight
    return Target(port.name, port.value, value, made, weight, plain, weighted, mask, tuple(port.type.shape))


def check_labels(targets: Sequence[Target], parts: Sequence[Rows]) -> None:
    """Raise InputError where labels do not go with the loss of their output, all rows looked at."""
    problems = Problems()
    for target in targets:
        for rows in parts:
            labels = rows.labels.get(target.port)
            if target.loss is not None and labels is not None:
                problems.trying(partial(target.loss.check, labels, target.shape))
    problems.check()


def make_loss(given: Any, labels: Array, y: Any) -> Loss:
    """Return a loss for its name, with settings or without; 'crossentropy' is chosen by the shapes, as Keras does."""
    if isinstance(given, Loss):
        return given
    name, options = _named(given, Loss)
    if name.lower() in ("crossentropy", "ce"):
        name = chosen(labels, y, "crossentropy")
    return Loss(name, **options)


def _metric(given: Any, labels: Array, y: Any) -> Metric:
    if isinstance(given, Metric):
        return given
    name, options = _named(given, Metric)
    return make_metric(name, labels, y, **options)


def _named(given: Any, kind: type[Any]) -> tuple[str, dict[str, Any]]:
    """Read the name and the settings of a loss or a metric."""
    if isinstance(given, str):
        return parse(given)
    what = kind.__name__
    raise InputError(f"A {what.lower()} is a name or a kconvert_runtime.train.{what}, got {type(given).__name__}.")


@dataclass(frozen=True)
class _StandIn:
    """The rank and last size of an output, before there is one."""

    shape: tuple[Any, ...]

    @property
    def ndim(self) -> int:
        return len(self.shape)


def _stand_in(shape: Sequence[int | None]) -> Any:
    return _StandIn(tuple(shape))


def _logits(graph: Graph, value: str, loss: Loss | None) -> tuple[str, Loss | None]:
    """Return what a cross-entropy is computed from: the input of a last softmax or sigmoid, as in Keras on TensorFlow.

    That is exact where the probabilities are so near to 0 that they are cut off.
    """
    if loss is None or loss.name not in LOGITS or loss.options.get("axis", -1) != -1:
        return value, loss
    node = next((node for node in graph.nodes if value in node.outputs), None)
    if node is None or node.op != LOGITS[loss.name] or graph.type_of(value).dtype in ("float16", "bfloat16"):
        return value, loss
    last = len(graph.type_of(value).shape) - 1
    if node.op == "softmax" and list(node.attrs.get("axes", [-1])) not in ([-1], [last]):
        return value, loss
    options = {**loss.options, "from_logits": True}
    return str(node.inputs[0]), Loss(loss.name, reduction=loss.reduction, **options)


def _per_output(given: Any, names: Sequence[str], what: str) -> dict[str, Any]:
    """Return what is given for each output: one thing for all, a list in their order, or a dict by name."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        extra = [name for name in given if name not in names]
        if extra:
            raise InputError(
                f"{what} names the outputs {', '.join(map(show, extra))}; there are {', '.join(map(show, names))}."
            )
        return dict(given)
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise InputError(f"{what} must have an entry for each of the {len(names)} outputs, got {len(given)}.")
        return dict(zip(names, given, strict=True))
    return dict.fromkeys(names, given)


def _lists(given: Any, names: Sequence[str], what: str) -> dict[str, list[Any]]:
    """As _per_output, with lists for the only output, or for each."""
    if isinstance(given, (str, Metric)):
        given = [given]
    if len(names) == 1 and isinstance(given, (list, tuple)):
        flat = [one for part in given for one in (part if isinstance(part, (list, tuple)) else [part])]
        return {names[0]: flat}
    if isinstance(given, (list, tuple)) and len(given) != len(names):
        raise InputError(
            f"{what} must be a list with an entry for each of the {len(names)} outputs, or a dict by output name."
        )
    found = _per_output(given, names, what)
    return {n: list(m) if isinstance(m, (list, tuple)) else [m] for n, m in found.items() if m is not None}
