"""Kernels to choose from: for each op several ways to compute it, each with what it is expected to cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..steps import Call
from .costs import Cost
from .site import Site

Estimate: TypeAlias = Callable[[Site], "Cost | None"]
Build: TypeAlias = Callable[[Site], Call]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to compute an op. cost: what it may cost, None where it cannot. build: the function for one site.

    What is built is called with the array for the result, which it fills, the tail applied, and all inputs of the site.
    """

    op: str
    name: str
    cost: Estimate
    build: Build


CANDIDATES: dict[str, list[Candidate]] = {}


def candidate(op: str, name: str, cost: Estimate) -> Callable[[Build], Build]:
    """Register the decorated function as a way to build `op`."""

    def register(build: Build) -> Build:
        CANDIDATES.setdefault(op, []).append(Candidate(op, name, cost, build))
        return build

    return register


def candidates(site: Site) -> list[tuple[Candidate, Cost]]:
    """Return the ways to compute a node, with their costs; none where only the plain kernel does."""
    return [(one, cost) for one in CANDIDATES.get(site.node.op, ()) if (cost := one.cost(site)) is not None]
