"""What TensorFlow writes: checkpoints of weights, and SavedModels; read without it."""

from __future__ import annotations

from .checkpoint import checkpoint_prefix, read_checkpoint
from .saved_model import read_saved_model

__all__ = ["checkpoint_prefix", "read_checkpoint", "read_saved_model"]
