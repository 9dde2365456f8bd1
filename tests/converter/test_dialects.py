"""Older configs become Keras 3's, and HDF5 files of every age give the same numbers as the modern form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import kconvert
from kconvert.dialects import modernize
from kconvert.dialects.layers import KERAS_2_HARD_SIGMOID
from kconvert_schemas import ConversionError, ModelFileError
from tests.helpers import KERNEL


def old(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, **config}}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": list(layers)}


def first(config: dict[str, Any], version: str = "2.2.4") -> dict[str, Any]:
    """The settings of the first layer after the Input."""
    return modernize(config, version)["config"]["layers"][1]["config"]


INPUT = {"batch_input_shape": [None, 2], "dtype": "float32"}


def test_a_list_of_layers_gets_an_input() -> None:
    found = modernize(sequential(old("Dense", "d", units=3, **INPUT)), "2.1.0")
    start, dense = found["config"]["layers"]
    assert (start["class_name"], start["config"]["batch_shape"]) == ("InputLayer", [None, 2])
    assert (dense["module"], dense["registered_name"]) == ("keras.layers", None)


def test_keras_1_names() -> None:
    settings = {"nb_filter": 8, "nb_row": 3, "nb_col": 5, "border_mode": "same", "subsample": [2, 1], "bias": False}
    layer = old("Convolution2D", "c", dim_ordering="th", **settings, batch_input_shape=[None, 3, 9, 9])
    found = modernize(sequential(layer), "1.2.2")["config"]["layers"][1]
    assert found["class_name"] == "Conv2D"
    expected = {"filters": 8, "kernel_size": [3, 5], "padding": "same", "strides": [2, 1], "use_bias": False,
                "data_format": "channels_first"}  # fmt: skip
    assert {key: found["config"][key] for key in expected} == expected
    assert first(sequential(old("Dense", "d", output_dim=4, **INPUT)), "1.0.0")["units"] == 4


def test_hard_sigmoid_keeps_its_meaning() -> None:
    for version, meaning in (("2.2.4-tf", KERAS_2_HARD_SIGMOID), ("3.5.0", "hard_sigmoid")):
        assert first(sequential(old("Dense", "d", units=3, activation="hard_sigmoid", **INPUT)), version)[
            "activation"
        ] == meaning  # fmt: skip


def test_defaults_of_their_time() -> None:
    gru = first(sequential(old("GRU", "g", units=3, batch_input_shape=[None, 4, 2])))
    assert (gru["reset_after"], gru["recurrent_activation"]) == (False, KERAS_2_HARD_SIGMOID)
    cudnn = first(sequential(old("CuDNNGRU", "g", units=3, batch_input_shape=[None, 4, 2])))
    assert (cudnn["reset_after"], cudnn["recurrent_activation"]) == (True, "sigmoid")
    for axis in ([3], {"class_name": "ListWrapper", "config": [3]}, 3):
        assert (
            first(sequential(old("BatchNormalizationV1", "b", axis=axis, batch_input_shape=[None, 2, 2, 2])))["axis"]
            == 3
        )
    assert first(sequential(old("LeakyReLU", "l", alpha={"type": "ndarray", "value": 0.1}, **INPUT)))[
        "negative_slope"
    ] == 0.1  # fmt: skip


def test_calls_of_keras_2() -> None:
    layers = [
        {**old("InputLayer", "a", batch_input_shape=[None, 2]), "name": "a", "inbound_nodes": []},
        {
            **old("LSTM", "l", units=2),
            "name": "l",
            "inbound_nodes": [
                [["a", 0, 0, {"mask": ["m", 0, 0], "training": None}], ["s", 0, 0, {}], ["t", 0, 1, {}]],
            ],
        },
        {**old("Masking", "m"), "name": "m", "inbound_nodes": [[["a", 0, 0, {}]]]},
        {**old("Dense", "s", units=2), "name": "s", "inbound_nodes": [["a", 0, 0]]},
        {**old("Dense", "t", units=2), "name": "t", "inbound_nodes": [["a", 0, 0, {}]]},
    ]  # fmt: skip
    model = {"class_name": "Model", "config": {"name": "m", "layers": layers, "input_layers": [], "output_layers": []}}
    found = {layer["name"]: layer for layer in modernize(model, "2.3.1")["config"]["layers"]}
    (call,) = found["l"]["inbound_nodes"]
    history = [tensor["config"]["keras_history"] for tensor in call["args"][0]]
    assert history == [["a", 0, 0], ["s", 0, 0], ["t", 0, 1]]
    assert call["kwargs"]["mask"]["config"]["keras_history"] == ["m", 0, 0]
    for name in ("s", "t"):
        assert found[name]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] == ["a", 0, 0]


def test_modern_configs_stay_as_they_are() -> None:
    from tests.helpers import layer_config, sequential_config

    config = sequential_config(layer_config("Dense", "d", units=3, activation="hard_sigmoid"))
    assert modernize(config, "3.15.0") == config


def test_an_authors_class_keeps_its_name() -> None:
    layer = {"class_name": "Dense", "module": "acme.layers", "registered_name": "acme>Dense", "config": {}}
    assert modernize(layer, "3.0.0")["registered_name"] == "acme>Dense"
    found = modernize(sequential(old("Custom>Swish", "s", **INPUT)), "2.9.0")["config"]["layers"][1]
    assert found["registered_name"] == "Custom>Swish"


def write_hdf5(
    path: Path, config: Any, weights: dict[str, dict[str, np.ndarray]], version: str = "2.2.4", split: int = 0
) -> Path:
    """Write a legacy file: `weights` by layer, then by name; `split` cuts the config into that many attributes."""
    text = json.dumps(config)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        if split:
            step = -(-len(text) // split)
            for i in range(split):
                file.attrs[f"model_config{i}"] = text[i * step : (i + 1) * step].encode()
        elif config is not None:
            file.attrs["model_config"] = text
        group = file.create_group("model_weights")
        for layer, arrays in weights.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = [name.encode() for name in arrays]
            for name, values in arrays.items():
                inner[name] = values
    return path


X = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
DENSE = sequential(old("Dense", "d", units=3, use_bias=True, **INPUT))
WEIGHTS = {"d": {"d/kernel:0": KERNEL, "d/bias:0": np.ones(3, np.float32)}}


@pytest.mark.parametrize("split", [0, 3])
def test_hdf5(split: int, tmp_path: Path) -> None:
    file = write_hdf5(tmp_path / "m.keras", DENSE, WEIGHTS, split=split)
    report = kconvert.convert(file, tmp_path / "out")
    assert (report.container, report.keras_version) == ("hdf5", "2.2.4")
    np.testing.assert_allclose(kconvert.load(tmp_path / "out")(X), X @ KERNEL + 1, rtol=1e-6)


def test_layer_names_with_slashes(tmp_path: Path) -> None:
    config = sequential(old("Dense", "block/d", units=3, use_bias=False, **INPUT))
    file = write_hdf5(tmp_path / "m.h5", config, {"block/d": {"block/d/kernel:0": KERNEL}})
    kconvert.convert(file, tmp_path / "out")
    np.testing.assert_allclose(kconvert.load(tmp_path / "out")(X), X @ KERNEL, rtol=1e-6)


def test_nested_models_list_trainable_weights_first(tmp_path: Path) -> None:
    norm = old("BatchNormalization", "b", axis=-1, epsilon=0.0)
    inner = {
        "class_name": "Sequential",
        "name": "n",
        "config": {
            "name": "n",
            "layers": [
                old("BatchNormalization", "b", axis=-1, epsilon=0.0, **INPUT),
                old("Dense", "d", units=3, use_bias=False),
            ],
        },
    }
    assert norm
    values = {
        name: np.full(2, value, np.float32)
        for name, value in (("gamma", 2.0), ("beta", 1.0), ("moving_mean", 0.5), ("moving_variance", 4.0))
    }
    listed = {
        "b/gamma:0": values["gamma"],
        "b/beta:0": values["beta"],
        "d/kernel:0": KERNEL,
        "b/moving_mean:0": values["moving_mean"],
        "b/moving_variance:0": values["moving_variance"],
    }
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [old("InputLayer", "i", **INPUT), inner]}}
    file = write_hdf5(tmp_path / "m.h5", config, {"n": listed})
    kconvert.convert(file, tmp_path / "out")
    np.testing.assert_allclose(kconvert.load(tmp_path / "out")(X), ((X - 0.5) + 1) @ KERNEL, rtol=1e-6)


def test_wrong_numbers_of_weights_are_named(tmp_path: Path) -> None:
    file = write_hdf5(tmp_path / "m.h5", DENSE, {"d": {"d/kernel:0": KERNEL}})
    with pytest.raises(ConversionError, match="'d': it has 1 weights in the file, its config asks for 2") as caught:
        kconvert.convert(file, tmp_path / "out")
    assert "holds no" not in str(caught.value)


def test_weights_without_a_model_are_refused(tmp_path: Path) -> None:
    file = write_hdf5(tmp_path / "m.h5", None, WEIGHTS)
    with pytest.raises(ModelFileError, match="weights without the architecture"):
        kconvert.convert(file, tmp_path / "out")


def test_a_sequential_that_never_saw_data_is_refused(tmp_path: Path) -> None:
    file = write_hdf5(tmp_path / "m.h5", sequential(old("Dense", "d", units=3)), WEIGHTS)
    with pytest.raises(ConversionError, match="no input shape"):
        kconvert.convert(file, tmp_path / "out")


def test_addresses_of_keras_2_zips() -> None:
    from kconvert.readers.weights import modern_addresses

    given: dict[str, Any] = {
        r"_layer_checkpoint_dependencies\dense/vars/0": 0,
        r"_layer_checkpoint_dependencies\dense_2/vars/0": 1,
        r"_layer_checkpoint_dependencies\dense_10\cell/vars/0": 2,
        r"_layer_checkpoint_dependencies\conv2d\_layer_checkpoint_dependencies\dense_4/vars/0": 3,
        "vars/0": 4,
    }
    assert modern_addresses(given) == {
        "layers/dense/vars/0": 0,
        "layers/dense_1/vars/0": 1,
        "layers/dense_2/cell/vars/0": 2,
        "layers/conv2d/layers/dense/vars/0": 3,
        "vars/0": 4,
    }


def test_merge_of_keras_1_becomes_the_layer_of_its_mode() -> None:
    for mode, expected in (("concat", ("Concatenate", 1)), ("sum", ("Add", None)), ("ave", ("Average", None))):
        layer = old("Merge", "m", mode=mode, mode_type="raw", concat_axis=1, dot_axes=-1)
        found = modernize(sequential(old("InputLayer", "i", **INPUT), layer), "1.2.2")["config"]["layers"][1]
        assert (found["class_name"], found["config"].get("axis")) == expected
        assert (found["module"], found["registered_name"]) == ("keras.layers", None)
    for settings in ({"mode": "cos"}, {"mode": "f", "mode_type": "function"}):
        layer = old("Merge", "m", **settings)
        found = modernize(sequential(old("InputLayer", "i", **INPUT), layer), "1.2.2")["config"]["layers"][1]
        assert found["registered_name"] == "Merge"


def test_layers_that_went_away() -> None:
    relu = first(sequential(old("ThresholdedReLU", "t", theta=0.5, **INPUT)), "2.4.0")
    assert (relu["threshold"], relu["negative_slope"], relu["max_value"]) == (0.5, 0.0, None)
    assert first(sequential(old("TimeDistributedDense", "t", output_dim=3, **INPUT)), "1.0.0")["units"] == 3
    assert first(sequential(old("UpSampling1D", "u", length=2, **INPUT)), "1.2.2")["size"] == 2


def test_statistics_of_the_batch_are_refused(tmp_path: Path) -> None:
    for mode in (1, 2):
        norm = old("BatchNormalization", "b", mode=mode, axis=-1, epsilon=0.001, **INPUT)
        weights = {"b": {f"b_{n}:0": np.ones(2, "f") for n in ("gamma", "beta", "running_mean", "running_std")}}
        file = write_hdf5(tmp_path / "m.h5", sequential(norm), weights, "1.2.2")
        with pytest.raises(ConversionError, match=f"mode {mode}"):
            kconvert.convert(file, tmp_path / "out")


def test_calls_of_tensorflow_functions() -> None:
    """Names, tuples, slices and constants as Keras 2 writes them; nodes of TensorFlow's graph with their constants."""
    from kconvert.dialects.tensorflow import modern_operation, plain_name

    names = {"math.add": "add", "__operators__.add": "add", "compat.v1.transpose": "transpose", "concat": "concat",
             "image.resize": "image.resize", "compat.v1.image.resize_bilinear": "image.resize_bilinear"}  # fmt: skip
    assert {name: plain_name(name) for name in names} == names
    node = {"name": "Mean", "op": "Mean", "attr": {"keep_dims": {"b": True}, "T": {"type": "DT_FLOAT"}}}
    config = {"name": "mean", "node_def": json.dumps(node), "constants": {"1": [1, 2]}}
    call = {"args": [{"x": "a tensor"}], "kwargs": {}}
    found = modern_operation({"class_name": "TensorFlowOpLayer", "config": config, "inbound_nodes": [call]})
    assert found["registered_name"] == "tf.reduce_mean"
    assert found["inbound_nodes"] == [
        {"args": [], "kwargs": {"input_tensor": {"x": "a tensor"}, "axis": [1, 2], "keepdims": True}}
    ]
    strange = {**config, "node_def": "{"}
    found = modern_operation({"class_name": "TensorFlowOpLayer", "config": strange, "inbound_nodes": [call]})
    assert found["registered_name"] == "tf.raw_ops.?"


