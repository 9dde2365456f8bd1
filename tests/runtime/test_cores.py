"""Threads that help are kept off the core of the one that they help."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from kconvert_runtime import cores

if sys.platform != "linux":
    pytest.skip("only Linux says which core a thread runs on", allow_module_level=True)


class Waiting(threading.Thread):
    """A thread that waits until it is told to end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        self.over.wait()


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    thread = Waiting()
    yield thread
    thread.over.set()


def test_a_thread_may_run_wherever_the_caller_may_but_for_its_core(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("there is only one core")
    apart = cores.Apart([waiting.native_id])
    for core in (min(allowed), max(allowed), max(allowed)):
        monkeypatch.setattr(cores, "_current", lambda core=core: lambda: core)
        apart.keep()
        assert os.sched_getaffinity(waiting.native_id) == allowed - {core}


def test_the_core_of_the_caller_is_told() -> None:
    current = cores._current()
    if current is None:
        pytest.skip("the C library has no sched_getcpu")
    assert current() in os.sched_getaffinity(0)


def test_the_caller_stays_where_it_is_meanwhile() -> None:
    allowed = os.sched_getaffinity(0)
    if cores._current() is None or len(allowed) < 2:
        pytest.skip("there is only one core, or the C library has no sched_getcpu")
    apart = cores.Apart([])
    others: list[set[int]] = []

    def other() -> None:
        with apart.held():
            others.append(os.sched_getaffinity(0))

    with pytest.raises(KeyError), apart.held():
        held = os.sched_getaffinity(0)
        with apart.held():  # as it is already
            assert os.sched_getaffinity(0) == held
        second = threading.Thread(target=other)
        os.sched_setaffinity(0, allowed)  # which a new thread takes over
        second.start()
        second.join()
        raise KeyError
    assert len(held) == 1
    assert others == [allowed]  # it is not kept where the first one may be
    assert os.sched_getaffinity(0) == allowed


def test_on_the_only_core_all_run_together(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.sched_getaffinity(waiting.native_id)
    monkeypatch.setattr(os, "sched_getaffinity", lambda thread: {3})
    monkeypatch.setattr(cores, "_current", lambda: lambda: 3)
    cores.Apart([waiting.native_id]).keep()
    monkeypatch.undo()
    assert os.sched_getaffinity(waiting.native_id) == before


def test_threads_that_have_ended_or_systems_that_do_not_tell_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_current", lambda: lambda: min(os.sched_getaffinity(0)))
    cores.Apart([2**22 - 1]).keep()
    monkeypatch.setattr(cores, "_current", lambda: None)
    cores.Apart([2**22 - 1]).keep()
