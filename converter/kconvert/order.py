"""The order in which Keras runs the calls of a Functional model (keras/src/ops/function.py, `map_graph`).

Results depend on it only where a layer takes the mask off a tensor that others read too, as MultiHeadAttention does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from kconvert_schemas.errors import ConversionError, show

from .limits import current
from .spec import Call, LayerSpec, ModelSpec, TensorRef
from .structures import flatten

Key: TypeAlias = tuple[str, int]
"""A call: the name of its layer, and which call of that layer it is."""


def calls_of(layer: LayerSpec, known: dict[int, int]) -> int:
    """Return how many calls one call of a layer makes, itself included; those of nested models each time."""
    if id(layer) not in known:
        calls = layer.model.calls if layer.model else ()
        known[id(layer)] = 1 + sum(calls_of(call.layer, known) for call in calls)
    return known[id(layer)]


def check_calls(count: int, file: str) -> None:
    """Raise ConversionError when a file makes more calls than it may."""
    most = current().calls
    if count > most:
        raise ConversionError(
            f"{show(file)} makes more than {most} calls of layers (limit calls); those of a nested model count each "
            "time it is called."
        )


def execution_order(model: ModelSpec, given: Collection[Key]) -> list[Call]:
    """Return the calls of a model in the order in which Keras runs them.

    given: what is known before any call. Raises ConversionError where a call reads what nothing gives.
    """
    calls = {(call.layer.name, call.node): call for call in _after_what_they_read(model, given)}
    reads = {key: [(ref.layer, ref.node) for ref in _refs([call.args, call.kwargs])] for key, call in calls.items()}
    ends = [(ref.layer, ref.node) for ref in _refs(model.outputs)]
    depths = _depths(reads, _postorder(reads, ends))
    ordered = sorted(depths, key=lambda key: -depths[key])  # among equals, as they were first met
    return [calls[key] for key in (*ordered, *(key for key in calls if key not in depths)) if key in calls]


def _refs(value: object) -> list[TensorRef]:
    return [leaf for leaf in flatten(value) if isinstance(leaf, TensorRef)]


def _after_what_they_read(model: ModelSpec, given: Collection[Key]) -> list[Call]:
    """Return the calls so that each stands after those it reads.

    They are taken in rounds: a round goes through the list once and takes each call whose reads are all taken.
    """
    places = {(call.layer.name, call.node): place for place, call in enumerate(model.calls)}
    needs = [_needs(call, given) for call in model.calls]
    readers: dict[int, list[int]] = {}
    for place, keys in enumerate(needs):
        for key in keys:
            readers.setdefault(places.get(key, -1), []).append(place)
    waits = [len(keys) for keys in needs]
    rounds = [0] * len(waits)
    ready = [place for place, count in enumerate(waits) if not count]
    for place in ready:  # grows
        for reader in readers.get(place, ()):
            rounds[reader] = max(rounds[reader], rounds[place] + (place >= reader))
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    stuck = [show(call.layer.path) for call, count in zip(model.calls, waits, strict=True) if count]
    if stuck:
        paths = ", ".join(stuck[:5])
        raise ConversionError(f"The calls of {paths} read tensors that no layer gives. The model file is damaged.")
    return [model.calls[place] for place in sorted(ready, key=lambda place: (rounds[place], place))]


def _needs(call: Call, given: Collection[Key]) -> set[Key]:
    return {(ref.layer, ref.node) for ref in _refs([call.args, call.kwargs])}.difference(given)


def _postorder(reads: Mapping[Key, Sequence[Key]], ends: Sequence[Key]) -> list[Key]:
    """Walk from the outputs to the inputs, depth first; return each call after all that it reads."""
    met: set[Key] = set()
    finished: list[Key] = []
    for end in ends:
        path: list[tuple[Key, Iterator[Key]]] = []
        if end not in met:
            met.add(end)
            path.append((end, iter(reads.get(end, ()))))
        while path:
            key, rest = path[-1]
            following = next((other for other in rest if other not in met), None)
            if following is None:
                finished.append(key)
                path.pop()
            else:
                met.add(following)
                path.append((following, iter(reads.get(following, ()))))
    return finished


def _depths(reads: Mapping[Key, Sequence[Key]], finished: Sequence[Key]) -> dict[Key, int]:
    """Return how many calls at most stand between each call and an output; all calls of a layer share the most."""
    depths: dict[Key, int] = {}
    of_layer: dict[str, int] = {}
    for key in reversed(finished):
        depth = max(depths.setdefault(key, 0), of_layer.get(key[0], 0))
        of_layer[key[0]] = depths[key] = depth
        for read in reads.get(key, ()):
            depths[read] = max(depth + 1, depths.get(read, 0))
    return depths
