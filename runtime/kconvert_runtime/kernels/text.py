"""Text to tokens. Definitions: keras/src/layers/preprocessing/text_vectorization.py and TensorFlow's string kernels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

import numpy as np

from kconvert_schemas.dtypes import Array

from ..registry import kernel
from .growth import require_letters, require_size

UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWERED = bytes.maketrans(UPPER, UPPER.lower())
_WORD = re.compile(r"[^ \t\n\v\f\r]+")


@kernel("standardize_text")
def standardize_text(x: Array, *, lower: bool = False, remove: str = "") -> Array:
    """A-Z become a-z, the characters in `remove` vanish.

    No other letter changes: Keras calls tf.strings.lower without an encoding, which means ASCII.
    """
    require_letters(sum(map(len, x.ravel().tolist())))
    table, gone = LOWERED if lower else None, remove.encode("ascii")
    return _objects([s.encode().translate(table, gone).decode() for s in x.ravel().tolist()]).reshape(x.shape)


@kernel("tokenize")
def tokenize(
    x: Array, *, split: str | None = None, ngrams: list[int] | None = None, length: int | None = None
) -> Array:
    """Tokens of strings x (...) -> (..., n), or of rows of tokens x (..., m) -> (..., n); short rows end in ''."""
    shape = x.shape if split else x.shape[:-1]
    rows = _split(x, split)
    if ngrams is not None:
        rows = [_ngrams(row, ngrams) for row in rows]
    if length is not None:
        rows = [row[:length] for row in rows]
    return _padded(rows, length, shape)


def _split(x: Array, split: str | None) -> list[list[str]]:
    if split is None:
        rows: list[list[str]] = x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1]).tolist()
        return rows
    strings: list[str] = x.ravel().tolist()
    require_letters(sum(map(len, strings)))
    return [_words(s) for s in strings] if split == "whitespace" else [list(s) for s in strings]


def _words(text: str) -> list[str]:
    """Split at ASCII whitespace. `str.split` is faster but also splits at U+001C to U+001F and beyond ASCII."""
    return text.split() if text.isascii() and text.isprintable() else _WORD.findall(text)


def _ngrams(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    require_letters(sum(map(len, row)) * sum(min(n, len(row)) for n in widths))
    return [" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)]


def _padded(rows: list[list[str]], length: int | None, shape: tuple[int, ...]) -> Array:
    counts = np.fromiter(map(len, rows), np.intp, len(rows))
    width = int(counts.max(initial=0)) if length is None else length
    require_size(len(rows) * width, np.dtype(object))
    padded = np.full((len(rows), width), "", object)
    padded[np.arange(width) < counts[:, None]] = _objects(list(chain.from_iterable(rows)))
    return padded.reshape(*shape, width)


def _objects(strings: list[str]) -> Array:
    array = np.empty(len(strings), object)
    array[:] = strings
    return array
