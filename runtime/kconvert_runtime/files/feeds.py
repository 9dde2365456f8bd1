"""From the files named on a command line to one array for each input of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas import dtypes
from kconvert_schemas.check import agree
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Port, TensorType

from ..inputs import converted, fit, prepare
from ..streaming import let_go, mapping
from .source import STDIN, Source

PART = 1 << 18
"""Elements of an array that are looked at together."""
LATE = 1 << 26
"""Bytes of an array beyond which its batches are converted as they come."""


@dataclass(frozen=True, slots=True)
class Feeds:
    """What a model is run on. labels: what to call each row when results are shown. notes: to tell the user."""

    arrays: dict[str, Array]
    labels: Sequence[str] | None
    notes: tuple[str, ...]


def read_feeds(arguments: Sequence[str], ports: Sequence[Port]) -> Feeds:
    """Read the files that the arguments name, FILE or NAME=FILE, for the inputs `ports`.

    One file without a name can serve all inputs, if it names them. Several pictures for one input are a
    batch. Raises InputError saying which file does not fit which input.
    """
    assigned = _assign(arguments, ports)
    arrays: dict[str, Array] = {}
    sources: list[Source] = []
    for key, files in assigned.items():
        wanted = [port for port in ports if key in ("", port.name)]
        read = [Source(file) for file in files]
        found = [_reader(_kind(source, wanted))(source, wanted) for source in read]
        sources += read
        for port in wanted:
            parts = [fitted(source, port, values[port.name]) for source, values in zip(read, found, strict=True)]
            arrays[port.name] = parts[0] if len(parts) == 1 else _stacked(read, parts)
    notes = tuple(text for source in sources for text in source.notes)
    return Feeds(arrays, _labels(ports, arrays, assigned), notes)


def _assign(arguments: Sequence[str], ports: Sequence[Port]) -> dict[str, list[str]]:
    """Return the files of each input; under '' a file that serves all inputs."""
    known = {port.name for port in ports}
    assigned: dict[str, list[str]] = {}
    unnamed = []
    for argument in arguments:
        name, equals, file = argument.partition("=")
        if equals and name in known:
            assigned.setdefault(name, []).append(file)
        elif equals and not Path(argument).exists() and Path(file).exists():
            raise InputError(f"There is no input {show(name)}; the inputs are {_described(ports)}.")
        else:
            unnamed.append(argument)
    if [*arguments].count(STDIN) + sum(files.count(STDIN) for files in assigned.values()) > 1:
        raise InputError("stdin ('-') can be read for one input only.")
    rest = [port.name for port in ports if port.name not in assigned]
    if len(unnamed) == 1 and len(ports) > 1 and not assigned:
        return {"": unnamed}
    if len(rest) == 1 and len(unnamed) > 1 and all(_is_image(file) for file in unnamed):
        return {**assigned, rest[0]: unnamed}
    if len(unnamed) != len(rest):
        given = len(unnamed) + len(assigned)
        wanted = f"This model takes {len(ports)} {'input' if len(ports) == 1 else 'inputs'}: {_described(ports)}"
        raise InputError(
            f"{wanted}; {given} {'file was' if given == 1 else 'files were'} given. "
            "Give one file for each, in order or as NAME=FILE."
        )
    for name, files in assigned.items():
        if len(files) > 1 and not all(_is_image(file) for file in files):
            raise InputError(f"Input {show(name)} is given {len(files)} files; only pictures are joined to a batch.")
    return {**assigned, **{name: [file] for name, file in zip(rest, unnamed, strict=True)}}


def _is_image(file: str) -> bool:
    source = Source(file)
    return not source.is_stream and source.kind == "image"


def _described(ports: Sequence[Port]) -> str:
    return ", ".join(f"{show(port.name)} {port.type}" for port in ports)


def _kind(source: Source, ports: Sequence[Port]) -> str:
    """Return the kind of a source; text from a pipe is JSON when it looks so, except where texts are wanted."""
    if source.kind == "txt" and source.is_stream and (len(ports) > 1 or ports[0].type.dtype != "string"):
        return "json" if source.text.lstrip().startswith(("[", "{")) else "txt"
    return source.kind


def _reader(kind: str) -> Callable[[Source, Sequence[Port]], Mapping[str, Any]]:
    """Return the function that reads files of a kind; what it needs is imported only then."""
    if kind in ("npy", "npz"):
        from .arrays import read_npy, read_npz

        return read_npy if kind == "npy" else read_npz
    if kind == "json":
        from .documents import read_json

        return read_json
    if kind == "image":
        from .images import read_image

        return read_image
    from .tables import read_csv, read_txt

    return read_csv if kind == "csv" else read_txt


def fitted(source: Source, port: Port, values: Any) -> Array:
    """Return `values` as the input takes them; a single sample gets the batch axis that it lacks."""
    try:
        array = np.asarray(values) if port.type.dtype != "string" else np.asarray(values, object)
        if _is_one_sample(port.type, array.shape):
            source.notes.append(f"{source.label} is taken for one sample of input {show(port.name)}, a batch of 1")
            array = array[None]
        _check_range(port, array)
        late = isinstance(values, np.ndarray) and (mapping(array) or array.nbytes > LATE)
        if array.ndim and port.type.dtype != "string" and late:
            array = fit(port, array)
            converted(port, array[:1])
            return array  # its batches are converted as they come
        return prepare(port, array)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{source.label}: {error}") from error


def _is_one_sample(expected: TensorType, shape: Sequence[int]) -> bool:
    """Tell whether a shape lacks only the batch axis, and cannot be read as a batch."""
    given = TensorType(tuple(shape), expected.dtype)
    if not expected.shape or len(shape) != len(expected.shape) - 1:
        return False
    as_batch = expected.shape[-1] == 1 and agree(given, TensorType(expected.shape[:-1], expected.dtype))
    return not as_batch and agree(given, TensorType(expected.shape[1:], expected.dtype))


def _check_range(port: Port, array: Array) -> None:
    """Refuse numbers that the input's dtype cannot hold, which NumPy would wrap around or make infinite."""
    wanted = dtypes.holder(port.type.dtype)
    if array.dtype.kind not in "iuf" or not array.size or np.can_cast(array.dtype, wanted):
        return
    rows = max(PART * len(array) // array.size, 1) if array.ndim else 1
    for start in range(0, len(array) if array.ndim else 1, rows):
        _check_part(port, array[start : start + rows] if array.ndim else array)
        let_go([found] if (found := mapping(array)) else [])


def _check_part(port: Port, array: Array) -> None:
    wanted = dtypes.holder(port.type.dtype)
    low, high = array.min(), array.max()
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        fits = limits.min <= low and high <= limits.max
    elif wanted.kind == "b":
        fits = low >= 0 and high <= 1
    else:
        limit = float(np.finfo(wanted).max) if wanted.kind == "f" else np.inf
        finite = array[np.isfinite(array)]
        fits = not finite.size or max(abs(float(finite.min())), abs(float(finite.max()))) <= limit
    if not fits:
        raise InputError(f"Input {show(port.name)} takes {port.type.dtype}; numbers from {low} to {high} do not fit.")


def _stacked(sources: Sequence[Source], parts: Sequence[Array]) -> Array:
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = ", ".join(f"{s.label} {part.shape[1:]}" for s, part in zip(sources, parts, strict=True))
        raise InputError(f"Pictures of one batch must have one size: {shapes}.")
    return np.concatenate(parts)


def _labels(
    ports: Sequence[Port], arrays: Mapping[str, Array], assigned: Mapping[str, Sequence[str]]
) -> Sequence[str] | None:
    """Return the texts, or the names of the pictures, that the rows come from."""
    texts = [port.name for port in ports if port.type.dtype == "string"]
    if len(texts) == 1 and arrays[texts[0]].size == len(arrays[texts[0]]):
        return [str(text) for text in arrays[texts[0]].reshape(-1)]
    pictures = [files for files in assigned.values() if all(map(_is_image, files))]
    return pictures[0] if len(pictures) == 1 else None
