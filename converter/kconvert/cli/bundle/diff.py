"""`kbundle diff`: how two bundles differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import click

from kconvert_schemas import console
from kconvert_schemas.bundle import read_bundle
from kconvert_schemas.console import printable
from kconvert_schemas.errors import cut

from ...difference import Difference, Moved, compare
from .. import summary

EXAMPLES = """\b
Examples:
  kbundle diff before/ after/           operations and weights that differ
  kbundle diff before/ after/ --json    all of them as JSON
"""
SHOWN = 50


@click.command(epilog=EXAMPLES, short_help="Compare two bundles: operations and weights.")
@click.argument("first", metavar="A", type=click.Path(readable=False, path_type=Path))
@click.argument("second", metavar="B", type=click.Path(readable=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@console.debug_option
def diff(first: Path, second: Path, as_json: bool) -> int:
    """Compare the bundles in the folders A and B: inputs and outputs, operations, weights and their numbers.

    Operations and weights are told by their names. Exit code 1 where they differ.
    """
    found = compare(read_bundle(first), read_bundle(second))
    if as_json:
        summary.print_json(_finite(found.as_json()))
    else:
        for line in _lines(found) if found else ["The two are alike: the same operations, the same weights."]:
            click.echo(line)
    return console.DIFFERS if found else console.DONE


def _lines(found: Difference) -> Iterator[str]:
    yield from _part("Inputs and outputs", [f"~ {one.name}: {one.what}" for one in found.ports])
    yield from _part(
        "Operations",
        [
            *(f"- {name}" for name in found.nodes_removed),
            *(f"+ {name}" for name in found.nodes_added),
            *(f"~ {one.name}: {one.what}" for one in found.nodes_changed),
        ],
    )
    yield from _part(
        "Weights",
        [
            *(f"- {name}" for name in found.weights_removed),
            *(f"+ {name}" for name in found.weights_added),
            *(f"~ {one.name}: {one.what}" for one in found.weights_changed),
            *map(_moved, found.weights_moved),
        ],
    )


def _part(title: str, lines: list[str]) -> Iterator[str]:
    if not lines:
        return
    yield title
    yield from (f"  {printable(cut(line, 300))}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  ... and {len(lines) - SHOWN} more; --json has them all"


def _moved(one: Moved) -> str:
    many = f"{one.count:,} of {one.size:,} differ"
    if math.isnan(one.largest):
        return f"~ {one.name}: {many}"
    return f"~ {one.name}: {many}, by {one.largest:.3g} at most, {one.mean:.3g} on average"


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
