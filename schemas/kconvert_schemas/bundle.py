"""The bundle on disk: graph.json and weights.npz in a folder, written whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from .check import check
from .codec import decode, encode
from .dtypes import Array
from .errors import BundleError, BundleNotFound, OutputError, cut, show
from .graph import Graph
from .limits import current
from .npz import WEIGHTS, from_storage, list_limit, read_npz, to_storage, write_npz
from .replacing import put
from .strict_json import Bounds, parse

GRAPH = "graph.json"
SELFTEST = "selftest.npz"
ATTEMPTS = 100
"""How often a folder is looked at again that another process replaced meanwhile."""


def write_bundle(folder: Path, graph: Graph, weight: Callable[[str], Array]) -> None:
    """Write a bundle atomically: into a temporary sibling folder, synced, then renamed.

    `weight` gives the values of a weight by name; it is asked for one at a time. An existing bundle is
    replaced whole; anything else that stands at `folder` is left alone and raises OutputError.
    """
    graph = check(graph)
    require_writable(folder)
    try:
        with _beside(folder) as temporary:
            stored = ((name, to_storage(weight(name), w.type.dtype)) for name, w in sorted(graph.weights.items()))
            _write(temporary / WEIGHTS, lambda file: write_npz(file, stored))
            text = dump(encode(replace(graph, weights_sha256=_digest(temporary / WEIGHTS))))
            _write(temporary / GRAPH, lambda file: file.write(text.encode("utf-8")))
            temporary.chmod(0o755)
            _sync(temporary)
            put(temporary, folder, lambda: require_writable(folder))
            _sync(folder.parent)
    except OSError as error:
        raise _unwritable(folder, error) from error


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Give a temporary folder in that of `folder`, which is removed in the end if it is still there."""
    from shutil import rmtree
    from tempfile import mkdtemp  # only now: reading needs none of what it imports

    temporary = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield temporary
    finally:
        rmtree(temporary, ignore_errors=True)


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
    for _ in range(ATTEMPTS):
        before = _identity(folder)
        if folder.is_symlink() or not folder.is_dir():
            return False
        names = {entry.name for entry in folder.iterdir()}
        if GRAPH in names and names <= {GRAPH, WEIGHTS, SELFTEST}:
            return True
        if _identity(folder) == before:
            break
    return False


def add_file(folder: Path, name: str, fill: Callable[[Any], object]) -> None:
    """Put one more file into a bundle, or another in its place: written beside the bundle, synced, renamed."""
    try:
        with _beside(folder.resolve()) as temporary:
            _write(temporary / name, fill)
            (temporary / name).replace(folder / name)
            _sync(folder)
    except OSError as error:
        raise _unwritable(folder / name, error) from error


def read_bundle(folder: str | os.PathLike[str], *, verify: bool = False) -> tuple[Graph, Mapping[str, Array]]:
    """Return the checked graph of a bundle and its weights, mapped into memory and read-only.

    Both files are opened in one folder before either is read, so that they belong together even while the bundle is
    replaced. verify: read all weights and compare them with the checksums in the bundle.
    Raises BundleNotFound when there is none, BundleError or GraphError when it is not as FORMAT.md says.
    """
    path = Path(folder)
    with _opened(path) as (graph_file, weights_file):
        try:
            graph = check(decode(load_json(graph_file.read(min(current().graph_size + 1, _size(graph_file))), GRAPH)))
        except RecursionError:
            raise BundleError("graph.json is nested too deep.") from None
        if verify:
            _verify(graph, weights_file)
        stored = read_npz(weights_file, list_limit(graph.weights))
    if stored.keys() != graph.weights.keys():
        names = sorted(stored.keys() ^ graph.weights.keys())
        shown = ", ".join(map(show, names[:5]))
        raise BundleError(f"graph.json and weights.npz do not name the same weights: {shown}.")
    strings = sum(stored[name].nbytes for name, w in graph.weights.items() if w.type.dtype == "string")
    if strings > current().strings_size:
        raise BundleError(f"weights.npz holds {strings} bytes of strings (limit strings_size).")
    return graph, {name: from_storage(stored[name], w.type, name) for name, w in graph.weights.items()}


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open both files of a bundle; only regular files."""
    with ExitStack() as stack:
        files = _both(path, stack)
        if not files or not all(stat.S_ISREG(os.fstat(file.fileno()).st_mode) for file in files):
            raise BundleNotFound(
                f"There is no kconvert bundle at {show(path)}: expected a folder with {GRAPH} and {WEIGHTS}. "
                "Make one with `kconvert MODEL OUT`."
            )
        yield files[0], files[1]


def _both(path: Path, stack: ExitStack) -> list[IO[bytes]]:
    """Open both files in one folder, again where that folder was replaced meanwhile; none where they are not there."""
    for _ in range(ATTEMPTS):
        before = _identity(path)
        try:
            opener = _in_folder(path, stack)
            return [stack.enter_context(open(name, "rb", opener=opener)) for name in (GRAPH, WEIGHTS)]
        except (FileNotFoundError, NotADirectoryError):
            if _identity(path) == before:
                break
    return []


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell one folder from another that took its name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _in_folder(path: Path, stack: ExitStack) -> Callable[[str, int], int]:
    """Return what opens files of the folder that stands at `path` now, whatever is renamed later."""
    flags = getattr(os, "O_NONBLOCK", 0)  # a pipe is opened, and refused, at once
    if os.open not in os.supports_dir_fd:
        return lambda name, mode: os.open(path / name, mode | flags)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, descriptor)
    return lambda name, mode: os.open(name, mode | flags, dir_fd=descriptor)


def _verify(graph: Graph, file: IO[bytes]) -> None:
    """Compare weights.npz with its SHA-256 in graph.json; where there is none, with the CRC of each member."""
    if graph.weights_sha256:
        if _sha256(file) != graph.weights_sha256:
            raise BundleError(
                f"{WEIGHTS} is not what {GRAPH} was written with: its SHA-256 differs. Convert the model again."
            )
        return
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError, zlib.error) as error:
        raise BundleError(f"{WEIGHTS} is not a readable zip file ({error}). Convert the model again.") from error
    if damaged is not None:
        raise BundleError(f"{WEIGHTS}: the checksum of {show(damaged)} differs. Convert the model again.")


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return _sha256(file)


def _sha256(file: IO[bytes]) -> str:
    from hashlib import sha256  # only now: it loads a library of its own

    found = sha256()
    while block := file.read(1 << 20):
        found.update(block)
    return found.hexdigest()


def load_json(data: bytes, name: str) -> Any:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN, within the limits; raises BundleError naming the file."""
    limits = current()
    bounds = Bounds(limits.graph_size, limits.graph_depth, limits.graph_digits, ("graph_size", "graph_depth"))
    try:
        return parse(data, bounds, _no_constant)
    except ValueError as error:
        raise BundleError(f"{name} is not valid JSON: {cut(str(error))}.") from error


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
