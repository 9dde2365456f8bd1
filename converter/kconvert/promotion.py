"""Which dtype the operations of `keras.ops` compute in (keras/src/backend/common/dtypes.py).

Dtypes form a lattice; the result of several is their least upper bound. Python's numbers are weak: `int` and
`float` stand low in it, so that they adapt to the tensors beside them. Files do not record Keras' default
float; it is taken to be float32.
"""

from __future__ import annotations

from functools import cache

from kconvert_schemas.dtypes import DTYPES

ABOVE: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "int": ("uint8", "int8", "complex64"),
    "uint8": ("uint16", "int16"),
    "uint16": ("uint32", "int32"),
    "uint32": ("uint64", "int64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex64": ("complex128",),
    "complex128": (),
}
"""The next higher types of each; 'int' and 'float' are Python's numbers."""

DEFAULT_FLOAT = "float32"
SETTLED = {"int": "int32", "float": DEFAULT_FLOAT, "uint64": "uint32", "complex128": "complex64"}
"""What a result becomes: weak types take the default size, and Keras has no 64-bit unsigned or complex results."""


def result_type(*types: str) -> str:
    """Return the dtype in which values of `types` meet: dtypes, or 'int' and 'float' for Python's numbers.

    Raises ValueError where Keras finds none, such as for strings and numbers.
    """
    found = set(types)
    if len(found) > 1:
        common = frozenset.intersection(*(_upper_bounds(type_) for type_ in found))
        least = [type_ for type_ in common if common <= _upper_bounds(type_)]
        if not least:
            raise ValueError(f"{' and '.join(sorted(found))} have no common dtype")
        found = set(least)
    (result,) = found
    return SETTLED.get(result, result)


def is_integer(dtype: str) -> bool:
    """Tell whether `dtype` holds whole numbers (bool does not)."""
    return "int" in dtype


def is_float(dtype: str) -> bool:
    """Tell whether `dtype` holds real fractions."""
    return "float" in dtype


@cache
def _upper_bounds(type_: str) -> frozenset[str]:
    """Return a type and all above it."""
    if type_ not in ABOVE:
        raise ValueError(f"{type_!r} is not a dtype that promotes" if type_ in DTYPES else f"unknown dtype {type_!r}")
    return frozenset({type_}).union(*(_upper_bounds(higher) for higher in ABOVE[type_]))
