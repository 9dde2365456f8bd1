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


def main() -> None:
    """Write the golden file: model.json, the checkpoint, the SavedModel, inputs and Keras' output."""
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
