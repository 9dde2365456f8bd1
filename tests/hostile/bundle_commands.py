"""Hostile things given to `kbundle`: model files to export into, checkpoints to resume, arrays, shapes, recordings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.npz import write_npz
from tests.hostile.bundles import good, header

Request = tuple[Callable[[Path], object], list[str], str]
TRAIN = ["kbundle", "train", "out", "x.npy", "y.npy", "-o", "tuned", "--loss", "mse"]
RESUME = [*TRAIN, "--resume"]
CHECKPOINT = "tuned.checkpoint.npz"
FACTS: dict[str, Any] = {
    "version": 1, "settings": {}, "epoch": 0, "steps": 0, "stop": False, "learning_rate": None,
    "history": {"epochs": [], "history": {}}, "callbacks": [],
}  # fmt: skip


def data(folder: Path) -> None:
    good(folder / "out")
    np.save(folder / "x.npy", np.ones((4, 2), np.float32))
    np.save(folder / "y.npy", np.ones((4, 3), np.float32))


def having(name: str, content: bytes | None, command: list[str], words: str) -> Request:
    """A bundle and arrays, with a file, or for None a pipe, of hostile content."""

    def make(folder: Path) -> None:
        data(folder)
        (folder / name).unlink(missing_ok=True)
        if content is None:
            os.mkfifo(folder / name)
        else:
            (folder / name).write_bytes(content)

    return make, command, words


def checkpoint(words: str, **changes: Any) -> Request:
    def make(folder: Path) -> None:
        data(folder)
        text = json.dumps({**FACTS, **changes}).encode()
        with (folder / CHECKPOINT).open("wb") as file:
            write_npz(file, [("facts", np.frombuffer(text, np.uint8))])

    return make, RESUME, words


def recorded(words: str, sizes: tuple[int, int], tolerance: float = 1e-4) -> Request:
    """A self-test whose input has a shape of its own."""

    def make(folder: Path) -> None:
        good(folder / "out")
        arrays = [
            ("tolerance", np.array(tolerance)),
            *((f"{side}/{name}", np.ones((1, n), np.float32)) for side, name, n in (("in", "x", 2), ("out", "y", 3))),
            ("in_shape/x", np.array(sizes, "<i8")), ("out_shape/y", np.array((1, 3), "<i8")),
        ]  # fmt: skip
        with (folder / "out" / "selftest.npz").open("wb") as file:
            write_npz(file, arrays)

    return make, ["krun", "out", "--selftest"], words


BUNDLE_COMMANDS: dict[str, Request] = {
    "exported into a pipe": having(
        "m.keras", None, ["kbundle", "export", "out", "m.keras", "-o", "t.keras"], "regular"),
    "exported into pipes": having(
        "m.keras", None, ["kbundle", "export", "out", "m.keras+m.keras", "-o", "t.keras"],
        "regular"),
    "exported into noise": having(
        "m.keras", b"PK\x03\x04" * 99, ["kbundle", "export", "out", "m.keras", "-o", "t.keras"], "damaged zip"),
    "shape beyond 64 bits": having("m", b"", ["kbundle", "info", "out", "--shape", "9" * 20 + ",2"], "No array has"),
    "shape of many axes": having("m", b"", ["kbundle", "info", "out", "--shape", "1" + ",1" * 999], "No array has"),
    "checkpoint of noise": having(CHECKPOINT, b"PK", RESUME, "not a checkpoint"),
    "checkpoint that is a pipe": having(CHECKPOINT, None, RESUME, "not a regular file"),
    "checkpoint of the future": checkpoint("another version", version=2),
    "checkpoint before the start": checkpoint("'epoch' is not", epoch=-1),
    "checkpoint beyond 64 bits": checkpoint("20 digits", steps=10**30),
    "checkpoint of words": checkpoint("'settings' is not", settings="x"),
    "checkpoint of other callbacks": checkpoint("'callbacks' is not", callbacks=[3]),
    "rows without end": having("x.npy", header("(1099511627776, 2)"), TRAIN, "the file holds 0"),
    "pickled rows": having("x.npy", header("(4, 2)", "|O", b"\x80\x04cos\nsystem\n"), TRAIN, "never unpickled"),
    "weights of rows, pickled": having(
        "w.npy", header("(4,)", "|O", b"\x80\x04."), [*TRAIN, "--sample-weight", "w.npy"], "never unpickled"),
    "recording of a negative size": recorded("has the shape", (-1, 2)),
    "recording without end": recorded("holds", (2**62, 2)),
    "recording of no tolerance": recorded("tolerance", (1, 2), float("nan")),
}  # fmt: skip