def test_sizes_computed_by_tensorflow_functions(tmp_path: Path) -> None:
    """reshape(x, [shape(x)[0], 4]) of a batch that is open."""

    def function(name: str, function: str, node: Any) -> dict[str, Any]:
        entry = old("TFOpLambda", name, function=function, dtype="float32", trainable=True)
        return {**entry, "name": name, "inbound_nodes": [node]}

    layers = [
        {**old("InputLayer", "a", batch_input_shape=[None, 2, 2], dtype="float32"), "name": "a", "inbound_nodes": []},
        function("shape", "compat.v1.shape", ["a", 0, 0, {"name": None, "out_type": "int32"}]),
        function("rows", "__operators__.getitem", ["shape", 0, 0, {"slice_spec": 0}]),
        function("flat", "reshape", ["a", 0, 0, {"shape": [["rows", 0, 0], 4]}]),
        function("ones", "ones", [["rows", 0, 0, {}], ["_CONSTANT_VALUE", -1, 4, {}]]),
        function("sum", "__operators__.add", ["flat", 0, 0, {"y": ["ones", 0, 0], "name": None}]),
        function("count", "cast", ["rows", 0, 0, {"dtype": "float32"}]),
        function("mean", "math.truediv", ["sum", 0, 0, {"y": ["count", 0, 0], "name": None}]),
    ]
    ends = {"input_layers": [["a", 0, 0]], "output_layers": [["mean", 0, 0]]}
    model = {"class_name": "Functional", "config": {"name": "m", "layers": layers, **ends}}
    kconvert.convert(write_hdf5(tmp_path / "m.h5", model, {}, "2.9.0"), tmp_path / "out")
    x = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    found = kconvert.load(tmp_path / "out")(x)
    np.testing.assert_allclose(found, (x.reshape(3, 4) + 1) / 3, rtol=1e-6)
