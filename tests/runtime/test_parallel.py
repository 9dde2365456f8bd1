"""Work shared by threads: everything is done, in order where that is promised, and errors come out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from itertools import product

import pytest

from kconvert_runtime import blas, parallel


@pytest.fixture(autouse=True, params=[1, 2])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """As on a machine of one core, and of two."""
    monkeypatch.setattr(blas, "threads", lambda: request.param)
    return int(request.param)


def test_what_is_pipelined_is_used_in_order_once_it_is_made() -> None:
    for count, places in product((0, 1, 2, 9, 50), (2, 3, 4)):
        made: set[int] = set()
        used: list[int] = []

        def use(i: int, made: set[int] = made, used: list[int] = used, places: int = places) -> None:
            assert i in made
            assert max(made) < len(used) + places
            used.append(i)

        parallel.pipelined(made.add, use, count, places)
        assert used == list(range(count))


def test_the_next_item_is_made_while_one_is_used(workers: int) -> None:
    begun = [threading.Event() for _ in range(3)]
    met = []
    parallel.pipelined(
        lambda i: begun[i].set(), lambda i: i or met.append(begun[1].wait(10 if workers > 1 else 0)), 3, 2
    )  # fmt: skip
    assert met == [workers > 1]


@pytest.mark.parametrize("bad", [0, 2])
def test_errors_come_out(bad: int) -> None:
    def work(n: int) -> int:
        return 1 // (n - bad)

    with pytest.raises(ZeroDivisionError):
        parallel.pipelined(work, lambda i: None, 4, 2)
    with pytest.raises(ZeroDivisionError):
        parallel.pipelined(lambda i: None, work, 4, 2)
    with pytest.raises(ZeroDivisionError):
        parallel.for_each(work, range(4))


def test_for_each_does_everything_once() -> None:
    done: list[int] = []
    parallel.for_each(done.append, range(100))
    assert sorted(done) == list(range(100))


FORKED = """
import os, threading
from kconvert_runtime import blas, parallel
blas.threads = lambda: 2

def both_at_once():
    both = threading.Barrier(2)
    parallel.for_each(lambda item: both.wait(20), range(2))

both_at_once()
child = os.fork()
if not child:
    both_at_once()
    os._exit(7)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only some systems fork processes")
def test_a_forked_process_has_threads_of_its_own() -> None:
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], timeout=60).returncode == 7
