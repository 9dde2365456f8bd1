"""The section "If Keras loaded this file" of a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kconvert_schemas.console import printable

from ..scan import Danger

TITLE = "If Keras loaded this file"
SHOWN = 20
NOTHING = "nothing was found in it that runs code, imports modules, or opens or writes other files"


def as_data(dangers: Sequence[Danger]) -> dict[str, Any]:
    """Return the section as plain data."""
    return {"if_keras_loaded_this_file": [danger.as_json() for danger in dangers]}


def print_dangers(dangers: Sequence[Danger]) -> None:
    """Print the section: a line for each danger, without colours and breaks, so that it can be searched."""
    if not dangers:
        print(f"\n{TITLE}: {NOTHING}.")
        return
    print(f"\n{TITLE}, it could harm you (kconvert only reads it):")
    for danger in dangers[:SHOWN]:
        print(printable(f"  {danger.kind}: {danger.where} {danger.what}"))
    if len(dangers) > SHOWN:
        print(f"  ... and {len(dangers) - SHOWN} more")
