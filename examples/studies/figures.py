"""The figures of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .scores import Interval
from .svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    Panel,
    Scale,
    dot,
    legend,
    number,
    picture,
    segment,
    text,
)

WIDTH = 900
LOSS = "cross-entropy (nats)"
TRAINED, VALIDATED = "training", "validation"


def losses(title: str, histories: Mapping[str, Mapping[str, Any]]) -> str:
    """Training and validation loss by epoch, a panel for each network, on one scale."""
    values = [value for history in histories.values() for key in ("loss", "val_loss") for value in history[key]]
    height, wide = 300, (WIDTH - 20) / len(histories)
    parts = legend(64, 20, [(TRAINED, BLUE, "line"), (VALIDATED, ORANGE, "dashed"), ("epoch kept", GREY, "dashed")])
    for i, (label, history) in enumerate(histories.items()):
        panel = Panel(_epochs(history, i * wide + 64, (i + 1) * wide - 8), _fitting(values, height - 48, 62))
        panel.axes("epoch", LOSS, whole=True)
        x = panel.x(history["best_epoch"])
        panel.parts.append(segment((x, panel.y.start), (x, panel.y.end), GREY, 1.5, "3 3"))
        panel.line(_by_epoch(history["loss"]), BLUE)
        panel.line(_by_epoch(history["val_loss"]), ORANGE, "5 4")
        panel.parts.append(text(panel.x.start + 4, 52, label, bold=True))
        parts += panel.parts
    return picture(WIDTH, height, title, parts)


def scores(title: str, rows: Mapping[str, tuple[Interval, float | None]], constant: float) -> str:
    """Macro F1 of each network with its 95 % interval, and the course project's."""
    height = 92 + 30 * len(rows)
    panel = Panel(Scale(0, 1, 270, WIDTH - 20), Scale(0, 1, height - 48, 34))
    panel.x_ticks()
    panel.frame("macro F1 on the test set (1: all right)")
    x = panel.x(constant)
    panel.parts.append(segment((x, panel.y.start), (x, panel.y.end), GREY, 1.5, "3 3"))
    for i, (label, (interval, original)) in enumerate(rows.items()):
        y = 52 + 30 * i
        panel.parts.append(text(262, y + 4, label, anchor="end"))
        panel.parts.append(segment((panel.x(interval.low), y), (panel.x(interval.high), y), BLUE, 3))
        panel.parts.append(dot(panel.x(interval.value), y, BLUE))
        if original is not None:
            panel.parts.append(dot(panel.x(original), y, ORANGE, filled=False))
    entries = [("here, with 95 % interval", BLUE, "dot"), ("one class for everything", GREY, "dashed")]
    if any(original is not None for _, original in rows.values()):
        entries.insert(1, ("course project", ORANGE, "ring"))
    return picture(WIDTH, height, title, [*legend(270, 20, entries), *panel.parts])


def times(title: str, rows: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Time of a sample in Keras and in kconvert, a row for each network, on a logarithmic scale."""
    height = 92 + 22 * len(rows)
    values = [value for row in rows.values() for value in row.values()]
    panel = Panel(Scale(min(values) / 1.5, max(values) * 1.5, 220, WIDTH - 20, log=True), Scale(0, 1, height - 48, 34))
    panel.x = _decades(panel.x)
    panel.x_ticks()
    panel.frame(unit)
    for i, (label, row) in enumerate(rows.items()):
        y = 48 + 22 * i
        ends = [panel.x(row[name]) for name in ("keras", "kconvert")]
        panel.parts.append(text(212, y + 4, label, anchor="end"))
        panel.parts.append(segment((ends[0], y), (ends[1], y), GREY))
        panel.parts += [dot(ends[0], y, ORANGE, filled=False), dot(ends[1], y, BLUE)]
    entries = [("Keras predict", ORANGE, "ring"), ("kconvert", BLUE, "dot")]
    return picture(WIDTH, height, title, [*legend(220, 20, entries), *panel.parts])


def twins(title: str, result: Mapping[str, Any]) -> str:
    """The losses of one network trained by Keras (lines) and by kconvert (dots) from the same weights."""
    keras, ours = result["keras"], result["kconvert"]
    values = [value for one in (keras, ours) for key in ("loss", "val_loss") for value in one[key]]
    panel = Panel(_epochs(keras, 64, WIDTH - 20), _fitting(values, 252, 40))
    panel.axes("epoch", LOSS, whole=True)
    for key, colour in (("loss", BLUE), ("val_loss", ORANGE)):
        panel.line(_by_epoch(keras[key]), colour, "" if key == "loss" else "5 4")
        panel.dots(_by_epoch(ours[key]), colour, filled=False)
    entries = [("Keras, training", BLUE, "line"), ("kconvert, training", BLUE, "ring"),
               ("Keras, validation", ORANGE, "dashed"), ("kconvert, validation", ORANGE, "ring")]  # fmt: skip
    return picture(WIDTH, 300, title, [*legend(64, 20, entries), *panel.parts])


def memory(title: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """The spread of the state over the texts, by the zeros read since, as a share of the spread without zeros."""
    curves = {(cell, state): _shares(result, state) for cell, result in results.items()
              for state in ("untrained", "trained")}  # fmt: skip
    values = [value for curve in curves.values() for _, value in curve if value > 0]
    median = min(result["median_zeros"] for result in results.values())
    zeros = [x for curve in curves.values() for x, _ in curve]
    panel = Panel(
        Scale(0, max(200, *zeros, median), 74, WIDTH - 20), _decades(Scale(min(values), max(values), 292, 40, log=True))
    )
    panel.axes("zeros read after the text", "spread of the state (share)")
    colours = dict(zip(results, ((BLUE, GREEN), (ORANGE, PURPLE)), strict=False))
    entries = []
    for (cell, state), curve in curves.items():
        colour = colours[cell][state == "trained"]
        panel.line([(x, y) for x, y in curve if y > 0], colour, "5 4" if state == "trained" else "")
        entries.append((f"{cell}, {state}", colour, "dashed" if state == "trained" else "line"))
    x, words = panel.x(median), f"half of the texts are followed by {number(median)} zeros or more"
    panel.parts.append(segment((x, panel.y.start), (x, panel.y.end), INK, 1, "3 3"))
    panel.parts.append(text(x - 6, 150, words, anchor="end"))
    return picture(WIDTH, 340, title, [*legend(74, 20, entries), *panel.parts])


def _shares(result: Mapping[str, Any], state: str) -> list[tuple[float, float]]:
    return [(x, y / result[state][0]) for x, y in zip(result["zeros"], result[state], strict=True)]


def _epochs(history: Mapping[str, Any], start: float, end: float) -> Scale:
    return Scale(1, max(2, len(history["loss"])), start, end)


def _fitting(values: Sequence[float], start: float, end: float) -> Scale:
    """From 0, or from below the lowest value where that is far from 0, to above the highest."""
    low, high = min(values), max(values)
    margin = 0.08 * max(high - low, 1e-3)
    return Scale(0 if low < (high - low) else low - margin, high + margin, start, end)


def _decades(scale: Scale) -> Scale:
    """A logarithmic scale that reaches from one power of ten to another."""
    powers = [float(f"1e{exponent}") for exponent in range(-30, 31)]
    low = max(power for power in powers if power <= scale.low)
    high = min(power for power in powers if power >= scale.high)
    return Scale(low, high, scale.start, scale.end, log=True)


def _by_epoch(values: Sequence[float]) -> list[tuple[float, float]]:
    return list(enumerate(values, start=1))
