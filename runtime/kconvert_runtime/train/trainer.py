"""One step of training: forward, loss, back, update; and the evaluation of what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from kconvert_schemas import dtypes
from kconvert_schemas.dtypes import HALVES, Array
from kconvert_schemas.errors import InputError
from kconvert_schemas.graph import Graph, Node

from ..execute import execute
from ..gradients.walk import SMOOTH, Walk
from ..inputs import prepare
from ..plan import plan, types_of
from .constraints import constrain, normalize
from .data import Rows, batches
from .metrics import Metric
from .mode import TrainingMode
from .objective import Target
from .optimizers import Optimizer
from .penalties import penalize

Logs = dict[str, float]
STEP = 1
"""Which stream of random numbers: those of the steps, beside those of the order of rows."""


class Trainer:
    """A graph with weights of its own, which steps change in place, and the state of the optimiser.

    step: how many steps were done. Its random numbers depend on seed and step alone.
    """

    def __init__(
        self, graph: Graph, weights: Mapping[str, Array], targets: Sequence[Target], optimizer: Optimizer, seed: int,
        trained: Sequence[str],
    ) -> None:  # fmt: skip
        self.graph, self.targets, self.optimizer, self.seed = graph, list(targets), optimizer, seed
        self.trained = list(trained)
        changed = {*_averages(graph), *(n for s in graph.training.spectral for n in (s.weight, s.vector)), *trained}
        changing = {name: np.array(weights[name]) for name in weights if name in changed}
        self.weights: dict[str, Array] = {**weights, **changing}
        self.changing = list(changing)
        frozen = graph.weights.keys() - set(trained)
        self.mode = TrainingMode(graph, self.weights, frozen)
        self.penalties = [
            p for p in graph.training.penalties if p.value not in graph.weights or p.value in set(trained)
        ]
        outputs = [p.value for p in self.penalties if p.value not in graph.weights]
        self._wanted = list(dict.fromkeys([*_wanted(self.targets), *outputs]))
        self._constraints = [c for c in graph.training.constraints if c.weight in set(trained)]
        self._walk = Walk(
            _with_masks(graph), types_of(graph), self.weights, self._wanted, self.trained, self.mode.choose
        )
        self._plan = plan(graph, self.weights, self._wanted)
        self.step_number = 0

    def step(self, rows: Rows) -> Logs:
        """Do one step on a batch; returns the loss, and that of each output where there are several."""
        self.mode.begin(np.random.default_rng([self.seed, STEP, self.step_number]))
        for one in self.graph.training.spectral:
            normalize(one, self.weights)
        arrays = self._inputs(rows)
        with np.errstate(all="ignore"), self._walk.cores():
            run, outputs = self._walk.forward(self._named(arrays))
            values = dict(zip(self._wanted, outputs, strict=True))
            logs, by_value = self._losses(rows, values)
            found = self._walk.back(run, [by_value.get(name) for name in self._wanted])
            for name in [name for name in by_value if name in self.graph.weights]:
                found[name] = found[name] + by_value[name] if name in found else by_value[name]
            self.optimizer.apply(self.weights, {name: found[name] for name in self.trained if name in found})
        for constraint in self._constraints:
            constrain(constraint, self.weights[constraint.weight])
        self._round()
        self.step_number += 1
        _measure(self.targets, rows, values)
        return logs

    def evaluate(self, rows: Rows, batch_size: int) -> Logs:
        """Return the losses and metrics of rows, layers acting as when running."""
        reset(self.targets)
        total = LogMean()
        for part in batches(rows, batch_size):
            outputs = execute(self._plan, self._inputs(part))
            values = dict(zip(self._wanted, outputs, strict=True))
            with np.errstate(all="ignore"):
                logs, _ = self._losses(part, values)
                _measure(self.targets, part, values)
            total.add(logs, part.count)
        return {**total.result(), **results(self.targets)}

    def _inputs(self, rows: Rows) -> list[Array]:
        pairs = zip(self.graph.inputs.ports, rows.inputs, strict=True)
        return [prepare(port, array) for port, array in pairs]

    def _named(self, arrays: Sequence[Array]) -> dict[str, Array]:
        return {port.value: array for port, array in zip(self.graph.inputs.ports, arrays, strict=True)}

    def _losses(self, rows: Rows, values: Mapping[str, Array]) -> tuple[Logs, dict[str, Array]]:
        """Return the losses by name, and the gradients of the values that they come from."""
        total, logs = 0.0, {}
        by_value: dict[str, Array] = {}
        with_loss = [target for target in self.targets if target.loss is not None]
        for target in with_loss:
            y_pred = values[target.value]
            y_pred = y_pred.astype(np.float32) if y_pred.dtype == np.float16 else y_pred
            mask = None if target.mask is None else values[target.mask]
            assert_loss = target.loss
            if assert_loss is None:
                continue
            found, g = assert_loss(rows.labels[target.port], y_pred, rows.weights.get(target.port), mask)
            logs[f"{target.port}_loss"] = found
            total += target.weight * found
            g = g * g.dtype.type(target.weight) if target.weight != 1 else g
            by_value[target.value] = by_value[target.value] + g if target.value in by_value else g
        total += self._penalties(values, by_value)
        return {"loss": total, **(logs if len(with_loss) > 1 else {})}, by_value

    def _penalties(self, values: Mapping[str, Array], by_value: dict[str, Array]) -> float:
        """Return the penalties, and add their gradients to those of values and weights."""
        total = 0.0
        for penalty in self.penalties:
            v = values[penalty.value] if penalty.value in values else self.weights[penalty.value]
            found, g = penalize(penalty, v)
            total += found
            by_value[penalty.value] = by_value[penalty.value] + g if penalty.value in by_value else g
        return total

    def _round(self) -> None:
        """Keep bfloat16 weights, held as float32, to what 16 bits hold."""
        for name in self.trained:
            dtype = self.graph.weights[name].type.dtype
            if dtype in HALVES and self.weights[name].dtype != np.float16:
                np.copyto(self.weights[name], dtypes.cast(self.weights[name], dtype))


class LogMean:
    """Means of logs, batches counted by their rows."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = {}
        self._rows = 0

    def add(self, logs: Mapping[str, float], rows: int) -> None:
        """Count in a batch."""
        for name, value in logs.items():
            self._totals[name] = self._totals.get(name, 0.0) + value * rows
        self._rows += rows

    def result(self) -> Logs:
        """Return the means."""
        return {name: total / self._rows for name, total in self._totals.items()}


