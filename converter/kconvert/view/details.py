"""What the page says of one box: its ops, its weights, what training needs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Body, Graph, Node, TensorType

from ..cli import text
from .groups import Group, grouped
from .html import bars, escaped, facts, table
from .picture import picture
from .statistics import statistics

Read = Callable[[str], Array]
Types = Mapping[str, TensorType]


def section(number: int, group: Group, graph: Graph, types: Types, read: Read) -> str:
    """Return the section of a box."""
    parts = [f'<section id="g{number}"><h2>{escaped(group.name)}</h2>']
    layer = graph.layers.get(group.layer)
    ports = {**{p.name: p for p in graph.inputs.ports}, **{p.name: p for p in graph.outputs.ports}}
    if group.kind != "layer":
        parts.append(facts([(group.kind, str(ports[group.name].type))]))
    elif layer is not None:
        calls = [", ".join(str(types[value]) for value in call if value in types) for call in layer.calls]
        parts.append(facts([("class", layer.class_name), ("gives", "; ".join(calls) or "-")]))
    names = list(dict.fromkeys(name for node in group.nodes for name in _weights_of(node, graph)))
    parts.append(_weights(names, graph, read))
    parts.append(_training(group, names, graph))
    parts.append(_operations(group.nodes, types))
    parts += [_body(node, name, body, types) for node in group.nodes for name, body in _bodies(node)]
    return "\n".join(part for part in [*parts, "</section>"] if part)


def lines(group: Group, graph: Graph, types: Types) -> tuple[str, str]:
    """Return the two lines in a box: what it is, and the shape that it gives."""
    if group.kind != "layer":
        port = next(p for p in (graph.inputs if group.kind == "input" else graph.outputs).ports if p.name == group.name)
        return group.kind, text.type_(str(port.type))
    layer = graph.layers.get(group.layer)
    given = [value for node in group.nodes for value in node.outputs]
    called = [value for call in layer.calls for value in call if value in given] if layer else []
    shown = (called or given)[-1]
    size = sum(_size(graph.weights[n].type) for n in {n for node in group.nodes for n in _weights_of(node, graph)})
    what = layer.class_name if layer is not None else group.nodes[-1].op
    return f"{what} · {size:,}" if size else what, text.type_(str(types[shown]))


def _size(type_: TensorType) -> int:
    count = 1
    for n in type_.shape:
        count *= n or 0
    return count


def _operations(nodes: Sequence[Node], types: Types) -> str:
    rows = [
        [
            f"<b>{escaped(node.op)}</b>{_small(_attributes(node))}",
            "<br>".join("-" if value is None else escaped(value) for value in node.inputs),
            "<br>".join(f"{escaped(value)}{_small(str(types.get(value, '')))}" for value in node.outputs),
        ]
        for node in nodes
    ]
    return table(("Operation", "Reads", "Gives"), rows)


def _attributes(node: Node) -> str:
    return ", ".join(f"{name}={'...' if isinstance(value, Body) else value}" for name, value in node.attrs.items())


def _small(line: str) -> str:
    return f"<small>{escaped(line)}</small>" if line else ""


def _weights(names: Iterable[str], graph: Graph, read: Read) -> str:
    rows = []
    for name in names:
        weight = graph.weights[name]
        found = statistics(read(name))
        kind = f"{weight.type}, {'trained' if weight.trainable else 'not trained'}"
        about = ["", ""]
        if found is not None:
            numbers = f"mean {found.mean:.4g}, std {found.deviation:.4g}, {found.least:.4g} to {found.most:.4g}"
            odd = f", {found.odd:,} not finite" if found.odd else ""
            about = [escaped(numbers + odd), bars(found.counts)]
        rows.append([f"{escaped(name)}{_small(kind)}", *about])
    return table(("Weight", "Values", "Histogram"), rows)


def _training(group: Group, weights: Sequence[str], graph: Graph) -> str:
    training, values = graph.training, {v for node in group.nodes for v in node.outputs}
    nodes = {node.name for node in group.nodes}
    said = [
        *((f"penalty of {p.value}", _factors(l1=p.l1, l2=p.l2, rows=p.rows, columns=p.columns))
          for p in training.penalties if p.value in values or p.value in weights),
        *((f"constraint of {c.weight}", "not negative" if c.non_negative else f"norm {c.least:g} to {c.most:g}")
          for c in training.constraints if c.weight in weights),
        *((f"dropout within {d.node}", _factors(inputs=d.inputs, states=d.states))
          for d in training.dropped if d.node in nodes),
        *((f"spectral norm of {s.weight}", f"{s.iterations} power iterations")
          for s in training.spectral if s.weight in weights),
        *((f"mask of {name}", mask) for name, mask in training.norm_masks.items() if name in nodes),
        *((name, "frozen") for name in training.frozen if name in nodes),
        *((f"not trained as in Keras: {path}", why) for path, why in training.refused.items() if path == group.layer),
    ]  # fmt: skip
    return f"<h3>Training</h3>{facts(said)}" if said else ""


def _factors(**factors: float) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in factors.items() if value)


def _bodies(node: Node) -> list[tuple[str, Body]]:
    return [(name, value) for name, value in node.attrs.items() if isinstance(value, Body)]


def _weights_of(node: Node, graph: Graph) -> list[str]:
    """Return the weights that a node or its bodies read."""
    inner = [name for _, body in _bodies(node) for one in body.nodes for name in _weights_of(one, graph)]
    return [*(name for name in node.inputs if name is not None and name in graph.weights), *inner]


def _body(node: Node, name: str, body: Body, types: Types) -> str:
    """Return a body that can be unfolded: its picture, its ops, and bodies within."""
    known = {**types, **body.values}
    ends = {f"{value}": value for value in body.inputs}, {f"gives {i}": v for i, v in enumerate(body.outputs)}
    groups, edges = grouped(body.nodes, *ends)
    notes = [_body_lines(group, known) for group in groups]
    inner = "\n".join(_body(one, n, b, known) for one in body.nodes for n, b in _bodies(one))
    title = f"{escaped(name)} of {escaped(node.name)}: {text.plural(len(body.nodes), 'operation')}"
    shown = picture(groups, edges, notes)
    operations = _operations(body.nodes, known)
    return f'<details><summary>{title}</summary><div class="body">{shown}</div>{operations}{inner}</details>'


def _body_lines(group: Group, types: Types) -> tuple[str, str]:
    if group.kind != "layer":
        return group.kind, str(types.get(group.name, ""))
    value = group.nodes[-1].outputs[0]
    return ", ".join(dict.fromkeys(node.op for node in group.nodes)), str(types.get(value, ""))
