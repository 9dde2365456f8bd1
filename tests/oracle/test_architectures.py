"""One small network of each family of keras.applications; `python -m tests.architectures` compares them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import kconvert
from kconvert_schemas.errors import ConversionError
from tests.architectures.measure import TOLERANCE, measure
from tests.architectures.variants import VARIANTS, Variant

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore"),  # Keras and TensorFlow warn about themselves
]


@pytest.mark.parametrize("variant", [pytest.param(v, id=v.name) for v in VARIANTS if v.small])
def test_network(variant: Variant, tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    assert measure(variant, tmp_path).error <= TOLERANCE


def test_every_family_is_tested() -> None:
    assert {v.family for v in VARIANTS} == {v.family for v in VARIANTS if v.small}


def test_every_network_of_keras_is_in_the_table() -> None:
    keras = pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    public = {name for name in dir(keras.applications) if name[0].isupper()}
    assert public == {v.function for v in VARIANTS}


def test_sampling_is_refused(tmp_path: Path) -> None:
    """The layer of a variational autoencoder that draws random numbers is the author's own Python."""
    keras = pytest.importorskip("keras", reason="needs the dependency group 'oracle'")

    class Sampling(keras.layers.Layer):  # type: ignore[misc,name-defined]
        def call(self, inputs: Any) -> Any:
            mean, log_variance = inputs
            return mean + keras.ops.exp(0.5 * log_variance) * keras.random.normal(keras.ops.shape(mean))

    start = keras.Input((4,))
    mean, log_variance = keras.layers.Dense(2)(start), keras.layers.Dense(2)(start)
    model = keras.Model(start, keras.layers.Dense(4)(Sampling(name="draw")([mean, log_variance])))
    with pytest.raises(ConversionError, match="'draw': no plugin converts the layer class 'Sampling'"):
        kconvert.convert(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()
