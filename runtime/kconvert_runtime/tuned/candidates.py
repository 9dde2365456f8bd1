"""Kernels to choose from: for each op several ways to compute it, each with the time it is expected to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..steps import Call
from .site import Site

Cost: TypeAlias = Callable[[Site], "float | None"]
Build: TypeAlias = Callable[[Site], Call]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to compute an op. cost: expected seconds, None where it cannot. build: the function for one site.

    What is built is called with the array for the result, which it fills, the tail applied, and all inputs of the site.
    """

    op: str
    name: str
    cost: Cost
    build: Build


CANDIDATES: dict[str, list[Candidate]] = {}


def candidate(op: str, name: str, cost: Cost) -> Callable[[Build], Build]:
    """Register the decorated function as a way to build `op`."""

    def register(build: Build) -> Build:
        CANDIDATES.setdefault(op, []).append(Candidate(op, name, cost, build))
        return build

    return register


def choose(site: Site) -> Candidate | None:
    """Return the candidate that is expected to be the fastest at `site`; None where only the plain kernel does."""
    costs = [(cost, one) for one in CANDIDATES.get(site.node.op, ()) if (cost := one.cost(site)) is not None]
    return min(costs, key=lambda pair: pair[0])[1] if costs else None
