"""Results on a screen: a line for each row, a summary of what is too large for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kconvert_schemas.console import printable
from kconvert_schemas.dtypes import Array

WIDEST_ROW = 20
DIGITS = 6


def result_lines(results: Mapping[str, Array]) -> Iterator[str]:
    """Yield the lines that show arrays by name; a single array of short rows stands without its name."""
    for index, (name, array) in enumerate(results.items()):
        table = array.ndim <= 2 and array.shape[1:] <= (WIDEST_ROW,)
        if len(results) > 1 or not table:
            yield from [""] if index else []
            yield f"{printable(name)}: {_described(array)}"
        yield from _rows(array) if table else _extract(array)


def _described(array: Array) -> str:
    dtype = "string" if array.dtype == object else str(array.dtype)
    text = f"{dtype}[{', '.join(map(str, array.shape))}]"
    if array.dtype.kind not in "iuf" or not array.size:
        return text
    finite = array[np.isfinite(array)]
    if finite.size:
        mean = float(finite.mean(dtype=np.float64))
        text += f", smallest {_cell(finite.min())}, mean {mean:.{DIGITS}g}, largest {_cell(finite.max())}"
    if finite.size < array.size:
        text += f", {array.size - finite.size:,} not finite"
    return text


def _rows(array: Array) -> Iterator[str]:
    """Yield the rows of a table, its columns aligned."""
    table = array if array.ndim == 2 else array.reshape(-1, 1)
    if array.dtype == object:
        yield from ("  ".join(printable(str(cell)) for cell in row) for row in table)
        return
    cells = [[_cell(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))


def _extract(array: Array) -> list[str]:
    """Return the corners of a large array, as NumPy shows them."""
    if array.dtype == object:
        array = array.astype(str)
    text = np.array2string(array, precision=4, threshold=100, edgeitems=2, max_line_width=78, suppress_small=True)
    return [f"  {line}" for line in map(printable, text.split("\n")) if line]


def _cell(value: Any) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, (np.floating, np.complexfloating)) else str(value)
