"""Vocabularies, hashes, and categories as vectors."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from itertools import repeat

import numpy as np

from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.errors import show

from ..registry import kernel
from .fingerprint import chain, fingerprint64, siphash
from .growth import require_letters, require_size

SHOWN = 3
CROSS_START = 0xDECAFCAFFE
Finder = Callable[[Array], Array]


@kernel("lookup")
def lookup(x: Array, keys: Array, values: Array, default: Array | None = None) -> Array:
    """values[i] where keys[i] = x (the first such i); default, broadcast to x, elsewhere; ValueError without one."""
    position = _finder(keys)(x)
    missing = position < 0
    if not missing.any():
        return values[position]
    if default is None:
        raise ValueError(_not_found(x[missing]))
    found = values[position] if values.size else np.empty(x.shape, values.dtype)
    return np.where(missing, default, found)


def _not_found(strangers: Array) -> str:
    shown = ", ".join(map(show, list(dict.fromkeys(strangers[:100].tolist()))[:SHOWN]))
    return f"the vocabulary has no place for values outside it, such as {shown} (found: {strangers.size})"


_finders: dict[int, tuple[weakref.ref[Array], Finder]] = {}
"""What finds positions in an array of keys, by the array's id; made once for each vocabulary."""


def _finder(keys: Array) -> Finder:
    identity = id(keys)
    known = _finders.get(identity)
    if known is not None and known[0]() is keys:
        return known[1]
    made = _string_finder(keys) if keys.dtype == object else _number_finder(keys)

    def forget(_: object) -> None:
        _finders.pop(identity, None)

    _finders[identity] = weakref.ref(keys, forget), made
    return made


def _string_finder(keys: Array) -> Finder:
    table = {key: i for i, key in reversed(list(enumerate(keys.tolist())))}
    empty = table.get("", -1)

    def find(x: Array) -> Array:
        """Positions of strings, -1 for none; most of what padded rows hold is '', found without hashing."""
        flat = x.ravel()
        filled = flat.astype(bool)
        strings = flat[filled].tolist()
        position = np.full(flat.size, empty, np.intp)
        position[filled] = np.fromiter(map(table.get, strings, repeat(-1)), np.intp, len(strings))
        return position.reshape(x.shape)

    return find


def _number_finder(keys: Array) -> Finder:
    order = np.argsort(keys, kind="stable")
    ranked = np.asarray(keys)[order]

    def find(x: Array) -> Array:
        if not ranked.size:
            return np.full(x.shape, -1, np.intp)
        place = np.minimum(np.searchsorted(ranked, x), ranked.size - 1)
        return np.where(ranked[place] == x, order[place], -1)

    return find


@kernel("hash_bucket")
def hash_bucket(x: Array, *, buckets: int, salt: list[int] | None = None) -> Array:
    """Hash of the UTF-8 bytes of x, as an unsigned number, modulo buckets."""
    if salt is None:
        hashes = _fingerprints(x)
    else:
        require_letters(sum(map(len, x.ravel().tolist())))
        hashes = siphash([s.encode() for s in x.ravel().tolist()], salt).reshape(x.shape)
    return (hashes % np.uint64(buckets)).astype(np.int64)


@kernel("hash_cross")
def hash_cross(*xs: Array, buckets: int) -> Array:
    """Fingerprints of the features chained one after the other, from a fixed start (tf.sparse.cross_hashed)."""
    result = np.full(xs[0].shape, CROSS_START, np.uint64)
    for x in xs:
        result = chain(result, _fingerprints(x) if x.dtype == object else x.astype(np.int64).view(np.uint64))
    return (result % np.uint64(buckets)).astype(np.int64)


def _fingerprints(x: Array) -> Array:
    require_letters(sum(map(len, x.ravel().tolist())))
    return fingerprint64([s.encode() for s in x.ravel().tolist()]).reshape(x.shape)


@kernel("bincount")
def bincount(
    x: Array, weights: Array | None = None, *, minlength: int = 0, maxlength: int | None = None,
    binary: bool = False, dtype: str = "int32",
) -> Array:  # fmt: skip
    """y[..., k] = how many entries of the row x[..., :] are k, the sum of their weights, or (binary) whether any is."""
    if x.size and x.min() < 0:
        raise ValueError(f"the entries must not be negative, got {x.min()}")
    length = max(minlength, int(x.max()) + 1 if x.size else 0)
    length = length if maxlength is None else min(length, maxlength)
    rows = int(np.prod(x.shape[:-1]))
    require_size(rows * length, np.dtype(np.int64))
    kept = x < length
    places = (np.arange(rows).reshape(*x.shape[:-1], 1) * length + np.where(kept, x, 0))[kept]
    y = np.zeros(rows * length, np.int64 if weights is None else weights.dtype)
    if binary:
        y[places] = 1
    else:
        np.add.at(y, places, 1 if weights is None else weights[kept])
    return y.reshape(*x.shape[:-1], length).astype(holder(dtype), copy=False)
