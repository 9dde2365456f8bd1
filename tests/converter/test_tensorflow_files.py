"""SavedModels and checkpoints, read without TensorFlow; what is damaged or hostile is refused in one paragraph."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import kconvert
from kconvert.readers import read_model
from kconvert.readers.tensorflow import protobuf, sstable
from kconvert.readers.tensorflow.crc32c import crc32c, masked
from kconvert_schemas import ConversionError, KconvertError, ModelFileError
from tests.helpers import KERNEL, layer_config, sequential_config
from tests.saved_model_files import GOLDEN, NUMBERS, TEXTS
from tests.tensorflow_files import GRAPH, entry, message, object_graph, table, write_checkpoint


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(tmp_path / "golden")
    return tmp_path / "golden"


def test_what_keras_2_wrote(golden: Path, tmp_path: Path) -> None:
    with np.load(golden / "data.npz") as data:
        inputs, expected = (data["a"], data["b"]), data["output"]
    text = golden / "model.json"
    for model, config in (
        (golden / "saved", None),
        (golden / "weights", text),
        (golden / "weights.index", text),
        (golden / "weights.data-00000-of-00001", text),
        (f"{text}+{golden / 'weights'}", None),
        (golden / "saved" / "variables", text),
    ):
        kconvert.convert(model, tmp_path / "out", config=config)
        np.testing.assert_allclose(kconvert.load(tmp_path / "out")(*inputs), expected, rtol=1e-5)
    report = kconvert.convert(golden / "saved", None, dry_run=True)
    assert (report.source, report.container) == ("saved", "saved model")
    assert report.keras_version.startswith("2.")


def test_vocabularies(golden: Path, tmp_path: Path) -> None:
    kconvert.convert(golden / "words", tmp_path / "out")
    found = kconvert.load(tmp_path / "out")(TEXTS, NUMBERS)
    with np.load(golden / "words.npz") as expected:
        for mine, name in zip(found, expected.files, strict=True):
            theirs = expected[name]
            if theirs.dtype.kind == "U":
                assert mine.tolist() == theirs.tolist()
            else:
                np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    asset = next((golden / "words" / "assets").iterdir())
    asset.unlink()
    with pytest.raises(ModelFileError, match="which is not there"):
        kconvert.convert(golden / "words", tmp_path / "out2")
    asset.symlink_to(golden / "model.json")
    with pytest.raises(ModelFileError, match="not a regular file"):
        kconvert.convert(golden / "words", tmp_path / "out2")


def test_damaged_graphs_are_refused(golden: Path) -> None:
    """saved_model.pb has no checksum: what it says is read as it stands, or refused in one paragraph."""
    file = golden / "words" / "saved_model.pb"
    intact = file.read_bytes()
    rng = np.random.default_rng(1)
    for i in range(150):
        at = int(rng.integers(len(intact)))
        changed = bytes(rng.integers(0, 256, 1 + i % 3, np.uint8))
        file.write_bytes(intact[:at] + (b"" if i % 10 == 0 else changed + intact[at + len(changed) :]))
        try:
            read_model(golden / "words")
        except KconvertError as error:
            assert "\n" not in str(error)


def test_checksum() -> None:
    """The values of RFC 3720, B.4; and one piece gives the same as many side by side."""
    ascending = bytes(range(32))
    assert [crc32c(bytes(32)), crc32c(b"\xff" * 32), crc32c(ascending)] == [0x8A9136AA, 0x62A8AB43, 0x46DD794E]
    assert crc32c(b"123456789") == 0xE3069283
    for size in (0, 1, 63, 64, 65, 1000, 5000):
        data = np.random.default_rng(size).bytes(size)
        crc = 0xFFFFFFFF
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
        assert crc32c(data) == crc ^ 0xFFFFFFFF


def test_damaged_files_are_refused(golden: Path, tmp_path: Path) -> None:
    """Cut off, or with a byte changed: refused, or (where nothing depends on the byte) read as before."""
    saved = golden / "saved"
    before = {name: w.read().tobytes() for name, w in read_model(saved).weights.items()}
    rng = np.random.default_rng(0)
    for name in ("variables/variables.index", "variables/variables.data-00000-of-00001", "keras_metadata.pb"):
        file = saved / name
        intact = file.read_bytes()
        for i in range(60):
            at = int(rng.integers(len(intact)))
            changed = intact[:at] + (b"" if i % 3 == 0 else bytes([intact[at] ^ 1 << i % 8]) + intact[at + 1 :])
            file.write_bytes(changed)
            try:
                weights = {key: w.read().tobytes() for key, w in read_model(saved).weights.items()}
            except KconvertError as error:
                assert "\n" not in str(error)
            else:
                assert name == "keras_metadata.pb" or weights == before
        file.write_bytes(intact)
        file.unlink()
        with pytest.raises(KconvertError):
            read_model(saved)
        file.write_bytes(intact)


def test_a_saved_model_without_keras_is_refused(golden: Path, tmp_path: Path) -> None:
    (golden / "saved" / "keras_metadata.pb").write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"`model.export` wrote it.*model.save\('model.keras'\)"):
        kconvert.convert(golden / "saved", tmp_path / "out")
    (golden / "saved" / "keras_metadata.pb").unlink()
    (golden / "saved" / "saved_model.pb").write_bytes(message((1, 1), (2, message((1, message((5, "2.9.1")))))))
    with pytest.raises(ModelFileError, match="without Keras' description"):
        kconvert.convert(golden / "saved", tmp_path / "out")


def test_a_saved_model_of_tensorflow_2_0(golden: Path, tmp_path: Path) -> None:
    """Before 2.5 the description stands in saved_model.pb."""
    saved = golden / "saved"
    nodes = protobuf.messages((saved / "keras_metadata.pb").read_bytes(), 1)
    described = next(protobuf.text(node, 5) for node in nodes if protobuf.text(node, 3) == "root")
    user = message((1, "_tf_keras_network"), (3, described))
    graph = message((1, message((4, user))))
    (saved / "saved_model.pb").write_bytes(message((2, message((1, message((5, "2.1.0"))), (7, graph)))))
    (saved / "keras_metadata.pb").unlink()
    report = kconvert.convert(saved, tmp_path / "out")
    assert report.keras_version == "2.1.0"
    with np.load(golden / "data.npz") as data:
        found = kconvert.load(tmp_path / "out")(data["a"], data["b"])
        np.testing.assert_allclose(found, data["output"], rtol=1e-5)


CONFIG = sequential_config(layer_config("Dense", "d", units=3, use_bias=False))
GOOD = object_graph([({"layer-0": 1}, ""), ({"kernel": 2}, ""), ({}, "k")])
X = np.array([[1.0, -2.0]], np.float32)


def config_file(folder: Path) -> Path:
    (folder / "m.json").write_text(json.dumps(CONFIG))
    return folder / "m.json"


def test_checkpoints(tmp_path: Path) -> None:
    config = config_file(tmp_path)
    inside = object_graph([({"model": 1, "net": 1}, ""), ({"layer-0": 2}, ""), ({"kernel": 3}, ""), ({}, "k")])
    half = KERNEL.astype(np.float16)
    swapped = KERNEL.astype(">f4")
    for weights, graph, header in (
        ({"k": KERNEL}, GOOD, None),
        ({"k": KERNEL}, inside, None),
        ({"k": half}, GOOD, None),
        ({"k": swapped}, GOOD, message((1, 1), (2, 1))),
    ):
        write_checkpoint(tmp_path / "c", weights, graph, header)
        kconvert.convert(tmp_path / "c", tmp_path / "out", config=config)
        np.testing.assert_allclose(kconvert.load(tmp_path / "out")(X), X @ KERNEL)
    (tmp_path / "d").mkdir()
    write_checkpoint(tmp_path / "d" / "ckpt-7", {"k": KERNEL * 7}, GOOD)
    write_checkpoint(tmp_path / "d" / "ckpt-8", {"k": KERNEL * 8}, GOOD)
    (tmp_path / "d" / "checkpoint").write_text('model_checkpoint_path: "ckpt-8"\nall_model_checkpoint_paths: "x"\n')
    kconvert.convert(tmp_path / "d", tmp_path / "out", config=config)
    np.testing.assert_allclose(kconvert.load(tmp_path / "out")(X), X @ KERNEL * 8)


HUGE = 2**61
HOSTILE: dict[str, tuple[str, dict[str, bytes]]] = {
    "no bytes": ("but 3 bytes", {"k": entry(1, [2, 3], 0, 3, 0)}),
    "a huge shape": ("but 24 bytes", {"k": entry(1, [HUGE, HUGE], 0, 24, 0)}),
    "a huge size": ("larger together", {"k": entry(1, [2, 3], 0, HUGE, 0)}),
    "a far offset": ("outside its file", {"k": entry(1, [2, 3], HUGE, 24, 0)}),
    "a negative size": ("negative size", {"k": entry(1, [2**64 - 1, 3], 0, 24, 0)}),
    "another file": ("outside its file", {"k": entry(1, [2, 3], 0, 24, 0, (3, 7))}),
    "a wrong checksum": ("do not have their checksum", {"k": entry(1, [2, 3], 0, 24, 1)}),
    "slices": ("cut in slices", {"k": entry(1, [2, 3], 0, 24, 0, (7, b""))}),
    "a strange dtype": ("dtype 21", {"k": entry(21, [2, 3], 0, 24, 0)}),
    "strings for numbers": ("dtype 7", {"k": entry(7, [2, 3], 0, 24, 0)}),
    "many strings": ("does not hold", {GRAPH: entry(7, [2**40], 0, 24, 0)}),
    "numbers for strings": ("does not hold", {GRAPH: entry(1, [], 0, 24, 0)}),
    "long strings": ("do not fill their place", {GRAPH: entry(7, [], 0, 24, 0)}),
    "half an entry": ("damaged index", {"k": b"\x0a\xff"}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_checkpoints_are_refused(case: str, tmp_path: Path) -> None:
    reason, entries = HOSTILE[case]
    write_checkpoint(tmp_path / "c", {"k": KERNEL + 1}, GOOD, **entries)
    with pytest.raises(ModelFileError, match=reason):
        kconvert.convert(tmp_path / "c", tmp_path / "out", config=config_file(tmp_path))
    assert not (tmp_path / "out").exists()


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    config = config_file(tmp_path)
    loop = object_graph([({"layer-0": 1, "layer-1": 0}, ""), ({"kernel": 0}, "")])
    for graph, header, error, reason in (
        (None, None, ModelFileError, "TensorFlow 1, which names variables"),
        (object_graph([({"encoder": 1}, ""), ({}, "")]), None, ModelFileError, "no object in it has.*'layer-0'"),
        (object_graph([({"layer-0": 9}, "")]), None, ModelFileError, "names an object that is not there"),
        (b"\xff\xff", None, ModelFileError, "graph of objects is damaged"),
        (b"", None, ModelFileError, "names an object that is not there"),
        (object_graph([({"layer-0": 1}, ""), ({}, "")]), None, ConversionError, "holds no 'kernel'"),
        (loop, None, ModelFileError, "the checkpoint is of 2 layers"),
        (GOOD, message((1, 3)), ModelFileError, "asks for the file 'c.data-00000-of-00003'"),
        (GOOD, message((1, 10**9)), ModelFileError, "which is not there"),
    ):
        write_checkpoint(tmp_path / "c", {"k": KERNEL}, graph, header)
        with pytest.raises(error, match=reason):
            kconvert.convert(tmp_path / "c", tmp_path / "out", config=config)
    write_checkpoint(tmp_path / "c", {"k": KERNEL}, GOOD)
    with pytest.raises(ModelFileError, match="without the architecture"):
        kconvert.convert(tmp_path / "c", tmp_path / "out")


def test_tables() -> None:
    pairs = {bytes([i]) * i: b"v" * i for i in range(20)}
    data = table(pairs)
    assert {key: bytes(value) for key, value in sstable.entries(data).items()} == pairs
    for i in range(len(data)):
        try:
            found = {
                key: bytes(v) for key, v in sstable.entries(data[:i] + bytes([data[i] ^ 4]) + data[i + 1 :]).items()
            }
        except protobuf.Damaged:
            continue
        assert found == pairs
    for wrong in (b"", data[1:], data[:-1], bytes(40) + data[-8:], b"\xff" * 40 + data[-8:]):
        with pytest.raises(protobuf.Damaged):
            sstable.entries(wrong)


def test_masked_checksums() -> None:
    assert masked(crc32c(b"foo")) != crc32c(b"foo")
    assert masked(0) == 0xA282EAD8


def test_links_are_refused(golden: Path, tmp_path: Path) -> None:
    data = golden / "saved" / "variables" / "variables.data-00000-of-00001"
    shutil.move(data, tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelFileError, match="not a regular file"):
        read_model(golden / "saved")
