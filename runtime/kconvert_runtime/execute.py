"""Plan + arrays -> arrays."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, KconvertError, cut, show

from . import blas
from .place import Place, lent
from .steps import Plan, Step

FAILURES = (ArithmeticError, IndexError, ValueError, MemoryError, KconvertError)
"""What kernels raise for values that do not fit."""


def execute(plan: Plan, inputs: Sequence[Array]) -> list[Array]:
    """Run the steps of `plan` on its inputs, in its order, and return its outputs.

    Holds no state of its own, so one plan can run in several threads. Raises InputError naming the layer
    where values do not fit.
    """
    pace = plan.pace
    alone = plan.parallel or (pace is not None and pace.alone())
    start = perf_counter()
    with lent(plan) as place, np.errstate(all="ignore"), blas.limited(alone):
        place.begin(inputs)
        index = 0
        try:
            for index, calls in place.schedule:
                if calls is None:
                    place.run(index)
                else:
                    for call in calls:
                        call()
        except FAILURES as error:
            raise located(place, place.failed(index), error) from error
        outputs = place.end()
    if pace is not None and not alone:
        pace.note(perf_counter() - start)
    return outputs


def located(place: Place, index: int, error: Exception) -> InputError:
    """Return an error that names the layer whose step has failed, and what it was given."""
    step: Step = place.plan.steps[index]
    slots: Sequence[Any] = place.slots
    shapes = [f"{slots[i].dtype}{list(slots[i].shape)}" for i in step.inputs if i is not None]
    where = f"Layer {show(step.node.layer)}" if step.node.layer else f"Node {show(step.node.name)}"
    what = cut(str(error) or type(error).__name__).rstrip(".")
    return InputError(f"{where} cannot run {step.node.op} on {', '.join(shapes)}: {what}.")
