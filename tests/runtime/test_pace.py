"""BLAS' threads are left out for a while once runs are held up, and tried again."""

from __future__ import annotations

import pytest

from kconvert_runtime import pace as pace_module
from kconvert_runtime.pace import LONGEST, PATIENCE, SHORTEST, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace_module, "perf_counter", clock)
    return clock


def held_up(pace: Pace, times: int = PATIENCE) -> None:
    for _ in range(times):
        pace.note(1.0)


def test_even_runs_keep_the_threads(clock: Clock) -> None:
    pace = Pace()
    for seconds in (0.02, 0.01, 0.012, 0.025, 0.01):
        pace.note(seconds)
        assert not pace.alone()


def test_one_slow_run_is_chance(clock: Clock) -> None:
    pace = Pace()
    for seconds in (0.01, 1.0, 0.01, 1.0, 0.01):
        pace.note(seconds)
        assert not pace.alone()


def test_runs_that_are_held_up_end_the_threads_for_longer_and_longer(clock: Clock) -> None:
    pace = Pace()
    pace.note(0.01)
    held_up(pace)
    rest = SHORTEST
    for _ in range(10):
        assert pace.alone()
        clock.now += rest * 0.99
        assert pace.alone()
        clock.now += rest * 0.02
        assert not pace.alone()
        held_up(pace, 1)
        rest = min(2 * rest, LONGEST)


def test_all_is_forgotten_after_a_quiet_while(clock: Clock) -> None:
    pace = Pace()
    pace.note(0.01)
    held_up(pace)
    clock.now += 2 * LONGEST
    pace.note(0.01)
    assert not pace.alone()
    held_up(pace, PATIENCE - 1)
    assert not pace.alone()
    held_up(pace, 1)
    clock.now += 1.01 * SHORTEST
    assert not pace.alone()
