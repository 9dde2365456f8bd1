"""The one error of the HDF5 reader."""

from __future__ import annotations

from kconvert_schemas.errors import ModelFileError


class HDF5Error(ModelFileError):
    """An HDF5 file is damaged, or holds something that is not read: what, and where. A clause, without a full stop."""
