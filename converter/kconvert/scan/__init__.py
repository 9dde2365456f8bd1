"""What a model file would do to someone who loads it with Keras.

Nothing is loaded to find out: files are read as data, with the limits and the readers of a conversion.
"""

from __future__ import annotations

from .configs import Danger, scan_config
from .files import scan

__all__ = ["Danger", "scan", "scan_config"]
