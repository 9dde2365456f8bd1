"""`training=True` in the calls of a model is refused where it makes a difference."""

from __future__ import annotations

from typing import Any

import pytest

from kconvert import Unsupported, training
from kconvert.modelspec import build_layer
from kconvert.plugins import load_registry
from tests.helpers import layer_config

REGISTRY = load_registry()[0]
DROPS = layer_config("Dropout", "inner", rate=0.5)
KEEPS = layer_config("Dropout", "inner", rate=0.0)


def refuse(class_name: str, config: dict[str, Any]) -> None:
    layer = build_layer(layer_config(class_name, "layer", **config), "layer", "layers/layer")
    training.refuse(layer, REGISTRY.handlers[layer.key], True)


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("Dropout", {"rate": 0.5}),
        ("GaussianNoise", {"stddev": 0.1}),
        ("LSTM", {"dropout": 0.0, "recurrent_dropout": 0.1}),
        ("BatchNormalization", {}),
        ("SpectralNormalization", {"layer": KEEPS}),
        ("TimeDistributed", {"layer": DROPS}),
        ("TimeDistributed", {"layer": {"class_name": "Dense", "config": {"units": 3}}}),
        ("Bidirectional", {"layer": KEEPS, "backward_layer": DROPS}),
    ],
)
def test_refused(class_name: str, config: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="training=True"):
        refuse(class_name, config)


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("Dropout", {"rate": 0.0}),
        ("LSTM", {"dropout": 0.0, "recurrent_dropout": 0}),
        ("BatchNormalization", {"trainable": False}),
        ("TimeDistributed", {"layer": KEEPS}),
        ("Dense", {"units": 3}),
    ],
)
def test_without_effect(class_name: str, config: dict[str, Any]) -> None:
    refuse(class_name, config)
