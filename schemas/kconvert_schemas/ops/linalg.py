"""Products of matrices and tensors."""

from __future__ import annotations

from ..dims import Shape
from ..dtypes import NUMERIC
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, broadcast, one_dtype


def _matmul(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype([types.x, types.y], NUMERIC)
    x, y = types.x.shape, types.y.shape
    if not x or not y:
        raise OpError("takes no scalars")
    left, right = (x if len(x) > 1 else (1, *x)), (y if len(y) > 1 else (*y, 1))
    if left[-1] is not None and right[-2] is not None and left[-1] != right[-2]:
        raise OpError(f"the last axis of {types.x} and the second to last of {types.y} differ")
    shape: Shape = broadcast([left[:-2], right[:-2]])
    shape += (left[-2],) if len(x) > 1 else ()
    shape += (right[-1],) if len(y) > 1 else ()
    return TensorType(shape, dtype)


def _einsum(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype(types.present, NUMERIC)
    subscripts, arrow, result = attrs["equation"].replace(" ", "").partition("->")
    terms = subscripts.split(",")
    if not arrow or len(terms) != len(types):
        raise OpError(f"equation {attrs['equation']!r} must have one term for each input and '->'")
    sizes: dict[str, int | None] = {}
    for term, type_ in zip(terms, types.present, strict=True):
        if len(term) != len(type_.shape) or (term and not term.isalpha()):
            raise OpError(f"term {term!r} does not name every axis of {type_}")
        for label, size in zip(term, type_.shape, strict=True):
            known = sizes.get(label)
            if known not in (None, 1) and size not in (None, 1, known):
                raise OpError(f"label {label!r} stands for {known} and {size}")
            sizes[label] = known if known not in (None, 1) else (size if size != 1 or known is None else known)
    if not set(result) <= sizes.keys() or len(set(result)) != len(result):
        raise OpError(f"equation {attrs['equation']!r} has a result that does not follow from its terms")
    return TensorType(tuple(sizes[label] for label in result), dtype)


OPS = (
    OpSpec("matmul", ("x", "y"), _matmul, "matrix product over the last axis of x and the second to last of y",
           outputs=("z",), differentiable=("x", "y")),
    OpSpec("einsum", ("xs*",), _einsum, "Einstein's summation; equation with '->' and one letter for each axis",
           {"equation": Attr("str")}, differentiable=("xs",)),
)  # fmt: skip
