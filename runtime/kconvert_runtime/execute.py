"""Plan + arrays -> arrays."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, KconvertError, cut, show

from . import blas
from .memory import give_back, lend, new
from .steps import Plan, Step


def execute(plan: Plan, inputs: Sequence[Array]) -> list[Array]:
    """Run the steps of `plan` on its inputs, in its order, and return its outputs.

    Holds no state of its own, so one plan can run in several threads. Raises InputError naming the layer
    where values do not fit.
    """
    slots: list[Any] = [None] * plan.slots
    for slot, array in plan.constants.items():
        slots[slot] = array
    for slot, array in zip(plan.inputs, inputs, strict=True):
        slots[slot] = array
    arrays = lend(plan.memory)
    pace = plan.pace
    alone = plan.parallel or (pace is not None and pace.alone())
    start = perf_counter()
    with np.errstate(all="ignore"), blas.limited(alone):
        for step in plan.steps:
            run_step(step, plan, slots, arrays)
    if pace is not None and not alone:
        pace.note(perf_counter() - start)
    give_back(plan.memory, arrays)
    return [np.asarray(slots[slot]) for slot in plan.outputs]


def run_step(step: Step, plan: Plan, slots: list[Any], arrays: Sequence[Array | None]) -> Sequence[Array]:
    """Run one step on the values in `slots`, and put its results there; returns them."""
    arguments = [None if i is None else slots[i] for i in step.inputs]
    try:
        if step.fills is None:
            result = step.call(*arguments)
        else:
            result = arrays[step.fills]
            if result is None:
                result = new(plan.memory, step.fills)
            step.call(result, *arguments)
    except (ArithmeticError, IndexError, ValueError, MemoryError, KconvertError) as error:
        raise _located(step, slots, error) from error
    results = result if isinstance(result, tuple) else (result,)
    for slot, array in zip(step.outputs, results, strict=True):
        slots[slot] = array
    for slot in step.frees:
        slots[slot] = None
    return results


def _located(step: Step, slots: Sequence[Any], error: Exception) -> InputError:
    shapes = [f"{slots[i].dtype}{list(slots[i].shape)}" for i in step.inputs if i is not None]
    where = f"Layer {show(step.node.layer)}" if step.node.layer else f"Node {show(step.node.name)}"
    what = cut(str(error) or type(error).__name__).rstrip(".")
    return InputError(f"{where} cannot run {step.node.op} on {', '.join(shapes)}: {what}.")
