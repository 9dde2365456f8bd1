"""`python -m tests.fuzz.bits bundle|model [--every N]`: flip the bits of a small bundle or `.keras` file.

One at a time. Counts the flips that are noticed (refused), that change nothing, and that give another answer.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kconvert.api import convert
from kconvert.plugins import load_registry
from kconvert_runtime import load
from kconvert_schemas import KconvertError
from kconvert_schemas.bundle import GRAPH, WEIGHTS
from tests.helpers import dense_file

X = np.array([[1.5, -2.0], [0.25, 3.0]], np.float32)
REGISTRY = load_registry()[0]


def answer(folder: Path) -> bytes:
    """What a bundle gives for two rows."""
    y = load(folder, verify=True)(X)
    return np.asarray(y).tobytes() + str(np.shape(y)).encode()


def flips(file: Path, outcome: Callable[[], bytes], every: int) -> Counter[str]:
    """Flip each bit (or each so many) of a file in turn; tell how often each outcome came."""
    data, right = file.read_bytes(), outcome()
    found: Counter[str] = Counter()
    for bit in range(0, len(data) * 8, every):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        try:
            found["same answer" if outcome() == right else "another answer"] += 1
        except KconvertError:
            found["refused"] += 1
    file.write_bytes(data)
    return found


def model(folder: Path, every: int) -> dict[str, Counter[str]]:
    file = dense_file(folder / "m.keras")

    def converted() -> bytes:
        convert(file, folder / "out", registry=REGISTRY)
        return answer(folder / "out")

    return {"model": flips(file, converted, every)}


def bundle(folder: Path, every: int) -> dict[str, Counter[str]]:
    convert(dense_file(folder / "m.keras"), folder / "out", registry=REGISTRY)
    return {name: flips(folder / "out" / name, lambda: answer(folder / "out"), every) for name in (GRAPH, WEIGHTS)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.bits")
    parser.add_argument("target", choices=["bundle", "model"])
    parser.add_argument("--every", type=int, default=1, help="flip one bit of so many")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for name, found in {"model": model, "bundle": bundle}[options.target](Path(folder), options.every).items():
            print(f"{name}: {found.total():,} bits flipped; " + ", ".join(f"{n:,} {k}" for k, n in found.items()))


if __name__ == "__main__":
    main()
