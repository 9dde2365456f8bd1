"""Factors and inverses of matrices, over the last two axes."""

from __future__ import annotations

from ..dims import Shape
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, broadcast, one_dtype

REAL = ("float32", "float64")
FULL = Attr("bool", False, doc="whole square factors, not only the columns that count")


def _matrix(type_: TensorType, square: bool = False) -> tuple[Shape, int | None, int | None]:
    """Return the leading axes, rows and columns."""
    one_dtype([type_], REAL)
    if len(type_.shape) < 2:
        raise OpError(f"takes matrices, got {type_}")
    *batch, rows, columns = type_.shape
    if square and None not in (rows, columns) and rows != columns:
        raise OpError(f"takes square matrices, got {type_}")
    return tuple(batch), rows, columns


def _least(rows: int | None, columns: int | None) -> int | None:
    return None if rows is None or columns is None else min(rows, columns)


def _cholesky(types: Inputs, attrs: Attrs) -> TensorType:
    _matrix(types.x, square=True)
    return types.x


def _qr(types: Inputs, attrs: Attrs) -> tuple[TensorType, ...]:
    batch, rows, columns = _matrix(types.x)
    inner = rows if attrs["full"] else _least(rows, columns)
    return tuple(TensorType((*batch, *shape), types.x.dtype) for shape in ((rows, inner), (inner, columns)))


def _svd(types: Inputs, attrs: Attrs) -> tuple[TensorType, ...]:
    batch, rows, columns = _matrix(types.x)
    least = _least(rows, columns)
    left, right = (rows, columns) if attrs["full"] else (least, least)
    shapes = ((rows, left), (least,), (right, columns))
    return tuple(TensorType((*batch, *shape), types.x.dtype) for shape in shapes)


def _slogdet(types: Inputs, attrs: Attrs) -> tuple[TensorType, ...]:
    batch, _, _ = _matrix(types.x, square=True)
    return TensorType(batch, types.x.dtype), TensorType(batch, types.x.dtype)


def _solve(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype([types.x, types.y], REAL)
    batch, rows, _ = _matrix(types.x, square=True)
    others, size, columns = _matrix(types.y)
    if rows is not None and size is not None and rows != size:
        raise OpError(f"{types.y} has other rows than {types.x}")
    return TensorType((*broadcast([batch, others]), rows if rows is not None else size, columns), dtype)


OPS = (
    OpSpec("cholesky", ("x",), _cholesky, "the lower triangle l with l l^T = x; an error where there is none",
           {"nan": Attr("bool", False, doc="NaN where there is none, instead of an error")}, differentiable=("x",)),
    OpSpec("qr", ("x",), _qr, "q with orthonormal columns and an upper triangle r, by Householder's reflections",
           {"full": FULL}, ("q", "r"), ("x",)),
    OpSpec("svd", ("x",), _svd, "x = u diag(s) vh, s falling; the signs of the vectors are left open",
           {"full": FULL}, ("u", "s", "vh")),
    OpSpec("slogdet", ("x",), _slogdet, "sign of the determinant, and logarithm of its size", {},
           ("sign", "log"), ("x",)),
    OpSpec("solve", ("x", "y"), _solve, "z with x z = y, for square matrices x", outputs=("z",),
           differentiable=("x", "y")),
)  # fmt: skip
