"""The best labels of each row: `krun --top K --labels FILE`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.console import printable
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show

from ..model import Value
from .source import Source


@dataclass(frozen=True, slots=True)
class Ranking:
    """What to show: the `count` best of each row of these outputs, named by `labels` (their numbers if None)."""

    outputs: tuple[str, ...]
    count: int
    labels: list[str] | None

    def lines(self, arrays: Mapping[str, Array], rows: Sequence[str] | None, width: int | None) -> Iterator[str]:
        """Yield what each row is (the text or file it comes from, cut to `width`) and its best labels below."""
        for index, name in enumerate(self.outputs):
            if len(self.outputs) > 1:
                yield from [""] if index else []
                yield f"{printable(name)}:"
            yield from self._ranked(name, arrays[name], rows, width)

    def _ranked(self, name: str, array: Array, rows: Sequence[str] | None, width: int | None) -> Iterator[str]:
        if array.ndim != 2 or array.dtype.kind not in "biuf" or len(self.labels or array.T) != array.shape[1]:
            raise InputError(f"--top cannot rank the output {show(name)}: it is {array.dtype}{list(array.shape)}.")
        names = [printable(label) for label in self.labels or map(str, range(array.shape[1]))]
        longest = max(map(len, names), default=0)
        best = np.argsort(-array.astype(np.float64), axis=1, kind="stable")[:, : self.count]
        for index, row in enumerate(array):
            yield _cut(printable(rows[index]), width) if rows is not None else f"row {index}"
            yield from (f"  {names[i]:<{longest}}  {_score(row[i])}" for i in best[index])


def choose(outputs: Sequence[Value], count: int | None, path: Path | None) -> Ranking | None:
    """Return what `--top` and `--labels` ask for, None where they are not given.

    Raises InputError when no output has one row of numbers for each sample, or as many as there are labels.
    """
    if count is None and path is None:
        return None
    labels = None if path is None else [line.strip() for line in Source(str(path)).text.rstrip().split("\n")]
    rows = [value for value in outputs if len(value.shape) == 2 and value.dtype != "string"]
    if not rows:
        shown = ", ".join(f"{show(value.name)} has the shape {_shape(value)}" for value in outputs)
        raise InputError(f"--top and --labels need an output with one row of numbers for each sample; {shown}.")
    fitting = [value for value in rows if labels is None or value.shape[1] in (None, len(labels))]
    if not fitting:
        shown = ", ".join(f"{show(value.name)} has {value.shape[1]}" for value in rows)
        raise InputError(
            f"{show(path)} holds {len(labels or ())} labels, one a line; expected one for each number in a row of the "
            f"output, in the order of training: {shown}."
        )
    return Ranking(tuple(value.name for value in fitting), count or 1, labels)


def _shape(value: Value) -> str:
    return f"({', '.join('?' if n is None else str(n) for n in value.shape)})"


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else f"{text[: max(width - 3, 1)]}..."


def _score(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, np.floating) and abs(value) < 1e6 else f"{value:.6g}"
