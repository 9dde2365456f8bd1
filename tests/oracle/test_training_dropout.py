"""Dropout inside layers, beside Keras: both are given the same decisions, in the order in which each asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_runtime.train import make_optimizer
from kconvert_runtime.train.data import make_rows
from kconvert_runtime.train.mode import TrainingMode
from kconvert_runtime.train.objective import make_targets
from kconvert_runtime.train.trainer import Trainer, trainable

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]
Layers = Any


class Decisions:
    """Factors of dropout that depend on shape, rate and how many of the same shape and rate were asked for before."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], float]] = []

    def __call__(self, shape: tuple[int, ...], rate: float) -> Any:
        before = self.asked.count((shape, rate))
        self.asked.append((shape, rate))
        kept = np.random.default_rng([before, *shape, int(rate * 1e6)]).random(shape) >= rate
        return (kept / (1 - rate)).astype("f")


def keras_step(model: Any, x: Any, y: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Decisions, float, dict[str, Any]]:
    """Return the decisions, the loss and the gradients of one step of Keras, run eagerly."""
    import keras
    import tensorflow as tf

    decided = Decisions()

    def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        full = tuple(int(n) for n in inputs.shape)
        shape = tuple(n if m is None else m for n, m in zip(full, noise_shape or [None] * len(full), strict=True))
        return inputs * decided(shape, rate)

    monkeypatch.setattr(keras.src.backend.random, "dropout", dropout)
    with tf.GradientTape() as tape:
        loss = keras.ops.mean(keras.ops.square(model(x, training=True) - y)) + sum(model.losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    pairs = zip(model.trainable_variables, gradients, strict=True)
    return decided, float(loss), {v.path: np.array(tf.convert_to_tensor(g)) for v, g in pairs}


def our_step(
    folder: Path, x: Any, y: Any, decided: Decisions, monkeypatch: pytest.MonkeyPatch
) -> tuple[float, dict[str, Any]]:
    """Return the loss and the gradients of one step here."""
    monkeypatch.setattr(TrainingMode, "_factors", lambda self, shape, rate: answer(decided, shape, rate))
    model = kconvert.load(folder)
    rows = make_rows(model.graph, x, y)
    targets = make_targets(model.graph, rows, "mse", None, None, None)
    names = trainable(model.graph, None)
    trainer = Trainer(model.graph, model.weights, targets, make_optimizer("sgd", learning_rate=1.0), 0, names)
    before = {name: trainer.weights[name].copy() for name in names}
    loss = trainer.step(rows)["loss"]
    return loss, {model.graph.weights[n].source or n: before[n] - trainer.weights[n] for n in names}


def answer(decided: Decisions, shape: tuple[int, ...], rate: float) -> Any:
    """Answer what is asked for all steps or gates at once, as Keras asks: for one step, gate by gate."""
    if len(shape) >= 3 and shape[1] == 1:
        return decided((shape[0], *shape[2:]), rate)[:, None]
    if len(shape) == 3 and shape[0] in (1, 3, 4):  # a choice of all gates; batches here have 5 rows
        return np.stack([decided(shape[1:], rate) for _ in range(shape[0])])
    return decided(shape, rate)


RATES = {"dropout": 0.3, "recurrent_dropout": 0.4}
CASES: dict[str, Callable[[Layers], Any]] = {
    "simple_rnn": lambda layers: layers.SimpleRNN(4, **RATES),
    "simple_rnn inputs": lambda layers: layers.SimpleRNN(4, dropout=0.3, return_sequences=True),
    "lstm": lambda layers: layers.LSTM(4, **RATES),
    "lstm inputs": lambda layers: layers.LSTM(4, dropout=0.3, return_sequences=True, go_backwards=True),
    "lstm states": lambda layers: layers.LSTM(4, recurrent_dropout=0.4, use_bias=False),
    "lstm hard": lambda layers: layers.LSTM(4, recurrent_activation="hard_sigmoid", activation="relu", **RATES),
    "gru": lambda layers: layers.GRU(4, return_sequences=True, **RATES),
    "gru inputs": lambda layers: layers.GRU(4, dropout=0.3),
    "gru before": lambda layers: layers.GRU(4, reset_after=False, **RATES),
    "gru no bias": lambda layers: layers.GRU(4, use_bias=False, **RATES),
    "cells": lambda layers: layers.RNN([layers.LSTMCell(4, **RATES), layers.GRUCell(3, recurrent_dropout=0.2)]),
    "bidirectional": lambda layers: layers.Bidirectional(layers.GRU(4, return_sequences=True, **RATES)),
}


def compare(model: Any, folder: Path, x: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    for variable in model.variables:
        variable.assign(rng.normal(size=variable.shape) * 0.4)
    kconvert.convert(model, folder / "out")
    y = rng.normal(size=(len(x), *model.output_shape[1:])).astype("f")
    decided, loss, gradients = keras_step(model, x, y, monkeypatch)
    ours = Decisions()
    found, by_weight = our_step(folder / "out", x, y, ours, monkeypatch)
    assert decided.asked
    assert sorted(ours.asked) == sorted(decided.asked)
    assert found == pytest.approx(loss, rel=1e-5)
    assert len(by_weight) == len(gradients)
    for ours_g, theirs in zip(
        sorted(by_weight.values(), key=_order), sorted(gradients.values(), key=_order), strict=True
    ):
        np.testing.assert_allclose(ours_g, theirs, rtol=1e-4, atol=1e-5)


def _order(g: Any) -> Any:
    return g.shape, float(np.round(np.abs(g).sum(), 3))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("masked", [False, True])
def test_recurrent_layers(name: str, masked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(5, 6, 2)).astype("f")
    x[0, 3:] = 0
    layers = [keras.Input((6, 2)), *([keras.layers.Masking()] if masked else []), CASES[name](keras.layers)]
    model = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(2)])
    compare(model, tmp_path, x, monkeypatch)


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU", "GRU before"])
def test_cells_written_op_by_op(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An activation of several ops: the cell is the body of a scan."""
    import keras

    kind, before = getattr(keras.layers, name.removesuffix(" before")), {"reset_after": False}
    layer = kind(4, activation=keras.layers.UnitNormalization(), **RATES, **(before if name.endswith("before") else {}))
    x = np.random.default_rng(0).normal(size=(5, 6, 2)).astype("f")
    compare(keras.Sequential([keras.Input((6, 2)), layer, keras.layers.Dense(2)]), tmp_path, x, monkeypatch)
    assert "scan" in {node.op for node in kconvert.load(tmp_path / "out").graph.nodes}


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rates", [RATES, {"dropout": 0.3}, {"recurrent_dropout": 0.3}])
def test_conv_lstm(data_format: str, rates: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    layer = keras.layers.ConvLSTM1D(2, 3, padding="same", data_format=data_format, **rates)
    model = keras.Sequential([keras.Input((3, 6, 6)), layer, keras.layers.Flatten(), keras.layers.Dense(2)])
    compare(model, tmp_path, np.random.default_rng(0).normal(size=(5, 3, 6, 6)).astype("f"), monkeypatch)


def attended(layers: Layers, name: str, x: Any) -> Any:
    made = {
        "MultiHeadAttention": lambda: layers.MultiHeadAttention(2, 3, dropout=0.3),
        "GroupedQueryAttention": lambda: layers.GroupQueryAttention(3, 4, 2, dropout=0.3),
        "Attention": lambda: layers.Attention(dropout=0.3, score_mode="concat"),
        "AdditiveAttention": lambda: layers.AdditiveAttention(dropout=0.3),
    }[name]()
    return made([x, x]) if name in ("Attention", "AdditiveAttention") else made(x, x)


@pytest.mark.parametrize("name", ["MultiHeadAttention", "GroupedQueryAttention", "Attention", "AdditiveAttention"])
def test_attention(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    inputs = keras.Input((6, 5))
    y = attended(keras.layers, name, keras.layers.Dense(4)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(y)))
    compare(model, tmp_path, np.random.default_rng(0).normal(size=(5, 6, 5)).astype("f"), monkeypatch)
