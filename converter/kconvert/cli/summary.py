"""The summary of a conversion or a bundle, for people. rich is imported only when one is printed."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kconvert_schemas.console import printable

from ..report import LayerLine, Report
from . import text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TITLES = ("Layer", "Class", "Output", "Params", "Ops")
COMMANDS = ("Next", "Run")
PIPED_WIDTH, LEAST_WIDTH = 120, 64
LABEL_WIDTH = 12
GAP = 2
MOST_LAYERS, FIRST_LAYERS, LAST_LAYERS = 40, 24, 8
SHOWN_OUTPUTS = 2
SHOWN_NAMES = 8
SHOWN_PORTS = 12
Facts = list[tuple[str, str]]


@contextmanager
def tidy_console() -> Iterator[Console]:
    """Give a console whose text goes to stdout at the end: never taken as markup, no blanks at the ends of lines.

    Colours and the width are those of the terminal; when piped there are none, and lines may be longer.
    """
    from rich.console import Console

    width = PIPED_WIDTH if not sys.stdout.isatty() and not os.environ.get("COLUMNS") else None
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
    console.width = max(console.width, LEAST_WIDTH)
    with console.capture() as captured:
        yield console
    print("\n".join(line.rstrip() for line in captured.get().rstrip().split("\n")))


def print_summary(report: Report, title: str, facts: Facts, *, verbose: bool) -> None:
    """Print a title, the layers, what goes in and out, totals, and `facts` (label, text) below."""
    names = [*report.inputs, *report.outputs]
    width = min(text.NAME_LIMIT, max((len(printable(name)) for name in names), default=0))
    ports = [*_ports("Input", report.inputs, width, verbose), *_ports("Output", report.outputs, width, verbose)]
    with tidy_console() as console:
        console.print(title, style="bold")
        console.print()
        console.print(_layers(report.layers, console.width, verbose) if report.layers else "No layers.")
        console.print()
        for label, content in [*ports, *_totals(report, verbose), *facts]:
            _print_fact(console, label, content)


def _layers(layers: Sequence[LayerLine], width: int, verbose: bool) -> Table:
    """A row for each layer; long models are cut in the middle unless `verbose`."""
    hidden = 0 if verbose or len(layers) <= MOST_LAYERS else len(layers) - FIRST_LAYERS - LAST_LAYERS
    shown = [*layers[:FIRST_LAYERS], *layers[FIRST_LAYERS + hidden :]]
    rows = [_cells(line) for line in shown]
    if hidden:
        rows.insert(FIRST_LAYERS, (f"... {hidden:,} more", "", "", "", "--verbose shows all"))
    columns = list(zip(TITLES, *rows, strict=True))
    longest_op = max(len(word) for cell in columns[-1] for word in [*cell.split(), ""])
    limits = _limits([max(map(len, column)) for column in columns], width, longest_op)
    table = plain_table(*TITLES, right=("Params",), wrap=("Ops",))
    for path, class_name, *rest in rows:
        style = "dim" if rest[-1].startswith(("(", "--")) else None
        table.add_row(text.path(path, limits[0]), text.start(class_name, limits[1]), *rest, style=style)
    return table


def _limits(widths: list[int], available: int, longest_op: int) -> list[int]:
    """Return the width of each column: where space is short, the ops are broken, then classes, then paths cut."""
    excess = sum(widths) + GAP * (len(widths) - 1) - available
    for column, least in ((4, max(14, longest_op)), (1, 12), (0, 20), (1, 7)):
        taken = max(0, min(excess, widths[column] - least))
        widths[column] -= taken
        excess -= taken
    return widths


def plain_table(*columns: str, right: Sequence[str] = (), wrap: Sequence[str] = ()) -> Table:
    """Return a table without lines; only the columns in `wrap` are broken when the space is short."""
    from rich.table import Table

    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        broken = column in wrap
        table.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=not broken,
            overflow="fold" if broken else "crop",
        )
    return table


def _print_fact(console: Console, label: str, content: str) -> None:
    """Print a label and a text beside it; a command stays on one line so that it can be copied."""
    from textwrap import wrap

    from rich.text import Text

    room = max(console.width - LABEL_WIDTH, 20)
    lines = [content] if label in COMMANDS else wrap(content, room, break_on_hyphens=False, drop_whitespace=True)
    for index, line in enumerate(lines or [""]):
        start = (label if index == 0 else "").ljust(LABEL_WIDTH)
        console.print(Text.assemble((start, "bold"), line), soft_wrap=True)


def next_command(report: Report, out: str) -> str:
    """Return the `krun` command that fits the inputs of a bundle."""
    if len(report.inputs) == 1:
        files = [_sample_file(type_, "texts", "image", "input") for type_ in report.inputs.values()]
    else:
        files = []
        for index, (name, type_) in enumerate(report.inputs.items(), 1):
            stem = name if name.isidentifier() else f"input{index}"
            files.append(shlex.quote(f"{printable(name)}={_sample_file(type_, stem, stem, stem)}"))
    return " ".join(["krun", shlex.quote(printable(out)), *files])


def sizes(report: Report) -> str:
    """Return the names and sizes of the files of a bundle."""
    return ", ".join(f"{printable(name)} {text.size(count)}" for name, count in report.files.items())


def _cells(line: LayerLine) -> tuple[str, ...]:
    calls = f" ({line.calls} calls)" if line.calls > 1 else ""
    more = ", ..." if len(line.outputs) > SHOWN_OUTPUTS else ""
    ops = text.ops(line.ops)
    return (
        printable(line.path),
        printable(line.class_name) + calls if line.class_name else "(operation)",
        ", ".join(map(text.type_, line.outputs[:SHOWN_OUTPUTS])) + more,
        f"{line.parameters:,}" if line.parameters else "-",
        f"({ops or 'nothing'})" if line.inactive else ops,
    )


def _ports(label: str, ports: Mapping[str, str], width: int, verbose: bool) -> Iterator[tuple[str, str]]:
    shown = list(ports.items()) if verbose else list(ports.items())[:SHOWN_PORTS]
    for index, (name, type_) in enumerate(shown):
        yield (label if len(ports) == 1 else f"{label}s") if index == 0 else "", f"{text.name(name):<{width}}  {type_}"
    if len(ports) > len(shown):
        yield "", f"... {len(ports) - len(shown)} more; --verbose shows all"


def _totals(report: Report, verbose: bool) -> Facts:
    trainable = "all" if report.trainable == report.parameters else f"{report.trainable:,}"
    parameters = f"{report.parameters:,}" + (f" ({trainable} trainable)" if report.parameters else "")
    facts = [("Parameters", parameters)]
    inactive = report.inactive
    if inactive:
        shown = inactive if verbose else inactive[:SHOWN_NAMES]
        more = f" and {len(inactive) - len(shown)} more" if len(inactive) > len(shown) else ""
        facts.append(("Inactive", f"{', '.join(map(text.name, shown))}{more} (act in training only)"))
    return facts


def _sample_file(type_: str, text: str, image: str, other: str) -> str:
    """Return the name of a file that an input of this type could be read from."""
    dtype, _, rest = type_.partition("[")
    shape = rest[:-1].split(", ")
    if dtype == "string":
        return f"{text}.txt"
    return f"{image}.png" if len(shape) == 4 and shape[-1] in ("1", "3", "4") else f"{other}.npy"


def print_json(data: Any) -> None:
    """Print plain data as JSON on stdout."""
    import json

    print(json.dumps(data, indent=2))  # as ASCII: what is foreign cannot reach the terminal
