"""`kbundle export`: the weights of a bundle in a copy of its model file, everything else as it was."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import kconvert
from kconvert.export import export
from kconvert_schemas import KconvertError, read_bundle, write_bundle
from tests import golden_files
from tests.cases import CASES
from tests.cases.spec import Case
from tests.cli.conftest import MAINS, Run, run  # noqa: F401
from tests.compare import REGISTRY
from tests.helpers import KERNEL, dense_file, layer_config, sequential_config, write_keras

WEIGHTS = "model.weights.h5"


def members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def retrain(bundle: Path, seed: int = 0) -> dict[str, Any]:
    """Change every float of a bundle; returns its weights."""
    rng = np.random.default_rng(seed)
    graph, weights = read_bundle(bundle)
    new: dict[str, Any] = {}
    for name, array in weights.items():
        trained = graph.weights[name].type.dtype in ("float16", "float32", "float64") and graph.weights[name].source
        new[name] = (array * 0.5 + rng.normal(size=array.shape)).astype(array.dtype) if trained else np.array(array)
    write_bundle(bundle, graph, lambda name: new[name])
    return new


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = dense_file(Path("model.keras"))
    kconvert.convert(file, "out")
    return file


CHOSEN = [
    pytest.param(family, case, id=case.name)
    for family in ("recurrent", "wrappers", "attention", "quantization", "models", "networks_sequences")
    for case in CASES[family][::6]
]


@pytest.mark.parametrize(("family", "case"), CHOSEN)
def test_every_weight_comes_back(family: str, case: Case, tmp_path: Path) -> None:
    file, _ = golden_files.read(case, family, tmp_path)
    bundle, same, other = tmp_path / "out", tmp_path / "same.keras", tmp_path / "other.keras"
    report = kconvert.convert(file, bundle, registry=REGISTRY)
    graph, _ = read_bundle(bundle)
    if not any(weight.source.rpartition("/")[0].endswith("vars") for weight in graph.weights.values()):
        with pytest.raises(KconvertError, match="no weights to write"):
            export(bundle, file, same, registry=REGISTRY)
        return
    assert report
    before = members(file)
    done = export(bundle, file, same, registry=REGISTRY)
    assert done.changed == ()
    assert members(same) == before
    new = retrain(bundle)
    done = export(bundle, file, other, registry=REGISTRY)
    after = members(other)
    assert {n: d for n, d in after.items() if n != WEIGHTS} == {n: d for n, d in before.items() if n != WEIGHTS}
    assert len(after[WEIGHTS]) == len(before[WEIGHTS])
    kconvert.convert(other, tmp_path / "again", registry=REGISTRY)
    found = read_bundle(tmp_path / "again")[1]
    for name, array in new.items():
        assert np.asarray(found[name]).tobytes() == array.tobytes() or array.dtype == object, name


def test_the_command(run: Run, tmp_path: Path) -> None:  # noqa: F811
    file = dense_file(Path("model.keras"))
    original = file.read_bytes()
    kconvert.convert(file, "out")
    assert run("kbundle", "export", "out", file, "-o", "same.keras").out == (
        "same.keras: 1 weights written, 0 of them other than in model.keras.\n"
    )
    new = retrain(Path("out"))["dense/kernel"]
    done = run("kbundle", "export", "out", file, "-o", "tuned.keras", "--json")
    assert json.loads(done.out)["weights"] == {"dense/kernel": True}
    with h5py.File(zipfile.ZipFile("tuned.keras").open(WEIGHTS)) as stored:
        np.testing.assert_array_equal(stored["layers/dense/vars/0"][()], new)
    assert file.read_bytes() == original
    assert sorted(path.name for path in Path().iterdir()) == ["model.keras", "out", "same.keras", "tuned.keras"]


def test_other_files_are_refused_whole(model: Path) -> None:
    config = sequential_config(
        layer_config("Dense", "dense", units=3, use_bias=True), layer_config("Dense", "second", units=1, use_bias=False)
    )
    other = write_keras(
        Path("other.keras"), config,
        {"layers/dense/vars/0": KERNEL, "layers/dense/vars/1": np.zeros(3, "f"),
         "layers/dense_1/vars/0": np.ones((3, 1), "f")},
    )  # fmt: skip
    with pytest.raises(KconvertError) as caught:
        export("out", other, "tuned.keras")
    for part in (
        "is not the file that 'out' came from", "'dense/bias' float32[3] is in the file only",
        "'second/kernel' float32[3, 1] is in the file only", "operation 'dense/add' is in the file only",
    ):  # fmt: skip
        assert part in str(caught.value), str(caught.value)
    assert not Path("tuned.keras").exists()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("tuned.h5", "must end in '.keras'"),
        ("model.keras", "is the original, which is left as it is"),
        ("out.keras", "is not a file"),
        ("nowhere/tuned.keras", "cannot be written"),
    ],
)
def test_wrong_names(model: Path, output: str, said: str) -> None:
    before = model.read_bytes()
    Path("out.keras").mkdir()
    with pytest.raises(KconvertError, match=said):
        export("out", model, output)
    assert model.read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["model.keras", "out", "out.keras"]


@pytest.mark.parametrize("options", [{"chunks": (1, 3)}, {"compression": "gzip"}])
def test_chunks_are_refused(model: Path, options: dict[str, Any]) -> None:
    with h5py.File("weights.h5", "w") as stored:
        stored.create_dataset("layers/dense/vars/0", data=KERNEL, **options)
    with zipfile.ZipFile(model) as archive, zipfile.ZipFile("chunked.keras", "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, Path("weights.h5").read_bytes() if name == WEIGHTS else archive.read(name))
    with pytest.raises(KconvertError, match="its values stand in chunks"):
        export("out", "chunked.keras", "tuned.keras")


def test_folders_are_refused(model: Path) -> None:
    with zipfile.ZipFile(model) as archive:
        archive.extractall("folder")
    with pytest.raises(KconvertError, match=r"only \.keras files and HDF5 files are written"):
        export("out", "folder", "tuned.keras")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_keep_their_compression(model: Path, compression: int) -> None:
    with zipfile.ZipFile(model) as archive, zipfile.ZipFile("packed.keras", "w", compression) as copy:
        for name in archive.namelist():
            copy.writestr(name, archive.read(name))
    export("out", "packed.keras", "tuned.keras")
    assert members(Path("tuned.keras")) == members(model)
    with zipfile.ZipFile("tuned.keras") as archive:
        assert {member.compress_type for member in archive.infolist()} == {compression}


def legacy(path: Path, weights: dict[str, np.ndarray], config: dict[str, Any], version: str = "2.2.4") -> Path:
    """A whole model in HDF5 as Keras 2 wrote it: one layer, its weights listed."""
    name = config["config"]["name"]
    with h5py.File(path, "w") as file:
        model = {"class_name": "Sequential", "config": {"name": "s", "layers": [config]}}
        file.attrs["model_config"] = json.dumps(model)
        file.attrs["keras_version"] = version
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode()]
        group.attrs["keras_version"], group.attrs["backend"] = version.encode(), b"tensorflow"
        own = group.create_group(name)
        own.attrs["weight_names"] = [f"{name}/{weight}".encode() for weight in weights]
        for weight, values in weights.items():
            own.create_dataset(f"{name}/{weight}", data=values)
    return path


def lstm_config(**config: Any) -> dict[str, Any]:
    return {"class_name": "LSTM", "config": {"name": "lstm_1", "units": 2, "batch_input_shape": [None, 4, 3], **config}}


def test_gates_that_stand_apart(tmp_path: Path) -> None:
    """Keras 1 kept the weights of the gates of a recurrent layer in datasets of their own."""
    rng = np.random.default_rng(1)
    shapes = {"W": (3, 2), "U": (2, 2), "b": (2,)}
    weights = {f"lstm_1_{p}_{gate}:0": rng.normal(size=shapes[p]).astype("f") for gate in "icfo" for p in "WUb"}
    config = {"class_name": "LSTM", "config": {"name": "lstm_1", "output_dim": 2, "batch_input_shape": [None, 4, 3]}}
    file = legacy(tmp_path / "old.h5", weights, config, "1.2.2")
    kconvert.convert(file, tmp_path / "out")
    export(tmp_path / "out", file, tmp_path / "same.h5")
    assert (tmp_path / "same.h5").read_bytes() == file.read_bytes()
    new = retrain(tmp_path / "out")
    export(tmp_path / "out", file, tmp_path / "tuned.h5")
    with h5py.File(tmp_path / "tuned.h5") as stored:
        group = stored["model_weights/lstm_1/lstm_1"]
        order = [group[f"lstm_1_W_{gate}:0"][()] for gate in "ifco"]
    np.testing.assert_array_equal(np.concatenate(order, axis=1), new["lstm_1/kernel"])


def test_biases_that_are_summed_are_refused(tmp_path: Path) -> None:
    """NVIDIA's LSTM has two biases, of which the reader makes one."""
    shapes = {"kernel:0": (3, 8), "recurrent_kernel:0": (2, 8), "bias:0": (16,)}
    weights = {name: np.random.default_rng(2).normal(size=shape).astype("f") for name, shape in shapes.items()}
    config = {"class_name": "CuDNNLSTM", "config": lstm_config()["config"]}
    file = legacy(tmp_path / "old.h5", weights, config)
    kconvert.convert(file, tmp_path / "out")
    with pytest.raises(KconvertError, match=r"'lstm_1/bias': .* joins several of its numbers to one"):
        export(tmp_path / "out", file, tmp_path / "tuned.h5")
    assert not (tmp_path / "tuned.h5").exists()


