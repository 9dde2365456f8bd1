"""Checkpoints: `save_weights('name')` of Keras 2, or TensorFlow's own; files name.index, name.data-00000-of-00001."""

from __future__ import annotations

import re
from pathlib import Path

from ..parts import Parts
from . import protobuf
from .bundle import INDEX, Bundle
from .layers import finder
from .object_graph import read_object_graph
from .sstable import FOOTER, is_table

DATA = re.compile(r"\.data-\d{5}-of-\d{5}$")
LATEST = re.compile(r'^model_checkpoint_path: "([^"/\\]+)"$', re.MULTILINE)


def checkpoint_prefix(path: Path) -> Path | None:
    """Return what the files of a checkpoint have in common, given that, one of them, or their folder; else None."""
    if path.is_dir():
        return _latest(path)
    name = DATA.sub("", path.name.removesuffix(INDEX))
    index = path.with_name(name + INDEX)
    if not name or not index.is_file() or (path.exists() and path.name == name):
        return None
    with index.open("rb") as file:
        file.seek(max(0, index.stat().st_size - FOOTER))
        return path.with_name(name) if is_table(file.read()) else None


def _latest(folder: Path) -> Path | None:
    """Return the checkpoint that a folder's file `checkpoint` names, or the only one there."""
    named = folder / "checkpoint"
    if named.is_file() and named.stat().st_size < 1 << 20:
        latest = LATEST.search(named.read_text("utf-8", "replace"))
        if latest is not None:
            return checkpoint_prefix(folder / (latest[1] + INDEX))
    indices = list(folder.glob("*" + INDEX))
    return checkpoint_prefix(indices[0]) if len(indices) == 1 else None


@protobuf.budget()
def read_checkpoint(prefix: Path) -> Parts:
    """Read the weights in a checkpoint; ModelFileError for a damaged one, or one without Keras' layers."""
    bundle = Bundle(prefix)
    graph = read_object_graph(bundle)
    return Parts(prefix, "tensorflow checkpoint", find=finder(bundle, graph), files=bundle.files)
