"""What TensorFlow writes: checkpoints of weights, and SavedModels."""

from __future__ import annotations

from pathlib import Path

from kconvert_schemas.errors import ModelFileError, show

from ..parts import Parts


def checkpoint_prefix(path: Path) -> Path | None:
    """Return the prefix of the files of a checkpoint; None for a path that is not one."""
    return None


def read_checkpoint(prefix: Path) -> Parts:
    """Read the weights in a checkpoint."""
    raise ModelFileError(f"{show(prefix)} is a checkpoint of TensorFlow.")


def read_saved_model(path: Path) -> Parts:
    """Read a SavedModel."""
    raise ModelFileError(
        f"{show(path)} is a folder; expected a model file. For a SavedModel, load it with Keras and "
        "`model.save('model.keras')`."
    )
