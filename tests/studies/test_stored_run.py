"""The stored results of the full run agree with themselves: scores follow from predictions, both sides agree."""

from pathlib import Path

import numpy as np
import pytest
from common import macro_f1
from studies.findings import CLASSES
from studies.report import missing
from studies.results import classes, read_all
from studies.variants import STUDIES, TWINS, networks

FULL = Path(__file__).parents[2] / "examples" / "studies" / "full"
RESULTS = read_all(FULL / "results")
TRAINED = [network for network in networks() if network.name in RESULTS]


def test_what_is_missing_is_said():
    text = (FULL / "report.md").read_text(encoding="utf-8")
    absent = missing(RESULTS)
    assert ("This run is not complete" in text) == bool(absent)
    assert len(TRAINED) == 24
    assert all(name in text for name in absent if not name.startswith("time-"))


@pytest.mark.parametrize("network", TRAINED, ids=lambda network: network.name)
def test_scores_follow_from_the_stored_predictions(network):
    result = RESULTS[network.name]
    truth = classes(RESULTS["run"]["labels"][network.task])
    for side in ("keras", "kconvert"):
        predicted = classes(result[side]["predictions"])
        assert len(predicted) == len(truth)
        assert result[side]["f1"] == macro_f1(truth, predicted, CLASSES[network.task])


@pytest.mark.parametrize("network", TRAINED, ids=lambda network: network.name)
def test_keras_and_kconvert_predict_the_same(network):
    result = RESULTS[network.name]
    assert result["keras"]["predictions"] == result["kconvert"]["predictions"]
    assert result["keras"]["f1"] == result["kconvert"]["f1"]
    assert result["largest_difference"] < 1e-4


@pytest.mark.parametrize("network", TRAINED, ids=lambda network: network.name)
def test_histories_are_whole(network):
    result, settings = RESULTS[network.name], RESULTS["run"]["settings"]
    assert len(result["loss"]) == len(result["val_loss"]) <= settings["epochs"][network.task]
    assert result["best_epoch"] == np.argmin(result["val_loss"]) + 1


def test_training_twice_gives_the_same_curves():
    """The recurrent networks' losses agree closely; those of the convolutional one until rounding has grown."""
    for network, tolerance in zip(TWINS, (3e-2, 1e-4, 1e-2), strict=True):
        result = RESULTS[f"twin-{network.name}"]
        for key in ("loss", "val_loss"):
            np.testing.assert_allclose(result["kconvert"][key], result["keras"][key], rtol=tolerance)


def test_parameters_are_those_of_the_formulas():
    """A convolution has k k c f + f, a dense layer n m + m, an LSTM 4 (n + u + 1) u, an embedding words x 128."""
    base = 3 * 3 * 3 * 32 + 32 + 3 * 3 * 32 * 64 + 64 + (8 * 8 * 64 + 1) * 64 + (64 + 1) * 10
    assert RESULTS["cnn-32-64-k3-max"]["parameters"] == base
    assert RESULTS["lstm-64"]["parameters"] == 2836 * 128 + 4 * (128 + 64 + 1) * 64 + (64 + 1) * 3


def test_multiply_adds_are_those_of_the_formulas():
    base = 32 * 32 * 27 * 32 + 16 * 16 * 288 * 64 + 8 * 8 * 64 * 64 + 64 * 10
    assert RESULTS["cnn-32-64-k3-max"]["multiply_adds"] == base
    assert RESULTS["lstm-64"]["multiply_adds"] == 200 * (128 + 64) * 4 * 64 + 64 * 3


def test_the_original_scores_stand_beside_ours():
    lines = (FULL / "report.md").read_text(encoding="utf-8").splitlines()
    for study in STUDIES:
        for member in study.members:
            if member.network.name in RESULTS and member.original is not None:
                rows = [line for line in lines if line.startswith(f"| {member.label} |")]
                assert any(f"| {member.original:.4f} |" in row for row in rows)
