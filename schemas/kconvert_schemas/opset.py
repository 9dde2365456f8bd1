"""The op table: the single source for what ops exist. Third-party namespaces are looked up late."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import PluginError
from .ops import (
    activation,
    convolution,
    elementwise,
    fourier,
    linalg,
    lookup,
    matrix,
    normalization,
    pooling,
    recurrent,
    reduction,
    resampling,
    selection,
    shape,
    text,
)
from .opspec import Opset, OpSpec

FAMILIES = (
    elementwise, activation, reduction, shape, selection, linalg, convolution, pooling, resampling, normalization,
    recurrent, lookup, text, fourier, matrix,
)  # fmt: skip
ENTRY_POINTS = "kconvert.ops"

BUILT_IN = Opset.of("kconvert", 1, [spec for family in FAMILIES for spec in family.OPS])
_loaded: dict[str, Opset] = {"kconvert": BUILT_IN}


def find_op(name: str) -> OpSpec | None:
    """Return the row of op `name`, loading its namespace's package if there is one; None if unknown."""
    opset = find_opset(namespace_of(name))
    return opset.ops.get(name) if opset else None


def namespace_of(name: str) -> str:
    """Return the namespace of an op: 'acme' for 'acme::swish', 'kconvert' for built-in ops."""
    return name.partition("::")[0] if "::" in name else "kconvert"


def find_opset(namespace: str) -> Opset | None:
    """Return the opset of a namespace; None when no installed package provides it."""
    if namespace not in _loaded:
        loaded = _load(namespace)
        if loaded is None:
            return None
        _loaded[namespace] = loaded
    return _loaded[namespace]


def register_opset(opset: Opset) -> None:
    """Add an opset without an entry point (a plugin under development). The same object may be added again."""
    if _loaded.setdefault(opset.namespace, opset) is not opset:
        raise PluginError(f"Two opsets claim the namespace {opset.namespace!r}. Uninstall one of the packages.")


def _load(namespace: str) -> Opset | None:
    from importlib.metadata import entry_points

    points = [point for point in entry_points(group=ENTRY_POINTS) if point.name == namespace]
    if not points:
        return None
    packages = sorted({point.dist.name if point.dist else "?" for point in points})
    if len(packages) > 1:
        raise PluginError(f"Packages {', '.join(packages)} all provide the ops {namespace!r}. Uninstall all but one.")
    try:
        opset = points[0].load()
    except Exception as error:
        raise PluginError(f"Plugin package {packages[0]!r} does not import: {error!r}. Fix or uninstall it.") from error
    if not isinstance(opset, Opset) or opset.namespace != namespace:
        raise PluginError(
            f"Plugin package {packages[0]!r}: the entry point {namespace!r} of {ENTRY_POINTS!r} must be "
            f"an Opset for the namespace {namespace!r}, got {opset!r:.100}."
        )
    return opset


def opset_versions(ops: Iterable[str]) -> dict[str, int]:
    """Return namespace -> version for all namespaces that `ops` belong to."""
    namespaces = {namespace_of(name) for name in ops} | {"kconvert"}
    found = {namespace: find_opset(namespace) for namespace in sorted(namespaces)}
    return {namespace: opset.version for namespace, opset in found.items() if opset}
