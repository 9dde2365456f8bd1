"""A graph as SVG: a box for each group, an arrow for each value that goes from one to another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ..cli import text
from .groups import Edge, Group
from .html import escaped
from .placing import BOX, placed

HEIGHT = 56
LONG = 24
"""Characters of a line in a box."""
KINDS = (
    ("conv", ("conv",)),
    ("dense", ("matmul", "einsum", "dot")),
    ("recurrent", ("lstm", "gru", "simple_rnn", "scan")),
    ("norm", ("norm",)),
    ("pool", ("pool",)),
    ("attention", ("attention",)),
    ("training", ("dropout", "noise")),
)
"""Colours by the ops of a box: the first kind of which a word is in the name of one of them."""


def picture(groups: Sequence[Group], edges: Sequence[Edge], notes: Sequence[tuple[str, str]], link: str = "") -> str:
    """Return the SVG. notes: two lines under the name of each box. link: what its number is added to in its address."""
    where = placed(len(groups), [(edge.source, edge.target) for edge in edges])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{where.width:.0f}" height="{where.height:.0f}" '
        f'viewBox="0 0 {where.width:.0f} {where.height:.0f}" role="img">'
    ]
    for edge, points in zip(edges, where.paths, strict=True):
        title = f"<title>{escaped(edge.value)}</title>"
        parts.append(f'<path class="edge" d="{_curve(points)}">{title}</path>')
    for number, (group, (x, y), lines) in enumerate(zip(groups, where.centres, notes, strict=True)):
        box = _box(group, x, y, lines)
        parts.append(f'<a href="#{link}{number}">{box}</a>' if link else box)
    return "\n".join([*parts, "</svg>"])


def kind_of(group: Group) -> str:
    """Return the class of a box, which gives its colour."""
    if group.kind != "layer":
        return group.kind
    ops = [node.op for node in group.nodes]
    return next((name for name, words in KINDS if any(word in op for word in words for op in ops)), "other")


def _box(group: Group, x: float, y: float, lines: tuple[str, str]) -> str:
    left, top = x - BOX / 2, y - HEIGHT / 2
    name = text.start(group.name.rpartition("/")[2] or group.name, LONG)
    shown = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{BOX}" height="{HEIGHT}" rx="8"/>',
        f'<text class="name" x="{x:.1f}" y="{top + 18:.1f}">{escaped(name)}</text>',
    ]
    for n, line in enumerate(lines):
        if line:
            cut = escaped(text.start(line, LONG + 6))
            shown.append(f'<text class="note" x="{x:.1f}" y="{top + 33 + 14 * n:.1f}">{cut}</text>')
    return f'<g class="box {kind_of(group)}"><title>{escaped(group.name)}</title>{"".join(shown)}</g>'


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a path from below the first point to above the last, straight down past the boxes of each row between."""
    path = ""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        start, stop = y0 + HEIGHT / 2, y1 - HEIGHT / 2
        middle = (start + stop) / 2
        path += f"{'L' if path else 'M'}{x0:.1f} {start:.1f}"
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {stop:.1f}"
    return path
