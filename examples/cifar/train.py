"""Train a small convolutional network on CIFAR-10 and save it as cifar.keras.

    python examples/cifar/train.py [--data DIR]

DIR holds train.npz and test.npz; without it CIFAR-10 is downloaded.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

sys.path.insert(0, str(Path(__file__).parents[1]))
from common import CIFAR_CLASSES, load_cifar, macro_f1, run, save

HELD_OUT = 5000  # training pictures kept aside for validation
BATCH = 64
SHIFT = 3  # pixels a training picture is moved at most


class Augmented(keras.utils.PyDataset):
    """Training batches, shuffled anew each epoch; every picture is shifted and half of them are mirrored."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, seed: int) -> None:
        super().__init__()
        around = ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0))
        self.padded, self.labels = np.pad(images, around, mode="reflect"), labels
        self.rng = np.random.default_rng(seed)
        self.order = self.rng.permutation(len(labels))

    def __len__(self) -> int:
        return -(-len(self.labels) // BATCH)

    def on_epoch_end(self) -> None:
        self.order = self.rng.permutation(len(self.labels))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * BATCH : (index + 1) * BATCH]
        top, left = self.rng.integers(0, 2 * SHIFT + 1, (2, len(chosen), 1, 1))
        rows, columns = top + np.arange(32)[:, None], left + np.arange(32)
        images = self.padded[chosen[:, None, None], rows, columns]
        mirrored = self.rng.random(len(chosen)) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images.astype(np.float32), self.labels[chosen]


def build() -> keras.Model:
    """Pixels 0-255, float32 (32, 32, 3), to the probabilities of ten classes."""
    x = inputs = keras.Input((32, 32, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    outputs = layers.Dense(len(CIFAR_CLASSES), activation="softmax", name="class")(x)
    return keras.Model(inputs, outputs, name="cifar")


def train(model: keras.Model, images: np.ndarray, labels: np.ndarray, arguments: argparse.Namespace) -> None:
    """Fit on all but the last HELD_OUT pictures, the learning rate falling along a cosine."""
    batches = Augmented(images[:-HELD_OUT], labels[:-HELD_OUT], arguments.seed)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=arguments.epochs * len(batches))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    held_out = (images[-HELD_OUT:].astype(np.float32), labels[-HELD_OUT:])
    model.fit(batches, epochs=arguments.epochs, validation_data=held_out, verbose=2)


def score(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Macro F1 of the model's predictions."""
    probabilities = model.predict(images.astype(np.float32), batch_size=BATCH, verbose=0)
    return macro_f1(labels, probabilities.argmax(axis=1), len(CIFAR_CLASSES))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a small convolutional network on CIFAR-10.")
    parser.add_argument("--data", type=Path, help="folder with train.npz and test.npz (default: download)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    keras.utils.set_random_seed(arguments.seed)
    images, labels = load_cifar(arguments.data, "train")
    test = load_cifar(arguments.data, "test")
    model, start = build(), time.monotonic()
    train(model, images, labels, arguments)
    print(f"trained {arguments.epochs} epochs in {time.monotonic() - start:.0f} s")
    print(f"macro F1, validation: {score(model, images[-HELD_OUT:], labels[-HELD_OUT:]):.4f}")
    print(f"macro F1, test: {score(model, *test):.4f}")
    save(model, CIFAR_CLASSES, arguments.out / "cifar.keras")


if __name__ == "__main__":
    run(main)
