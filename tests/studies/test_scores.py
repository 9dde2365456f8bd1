"""Macro F1, its intervals, and what follows from them."""

import numpy as np
import pytest
from common import macro_f1
from studies.scores import constant_f1, f1_difference, f1_interval, largest_share


def test_macro_f1_by_hand():
    truth, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    assert macro_f1(truth, predicted, 3) == pytest.approx((2 / 4 + 4 / 5 + 0) / 3)


def test_one_class_for_everything():
    truth = np.repeat([0, 1, 2], [153, 96, 151])
    assert constant_f1(truth, 3) == pytest.approx(2 * 153 / (400 + 153) / 3)
    assert largest_share(np.array([1, 1, 1, 2])) == 0.75


def test_the_interval_is_that_of_test_sets_drawn_row_by_row():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    predicted = np.where(rng.random(300) < 0.7, truth, rng.integers(0, 3, 300))
    rows = rng.integers(0, 300, (2000, 300))
    drawn = [macro_f1(truth[row], predicted[row], 3) for row in rows]
    interval = f1_interval(truth, predicted, 3)
    assert interval.value == macro_f1(truth, predicted, 3)
    np.testing.assert_allclose([interval.low, interval.high], np.percentile(drawn, [2.5, 97.5]), atol=0.008)


def test_a_difference_of_predictions_that_are_the_same_is_nothing():
    truth = np.arange(90) % 3
    change = f1_difference(truth, truth[::-1], truth[::-1], 3)
    assert (change.value, change.low, change.high, change.sign) == (0, 0, 0, 0)


def test_the_better_predictions_come_out_as_better_in_both_orders():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    good, bad = (np.where(rng.random(400) < p, truth, rng.integers(0, 3, 400)) for p in (0.8, 0.3))
    assert f1_difference(truth, bad, good, 3).sign == 1
    assert f1_difference(truth, good, bad, 3).sign == -1
    assert f1_difference(truth, bad, good, 3).value == macro_f1(truth, good, 3) - macro_f1(truth, bad, 3)
