"""Packages that are found without being installed: a folder on the path with a hand-made dist-info."""

from __future__ import annotations

from pathlib import Path

LAYERS = """
from kconvert import hookimpl

@hookimpl
def register_layers(register):
    register({names!r}, lower)

def lower(call, emit):
    "Hand on x."
    return call.x
"""


def layers(*names: str) -> str:
    """Source of a plugin module that converts classes to nothing."""
    return LAYERS.format(names=list(names))


def write(folder: Path, name: str, entry_points: str, version: str = "1.0", **modules: str) -> Path:
    """Write a package: its modules, METADATA and entry_points.txt."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    return folder
