"""What was measured last, variant by variant, in a file that docs/generate.py reads."""

from __future__ import annotations

import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.rounding import rounded_up

from .variants import VARIANTS, Variant

if TYPE_CHECKING:
    from .measure import Measurement

FILE = Path(__file__).with_name("results.json")
PACKAGES = ("numpy", "keras", "tensorflow")


def key(variant: Variant) -> str:
    """Return what a variant is called in the file: one network may be measured at several sizes."""
    return f"{variant.name} at {variant.size or 'its default'}"


def load() -> dict[str, Any]:
    """Return the file's content: the results by `key`, and where the last of them was measured."""
    empty: dict[str, Any] = {"machine": {}, "results": {}}
    return json.loads(FILE.read_text()) if FILE.exists() else empty


def store(variant: Variant, found: Measurement) -> None:
    """Add the result of one variant, or replace it; the file keeps the order of the table of variants."""
    known = load()["results"]
    known[key(variant)] = {
        "size": found.size,
        "parameters": found.parameters,
        "nodes": found.nodes,
        "bytes": found.bytes,
        "seconds": round(found.seconds, 1),
        "error": rounded_up(found.error),
    }
    ordered = {key(variant): known[key(variant)] for variant in VARIANTS if key(variant) in known}
    FILE.write_text(json.dumps({"machine": machine(), "results": ordered}, indent=1) + "\n")


def machine() -> dict[str, str]:
    """Say when, where and with what the measuring was done."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = f"{names[0]}, {len(names)} cores" if names else platform.machine()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor,
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }
