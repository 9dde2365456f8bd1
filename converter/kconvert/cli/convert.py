"""The command `kconvert`: a model file in, a bundle out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kconvert_schemas import console
from kconvert_schemas.bundle import require_writable
from kconvert_schemas.console import printable
from kconvert_schemas.errors import KconvertError

from ..api import convert
from ..limits import Limits, in_force, parse_limits
from ..report import Report
from ..scaffold import scaffold
from ..version import VERSION
from . import danger, listing, summary

if TYPE_CHECKING:
    from ..scan import Danger

PROGRAM = "kconvert"
EXAMPLES = """\b
Examples:
  kconvert model.keras model/            convert
  kconvert model.json+weights.h5 model/  the architecture and the weights in two files
  kconvert --dry-run model.keras         see what it would become
  kconvert --json model.keras model/     the same as JSON
  kconvert model.keras model/ --import layers.py
                                         a model with classes of your own, whose code is in layers.py
  kconvert --layers                      every layer that can be converted

\b
Exit codes: 0 done; 2 the file or the request was wrong: nothing was written.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return console.run(command, PROGRAM, arguments)


def _versions() -> str:
    import platform

    import numpy

    return f"kconvert {VERSION} (NumPy {numpy.__version__}, Python {platform.python_version()})"


@click.command(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Path(readable=False, path_type=Path), required=False, metavar="MODEL")
@click.argument("out", type=click.Path(readable=False, path_type=Path), required=False, metavar="OUT")
@click.option(
    "--config",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="A file with the architecture, such as what model.to_json() returns; MODEL then gives the weights alone.",
)
@click.option(
    "--import",
    "imports",
    multiple=True,
    metavar="FILE.py",
    help="Run this Python file or module, which defines classes of the model, and follow them. Needs Keras.",
)
@click.option(
    "--scaffold-plugin",
    type=click.Path(readable=False, path_type=Path),
    metavar="DIR",
    help="Write a plugin package to start from, for the classes of MODEL that nothing converts.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=VALUE",
    help="Raise a limit on what reading may cost, such as json_depth=500 or file_size=none; for files you trust.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Convert in memory; show the result, and what loading MODEL with Keras would do.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report, or a list, as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show every layer of a long model.")
@click.option("--layers", is_flag=True, help="List the layers that can be converted, and those that cannot.")
@click.option("--plugins", is_flag=True, help="List the installed plugins.")
@console.version_option(_versions)
@console.debug_option
def command(
    model: Path | None,
    out: Path | None,
    config: Path | None,
    imports: tuple[str, ...],
    scaffold_plugin: Path | None,
    limits: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    layers: bool,
    plugins: bool,
) -> None:
    """Convert a Keras model file MODEL into the folder OUT: graph.json and weights.npz.

    OUT runs with `krun` and NumPy alone. An existing bundle at OUT is replaced, anything else is left alone.
    The model file is only read: no code in it is run, and Keras is not needed - but for --import, which runs the
    files that it names.
    """
    if layers or plugins:
        if layers and plugins:
            raise click.UsageError("Ask for --layers or for --plugins, not for both")
        if model is not None:
            raise click.UsageError(f"{'--layers' if layers else '--plugins'} takes no MODEL")
        return listing.print_layers(as_json) if layers else listing.print_plugins(as_json)
    if model is None:
        raise click.UsageError("Missing argument 'MODEL', the file to convert")
    if scaffold_plugin is not None:
        return _scaffold(model, scaffold_plugin)
    if out is None and not dry_run:
        suggestion = shlex.quote(printable(f"{model.stem or 'model'}/"))
        raise click.UsageError(f"Missing argument 'OUT', the folder to write, such as {suggestion}")
    if out is not None:
        require_writable(out)
    allowed = parse_limits(limits)
    dangers = _dangers(model, config, allowed) if dry_run else []
    try:
        report = convert(model, out, config=config, dry_run=dry_run, imports=imports, limits=allowed)
    except KconvertError as error:
        if dangers and as_json:
            summary.print_json({"error": str(error), **danger.as_data(dangers)})
        elif dangers:
            danger.print_dangers(dangers)
        raise
    if as_json:
        return summary.print_json({**report.as_json(), **(danger.as_data(dangers) if dry_run else {})})
    _print(report, model, out, config, verbose)
    if dry_run:
        danger.print_dangers(dangers)
    return None


def _dangers(model: Path, config: Path | None, limits: Limits) -> list[Danger]:
    """What Keras would do with each file; two files may be named as one argument, 'a+b'."""
    from ..scan import scan

    halves = [] if model.exists() else [Path(part) for part in str(model).split("+")]
    with in_force(limits):
        files = [*(halves or [model]), *([config] if config is not None else [])]
        return [danger for file in files if file.exists() for danger in scan(file)]


def _scaffold(model: Path, folder: Path) -> None:
    classes = scaffold(model, folder)
    click.echo(f"{printable(str(folder))}/: a plugin package for {', '.join(printable(c.key) for c in classes)}")
    click.echo(f"Next: edit {printable(str(folder))}/src/*/layers.py, then pip install -e {_quoted(folder)}")


def _print(report: Report, model: Path, out: Path | None, config: Path | None, verbose: bool) -> None:
    option = f" --config {_quoted(config)}" if config is not None else ""
    target = printable(str(out if out is not None else Path(model.stem)))
    again = f"kconvert {_quoted(model)} {shlex.quote(target)}/{option}"
    facts = (
        [("Written", f"{target}/ ({summary.sizes(report)})"), ("Next", summary.next_command(report, f"{target}/"))]
        if report.written
        else [("Written", "nothing: this was a dry run"), ("Next", again)]
    )
    summary.print_summary(report, _title(report), facts, verbose=verbose)


def _quoted(path: Path) -> str:
    return shlex.quote(printable(str(path)))


def _title(report: Report) -> str:
    version = f"Keras {printable(report.keras_version)}" if report.keras_version else "Keras of unknown version"
    return f"{printable(report.source)}, {version}, {report.container}"
