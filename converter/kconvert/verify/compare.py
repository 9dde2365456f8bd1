"""Running both sides on every case, and finding the first layer that diverges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError
from kconvert_schemas.graph import Graph, Port, Signature

from .errors import Error, beyond_measure, measure
from .inputs import Case
from .keras_side import Calls, KerasModel

if TYPE_CHECKING:
    from kconvert_runtime import Model

OUTPUTS = "(outputs)"
"""What the outputs of the optimised run stand under, beside the layers."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The largest error of a layer, and the case that it showed in."""

    layer: str
    class_name: str
    case: str
    error: Error


@dataclass
class Outcome:
    """What came of a verification: the layers in the order in which they give their outputs, the outputs last.

    refused: the cases that Keras itself cannot run, and what it says.
    """

    tolerance: float
    layers: list[Comparison] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    not_seen: list[str] = field(default_factory=list)
    golden: tuple[Case, Mapping[str, Array]] | None = None

    @property
    def first(self) -> Comparison | None:
        """The first layer that diverges."""
        return next((line for line in self.layers if line.error.max_relative > self.tolerance), None)

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        first = self.first
        return {
            "holds": first is None,
            "tolerance": self.tolerance,
            "first_divergence": first.layer if first else None,
            "cases": self.cases,
            "refused_by_keras": self.refused,
            "not_compared": self.not_seen,
            "layers": [
                {"layer": one.layer, "class": one.class_name, "case": one.case, **one.error.as_json()}
                for one in self.layers
            ],
        }


def verify(model: Model, keras: KerasModel, cases: Iterable[Case], tolerance: float) -> Outcome:
    """Run a bundle and its Keras model on the cases; InputError when Keras can run none of them."""
    outcome = Outcome(tolerance)
    worst: dict[str, Comparison] = {}
    names = [port.name for port in model.graph.outputs.ports]
    for case in cases:
        try:
            outputs, calls = keras.run(model.graph.inputs, case.inputs)
        except Exception as reason:  # whatever its layers raise for what they do not take
            outcome.refused[case.name] = f"{type(reason).__name__}: {' '.join(str(reason).split())[:200]}"
            continue
        outcome.cases.append(case.name)
        if outcome.golden is None:
            outcome.golden = case, dict(zip(names, outputs, strict=False))
        for layer, error in _errors(model, case, outputs, calls, tolerance):
            before = worst.get(layer)
            if before is None or _rank(error) > _rank(before.error):
                kind = model.graph.layers[layer].class_name if layer in model.graph.layers else ""
                worst[layer] = Comparison(layer, kind, case.name, error)
    if not outcome.cases:
        said = next(iter(outcome.refused.values()), "")
        raise InputError(f"Keras runs the model on none of the inputs made for it: {said}. Give some with --inputs.")
    order = [*layers_in_order(model.graph), OUTPUTS]
    outcome.layers = [worst[layer] for layer in order if layer in worst]
    outcome.not_seen = [layer for layer in order if layer not in worst]
    return outcome


def _rank(error: Error) -> tuple[float, float]:
    return error.max_relative, error.max_ulp


def layers_in_order(graph: Graph) -> list[str]:
    """Paths of layers in the order in which they finish; the layer that computes a value before those that hold it."""
    writer = {value: (index, node.layer) for index, node in enumerate(graph.nodes) for value in node.outputs}

    def finished(path: str) -> tuple[int, bool, int]:
        given = [writer.get(value, (-1, "")) for value in graph.layers[path].calls[0]] or [(-1, "")]
        last, layer = max(given)
        return last, layer != path, -path.count("/")

    return sorted((path for path, layer in graph.layers.items() if layer.calls), key=finished)


