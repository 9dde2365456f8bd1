"""Which kernel computes a node, and on how many threads: the cheapest by the cost model.

Two threads of Python cost more to set going than BLAS' own, which spin for a while after a product; but while they
spin, they are in the way of any other thread. So a plan goes one of two ways, whichever is expected to take less time:
products on BLAS' threads and little else shared, or BLAS on one thread and everything that is worth it shared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from kconvert_schemas.dtypes import HALVES

from ..parallel import workers
from .candidates import Candidate, candidates
from .costs import SPINNING, Cost
from .site import Site, finished, whole

Seconds: TypeAlias = Callable[[Site, Candidate, Cost, bool], float]
"""How long a site takes when it is computed so, on `site.threads` threads of ours: seconds(site, candidate, its cost,
whether BLAS keeps to one thread)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How a site is computed, and the seconds it is expected to take; those of a plain kernel are not known, and 0."""

    site: Site
    candidate: Candidate
    seconds: float


CLEARLY = 0.955
"""How much less time sharing must be expected to take: BLAS' threads are there sooner after a pause."""
ELEMENTWISE = Candidate("", "elementwise", lambda site: Cost(), whole)
PLAIN = Candidate("", "plain", lambda site: Cost(), finished)


def estimated(site: Site, candidate: Candidate, cost: Cost, shared: bool) -> float:
    """Return what the cost model expects."""
    cores = workers()
    if site.threads == 1:
        return cost.alone(1 if shared else cores)
    return cost.shared(cores) * (1 if shared else SPINNING)


def choose(sites: Sequence[Site], seconds: Seconds = estimated) -> tuple[list[Choice], bool]:
    """Return how each site is computed, and whether our threads share the work; BLAS then has to keep to one."""
    found = [_options(site) for site in sites]
    ways = [[_best(site, options, shared, seconds, workers()) for site, options in zip(sites, found, strict=True)]
            for shared in (False, True)]  # fmt: skip
    totals = [sum(choice.seconds for choice in way) for way in ways]
    shared = totals[1] < CLEARLY * totals[0]
    return ways[shared], shared


def choose_alone(sites: Sequence[Site], seconds: Seconds = estimated) -> list[Choice]:
    """Return how each site is computed in one thread, with BLAS on one, too."""
    return [_best(site, _options(site), True, seconds, 1) for site in sites]


def _options(site: Site) -> list[tuple[Candidate, Cost]]:
    if site.own == 0 and site.tail:
        return [(ELEMENTWISE, site.tail_cost)]
    types = [type_ for type_ in (*site.inputs, *site.outputs) if type_ is not None]
    known = not any(type_.dtype in HALVES or None in type_.shape for type_ in types)
    options = [(one, cost + site.tail_cost) for one, cost in candidates(site)] if known else []
    return options or [(PLAIN, site.tail_cost)]


def _best(
    site: Site, options: Sequence[tuple[Candidate, Cost]], shared: bool, seconds: Seconds, cores: int
) -> Choice:  # fmt: skip
    found = []
    for one, cost in options:
        for threads in sorted({1, cores if shared or not cost.products else 1}):
            place = replace(site, threads=threads, alone=shared or cores == 1)
            found.append(Choice(place, one, seconds(place, one, cost, shared)))
    return min(found, key=lambda choice: choice.seconds)
