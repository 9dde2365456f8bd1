"""How long a list may be that a file asks for by its length alone."""

from __future__ import annotations

from kconvert import Unsupported

MOST_ENTRIES = 1 << 20


def counted(count: int) -> int:
    """Return how many entries a list that is written out has; Unsupported where no model would have so many."""
    if count > MOST_ENTRIES:
        raise Unsupported(f"it asks for a list of {count} entries, more than {MOST_ENTRIES}")
    return count
