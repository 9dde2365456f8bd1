"""`kbundle verify`: a bundle beside the Keras model that it was made from, layer by layer.

Keras is loaded here, through `keras_side`, and nothing else of it is imported anywhere.
"""

from __future__ import annotations

from .compare import Comparison, Outcome, verify
from .inputs import Case, make_cases
from .keras_side import KerasModel

__all__ = ["Case", "Comparison", "KerasModel", "Outcome", "make_cases", "verify"]
