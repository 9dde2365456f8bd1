"""Work shared by threads: everything is done, in order where that is promised, and errors come out."""

from __future__ import annotations

import threading

import pytest

from kconvert_runtime import blas, parallel


@pytest.fixture(autouse=True, params=[1, 2])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """As on a machine of one core, and of two."""
    monkeypatch.setattr(blas, "threads", lambda: request.param)
    return int(request.param)


def test_ahead_keeps_the_order() -> None:
    for count in (0, 1, 2, 9):
        assert list(parallel.ahead(lambda n: n * n, range(count))) == [n * n for n in range(count)]


def test_ahead_works_on_the_next_item_meanwhile(workers: int) -> None:
    begun = [threading.Event() for _ in range(3)]
    results = parallel.ahead(lambda n: begun[n].set() or n, range(3))
    assert next(results) == 0
    assert begun[1].wait(10 if workers > 1 else 0) is (workers > 1)
    assert list(results) == [1, 2]


@pytest.mark.parametrize("bad", [0, 2])
def test_errors_come_out(bad: int) -> None:
    def work(n: int) -> int:
        return 1 // (n - bad)

    with pytest.raises(ZeroDivisionError):
        list(parallel.ahead(work, range(4)))
    with pytest.raises(ZeroDivisionError):
        parallel.for_each(work, range(4))


def test_for_each_does_everything_once() -> None:
    done: list[int] = []
    parallel.for_each(done.append, range(100))
    assert sorted(done) == list(range(100))
