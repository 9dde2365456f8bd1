"""Writing results to a file: whole or not at all."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, OutputError, show

if TYPE_CHECKING:
    from ..model import Value

KINDS = (".npy", ".npz", ".csv", ".json")
Results = Mapping[str, Array]


def require_writable(path: Path, count: int) -> None:
    """Raise OutputError or InputError unless `count` arrays can be written to `path`; called before the model runs."""
    if path.suffix.lower() not in KINDS:
        raise InputError(
            f"{show(path)}: results are written as {', '.join(KINDS)}; name a file that ends in one of them."
        )
    if path.suffix.lower() == ".npy" and count > 1:
        raise InputError(f"{show(path)}: a .npy file holds one array, there are {count}. Write .npz or .json.")
    if path.is_dir():
        raise OutputError(f"{show(path)} is a folder; name a file.")
    if not path.parent.is_dir():
        raise OutputError(f"{show(path)} cannot be written: there is no folder {show(path.parent)}. Create it first.")


def can_stream(path: Path, outputs: Sequence[Value]) -> bool:
    """Tell whether results can be written batch by batch: one array of numbers, to a .npy file."""
    return path.suffix.lower() == ".npy" and len(outputs) == 1 and outputs[0].dtype != "string"


def write_results(path: Path, results: Results, labels: Sequence[str] | None = None) -> None:
    """Write arrays by name to `path`, in the form that its extension says.

    .npy: the only array. .npz: all. .json: the only array, or an object of all. .csv: a row for each sample and
    a column for each number, named by `labels` if they are given. Raises OutputError.
    """
    writers: dict[str, Callable[[IO[bytes]], object]] = {
        ".npy": lambda file: np.save(file, _storable(next(iter(results.values()))), allow_pickle=False),
        ".npz": lambda file: _write_npz(file, results),
        ".json": lambda file: file.writelines(_json(results)),
        ".csv": lambda file: file.writelines(_csv(path, results, labels)),
    }
    written(path, writers[path.suffix.lower()])


def written(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` write the file `path`: it is there when all is written, or as it was. Raises OutputError."""
    try:
        if path.exists() and not path.is_file():  # a device or a pipe
            with path.open("wb") as file:
                write(file)
        else:
            _write_whole(Path(os.path.realpath(path)), write)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{show(path)} cannot be written: {error.strerror or error}.") from error


def _write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a temporary file beside `path`, then rename it."""
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class NpyRows:
    """A .npy file that is written batch by batch."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._shape: tuple[int, ...] = ()

    def put(self, start: int, stop: int, rows: int, results: Sequence[Array]) -> None:
        """Write the outputs of some rows; the header before the first."""
        (array,) = results
        if start == 0:
            self._shape = array.shape[1:]
            shape = (rows, *self._shape) if stop < rows else array.shape
            header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)
        if (start, stop) != (0, rows) and array.shape != (stop - start, *self._shape):
            raise InputError(
                f"The output has the shape {array.shape} for rows {start} to {stop}: not a row for each row of the "
                "input, or not the shape of those before. Give a --batch-size for all rows at once."
            )
        self._file.write(np.ascontiguousarray(array).data)


def _storable(array: Array) -> Array:
    """Return strings as NumPy's own; objects would be pickled."""
    return array.astype(str) if array.dtype == object else array


def _write_npz(file: IO[bytes], results: Results) -> None:
    from kconvert_schemas.npz import write_npz

    write_npz(file, ((name, _storable(array)) for name, array in results.items()))


def _json(results: Results) -> Iterator[bytes]:
    import json

    def dump(value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")

    if len(results) == 1:
        yield from (dump(plain(array)) for array in results.values())
    else:
        for index, (name, array) in enumerate(results.items()):
            yield b"{\n " if index == 0 else b",\n "
            yield dump(name) + b": " + dump(plain(array))
        yield b"\n}"
    yield b"\n"


def plain(array: Array) -> Any:
    """Return nested lists of what JSON knows; NaN and the infinities become strings."""
    flat = [_number(value) for value in array.reshape(-1)]
    for size in reversed(array.shape[1:]):
        flat = [flat[i : i + size] for i in range(0, len(flat), size)] if size else [[] for _ in range(array.shape[0])]
    return flat if array.ndim else flat[0]


def _number(value: Any) -> Any:
    """Return a number with the fewest digits that give it back, a bool, or a str."""
    if isinstance(value, np.floating):
        exact = float(str(value)) if np.isfinite(value) else float(value)
        return exact if math.isfinite(exact) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(exact)]
    if isinstance(value, np.complexfloating):
        return [_number(value.real), _number(value.imag)]
    return value.item() if isinstance(value, np.generic) else value


def _csv(path: Path, results: Results, labels: Sequence[str] | None) -> Iterator[bytes]:
    """Yield the lines of a table; every array must have the same rows and at most one axis beside them."""
    import csv
    import io

    tables = {n: a if a.ndim == 2 else a.reshape(-1, 1) for n, a in results.items() if a.ndim in (1, 2)}
    odd = [name for name in results if name not in tables]
    if odd or len({len(table) for table in tables.values()}) > 1:
        what = f"{show(odd[0])} has the shape {results[odd[0]].shape}" if odd else "the outputs differ in their rows"
        raise InputError(f"{show(path)}: CSV holds one table, but {what}. Write .npy, .npz or .json.")
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_titles(tables, labels))
    for rows in zip(*tables.values(), strict=True):
        writer.writerow([str(value) for row in rows for value in row])
        if buffer.tell() > 1 << 16:
            yield _drained(buffer)
    yield _drained(buffer)


def _drained(buffer: Any) -> bytes:
    text: str = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "backslashreplace")


def _titles(tables: Results, labels: Sequence[str] | None) -> list[str]:
    if labels is not None and [table.shape[1] for table in tables.values()] == [len(labels)]:
        return list(labels)
    return [
        name if table.shape[1] == 1 else f"{name}.{i}" for name, table in tables.items() for i in range(table.shape[1])
    ]
