"""`kconvert`: the summary, the lists, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kconvert
from tests import golden_files
from tests.cases import CASES
from tests.cli.conftest import Run
from tests.helpers import KERNEL, dense_file, layer_config, sequential_config, write_keras

HOSTILE = "[red]a\x1b[31m\nb[/red] :smile: " + "x" * 300


def deep_file(path: Path, count: int) -> Path:
    """A model of `count` activations after a Dense."""
    layers = [layer_config("Activation", f"layer_{i}", activation="relu") for i in range(count)]
    config = sequential_config(layer_config("Dense", "dense", units=3, use_bias=False), *layers)
    return write_keras(path, config, {"layers/dense/vars/0": KERNEL})


def test_summary(run: Run) -> None:
    dense_file(Path("m.keras"), activation="relu")
    done = run("kconvert", "m.keras", "out")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "m.keras, Keras 3.15.0, keras zip",
        "",
        "Layer  Class  Output  Params  Ops",
        "dense  Dense  (?, 3)       6  matmul, relu",
        "",
        "Input       input_layer  float32[?, 2]",
        "Output      dense        float32[?, 3]",
        "Parameters  6 (all trainable)",
        f"Written     out/ (graph.json {Path('out/graph.json').stat().st_size / 1000:.1f} kB, weights.npz 318 B)",
        "Next        krun out/ input.npy",
    ]


def test_summary_of_a_model_with_inactive_layers_and_untrained_weights(run: Run) -> None:
    layers = [
        layer_config("Dropout", "drop", rate=0.5),
        layer_config("BatchNormalization", "norm", axis=-1, center=False, scale=False, epsilon=0.01, momentum=0.9),
    ]
    weights = {
        "layers/batch_normalization/vars/0": np.zeros(2, "f"),
        "layers/batch_normalization/vars/1": np.ones(2, "f"),
    }
    write_keras(Path("m.keras"), sequential_config(*layers), weights)
    done = run("kconvert", "m.keras", "out")
    assert done.code == 0, done
    assert "drop   Dropout             (?, 2)       -  (dropout)" in done.out.splitlines()
    assert "Parameters  4 (0 trainable)" in done.out
    assert "Inactive    drop (act in training only)" in done.out


@pytest.mark.parametrize("columns", ["64", "80", "120", None])
def test_lines_fit_and_have_no_debris(run: Run, monkeypatch: pytest.MonkeyPatch, columns: str | None) -> None:
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    else:
        monkeypatch.delenv("COLUMNS", raising=False)
    case = next(case for case in CASES["models"] if case.name == "three levels")
    golden_files.read(case, "models", Path())
    done = run("kconvert", "model.keras", "out")
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= int(columns or 120)
    assert all(line == line.rstrip() and line.isprintable() for line in lines)
    assert any(line.startswith(("functional_1/dense_4 ", ".../dense_4 ")) for line in lines)


def test_long_models_are_cut(run: Run) -> None:
    deep_file(Path("m.keras"), 200)
    done = run("kconvert", "--dry-run", "m.keras")
    assert "... 169 more" in done.out
    assert len(done.out.splitlines()) < 50
    assert "layer_199" in done.out
    everything = run("kconvert", "--dry-run", "m.keras", "--verbose")
    assert all(f"layer_{i} " in everything.out for i in range(200))


def test_dry_run_writes_nothing(run: Run) -> None:
    dense_file(Path("m.keras"))
    for arguments in (["--dry-run", "m.keras"], ["--dry-run", "m.keras", "out"]):
        done = run("kconvert", *arguments)
        assert done.code == 0
        assert "Written     nothing: this was a dry run" in done.out
    assert "Next        kconvert m.keras out/" in done.out
    assert [path.name for path in Path().iterdir()] == ["m.keras"]


def test_json(run: Run) -> None:
    dense_file(Path("m.keras"), activation="relu")
    report = json.loads(run("kconvert", "m.keras", "out", "--json").out)
    assert report["layers"] == [
        {"path": "dense", "class_name": "Dense", "outputs": ["float32[?, 3]"], "calls": 1, "parameters": 6,
         "ops": {"matmul": 1, "relu": 1}, "inactive": False}
    ]  # fmt: skip
    assert report["written"] == "out"
    assert report["bytes"] == sum(path.stat().st_size for path in Path("out").iterdir())
    assert json.loads(run("kconvert", "m.keras", "--dry-run", "--json").out)["written"] is None


@pytest.mark.parametrize(
    ("shape", "dtype", "command"),
    [
        ((None, 2), "float32", "krun out/ input.npy"),
        ((None, 8, 8, 3), "float32", "krun out/ image.png"),
        ((None, 1), "string", "krun out/ texts.txt"),
    ],
)
def test_the_next_command_fits_the_input(run: Run, shape: Any, dtype: str, command: str) -> None:
    config = sequential_config(layer_config("Identity", "same", dtype=dtype), shape=shape)
    config["config"]["layers"][0]["config"]["dtype"] = dtype
    write_keras(Path("m.keras"), config, {})
    done = run("kconvert", "m.keras", "out")
    assert f"Next        {command}" in done.out, done


def test_foreign_names_stay_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    config = sequential_config(layer_config("Dense", HOSTILE, units=3, use_bias=False))
    config["config"]["layers"][0]["config"]["name"] = HOSTILE + "in"
    write_keras(Path("m.keras"), config, {"layers/dense/vars/0": KERNEL})
    done = run("kconvert", "m.keras", "out")
    assert done.code == 0, done
    assert "[red]a\\x1b[31m\\nb[/r" in done.out
    assert "\x1b[31m" not in done.out
    assert max(map(len, done.out.splitlines())) < 600
    assert json.loads(run("kconvert", "m.keras", "out", "--json").out)["layers"][0]["path"] == HOSTILE
    for arguments in (["info", "out"], ["info", "out", "--nodes"]):
        assert "\x1b[31m" not in run("kbundle", *arguments).out


def test_refusals_name_every_layer_and_write_nothing(run: Run) -> None:
    lines = [layer_config("Nonesuch", f"strange_{i}") for i in range(3)]
    write_keras(Path("m.keras"), sequential_config(*lines, layer_config("Lambda", "code")), {})
    complaint = run("kconvert", "m.keras", "out").complaint
    assert "'strange_0', 'strange_1', 'strange_2': no plugin converts the layer class" in complaint
    assert "'code': a Lambda holds Python code" in complaint
    assert [path.name for path in Path().iterdir()] == ["m.keras"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'MODEL', the file to convert. See `kconvert --help`."),
        (["m.keras"], "Missing argument 'OUT', the folder to write, such as m/"),
        (["none.keras", "out"], "There is no file 'none.keras'"),
        (["folder", "out"], "'folder' is a folder, but neither a SavedModel"),
        (["text.keras", "out"], "'text.keras' is neither a .keras zip nor HDF5 nor JSON"),
        (["empty.keras", "out"], "'empty.keras'"),
        (["cut.keras", "out"], "'cut.keras'"),
        (["m.keras", "folder"], "'folder' exists and is not a kconvert bundle, so it is left alone"),
        (["m.keras", "m.keras"], "'m.keras' exists and is not a kconvert bundle"),
        (["m.keras", "nowhere/out"], "'nowhere/out' cannot be written: there is no folder 'nowhere'"),
        (["m.keras", "x" * 300], "x...' (300 characters) cannot be written: File name too long"),
        (["m.keras", "out", "more"], "Got unexpected extra argument"),
        (["--layers", "m.keras"], "--layers takes no MODEL"),
        (["--layers", "--plugins"], "Ask for --layers or for --plugins, not for both"),
        (["--colour"], "No such option"),
    ],
)  # fmt: skip
def test_wrong_requests(run: Run, arguments: list[str], message: str) -> None:
    data = dense_file(Path("m.keras")).read_bytes()
    Path("folder").mkdir()
    Path("text.keras").write_text("not a model")
    Path("empty.keras").write_text("")
    Path("cut.keras").write_bytes(data[: len(data) // 2])
    before = sorted(Path().rglob("*"))
    complaint = run("kconvert", *arguments).complaint
    assert message in complaint or "File name too long" in complaint
    assert sorted(Path().rglob("*")) == before


def test_lists(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # as wide as when piped, in the workers of xdist, too
    done = run("kconvert", "--layers")
    assert "keras.layers.Dense " in done.out
    assert "keras.layers.Lambda " in done.out
    data = json.loads(run("kconvert", "--layers", "--json").out)
    names = [entry["name"] for entry in data["layers"]]
    dense = data["layers"][names.index("keras.layers.Dense")]["compared"]
    assert {"activation", "units"} <= set(dense["options"])
    assert "mixed_float16" in dense["dtypes"]
    assert float(dense["errors"]["float32"]) < 1e-5
    assert names == sorted(names)
    assert {"name", "package", "doc", "arguments", "compared"} == data["layers"][0].keys()
    assert "keras.layers.Lambda" in [entry["name"] for entry in data["refused"]]
    assert "kconvert_plugins" in run("kconvert", "--plugins").out
    modules = json.loads(run("kconvert", "--plugins", "--json").out)
    assert sum(entry["layers"] for entry in modules if entry["package"] == "kconvert") == len(
        [entry for entry in data["layers"] if entry["package"] == "kconvert"]
    )


def test_versions(run: Run) -> None:
    out = run("kconvert", "--version").out
    assert out.startswith(f"kconvert {kconvert.__version__} (NumPy ")
    assert out.count("\n") == 1


def test_unexpected_errors(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops\x1b")

    monkeypatch.setattr("kconvert.cli.convert.convert", fail)
    done = run("kconvert", "m.keras", "out")
    assert done.code == 2
    assert done.err.startswith("kconvert: internal error: ZeroDivisionError: oops\\x1b. This is a fault of kconvert")
    assert "Traceback" not in done.err
    done = run("kconvert", "m.keras", "out", "--debug")
    assert done.code == 2
    assert 'raise ZeroDivisionError("oops\\x1b")' in done.err


def test_interrupts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kconvert.cli.convert.convert", interrupt)
    done = run("kconvert", "m.keras", "out")
    assert (done.code, done.out, done.err.strip()) == (130, "", "")


def test_full_memory_is_no_internal_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("kconvert.cli.convert.convert", fill)
    assert "There is not enough memory" in run("kconvert", "m.keras", "out").complaint
