"""What reading a model file may cost: every limit in one place, with the setting that raises it.

Files that Keras writes stay far below all of them; they stop files that were made to exhaust time or memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace

from kconvert_schemas.limits import changes

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a model file may ask for.

    file_size: bytes of one file. zip_members: how many members a zip may have. zip_expansion: how many times larger
    than the archive a compressed member may become, beyond 256 MB that every archive is allowed.
    config_size: bytes of a config (JSON). assets_size: bytes of all vocabularies and the like together.
    json_depth: how deep JSON may be nested. json_digits: of a whole number in JSON. name_length: letters of the name of
    a layer. calls: of layers and operations, those of nested models counted each time they are called.
    nodes: of the graph that a file becomes.
    hdf5_metadata: bytes of HDF5 headers, indexes and texts that are parsed, each as often as it is parsed.
    hdf5_expansion: how many times larger than the file all unpacked chunks of HDF5 data may be together, beyond 64 MB.
    hdf5_depth: how deep HDF5 groups may be nested.
    """

    file_size: int = 64 << 30
    zip_members: int = 10_000
    zip_expansion: int = 20
    config_size: int = 16 * MB
    assets_size: int = 64 * MB
    json_depth: int = 200
    json_digits: int = 20
    name_length: int = 1_000
    calls: int = 60_000
    nodes: int = 50_000
    hdf5_metadata: int = 64 * MB
    hdf5_expansion: int = 200
    hdf5_depth: int = 64


DEFAULT = Limits()
_IN_FORCE: ContextVar[Limits] = ContextVar("limits", default=DEFAULT)


def current() -> Limits:
    """Return the limits in force."""
    return _IN_FORCE.get()


@contextmanager
def in_force(limits: Limits) -> Iterator[None]:
    """Let other limits hold within the block."""
    token = _IN_FORCE.set(limits)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def parse_limits(settings: Iterable[str]) -> Limits:
    """Return the limits with changes such as 'json_depth=500' or 'file_size=none'; InputError for others."""
    return replace(DEFAULT, **changes(settings, list(asdict(DEFAULT))))
