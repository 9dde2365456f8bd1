"""The file of results, written after every model so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from kconvert_runtime import blas

PACKAGES = ("kconvert", "numpy", "keras", "tensorflow", "onnx", "onnxruntime", "tf2onnx", "ai-edge-litert", "openvino")


class Results:
    """Measurements by kind (speed, start-up ...) and name; `file` None keeps them in memory only."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.data: dict[str, Any] = {}
        if file is not None and file.exists():
            self.data = json.loads(file.read_text())

    def get(self, kind: str, name: str) -> Any:
        """Return what was measured, or None."""
        return self.data.get(kind, {}).get(name)

    def put(self, kind: str, name: str, found: Any) -> None:
        """Keep a measurement, and the machine on which it was made."""
        self.data["machine"] = machine()
        self.data.setdefault(kind, {})[name] = found
        if self.file is not None:
            new = self.file.with_suffix(".new")
            new.write_text(json.dumps(self.data, indent=1) + "\n")
            new.replace(self.file)


def machine() -> dict[str, str]:
    """Say what was measured on."""
    found = {"CPU": _processor(), "cores": str(os.cpu_count()), "system": f"{platform.system()} {platform.machine()}",
             "Python": platform.python_version()}  # fmt: skip
    if blas.core():
        found["NumPy's BLAS"] = f"OpenBLAS with kernels for {blas.core()}"
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        facts = dict(line.partition(":")[::2] for line in info.read_text().splitlines() if ":" in line)
        known = {key.strip(): value.strip() for key, value in facts.items()}
        if name := known.get("model name"):
            return " ".join([name, *(f"{key} {known[key]}" for key in ("cpu family", "model") if key in known)])
    return platform.processor() or platform.machine()
