"""Optimisation at load: pure functions Graph -> Graph, one file each, run in this order.

A pass keeps the values that are model outputs, and never changes a result beyond float rounding.
"""

from __future__ import annotations

from collections.abc import Callable

from kconvert_schemas.graph import Graph

from .drop_identities import drop_identities

PIPELINE: tuple[Callable[[Graph], Graph], ...] = (drop_identities,)


def optimize(graph: Graph) -> Graph:
    """Run every pass."""
    for step in PIPELINE:
        graph = step(graph)
    return graph
