"""`kbundle export`: the weights of a bundle back into a copy of its model file."""

from __future__ import annotations

from pathlib import Path

import click

from kconvert_schemas import console
from kconvert_schemas.console import printable

from .. import summary

EXAMPLES = """\b
Examples:
  kbundle export model/ model.keras -o tuned.keras
  kbundle export model/ old.h5 -o tuned.h5                             HDF5 of Keras 1, 2 or 3
  kbundle export model/ m.weights.h5 --config m.json -o t.weights.h5   weights alone
"""


@click.command(epilog=EXAMPLES, short_help="Write the weights into a copy of the model file.")
@click.argument("out", metavar="OUT", type=click.Path(readable=False, path_type=Path))
@click.argument("model", metavar="MODEL", type=click.Path(readable=False, path_type=Path))
@click.option(
    "-o", "--output", metavar="FILE", required=True, type=click.Path(readable=False, path_type=Path),
    help="The file to write, with the ending of MODEL; MODEL itself stays as it is.",
)  # fmt: skip
@click.option(
    "--config", metavar="FILE", type=click.Path(readable=False, path_type=Path),
    help="The architecture, where MODEL holds weights alone.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@console.debug_option
def export(out: Path, model: Path, output: Path, config: Path | None, as_json: bool) -> None:
    """Write the weights of the bundle OUT, trained further perhaps, into a copy of MODEL, the file it came from.

    Keras loads the copy, which gives what the bundle gives. Everything else in it is as in MODEL, the state of the
    optimizer too: compile the model again before training on. MODEL is checked to be the file that OUT came from.
    """
    from ...export import export as write

    done = write(out, model, output, config=config)
    if as_json:
        weights = {name: name in done.changed for name in done.weights}
        return summary.print_json({"file": str(done.file), "size": done.size, "weights": weights})
    click.echo(
        f"{printable(str(done.file))}: {len(done.weights)} weights written, {len(done.changed)} of them other than in "
        f"{printable(str(model))}."
    )
    return None
