"""Hashes and tokens that do not depend on anything but their definition; values computed with TensorFlow 2.21."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from kconvert_runtime.kernels.fingerprint import fingerprint64, siphash
from kconvert_runtime.kernels.lookup import bincount, lookup
from kconvert_runtime.kernels.text import standardize_text, tokenize

SAMPLES = [
    b"",
    b"a",
    b"abc",
    b"abcd",
    b"x" * 7,
    b"y" * 8,
    b"z" * 16,
    b"p" * 17,
    b"q" * 33,
    b"r" * 64,
    b"s" * 65,
    b"t" * 300,
]
FINGERPRINTS = [
    1936946117179621455,
    3694432073954588131,
    2640714258260161385,
    1897425971756105985,
    1227340135899025967,
    3441460688694223233,
    2455654791933752188,
    4504609065285526425,
    337133943010535267,
    2541438898951119077,
    1061654871742741127,
    3778974344149468619,
]
SIPHASHES = [
    1729069120854646443,
    744652949068820822,
    450898771686861748,
    1717669704909365862,
    3736371660156309375,
    1383149837833532441,
    4194767041606072086,
    1451188999953068764,
    3841464413753665137,
    2145213728158616570,
    1608012078721475210,
    4288312838251038571,
]


def words(*strings: str) -> np.ndarray:
    return np.array(strings, object)


def test_fingerprints() -> None:
    assert (fingerprint64(SAMPLES) % np.uint64(2**62)).tolist() == FINGERPRINTS


def test_siphashes() -> None:
    assert (siphash(SAMPLES, [7, -3]) % np.uint64(2**62)).tolist() == SIPHASHES


def test_only_ascii_is_lowered_and_removed() -> None:
    text = words("ÀB-ß!", "\u0130\uff01")
    assert standardize_text(text, lower=True, remove="-!").tolist() == ["Àbß", "\u0130\uff01"]


@pytest.mark.parametrize("space", " \t\n\x0b\x0c\r")
def test_ascii_space_splits(space: str) -> None:
    assert tokenize(words(f"{space}a{space}{space}b"), split="whitespace").tolist() == [["a", "b"]]


@pytest.mark.parametrize("other", "\x1c\x1f\x85\xa0\u2028\u3000\u200b\0")
def test_nothing_else_splits(other: str) -> None:
    assert tokenize(words(f"a{other}b"), split="whitespace").tolist() == [[f"a{other}b"]]


def test_ngrams_never_reach_into_padding() -> None:
    rows = tokenize(words("a b c", "d", ""), split="whitespace", ngrams=[2, 1])
    assert rows.tolist() == [["a b", "b c", "a", "b", "c"], ["d", "", "", "", ""], [""] * 5]


def test_empty_tokens_of_rows_are_tokens() -> None:
    assert tokenize(np.array([["a", "", "b"]], object), ngrams=[2], length=3).tolist() == [["a ", " b", ""]]


def test_lookup_takes_the_first_of_equal_keys() -> None:
    values = np.array([5, 6, 7])
    for x, keys in ((words("b", "c"), words("b", "b", "c")), (np.array([2, 9]), np.array([2, 2, 9]))):
        assert lookup(x, keys, values).tolist() == [5, 7]


def test_lookup_from_many_threads() -> None:
    """Each array of keys is indexed once, and again for another array at the same address."""
    failures: list[object] = []

    def work(seed: int) -> None:
        for i in range(200):
            keys = words(*(f"{seed}-{i}-{k}" for k in range(5)))
            if lookup(keys[::-1], keys, np.arange(5)).tolist() != [4, 3, 2, 1, 0]:
                failures.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_bincount_lengths() -> None:
    x = np.array([[1, 3], [0, 0]])
    assert bincount(x).tolist() == [[0, 1, 0, 1], [2, 0, 0, 0]]
    assert bincount(x, minlength=5).shape == (2, 5)
    assert bincount(x, maxlength=2).tolist() == [[0, 1], [2, 0]]
    assert bincount(x, np.array([[0.5, 2.0], [1.0, 1.0]], "float32"), dtype="float32")[1, 0] == 2.0
    with pytest.raises(ValueError, match="negative"):
        bincount(-x)
