"""`kbundle info`: what a bundle holds."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from kconvert_schemas import console
from kconvert_schemas.bundle import read_bundle
from kconvert_schemas.console import printable
from kconvert_schemas.graph import Graph, Node
from kconvert_schemas.training import encode_training

from ...report import Report, make_report
from .. import summary, text
from . import run
from .training_facts import training_facts

EXAMPLES = """\b
Examples:
  kbundle info model/            layers, inputs and outputs, sizes
  kbundle info model/ --nodes    every operation
  kbundle info model/ --verify   also whether the weights are as they were written
  kbundle info model/ --shape 1,224,224,3    multiply-adds and memory of a run on one image
  kbundle info model/ --json     the same as JSON
"""


@click.command(epilog=EXAMPLES, short_help="Show layers, inputs and outputs, operations and sizes.")
@click.argument("out", metavar="OUT", type=click.Path(readable=False, path_type=Path))
@click.option("--nodes", is_flag=True, help="List every operation of the graph.")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="SIZES",
    help="Count the multiply-adds and the memory of a run on an input of this shape, such as 1,224,224,3; for several "
    "inputs once for each, in order or as NAME=SIZES.",
)
@click.option("--verify", is_flag=True, help="Read all weights and compare them with their checksum.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show every layer of a long model.")
@console.debug_option
def info(out: Path, nodes: bool, shapes: tuple[str, ...], verify: bool, as_json: bool, verbose: bool) -> None:
    """Show what the bundle in the folder OUT holds: layers, inputs and outputs, operations, parameters, sizes."""
    graph, weights = read_bundle(out, verify=verify)
    report = make_report(graph, out)
    estimate = run.estimated(graph, weights, shapes) if shapes else None
    if as_json:
        return summary.print_json({**_as_data(graph, report, nodes), **({"run": asdict(estimate)} if estimate else {})})
    if nodes:
        return _print_nodes(graph)
    facts = [
        ("Operations", f"{len(graph.nodes):,}: {text.ops(report.ops)}" if graph.nodes else "none"),
        ("Source", _source(graph)),
        ("Format", f"ops {', '.join(f'{printable(n)} {v}' for n, v in graph.opsets.items())}; {_producer(graph)}"),
        ("Files", summary.sizes(report)),
        *training_facts(graph),
        *(run.facts(estimate) if estimate else []),
        ("Run", summary.next_command(report, str(out))),
    ]
    return summary.print_summary(report, f"{printable(str(out))}: a kconvert bundle", facts, verbose=verbose)


def _source(graph: Graph) -> str:
    source = graph.source
    parts = [text.name(source.file) or "unknown"]
    parts += [f"Keras {printable(source.keras_version)}"] if source.keras_version else []
    parts += [printable(source.container)] if source.container else []
    parts += [f"sha256 {printable(source.sha256[:12])}..."] if source.sha256 else []
    return ", ".join(parts)


def _producer(graph: Graph) -> str:
    return f"written by {text.name(graph.producer)}" if graph.producer else "writer unknown"


def _print_nodes(graph: Graph) -> None:
    table = summary.plain_table("Node", "Op", "Inputs", "Outputs", "Attributes", wrap=("Node", "Inputs", "Attributes"))
    for node in graph.nodes:
        inputs = ", ".join(text.name(value) if value else "-" for value in node.inputs)
        outputs = ", ".join(str(graph.type_of(value)) for value in node.outputs)
        table.add_row(text.name(node.name), text.name(node.op), inputs, outputs, _attributes(node))
    with summary.tidy_console() as screen:
        screen.print(table if graph.nodes else "No operations.")


def _attributes(node: Node) -> str:
    return text.name(", ".join(f"{name}={_value(value)}" for name, value in node.attrs.items()), 200)


def _value(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return "{...}" if hasattr(value, "nodes") else str(value)


def _as_data(graph: Graph, report: Report, nodes: bool) -> dict[str, Any]:
    data = report.as_json()
    data["bundle"] = data.pop("written")
    data["sha256"] = graph.source.sha256
    data["producer"] = graph.producer
    data["training"] = encode_training(graph.training)
    if nodes:
        data["nodes"] = [
            {"name": n.name, "op": n.op, "layer": n.layer, "inputs": n.inputs,
             "outputs": {value: str(graph.type_of(value)) for value in n.outputs}, "attributes": _attributes(n)}
            for n in graph.nodes
        ]  # fmt: skip
    return data
