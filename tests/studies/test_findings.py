"""Sentences follow from the numbers: other numbers, other sentences."""

import numpy as np
import pytest
from studies import findings
from studies.findings import Outcome
from studies.results import digits
from studies.variants import STUDIES

TRUTH = np.arange(300) % 3
BY_KEY = {study.key: study for study in STUDIES}
RNG = np.random.default_rng(0)


def predictions(right):
    """Class numbers of which about the share `right` is right; 0: always class 2."""
    return np.where(RNG.random(300) < right, TRUTH, RNG.integers(0, 3, 300)) if right else np.full(300, 2)


def outcome(key, *shares):
    """The outcome of a study whose members are right in these shares."""
    results = {"run": {"labels": {"texts": digits(TRUTH), "images": digits(TRUTH)}}}
    for member, right in zip(BY_KEY[key].members, shares, strict=False):
        results[member.network.name] = {"keras": {"predictions": digits(predictions(right))}}
    return Outcome(BY_KEY[key], results)


@pytest.mark.parametrize(
    ("key", "shares", "expected"),
    [
        ("cnn-layers", (0.3, 0.5, 0.9), "these numbers support it"),
        ("cnn-layers", (0.9, 0.5, 0.3), "these numbers contradict it"),
        ("cnn-layers", (0.7, 0.7, 0.7), "these numbers do not show it"),
        ("rnn-layers", (0.7, 0.7, 0.7), "these numbers agree"),
        ("rnn-layers", (0.3, 0.5, 0.9), "these numbers contradict it"),
        ("rnn-layers", (0.9, 0.5, 0.3), "these numbers support it"),
        ("lstm-layers", (0, 0, 0), "networks that have not learned cannot show that"),
    ],
)
def test_the_verdict_on_the_course_projects_conclusion(key, shares, expected):
    assert expected in findings.verdict(outcome(key, *shares))


def test_each_step_is_judged():
    said = findings.findings(outcome("cnn-layers", 0.2, 0.8, 0.8))
    assert "2 convolutions (32-64) against 1 convolution (32): better" in said[1]
    assert (
        "3 convolutions (32-64-128) against 2 convolutions (32-64): neither better nor worse beyond chance" in said[2]
    )


def test_a_network_that_gives_one_class_has_not_learned():
    said = " ".join(findings.findings(outcome("lstm-direction", 0, 0.9)))
    assert "Not learned: unidirectional gives one class for 100% of the test set" in said
    assert "would score 0.167" in said
    assert "Bidirectional against unidirectional: better" in said


@pytest.mark.parametrize(
    ("shares", "expected"),
    [((0, 0.9, 0.9), "The padding is why, not the layer"), ((0.5, 0.9, 0.9), "costs this network much"),
     ((0, 0, 0.9), "do not show that padding"), ((0.7, 0.7, 0.7), "do not show that padding")],
)  # fmt: skip
def test_the_cause_is_named_only_where_the_experiment_shows_it(shares, expected):
    assert expected in findings.cause(outcome("lstm-padding", *shares))


def test_a_study_with_one_trained_network_says_so():
    assert findings.findings(outcome("cnn-layers", 0.5)) == [
        "Fewer than two of these networks have been trained, so there is nothing to compare yet."
    ]


def test_forgetting_is_read_off_the_measured_spreads():
    measured = {"zeros": [0, 10, 20, 40], "trained": [1.0, 0.1, 0.005, 1e-6], "median_zeros": 180.0}
    sentence = findings.padding(outcome("lstm-padding", 0.5, 0.5), measured)[-1]
    assert "After 20 zeros less than 1% of the state's spread" in sentence
    assert "after 40 zeros 1e-06" in sentence
    kept = {**measured, "trained": [1.0, 0.9, 0.8, 0.5]}
    assert "After 40 zeros 50% of the state's spread" in findings.padding(outcome("lstm-padding", 0.5, 0.5), kept)[-1]


def test_a_twin_is_summed_up_by_its_largest_difference():
    keras = {"loss": [2.0, 1.0], "val_loss": [2.0, 1.0], "seconds": [1.0, 3.0]}
    ours = {"loss": [2.0, 1.01], "val_loss": [2.001, 1.0], "seconds": [4.0, 4.0]}
    sentence = findings.twin({"keras": keras, "kconvert": ours})
    assert sentence == (
        "The losses differ by 5.0e-04 of their value after the first epoch, and by at most 1.0e-02 over 2 epochs."
    )
