"""The settings of each layer, as older versions wrote them -> Keras 3's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .names import CLASSES, DATA_FORMATS, SETTINGS

Config = dict[str, Any]

KERAS_2_HARD_SIGMOID = {
    "module": "keras2.activations",
    "class_name": "function",
    "config": "hard_sigmoid",
    "registered_name": "hard_sigmoid",
}
"""clip(0.2 x + 0.5, 0, 1): what Keras 1 and 2 mean by hard_sigmoid; Keras 3 means relu6(x + 3) / 6."""

KERNEL_SIZES = ("kernel_dim1", "kernel_dim2", "kernel_dim3", "nb_row", "nb_col")
UNITS = ("Dense", "LSTM", "GRU", "SimpleRNN")


def modern_layer(entry: dict[str, Any], major: int) -> dict[str, Any]:
    """Return a serialised layer with its settings in Keras 3's form."""
    name, config = str(entry["class_name"]), dict(entry["config"])
    if major < 2:
        config = _from_keras_1(name, config)
    if major < 3:
        config = _from_keras_2(name, config)
    return {**entry, "config": config}


def _from_keras_1(name: str, config: Config) -> Config:
    renamed = {SETTINGS.get(key, key): value for key, value in config.items()}
    if name in UNITS and "output_dim" in renamed:
        renamed["units"] = renamed.pop("output_dim")
    rank = {"Conv2D": 2, "Conv3D": 3, "Conv2DTranspose": 2}.get(name)
    sizes = [renamed.pop(key) for key in KERNEL_SIZES if key in renamed]
    if rank and len(sizes) == rank:
        renamed["kernel_size"] = sizes
    if "data_format" in renamed:
        renamed["data_format"] = DATA_FORMATS.get(renamed["data_format"], renamed["data_format"])
    if name == "BatchNormalization" and renamed.get("mode", 0) != 0:
        renamed["axis"] = f"mode {renamed['mode']}"  # over each sample, or with statistics of the batch: no layer now
    if name == "UpSampling1D" and "length" in renamed:
        renamed["size"] = renamed.pop("length")
    return renamed


def _from_keras_2(name: str, config: Config) -> Config:
    for key in ("activation", "recurrent_activation"):
        if config.get(key) == "hard_sigmoid":
            config[key] = KERAS_2_HARD_SIGMOID
    rule = RULES.get(name)
    if rule is not None:
        config = rule(config)
    if "dtype" not in config:
        config["dtype"] = "float32"
    if isinstance(config.get("dtype"), Mapping) and config["dtype"].get("class_name") in ("Policy", "PolicyV1"):
        config["dtype"] = config["dtype"].get("config", {}).get("name", "float32")
    return config


def _input(config: Config) -> Config:
    if "batch_shape" not in config and "batch_input_shape" in config:
        config["batch_shape"] = config["batch_input_shape"]
    return config


def _batch_normalization(config: Config) -> Config:
    axis = config.get("axis", -1)
    if isinstance(axis, Mapping):  # a tracked list, serialised as an object
        axis = axis.get("config", axis)
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    return {**config, "axis": axis}


def _gru(config: Config) -> Config:
    config.setdefault("reset_after", False)
    return _recurrent(config)


def _recurrent(config: Config) -> Config:
    config.setdefault("recurrent_activation", KERAS_2_HARD_SIGMOID)
    return config


def _leaky_relu(config: Config) -> Config:
    if "negative_slope" not in config:
        config["negative_slope"] = _plain(config.get("alpha", 0.3))
    return config


def _relu(config: Config) -> Config:
    if "theta" in config:  # ThresholdedReLU
        config["threshold"] = config.pop("theta")
    for key in ("max_value", "negative_slope", "threshold"):
        config[key] = _plain(config.get(key, None if key == "max_value" else 0.0))
    return config


def _plain(value: Any) -> Any:
    """A number that Keras 2 wrote as an array: {'type': 'ndarray', 'value': 0.3}."""
    return value.get("value") if isinstance(value, Mapping) and "value" in value else value


def _elu(config: Config) -> Config:
    return {**config, "alpha": _plain(config.get("alpha", 1.0))}


def _conv_lstm(config: Config) -> Config:
    return _recurrent(config)


RULES: dict[str, Callable[[Config], Config]] = {
    "InputLayer": _input,
    "BatchNormalization": _batch_normalization,
    "GRU": _gru,
    "GRUCell": _gru,
    "LSTM": _recurrent,
    "LSTMCell": _recurrent,
    "ConvLSTM1D": _conv_lstm,
    "ConvLSTM2D": _conv_lstm,
    "ConvLSTM3D": _conv_lstm,
    "LeakyReLU": _leaky_relu,
    "ReLU": _relu,
    "ELU": _elu,
}

__all__ = ["CLASSES", "modern_layer"]
