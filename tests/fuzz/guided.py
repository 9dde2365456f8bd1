"""`python -m tests.fuzz.guided TARGET --seconds N`: damage files where that reaches new code; needs atheris.

Atheris (libFuzzer for Python) starts from the corpus of `tests.fuzz.corpus`, keeps what reaches new lines, and stops
with the input that breaks something. TARGETS: hdf5, npz, codec, bundle (load, plan and run), plan (the same for single
ops with extreme attributes) and model (config to graph).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import atheris

MEMORY, SLOWEST, LONGEST = 2048, 10, 100_000
"""Megabytes, seconds of one input, and its bytes."""
Target = Callable[[bytes], None]


def hdf5() -> Target:
    from tests.fuzz import hdf5

    return lambda data: hdf5.read_all(data) and None


def npz() -> Target:
    from kconvert_schemas import KconvertError
    from kconvert_schemas.bundle import WEIGHTS
    from kconvert_schemas.npz import read_npz

    folder = Path(tempfile.mkdtemp())

    def read(data: bytes) -> None:
        (folder / WEIGHTS).write_bytes(data)
        with contextlib.suppress(KconvertError):
            read_npz(folder / WEIGHTS, LONGEST)

    return read


def codec() -> Target:
    from kconvert_schemas import KconvertError, check
    from kconvert_schemas.bundle import GRAPH, load_json
    from kconvert_schemas.codec import decode

    def read(data: bytes) -> None:
        with contextlib.suppress(KconvertError, RecursionError):
            check(decode(load_json(data, GRAPH)))

    return read


def bundle() -> Target:
    from random import Random

    from kconvert_runtime import load
    from kconvert_schemas import KconvertError
    from kconvert_schemas.bundle import GRAPH, WEIGHTS
    from tests.fuzz import bundle, corpus

    folder = Path(tempfile.mkdtemp())

    def run(data: bytes) -> None:
        for name, part in zip((GRAPH, WEIGHTS), corpus.parted(data), strict=True):
            (folder / name).unlink(missing_ok=True)  # what is mapped stays as it was
            (folder / name).write_bytes(part)
        with contextlib.suppress(KconvertError):
            bundle.run(load(folder, limits=bundle.LIMITS), Random(0))

    return run


def model() -> Target:
    from kconvert.api import convert
    from kconvert_schemas import KconvertError
    from tests.fuzz import model
    from tests.hdf5.files import written

    nothing, file = written(lambda file: None, "earliest"), Path(tempfile.mkdtemp()) / "m.keras"

    def run(data: bytes) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("config.json", data)
            archive.writestr("model.weights.h5", nothing)
        file.write_bytes(buffer.getvalue())
        with contextlib.suppress(KconvertError):
            convert(file, None, dry_run=True, registry=model.REGISTRY)

    return run


ALL = ["kconvert", "kconvert_plugins", "kconvert_runtime", "kconvert_schemas"]
TARGETS: dict[str, tuple[Callable[[], Target], list[str]]] = {
    "hdf5": (hdf5, ["kconvert.hdf5"]),
    "npz": (npz, ["kconvert_schemas"]),
    "codec": (codec, ["kconvert_schemas"]),
    "bundle": (bundle, ["kconvert_runtime", "kconvert_schemas"]),
    "plan": (bundle, ["kconvert_runtime", "kconvert_schemas"]),
    "model": (model, ALL),
}
"""What makes each target, and the packages whose lines count: all takes a minute to begin."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="a folder to keep what reaches new code in, for the next run")
    options = parser.parse_args()
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="corpus-"))
    # in a process of its own, as only what is imported afterwards is instrumented
    subprocess.run([sys.executable, "-m", "tests.fuzz.corpus", options.target, str(corpus)], check=True)
    make, packages = TARGETS[options.target]
    with atheris.instrument_imports(include=packages):
        target = make()
    warnings.simplefilter("ignore")
    flags = [f"-max_total_time={options.seconds}", f"-rss_limit_mb={MEMORY}", f"-timeout={SLOWEST}"]
    flags += [
        f"-max_len={LONGEST}",
        f"-artifact_prefix={tempfile.gettempdir()}/",
    ]  # for what breaks it
    atheris.Setup([sys.argv[0], *flags, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