def test_architecture_and_weights_apart(tmp_path: Path) -> None:
    whole = dense_file(tmp_path / "model.keras")
    with zipfile.ZipFile(whole) as archive:
        (tmp_path / "model.json").write_bytes(archive.read("config.json"))
        (tmp_path / "m.weights.h5").write_bytes(archive.read(WEIGHTS))
    both = f"{tmp_path / 'model.json'}+{tmp_path / 'm.weights.h5'}"
    kconvert.convert(both, tmp_path / "out")
    new = retrain(tmp_path / "out")["dense/kernel"]
    first, second = tmp_path / "a.weights.h5", tmp_path / "b.weights.h5"
    export(tmp_path / "out", both, first)
    export(tmp_path / "out", tmp_path / "m.weights.h5", second, config=tmp_path / "model.json")
    assert first.read_bytes() == second.read_bytes()
    with h5py.File(first) as stored:
        np.testing.assert_array_equal(stored["layers/dense/vars/0"][()], new)


def test_the_page(model: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(compile(block, "export.md", "exec"), {})
    assert members(Path("tuned.keras")) == members(model)
    (commands,) = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    assert [line.split()[0] for line in commands.splitlines()] == ["kconvert", "kbundle"]
    for line in commands.splitlines():
        assert MAINS[line.split()[0]](line.split()[1:]) == 0
