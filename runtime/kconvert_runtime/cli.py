"""The command `krun`: run a bundle on files, with NumPy alone."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kconvert_schemas import console
from kconvert_schemas.console import printable
from kconvert_schemas.limits import in_force, parse_limits

if TYPE_CHECKING:
    from .model import Model, Progress

PROGRAM = "krun"
STEPS = 10
EXAMPLES = """\b
Examples:
  krun model/ input.npy                       print the outputs
  krun model/ input.npy -o output.npy         write them
  krun model/ texts.txt --top 3 --labels labels.txt
  echo "what a film" | krun model/ -          one text a line from stdin
  krun model/ a.png b.png --top 1             pictures, as one batch
  krun model/ left=a.npy right=b.npy          several inputs, by name or in order
  krun model/ data.csv -o output.csv          columns named like the inputs
  krun model/ input.npy --profile             where the time goes
  sensor | krun model/ --stream               a time step a line, answered at once
  krun model/ --selftest                      does this machine give what Keras gave?

\b
Inputs:
  .npy        an array
  .npz .json  an array, or arrays by input name
  .csv        numbers; or columns named like the inputs (x, or x.0 x.1 ...)
  .txt        one string a line; or numbers with blanks or commas between
  images      .png .jpg ... as numbers from 0 to 255 (needs Pillow)
  -           stdin: text as in .txt, .json, .npy or .npz data

\b
Exit codes: 0 done; 1 the self-test does not hold; 2 the input or the request was wrong.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return console.run(command, PROGRAM, arguments)


def _versions() -> str:
    import platform

    import numpy

    from . import __version__

    return f"krun {__version__} (NumPy {numpy.__version__}, Python {platform.python_version()})"


