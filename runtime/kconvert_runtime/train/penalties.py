"""What the layers add to the loss (keras/src/regularizers/regularizers.py), with gradients."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Penalty


def penalize(penalty: Penalty, v: Array) -> tuple[float, Array]:
    """Return the penalty of a value, and its gradient."""
    v = v.astype(np.float32) if v.dtype == np.float16 else v
    share, real = 1 / max(len(v), 1) if penalty.by_batch and v.ndim else 1.0, v.dtype.type
    total = share * float(penalty.l1 * np.abs(v).sum() + penalty.l2 * np.square(v).sum())
    g = real(share * penalty.l1) * np.sign(v) + real(2 * share * penalty.l2) * v
    if penalty.rows:
        found, by_v = _orthogonal(v, penalty.rows)
        total, g = total + found, g + by_v
    if penalty.columns:
        found, by_v = _orthogonal(v.T, penalty.columns)
        total, g = total + found, g + by_v.T
    return total, g


def _orthogonal(v: Array, factor: float) -> tuple[float, Array]:
    """factor times the mean over pairs of rows, normalised, of |their dot product|."""
    length = np.sqrt(np.square(v).sum(axis=1, keepdims=True))
    unit = v / np.where(length == 0, 1, length)
    product = unit @ unit.T
    np.fill_diagonal(product, 0)
    size = len(v)
    share = factor * 0.5 / (size * (size - 1) / 2)
    by_unit = 2 * np.sign(product) @ unit
    by_v = (by_unit - unit * (by_unit * unit).sum(axis=1, keepdims=True)) / np.where(length == 0, 1, length)
    return share * float(np.abs(product).sum()), by_v * v.dtype.type(share)
