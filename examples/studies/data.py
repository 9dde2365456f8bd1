"""The two data sets as arrays on disk, prepared once and then mapped by every training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import Split, load_cifar, load_sentiment

from .results import read_json, write_json
from .settings import LENGTH, Settings
from .variants import Network, Texts

SPLITS = ("train", "valid", "test")


def prepare(data: Path | None, out: Path, settings: Settings) -> None:
    """Write the splits to `out`/data, unless they are there: pictures as bytes, texts as word numbers.

    data: a folder that holds cifar10/ and nusax/; None: both are downloaded.
    """
    folder = out / "data"
    if (folder / "vocabulary.json").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in _images(data and data / "cifar10", settings).items():
        _write(folder, "images", split, rows)
    texts = {split: load_sentiment(data and data / "nusax", split) for split in SPLITS}
    numbered, words = number_words(texts, settings)
    for split, rows in numbered.items():
        _write(folder, "texts", split, rows)
    write_json(folder / "vocabulary.json", words)


def load(out: Path, network: Network, split: str) -> Split:
    """Inputs and class numbers of a split, as `network` takes them; pictures stay on disk until they are read."""
    x = np.load(_path(out / "data", network.task, split, "x"), mmap_mode="r")
    y = np.load(_path(out / "data", network.task, split, "y"))
    if isinstance(network, Texts) and network.padding == "pre":
        x = pad_before(x)
    return x, y


def vocabulary_size(out: Path) -> int:
    """How many word numbers there are: 0 for padding, 1 for unknown words, then the words."""
    return int(read_json(out / "data" / "vocabulary.json"))


def pad_before(ids: np.ndarray) -> np.ndarray:
    """Move the zeros at the end of each row to its start."""
    moved = np.zeros_like(ids)
    for row, words in zip(moved, ids, strict=True):
        kept = words[: np.count_nonzero(words)]
        row[len(row) - len(kept) :] = kept
    return moved


def number_words(texts: dict[str, Split], settings: Settings) -> tuple[dict[str, Split], int]:
    """Texts as numbers of the training texts' words, int32 (n, LENGTH), zeros after; and the vocabulary's size."""
    import keras

    layer = keras.layers.TextVectorization(output_sequence_length=LENGTH)
    kept = {split: texts[split][0][:rows] for split, rows in zip(SPLITS, settings.texts, strict=True)}
    layer.adapt(kept["train"])
    numbered = {split: (np.asarray(layer(x)).astype(np.int32), texts[split][1][: len(x)]) for split, x in kept.items()}
    return numbered, layer.vocabulary_size()


def _images(data: Path | None, settings: Settings) -> dict[str, Split]:
    """The first pictures to train on, the next to validate on; the test set is one of its own."""
    train, valid, test = settings.images
    x, y = load_cifar(data, "train")
    tested = load_cifar(data, "test")
    held_out = slice(train, train + valid)
    return {
        "train": (x[:train], y[:train]),
        "valid": (x[held_out], y[held_out]),
        "test": (tested[0][:test], tested[1][:test]),
    }


def _write(folder: Path, task: str, split: str, rows: Split) -> None:
    for part, array in zip("xy", rows, strict=True):
        np.save(_path(folder, task, split, part), array)


def _path(folder: Path, task: str, split: str, part: str) -> Path:
    return folder / f"{task}-{split}-{part}.npy"
