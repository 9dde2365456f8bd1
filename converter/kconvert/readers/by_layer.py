"""Weights listed by layer, as in HDF5 files of Keras 1 and 2 -> variables at Keras 3's addresses.

A model finds its layers by name where the file has the same names; else, as in Keras, the first layer with weights
takes the first entry with weights, and so on. Within a layer the order of the list counts, checked against the names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from kconvert_schemas.errors import ModelFileError, show

from ..dialects import major_version
from ..spec import LayerSpec, StoredWeight
from . import arrangement, layout
from .layout import Variable
from .parts import Finder, Found

Listed = Sequence[tuple[str, StoredWeight]]
STATES = ("StateVar", "seed_generator_state")
"""What random layers keep between calls; it has no part in the result."""
SHOWN = 8


def finder(listed: Mapping[str, Listed], version: str, backend: str) -> Finder:
    """Return what finds the weights of a model among those listed by layer, in the order of the file.

    version, backend: of the Keras that wrote the file, '' where it does not say.
    """
    kept = {layer: [(n, w) for n, w in weights if layout.last(n) not in STATES] for layer, weights in listed.items()}

    def find(root: LayerSpec) -> Found:
        found: dict[str, StoredWeight] = {}
        problems: dict[str, list[str]] = {}
        for layer, weights in _pairs(root, {name: weights for name, weights in kept.items() if weights}):
            ordered = _ordered(layer, [name for name, _ in weights])
            if ordered is None:
                problems.setdefault(_count(layer, len(weights)), []).append(layer.path)
            else:
                values = [weight for _, weight in weights]
                found.update(arranged(ordered, values, major_version(version), backend))
        return Found(found, problems=problems)

    return find


def _pairs(root: LayerSpec, listed: Mapping[str, Listed]) -> Iterator[tuple[LayerSpec, Listed]]:
    """Yield each layer of the model with its entry in the file."""
    layers = root.model.layers if root.model else ()
    names = {layer.name for layer in layers}
    if listed.keys() <= names:
        yield from ((layer, listed[layer.name]) for layer in layers if layer.name in listed)
        return
    owners = [layer for layer in layers if layout.variables(layer) or not layout.has_rule(layer)]
    if len(owners) != len(listed):
        raise ModelFileError(
            f"The weights do not fit the model: they are of {len(listed)} layers ({_some(list(listed))}), the model "
            f"has {len(owners)} layers with weights ({_some([layer.name for layer in owners])})."
        )
    yield from zip(owners, listed.values(), strict=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(show, names[:SHOWN])) + more


def _count(layer: LayerSpec, count: int) -> str:
    asked = layout.trainable_first(layout.variables(layer))
    names = _some([variable.name for variable in asked])
    return f"it has {count} weights in the file, its config asks for {len(asked)}{f' ({names})' if asked else ''}"


def _ordered(layer: LayerSpec, names: Sequence[str]) -> list[Variable] | None:
    """Return the layer's variables in the order of the file: the order that agrees best with its names."""
    orders = [order for order in _orders(layer, names) if len(order) == len(names)]
    if not orders:
        return None
    best = max(orders, key=lambda order: _agreement(order, names))
    return _by_name(best, names) or best


def _orders(layer: LayerSpec, names: Sequence[str]) -> Iterator[list[Variable]]:
    """Trainable ones first; as they stand in the layers; each with the gates of Keras 1 apart."""
    found = layout.variables(layer, names)
    for variables in (found, _separate_gates(found)):
        yield layout.trainable_first(variables)
        yield layout.trainable_first(variables, alone=True)
        yield variables


def _separate_gates(variables: Sequence[Variable]) -> list[Variable]:
    apart: list[Variable] = []
    for variable in variables:
        gates = arrangement.separate_gates(variable.layer.class_name)
        if not gates:
            apart.append(variable)
        elif variable.name == "kernel":
            cell = variable.address.rpartition("/")[0]
            apart += [replace(variable, address=f"{cell}/{gate}", name=gate) for gate in gates]
    return apart


def _agreement(order: Sequence[Variable], names: Sequence[str]) -> int:
    return sum(_agrees(variable, name) for variable, name in zip(order, names, strict=True))


def _agrees(variable: Variable, name: str) -> int:
    last = layout.last(name)
    named = last == variable.name or last.endswith(f"_{variable.name}")
    places = set(name.split("/"))
    return 100 * named + sum(part in places for part in variable.layer.path.split("/"))


def _by_name(order: list[Variable], names: Sequence[str]) -> list[Variable] | None:
    """Return the variables by their names where these, with those of their layers, tell all of them apart."""
    keyed = {(variable.layer.name, variable.name): variable for variable in order}
    found = []
    for name in names:
        parts = name.split("/")
        keys = [(part, layout.last(name)) for part in parts[:-1] if (part, layout.last(name)) in keyed]
        found += [keyed[keys[-1]]] if keys else []
    complete = len(keyed) == len(order) == len({v.address for v in found}) == len(found)
    return found if complete else None


def arranged(
    variables: Sequence[Variable], stored: Sequence[StoredWeight], major: int, backend: str
) -> dict[str, StoredWeight]:
    """Return the weights by address, arranged as in Keras 3."""
    found: dict[str, StoredWeight] = {}
    leaves: dict[str, tuple[LayerSpec, dict[str, tuple[str, StoredWeight]]]] = {}
    for variable, weight in zip(variables, stored, strict=True):
        own = leaves.setdefault(variable.layer.address, (variable.layer, {}))[1]
        if variable.name in own or not layout.has_rule(variable.layer):
            found[variable.address] = weight
        else:
            own[variable.name] = variable.address, weight
    for layer, own in leaves.values():
        addresses = {variable.name: variable.address for variable in layout.variables(layer)}
        weights = arrangement.modern(layer, {name: weight for name, (_, weight) in own.items()}, major, backend)
        found.update({own[name][0] if name in own else addresses[name]: weight for name, weight in weights.items()})
    return found
