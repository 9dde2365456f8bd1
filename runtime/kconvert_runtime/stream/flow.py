"""How a value relates to time, and what is told of an op that cannot run step by step."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias


class Kind(enum.Enum):
    """Values without an axis of time.

    STILL: the same at every step. LATEST: of all steps so far, as a whole. LOST: of an op that cannot run step by step.
    """

    STILL = "still"
    LATEST = "latest"
    LOST = "lost"


STILL, LATEST, LOST = Kind


@dataclass(frozen=True, slots=True)
class Padding:
    """Steps that stand in front of the first one, and the number that fills them."""

    steps: int
    value: float


@dataclass(frozen=True, slots=True)
class Along:
    """A value with an element of `axis` for each step, which depends on no later step.

    rows: the axis holds the rows of the batch too, the steps of each side by side. length: the number of steps that the
    graph states, None where it leaves it open. front: padding that a window has yet to read.
    """

    axis: int
    rows: bool = False
    length: int | None = None
    front: Padding | None = None

    @property
    def place(self) -> tuple[int, bool]:
        """Where the steps are."""
        return self.axis, self.rows


Flow: TypeAlias = Along | Kind


class Refused(Exception):
    """An op cannot run step by step. The reason continues a sentence about it."""
