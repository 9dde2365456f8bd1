"""What weights are made to be: constraints after each step, the spectral norm before it.

Formulas: keras/src/constraints/constraints.py, keras/src/layers/normalization/spectral_normalization.py.
"""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Constraint, Spectral

from .losses.base import EPSILON


def constrain(constraint: Constraint, w: Array) -> None:
    """Change a weight in place to one that the constraint allows."""
    if constraint.non_negative:
        np.maximum(w, 0, out=w)
    if constraint.rate:
        real = w.dtype.type
        norms = np.sqrt(np.square(w).sum(axis=constraint.axes, keepdims=True))
        bounded = np.clip(norms, real(constraint.least), real(constraint.most))
        wanted = real(constraint.rate) * bounded + real(1 - constraint.rate) * norms
        w *= wanted / (real(EPSILON) + norms)


def normalize(one: Spectral, weights: MutableMapping[str, Array]) -> None:
    """Divide a weight in place by its largest singular value, as power iterations from its vector find it."""
    w, u = weights[one.weight], weights[one.vector]
    if not w.any():
        return
    matrix = w.reshape(-1, w.shape[-1])
    new, v = u, u
    for _ in range(one.iterations):
        v = _unit(new @ matrix.T)
        new = _unit(v @ matrix)
    w /= (v @ matrix @ new.T).astype(w.dtype)
    np.copyto(u, new)


def _unit(x: Array) -> Array:
    return x * np.minimum(1 / np.sqrt(np.square(x).sum()), x.dtype.type(1 / EPSILON))
