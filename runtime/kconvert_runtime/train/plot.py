"""The curves of a training as an SVG picture, drawn without any library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 44, 56
COLOURS = ("#1f6fb4", "#d1602b", "#2e8b57", "#8a4fbf", "#b8860b", "#b03060", "#008b8b", "#555555")
DOTS = 60
"""Up to so many epochs each is a dot, too."""


@dataclass(frozen=True)
class _Scale:
    """Where a value of an epoch, counted from 1, is drawn."""

    ticks: Sequence[float]
    epochs: int

    def x(self, epoch: float) -> float:
        share = (epoch - 1) / (self.epochs - 1) if self.epochs > 1 else 0.5
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)


def plot(
    history: Mapping[str, Sequence[float]], names: Sequence[str] = ("loss", "val_loss"), title: str = "Loss"
) -> str:
    """Return an SVG with the quantities `names` over the epochs: axes, grid, legend. What is not finite is left out."""
    curves = {name: [float(v) for v in history[name]] for name in names if history.get(name)}
    finite = [v for values in curves.values() for v in values if math.isfinite(v)] or [0.0, 1.0]
    epochs = max((len(values) for values in curves.values()), default=1)
    scale = _Scale(nice_ticks(min(finite), max(finite)), epochs)
    parts = [*_axes(scale, title)]
    for i, (name, values) in enumerate(curves.items()):
        parts += _curve(scale, values, COLOURS[i % len(COLOURS)])
        parts += _legend(i, name, COLOURS[i % len(COLOURS)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="13" fill="#222">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def nice_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Return round numbers, evenly apart, from at most `low` to at least `high`."""
    if high <= low:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    rough = (high - low) / (count - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(n for n in (1, 2, 5, 10) if n * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, last + 1)]


def _axes(scale: _Scale, title: str) -> list[str]:
    parts = []
    for value in scale.ticks:
        y = scale.y(value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:.6g}", "end"))
    every = max(1, math.ceil(scale.epochs / 10))
    for epoch in range(1, scale.epochs + 1):
        if epoch == 1 or epoch % every == 0:
            x, bottom = scale.x(epoch), HEIGHT - BOTTOM
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}" stroke="#222"/>')
            parts.append(_text(x, bottom + 20, str(epoch), "middle"))
    parts.append(f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#222"/>')
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "epoch", "middle"))
    parts.append(_text(LEFT, 24, title, "start"))
    return parts


def _curve(scale: _Scale, values: Sequence[float], colour: str) -> list[str]:
    points = [(scale.x(n), scale.y(v)) for n, v in enumerate(values, start=1) if math.isfinite(v)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>']
    if len(points) <= DOTS:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
    return parts


def _legend(index: int, name: str, colour: str) -> list[str]:
    x = LEFT + 130 + 150 * index
    return [
        f'<line x1="{x}" x2="{x + 24}" y1="20" y2="20" stroke="{colour}" stroke-width="3"/>',
        _text(x + 30, 24, name, "start"),
    ]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
