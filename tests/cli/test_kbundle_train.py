"""`kbundle train`: what it writes, a killed training that goes on to the same result, and wrong requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import load
from kconvert_runtime.train import save
from tests.cli.conftest import Run, run
from tests.training.test_fit import line, network

__all__ = ["run"]
OPTIONS = ("--loss", "mse", "--optimizer", "adam:learning_rate=0.01", "--seed", "3", "--batch-size", "4")


def prepare(folder: Path, rows: int = 40) -> None:
    x, y = line(rows)
    save(network(0.2), folder / "model")
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)


def test_it_trains(run: Run, tmp_path: Path) -> None:
    prepare(tmp_path)
    done = run(
        "kbundle", "train", "model", "x.npy", "y.npy", "-o", "tuned", *OPTIONS, "--epochs", "3", "--metric", "mae",
        "--validation-split", "0.25", "--history", "h.json", "--plot", "loss.svg",
    )  # fmt: skip
    assert done.code == 0, done
    assert done.out.splitlines()[0].startswith("epoch 1/3  loss ")
    history = json.loads((tmp_path / "h.json").read_text())["history"]
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ("loss", "mae", "val_loss", "val_mae"), 3
    )
    picture = ET.fromstring((tmp_path / "loss.svg").read_text())
    texts = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"epoch", "Loss", "loss", "val_loss"} <= set(texts)
    assert not (tmp_path / "tuned.checkpoint.npz").exists()
    x, _ = line()
    assert not np.array_equal(load(tmp_path / "tuned")(x)[0], load(tmp_path / "model")(x)[0])


def start(folder: Path, output: str, *more: str) -> Any:
    code = "import sys; from kconvert.cli.bundle import main; sys.exit(main(sys.argv[1:]))"
    command = ["train", "model", "x.npy", "y.npy", "-o", output, *OPTIONS, "--epochs", "20", *more]
    return subprocess.Popen(
        [
            sys.executable, "-c", code, *command, "--early-stopping", "50", "--reduce-lr", "5",
            "--history", f"{output}.json",
        ],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX systems do")
def test_a_killed_training_goes_on_to_the_same_result(tmp_path: Path) -> None:
    prepare(tmp_path, 400)
    with start(tmp_path, "whole") as whole:
        assert whole.wait(200) == 0, whole.stderr.read()
    with start(tmp_path, "killed") as killed:
        for _ in range(9):
            killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
    assert (tmp_path / "killed.checkpoint.npz").exists()
    assert not (tmp_path / "killed").exists()
    with start(tmp_path, "killed", "--resume") as resumed:
        out, err = resumed.communicate(timeout=200)
    assert resumed.returncode == 0, err
    assert "epoch 1/20" not in out
    assert "epoch 20/20" in out
    assert (tmp_path / "killed.json").read_text() == (tmp_path / "whole.json").read_text()
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


WRONG: list[tuple[tuple[str, ...], str]] = [
    (("model", "x.npy", "nowhere.npy", "-o", "t", *OPTIONS), "There is no file"),
    (("model", "y.npy", "x.npy", "-o", "t", *OPTIONS), "must have the shape"),
    (("nowhere", "x.npy", "y.npy", "-o", "t", *OPTIONS), "no kconvert bundle"),
    (("model", "x.npy", "y.npy", "-o", "x.npy", *OPTIONS), "is left alone"),
    (("model", "x.npy", "y.npy", "-o", "t", "--loss", "msee"), "There is no loss"),
    (("model", "x.npy", "y.npy", "-o", "t", *OPTIONS, "--history", "no/h.json"), "create it first"),
    (("model", "x.npy", "model/graph.json", "-o", "t", *OPTIONS), "neither an .npy nor an .npz"),
    (("model", "x.npy", "y.npy", "-o", "t", *OPTIONS, "--epochs", "0"), "0 is not in the range"),
]


def test_all_problems_are_told_at_once(run: Run, tmp_path: Path) -> None:
    prepare(tmp_path)
    x, y = line(40)
    x[7, 1], y[3] = np.nan, np.inf
    np.save("bad.npy", x)
    np.save("worse.npy", y)
    done = run(
        "kbundle", "train", "model", "bad.npy", "worse.npy", "-o", "t", "--loss", "hubber", "--optimizer", "adma",
        "--trainable", "dens", "--validation-split", "1.5", "--metric", "acuracy",
    )  # fmt: skip
    assert (done.code, done.out) == (2, "")
    for message in (
        "row 7 holds NaN",
        "row 3 holds NaN or an inf",
        "no loss 'hubber'",
        "no optimizer 'adma'",
        "'dens'",
    ):
        assert message in done.err
    files = run("kbundle", "train", "model", "no.npy", "none.npy", "-o", "x.npy", *OPTIONS, "--plot", "no/p.svg")
    assert files.code == 2
    for message in ("no file 'no.npy'", "no file 'none.npy'", "is left alone", "create it first"):
        assert message in files.err
    assert "Traceback" not in done.err + files.err


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_requests(run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    prepare(tmp_path)
    done = run("kbundle", "train", *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "t").exists()


def test_a_checkpoint_of_another_training_is_refused(run: Run, tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "t.checkpoint.npz").write_bytes(b"nothing")
    request = ("kbundle", "train", "model", "x.npy", "y.npy", "-o", "t", *OPTIONS, "--resume")
    damaged = run(*request)
    assert damaged.code == 2
    assert "is not a checkpoint" in damaged.err
