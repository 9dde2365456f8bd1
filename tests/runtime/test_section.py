"""Steps that cores run together: they meet where they must, errors come out, and nobody waits for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kconvert_runtime import Model, blas, parallel, section
from kconvert_runtime.calls import Recording
from kconvert_runtime.scratch import Workspace
from kconvert_runtime.tuned import costs
from kconvert_schemas import Node, TensorType
from tests.helpers import F, make_graph

RNG = np.random.default_rng(5)


@pytest.fixture(autouse=True, params=[1, 2, 3])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """As on machines of so many cores; where there is but one, another thread may still get to a job."""
    monkeypatch.setattr(blas, "threads", lambda: request.param)
    parallel._helpers.cache_clear()
    return int(request.param)


def rows(*pairs: tuple[np.ndarray, np.ndarray], whole: bool = False) -> Recording:
    """Take down y = x + 1 for each pair, each thread some rows; `whole`: all rows are read, flipped."""
    recording = Recording(Workspace())
    for x, y in pairs:

        def add(do: Recording, some: range, x: np.ndarray = x, y: np.ndarray = y) -> None:
            for i in some:
                do(np.add, x[-1 - i if whole else i], np.float32(1), out=y[i])

        recording.each(add, range(len(y)), shared=True)  # type: ignore[arg-type]
    return recording


def arrays(count: int, size: int = 12) -> list[np.ndarray]:
    return [np.zeros((size, 5), F) for _ in range(count)]


def together(*steps: tuple[int, Recording], seconds: float = 0.0) -> section.Section | None:
    """Lay out steps, those that one thread does on the one that is done with them first."""
    schedule = section.Schedule()
    for index, recording in steps:
        touched = [taken for lanes in recording.parts for lane in lanes for taken in lane]
        reads, writes = ([span for taken in touched for span in spans(taken)]
                         for spans in (lambda taken: taken.reads, lambda taken: taken.writes))  # fmt: skip
        schedule.add(index, recording.parts, schedule.lane_for(reads, writes), seconds)
    return schedule.section()


def alone(x: np.ndarray, y: np.ndarray, number: float = 1) -> Recording:
    """Take down y = x + number, all of it for one thread."""
    recording = Recording(Workspace())
    recording(np.add, x, np.float32(number), out=y)
    return recording


def test_threads_meet_only_where_they_must(workers: int) -> None:
    a, b, c, d = arrays(4)
    made = together((4, rows((a, b))), (5, rows((b, c))), (7, rows((c, d), whole=True)))
    if workers == 1:
        assert made is None
        return
    assert made is not None
    for lane in range(workers):
        assert [task.index for task in made.tasks if task.lane == lane] == [4, 5, 7]
    middle = 1 if workers == 3 else None  # it reads its own rows, in another order
    assert [(task.index, task.lane) for task in made.tasks if task.waits] == [
        (7, lane) for lane in range(workers) if lane != middle
    ]
    for value in range(3):
        a[:] = np.arange(12)[:, None] + value
        made()
        assert d[:, 0].tolist() == [14 - i + value for i in range(12)]


def test_what_one_reads_is_not_overwritten_before(workers: int) -> None:
    a, b = arrays(2)
    made = together((0, rows((a, b), whole=True)), (1, rows((b, a))))
    if workers > 1:
        assert made is not None
        assert {task.index for task in made.tasks if task.waits} == {1}


def test_branches_run_side_by_side_where_they_are_long(workers: int) -> None:
    a, b, c, d, e, f = arrays(6)
    steps = [(i, alone(x, y)) for i, (x, y) in enumerate([(a, b), (b, c), (c, d), (b, e), (e, f)])]
    assert together(*steps, seconds=section.WAKING / 9) is None
    made = together(*steps, seconds=section.WAKING * 9)
    if workers == 1:
        assert made is None
        return
    assert made is not None
    assert [task.lane for task in made.tasks] == [0, 0, 0, 1, 1]
    assert [len(task.waits) for task in made.tasks] == [0, 0, 0, 1, 0]
    made()
    assert (d[0, 0], f[0, 0]) == (3, 3)


def test_what_another_thread_has_waited_for_is_done(workers: int) -> None:
    if workers < 3:
        return
    a, b, c = arrays(3)
    schedule = section.Schedule()
    for lane, recording in enumerate((alone(a, b), alone(b, c), alone(c, a))):
        schedule.add(lane, recording.parts, lane, 1e-3)
    made = schedule.section()
    assert made is not None
    assert [len(task.waits) for task in made.tasks] == [0, 1, 1]  # the last one overwrites what the first has read


@pytest.mark.parametrize("seed", range(12))
def test_any_steps_do_what_they_do_one_after_the_other(seed: int, workers: int) -> None:
    rng = np.random.default_rng(seed)
    values, expected = arrays(5), arrays(5)
    steps = []
    for i in range(30):
        source, target = (int(n) for n in rng.choice(5, 2, replace=False))
        kind = rng.integers(3)
        make = (lambda x, y: rows((x, y)), lambda x, y: rows((x, y), whole=True), alone)[kind]
        steps.append((i, make(values[source], values[target])))
        x = expected[source][::-1] if kind == 1 else expected[source]
        expected[target][:] = x + 1
    made = together(*steps, seconds=float(rng.choice([0, section.WAKING * 5])))
    assert (made is None) == (workers == 1)
    for _ in range(5 if made is not None else 0):
        for value in values:
            value[:] = 0
        made()  # type: ignore[misc]
        for value, right in zip(values, expected, strict=True):
            np.testing.assert_array_equal(value, right)


def test_an_error_comes_out_and_its_step_is_known(workers: int) -> None:
    a, b, c = arrays(3)
    bad = rows((b, c), whole=True)
    lane = bad.parts[0][-1]
    lane[0] = type(lane[0])(lambda: np.zeros(2) + np.zeros(3), lane[0].reads, lane[0].writes)
    made = together((3, rows((a, b))), (8, bad), (9, rows((c, a), whole=True)))
    if workers == 1:
        return
    assert made is not None
    with pytest.raises(ValueError, match="could not be broadcast"):
        made()
    assert made.failed == 8


def test_one_thread_does_all_where_the_others_are_busy(workers: int) -> None:
    a, b, c = arrays(3)
    made = together((0, rows((a, b))), (1, rows((b, c), whole=True)))
    found = []

    def run(_: int) -> None:
        c[:] = 0
        if made is not None:
            made()
        found.append(float(c[0, 0]))

    parallel.for_each(run, range(1))
    for n in range(2):  # in a worker nothing is shared
        parallel.Job(lambda n=n: run(n)).result() if parallel.shares() else run(n)
    assert found == [2.0 if workers > 1 else 0.0] * 3


def test_calls_that_write_elsewhere_are_not_known() -> None:
    recording = rows(tuple(arrays(2)))  # type: ignore[arg-type]
    assert section.known(recording.parts)
    recording(print)
    assert not section.known(recording.parts)


def image_model() -> tuple[Model, Model]:
    attrs = {"strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "groups": 1,
             "data_format": "channels_last"}  # fmt: skip
    pool = {"pool_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last"}
    weights = {"k3": RNG.normal(size=(3, 3, 8, 8)).astype(F) / 6, "k1": RNG.normal(size=(1, 1, 8, 8)).astype(F) / 3,
               "kd": RNG.normal(size=(3, 3, 1, 8)).astype(F), "bias": RNG.normal(size=8).astype(F)}  # fmt: skip
    nodes, value = [], "x"
    for i, (kernel, groups) in enumerate([("k3", 1), ("k1", 1), ("kd", 8), ("k1", 1), ("k3", 1), ("kd", 8), ("k1", 1)]):
        nodes.append(Node("conv", f"c{i}", "", (value, kernel), (f"c{i}",), {**attrs, "groups": groups}))
        nodes.append(Node("add", f"b{i}", "", (f"c{i}", "bias"), (f"b{i}",), {}))
        nodes.append(Node("relu", f"r{i}", "", (f"b{i}",), (f"r{i}",), {}))
        nodes.append(Node("add", f"s{i}", "", (f"r{i}", value), (f"s{i}",), {}))
        value = f"s{i}"
    nodes.append(Node("max_pool", "p", "", (value,), ("p",), pool))
    nodes.append(Node("mean", "m", "", ("p",), ("m",), {"axes": [1, 2], "keepdims": False}))
    graph = make_graph({"x": TensorType((None, 23, 17, 8), F)}, nodes, ["m", "p"], weights)
    return Model(graph, weights), Model(graph, weights, optimize=False)


def test_models_in_several_threads(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps shared, though these are too small for it to pay, and three threads at a time."""
    monkeypatch.setattr(costs, "MEETING", 0.0)
    monkeypatch.setattr(costs, "CROWDED", 1e-3)
    model, plain = image_model()
    inputs = [RNG.normal(size=(1, 23, 17, 8)).astype(F) for _ in range(6)]
    expected = [plain(x) for x in inputs]

    def check(n: int) -> float:
        return max(float(np.abs(a - b).max()) for a, b in zip(model(inputs[n % 6]), expected[n % 6], strict=True))

    with ThreadPoolExecutor(3) as pool:
        errors = list(pool.map(check, range(90)))
    assert max(errors) < 1e-4 * max(float(np.abs(one[1]).max()) for one in expected)
    plan = model._plans.get(((1, 23, 17, 8),))
    joined = [calls for place in plan.idle.values() for _, calls in place.schedule
              if calls and isinstance(calls[0], section.Section)]  # fmt: skip
    assert bool(joined) == (workers > 1)
    assert plan.cores == workers
