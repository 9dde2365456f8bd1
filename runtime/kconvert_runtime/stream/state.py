"""The states of a stream as arrays by name, and as an .npz file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.errors import BundleError, InputError, OutputError, paragraph, show
from kconvert_schemas.graph import TensorType
from kconvert_schemas.npz import from_storage, list_limit, read_npz, to_storage, write_npz

from .site import State


def check_state(states: Sequence[State], given: Mapping[str, Any]) -> list[Array]:
    """Return the arrays in the order of `states`, none if none are given; InputError listing all that does not fit."""
    if not given:
        return []
    names = [state.value for state in states]
    problems = [f"{show(name)} is missing" for name in names if name not in given]
    problems += [f"{show(name)} is none of them" for name in given if name not in names]
    arrays = [np.array(given[state.value]) for state in states if state.value in given]
    found = [state for state in states if state.value in given]
    problems += [p for state, array in zip(found, arrays, strict=True) for p in _misfit(state, array)]
    pairs = zip(found, arrays, strict=True)
    rows = {array.shape[0] for state, array in pairs if array.ndim and state.type.shape[:1] == (None,)}
    if len(rows) > 1:
        problems.append(f"they are of {' and '.join(map(str, sorted(rows)))} sequences")
    if problems:
        raise InputError(paragraph(f"This is not a state of this model, which has {len(states)} states:", problems))
    return arrays


def _misfit(state: State, array: Array) -> list[str]:
    wanted = holder(state.type.dtype)
    shape = state.type.shape
    fits = array.ndim == len(shape) and all(e in (None, n) for n, e in zip(array.shape, shape, strict=True))
    if fits and array.dtype == wanted:
        return []
    return [f"{show(state.value)} must be {TensorType(shape, wanted.name)}, got {array.dtype}{list(array.shape)}"]


def write_state(file: str | os.PathLike[str], states: Sequence[State], arrays: Mapping[str, Array]) -> None:
    """Write states to an .npz file, atomically; OutputError where that fails."""
    path = Path(file)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    dtypes = {state.value: state.type.dtype for state in states}
    try:
        with temporary.open("wb") as stream:
            write_npz(stream, ((name, to_storage(array, dtypes[name])) for name, array in arrays.items()))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"The state cannot be written to {show(path)}: {error.strerror or error}.") from error


def read_state(file: str | os.PathLike[str], states: Sequence[State]) -> dict[str, Array]:
    """Return the arrays in a file that `write_state` wrote; InputError for any other."""
    path = Path(file)
    try:
        stored = read_npz(path, list_limit(state.value for state in states), path.name)
        known = {state.value: state.type for state in states}
        return {
            name: np.array(from_storage(array, TensorType(array.shape, known[name].dtype), name, path.name))
            if name in known else np.array(array)
            for name, array in stored.items()
        }  # fmt: skip
    except FileNotFoundError as error:
        raise InputError(f"There is no file {show(path)}.") from error
    except BundleError as error:
        what = str(error).partition(" Convert the model again.")[0].partition(" The bundle is damaged")[0]
        raise InputError(f"{show(path)} is not a state of this model. {what}") from error
