"""Text and tables as HTML. Everything that a bundle says goes through `escaped`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from kconvert_schemas.console import printable

MOST = 300
"""Characters that are shown of one text."""


def escaped(text: object) -> str:
    """Return a text that HTML shows as it is, in elements and in attributes; one that is too long is cut."""
    shown = printable(str(text))
    return html.escape(shown if len(shown) <= MOST else f"{shown[: MOST - 3]}...")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. The cells of rows are HTML already."""
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escaped(cell)}</th>' for cell in head)}</tr>\n{body}</table>" if body else ""


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names with values, as a list; both are text."""
    return f"<dl>{''.join(f'<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>' for name, value in pairs)}</dl>"


def bars(counts: Sequence[int], width: int = 120, height: int = 26) -> str:
    """Return a small histogram as SVG."""
    step, most = width / len(counts), max(*counts, 1)
    rects = "".join(
        f'<rect x="{n * step:.1f}" y="{height - height * count / most:.1f}" width="{step - 1:.1f}" '
        f'height="{height * count / most:.1f}"/>'
        for n, count in enumerate(counts)
        if count
    )
    return f'<svg class="bars" width="{width}" height="{height}" viewBox="0 0 {width} {height}">{rects}</svg>'
