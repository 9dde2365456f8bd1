"""Operations of `keras.ops`, a module for each family."""

from . import (
    arithmetic,
    comparison,
    complexes,
    core,
    creation,
    elementwise,
    fourier,
    indexing,
    joining,
    manipulation,
    nan,
    positions,
    products,
    reductions,
    sequences,
    sorting,
)

MODULES = (
    arithmetic,
    comparison,
    elementwise,
    indexing,
    manipulation,
    positions,
    joining,
    reductions,
    nan,
    sorting,
    products,
    sequences,
    creation,
    core,
    complexes,
    fourier,
)
