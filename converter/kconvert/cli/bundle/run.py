"""What `kbundle info --shape` says of a run on inputs of given shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from kconvert_schemas.console import printable
from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph, Port

from .. import text

if TYPE_CHECKING:
    from kconvert_runtime.estimate import Estimate


def estimated(graph: Graph, weights: Mapping[str, Array], shapes: Sequence[str]) -> Estimate:
    """Return what a run takes on inputs of these shapes, `1,224,224,3` or `name=1,10`; UsageError, InputError."""
    from kconvert_runtime import Model
    from kconvert_runtime.estimate import estimate

    return estimate(Model(graph, weights), _parsed(shapes, graph.inputs.ports))


def facts(found: Estimate) -> list[tuple[str, str]]:
    """Return lines for the summary: label and text."""
    shapes = ", ".join(f"{printable(name)} {tuple(shape)}" for name, shape in found.inputs.items())
    loops = f", without {found.uncounted} loops" if found.uncounted else ""
    memory = (
        f"{text.size(found.memory)}: weights {text.size(found.weights)}, prepared copies of them "
        f"{text.size(found.prepared)}, values {text.size(found.values)} at a time of "
        f"{text.size(found.all_values)} in all"
    )
    return [("Run on", shapes), ("Work", f"{found.multiply_adds:,} multiply-adds{loops}"), ("Memory", memory)]


def _parsed(given: Sequence[str], ports: Sequence[Port]) -> list[tuple[int, ...]]:
    known = [port.name for port in ports]
    named: dict[str, tuple[int, ...]] = {}
    unnamed: list[tuple[int, ...]] = []
    for argument in given:
        name, equals, sizes = argument.rpartition("=")
        if equals and (name not in known or name in named):
            inputs = ", ".join(map(printable, known))
            problem = "is given twice" if name in named else f"is no input; the inputs are {inputs}"
            raise click.BadParameter(f"{printable(name)} {problem}", param_hint="'--shape'")
        if equals:
            named[name] = _sizes(sizes)
        else:
            unnamed.append(_sizes(argument))
    rest = [port.name for port in ports if port.name not in named]
    if len(unnamed) != len(rest):
        wanted = ", ".join(f"{printable(port.name)} {port.type}" for port in ports)
        raise click.BadParameter(
            f"{len(given)} given, the model takes {len(ports)}: {wanted}. Give one for each input.",
            param_hint="'--shape'",
        )
    named.update(zip(rest, unnamed, strict=True))
    return [named[port.name] for port in ports]


def _sizes(argument: str) -> tuple[int, ...]:
    parts = argument.replace("x", ",").split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise click.BadParameter(
            f"{printable(argument)!r} is no shape; expected sizes with commas between them, such as 1,224,224,3",
            param_hint="'--shape'",
        )
    return tuple(int(part) for part in parts)
