"""Every class of keras.layers and every operation that Keras can save is converted, or refused with a reason."""

from __future__ import annotations

import pytest

from kconvert.plugins import load_registry
from tests import keras_names
from tests.helpers import needs_docstrings

REGISTRY, _ = load_registry(points=())
NAMES = keras_names.stored()
LAYERS = [f"keras.layers.{name}" for name in NAMES["layers"]]
OPERATIONS = [f"keras.ops.{name}" for name in NAMES["operations"]]
LEAST_WORDS = 4


def test_the_list_is_whole() -> None:
    assert len(LAYERS) > 140
    assert len(OPERATIONS) > 300


@pytest.mark.parametrize("names", [LAYERS, OPERATIONS], ids=["layers", "operations"])
def test_nothing_is_left_out(names: list[str]) -> None:
    missing = [name for name in names if name not in REGISTRY.handlers and name not in REGISTRY.refusals]
    assert not missing, "neither converted nor refused"


def test_refusals_are_sentences() -> None:
    short = {name: reason for name, (reason, _) in REGISTRY.refusals.items() if len(reason.split()) < LEAST_WORDS}
    assert not short


@needs_docstrings
def test_every_handler_says_what_it_computes() -> None:
    silent = [name for name in (*LAYERS, *OPERATIONS) if name in REGISTRY.handlers and not REGISTRY.handlers[name].doc]
    assert not silent
