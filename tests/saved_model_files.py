"""A small SavedModel and a checkpoint that Keras 2 wrote, for tests: written by `python -m tests.saved_model_files`."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent / "golden_containers" / "keras2.zip"
DATE = (1980, 1, 1, 0, 0, 0)


def build(keras: Any) -> Any:
    """Nested and shared layers, wrappers, batch normalisation, a recurrent layer, attention."""
    layers = keras.layers
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation="relu"), layers.BatchNormalization()], name="inner"
    )
    start, other = keras.Input((3, 4), name="a"), keras.Input((3, 4), name="b")
    each = layers.TimeDistributed(inner)
    y = layers.Concatenate()([each(start), each(other)])
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(y)
    y = layers.MultiHeadAttention(2, 2)(y, y)
    return keras.Model([start, other], layers.Dense(2)(layers.GRU(2)(y)), name="golden")


TEXTS = np.array([["a b zz"], ["p"], ["\u00e4 d a a"]], object)
NUMBERS = np.array([[3], [-5], [1]])


def build_words(keras: Any, folder: Path) -> Any:
    """Vocabularies found in data, given as a list, given as a file; tokens to indices and back."""
    layers = keras.layers
    (folder / "words.txt").write_text("p\nq\n")
    index, tf_idf = layers.TextVectorization(output_sequence_length=3), layers.TextVectorization(output_mode="tf_idf")
    integers, words = layers.IntegerLookup(), layers.StringLookup(invert=True)
    for layer in (index, tf_idf):
        layer.adapt(["a b c a", "b d", "\u00e4 c"])
    integers.adapt(np.array([[3], [-5], [3]]))
    words.adapt(np.array(["u", "u", "w"]))
    inner = keras.Sequential([keras.Input((1,), dtype="string"), index, layers.Embedding(9, 2)], name="inner")
    text, number = keras.Input((1,), dtype="string", name="text"), keras.Input((1,), dtype="int64", name="number")
    known, filed = layers.StringLookup(vocabulary=["b", "p"]), layers.StringLookup(vocabulary=str(folder / "words.txt"))
    outputs = [inner(text), tf_idf(text), known(text), filed(text), integers(number), words(number)]
    return keras.Model([text, number], outputs, name="words")


def plain(value: Any) -> np.ndarray:
    """A tensor as an array; strings as str."""
    array = np.asarray(value)
    return array if array.dtype != object else np.array([s.decode() for s in array.ravel()]).reshape(array.shape)


def main() -> None:
    """Write the golden file: model.json, the checkpoint, the SavedModels, inputs and Keras' output."""
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    model, rng = build(tf_keras), np.random.default_rng(2)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape).astype(np.float32) for w in model.get_weights()])
    inputs = rng.normal(size=(2, 2, 3, 4)).astype(np.float32)
    buffer = io.BytesIO()
    np.savez(buffer, a=inputs[0], b=inputs[1], output=np.asarray(model([inputs[0], inputs[1]])))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model.save(folder / "saved", save_traces=False)
        words = build_words(tf_keras, folder)
        words.save(folder / "words", save_traces=False)
        found = words([tf.constant(TEXTS.tolist()), tf.constant(NUMBERS)])
        np.savez(folder / "words.npz", *map(plain, found))
        (folder / "words.txt").unlink()
        model.save_weights(folder / "weights")
        (folder / "model.json").write_text(model.to_json())
        (folder / "data.npz").write_bytes(buffer.getvalue())
        GOLDEN.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(GOLDEN, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), DATE)
                archive.writestr(info, file.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
