"""From what a caller passes to arrays that fit the model's inputs, or an error that says what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kconvert_schemas import dtypes
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show
from kconvert_schemas.graph import Port, Signature

_AS_IT_IS = {name: np.dtype(name) for name in ("float32", "float64", "int32", "int64", "uint8", "bool")}
"""Dtypes of which an array is taken as it is: most arrays are such, and small models are run often."""


def flatten(signature: Signature, given: tuple[Any, ...]) -> list[Any]:
    """Return one entry for each input port, in port order.

    `given` is what the model was called with: one value for each input, one list of them, one dict by
    name, or one nest in the structure of the Keras model. InputError for a wrong number or wrong names.
    """
    ports = signature.ports
    value = given[0] if len(given) == 1 else given
    if len(ports) == 1 and type(value) is np.ndarray:  # most often; what follows takes as long as a small layer
        return [value]
    if isinstance(value, Mapping):
        return [_by_name(signature, value)[port.name] for port in ports]
    if len(given) == 1 and len(ports) == 1:
        single = isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], np.ndarray)
        return [value[0] if single else value]
    if len(given) == 1 and not isinstance(value, (list, tuple)):
        value = given
    if len(value) != len(ports):
        raise InputError(f"This model takes {len(ports)} inputs ({_names(ports)}); {len(value)} were given.")
    if isinstance(signature.structure, (list, tuple)):
        found = _match(signature.structure, value)
        return [found[port.name] for port in ports]
    return list(value)


def _by_name(signature: Signature, given: Mapping[str, Any]) -> dict[str, Any]:
    names = {port.name for port in signature.ports}
    if isinstance(signature.structure, dict) and given.keys() == signature.structure.keys():
        return _match(signature.structure, given)
    if given.keys() != names:
        missing, extra = sorted(names - given.keys()), sorted(given.keys() - names)
        wrong = ([f"missing: {', '.join(map(show, missing))}"] if missing else []) + (
            [f"unknown: {', '.join(map(show, extra))}"] if extra else []
        )
        raise InputError(f"This model's inputs are {_names(signature.ports)}; {'; '.join(wrong)}.")
    return dict(given)


def _match(structure: Any, given: Any) -> dict[str, Any]:
    """Pair the names in a structure with the entries of a nest of the same form."""
    if isinstance(structure, str):
        return {structure: given}
    if isinstance(structure, dict):
        if not isinstance(given, Mapping) or given.keys() != structure.keys():
            raise InputError(f"Expected a dict with the keys {', '.join(map(show, structure))}.")
        pairs = [(structure[key], given[key]) for key in structure]
    else:
        if not isinstance(given, (list, tuple)) or len(given) != len(structure):
            raise InputError(f"Expected a list of {len(structure)} inputs.")
        pairs = list(zip(structure, given, strict=True))
    return {name: value for part, item in pairs for name, value in _match(part, item).items()}


def prepare(port: Port, given: Any) -> Array:
    """Return `given` as an array of the port's dtype and rank; InputError when its shape or dtype does not fit.

    As Keras does, a last axis of size 1 may be missing or extra.
    """
    type_ = port.type
    if type(given) is np.ndarray and given.dtype == _AS_IT_IS.get(type_.dtype) and _fits(given.shape, type_.shape):
        return given
    if given is None:
        raise InputError(
            f"Input {show(port.name)} got None. Where it is optional in Keras, a bundle needs it all the same."
        )
    return fit(port, converted(port, given))


def converted(port: Port, given: Any) -> Array:
    """Return `given` as an array of the port's dtype; InputError when it is of another kind."""
    return _strings(port, given) if port.type.dtype == "string" else _numbers(port, given)


def fit(port: Port, array: Array) -> Array:
    """Return `array` with the rank of the port; InputError when its shape does not fit."""
    shape = port.type.shape
    if array.ndim == len(shape) - 1 and shape[-1] == 1 and _fits(array.shape, shape[:-1]):
        array = array[..., None]
    elif array.ndim == len(shape) + 1 and array.shape[-1] == 1 and _fits(array.shape[:-1], shape):
        array = array[..., 0]
    if not _fits(array.shape, shape):
        raise InputError(_misfit(port, array))
    return array


def _fits(shape: Sequence[int], expected: Sequence[int | None]) -> bool:
    if len(shape) != len(expected):
        return False
    for n, wanted in zip(shape, expected, strict=True):  # noqa: SIM110  (a generator takes three times as long)
        if wanted is not None and n != wanted:
            return False
    return True


def _misfit(port: Port, array: Array) -> str:
    message = f"Input {show(port.name)} must have the shape {_shape(port.type.shape)}, got {_shape(array.shape)}."
    if _fits(array.shape, port.type.shape[1:]):
        message += " The first axis, the batch, is missing: pass x[None] for a single sample."
    return message


def _shape(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if n is None else str(n) for n in shape)})"


def _strings(port: Port, given: Any) -> Array:
    array = np.asarray(given)
    if array.dtype.kind == "S" or (array.dtype == object and any(isinstance(s, bytes) for s in array.flat)):
        decode = [s.decode("utf-8") if isinstance(s, bytes) else s for s in array.ravel().tolist()]
        array = np.array(decode, object).reshape(array.shape)
    array = array.astype(object, copy=False)
    stranger = next((s for s in array.flat if not isinstance(s, str)), None)
    if stranger is not None:
        raise InputError(
            f"Input {show(port.name)} takes strings, got {type(stranger).__name__}. Pass an array or list of str."
        )
    return array


def _numbers(port: Port, given: Any) -> Array:
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise InputError(f"Input {show(port.name)} is not a rectangular array: {error}.") from error
    kind, wanted = array.dtype.kind, dtypes.holder(port.type.dtype)
    if array.size == 0 and kind == "f":
        return array.astype(wanted)
    if kind not in "biuf" and not (kind == "c" and wanted.kind == "c"):
        raise InputError(f"Input {show(port.name)} takes {port.type.dtype}, got {array.dtype}.")
    if wanted.kind in "iub" and kind == "f" and not np.array_equal(array, np.trunc(array)):
        raise InputError(f"Input {show(port.name)} takes whole numbers ({port.type.dtype}), got fractions.")
    return dtypes.cast(array, port.type.dtype)


def _names(ports: Sequence[Port]) -> str:
    return ", ".join(show(port.name) for port in ports)