def _errors(
    model: Model, case: Case, outputs: list[Array], calls: Calls, tolerance: float
) -> Iterator[tuple[str, Error]]:
    """Yield an error for each layer that both sides show, and for the outputs; what fails here fails as an error."""
    graph = model.graph
    seen = {path: calls[path] for path, layer in graph.layers.items() if _same_form(layer.calls, calls.get(path))}
    own: dict[str, Error] = {}
    mine, problem = _try(lambda: model(case.inputs, taps=list(seen))[1])
    for path, theirs in seen.items() if mine is not None else ():
        given = mine[path] if isinstance(mine[path], list) else [mine[path]]
        flat = [array for call in theirs for array in call]
        types = [graph.type_of(value).dtype for call in graph.layers[path].calls for value in call]
        errors = [measure(a, b, dtype) for a, b, dtype in zip(given, flat, types, strict=True)]
        error = max(errors, key=_rank, default=Error())
        if error.max_relative > 0 and all(array.dtype.kind in "biu" for array in flat):
            error = own[path] = min(error, _own_error(model, case, path, seen), key=_rank)
        yield path, error
    ports = graph.outputs.ports
    found, problem = _try(lambda: model.run(case.inputs)) if not problem else (None, problem)
    if found is None or len(outputs) != len(ports):
        yield OUTPUTS, beyond_measure(problem or f"{len(ports)} outputs, Keras gives {len(outputs)}")
        return
    errors = [measure(found[p.name], b, p.type.dtype) for p, b in zip(ports, outputs, strict=True)]
    tipped = {value: error for path, error in own.items() for call in graph.layers[path].calls for value in call}
    errors = [min(error, tipped.get(p.value, error), key=_rank) for error, p in zip(errors, ports, strict=True)]
    worst = max(errors, key=_rank, default=Error())
    if worst.max_relative > tolerance and mine is not None:
        yield from _optimised_errors(model, case, seen)
    yield OUTPUTS, worst


def _optimised_errors(model: Model, case: Case, seen: Calls) -> Iterator[tuple[str, Error]]:
    """Yield the errors of layers in the optimised run, which may go wrong where the plain one does not.

    Whole numbers are left out: rounding before them can tip an `argmax`.
    """
    graph = model.graph
    values = {path: [value for call in graph.layers[path].calls for value in call] for path in seen}
    wanted = dict.fromkeys(value for path in seen for value in values[path])
    ports = tuple(Port(value, value, graph.type_of(value)) for value in wanted)
    part = replace(graph, outputs=Signature([port.name for port in ports], ports))
    found, _ = _try(lambda: type(model)(part, model.weights, limits=model.limits).run(case.inputs))
    for path, calls in seen.items() if found is not None else ():
        flat = [array for call in calls for array in call]
        if all(array.dtype.kind not in "biu" for array in flat):
            pairs = zip(values[path], flat, strict=True)
            errors = [measure(found[value], theirs, graph.type_of(value).dtype) for value, theirs in pairs]
            yield path, max(errors, key=_rank, default=Error())


def _same_form(mine: tuple[tuple[str, ...], ...], keras: list[list[Array]] | None) -> bool:
    """Whether Keras was seen to call a layer as often as the graph says, with as many outputs."""
    return keras is not None and [len(call) for call in mine] == [len(call) for call in keras]


def _try(call: Callable[[], Any]) -> tuple[Any, str]:
    try:
        return call(), ""
    except InputError as error:
        return None, str(error)


def _own_error(model: Model, case: Case, path: str, seen: Calls) -> Error:
    """The error of a layer of whole numbers on what Keras gives to it: rounding before it can tip an `argmax`."""
    from kconvert_runtime.execute import execute
    from kconvert_runtime.plan import plan

    graph = model.graph
    wanted = [value for call in graph.layers[path].calls for value in call]
    known: dict[str, Array] = {}
    for layer in seen.keys() - {path}:
        values = [value for call in graph.layers[layer].calls for value in call]
        known.update(zip(values, [array for call in seen[layer] for array in call], strict=True))
    known = {value: array for value, array in known.items() if value in graph.values and value not in wanted}
    given = [*graph.inputs.ports, *(Port(value, value, graph.values[value]) for value in known)]
    nodes = tuple(node for node in graph.nodes if not known.keys() & set(node.outputs))
    part = replace(graph, inputs=Signature([port.name for port in given], tuple(given)), nodes=nodes)
    arrays, problem = _try(lambda: execute(plan(part, model.weights, wanted), [*_flat(model, case), *known.values()]))
    if arrays is None:
        return beyond_measure(problem)
    theirs = [array for call in seen[path] for array in call]
    errors = [measure(a, b, graph.type_of(v).dtype) for a, b, v in zip(arrays, theirs, wanted, strict=True)]
    return max(errors, key=_rank)


def _flat(model: Model, case: Case) -> list[Array]:
    return [case.inputs[port.name] for port in model.graph.inputs.ports]
