"""`kbundle info`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kconvert_schemas.graph import Constraint, Penalty, Training
from tests.cli.bundles import text_graph, two_graph, write
from tests.cli.conftest import Run


def test_info(run: Run) -> None:
    done = run("kbundle", "info", write(Path("out"), text_graph()))
    graph, weights = (Path("out", name).stat().st_size / 1000 for name in ("graph.json", "weights.npz"))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "out: a kconvert bundle",
        "",
        "Layer    Class  Output  Params  Ops",
        "words    Words  (?, 1)       -  lookup",
        "classes  Dense  (?, 3)       -  matmul, softmax",
        "",
        "Input       text   string[?, 1]",
        "Output      label  float32[?, 3]",
        "Parameters  10 (all trainable)",
        "Operations  3: lookup, matmul, softmax",
        "Source      sentiment.keras, Keras 3.15.0, keras zip, sha256 000000000000...",
        "Format      ops kconvert 1; writer unknown",
        f"Files       graph.json {graph:.1f} kB, weights.npz {weights:.1f} kB",
        "Run         krun out texts.txt",
    ]


def test_info_of_training(run: Run) -> None:
    """What a bundle says for training, cut where it is long, and what cannot be trained."""
    graph, weights = text_graph()
    kernel = next(name for name, weight in graph.weights.items() if weight.type.dtype == "float32")
    said = Training(
        penalties=(Penalty(kernel, 0.1, 0.0, False),), constraints=(Constraint(kernel, non_negative=True),),
        refused={"classes": "it\x1b[31m flips images"},
    )  # fmt: skip
    write(Path("out"), (replace(graph, training=said), weights))
    out = run("kbundle", "info", "out").out
    assert f"Training penalties on {kernel}; constraints on {kernel} Not" in " ".join(out.split())
    assert "Not trained classes: it" in " ".join(out.split())
    assert "\x1b" not in out
    data = json.loads(run("kbundle", "info", "out", "--json").out)
    assert data["training"]["constraints"] == [{"weight": kernel, "non_negative": True}]


def test_info_of_several_inputs(run: Run) -> None:
    done = run("kbundle", "info", write(Path("out"), two_graph()))
    assert "Inputs      a           float32[?, 2]\n            b           float32[?, 1]" in done.out
    assert "Outputs     difference  float32[?, 2]\n            kept        float32[?, 2]" in done.out
    assert "Run         krun out a=a.npy b=b.npy" in done.out


def test_nodes(run: Run) -> None:
    lines = run("kbundle", "info", write(Path("out"), text_graph()), "--nodes").out.splitlines()
    assert lines[0].split() == ["Node", "Op", "Inputs", "Outputs", "Attributes"]
    assert lines[1].split() == ["score", "lookup", "text,", "keys,", "values,", "default", "float32[?,", "1]"]
    assert lines[3].split()[-1] == "axes=[-1]"


def test_json(run: Run) -> None:
    bundle = write(Path("out"), text_graph())
    data = json.loads(run("kbundle", "info", bundle, "--json").out)
    assert data["bundle"] == "out"
    assert data["ops"] == {"lookup": 1, "matmul": 1, "softmax": 1}
    assert "nodes" not in data
    assert [node["op"] for node in json.loads(run("kbundle", "info", bundle, "--json", "--nodes").out)["nodes"]] == [
        "lookup", "matmul", "softmax",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing command. See `kbundle --help`."),
        (["inform"], "No such command 'inform'"),
        (["info"], "Missing argument 'OUT'. See `kbundle info --help`."),
        (["info", "none"], "There is no kconvert bundle at 'none'"),
        (["info", "file"], "There is no kconvert bundle at 'file'"),
        (["info", "out", "--node"], "No such option"),
    ],
)
def test_wrong_requests(run: Run, arguments: list[str], message: str) -> None:
    Path("file").write_text("")
    write(Path("out"), text_graph())
    assert message in run("kbundle", *arguments).complaint


def test_debug(run: Run) -> None:
    for arguments in (["info", "none", "--debug"], ["--debug", "info", "none"]):
        done = run("kbundle", *arguments)
        assert done.code == 2
        assert "Traceback" in done.err


def test_info_of_a_run(run: Run) -> None:
    bundle = write(Path("out"), two_graph())
    for shapes in (["--shape", "8,2", "--shape", "8,1"], ["--shape", "b=8,1", "--shape", "8x2"]):
        out = run("kbundle", "info", bundle, *shapes).out
        assert "a (8, 2), b (8, 1)" in out
        assert "0 multiply-adds" in out
    data = json.loads(run("kbundle", "info", bundle, "--json", "--shape", "8,2", "--shape", "8,1").out)
    assert data["run"]["outputs"] == {"difference": [8, 2], "kept": [8, 2]}


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (["8,2"], "1 given, the model takes 2: a float32[?, 2], b float32[?, 1]. Give one for each input."),
        (["8,2", "8,b"], "'8,b' is no shape; expected sizes with commas between them, such as 1,224,224,3"),
        (["8,2", "c=8,1"], "c is no input; the inputs are a, b"),
        (["a=8,2", "a=8,1"], "a is given twice"),
        (["8,2", "8,7"], "Input 'b' must have the shape (any, 1), got (8, 7)"),
    ],
)
def test_shapes_that_are_wrong(run: Run, shapes: list[str], message: str) -> None:
    bundle = write(Path("out"), two_graph())
    arguments = [word for shape in shapes for word in ("--shape", shape)]
    assert message in run("kbundle", "info", bundle, *arguments).complaint
