"""Results as JSON files: one for each network, twin and timing, so that the report needs no training."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("kconvert", "numpy", "keras", "tensorflow")


def read_json(path: Path) -> Any:
    """What the file at `path` holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` whole or not at all, so that an interrupted run leaves no half of a result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def read_all(folder: Path) -> dict[str, Any]:
    """Every result in `folder` by its name: lstm-64, twin-lstm-64, time-lstm-64, ..."""
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def digits(classes: np.ndarray) -> str:
    """Class numbers (all below 10) as a string, a digit each."""
    return "".join(map(str, classes.tolist()))


def classes(text: str) -> np.ndarray:
    """The class numbers that `digits` wrote."""
    return np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - ord("0")


def machine() -> dict[str, Any]:
    """The machine and the versions that a result was made with."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    """The processor's name where Linux tells it; `platform` knows no more than its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
