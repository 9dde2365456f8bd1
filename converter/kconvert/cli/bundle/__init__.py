"""The command `kbundle`: look at a bundle and work with it. Each subcommand is a module of its own."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kconvert_schemas import console

from ...version import VERSION
from .diff import diff
from .export import export
from .info import info
from .train import train
from .verify import verify
from .view import view

PROGRAM = "kbundle"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return console.run(command, PROGRAM, arguments)


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@console.version_option(lambda: f"kbundle {VERSION}")
@console.debug_option
def command() -> None:
    """Look at a bundle, the folder that `kconvert MODEL OUT` writes.

    Exit codes: 0 done; 1 what was compared differs; 2 the bundle or the request was wrong.
    """


command.add_command(info)
command.add_command(diff)
command.add_command(export)
command.add_command(train)
command.add_command(verify)
command.add_command(view)
