"""Every error kconvert raises on purpose, and how foreign text is shown inside a message.

The command lines catch `KconvertError`, print its message as one paragraph and return exit code 2.
"""

from __future__ import annotations

SHOWN_CHARACTERS = 80
SHOWN_PROBLEMS = 20
SHOWN_LINE = 1000


class KconvertError(Exception):
    """Base of all errors whose message is meant for the person at the keyboard."""


class BundleError(KconvertError, ValueError):
    """A bundle (graph.json, weights.npz) is damaged, hostile, or from the future."""


class BundleNotFound(BundleError, FileNotFoundError):
    """There is no bundle where one was expected."""


class GraphError(BundleError):
    """A graph breaks the rules of FORMAT.md; lists every problem found."""


class InputError(KconvertError, ValueError):
    """The arrays given to a model do not fit its inputs, or an argument is wrong."""


class PluginError(KconvertError, ImportError):
    """An installed plugin package is broken, or two of them claim the same name."""


class ModelFileError(KconvertError, ValueError):
    """A model file cannot be read: wrong container, missing member, damaged content."""


class ConversionError(KconvertError, ValueError):
    """A model cannot be converted exactly; lists every problem found."""


class ImportedError(KconvertError, ImportError):
    """Code that was named with --import does not import, or Keras cannot load the model with it."""


class OutputError(KconvertError, OSError):
    """The output cannot be written where it was asked for."""


def show(text: object, limit: int = SHOWN_CHARACTERS) -> str:
    """Return foreign `text` escaped, quoted and cut, so that it can stand inside a message."""
    shown = str(text).encode("unicode_escape").decode("ascii") if not _printable(str(text)) else str(text)
    if len(shown) > limit:
        shown = f"{shown[:limit]}... ({len(str(text))} characters)"
    return f"'{shown}'"


def cut(text: str, limit: int = SHOWN_LINE) -> str:
    """Return `text`, or its beginning where it is longer than anyone reads."""
    return text if len(text) <= limit else f"{text[:limit]}..."


def paragraph(summary: str, problems: list[str], advice: str = "") -> str:
    """Join a summary, its problems (one a line, at most `SHOWN_PROBLEMS`) and what to do."""
    lines = [summary, *(f"  {cut(problem)}" for problem in problems[:SHOWN_PROBLEMS])]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"  ... and {len(problems) - SHOWN_PROBLEMS} more")
    return "\n".join([*lines, *([advice] if advice else [])])


def _printable(text: str) -> bool:
    return text.isprintable() and not any("\ud800" <= c <= "\udfff" for c in text)
