"""The good files that damage starts from, the same for random and for guided fuzzing; made from the golden models.

`python -m tests.fuzz.corpus TARGET FOLDER` writes them as files. They follow from the golden files, so none is kept.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.fuzz import bundle, hdf5, model, ops

EVERY = 5
"""One of so many golden models is a seed of guided fuzzing, which goes through all of them first."""
OPS = range(0, 6000, 40)


def configs() -> Iterator[bytes]:
    for data in model.seeds()[::EVERY]:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive.read("config.json")


def bundles() -> Iterator[tuple[bytes, bytes]]:
    """Graphs and weights."""
    for i in range(0, len(model.seeds()), EVERY):
        found = bundle.bundle(i)
        if found is not None:
            yield found[0].encode(), found[1]


def joined(graph: bytes, weights: bytes) -> bytes:
    """A bundle as one string of bytes, for `parted` to take apart."""
    return len(graph).to_bytes(4, "little") + graph + weights


def parted(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:4], "little")
    return data[4 : 4 + size], data[4 + size :]


def single_ops() -> Iterator[bytes]:
    for seed in OPS:
        graph, weights, _ = ops.written(*ops.chosen(seed), Random(seed))
        yield joined(graph, weights)


TARGETS: dict[str, Callable[[], Iterator[bytes]]] = {
    "hdf5": lambda: iter(hdf5.seeds()),
    "npz": lambda: (weights for _, weights in bundles()),
    "codec": lambda: (graph for graph, _ in bundles()),
    "bundle": lambda: (joined(*one) for one in bundles()),
    "plan": single_ops,
    "model": configs,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.corpus")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    for number, data in enumerate(TARGETS[options.target]()):
        (options.folder / f"seed-{number:04}").write_bytes(data)


if __name__ == "__main__":
    main()
