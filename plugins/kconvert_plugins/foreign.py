"""Layers that hold programs of other libraries. Their classes are refused; what they hold is never looked at."""

from __future__ import annotations

from kconvert import Register, hookimpl

ADVICE = (
    "Rebuild the layer from layers and keras.ops, copy its weights into it, and convert that; or convert the parts of "
    "the model before it and behind it"
)
HELD = {
    "FlaxLayer": "a Flax module, as pickled Python",
    "JaxLayer": "JAX functions, as pickled Python",
    "TFSMLayer": "a TensorFlow SavedModel, which stands in a folder outside the file",
    "TorchModuleWrapper": "a PyTorch module, as pickled Python",
}


@hookimpl
def register_layers(register: Register) -> None:
    """Register the refusals."""
    register.refuse({f"keras.layers.{name}": f"it holds {what}. {ADVICE}" for name, what in HELD.items()})
