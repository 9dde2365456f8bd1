"""How much is trained: the full run and the quick one."""

from __future__ import annotations

from dataclasses import dataclass

SEED = 7
LENGTH = 200  # words of a text; shorter ones are padded
BATCH = {"images": 64, "texts": 32}


@dataclass(frozen=True)
class Settings:
    """Rows of each split (None: all), and for how long to train.

    images: pictures to train on, to validate on and to test on. texts: likewise. epochs: at most, by task. patience:
    epochs without a lower validation loss after which training stops; the weights of the lowest are kept. twin_rows,
    twin_epochs: the same for what kconvert trains itself. timed: rows that are timed.
    """

    images: tuple[int, int, int | None]
    texts: tuple[int | None, int | None, int | None]
    epochs: dict[str, int]
    patience: dict[str, int]
    twin_rows: dict[str, int | None]
    twin_epochs: dict[str, int]
    timed: dict[str, int]


FULL = Settings(
    images=(30_000, 5_000, None),
    texts=(None, None, None),
    epochs={"images": 5, "texts": 40},
    patience={"images": 5, "texts": 10},
    twin_rows={"images": 4_000, "texts": None},
    twin_epochs={"images": 6, "texts": 15},
    timed={"images": 512, "texts": 128},
)
QUICK = Settings(
    images=(640, 128, 256),
    texts=(96, 50, 100),
    epochs={"images": 2, "texts": 2},
    patience={"images": 2, "texts": 2},
    twin_rows={"images": 256, "texts": 64},
    twin_epochs={"images": 2, "texts": 2},
    timed={"images": 64, "texts": 32},
)
