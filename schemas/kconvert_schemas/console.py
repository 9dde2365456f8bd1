"""How the commands end: output on stdout, one paragraph on stderr for what went wrong, and the exit code.

click is imported only when a command runs, so that importing kconvert_schemas takes NumPy alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import KconvertError, show

if TYPE_CHECKING:
    import click

F = TypeVar("F", bound=Callable[..., Any])

DONE = 0
DIFFERS = 1
WRONG = 2
INTERRUPTED = 130
PIPE_CLOSED = 141


@dataclass
class Settings:
    """What the commands read from `click.Context.obj`; `debug` is set by --debug."""

    debug: bool = False


def run(command: click.Command, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command as program `name` and return its exit code.

    DONE; DIFFERS, when the command returns it; WRONG after any error, which is written to stderr as one
    paragraph; as shells count signals, INTERRUPTED and PIPE_CLOSED (the reader of stdout went away).
    """
    import click

    settings = Settings()
    _accept_any_character()
    try:
        result = command.main(arguments, name, standalone_mode=False, obj=settings)
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click turns a closed pipe into SystemExit
        _discard_stdout()
        return PIPE_CLOSED
    except Exception as error:
        if settings.debug:
            import traceback

            traceback.print_exception(error)
        say(name, _explain(error, name))
        _flush_or_discard()
        return WRONG


def say(name: str, text: str) -> None:
    """Write a message of program `name` to stderr, control characters escaped."""
    lines = f"{name}: {text}".split("\n")
    print("\n".join(map(printable, lines)), file=sys.stderr)


def note(name: str, text: str) -> None:
    """Tell the person at the keyboard something that is not an error."""
    say(name, f"note: {text}")


def printable(text: str) -> str:
    """Return `text` with everything escaped that could move the cursor or change the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def debug_option(function: F) -> F:
    """Add --debug to a command."""
    import click

    def remember(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value and isinstance(context.obj, Settings):
            context.obj.debug = True

    option = click.option(
        "--debug", is_flag=True, is_eager=True, expose_value=False, callback=remember,
        help="Show the traceback when something goes wrong.",
    )  # fmt: skip
    return option(function)


def version_option(text: Callable[[], str]) -> Callable[[F], F]:
    """Add --version to a command; `text` is called when it is asked for."""
    import click

    def show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            click.echo(text())
            context.exit()

    return click.option(
        "--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version,
        help="Show the versions and exit.",
    )  # fmt: skip


def _explain(error: Exception, name: str) -> str:
    import click

    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else name
        return f"error: {error.format_message().rstrip('.')}. See `{path} --help`."
    if isinstance(error, click.ClickException):
        return f"error: {error.format_message()}"
    if isinstance(error, KconvertError):
        return f"error: {error}"
    if isinstance(error, OSError):
        where = f"{show(os.fspath(error.filename))}: " if isinstance(error.filename, (str, os.PathLike)) else ""
        return f"error: {where}{error.strerror or error}."
    if isinstance(error, MemoryError):
        return "error: There is not enough memory for this. Give fewer rows, or a smaller --batch-size."
    return (
        f"internal error: {type(error).__name__}: {error!s:.500}. This is a fault of {name}, not of what it "
        "was given; run again with --debug and report what it shows."
    )


def _accept_any_character() -> None:
    """Let characters that the encoding of stdout lacks be written as escapes instead of failing."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _flush_or_discard() -> None:
    """Python flushes once more at its end, and would exit with a code of its own where that fails."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_stdout()


def _discard_stdout() -> None:
    """Keep Python from complaining at exit about a pipe that is closed."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.__stdout__.fileno() if sys.__stdout__ else 1)
        os.close(descriptor)
    except (OSError, ValueError):
        pass
