"""The bundle on disk: graph.json and weights.npz in a folder, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .check import check
from .codec import decode, encode
from .dtypes import Array
from .errors import BundleError, BundleNotFound, OutputError, show
from .graph import Graph
from .npz import from_storage, read_npz, to_storage, write_npz

GRAPH = "graph.json"
WEIGHTS = "weights.npz"


def write_bundle(folder: Path, graph: Graph, weight: Callable[[str], Array]) -> None:
    """Write a bundle atomically: into a temporary sibling folder, synced, then renamed.

    `weight` gives the values of a weight by name; it is asked for one at a time. An existing bundle is
    replaced whole; anything else that stands at `folder` is left alone and raises OutputError.
    """
    text = dump(encode(check(graph)))
    require_writable(folder)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _write(temporary / GRAPH, lambda file: file.write(text.encode("utf-8")))
        stored = ((name, to_storage(weight(name), w.type.dtype)) for name, w in sorted(graph.weights.items()))
        _write(temporary / WEIGHTS, lambda file: write_npz(file, stored))
        temporary.chmod(0o755)
        _sync(temporary)
        _replace(temporary, folder)
        _sync(folder.parent)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_writable(folder: Path) -> None:
    """Raise OutputError unless `folder` is absent or a bundle, and its parent is a folder."""
    if not folder.parent.is_dir():
        raise OutputError(
            f"{show(folder)} cannot be written: there is no folder {show(folder.parent)}; create it first."
        )
    if os.path.lexists(folder) and not is_bundle(folder):
        raise OutputError(
            f"{show(folder)} exists and is not a kconvert bundle, so it is left alone. "
            "Name a folder that does not exist yet, or an existing bundle to replace."
        )


def is_bundle(folder: Path) -> bool:
    """Tell whether `folder` is a folder that holds a bundle and nothing else."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    names = {entry.name for entry in folder.iterdir()}
    return GRAPH in names and names <= {GRAPH, WEIGHTS, "selftest.npz"}


def read_bundle(folder: str | os.PathLike[str]) -> tuple[Graph, Mapping[str, Array]]:
    """Return the checked graph of a bundle and its weights, mapped into memory and read-only.

    Raises BundleNotFound when there is none, BundleError or GraphError when it is not as FORMAT.md says.
    """
    path = Path(folder)
    if not (path / GRAPH).is_file() or not (path / WEIGHTS).is_file():
        raise BundleNotFound(
            f"There is no kconvert bundle at {show(path)}: expected a folder with {GRAPH} and {WEIGHTS}. "
            "Make one with `kconvert MODEL OUT`."
        )
    graph = check(decode(load_json((path / GRAPH).read_bytes(), GRAPH)))
    stored = read_npz(path / WEIGHTS)
    if stored.keys() != graph.weights.keys():
        names = sorted(stored.keys() ^ graph.weights.keys())
        shown = ", ".join(map(show, names[:5]))
        raise BundleError(f"graph.json and weights.npz do not name the same weights: {shown}.")
    return graph, {name: from_storage(stored[name], w.type, name) for name, w in graph.weights.items()}


def load_json(data: bytes, name: str) -> Any:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN; raises BundleError naming the file."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BundleError(f"{name} is not valid JSON: {error}.") from error


def dump(data: Mapping[str, Any]) -> str:
    """Write the JSON of a bundle for people: one line for each node, value, weight and layer."""
    lines = []
    for key, value in data.items():
        if isinstance(value, (dict, list)) and key not in ("source", "opsets"):
            lines.append(f" {json.dumps(key)}: {_block(value)}")
        else:
            lines.append(f" {json.dumps(key)}: {_line(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _block(value: Any) -> str:
    if isinstance(value, list):
        entries = [_line(item) for item in value]
        return "[\n  " + ",\n  ".join(entries) + "\n ]" if entries else "[]"
    entries = [f"{_line(key)}: {_line(item)}" for key, item in value.items()]
    return "{\n  " + ",\n  ".join(entries) + "\n }" if entries else "{}"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(f"{show(folder)} cannot be written: {error.strerror or error}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _write(path: Path, fill: Callable[[Any], object]) -> None:
    with path.open("xb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(temporary: Path, folder: Path) -> None:
    """Put the finished folder in place; an old bundle steps aside first and is deleted last."""
    if not folder.exists():
        temporary.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    try:
        folder.rename(old / folder.name)
        try:
            temporary.rename(folder)
        except OSError:
            (old / folder.name).rename(folder)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