def trainable(graph: Graph, chosen: Sequence[str] | None) -> list[str]:
    """Return the names of the weights to train: the trainable ones, or those of them under the layers `chosen`."""
    names = [name for name, w in graph.weights.items() if w.trainable and w.type.dtype in SMOOTH]
    if chosen is None:
        return names
    found = []
    for path in chosen:
        under = [name for name in names if name == path or name.startswith(f"{path.rstrip('/')}/")]
        if not under:
            raise InputError(f"trainable: {path!r:.60} is no layer with trainable weights, and no such weight.")
        found += under
    return [name for name in names if name in set(found)]


def reset(targets: Sequence[Target]) -> None:
    """Start all metrics anew."""
    for target in targets:
        for metric in (*target.metrics, *target.weighted):
            metric.reset()


def results(targets: Sequence[Target]) -> Logs:
    """Return the metrics by name, with the name of the output before it where there are several.

    A name that is taken becomes that of a weighted metric, or gets a number, as in Keras.
    """
    found: Logs = {}
    counts: dict[str, int] = {}
    for weighted in (False, True):
        for target in targets:
            before = f"{target.port}_" if len(targets) > 1 else ""
            for metric in target.weighted if weighted else target.metrics:
                name = before + metric.name
                name = f"{before}weighted_{metric.name}" if weighted and name in counts else name
                count = counts.get(name, 0)
                counts[name] = count + 1
                found[f"{name}_{count}" if count else name] = metric.result()
    return found


def _measure(targets: Sequence[Target], rows: Rows, values: Mapping[str, Array]) -> None:
    for target in targets:
        if not target.metrics and not target.weighted:
            continue
        y_true, y_pred = rows.labels[target.port], values[target.output]
        mask = None if target.mask is None else values[target.mask]
        kinds: list[tuple[list[Metric], Array | None]] = [
            (target.metrics, None), (target.weighted, rows.weights.get(target.port)),
        ]  # fmt: skip
        for metrics, weight in kinds:
            for metric in metrics:
                metric.update(y_true, y_pred, weight, mask)


def _wanted(targets: Sequence[Target]) -> list[str]:
    names = [name for target in targets for name in (target.value, target.output, target.mask) if name is not None]
    return list(dict.fromkeys(names))


def _with_masks(graph: Graph) -> list[Node]:
    """Return the nodes, those of batch normalisation with the masks of their inputs."""
    masks = graph.training.norm_masks
    return [
        replace(node, inputs=(*node.inputs, *[None] * (5 - len(node.inputs)), masks[node.name]))
        if node.name in masks
        else node
        for node in graph.nodes
    ]


def _averages(graph: Graph) -> set[str]:
    """Return the names of weights that batch normalisation moves in training."""
    source = {node.outputs[0]: node.inputs[0] for node in graph.nodes if node.op == "cast"}
    names = {name for node in graph.nodes if node.op == "batch_norm" for name in node.inputs[1:3]}
    while names & source.keys():
        names = {source.get(name, name) if name else name for name in names}
    return {name for name in names if name is not None and name in graph.weights}
