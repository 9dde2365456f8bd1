"""`krun --stream`: a row in, a row out, each as soon as it comes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError
from kconvert_schemas.graph import Port, TensorType
from kconvert_schemas.limits import current

from ..files.documents import read_json
from ..files.feeds import fitted
from ..files.results import plain
from ..files.source import STDIN, Source
from ..files.tables import read_txt
from .session import Stream


class Line(Source):
    """A line of stdin."""

    def __init__(self, text: bytes, number: int) -> None:
        super().__init__(STDIN)
        self.label = f"line {number} of stdin"
        self.data = text.rstrip(b"\r\n")


def run(stream: Stream, lines: Iterable[bytes]) -> Iterator[str]:
    """Yield a row for each row of `lines`, which is one time step of one sequence; blank lines are passed over.

    A row that begins with [ or { is JSON, and so is the answer: the values of one input, or an object by input name.
    Any other holds numbers with blanks or commas between (a text, for an input of texts), and is answered with
    numbers and commas. Raises InputError naming the line that does not fit.
    """
    ports = [_of_a_step(port) for port in stream.ports]
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        line = Line(text, number)
        as_json = line.text.lstrip().startswith(("[", "{"))
        values = (read_json if as_json else read_txt)(line, ports)
        arrays = {port.name: _one(line, port, fitted(line, port, values[port.name])) for port in ports}
        outputs = stream.named(arrays)
        yield _json(outputs) if as_json else ",".join(str(one) for y in outputs.values() for one in y.reshape(-1))


def _of_a_step(port: Port) -> Port:
    """The input of one step: without the axis of time."""
    shape = port.type.shape
    return replace(port, type=TensorType((None, *shape[2:]), port.type.dtype))


def _one(line: Line, port: Port, array: Array) -> Array:
    if len(array) != 1:
        raise InputError(
            f"{line.label} holds {len(array)} steps of input {port.name!r}; a row is one step of one sequence."
        )
    return array


def _json(outputs: Mapping[str, Array]) -> str:
    values: Any = {name: plain(array[0]) for name, array in outputs.items()}
    return json.dumps(values if len(values) > 1 else next(iter(values.values())), ensure_ascii=False, allow_nan=False)


def stdin_lines() -> Iterator[bytes]:
    """Yield each line of stdin once it is there; of a longer one than the limit, so much that `Source` refuses it."""
    most = current().text_size + 1
    yield from iter(lambda: sys.stdin.buffer.readline(most), b"")


def write(rows: Iterable[str]) -> None:
    """Print each row at once."""
    for row in rows:
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()
