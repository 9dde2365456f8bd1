"""`kbundle verify`: a bundle beside the Keras model that it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kconvert_schemas import console
from kconvert_schemas.console import DIFFERS, DONE, printable
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Graph
from kconvert_schemas.selftest import SelfTest, default_tolerance, write_selftest

from ...readers.digest import sha256
from .. import summary, text

if TYPE_CHECKING:
    from ...verify import Case, Comparison, Outcome

PROGRAM = "kbundle"
TITLES = ("Layer", "Class", "Worst case", "Max abs", "Mean abs", "Max rel", "Mean rel", "Max ULP", "Mean ULP", "")
SHOWN = 40
EXAMPLES = """\b
Examples:
  kbundle verify model/ --against model.keras            compare, layer by layer
  kbundle verify model/ --against model.keras --record   and keep inputs and outputs for krun --selftest
  kbundle verify model/ --against model.keras --inputs real.npz --json

\b
Exit codes: 0 every layer agrees; 1 one diverges; 2 the files or the request were wrong.
"""


@click.command(epilog=EXAMPLES, short_help="Compare with Keras, layer by layer (needs Keras).")
@click.argument("out", metavar="OUT", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--against",
    "model",
    metavar="MODEL",
    required=True,
    type=click.Path(readable=False, path_type=Path),
    help="The model file that OUT was made from.",
)
@click.option("--inputs", metavar="FILE", help="Run on this input first, in a form that krun reads.")
@click.option(
    "--tolerance",
    metavar="ERROR",
    type=click.FloatRange(min=0),
    help="Largest difference allowed, over the largest magnitude of a layer.  [default: 1e-4; 1e-2 with 16 bits]",
)
@click.option("--record", is_flag=True, help="Store the first input, and what Keras gives for it, in OUT.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show every layer of a long model, and what Keras cannot run.")
@console.debug_option
def verify(
    out: Path, model: Path, inputs: str | None, tolerance: float | None, record: bool, as_json: bool, verbose: bool
) -> int:
    """Run the bundle in the folder OUT and its Keras model on inputs made to find mistakes, and compare every layer.

    The inputs are made from the signature and the graph: zeros, negative and large numbers, padding and rows that are
    masked as a whole, odd and empty strings, batches of 1 and 0, several lengths. Keras loads MODEL in its safe mode.
    """
    from kconvert_runtime import load

    from ...verify import KerasModel
    from ...verify import verify as run

    bundle = load(out)
    allowed = default_tolerance(bundle.graph) if tolerance is None else tolerance
    _compare_digests(bundle.graph, out, model)
    cases = _cases(bundle.graph, bundle.weights, inputs)
    outcome = run(bundle, KerasModel(model), cases, allowed)
    if as_json:
        summary.print_json(outcome.as_json())
    else:
        _print(outcome, f"{printable(str(out))} against {printable(str(model))}", verbose)
    if outcome.first is not None:
        return DIFFERS
    if record and outcome.golden is not None:
        case, outputs = outcome.golden
        write_selftest(out, bundle.graph, SelfTest(case.inputs, outputs, allowed))
        console.note(PROGRAM, f"recorded; check it anywhere with `krun {printable(str(out))} --selftest`")
    return DONE


def _compare_digests(graph: Graph, out: Path, model: Path) -> None:
    if graph.source.sha256 and model.is_file() and sha256(model) != graph.source.sha256:
        console.note(PROGRAM, f"{show(model)} is not the file that {show(out)} was made from: its SHA-256 differs")


def _cases(graph: Graph, weights: Mapping[str, Any], inputs: str | None) -> Iterator[Case]:
    from kconvert_runtime.files.feeds import read_feeds
    from kconvert_runtime.inputs import prepare

    from ...verify import Case, make_cases

    if inputs is not None:
        ports = graph.inputs.ports
        given = read_feeds([inputs], ports).arrays
        if len(given) != len(ports):
            raise InputError(f"--inputs must hold all {len(ports)} inputs; give an .npz with an array for each.")
        yield Case("given", {port.name: prepare(port, given[port.name]) for port in ports})
    yield from make_cases(graph, weights)


def _print(outcome: Outcome, title: str, verbose: bool) -> None:
    first = outcome.first
    lines = outcome.layers if verbose else _shown(outcome)
    table = summary.plain_table(*TITLES, right=TITLES[3:9], wrap=("Layer", "Class", "Worst case"))
    for line in lines:
        style = "bold red" if line is first else None
        table.add_row(*_cells(line, outcome.tolerance), style=style)
    with summary.tidy_console() as screen:
        screen.print(title, style="bold")
        screen.print()
        screen.print(table)
        screen.print()
        if len(lines) < len(outcome.layers):
            screen.print(f"{len(outcome.layers) - len(lines)} more layers agree; --verbose shows all.")
        for name, reason in outcome.refused.items() if verbose else ():
            screen.print(f"Keras does not run {name!r}: {printable(reason)}", soft_wrap=True)
        screen.print(_counted(outcome), soft_wrap=True)
        screen.print(_verdict(outcome), style="bold" if first is None else "bold red", soft_wrap=True)


def _shown(outcome: Outcome) -> Sequence[Comparison]:
    """The layers that diverge and the largest errors of the others, in order."""
    by_error = sorted(outcome.layers, key=lambda line: -line.error.max_relative)
    kept = {id(line) for line in by_error[: SHOWN - 2]} | {id(outcome.first), id(outcome.layers[-1])}
    return [line for line in outcome.layers if id(line) in kept]


def _cells(line: Comparison, tolerance: float) -> tuple[str, ...]:
    error = line.error
    numbers = (error.max_absolute, error.mean_absolute, error.max_relative, error.mean_relative)
    ulps = (f"{ulp:.0f}" if ulp < 1e6 else f"{ulp:.0e}" for ulp in (error.max_ulp, error.mean_ulp))
    mark = "diverges" if error.max_relative > tolerance else "ok"
    shown = ("-",) * 6 if error.problem else (*(f"{n:.1e}" if n else "0" for n in numbers), *ulps)
    return text.path(line.layer, 40), text.name(line.class_name or "-", 24), line.case, *shown, mark


def _counted(outcome: Outcome) -> str:
    counted = f"Cases: {', '.join(outcome.cases)}."
    if outcome.refused:
        counted += f" Not run by Keras itself: {', '.join(outcome.refused)}."
    if outcome.not_seen:
        names = ", ".join(text.name(layer) for layer in outcome.not_seen[:8])
        more = ", ..." if len(outcome.not_seen) > 8 else ""
        counted += f" Compared through the layers around them: {names}{more}."
    return counted


def _verdict(outcome: Outcome) -> str:
    first = outcome.first
    if first is None:
        worst = max((line.error.max_relative for line in outcome.layers), default=0.0)
        return f"Every layer agrees with Keras: largest relative error {worst:.1e}, allowed {outcome.tolerance:.0e}."
    error = first.error
    what = error.problem or f"relative error {error.max_relative:.1e}, allowed {outcome.tolerance:.0e}"
    where = f"{text.name(first.layer)} ({text.name(first.class_name)})" if first.class_name else text.name(first.layer)
    return f"First layer that diverges: {where}, in the case {first.case!r}: {printable(what)}."
