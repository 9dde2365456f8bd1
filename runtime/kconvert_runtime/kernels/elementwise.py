"""Arithmetic, comparison and logic: NumPy's own functions where they mean the same."""

from __future__ import annotations

import numpy as np

from kconvert_schemas import dtypes
from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..registry import KERNELS, kernel
from .growth import in_pieces

SAME_AS_NUMPY = (
    "negative", "abs", "sign", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "arcsin", "arccos",
    "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "isfinite", "isinf",
    "isnan", "logical_not", "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "arctan2",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or",
    "logical_xor", "gcd", "bitwise_and", "bitwise_or", "bitwise_xor",
)  # fmt: skip

KERNELS.update({name: getattr(np, name) for name in SAME_AS_NUMPY})


@kernel("floor")
def floor(x: Array) -> Array:
    """Largest whole number not above x; whole numbers as they are, which NumPy before 2.1 makes floats."""
    return np.floor(x) if x.dtype.kind == "f" else x


@kernel("ceil")
def ceil(x: Array) -> Array:
    """Smallest whole number not below x; whole numbers as they are, which NumPy before 2.1 makes floats."""
    return np.ceil(x) if x.dtype.kind == "f" else x


@kernel("round")
def round_(x: Array) -> Array:
    """Nearest whole number, ties to even."""
    return np.rint(x).astype(x.dtype, copy=False)


@kernel("floor_divide")
def floor_divide(x: Array, y: Array) -> Array:
    """floor(x / y), for floats of the rounded quotient; InputError for whole numbers by 0."""
    if x.dtype.kind in "iu":
        _refuse_zero(x, y)
        return np.floor_divide(x, y)
    return np.floor(x / y)


@kernel("mod")
def mod(x: Array, y: Array) -> Array:
    """x - y floor(x / y), exactly; InputError for whole numbers by 0."""
    if x.dtype.kind in "iu":
        _refuse_zero(x, y)
    return np.mod(x, y)


def _refuse_zero(x: Array, y: Array) -> None:
    if x.size and not y.all():
        raise InputError("a whole number is divided by 0")


@kernel("bitwise_not")
def bitwise_not(x: Array) -> Array:
    """Every bit flipped."""
    return np.invert(x)


@kernel("left_shift")
def left_shift(x: Array, y: Array) -> Array:
    """x by 0 to bits - 1 places to the left."""
    return np.left_shift(x, np.clip(y, 0, x.dtype.itemsize * 8 - 1).astype(x.dtype))


@kernel("right_shift")
def right_shift(x: Array, y: Array) -> Array:
    """x by 0 to bits - 1 places to the right."""
    return np.right_shift(x, np.clip(y, 0, x.dtype.itemsize * 8 - 1).astype(x.dtype))


@kernel("where")
def where(condition: Array, x: Array, y: Array) -> Array:
    """x where condition holds, else y."""
    return np.where(condition, x, y)


@kernel("cast")
def cast(x: Array, *, dtype: str) -> Array:
    """x in another dtype."""
    return dtypes.cast(x, dtype)


_SMALL = (  # erf(x) = x P(x^2) / Q(x^2) for |x| <= 0.46875
    (1.85777706184603153e-1, 3.16112374387056560e00, 1.13864154151050156e02, 3.77485237685302021e02,
     3.20937758913846947e03),
    (1.0, 2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03, 2.84423683343917062e03),
)  # fmt: skip
_MIDDLE = (  # erfc(x) = exp(-x^2) P(x) / Q(x) up to 4
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e00, 6.61191906371416295e01,
     2.98635138197400131e02, 8.81952221241769090e02, 1.71204761263407058e03, 2.05107837782607147e03,
     1.23033935479799725e03),
    (1.0, 1.57449261107098347e01, 1.17693950891312499e02, 5.37181101862009858e02, 1.62138957456669019e03,
     3.29079923573345963e03, 4.36261909014324716e03, 3.43936767414372164e03, 1.23033935480374942e03),
)  # fmt: skip


def _ratio(x: Array, polynomials: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    above, below = (np.polyval(np.array(p, x.dtype), x) for p in polynomials)
    return np.asarray(above / below)


@kernel("erf")
@in_pieces
def erf(x: Array) -> Array:
    """Error function by Cody's rational approximations (Math. Comp. 23, 1969), in float64, error below 1e-15."""
    wide = x.astype(np.float64)
    size = np.minimum(np.abs(wide), 6.0)  # erf(6) is 1 in float64; NaN stays NaN
    near = np.where(size <= 0.46875, size, 0.0)
    small = near * _ratio(near * near, _SMALL)
    far = np.where(size <= 0.46875, 1.0, size)
    large = 1.0 - np.exp(-far * far) * _ratio(far, _MIDDLE)
    return np.copysign(np.where(size <= 0.46875, small, large), wide).astype(x.dtype, copy=False)


@kernel("view")
def view(x: Array, *, source: str, dtype: str) -> Array:
    """The bytes of x read as another dtype; the last axis grows or shrinks."""
    if source == "bfloat16":
        raw = (np.ascontiguousarray(x).view(np.uint32) >> np.uint32(16)).astype("<u2")
    else:
        raw = np.ascontiguousarray(x, np.dtype(source).newbyteorder("<"))
    held = raw.reshape(x.shape).view("<u2" if dtype == "bfloat16" else np.dtype(dtype).newbyteorder("<"))
    if dtype == "bfloat16":
        return (held.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return held.astype(dtype, copy=False)
