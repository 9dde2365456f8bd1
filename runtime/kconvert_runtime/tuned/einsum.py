"""einsum of two tensors as one batched matrix product, read and written where they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kconvert_schemas.dtypes import Array

from ..calls import Do
from ..products import Factor, multiply
from ..steps import Call
from .candidates import candidate
from .costs import Cost, copied, product
from .site import Site, whole
from .weights import factors


@dataclass(frozen=True, slots=True)
class Product:
    """How the axes of an einsum group: shared by all three, rows of the first, columns of the second, summed over."""

    shared: tuple[int, ...]
    rows: int
    inner: int
    columns: int
    left: tuple[int, ...]
    right: tuple[int, ...]
    result: tuple[int, ...]
    swapped: bool

    def multiply(
        self, do: Do, x: Array, z: Array, y: Array, part: tuple[slice, ...] = (), *, alone: bool,
        weights: Factor | None = None,
    ) -> None:  # fmt: skip
        """Fill y, or this part of the shared axes (and the rows, if it is that long), from the two operands.

        alone: whether BLAS keeps to one thread. weights: the second factor, where it has been arranged.
        """
        if self.swapped:
            x, z = z, x
        a = do.reshaped("left", x.transpose(self.left), (*self.shared, self.rows, self.inner))
        out = y.transpose(self.result).reshape(*self.shared, self.rows, self.columns)
        if weights is None:
            where = part if len(part) <= len(self.shared) else part[:-1]
            weights = do.reshaped("right", z.transpose(self.right), (*self.shared, self.inner, self.columns))[where]
        multiply(do, a[part], weights, out[part], alone=alone)


def product_of(equation: str, x: Sequence[int], z: Sequence[int]) -> Product | None:
    """Return how to compute an einsum of operands of these shapes.

    None for other than two operands, diagonals, sums over one operand, and a result that is no batch of matrices.
    """
    terms, _, result = equation.replace(" ", "").partition("->")
    left, comma, right = terms.partition(",")
    if not comma or "," in right or "." in terms or 0 in (*x, *z):
        return None
    sizes = dict(zip(left + right, (*x, *z), strict=True))
    if any(len(set(term)) < len(term) for term in (left, right, result)) or set(left) ^ set(right) != set(result) - (
        set(left) & set(right)
    ):
        return None
    if any(sizes[label] != size for term, shape in ((left, x), (right, z)) for label, size in
           zip(term, shape, strict=True)):  # fmt: skip
        return None
    shared = [label for label in result if label in left and label in right]
    inner = [label for label in left if label in right and label not in result]
    rows, columns = ([label for label in result if label in one and label not in other]
                     for one, other in ((left, right), (right, left)))  # fmt: skip
    swapped = bool(rows and columns) and result.index(columns[-1]) < result.index(rows[0])
    if swapped:
        left, right, rows, columns = right, left, columns, rows
    together = all("".join(group) in result for group in (rows, columns))
    if not together or not inner or (rows and columns and result.index(columns[-1]) != len(result) - 1):
        return None
    n, k, m = (math.prod(sizes[label] for label in labels) for labels in (rows, inner, columns))
    return Product(
        tuple(sizes[label] for label in shared), n, k, m,
        left=tuple(left.index(label) for label in (*shared, *rows, *inner)),
        right=tuple(right.index(label) for label in (*shared, *inner, *columns)),
        result=tuple(result.index(label) for label in (*shared, *rows, *columns)),
        swapped=swapped,
    )  # fmt: skip


def _product(site: Site) -> Product | None:
    return product_of(site.node.attrs["equation"], site.shape_of(0), site.shape_of(1)) if site.own == 2 else None


def _cost(site: Site) -> Cost | None:
    found = _product(site)
    if found is None:
        return None
    return cost_of(found, fixed=_fixed(site, found) is not None) + copied(math.prod(site.shape))


def _fixed(site: Site, found: Product) -> int | None:
    """Which input the second factor is, if that is one constant matrix."""
    index = 0 if found.swapped else 1
    return None if found.shared or site.constants[index] is None else index


def cost_of(found: Product, *, fixed: bool = False) -> Cost:
    """Return what the product is expected to cost. fixed: whether its second factor is constant."""
    return product(math.prod(found.shared) * found.rows, found.inner, found.columns, fixed=fixed)


@candidate("einsum", "product", _cost)
def batched(site: Site) -> Call:
    """One product for each index of the shared axes, these or the rows cut among the threads; then the tail."""
    found = _product(site)
    assert found is not None  # noqa: S101  (the cost is None then)
    parts = _parts(found, site.threads)
    finish = whole(site) if site.tail else None
    fixed = _fixed(site, found)

    def matrix(given: Array) -> Array:
        return np.ascontiguousarray(given.transpose(found.right).reshape(found.inner, found.columns))

    factor = None if fixed is None else factors(site, (found.right, found.inner), matrix, index=fixed)

    def run(do: Do, y: Array, *arrays: Array) -> None:
        def multiply(do: Do, some: Sequence[tuple[slice, ...]]) -> None:
            for part in some:
                weights = factor(arrays, slice(None)) if factor else None
                found.multiply(do, arrays[0], arrays[1], y, part, alone=site.alone, weights=weights)

        do.each(multiply, parts, shared=len(parts) > 1)
        if finish:
            finish(do, y, *arrays)

    return run


def _parts(found: Product, threads: int) -> Sequence[tuple[slice, ...]]:
    """Cut the largest shared axis among the threads, or the rows where there is none."""
    if threads == 1:
        return [()]
    sizes = found.shared or (found.rows,)
    axis = max(range(len(sizes)), key=sizes.__getitem__)
    step = -(-sizes[axis] // threads)
    return [(*[slice(None)] * axis, slice(start, start + step)) for start in range(0, sizes[axis], step)]
