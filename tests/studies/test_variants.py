"""The studies as data, and when training ends."""

import numpy as np
import pytest
from studies.schedule import finished, shuffled
from studies.variants import BASE, PADDING, STUDIES, TWINS, Images, Texts, networks


def test_every_network_has_a_name_of_its_own():
    names = [network.name for network in (*networks(), *TWINS)]
    assert len(set(names)) == len(names)
    assert len({member.network for study in STUDIES for member in study.members}) == len(networks())


def test_names_say_what_the_networks_are():
    assert BASE.name == "cnn-32-64-k3-max"
    assert Images((16,), 5, "average", 0.0).name == "cnn-16-k5-average-plain"
    assert Texts("SimpleRNN", (64, 32), bidirectional=True).name == "rnn-64-32-bidirectional"
    assert Texts("LSTM", padding="pre", mask=True).name == "lstm-64-pre-mask"


def test_the_studies_are_those_of_the_course_project():
    sizes = {study.key: len(study.members) for study in STUDIES if study not in PADDING}
    recurrent = {
        f"{cell}-{key}": n for cell in ("rnn", "lstm") for key, n in (("layers", 3), ("units", 3), ("direction", 2))
    }
    assert sizes == {"cnn-layers": 3, "cnn-filters": 3, "cnn-kernels": 3, "cnn-pooling": 2, **recurrent}
    reported = [member.original for study in STUDIES if study not in PADDING for member in study.members]
    assert len(reported) == 27
    assert all(reported)


def test_networks_of_one_study_differ_in_one_thing():
    for study in STUDIES:
        if study in PADDING:
            continue
        rows = [vars(member.network) for member in study.members]
        differing = [key for key in rows[0] if len({row[key] for row in rows}) > 1]
        assert len(differing) == 1, study.key


def test_each_kind_of_network_is_trained_twice():
    assert {type(network).__name__ + getattr(network, "cell", "") for network in TWINS} == {
        "Images", "TextsSimpleRNN", "TextsLSTM"}  # fmt: skip
    assert not any(network.dropout for network in TWINS)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [([], False), ([3.0], False), ([3.0, 2.0, 1.0, 1.5], False), ([3.0, 1.0, 2.0, 2.0], True), ([5.0] * 9, True),
     ([9.0 - i for i in range(9)], False), ([10.0 - i for i in range(10)], True)],
)  # fmt: skip
def test_training_ends_after_all_epochs_or_some_that_did_not_help(losses, expected):
    assert finished(losses, epochs=10, patience=2) is expected


def test_an_epoch_has_its_own_order_and_always_the_same():
    split = np.arange(20), np.arange(20)
    first, again, other = shuffled(split, 0), shuffled(split, 0), shuffled(split, 1)
    assert first[0].tolist() == again[0].tolist() != other[0].tolist()
    assert sorted(first[0].tolist()) == list(range(20))
    assert first[0].tolist() == first[1].tolist()
