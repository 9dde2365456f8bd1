"""Text: strings one a line, numbers, and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Port

from .arrays import names
from .source import Source

Rows: TypeAlias = list[tuple[int, list[str]]]  # line number, cells
FIELD_LIMIT = 2**31 - 1


def read_txt(source: Source, ports: Sequence[Port]) -> dict[str, Any]:
    """Return the lines of a text file: one string each, or one row of numbers each (blanks or commas between)."""
    if len(ports) > 1:
        raise InputError(
            f"{source.label} holds one input; {len(ports)} are wanted: {names(ports)}. Give a file for each."
        )
    port = ports[0]
    lines = [line.removesuffix("\r") for line in source.text.rstrip("\r\n").split("\n")]
    if port.type.dtype == "string":
        return {port.name: np.array(lines, object)}
    rows = [line.replace(",", " ").split() for line in lines]
    return {port.name: _numeric(source, port, [(i, row) for i, row in enumerate(rows, 1) if row])}


def read_csv(source: Source, ports: Sequence[Port]) -> dict[str, Any]:
    """Return the columns of a CSV file that are named like the inputs ('x', or 'x.0', 'x.1'...); else one matrix."""
    rows = _parse(source)
    header, columns = rows[0][1], {}
    for port in ports:
        found = _columns(header, port.name)
        if found:
            columns[port.name] = found
    if len(columns) == len(ports):
        return {port.name: _array(source, port, _pick(rows[1:], columns[port.name])) for port in ports}
    if len(ports) > 1 or (ports[0].type.dtype == "string" and len(header) > 1):
        raise InputError(
            f"{source.label} has the columns {', '.join(map(show, header[:20]))}; "
            f"expected columns named {names(ports)} in its first line."
        )
    port = ports[0]
    has_header = port.type.dtype != "string" and not any(_parses(_parser(port), cell) for cell in header)
    return {port.name: _array(source, port, rows[1:] if has_header else rows)}


def _parse(source: Source) -> Rows:
    """Return the rows that are not blank; all have the same number of cells."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(io.StringIO(source.text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{source.label} is not proper CSV: line {reader.line_num}: {error}.") from None
    _rectangular(source, rows)
    return rows


def _rectangular(source: Source, rows: Rows) -> None:
    if not rows:
        raise InputError(f"{source.label} holds no rows.")
    width = len(rows[0][1])
    for line, row in rows:
        if len(row) != width:
            raise InputError(f"{source.label}: line {line} has {len(row)} values, the first line has {width}.")


def _columns(header: Sequence[str], name: str) -> list[int]:
    """Return where the columns of an input stand."""
    titles = [title.strip() for title in header]
    if name in titles:
        return [titles.index(name)]
    places = {title: place for place, title in reversed([*enumerate(titles)])}
    return [places[title] for i in range(len(titles)) if (title := f"{name}.{i}") in places]


def _pick(rows: Rows, columns: Sequence[int]) -> Rows:
    return [(line, [row[column] for column in columns]) for line, row in rows]


def _array(source: Source, port: Port, rows: Rows) -> Array:
    if port.type.dtype != "string":
        return _numeric(source, port, rows)
    _rectangular(source, rows)
    return np.array([row for _, row in rows], object)


def _numeric(source: Source, port: Port, rows: Rows) -> Array:
    """Return rows of numbers as an array, arranged for the input."""
    _rectangular(source, rows)
    parse = _parser(port)
    try:
        array = np.array([[parse(cell) for cell in row] for _, row in rows])
        return _arranged(array if array.dtype != object else array.astype(float), port, source)
    except OverflowError:
        raise InputError(f"{source.label} holds a whole number that does not fit {port.type.dtype}.") from None
    except (KeyError, ValueError):
        line, cell = next((line, cell) for line, row in rows for cell in row if not _parses(parse, cell))
        raise InputError(
            f"{source.label}: {show(cell)} in line {line} is not a number; "
            f"input {show(port.name)} takes {port.type.dtype}."
        ) from None


def _parser(port: Port) -> Callable[[str], Any]:
    kind = holder(port.type.dtype).kind
    return {"b": _boolean, "i": _integer, "u": _integer, "c": _complex}.get(kind, _float)


def _float(cell: str) -> float:
    if "_" in cell:  # Python takes 1_000 for a number; no file that holds numbers means that
        raise ValueError
    return float(cell)


def _complex(cell: str) -> complex:
    return complex(cell.strip()) if "_" not in cell else _float(cell)


def _integer(cell: str) -> float:
    try:
        return int(cell) if "_" not in cell else _float(cell)
    except ValueError:
        return _float(cell)


def _boolean(cell: str) -> float:
    return {"false": 0, "true": 1}[cell.strip().lower()] if cell.strip().isalpha() else _integer(cell)


def _parses(parse: Callable[[str], Any], cell: str) -> bool:
    try:
        parse(cell)
    except (KeyError, ValueError):
        return False
    return True


def _arranged(array: Array, port: Port, source: Source) -> Array:
    """Give a matrix the rank of the input where only one way fits.

    A row holds all numbers of a sample, in C order; a column may hold one sample.
    """
    rows, columns = array.shape
    shape = port.type.shape
    inner = shape[1:]
    if len(shape) == 1:
        return array.reshape(-1)
    if len(shape) > 2 and None not in inner and math.prod(n or 0 for n in inner) == columns:
        return array.reshape(rows, *(n or 0 for n in inner))
    if len(shape) == 2 and columns == 1 and inner[0] == rows != 1:
        source.notes.append(f"{source.label} is read as one sample of {rows} numbers")
        return array.reshape(1, rows)
    return array
