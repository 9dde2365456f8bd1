"""Every case that runs step by step gives, in chunks of any length, what it gives at once; the others are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kconvert_runtime import KconvertError, Model
from kconvert_runtime.stream.analysis import analyse
from tests import golden_files
from tests.cases import CASES
from tests.cases.spec import Case
from tests.compare import flatten, in_memory, relative_error

FAMILIES = ("recurrent", "wrappers", "networks_sequences")
ALL = [pytest.param(family, case, id=case.name) for family in FAMILIES for case in CASES[family]]


def chunks(steps: int, seed: int) -> list[slice]:
    """One step at a time, or cut at random."""
    rng = np.random.default_rng(seed)
    cuts = range(steps + 1) if seed == 0 else sorted({0, steps, *rng.integers(0, steps + 1, 2).tolist()})
    return [slice(a, b) for a, b in zip(list(cuts)[:-1], list(cuts)[1:], strict=True)]


def check(model: Model, feeds: dict[str, np.ndarray], tolerance: float, seed: int) -> None:
    """Compare a stream with one call."""
    over = analyse(model.graph, None).over
    stream = model.stream({name: array for name, array in feeds.items() if name not in over})
    whole = model.run(feeds)
    parts = [
        flatten(stream.feed({name: feeds[name][:, part] for name in over}))
        for part in chunks(feeds[over[0]].shape[1], seed)
    ]
    assert stream.steps == feeds[over[0]].shape[1]
    order = flatten(model._structured([np.array(i) for i in range(len(whole))]))
    for place, index in enumerate(order):
        (name, expected) = list(whole.items())[int(index)]
        axis = stream._axes.get(name)
        mine = parts[-1][place] if axis is None else np.concatenate([part[place] for part in parts], axis)
        assert (mine.shape, mine.dtype) == (expected.shape, expected.dtype)
        assert relative_error(mine, expected) <= max(tolerance, 1e-5)


@pytest.mark.parametrize(("family", "case"), ALL)
def test_case(family: str, case: Case, tmp_path: Path) -> None:
    model = Model(*in_memory(golden_files.read(case, family, tmp_path)[0]))
    arrays = model._prepare(tuple(case.arrays()))
    feeds = {value.name: array for value, array in zip(model.inputs, arrays, strict=True)}
    try:
        over = analyse(model.graph, None).over
    except KconvertError as error:
        assert "cannot run step by step" in str(error) or "nothing to run" in str(error)
        return
    if len({feeds[name].shape[1] for name in over}) > 1:
        with pytest.raises(KconvertError, match="the same number of steps"):
            model.stream({n: a for n, a in feeds.items() if n not in over}).feed({n: feeds[n] for n in over})
        return
    for seed in (0, 1, 2):
        check(model, feeds, case.tolerance, seed)
    check(Model(model.graph, model.weights, optimize=False), feeds, case.tolerance, 3)


@pytest.mark.parametrize("family", FAMILIES)
def test_most_recurrent_cases_run(family: str, tmp_path: Path) -> None:
    """So that a rule which refuses too much shows."""
    ran = 0
    for case in CASES[family]:
        model = Model(*in_memory(golden_files.read(case, family, tmp_path)[0]))
        try:
            ran += bool(analyse(model.graph, None).over)
        except KconvertError:
            continue
    assert ran >= {"recurrent": 90, "wrappers": 20, "networks_sequences": 3}[family], ran
