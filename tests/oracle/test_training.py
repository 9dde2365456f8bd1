"""Training beside Keras: the same batches in the same order give the same losses, metrics and weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_runtime.train import Callback, fit, make_schedule

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
STEPS, BATCH = 100, 16


class Losses(Callback):
    def __init__(self) -> None:
        self.values: list[float] = []

    def on_batch_end(self, training: Any, batch: int, logs: Any) -> None:
        self.values.append(logs["loss"])


def both(model: Any, folder: Path, x: Any, y: Any, optimizer: Any, ours: str, **options: Any) -> tuple[Any, ...]:
    """Train twice; returns the curves of the mean loss, the histories, and the trained Keras and kconvert models."""
    import keras

    class Recorded(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            theirs.append(logs["loss"])

    theirs: list[float] = []
    kconvert.convert(model, folder / "out")
    fitted = {
        name: options.pop(name) for name in ("sample_weight", "class_weight", "validation_data") if name in options
    }
    rows = len(next(iter(x.values())) if isinstance(x, dict) else x[0] if isinstance(x, list) else x)
    batch = options.pop("batch_size", min(BATCH, rows))
    recorder = Losses()
    plain = {key: value[1] if isinstance(value, tuple) else value for key, value in options.items()}
    found = fit(
        kconvert.load(folder / "out"), x, y, optimizer=ours, batch_size=batch, shuffle=False, callbacks=[recorder],
        **plain, **fitted,
    )  # fmt: skip
    theirs_options = {key: value[0] if isinstance(value, tuple) else value for key, value in options.items()}
    model.compile(optimizer=optimizer, **theirs_options)
    history = model.fit(x, y, batch_size=batch, shuffle=False, verbose=0, callbacks=[Recorded()], **fitted)
    return np.array(recorder.values), np.array(theirs), found, history.history


def agree(result: tuple[Any, ...], tolerance: float = 1e-4) -> None:
    ours, theirs, found, history = result
    assert len(ours) == len(theirs) > 0
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    assert found.history.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-3, atol=1e-3, err_msg=name)


def mlp(keras: Any) -> tuple[Any, Any, Any, str]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * BATCH, 10)).astype("f")
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(3, "softmax")])
    return model, x, (x @ rng.normal(size=(10, 3))).argmax(-1), "sparse_categorical_crossentropy"


def cnn(keras: Any) -> tuple[Any, Any, Any, str]:
    """No bias before batch normalisation: its gradient is 0 but for rounding, which Adam makes as large as others."""
    rng, layers = np.random.default_rng(1), keras.layers
    x = rng.normal(size=(STEPS * BATCH, 8, 8, 3)).astype("f")
    model = keras.Sequential([
        keras.Input((8, 8, 3)),
        layers.Conv2D(8, 3, padding="same", use_bias=False), layers.BatchNormalization(momentum=0.9),
        layers.ReLU(), layers.MaxPooling2D(),
        layers.Conv2D(8, 3, strides=2, use_bias=False), layers.BatchNormalization(scale=False),
        layers.Activation("relu"), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax"),
    ])  # fmt: skip
    labels = np.eye(3)[(x.mean((1, 2)) @ rng.normal(size=(3, 3))).argmax(-1)]
    return model, x, labels, "categorical_crossentropy"


def lstm(keras: Any) -> tuple[Any, Any, Any, str]:
    rng, layers = np.random.default_rng(2), keras.layers
    x = rng.integers(1, 30, size=(STEPS * BATCH, 12))
    x[np.arange(12) >= rng.integers(1, 13, size=(len(x), 1))] = 0
    model = keras.Sequential([
        keras.Input((12,), dtype="int32"), layers.Embedding(30, 8, mask_zero=True),
        layers.Bidirectional(layers.LSTM(8)), layers.Dense(1, "sigmoid"),
    ])  # fmt: skip
    return model, x, (x.sum(-1) > 90).astype("f"), "binary_crossentropy"


@pytest.mark.parametrize("network", [mlp, cnn, lstm])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_loss_curves(network: Callable[..., Any], optimizer: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model, x, y, loss = network(keras)
    result = both(
        model, tmp_path, x, y, optimizer, optimizer, loss=loss, metrics=["accuracy"],
        validation_data=(x[:50], y[:50]),
    )  # fmt: skip
    assert len(result[0]) == STEPS
    agree(result)
    np.testing.assert_allclose(result[2].model(x[:50]), model.predict(x[:50], verbose=0), rtol=1e-3, atol=1e-4)


def biased(keras: Any) -> tuple[Any, Any, Any, str]:
    """The network of `cnn` with biases before batch normalisation, which takes them away again."""
    rng, layers = np.random.default_rng(1), keras.layers
    x = rng.normal(size=(STEPS * BATCH, 8, 8, 3)).astype("f")
    model = keras.Sequential([
        keras.Input((8, 8, 3)), layers.Conv2D(8, 3, padding="same", name="first"),
        layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.MaxPooling2D(),
        layers.Conv2D(8, 3, strides=2), layers.BatchNormalization(scale=False),
        layers.Activation("relu"), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax"),
    ])  # fmt: skip
    labels = np.eye(3)[(x.mean((1, 2)) @ rng.normal(size=(3, 3))).argmax(-1)]
    return model, x, labels, "categorical_crossentropy"


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_biases_before_batch_normalization(optimizer: str, tmp_path: Path) -> None:
    """Their gradient is 0 but for rounding, which Adam and RMSprop make as large as others: they wander, each its way.

    The losses do not depend on them, as the mean of the batch is taken off. What is run later does, by the moving
    averages, which follow late; so only SGD, which leaves them where they are, gives the same predictions.
    """
    import keras

    keras.utils.set_random_seed(1)
    model, x, y, loss = biased(keras)
    ours, theirs, found, _ = both(model, tmp_path, x, y, optimizer, optimizer, loss=loss, metrics=["accuracy"])
    assert len(ours) == STEPS
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    if optimizer == "sgd":
        np.testing.assert_allclose(found.model(x[:50]), model.predict(x[:50], verbose=0), rtol=1e-3, atol=1e-4)


def test_the_gradient_of_a_bias_before_batch_normalization_is_rounding(tmp_path: Path) -> None:
    """One step of SGD in float64: biases move less than kernels by 14 digits; so they do in Keras."""
    import keras

    keras.utils.set_random_seed(1)
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        model, x, y, loss = biased(keras)
    finally:
        keras.config.set_dtype_policy(usual)
    first = model.get_layer("first")
    before = [w.numpy() for w in (first.kernel, first.bias)]
    _, _, found, _ = both(model, tmp_path, x[:16].astype("d"), y[:16], "sgd", "sgd", loss=loss)
    after = [found.model.weights["first/kernel"], found.model.weights["first/bias"]]
    for changed in (after, [w.numpy() for w in (first.kernel, first.bias)]):
        kernel, bias = (np.abs(new - old).max() for new, old in zip(changed, before, strict=True))
        assert kernel > 1e-4
        assert bias < 1e-14 * kernel


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"clipnorm": 0.1}),
    ("SGD", {"clipvalue": 0.01}),
    ("SGD", {"global_clipnorm": 0.1}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"amsgrad": True, "beta_1": 0.8, "epsilon": 1e-3}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "learning_rate": 0.01}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Lion", {}),
    ("Lamb", {"learning_rate": 0.01}),
    ("Adafactor", {"learning_rate": 0.05}),
    ("Adafactor", {"learning_rate": 0.05, "relative_step": False, "clip_threshold": 0.5, "weight_decay": 0.01}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "l1_regularization_strength": 0.01,
            "l2_regularization_strength": 0.02,
            "beta": 0.1,
            "l2_shrinkage_regularization_strength": 0.01,
            "learning_rate_power": -0.4,
        },
    ),
    ("Adam", {"use_ema": True, "ema_momentum": 0.9}),
    ("SGD", {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3, "momentum": 0.9}),
    ("Adam", {"gradient_accumulation_steps": 3, "clipnorm": 0.1, "weight_decay": 0.01}),
    ("SGD", {"gradient_accumulation_steps": 4, "use_ema": True}),
]


def written(name: str, options: dict[str, Any]) -> str:
    return name + ":" * bool(options) + ",".join(f"{key}={value}" for key, value in options.items())


def table(keras: Any) -> tuple[Any, Any, Any]:
    """A table and a dense layer: rows of the table are read several times in a batch."""
    keras.utils.set_random_seed(2)
    rng = np.random.default_rng(3)
    x = rng.integers(0, 7, size=(30 * BATCH, 5))
    model = keras.Sequential(
        [keras.Input((5,), dtype="int32"), keras.layers.Embedding(9, 4), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    return model, x, rng.normal(size=(len(x), 2)).astype("f")


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=str)
def test_optimizers(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    """Losses of all steps, and the weights at the end."""
    import keras

    model, x, y = table(keras)
    result = both(model, tmp_path, x, y, getattr(keras.optimizers, name)(**options), written(name, options), loss="mse")
    agree(result)
    found = result[2].model
    for weight, theirs in zip(found.graph.weights, sorted(model.weights, key=lambda w: w.path), strict=True):
        np.testing.assert_allclose(found.weights[weight], theirs.numpy(), rtol=1e-3, atol=1e-4, err_msg=weight)


SCHEDULES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("ExponentialDecay", (0.1, 7, 0.8), {}),
    ("ExponentialDecay", (0.1, 7, 0.8), {"staircase": True}),
    ("InverseTimeDecay", (0.1, 7, 0.8), {}),
    ("InverseTimeDecay", (0.1, 7, 0.8), {"staircase": True}),
    ("PiecewiseConstantDecay", ([3, 11], [0.1, 0.05, 0.01]), {}),
    ("PolynomialDecay", (0.1, 20), {"power": 2.0, "end_learning_rate": 0.01}),
    ("PolynomialDecay", (0.1, 6), {"cycle": True}),
    ("CosineDecay", (0.1, 20), {"alpha": 0.2}),
    ("CosineDecay", (0.01, 20), {"warmup_target": 0.1, "warmup_steps": 6}),
    ("CosineDecayRestarts", (0.1, 5), {"alpha": 0.1}),
    ("CosineDecayRestarts", (0.1, 5), {"t_mul": 1.0, "m_mul": 0.7}),
    ("CosineDecayRestarts", (0.1, 4), {"t_mul": 1.5, "m_mul": 0.9}),
]


def as_text(name: str, values: tuple[Any, ...], options: dict[str, Any]) -> str:
    parts = [*(str(value) for value in values), *(f"{key}={value}" for key, value in options.items())]
    return f"{name}({', '.join(parts)})"


@pytest.mark.parametrize(("name", "values", "options"), SCHEDULES, ids=str)
def test_schedules(name: str, values: tuple[Any, ...], options: dict[str, Any]) -> None:
    import keras

    ours, theirs = make_schedule(as_text(name, values, options)), getattr(keras.optimizers.schedules, name)
    made = theirs(*values, **options)
    found, expected = ([float(schedule(step)) for step in range(60)] for schedule in (ours, made))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-7)


def test_a_schedule_in_training(tmp_path: Path) -> None:
    import keras

    model, x, y = table(keras)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 20, alpha=0.1)
    text = "adam:learning_rate=cosine_decay(0.1, 20, alpha=0.1),beta_1=0.8"
    agree(both(model, tmp_path, x, y, keras.optimizers.Adam(schedule, beta_1=0.8), text, loss="mse"))


LABELS: dict[str, Callable[[Any], tuple[Any, str]]] = {
    "mean_squared_error": lambda rng: (rng.normal(size=(100 * BATCH, 3)), "linear"),
    "mean_absolute_error": lambda rng: (rng.normal(size=(100 * BATCH, 3)), "tanh"),
    "huber": lambda rng: (rng.normal(size=(100 * BATCH, 3)), "linear"),
    "log_cosh": lambda rng: (rng.normal(size=(100 * BATCH, 3)), "linear"),
    "poisson": lambda rng: (rng.poisson(2, size=(100 * BATCH, 3)), "softplus"),
    "kl_divergence": lambda rng: (rng.dirichlet([1, 1, 1], 100 * BATCH), "softmax"),
    "binary_crossentropy": lambda rng: (rng.integers(0, 2, (100 * BATCH, 3)), "sigmoid"),
    "categorical_crossentropy": lambda rng: (np.eye(3)[rng.integers(0, 3, 100 * BATCH)], "softmax"),
    "sparse_categorical_crossentropy": lambda rng: (rng.integers(0, 3, 100 * BATCH), "softmax"),
    "categorical_hinge": lambda rng: (np.eye(3)[rng.integers(0, 3, 100 * BATCH)], "linear"),
    "cosine_similarity": lambda rng: (rng.normal(size=(100 * BATCH, 3)), "linear"),
}


@pytest.mark.parametrize("loss", LABELS)
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Nadam"])
def test_losses_and_optimizers(loss: str, optimizer: str, tmp_path: Path) -> None:
    """100 steps of a small network for each pair: within 1e-4; of less a cosine, which goes through 0, 1 more."""
    import keras

    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(4)
    x, (y, activation) = rng.normal(size=(100 * BATCH, 6)).astype("f"), LABELS[loss](rng)
    y = y.astype("int64" if y.ndim == 1 else "float32")
    layers = [keras.layers.Dense(8, "tanh"), keras.layers.Dense(3, activation)]
    model = keras.Sequential([keras.Input((6,)), *layers])
    ours, theirs, _, _ = both(model, tmp_path, x, y, optimizer, optimizer, loss=loss)
    assert len(ours) == len(theirs) == 100
    more = 1 if loss == "cosine_similarity" else 0
    np.testing.assert_allclose(ours + more, theirs + more, rtol=1e-4)
