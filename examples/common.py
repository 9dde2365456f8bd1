"""What the example scripts share: the two data sets, macro F1, and saving a model with its labels."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NUSAX_COMMIT = "159e7b2b8f27ddc37ab0e40db3c1480d779f7712"
NUSAX_URL = f"https://raw.githubusercontent.com/IndoNLP/nusax/{NUSAX_COMMIT}/datasets/sentiment/indonesian"
NUSAX_SHA256 = {
    "train": "698c4802111085c14fbe35122957e1145338d307bcc295764026a23095a32984",
    "valid": "4049c4a53017e08db72c72e1907345bfdfc19385481c58f54fe4637073d813f9",
    "test": "43b612ed6fde972c752ab9fa8b2ce290d9ffa06b176b732fcef2a947cb94a161",
}
SENTIMENTS = ("negative", "neutral", "positive")
CIFAR_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

Split = tuple[np.ndarray, np.ndarray]


class DataError(Exception):
    """A file or download cannot be had; the message says what was looked for and what to do."""


def run(main: Callable[[], None]) -> None:
    """Call `main`; a DataError becomes one line on stderr and exit code 2."""
    try:
        main()
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def macro_f1(truth: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """The mean over the classes of F1 = 2 TP / (2 TP + FP + FN), taken as 0 for a class that is nowhere."""
    each = np.arange(classes)[:, None]
    hits = ((truth == each) & (predicted == each)).sum(axis=1)
    total = (truth == each).sum(axis=1) + (predicted == each).sum(axis=1)
    return float(np.mean(2 * hits / np.maximum(total, 1)))


def load_sentiment(data: Path | None, split: str) -> Split:
    """Texts, shape (n, 1), and class numbers, shape (n,), of NusaX `split`: train, valid or test.

    Read from `data`/`split`.csv; downloaded when `data` is None, and compared with its checksum.
    """
    source = f"{NUSAX_URL}/{split}.csv" if data is None else str(data / f"{split}.csv")
    raw = _download(source, NUSAX_SHA256[split]) if data is None else _file(data / f"{split}.csv").read_bytes()
    try:
        rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        texts = np.array([[row["text"]] for row in rows])
        labels = np.array([SENTIMENTS.index(row["label"]) for row in rows])
    except (KeyError, ValueError) as error:
        expected = f"expected the columns text and label, labels {', '.join(SENTIMENTS)}"
        raise DataError(f"{source}: {expected} ({type(error).__name__}: {error})") from None
    if not rows:
        raise DataError(f"{source}: no rows")
    return texts, labels


def load_cifar(data: Path | None, split: str) -> Split:
    """Pictures, uint8 (n, 32, 32, 3), and class numbers, shape (n,), of CIFAR-10 `split`: train or test.

    Read from `data`/`split`.npz (JPEG files end to end, offsets, labels); downloaded when `data` is None, by Keras,
    which compares the file with its checksum.
    """
    if data is None:
        return _download_cifar(split)
    path = _file(data / f"{split}.npz")
    try:
        with np.load(path) as file:
            jpeg, offsets, labels = file["jpeg"], file["offsets"], file["labels"]
    except (KeyError, ValueError) as error:
        raise DataError(f"{path}: expected the arrays jpeg, offsets and labels: {error}") from None
    images = np.empty((len(labels), 32, 32, 3), np.uint8)
    for i, (start, end) in enumerate(itertools.pairwise(offsets)):
        images[i] = _decode(jpeg[start:end].tobytes())
    return images, labels.astype(np.int64)


def save(model: Any, labels: tuple[str, ...], path: Path) -> None:
    """Write a Keras model, without its optimizer, to `path`, and labels.txt, a line an output, beside it."""
    import keras

    path.parent.mkdir(parents=True, exist_ok=True)
    bare = keras.Model(model.inputs, model.outputs, name=model.name)  # not compiled: no optimizer
    bare.save(path)
    path.with_name("labels.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
    print(f"{path}: {model.count_params():,} parameters, {path.stat().st_size:,} bytes")


def _file(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path} does not exist; --data names its folder, leave --data out to download it")
    return path


def _download(url: str, sha256: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            content = bytes(response.read())
    except (urllib.error.URLError, TimeoutError) as error:
        raise DataError(f"cannot download {url}: {error}; --data names a folder to read instead") from None
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise DataError(f"{url}: expected SHA-256 {sha256}, received {found}; --data names a folder to read instead")
    return content


def _download_cifar(split: str) -> Split:
    import keras

    try:
        train, test = keras.datasets.cifar10.load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise DataError(f"cannot download CIFAR-10: {error}; --data names a folder to read instead") from None
    images, labels = train if split == "train" else test
    return images, labels[:, 0].astype(np.int64)


def _decode(jpeg: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
