"""What reading a model file may cost: every limit in one place, with the setting that raises it."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a model file may ask for. Files that Keras writes stay far below all of them.

    hdf5_metadata: bytes of HDF5 headers, indexes and text that are parsed, each as often as it is parsed.
    hdf5_expansion: how many times larger than the file all unpacked chunks of HDF5 data may be together.
    hdf5_depth: how deep HDF5 groups may be nested.
    """

    hdf5_metadata: int = 64 * MB
    hdf5_expansion: int = 200
    hdf5_depth: int = 64


DEFAULT = Limits()
