"""Train a bidirectional LSTM on raw Indonesian text (NusaX) and save it as sentiment.keras.

    python examples/sentiment/train.py [--data DIR]

DIR holds train.csv, valid.csv and test.csv; without it NusaX is downloaded.
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
from common import SENTIMENTS, Split, load_sentiment, macro_f1, run, save

MAX_TOKENS = 2000
LENGTH = 80  # words; the longest training text has 77
DROPPED_WORDS = 0.3  # share of the words left out of a training text, anew each time it is seen
BATCH = 8
PATIENCE = 15  # epochs without a better validation loss before training stops


class DroppedWords(keras.utils.PyDataset):
    """Training batches, shuffled anew each epoch, with some words of every text left out."""

    def __init__(self, ids: np.ndarray, targets: np.ndarray, seed: int) -> None:
        super().__init__()
        self.ids, self.targets, self.rng = ids, targets, np.random.default_rng(seed)
        self.order = self.rng.permutation(len(ids))

    def __len__(self) -> int:
        return -(-len(self.ids) // BATCH)

    def on_epoch_end(self) -> None:
        self.order = self.rng.permutation(len(self.ids))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * BATCH : (index + 1) * BATCH]
        ids = np.zeros((len(chosen), LENGTH), np.int64)
        for row, words in zip(ids, self.ids[chosen], strict=True):
            kept = words[(words > 0) & (self.rng.random(LENGTH) >= DROPPED_WORDS)]
            row[: len(kept)] = kept
        return ids, self.targets[chosen]


def vectorizer(texts: np.ndarray) -> layers.TextVectorization:
    """Text to word numbers: lower case, no punctuation, the commonest words of `texts`, 0 for padding."""
    layer = layers.TextVectorization(MAX_TOKENS, output_sequence_length=LENGTH, name="words")
    layer.adapt(texts)
    return layer


def build_classifier(vocabulary: int) -> keras.Model:
    """Word numbers, int64 (LENGTH,), to the probabilities of negative, neutral and positive."""
    x = inputs = keras.Input((LENGTH,), dtype="int64", name="ids")
    x = layers.Embedding(vocabulary, 32, mask_zero=True, name="embedding")(x)
    x = layers.SpatialDropout1D(0.4)(x)
    x = layers.Bidirectional(layers.LSTM(16), name="bilstm")(x)
    x = layers.Dropout(0.3)(x)
    outputs = layers.Dense(len(SENTIMENTS), activation="softmax", name="sentiment")(x)
    return keras.Model(inputs, outputs, name="classifier")


def join(words: layers.TextVectorization, classifier: keras.Model) -> keras.Model:
    """One model from raw text, shape (1,), to probabilities: `words`, then the layers of `classifier`."""
    x = inputs = keras.Input((1,), dtype="string", name="text")
    for layer in (words, *classifier.layers[1:]):
        x = layer(x)
    return keras.Model(inputs, x, name="sentiment")


def train(model: keras.Model, batches: DroppedWords, validation: Split, epochs: int) -> None:
    """Fit, rare classes weighing more, until the validation loss stops falling; keep the best weights."""
    counts = batches.targets.sum(axis=0)
    weights = dict(enumerate(counts.sum() / (len(counts) * counts)))
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True, verbose=1)
    model.fit(batches, epochs=epochs, validation_data=validation, class_weight=weights, callbacks=[stop])


def score(model: keras.Model, texts: np.ndarray, labels: np.ndarray) -> float:
    """Macro F1 of the model's predictions on raw text."""
    probabilities = model.predict(keras.ops.convert_to_tensor(texts), verbose=0)
    return macro_f1(labels, probabilities.argmax(axis=1), len(SENTIMENTS))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a bidirectional LSTM on raw Indonesian text.")
    parser.add_argument("--data", type=Path, help="folder with the three .csv files (default: download)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    parser.add_argument("--epochs", type=int, default=60, help="at most this many")
    parser.add_argument("--seed", type=int, default=4)
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    keras.utils.set_random_seed(arguments.seed)
    texts, labels = load_sentiment(arguments.data, "train")
    valid, test = load_sentiment(arguments.data, "valid"), load_sentiment(arguments.data, "test")
    words, start = vectorizer(texts), time.monotonic()
    classifier = build_classifier(words.vocabulary_size())
    targets = np.eye(len(SENTIMENTS), dtype=np.float32)
    batches = DroppedWords(np.asarray(words(texts)), targets[labels], arguments.seed)
    train(classifier, batches, (np.asarray(words(valid[0])), targets[valid[1]]), arguments.epochs)
    model = join(words, classifier)
    print(f"trained in {time.monotonic() - start:.0f} s")
    print(f"macro F1, validation: {score(model, *valid):.4f}")
    print(f"macro F1, test: {score(model, *test):.4f}")
    save(model, SENTIMENTS, arguments.out / "sentiment.keras")


if __name__ == "__main__":
    run(main)
