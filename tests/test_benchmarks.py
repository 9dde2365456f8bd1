"""The page of the benchmarks, made from results; measuring itself needs Keras."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from benchmarks.pages import PEERS, pages
from benchmarks.startup import MEMORY, PYTHON, measure

RESULTS = {
    "machine": {"CPU": "abacus", "cores": "2"},
    "speed": {
        "mlp/1": {
            "kconvert": {"ms": 2.0, "ratio": [1.0, 1.0, 1.0], "error": 1e-7},
            "tf": {"ms": 4.0, "ratio": [2.0, 1.9, 2.1], "error": 0.0},
            "ort": {"failed": "a | reason"},
        },
        "cnn/1": {
            "kconvert": {"ms": 1.0, "ratio": [1.0, 1.0, 1.0], "error": 1e-7},
            "tf": {"ms": 8.0, "ratio": [8.0, 8.0, 8.0], "error": 0.0},
        },
    },
    "training": {
        "cnn": {
            "kconvert": {"ms": 40.0, "ratio": [1.0, 1.0, 1.0], "losses": [2.0, 1.5, 1.25]},
            "keras": {"ms": 30.0, "ratio": [0.75, 0.7, 0.8], "losses": [2.0, 1.5, 1.25]},
        },
    },
    "startup": {"import numpy": {"seconds": 0.1, "megabytes": 25.0}},
    "growth": {"cnn": {"by": "rows", "sizes": [1, 4], "kconvert": [1.0, 4.0], "tf": [2.0, 5.0]}},
}


def test_the_page_has_ratios_their_geometric_mean_and_the_reasons_of_failures() -> None:
    (page, text), (plot, drawing) = pages(RESULTS).items()
    assert (page.name, plot.name) == ("performance.md", "performance.svg")
    assert "4.00 (2.00)" in text
    assert "**4.00** of 2" in text  # the geometric mean of 2 and 8
    assert "fails (1)" in text
    assert "1. a / reason" in text
    assert "CPU abacus" in text
    assert "| CNN 32x32x3, 64 rows | 40 | 30 (0.75) | 1.25000 | 1.25000 |" in text
    assert (
        len(ElementTree.fromstring(drawing).findall("{*}circle")) == len(PEERS) + 2
    )  # the legend's, and one for each ratio


def test_processes_are_measured_with_the_memory_they_hold() -> None:
    code = MEMORY + "x = bytearray(90 << 20)"
    found = measure({"small": [PYTHON, "-c", MEMORY], "large": [PYTHON, "-c", code]}, rounds=1)
    assert found["small"]["megabytes"] < 40
    assert 90 < found["large"]["megabytes"] < 130
    assert found["small"]["seconds"] > 0
