"""The stored list of what Keras can save is that of the Keras that is installed."""

from __future__ import annotations

import pytest

from tests import keras_names

pytestmark = pytest.mark.oracle


def test_the_stored_names_are_those_of_keras() -> None:
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    stored, installed = keras_names.stored(), keras_names.installed()
    for kind in ("layers", "operations"):
        assert installed[kind] == stored[kind], "write the list anew: python -m tests.keras_names"
