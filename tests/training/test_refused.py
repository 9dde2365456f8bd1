"""Layers that act in training alone, and are not followed, are known as such."""

from __future__ import annotations

import kconvert_plugins.augmentation
from kconvert.penalties import RANDOM


def test_every_layer_of_augmentation_is_refused() -> None:
    """All that the module registers hands images on when running, and changes them in training."""
    registered: list[str] = []

    def register(names: object, *args: object, **kwargs: object) -> None:
        registered.extend(names if isinstance(names, list) else [str(names)])

    kconvert_plugins.augmentation.register_layers(register)
    assert {name.removeprefix("keras.layers.") for name in registered} == set(RANDOM)
