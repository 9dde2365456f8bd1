"""`kbundle view`: a bundle as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from kconvert_schemas import console
from kconvert_schemas.bundle import read_bundle
from kconvert_schemas.console import printable

from .. import text

EXAMPLES = """\b
Examples:
  kbundle view model/ -o model.html
  kbundle view model/ -o -              to stdout
"""


@click.command(epilog=EXAMPLES, short_help="Write a page that shows graph, layers and weights.")
@click.argument("out", metavar="OUT", type=click.Path(readable=False, path_type=Path))
@click.option(
    "-o", "--output", metavar="FILE", required=True, type=click.Path(readable=False, allow_dash=True, path_type=Path),
    help="The HTML file to write; '-' for stdout.",
)  # fmt: skip
@console.debug_option
def view(out: Path, output: Path) -> None:
    """Write an HTML page that shows the bundle OUT: a picture of its graph, layers, operations, weights, training.

    The page needs nothing besides itself: it fetches nothing, and works without a network.
    """
    from kconvert_runtime.files.results import written

    from ...view import page

    graph, weights = read_bundle(out)
    made = page(graph, lambda name: weights[name], out.resolve().name)
    if str(output) == "-":
        click.echo(made, nl=False)
        return
    content = made.encode()
    written(output, lambda file: file.write(content))
    click.echo(f"{printable(str(output))}: {text.size(len(content))}, open it in a browser.")