@click.command(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("out", metavar="OUT", type=click.Path(readable=False, path_type=Path))
@click.argument("inputs", metavar="INPUT...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="Write the outputs to FILE (.npy, .npz, .csv or .json) instead of printing them.",
)
@click.option("--top", metavar="K", type=click.IntRange(min=1), help="Print the K best labels of each row.")
@click.option(
    "--labels",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="Labels for --top, one a line in the order of training. Alone it means --top 1.",
)
@click.option(
    "--tap", "taps", metavar="LAYER", multiple=True, help="Also give the output of this layer; may be repeated."
)
@click.option(
    "--batch-size",
    metavar="N",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Rows to run at a time.",
)
@click.option(
    "--progress/--no-progress", default=None, help="Show a progress bar; the default is on a terminal, for long inputs."
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=VALUE",
    help="Raise a limit on what loading and running may cost, such as nodes=500000; for bundles you trust.",
)
@click.option(
    "--stream",
    is_flag=True,
    help="Read time steps of one sequence from stdin, a row of numbers or of JSON each, and answer each with a row. "
    "INPUT gives the inputs that do not come in steps, as NAME=FILE.",
)
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="With --stream: go on from the state in FILE (.npz) if it exists, and keep the state there at the end.",
)
@click.option("--selftest", is_flag=True, help="Check that OUT gives what Keras gave, on inputs that it holds.")
@click.option("--plain", is_flag=True, help="Run the graph as it is written, without optimisation.")
@click.option("--measure", is_flag=True, help="Try which kernels are the fastest here first; pays in long runs.")
@click.option("--profile", is_flag=True, help="Print where the time goes, instead of the outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print the profile as JSON.")
@console.version_option(_versions)
@console.debug_option
def command(
    out: Path, inputs: tuple[str, ...], output: Path | None, top: int | None, labels: Path | None,
    taps: tuple[str, ...], batch_size: int, progress: bool | None, limits: tuple[str, ...], stream: bool,
    state: Path | None, selftest: bool, plain: bool, measure: bool, profile: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run the model in the folder OUT, which kconvert wrote, on the files INPUT.

    A model with several inputs takes a file for each, in order or as NAME=FILE, or one file with them all.
    """
    from . import batches
    from .files import feeds, printing, ranking, results
    from .model import load

    if as_json and not profile:
        raise click.UsageError("--json goes with --profile; -o FILE.json writes the outputs as JSON")
    if plain and measure:
        raise click.UsageError("--plain uses the kernels as they are, --measure chooses among others; give one of them")
    allowed = parse_limits(limits)
    click.get_current_context().with_resource(in_force(allowed))
    model = load(out, optimize="measure" if measure else not plain, limits=allowed)
    asked = {"--output": output, "--top": top, "--labels": labels, "--tap": taps, "--selftest": selftest}
    if stream:
        _refuse("--stream", {**asked, "--profile": profile})
        return _stream(model, inputs, state)
    if state is not None:
        raise click.UsageError("--state goes with --stream")
    if profile:  # which gives no outputs
        _refuse("--profile", asked)
    if selftest:
        return _selftest(model, out, inputs)
    if not inputs:
        wanted = ", ".join(f"{printable(port.name)} {port.type}" for port in model.graph.inputs.ports)
        raise click.UsageError(f"Missing argument 'INPUT...'. The model takes {wanted}")
    if output is not None:
        results.require_writable(output, len(model.outputs) + len(taps))
    ranked = ranking.choose(model.outputs, top, labels)
    given = feeds.read_feeds(inputs, model.graph.inputs.ports)
    for text in given.notes:
        console.note(PROGRAM, text)
    if profile:
        from .profile import measure as profiled

        first = [given.arrays[port.name][:batch_size] for port in model.graph.inputs.ports]
        _print(profiled(model, first).lines(as_json))
        return console.DONE
    if output is not None and ranked is None and results.can_stream(output, model.outputs) and not taps:
        with _progress(progress) as report:
            batches.to_npy(model, given.arrays, output, batch_size=batch_size, progress=report)
        return console.DONE
    with _progress(progress) as report:
        outcome = batches.run(model, given.arrays, batch_size=batch_size, taps=taps, progress=report)
    arrays = {**outcome.outputs, **{f"tap/{path}": array for path, array in outcome.taps.items()}}
    if output is not None:
        results.write_results(output, arrays, ranked.labels if ranked else None)
    if ranked is not None:
        _print(ranked.lines(outcome.outputs, given.labels, _width()))
        arrays = {name: array for name, array in arrays.items() if name not in outcome.outputs}
    if output is None:
        _print(printing.result_lines(arrays))
    return console.DONE


def _refuse(option: str, options: Mapping[str, object]) -> None:
    given = [name for name, value in options.items() if value]
    if given:
        raise click.UsageError(f"{', '.join(given)} cannot be used with {option}")


def _stream(model: Model, inputs: Sequence[str], state: Path | None) -> int:
    from .files import feeds
    from .stream import rows
    from .stream.analysis import analyse

    over = analyse(model.graph, None).over
    still = [port for port in model.graph.inputs.ports if port.name not in over]
    given = feeds.read_feeds(inputs, still).arrays if inputs or still else {}
    stream = model.stream(given, over=over)
    if state is not None and state.exists():
        stream.load(state)
    try:
        rows.write(rows.run(stream, rows.stdin_lines()))
    finally:
        if state is not None:
            stream.save(state)
    return console.DONE


def _selftest(model: Model, out: Path, inputs: Sequence[str]) -> int:
    from .selftest import run_selftest

    if inputs:
        raise click.UsageError("--selftest takes no INPUT: the bundle holds its own")
    return run_selftest(model, out)


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _width() -> int | None:
    """The width of the terminal; None when stdout is not one, where nothing is cut."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


@contextmanager
def _progress(wanted: bool | None) -> Iterator[Progress | None]:
    """Give a function (rows done, rows) that draws a bar on stderr: if wanted, else on terminals for long inputs."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield None
        return
    bar: Any = None
    last = 0

    def report(done: int, rows: int) -> None:
        nonlocal bar, last
        if not sys.stderr.isatty():
            if done == rows or done * STEPS // rows > last:  # a line for every tenth in a log
                click.echo(f"{done:,} of {rows:,} rows", err=True)
                last = done * STEPS // rows
        elif bar is None and (wanted or done < rows):
            bar = click.progressbar(length=rows, label=PROGRAM, file=sys.stderr)
        if bar is not None:
            bar.update(done - bar.pos)

    try:
        yield report
    finally:
        if bar is not None:
            bar.render_finish()
