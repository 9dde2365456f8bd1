"""The weights of a bundle back into a copy of the model file that it came from.

`fitting.py` checks that the file is that of the bundle, by converting it once more; `places.py` finds where each number
of a weight stands in the file, by reading the file with numbers that say where they stand; `patching.py` writes.
"""

from __future__ import annotations

from .export import Exported, export

__all__ = ["Exported", "export"]
