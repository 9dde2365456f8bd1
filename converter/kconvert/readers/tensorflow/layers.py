"""The variables of a model's layers in a checkpoint, found by walking the graph of objects as the layers are nested."""

from __future__ import annotations

from collections.abc import Iterator

from kconvert_schemas.errors import ModelFileError, show

from ...spec import LayerSpec, StoredWeight
from .. import layout
from ..by_layer import arranged
from ..layout import Variable
from ..parts import Finder, Found
from .bundle import Bundle
from .object_graph import ObjectGraph
from .vocabularies import LOOKUPS

ALSO = {"mean": ("adapt_mean",), "variance": ("adapt_variance",)}
"""Other names of attributes that hold a variable."""
MAJOR = 2


def finder(bundle: Bundle, graph: ObjectGraph) -> Finder:
    """Return what finds the weights of a model in a checkpoint of Keras 2."""

    def find(root: LayerSpec) -> Found:
        start = model_node(graph)
        if start is None:
            raise ModelFileError(
                f"{show(bundle.prefix)} is a checkpoint of TensorFlow, but not of a Sequential or Functional model of "
                "Keras 2: no object in it has the attribute 'layer-0'."
            )
        pairs = list(_variables(root, graph, start, bundle))
        variables, weights = [v for v, _ in pairs], [w for _, w in pairs]
        return Found(arranged(variables, weights, MAJOR, "tensorflow"))

    return find


def model_node(graph: ObjectGraph) -> int | None:
    """Return the model: what was saved, or the only model among its attributes (`Checkpoint(model=...)`)."""
    if _is_model(graph, 0):
        return 0
    models = {child for child in graph.nodes[0].children.values() if _is_model(graph, child)}
    return models.pop() if len(models) == 1 else None


def _is_model(graph: ObjectGraph, node: int) -> bool:
    return "layer-0" in graph.nodes[node].children


def _variables(
    layer: LayerSpec, graph: ObjectGraph, node: int, bundle: Bundle
) -> Iterator[tuple[Variable, StoredWeight]]:
    """Yield the variables of a layer and of all within it, with their weights in the checkpoint."""
    for variable in layout.own(layer):
        key = _key(layer, variable, graph, node)
        if key is not None:
            yield variable, bundle.weight(key)
    if layer.class_name in LOOKUPS:
        idf = graph.key(graph.child(graph.child(node, "lookup_layer") or node, "idf_weights"))
        if idf is not None:
            yield Variable(layer, f"{layer.address}/vars/idf_weights", "idf_weights", False), bundle.weight(idf)
    if not layout.has_rule(layer):
        yield from _unknown(layer, graph, node, bundle)
    for inner, child in _inner(layer, graph, node):
        yield from _variables(inner, graph, child, bundle)


def _inner(layer: LayerSpec, graph: ObjectGraph, node: int) -> Iterator[tuple[LayerSpec, int]]:
    """Yield the layers in a model or wrapper, each with its object."""
    if layer.model is None:
        for inner, attributes in layout.wrapped(layer):
            child = graph.child(node, *attributes)
            if child is not None:
                yield inner, child
        return
    members = layer.model.layers
    if layer.class_name == "Sequential":
        members = tuple(member for member in members if member.class_name != "InputLayer")
    children = graph.nodes[node].children
    count = sum(name.startswith("layer-") for name in children)
    names = [f"layer-{i}" for i in range(count)]
    if count != len(members):
        members = tuple(m for m in members if layout.variables(m) or not layout.has_rule(m))
        names = sorted((n for n in children if n.startswith("layer_with_weights-")), key=lambda n: int(n[19:] or 0))
    if len(names) != len(members) or any(name not in children for name in names):
        raise ModelFileError(
            f"The weights do not fit the model: the checkpoint is of {count} layers, {len(names)} of them with "
            f"weights; the model {show(layer.path or layer.name)} has {len(layer.model.layers)}, {len(members)} of "
            "them with weights."
        )
    yield from ((member, children[name]) for member, name in zip(members, names, strict=True))


def _key(layer: LayerSpec, variable: Variable, graph: ObjectGraph, node: int) -> str | None:
    """Return where a variable stands: at the attributes that its address names, or under its name in the layer."""
    path = variable.address[len(layer.address) :].strip("/").split("/")
    owner = graph.child(node, *path[: path.index("vars")])
    for name in (variable.name, *ALSO.get(variable.name, ())):
        key = graph.key(graph.child(owner, name))
        if key is not None:
            return key
    found = {graph.key(inner) for inner in graph.within(node) if _named(graph, inner) == variable.name} - {None}
    return found.pop() if len(found) == 1 else None


def _named(graph: ObjectGraph, node: int) -> str:
    return layout.last(graph.nodes[node].full_name)


def _unknown(
    layer: LayerSpec, graph: ObjectGraph, node: int, bundle: Bundle
) -> Iterator[tuple[Variable, StoredWeight]]:
    """The variables of an author's class as the layer lists them; a checkpoint without SavedModel does not."""
    listed = graph.child(node, "keras_api", "variables")
    children = {} if listed is None else graph.nodes[listed].children
    for i in range(len(children)):
        child = children.get(str(i))
        key = graph.key(child)
        if child is not None and key is not None:
            yield Variable(layer, f"{layer.address}/vars/{i}", _named(graph, child)), bundle.weight(key)
