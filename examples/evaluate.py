"""Score a converted example on its test set and, with --keras, compare it with Keras.

    kconvert examples/cifar/cifar.keras out/cifar
    python examples/evaluate.py cifar out/cifar --data DIR --keras examples/cifar/cifar.keras

Keras is imported only when --keras is given, or to download CIFAR-10 when --data is not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import CIFAR_CLASSES, SENTIMENTS, DataError, Split, load_cifar, load_sentiment, macro_f1, run

BATCH = 256
TASKS = {"sentiment": SENTIMENTS, "cifar": CIFAR_CLASSES}


def load_test(task: str, data: Path | None) -> Split:
    """The test set as the model takes it: str (n, 1) for sentiment, float32 (n, 32, 32, 3) for cifar."""
    if task == "sentiment":
        return load_sentiment(data, "test")
    images, labels = load_cifar(data, "test")
    return images.astype(np.float32), labels


def predict_kconvert(bundle: Path, x: np.ndarray) -> np.ndarray:
    """Probabilities by kconvert's runtime, which needs NumPy only."""
    import kconvert

    try:
        model = kconvert.load(bundle)
    except kconvert.KconvertError as error:
        raise DataError(str(error)) from None
    return np.asarray(model.predict(x, batch_size=BATCH))


def predict_keras(path: Path, x: np.ndarray) -> np.ndarray:
    """Probabilities by Keras, from the model file that was converted."""
    if not path.is_file():
        raise DataError(f"{path} does not exist; --keras names the model file that was converted")
    import keras

    model = keras.saving.load_model(path, compile=False)
    if x.dtype.kind == "U":  # Keras takes strings as a tensor only
        x = keras.ops.convert_to_tensor(x)
    return np.asarray(model.predict(x, batch_size=BATCH, verbose=0))


def report(name: str, predict: Callable[[], np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Print the macro F1 and the time, loading the model included, of `predict`; return its probabilities."""
    start = time.perf_counter()
    probabilities = predict()
    seconds = time.perf_counter() - start
    score = macro_f1(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    print(f"{name + ':':<9} macro F1 {score:.4f}, {len(labels):,} rows, {seconds:.2f} s")
    return probabilities


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Score a converted example on its test set.")
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("bundle", type=Path, help="folder written by kconvert")
    parser.add_argument("--data", type=Path, help="folder with the data set (default: download)")
    parser.add_argument("--keras", type=Path, metavar="MODEL", help="also run this model file and compare")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    x, labels = load_test(arguments.task, arguments.data)
    ours = report("kconvert", lambda: predict_kconvert(arguments.bundle, x), labels)
    if arguments.keras is None:
        return
    theirs = report("keras", lambda: predict_keras(arguments.keras, x), labels)
    differing = int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum())
    print(f"predictions that differ: {differing} of {len(labels):,}")
    print(f"largest difference of a probability: {np.abs(ours - theirs).max():.2e}")


if __name__ == "__main__":
    run(main)
