"""`fit` on graphs made by hand: what it learns, gives back, repeats, and refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import Model, load
from kconvert_runtime.train import Adam, Callback, EarlyStopping, Loss, ReduceLROnPlateau, fit, save
from kconvert_schemas import InputError, Node, TensorType
from tests.helpers import make_graph

F = "float32"


def network(dropout: float = 0.0) -> Model:
    """x (?, 3) -> dropout -> dense of 2."""
    rng = np.random.default_rng(0)
    weights = {"dense/kernel": rng.normal(size=(3, 2)).astype(F), "dense/bias": np.zeros(2, F)}
    nodes = [
        Node("dropout", "drop", "drop", ("x",), ("d",), {"rate": dropout, "noise_shape": None}),
        Node("matmul", "matmul", "dense", ("d", "dense/kernel"), ("p",), {}),
        Node("add", "add", "dense", ("p", "dense/bias"), ("y",), {}),
    ]
    return Model(make_graph({"x": TensorType((None, 3), F)}, nodes, ["y"], weights), weights)


def line(rows: int = 40) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 3)).astype(F)
    return x, x @ np.array([[1, 2], [0, -1], [3, 0]], F) + 1


def test_it_learns_and_leaves_the_model_as_it_is(tmp_path: Path) -> None:
    model, (x, y) = network(), line()
    before = {name: w.copy() for name, w in model.weights.items()}
    found = fit(model, x, y, loss="mse", optimizer="sgd:learning_rate=0.1", epochs=60, batch_size=10)
    assert found.history["loss"][-1] < 1e-3 < found.history["loss"][0]
    np.testing.assert_allclose(found.model.weights["dense/bias"], [1, 1], atol=0.05)
    for name, w in before.items():
        np.testing.assert_array_equal(model.weights[name], w)
    save(found.model, tmp_path / "out")
    np.testing.assert_array_equal(load(tmp_path / "out")(x), found.model(x))


def test_one_step_is_the_formula() -> None:
    """Gradient of the mean of squares by hand; SGD."""
    model, (x, y) = network(), line(4)
    found = fit(model, x, y, loss="mse", optimizer="sgd:learning_rate=0.5", batch_size=4)
    error = x @ model.weights["dense/kernel"] - y
    np.testing.assert_allclose(found.history["loss"], [np.square(error).mean()], rtol=1e-6)
    expected = model.weights["dense/kernel"] - 0.5 * x.T @ (2 * error / error.size)
    np.testing.assert_allclose(found.model.weights["dense/kernel"], expected, rtol=1e-5)


def test_the_seed_settles_everything() -> None:
    x, y = line()

    def trained(seed: int) -> Any:
        return fit(network(0.5), x, y, loss="mae", optimizer="adam", epochs=3, batch_size=7, seed=seed)

    one, same, other = trained(1), trained(1), trained(2)
    assert one.history == same.history != other.history
    np.testing.assert_array_equal(one.model.weights["dense/kernel"], same.model.weights["dense/kernel"])


def test_dropout_is_active_in_training_alone() -> None:
    x, y = line()
    found = fit(
        network(0.9), x, y, loss="mse", optimizer="sgd:learning_rate=0", batch_size=40, validation_data=(x, y), seed=3
    )
    (loss,), (held,) = found.history["loss"], found.history["val_loss"]
    assert held == pytest.approx(np.square(network()(x)[0] - y).mean(), rel=1e-5)
    assert abs(loss - held) > 0.1


def test_validation_split_takes_the_end() -> None:
    x, y = line(10)
    found = fit(network(), x, y, loss="mse", optimizer="sgd:learning_rate=0", validation_split=0.3)
    assert found.history["val_loss"][0] == pytest.approx(np.square(network()(x)[0] - y)[7:].mean(), rel=1e-5)
    assert found.history["loss"][0] == pytest.approx(np.square(network()(x)[0] - y)[:7].mean(), rel=1e-5)


def test_callbacks_stop_and_slow_down() -> None:
    x, y = line()

    class Best(Callback):
        def __init__(self) -> None:
            self.weights: list[Any] = []

        def on_epoch_end(self, training: Any, epoch: int, logs: Any) -> None:
            self.weights.append(training.weights["dense/kernel"].copy())

    best = Best()
    stop = EarlyStopping(monitor="loss", patience=2, restore_best_weights=True)
    slow = ReduceLROnPlateau(monitor="loss", patience=1, factor=0.5)
    optimizer = Adam(learning_rate=100.0)
    found = fit(network(), x, y, loss="mse", optimizer=optimizer, epochs=50, callbacks=[best, stop, slow])
    assert found.stopped is not None
    assert found.stopped < 49
    losses = found.history["loss"]
    assert len(losses) == found.stopped + 1
    np.testing.assert_array_equal(found.model.weights["dense/kernel"], best.weights[int(np.argmin(losses))])
    assert optimizer.learning_rate < 100
    assert found.history["learning_rate"][0] == 100


def test_layers_can_be_chosen() -> None:
    x, y = line()
    found = fit(network(), x, y, loss="mse", trainable_layers=["dense/bias"])
    np.testing.assert_array_equal(found.model.weights["dense/kernel"], network().weights["dense/kernel"])
    assert found.model.weights["dense/bias"].any()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"loss": "mse", "y": np.zeros((40, 5))}, "labels of the shape of the output"),
    ({"loss": "mse", "y": np.zeros((39, 2))}, "same number of rows"),
    ({"loss": "mean_square_error"}, "mean_squared_error"),
    ({"loss": "huber:gamma=2"}, "no setting 'gamma'. It has delta"),
    ({"loss": "mse", "optimizer": "adam:rate=1"}, "no setting 'rate'"),
    ({"loss": "mse", "optimizer": "adan"}, "There is no optimizer 'adan'"),
    ({"loss": "mse", "metrics": ["acuracy"]}, "There is no metric"),
    ({"loss": {"z": "mse"}}, "names the outputs 'z'"),
    ({"loss": "sparse_categorical_crossentropy"}, "class numbers"),
    ({"loss": "sparse_categorical_crossentropy", "y": np.full(40, 2)}, "The label 2 is no class"),
    ({"loss": "sparse_categorical_crossentropy", "y": np.r_[np.zeros(39, int), -1]}, "The label -1 is no class"),
    ({"loss": "sparse_categorical_crossentropy", "y": np.full(40, 0.5)}, "not whole"),
    ({"loss": "mse", "x": np.r_[np.zeros((39, 3)), [[0, np.nan, 0]]]}, "row 39 holds NaN"),
    ({"loss": "mse", "sample_weight": np.full(40, np.inf)}, "sample_weight of 'y': row 0"),
    ({"loss": "mse", "optimizer": "adam:learning_rate=cosine(1, 2)"}, "There is no schedule 'cosine'"),
    ({"loss": "mse", "optimizer": "adam:learning_rate=cosine_decay(1)"}, "takes initial_learning_rate, decay_steps"),
    ({"loss": "mse", "optimizer": "adam:learning_rate=cosine_decay(1, 0)"}, "decay_steps must be above 0"),
    ({"loss": "mse", "optimizer": "adam:learning_rate=fast"}, "must be a number, or be written as"),
    ({"loss": "mse", "optimizer": "sgd:gradient_accumulation_steps=1"}, "at least 2"),
    ({"loss": "mse", "metrics": ["precision:thresholds=[0.1,0.2]"]}, "give one threshold"),
    ({"loss": "mse", "metrics": ["auc:curve=ROK"]}, "curve must be ROC"),
    ({"loss": "mse", "metrics": ["recall_at_precision"]}, "it needs precision"),
    ({"loss": "mse", "metrics": ["mean_iou:num_classes=2,target_class_ids=[3]"]}, "below 2"),
    ({"loss": "mse", "epochs": 0}, "epochs must be"),
    ({"loss": "mse", "batch_size": 0}, "batch_size must be"),
    ({"loss": "mse", "validation_split": 1.5}, "between 0 and 1"),
    ({"loss": "mse", "trainable_layers": ["dens"]}, "no layer with trainable weights"),
    ({"loss": "mse", "callbacks": [EarlyStopping()]}, "Validation data are needed"),
    ({"loss": "mse", "sample_weight": np.ones((40, 7))}, "does not fit"),
    ({"loss": "mse", "class_weight": {0: 1.0}, "sample_weight": np.ones(40)}, "cannot be given together"),
    ({"loss": "mse", "x": np.zeros((40, 4))}, "must have the shape"),
    ({"loss": "mse", "x": np.zeros((0, 3)), "y": np.zeros((0, 2))}, "no rows"),
    ({"loss": None}, "No output has a loss"),
    ({"loss": Loss}, "A loss is a name"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_requests(change: dict[str, Any], message: str) -> None:
    x, y = line()
    given = {"x": x, "y": y, **change}
    with pytest.raises(InputError) as error:
        fit(network(), given.pop("x"), given.pop("y"), **given)
    assert message in str(error.value)


def test_running_a_model_imports_no_training() -> None:
    code = "import kconvert_runtime, sys; print([m for m in sys.modules if m.startswith('kconvert_runtime.train')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
