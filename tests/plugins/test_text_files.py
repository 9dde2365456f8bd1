"""Text and preprocessing layers in files: where vocabularies stand, what is refused, what fails when running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from kconvert_schemas.errors import InputError, KconvertError
from tests.helpers import layer_config, sequential_config, write_keras

TEXT: dict[str, Any] = {
    "standardize": "lower", "split": "whitespace", "ngrams": None, "output_mode": "int", "ragged": False,
    "output_sequence_length": None, "sparse": False, "pad_to_max_tokens": False, "max_tokens": None,
    "vocabulary": ["a", "b"], "vocabulary_size": 4,
}  # fmt: skip
LOOKUP: dict[str, Any] = {
    "num_oov_indices": 1, "mask_token": None, "oov_token": "[UNK]", "output_mode": "int", "invert": False,
    "sparse": False, "pad_to_max_tokens": False, "max_tokens": None, "vocabulary": ["a", "b"], "vocabulary_size": 3,
}  # fmt: skip
INTEGERS = {**LOOKUP, "oov_token": -1, "vocabulary": [5, 7]}
ADAPTED = {**TEXT, "vocabulary": None}


def convert(
    folder: Path, class_name: str, config: dict[str, Any], dtype: str = "string", shape: Any = (None, 1), **files: bytes
) -> Path:
    """Convert a one-layer model; `files` are assets of the layer, by name without '.txt'."""
    model = sequential_config(layer_config(class_name, "it", **config), shape=shape)
    model["config"]["layers"][0]["config"]["dtype"] = dtype
    address = {"TextVectorization": "text_vectorization", "StringLookup": "string_lookup"}.get(class_name, "")
    members = {f"assets/layers/{address}/{name}.txt": data for name, data in files.items()}
    out = folder / "out"
    kconvert.convert(write_keras(folder / "model.keras", model, {}, **members), out)
    return out


REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("Python code, which is never run", "TextVectorization", {**TEXT, "standardize": {"class_name": "function"}}, {}),
    ("Python code, which is never run", "TextVectorization", {**TEXT, "split": {"class_name": "function"}}, {}),
    ("one of lower, ", "TextVectorization", {**TEXT, "standardize": "upper"}, {}),
    ("ragged=True makes ragged tensors", "TextVectorization", {**TEXT, "ragged": True}, {}),
    ("ragged tensor in output_mode 'one_hot'", "TextVectorization", {**TEXT, "output_mode": "one_hot"}, {}),
    ("last axis of its input must be 1", "TextVectorization", TEXT, {"shape": (None, 3)}),
    ("takes a batch of strings", "TextVectorization", TEXT, {"dtype": "int32"}),
    ("must name widths from 1", "TextVectorization", {**TEXT, "ngrams": 0}, {}),
    ("at least 1, got 0", "TextVectorization", {**TEXT, "output_sequence_length": 0}, {}),
    ("too short for its n-grams", "TextVectorization", {**TEXT, "split": None, "ngrams": [2],
                                                        "output_sequence_length": 3}, {}),
    ("sparse=True makes sparse tensors", "StringLookup", {**LOOKUP, "sparse": True, "output_mode": "count"}, {}),
    ("holds no vocabulary", "StringLookup", {**LOOKUP, "vocabulary": None}, {}),
    ("its vocabulary is empty", "StringLookup", {**LOOKUP, "vocabulary": None}, {"vocabulary": b"[UNK]"}),
    ("holds a token twice", "StringLookup", {**LOOKUP, "vocabulary": ["a", "a"]}, {}),
    ("mask or OOV token among the others", "StringLookup", {**LOOKUP, "mask_token": "b"}, {}),
    ("more than its max_tokens=2", "StringLookup", {**LOOKUP, "max_tokens": 2}, {}),
    ("3 entries in the file, 9 when it was saved", "StringLookup",
     {**LOOKUP, "output_mode": "count", "vocabulary_size": 9}, {}),
    ("must be a list of str, got 'words.txt'", "StringLookup", {**LOOKUP, "vocabulary": "words.txt"}, {}),
    ("is not UTF-8", "StringLookup", {**LOOKUP, "vocabulary": None}, {"vocabulary": b"[UNK]\n\xe9"}),
    ("takes string, its input is int32[?, 1]", "StringLookup", LOOKUP, {"dtype": "int32"}),
    ("oov_token is None with invert", "StringLookup", {**LOOKUP, "invert": True, "oov_token": None},
     {"dtype": "int32"}),
    ("holds no 'idf_weights'", "StringLookup", {**LOOKUP, "output_mode": "tf_idf"}, {}),
    ("last axis must be known", "StringLookup", {**LOOKUP, "output_mode": "one_hot"}, {"shape": (None, None)}),
    ("must be a list of int", "IntegerLookup", {**INTEGERS, "vocabulary": [1.5]}, {"dtype": "int32"}),
    ("beyond 64 bits", "IntegerLookup", {**INTEGERS, "vocabulary": [2**64]}, {"dtype": "int32"}),
    ("has no bin_boundaries", "Discretization", {"bin_boundaries": None, "num_bins": 3}, {"dtype": "float32"}),
    ("in rising order", "Discretization", {"bin_boundaries": [1.0, 0.0]}, {"dtype": "float32"}),
    ("cannot be a value of its input", "Hashing", {"num_bins": 3, "mask_value": 1}, {}),
    ("a list of at least two tensors", "HashedCrossing", {"num_bins": 3}, {}),
    ("must be numbers", "Rescaling", {"scale": "2", "offset": 0}, {"dtype": "float32"}),
    ("must name each axis once", "Normalization", {"axis": [-1], "mean": 0.0, "variance": 1.0},
     {"dtype": "float32", "shape": (None, None)}),
    ("does not fit the axes of sizes [1]", "Normalization", {"axis": [-1], "mean": [0.0] * 3, "variance": [1.0] * 3},
     {"dtype": "float32"}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "class_name", "config", "options"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused(reason: str, class_name: str, config: dict[str, Any], options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(KconvertError) as error:
        convert(tmp_path, class_name, config, **options)
    assert reason in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\n[UNK]\nb\na", [3, 2, 1, 0]),
        (b"\r\n[UNK]\r\nb\r\na\r\n\r\n", [3, 2, 1, 0]),
        ("\n[UNK]\nb\x85a".encode(), [3, 2, 1, 0]),
        (b"b\na", [3, 2, 1, 0]),
    ],
)
def test_vocabulary_file(data: bytes, expected: list[int], tmp_path: Path) -> None:
    """Lines end as Python says; special tokens may be missing."""
    out = convert(tmp_path, "TextVectorization", ADAPTED, vocabulary=data)
    np.testing.assert_array_equal(kconvert.load(out)(np.array([["a b z"], ["b"]])), [expected[:3], [2, 0, 0]])


def test_vocabulary_of_the_inner_lookup(tmp_path: Path) -> None:
    out = convert(tmp_path, "TextVectorization", ADAPTED, **{"_lookup_layer/vocabulary": b"\n[UNK]\na"})
    np.testing.assert_array_equal(kconvert.load(out)(np.array(["a", "b"])), [[2], [1]])


def test_a_stranger_without_a_place_is_an_error(tmp_path: Path) -> None:
    out = convert(tmp_path, "StringLookup", {**LOOKUP, "num_oov_indices": 0})
    model = kconvert.load(out)
    np.testing.assert_array_equal(model(np.array([["b"], ["a"]])), [[1], [0]])
    with pytest.raises(
        InputError,
        match=r"'it' cannot run lookup .* no place for values outside it, such as 'z', '\\x00 ' \(found: 2\)",
    ):
        model(np.array([["a"], ["z"], ["\0 "]], object))


def test_unbuilt_model_that_starts_with_text(tmp_path: Path) -> None:
    """Keras saves such a model without any shape; it takes one string for each sample."""
    config = sequential_config(layer_config("TextVectorization", "it", **TEXT))
    del config["config"]["layers"][0]
    kconvert.convert(write_keras(tmp_path / "model.keras", config, {}), tmp_path / "out")
    model = kconvert.load(tmp_path / "out")
    assert [(value.shape, value.dtype) for value in model.inputs] == [((None, 1), "string")]
    np.testing.assert_array_equal(model(["B a", ""]), [[3, 2], [0, 0]])
