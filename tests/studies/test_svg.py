"""Charts: scales and ticks, and pictures that are well-formed and say what they show."""

from xml.etree import ElementTree

import pytest
from studies import figures
from studies.scores import Interval
from studies.svg import Scale, number

HISTORY = {"loss": [1.5, 1.2, 0.9], "val_loss": [1.6, 1.4, 1.45], "best_epoch": 2}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 8, [2, 4, 6, 8]),
        (0.93, 1.71, [1, 1.2, 1.4, 1.6]),
        (0, 40, [0, 10, 20, 30, 40]),
    ],
)
def test_ticks_are_round_and_within_the_scale(low, high, expected):
    assert Scale(low, high, 0, 100).ticks() == pytest.approx(expected)


def test_ticks_of_a_logarithmic_scale_are_powers_of_ten():
    assert Scale(1e-3, 10, 0, 100, log=True).ticks() == pytest.approx([1e-3, 1e-2, 0.1, 1, 10])
    assert Scale(1e-9, 1, 0, 100, log=True).ticks() == pytest.approx([1e-8, 1e-6, 1e-4, 1e-2, 1])


def test_scales_map_ends_to_ends_and_the_middle_between():
    assert [Scale(2, 4, 100, 50)(value) for value in (2, 3, 4)] == [100, 75, 50]
    assert [Scale(1, 100, 0, 10, log=True)(value) for value in (1, 10, 100)] == [0, 5, 10]


@pytest.mark.parametrize(
    ("value", "label"), [(0, "0"), (0.25, "0.25"), (40.0, "40"), (1e-6, "1e-6"), (0.1 + 0.2, "0.3")]
)
def test_tick_labels_are_short(value, label):
    assert number(value) == label


def pictures():
    memory = {"zeros": [0, 100], "untrained": [1, 1e-9], "trained": [1, 0.0], "median_zeros": 90.0}
    twin = {"keras": HISTORY, "kconvert": HISTORY}
    return {
        "losses": figures.losses("A & B", {"one": HISTORY, "two": HISTORY}),
        "scores": figures.scores(
            "A", {"one": (Interval(0.5, 0.4, 0.6), 0.7), "two": (Interval(0.5, 0.4, 0.6), None)}, 0.2
        ),
        "times": figures.times("A", {"one": {"keras": 2.0, "kconvert": 0.5}}, "milliseconds a sample"),
        "twins": figures.twins("A", twin),
        "memory": figures.memory("A", {"LSTM": memory, "SimpleRNN": memory}),
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("losses", {"epoch", "cross-entropy (nats)", "training", "validation", "epoch kept", "one", "two"}),
        (
            "scores",
            {"macro F1 on the test set (1: all right)", "here, with 95 % interval", "course project", "one", "two"},
        ),
        ("times", {"milliseconds a sample", "Keras predict", "kconvert", "one", "0.1", "1", "10"}),
        ("twins", {"epoch", "cross-entropy (nats)", "Keras, training", "kconvert, validation"}),
        (
            "memory",
            {"zeros read after the text", "spread of the state (share)", "LSTM, trained", "SimpleRNN, untrained"},
        ),
    ],
)
def test_a_figure_names_its_axes_units_and_lines(name, expected):
    root = ElementTree.fromstring(pictures()[name])
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert expected <= words
    assert root.get("aria-label")


@pytest.mark.parametrize("name", ["losses", "scores", "times", "twins", "memory"])
def test_nothing_is_drawn_outside_a_figure(name):
    root = ElementTree.fromstring(pictures()[name])
    width, height = float(root.get("width")), float(root.get("height"))
    places = [(float(one.get(x)), float(one.get(y))) for one in root.iter() for x, y in
              (("x", "y"), ("cx", "cy"), ("x1", "y1"), ("x2", "y2")) if one.get(x)]  # fmt: skip
    lines = [one.get("points").split() for one in root.iter("{http://www.w3.org/2000/svg}polyline")]
    places += [tuple(map(float, place.split(","))) for line in lines for place in line]
    assert len(places) > 10
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places)
