"""`training` in the calls of a model: where it makes no difference, and the refusal where it does.

Keras hands the argument down to everything that is called within, over what stands there: a model called with
training=False calls none of its layers with True.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import Unsupported
from .registry import Handler
from .spec import LayerSpec

CHANCES = ("rate", "dropout", "recurrent_dropout", "stddev")
"""Settings of Keras' layers that are all that training changes in them; with 0 it changes nothing."""
INNER = {"Bidirectional": ("layer", "backward_layer"), "RNN": ("cell",), "TimeDistributed": ("layer",)}
"""Layers that only hand it on -> the settings with those that they hand it to."""
BUILT_IN = "keras.layers."


def handed_down(training: bool | None, layer: LayerSpec, handler: Handler | None, kwargs: Mapping[str, Any]) -> Any:
    """Return the keyword arguments of a call within a model that is called with `training`."""
    takes = layer.model is not None or (handler is not None and "training" in handler.arguments)
    return {**kwargs, "training": training} if takes and training is not None else kwargs


def of_model(args: Sequence[Any], kwargs: Mapping[str, Any], outer: bool | None) -> bool | None:
    """Return what a nested model is called with: (inputs, training, mask); as what is around it if it does not say."""
    given = kwargs.get("training", args[1] if len(args) > 1 else None)
    return outer if given is None else bool(given)


def of_layer(handler: Handler, arguments: Mapping[str, Any], outer: bool | None) -> bool | None:
    """Return what a layer is called with, which is what is around it if its call does not say.

    What stands in the call of a layer whose handler knows no `training` was put there by Keras, not by who built the
    model: a Pipeline and the layers of augmentation record their default, True, which `predict` overrides with False.
    """
    given = arguments.get("training") if "training" in handler.arguments else None
    return outer if given is None else bool(given)


def refuse(layer: LayerSpec, handler: Handler, training: bool | None) -> None:
    """Raise Unsupported for a layer that the model itself calls as in training, where that makes a difference."""
    if training and "training" in handler.arguments and not _unchanged(layer.key, layer.config):
        raise Unsupported(
            "the model calls it with training=True, so that it is random or changes when run; build the model "
            "without that argument"
        )


def _unchanged(key: str, config: Mapping[str, Any]) -> bool:
    """Whether a layer of Keras does in training what it does when run."""
    name = key.removeprefix(BUILT_IN)
    if not key.startswith(BUILT_IN):
        return False
    if name == "BatchNormalization":
        return config.get("trainable") is False
    if name in INNER:
        found = [config.get(setting) for setting in INNER[name]]
        return all(_inner_unchanged(inner) for inner in found if inner is not None)
    chances = [config[setting] for setting in CHANCES if setting in config]
    return bool(chances) and not any(chances)


def _inner_unchanged(inner: Any) -> bool:
    if not isinstance(inner, Mapping) or not isinstance(inner.get("config"), Mapping):
        return False
    return _unchanged(f"{BUILT_IN}{inner.get('class_name')}", inner["config"])
