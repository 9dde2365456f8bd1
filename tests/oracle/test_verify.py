"""`kbundle verify` beside Keras: what agrees, and that a wrong kernel is found and named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_runtime.registry import KERNELS
from tests.cases import CASES
from tests.cli.conftest import Run, run
from tests.golden_files import read
from tests.keras_models import randomize

__all__ = ["run"]
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


def build(folder: Path) -> Path:
    """A network with padding and masks, a nested model, convolutions of an open length, and a wrapped layer."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    start = layers.Input((None, 4))
    conv = layers.Conv1D(4, 3, padding="same", name="conv")
    inner = keras.Sequential([start, conv, layers.Dense(3, "sigmoid", name="gate")], name="inner")
    ids = layers.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(11, 5, mask_zero=True, name="embedding")(ids)
    x = layers.LSTM(4, return_sequences=True, name="lstm")(x)
    x = inner(x)
    x = layers.TimeDistributed(layers.Dense(3, "tanh"), name="each")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    model = keras.Model(ids, layers.Dense(2, "softmax", name="classes")(x + 1))
    randomize(model)
    model.save(folder / "m.keras")
    kconvert.convert(folder / "m.keras", folder / "out")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield build(tmp_path_factory.mktemp("made"))


def test_it_agrees_and_is_recorded(run: Run, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # a narrow terminal breaks long paths
    done = run("kbundle", "verify", made / "out", "--against", made / "m.keras", "--record")
    assert done.code == 0, done
    assert "Every layer agrees with Keras" in done.out
    assert "inner/gate" in done.out
    assert "recorded" in done.err
    assert run("krun", made / "out", "--selftest").code == 0


@pytest.mark.parametrize(
    ("op", "named"), [("sigmoid", "inner/gate"), ("conv", "inner/conv"), ("softmax", "classes"), ("lstm", "lstm")]
)
def test_a_wrong_kernel_is_named(run: Run, made: Path, monkeypatch: Any, op: str, named: str) -> None:
    right = KERNELS[op]

    def wrong(*arrays: Any, **attrs: Any) -> Any:
        result = right(*arrays, **attrs)
        off = np.float32(1.001)
        return tuple(part * off for part in result) if isinstance(result, tuple) else result * off

    monkeypatch.setitem(KERNELS, op, wrong)
    done = run("kbundle", "verify", made / "out", "--against", made / "m.keras", "--json")
    data = json.loads(done.out)
    assert (done.code, data["holds"], data["first_divergence"]) == (1, False, named)


def test_given_inputs_come_first(run: Run, made: Path) -> None:
    np.save("ids.npy", np.array([[1, 2, 0], [0, 0, 0]]))
    done = run("kbundle", "verify", made / "out", "--against", made / "m.keras", "--inputs", "ids.npy", "--json")
    assert done.code == 0, done
    assert json.loads(done.out)["cases"][:2] == ["given", "ordinary"]


def test_another_model_does_not_pass(run: Run, made: Path) -> None:
    case = CASES["models"][0]
    file, _ = read(case, "models", Path())
    kconvert.convert(file, "other")
    done = run("kbundle", "verify", "other", "--against", made / "m.keras")
    assert done.code == 1
    assert "is not the file that" in done.err
    Path("broken.keras").write_bytes(b"PK\x03\x04 nothing")
    assert "Keras cannot load" in run("kbundle", "verify", "other", "--against", "broken.keras").complaint


@pytest.mark.parametrize("family", ["models", "networks_sequences", "networks_images"])
def test_stored_models_agree(run: Run, family: str) -> None:
    for case in CASES[family][::5]:
        file, _ = read(case, family, Path())
        kconvert.convert(file, "out")
        done = run("kbundle", "verify", "out", "--against", file)
        assert done.code == 0, f"{case.name}: {done}"
