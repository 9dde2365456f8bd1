"""Whether BLAS' own threads help: learnt from how long runs take.

BLAS' threads wait for each other in every product, without sleeping. On a quiet machine that costs a microsecond; when
another process wants the core, each product may wait for as long as the scheduler lets that process run, milliseconds.
So a plan goes without them for a while once its runs take much longer than they did.
"""

from __future__ import annotations

from time import perf_counter

MUCH = 3.0
"""How many times as long as the fastest run a run takes that was held up."""
PATIENCE = 2
"""Runs in a row that may be held up."""
SHORTEST, LONGEST = 0.1, 3.0
"""Seconds without BLAS' threads: at first, and at most when they go on being held up."""


class Pace:
    """The times of the runs of one plan. Threads may share it: a count that gets lost does no harm."""

    def __init__(self) -> None:
        self.fastest = float("inf")
        self._held_up = 0
        self._rest = SHORTEST
        self._until = 0.0

    def alone(self) -> bool:
        """Whether BLAS should keep to one thread in the run that begins."""
        return self._until > 0 and perf_counter() < self._until

    def note(self, seconds: float) -> None:
        """Take down how long a run with BLAS' threads took."""
        self.fastest = min(self.fastest, seconds)
        if seconds <= MUCH * self.fastest:
            self._held_up = 0
            if self._until and perf_counter() > self._until + LONGEST:
                self._rest, self._until = SHORTEST, 0.0
            return
        self._held_up += 1
        if self._held_up >= PATIENCE:
            self._until = perf_counter() + self._rest
            self._rest = min(2 * self._rest, LONGEST)
            self._held_up = PATIENCE - 1  # one more is enough next time
