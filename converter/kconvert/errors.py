"""What can stop the conversion of one layer; the lowering collects these and reports them together."""

from __future__ import annotations

from kconvert_schemas.errors import ConversionError, ModelFileError, OutputError, PluginError

__all__ = ["ConversionError", "ModelFileError", "OutputError", "PluginError", "Unsupported"]


class Unsupported(Exception):
    """Raised by a layer's plugin for a setting it cannot convert exactly: what, and what to do."""
