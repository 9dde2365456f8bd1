"""The loaders of the examples, and texts as the studies' networks take them. Nothing here needs Keras."""

import io
import urllib.request

import common
import numpy as np
import pytest
from PIL import Image
from studies.data import load, pad_before
from studies.variants import BASE, Texts


def test_zeros_move_from_the_end_to_the_start():
    ids = np.array([[5, 1, 7, 0, 0], [2, 0, 0, 0, 0], [1, 2, 3, 4, 5], [0, 0, 0, 0, 0]], np.int32)
    expected = [[0, 0, 5, 1, 7], [0, 0, 0, 0, 2], [1, 2, 3, 4, 5], [0, 0, 0, 0, 0]]
    assert pad_before(ids).tolist() == expected


def test_a_network_gets_its_texts_padded_on_its_side(tmp_path):
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "texts-test-x.npy", np.array([[3, 4, 0]], np.int32))
    np.save(tmp_path / "data" / "texts-test-y.npy", np.array([2]))
    assert load(tmp_path, Texts("LSTM"), "test")[0].tolist() == [[3, 4, 0]]
    assert load(tmp_path, Texts("LSTM", padding="pre"), "test")[0].tolist() == [[0, 3, 4]]


def test_texts_are_read_with_their_classes(tmp_path):
    (tmp_path / "train.csv").write_text('id,text,label\n7,"enak, murah",positive\n8,biasa,neutral\n', encoding="utf-8")
    texts, labels = common.load_sentiment(tmp_path, "train")
    assert texts.tolist() == [["enak, murah"], ["biasa"]]
    assert labels.tolist() == [2, 1]


def test_pictures_are_read_with_their_classes(tmp_path):
    files = [jpeg(colour) for colour in ((250, 0, 0), (0, 0, 250))]
    offsets = np.cumsum([0, *map(len, files)])
    np.savez(tmp_path / "test.npz", jpeg=np.frombuffer(b"".join(files), np.uint8), offsets=offsets, labels=[3, 9])
    images, labels = common.load_cifar(tmp_path, "test")
    assert images.shape == (2, 32, 32, 3)
    assert labels.tolist() == [3, 9]
    assert np.abs(images.mean(axis=(1, 2)) - [[250, 0, 0], [0, 0, 250]]).max() < 5


def test_missing_files_and_wrong_columns_are_named(tmp_path):
    with pytest.raises(common.DataError, match=r"train\.csv does not exist"):
        common.load_sentiment(tmp_path, "train")
    (tmp_path / "train.csv").write_text("id,words\n1,a\n", encoding="utf-8")
    with pytest.raises(common.DataError, match="expected the columns text and label"):
        common.load_sentiment(tmp_path, "train")


def test_a_download_that_is_not_what_was_expected_is_refused(monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: io.BytesIO(b"id,text,label\n"))
    with pytest.raises(common.DataError, match=r"expected SHA-256 698c48.*received"):
        common.load_sentiment(None, "train")


def test_pictures_stay_on_disk_until_they_are_read(tmp_path):
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "images-train-x.npy", np.zeros((4, 32, 32, 3), np.uint8))
    np.save(tmp_path / "data" / "images-train-y.npy", np.arange(4))
    assert isinstance(load(tmp_path, BASE, "train")[0], np.memmap)


def jpeg(colour):
    file = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(file, "JPEG", quality=95)
    return file.getvalue()
