"""Ratios as an SVG: a line for each network, a dot for each engine, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape

COLOURS = ("#888888", "#e69f00", "#b8860b", "#0072b2", "#56b4e9", "#009e73", "#cc79a7")
LEFT, RIGHT, LINE, TOP = 230, 460, 20, 60
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 100, 1000)

Ratios = Mapping[str, Mapping[str, float]]


def dots(panels: Mapping[str, Ratios], titles: Mapping[str, str]) -> str:
    """Return the drawing. panels: by batch, network and engine, how many times as long as kconvert an engine takes."""
    values = [ratio for panel in panels.values() for row in panel.values() for ratio in row.values()] or [1.0]
    low, high = math.log(min(*values, 0.5) * 0.9), math.log(max(*values, 2.0) * 1.1)
    body: list[str] = []
    y = TOP
    for batch, panel in panels.items():
        body += _panel(f"{batch} {'row' if batch == '1' else 'rows'} a call", panel, list(titles), (low, high), y)
        y += (len(panel) + 3) * LINE
    size = f'width="{LEFT + RIGHT + 20}" height="{y}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    background = f'<rect {size} fill="white"/>'
    return "\n".join([head, background, *_legend(titles), *body, "</svg>"]) + "\n"


def _legend(titles: Mapping[str, str]) -> Iterator[str]:
    yield _text(10, 18, "time of a call, as a multiple of kconvert's: to the right of 1, kconvert is faster")
    x = 10.0
    for title, colour in zip(titles.values(), COLOURS, strict=False):
        yield _dot(x + 5, 34, colour, title)
        yield _text(x + 14, 38, title)
        x += 26 + 7 * len(title)


def _panel(title: str, panel: Ratios, engines: list[str], span: tuple[float, float], top: int) -> Iterator[str]:
    def place(ratio: float) -> float:
        return LEFT + RIGHT * (math.log(ratio) - span[0]) / (span[1] - span[0])

    bottom = top + (len(panel) + 1) * LINE
    yield _text(10, top + 14, title, 'font-weight="bold"')
    for tick in TICKS:
        if span[0] <= math.log(tick) <= span[1]:
            x, colour = place(tick), "#000000" if tick == 1 else "#dddddd"
            yield f'<line x1="{x:.1f}" y1="{top + 8}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"/>'
            yield _text(x, bottom + 14, f"{tick:g}", 'text-anchor="middle"')
    for i, (network, row) in enumerate(panel.items()):
        y = top + (i + 1.5) * LINE
        yield _text(LEFT - 10, y + 4, network, 'text-anchor="end"')
        for engine, ratio in row.items():
            yield _dot(place(ratio), y, COLOURS[engines.index(engine) % len(COLOURS)], f"{engine}: {ratio:.2f}")


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _dot(x: float, y: float, colour: str, title: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"><title>{escape(title)}</title></circle>'
