"""How much a recurrent layer still knows of a text after reading padding, measured with kconvert.

Ten words of each of many texts are followed by more and more zeros. As long as the layer's state tells the texts apart,
it differs from text to text; once all states are the same, no later layer can tell them apart, and no gradient reaches
the words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import kconvert

from . import data
from .comparison import bundle_path
from .models import build
from .settings import SEED
from .variants import Texts

WORDS = 10
TEXTS = 64
STEPS = (0, 1, 2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180)


def fade(network: Texts, out: Path) -> dict[str, Any]:
    """The standard deviation of the state over the texts (mean over the units), by the zeros read after them.

    median_zeros: how many follow a text of the test set.
    """
    x, _ = data.load(out, network, "test")
    texts = x[x[:, WORDS - 1] > 0][:TEXTS, :WORDS]
    keras.utils.set_random_seed(SEED)
    untrained = bundle_path(out, network, "-untrained")
    kconvert.convert(build(network, data.vocabulary_size(out)), untrained)
    bundles = {"untrained": untrained, "trained": bundle_path(out, network)}
    median = float(np.median((x == 0).sum(axis=1)))
    spreads = {key: _spreads(path, texts) for key, path in bundles.items()}
    return {"zeros": STEPS, "texts": len(texts), "median_zeros": median, **spreads}


def _spreads(bundle: Path, texts: np.ndarray) -> list[float]:
    model = kconvert.load(bundle)
    return [_spread(model, np.pad(texts, ((0, 0), (0, zeros)))) for zeros in STEPS]


def _spread(model: Any, ids: np.ndarray) -> float:
    _, taps = model(ids, taps=["recurrent_1"])
    state = np.asarray(taps["recurrent_1"], np.float64)
    return float(state.std(axis=0).mean())
