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


def test_threads_meet_only_where_they_must(workers: int) -> None:
    a, b, c, d = arrays(4)
    steps = [(4, rows((a, b)).parts), (5, rows((b, c)).parts), (7, rows((c, d), whole=True).parts)]
    made = section.together(steps)
    if workers == 1:
        assert made is None or len(made.phases) == 1
        return
    assert made is not None
    assert [[index for index, _ in tasks] for tasks in made.phases[0]] == [[4, 5]] * workers
    assert [[index for index, _ in tasks] for tasks in made.phases[1]] == [[7]] * workers
    for value in range(3):
        a[:] = np.arange(12)[:, None] + value
        made()
        assert d[:, 0].tolist() == [14 - i + value for i in range(12)]


def test_what_one_reads_is_not_overwritten_before(workers: int) -> None:
    a, b = arrays(2)
    made = section.together([(0, rows((a, b), whole=True).parts), (1, rows((b, a)).parts)])
    if workers > 1:
        assert made is not None
        assert len(made.phases) == 2


def test_an_error_comes_out_and_its_step_is_known(workers: int) -> None:
    a, b, c = arrays(3)
    bad = rows((b, c), whole=True)
    lane = bad.parts[0][-1]
    lane[0] = type(lane[0])(lambda: np.zeros(2) + np.zeros(3), lane[0].reads, lane[0].writes)
    made = section.together([(3, rows((a, b)).parts), (8, bad.parts), (9, rows((c, a), whole=True).parts)])
    if workers == 1:
        return
    assert made is not None
    with pytest.raises(ValueError, match="could not be broadcast"):
        made()
    assert made.failed == 8


def test_one_thread_does_all_where_the_others_are_busy(workers: int) -> None:
    a, b, c = arrays(3)
    made = section.together([(0, rows((a, b)).parts), (1, rows((b, c), whole=True).parts)])
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
