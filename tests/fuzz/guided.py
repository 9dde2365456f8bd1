"""`python -m tests.fuzz.guided TARGET --seconds N`: damage files where that reaches new code; needs atheris.

Atheris (libFuzzer for Python) starts from a corpus of good files, keeps what reaches new lines, and stops with the
input that breaks something. TARGETS: hdf5, npz, codec, bundle (load, plan and run) and model (config to graph).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["kconvert", "kconvert_plugins", "kconvert_runtime", "kconvert_schemas"]):
    from kconvert.api import convert
    from kconvert_runtime import load
    from kconvert_schemas import KconvertError, check
    from kconvert_schemas.bundle import GRAPH, WEIGHTS, load_json
    from kconvert_schemas.codec import decode
    from kconvert_schemas.npz import read_npz
    from tests.fuzz import bundle, hdf5, model

MEMORY, SLOWEST = 2048, 10
"""Megabytes, and seconds of one input."""
BUNDLES = range(0, 400, 5)
"""Which golden models the corpus of bundles is made from."""


def read_hdf5(data: bytes) -> None:
    hdf5.read_all(data)


def read_weights(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KconvertError):
        (Path(folder) / WEIGHTS).write_bytes(data)
        read_npz(Path(folder) / WEIGHTS, 100_000)


def read_graph(data: bytes) -> None:
    with contextlib.suppress(KconvertError, RecursionError):
        check(decode(load_json(data, GRAPH)))


def run_bundle(data: bytes) -> None:
    """A graph beside the weights of one bundle of the corpus, which its first bytes choose."""
    weights = stored()[data[0] % len(stored())] if data else b""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KconvertError):
        (Path(folder) / GRAPH).write_bytes(data[1:])
        (Path(folder) / WEIGHTS).write_bytes(weights)
        bundle.run(load(folder, limits=bundle.LIMITS), Random(0))


def convert_model(data: bytes) -> None:
    """A config without weights: the graph that it becomes is planned as far as it goes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", data)
        archive.writestr("model.weights.h5", weights_of_nothing())
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KconvertError):
        (Path(folder) / "m.keras").write_bytes(buffer.getvalue())
        convert(Path(folder) / "m.keras", None, dry_run=True, registry=model.REGISTRY)


def bundles() -> list[tuple[str, bytes]]:
    found = (bundle.bundle(i) for i in BUNDLES if i < len(model.seeds()))
    return [one for one in found if one is not None]


def stored() -> list[bytes]:
    if not _STORED:
        _STORED.extend(weights for _, weights in bundles()[:256])
    return _STORED


def weights_of_nothing() -> bytes:
    if not _NOTHING:
        from tests.hdf5.files import written

        _NOTHING.append(written(lambda file: None, "earliest"))
    return _NOTHING[0]


_STORED: list[bytes] = []
_NOTHING: list[bytes] = []


def configs() -> Iterable[bytes]:
    for data in model.seeds()[::5]:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive.read("config.json")


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], Iterable[bytes]]]] = {
    "hdf5": (read_hdf5, hdf5.seeds),
    "npz": (read_weights, lambda: [weights for _, weights in bundles()]),
    "codec": (read_graph, lambda: [text.encode() for text, _ in bundles()]),
    "bundle": (run_bundle, lambda: [bytes([i]) + text.encode() for i, (text, _) in enumerate(bundles()[:256])]),
    "model": (convert_model, configs),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="a folder to keep what reaches new code in, for the next run")
    options = parser.parse_args()
    one, seeds = TARGETS[options.target]
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="corpus-"))
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    warnings.simplefilter("ignore")
    flags = [f"-max_total_time={options.seconds}", f"-rss_limit_mb={MEMORY}", f"-timeout={SLOWEST}", "-max_len=100000"]
    flags.append(f"-artifact_prefix={tempfile.gettempdir()}/")  # where the input is put that breaks something
    atheris.Setup([sys.argv[0], *flags, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
