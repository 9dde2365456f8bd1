"""What kernels take on this machine: each way to compute a site is built, run and timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

import numpy as np

from kconvert_schemas.dtypes import Array, holder
from kconvert_schemas.graph import TensorType

from .. import blas
from ..calls import Recording, Unfixed, at_once, replay
from ..scratch import Workspace
from ..steps import Call
from .candidates import Candidate
from .choice import PLAIN, estimated
from .costs import Cost
from .site import Site

ROUNDS = 3
"""Runs that are timed at most, of which the fastest counts."""
LONG = 0.01
"""Seconds after which no further run is made."""


class Measured:
    """Seconds as they are measured, once for all sites that are alike."""

    def __init__(self) -> None:
        self._seconds: dict[object, float] = {}

    def __call__(self, site: Site, candidate: Candidate, cost: Cost, shared: bool) -> float:
        """Return how long the fastest of a few runs took; a plain kernel, the only one there is then, is not run."""
        if candidate is PLAIN:
            return estimated(site, candidate, cost, shared)
        attrs = repr(sorted(site.node.attrs.items()))
        constant = tuple(array is not None for array in site.constants)
        key = (candidate.op, candidate.name, attrs, site.inputs, site.outputs, constant, site.own, site.tail,
               site.threads, shared)  # fmt: skip
        if key not in self._seconds:
            self._seconds[key] = _run(replace(site, kept={}), candidate, shared)
        return self._seconds[key]


def _run(site: Site, candidate: Candidate, shared: bool) -> float:
    rng = np.random.default_rng(0)
    given = [_any(type_, rng) if array is None and type_ is not None else array
             for type_, array in zip(site.inputs, site.constants, strict=True)]  # fmt: skip
    result = np.empty(site.shape, holder(site.outputs[0].dtype))
    times: list[float] = []
    with np.errstate(all="ignore"), blas.limited(shared):
        run = _runner(candidate.build(site), result, given)
        run()
        while len(times) < ROUNDS and sum(times) < LONG:
            start = perf_counter()
            run()
            times.append(perf_counter() - start)
    return min(times)


def _runner(kernel: Call, result: Array, given: Sequence[Array | None]) -> Callable[[], object]:
    """Return what runs a kernel as plans do: by its calls, where they can be taken down."""
    recording = Recording(Workspace())
    try:
        kernel(recording, result, *given)
    except Unfixed:
        return partial(kernel, at_once, result, *given)
    return partial(replay, recording.calls)


def _any(type_: TensorType, rng: np.random.Generator) -> Array:
    """Return an array of a type: numbers about 0, so that none is denormal or overflows."""
    shape = tuple(n or 0 for n in type_.shape)
    dtype = holder(type_.dtype)
    return rng.standard_normal(shape).astype(dtype) if dtype.kind == "f" else np.zeros(shape, dtype)
