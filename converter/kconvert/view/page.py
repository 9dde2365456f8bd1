"""The page: a list of the layers with a search, the picture, and a section for each box."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph

from ..cli import text
from ..report import make_report
from .details import lines, section
from .groups import grouped
from .html import escaped, facts
from .picture import kind_of, picture
from .style import SCRIPT, STYLE


def page(graph: Graph, read: Callable[[str], Array], title: str) -> str:
    """Return a graph and its weights as one HTML page. read: the values of a weight, by name.

    The same bundle and title give the same bytes. A policy in the page forbids everything but its own style and script.
    """
    types = {**{w: weight.type for w, weight in graph.weights.items()}, **graph.values}
    types.update({port.value: port.type for port in graph.inputs.ports})
    ends = ({port.name: port.value for port in ports.ports} for ports in (graph.inputs, graph.outputs))
    groups, edges = grouped(graph.nodes, *ends)
    notes = [lines(group, graph, types) for group in groups]
    entries = "\n".join(
        f'<li><a href="#g{n}"><i class="{kind_of(group)}"></i>{escaped(group.name)} '
        f"<small>{escaped(said)}</small></a></li>"
        for n, (group, (said, _)) in enumerate(zip(groups, notes, strict=True))
    )
    sections = "\n".join(section(n, group, graph, types, read) for n, group in enumerate(groups))
    name = escaped(title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>{STYLE}</style>
</head>
<body>
<nav>
<h1>{name}</h1>
{facts(_about(graph))}
<input id="search" type="search" placeholder="Search layers and operations" aria-label="Search">
<ol id="layers">
{entries}
</ol>
</nav>
<main>
{picture(groups, edges, notes, link="g")}
</main>
<aside>
<p class="hint">Choose a box to see its operations, weights and what training needs.</p>
{sections}
</aside>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _about(graph: Graph) -> list[tuple[str, str]]:
    report, source = make_report(graph, None), graph.source
    return [
        (
            "Source",
            ", ".join(part for part in (source.file, f"Keras {source.keras_version}", source.container) if part),
        ),
        ("Inputs", "; ".join(f"{port.name} {port.type}" for port in graph.inputs.ports)),
        ("Outputs", "; ".join(f"{port.name} {port.type}" for port in graph.outputs.ports)),
        ("Parameters", f"{report.parameters:,} ({report.trainable:,} trainable)"),
        ("Operations", f"{len(graph.nodes):,}: {text.ops(report.ops)}"),
    ]


def _policy() -> str:
    """Return a policy under which nothing is fetched, and only the style and the script of the page count."""
    style, script = (_digest(part) for part in (STYLE, SCRIPT))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"


def _digest(part: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}"
