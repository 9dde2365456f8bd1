"""Charts as SVG text: scales, axes, lines, dots and legends. Sizes are in pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

BLUE, ORANGE, GREEN, PURPLE, GREY = "#1f6fb4", "#d1640c", "#2b8a57", "#7b4ea3", "#6b7280"
INK, RULE = "#1f2933", "#dfe3e8"
STYLE = f"font-family:system-ui,'Liberation Sans',sans-serif;font-size:12px;fill:{INK}"

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Scale:
    """Maps values from `low` to `high` onto pixels from `start` to `end`, along logarithms if `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """Round values within the scale: about `count` of them, or the powers of ten."""
        if self.log:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            return [10.0**power for power in powers[:: -max(1, -(-len(powers) // count))]][::-1]
        step = _round_step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass
class Panel:
    """One pair of axes, and what is drawn between them."""

    x: Scale
    y: Scale
    parts: list[str] = field(default_factory=list)

    def axes(self, x_label: str, y_label: str, *, whole: bool = False) -> None:
        """Draw both axes with ticks, grid lines and labels. whole: x takes whole numbers only."""
        for value in self.x.ticks():
            if not whole or value == round(value):
                self._tick(self.x(value), self.y.start, self.y.end, number(value))
        for value in self.y.ticks():
            y = self.y(value)
            self.parts.append(segment((self.x.start, y), (self.x.end, y), RULE))
            self.parts.append(text(self.x.start - 6, y + 4, number(value), anchor="end"))
        self.frame(x_label)
        middle = (self.y.start + self.y.end) / 2
        self.parts.append(text(self.x.start - 46, middle, y_label, anchor="middle", turned=True))

    def frame(self, x_label: str) -> None:
        """Draw the lines of both axes and the name of x."""
        corner = (self.x.start, self.y.start)
        self.parts.append(segment(corner, (self.x.end, self.y.start), INK))
        self.parts.append(segment(corner, (self.x.start, self.y.end), INK))
        self.parts.append(text((self.x.start + self.x.end) / 2, self.y.start + 36, x_label, anchor="middle"))

    def x_ticks(self) -> None:
        """Draw the ticks and grid lines of x alone, for rows that have names instead of a y axis."""
        for value in self.x.ticks():
            self._tick(self.x(value), self.y.start, self.y.end, number(value))

    def line(self, points: Points, colour: str, dash: str = "") -> None:
        """Draw a line through points given as values."""
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')

    def dots(self, points: Points, colour: str, *, filled: bool = True) -> None:
        """Draw a dot at each point given as values."""
        self.parts += [dot(self.x(x), self.y(y), colour, filled=filled) for x, y in points]

    def _tick(self, x: float, bottom: float, top: float, label: str) -> None:
        self.parts.append(segment((x, bottom), (x, top), RULE))
        self.parts.append(text(x, bottom + 17, label, anchor="middle"))


def picture(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole SVG, which says what it shows to those who cannot see it."""
    label = escape(title, quote=True)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img" aria-label="{label}" style="{STYLE}">',
            f'<title>{label}</title><rect width="100%" height="100%" fill="#fff"/>',
            *parts,
            "</svg>\n",
        )
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", bold: bool = False, turned: bool = False) -> str:
    """Words at a place; turned: upwards."""
    weight = ' font-weight="600"' if bold else ""
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}{turn}>{escape(words)}</text>'


def segment(start: tuple[float, float], end: tuple[float, float], colour: str, width: float = 1, dash: str = "") -> str:
    """A straight line between two places."""
    (x1, y1), (x2, y2) = start, end
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{colour}" stroke-width="{width:g}"{dashes}/>'


def dot(x: float, y: float, colour: str, *, filled: bool = True) -> str:
    """A round mark, filled or a ring."""
    fill = colour if filled else "#fff"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}" stroke-width="1.8"/>'


def legend(x: float, y: float, entries: Sequence[tuple[str, str, str]]) -> list[str]:
    """A row of marks with their names. entries: (name, colour, mark), mark: line, dashed, dot, ring."""
    parts: list[str] = []
    for name, colour, mark in entries:
        if mark in ("dot", "ring"):
            parts.append(dot(x + 12, y - 4, colour, filled=mark == "dot"))
        else:
            parts.append(segment((x, y - 4), (x + 24, y - 4), colour, 2, "5 4" if mark == "dashed" else ""))
        parts.append(text(x + 30, y, name))
        x += 48 + 6.6 * len(name)
    return parts


def number(value: float) -> str:
    """A tick's label, short: 0.25, 40, 1e-6."""
    if value and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.6g}"


def _round_step(step: float) -> float:
    """The least of 1, 2, 2.5, 5 or 10 times a power of ten that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
