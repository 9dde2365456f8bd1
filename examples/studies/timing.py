"""How long a sample takes: Keras' `predict` and kconvert's, in turns, on the same machine."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np

import kconvert

from . import data
from .comparison import bundle_path, model_path
from .settings import Settings
from .variants import Network

ROUNDS = 5
BATCH = 32


def measure(network: Network, out: Path, settings: Settings) -> dict[str, Any]:
    """Milliseconds a sample, median of ROUNDS: in batches of 32, and of one sample alone."""
    x, _ = data.load(out, network, "test")
    x = np.ascontiguousarray(x[: settings.timed[network.task]])
    model = kconvert.load(bundle_path(out, network))
    reference = keras.saving.load_model(model_path(out, network), compile=False)
    runs = {
        "keras": lambda rows: reference.predict(rows, batch_size=BATCH, verbose=0),
        "kconvert": lambda rows: model.predict(rows, batch_size=BATCH),
    }
    return {"rows": len(x), "rounds": ROUNDS, "batch": BATCH, "batched": _times(runs, x), "single": _times(runs, x[:1])}


def _times(runs: dict[str, Callable[[np.ndarray], Any]], x: np.ndarray) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(ROUNDS + 1):
        for name, run in runs.items():
            start = perf_counter()
            run(x)
            if round_ > 0:  # the first run traces Keras' function and makes kconvert's plan
                found[name].append((perf_counter() - start) / len(x) * 1e3)
    return {name: statistics.median(times) for name, times in found.items()}
