"""What a stream promises: steps and chunks, its state, and what it says about wrong ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import KconvertError, Model
from tests.stream import models

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(0).normal(size=(2, 7, 4)).astype(np.float32)


@pytest.fixture
def model() -> Model:
    return models.load(models.tagger())


def test_steps_and_chunks_agree_with_the_whole(model: Model) -> None:
    whole = model(X)
    stream = model.stream()
    assert stream.get_state() == {}
    steps = np.stack([stream.step(X[:, i]) for i in range(7)], 1)
    np.testing.assert_allclose(steps, whole, atol=1e-6)
    stream.reset()
    assert stream.steps == 0
    np.testing.assert_allclose(stream.feed(X[:1]), whole[:1], atol=1e-6)  # another batch size, after a reset


def test_what_is_returned_can_be_changed(model: Model) -> None:
    graph, _ = models.tagger()
    outputs = models.of(
        list(graph.nodes), ["dense", "lstm:last", "lstm:h"], "lstm", "dense", x=graph.inputs.ports[0].type
    )
    stream = models.load(outputs).stream()
    for i in range(7):
        found = stream.step(X[:, i])
        expected = model(X[:, : i + 1])[:, -1]
        np.testing.assert_allclose(found[0], expected, atol=1e-6)
        for array in (*found, *stream.get_state().values()):
            array[...] = 9


def test_a_failed_step_changes_nothing(model: Model) -> None:
    stream = model.stream()
    stream.feed(X[:, :3])
    before = stream.get_state()
    for wrong in (X[:1, :2], X[:, :0], X[..., :3], "x", None, X[:, 3]):
        with pytest.raises(KconvertError):
            stream.feed(wrong)
    with pytest.raises(KconvertError, match="one number"):
        stream.step(3.0)
    assert stream.steps == 3
    for name, array in stream.get_state().items():
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_allclose(stream.feed(X[:, 3:]), model(X)[:, 3:], atol=1e-6)


def test_state_goes_elsewhere(model: Model, tmp_path: Path) -> None:
    stream = model.stream()
    stream.feed(X[:, :4])
    stream.save(tmp_path / "state.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]
    with np.load(tmp_path / "state.npz") as file:
        assert {name: file[name].shape for name in file.files} == {"lstm:h": (2, 3), "lstm:c": (2, 3)}
    other = model.stream()
    other.load(tmp_path / "state.npz")
    np.testing.assert_allclose(other.feed(X[:, 4:]), model(X)[:, 4:], atol=1e-6)
    other.set_state({})
    np.testing.assert_allclose(other.feed(X), model(X), atol=1e-6)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"lstm:h": np.zeros((2, 3), "f")}, ["'lstm:c' is missing"]),
        ({"lstm:h": np.zeros((2, 3), "f"), "lstm:c": np.zeros((1, 3), "f")}, ["they are of 1 and 2 sequences"]),
        (
            {"lstm:h": np.zeros((2, 4), "f"), "lstm:c": np.zeros((2, 3)), "other": 0},
            [
                "float32[?, 3], got float32[2, 4]",
                "'lstm:c' must be float32[?, 3], got float64[2, 3]",
                "'other' is none",
            ],
        ),
    ],
)
def test_a_wrong_state_is_refused_whole(model: Model, state: dict[str, Any], said: list[str]) -> None:
    stream = model.stream()
    stream.feed(X[:, :2])
    with pytest.raises(KconvertError) as caught:
        stream.set_state(state)
    assert all(part in str(caught.value) for part in said), str(caught.value)
    np.testing.assert_allclose(stream.feed(X[:, 2:]), model(X)[:, 2:], atol=1e-6)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 nothing", b"\x93NUMPY"])
def test_a_file_that_is_no_state(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("state.npz").write_bytes(content)
    with pytest.raises(KconvertError, match=r"'state\.npz'"):
        model.stream().load("state.npz")


def test_a_decoder_starts_from_a_fixed_source() -> None:
    model = models.load(models.translator())
    source, target = X, X[:, ::-1]
    whole = model(source, target)
    for stream in (model.stream({"source": source}), model.stream({"source": source}, over=["target"])):
        assert stream.over == ("target",)
        found = [stream.step(target[:, i]) for i in range(7)]
        np.testing.assert_allclose(np.stack(found, 1), whole, atol=1e-6)
    with pytest.raises(KconvertError, match="missing: 'source'"):
        model.stream()
    with pytest.raises(KconvertError, match="itself depends on the steps"):
        model.stream(over=["source", "target"])
    with pytest.raises(KconvertError, match="'nothing' was asked for"):
        model.stream(over=["nothing"])


def test_every_reason_is_given() -> None:
    with pytest.raises(KconvertError) as caught:
        models.load(models.bidirectional()).stream()
    assert str(caught.value).splitlines()[1:3] == [
        "  layer 'bidirectional/backward_lstm' (lstm): it runs backwards, from the last step to the first",
        "  layer 'pooling' (mean): it works along the axis of time, over all steps at once",
    ]


def test_one_plan_for_each_length(model: Model) -> None:
    stream = model.stream()
    for i in range(6):
        stream.step(X[:, i])
    stream.feed(X[:, :2])
    assert len(stream._next._plans._kept) == 2


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "streaming.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == page.count("```python") == 4
    for name in ("tagger", "translator", "bidirectional"):
        models.write(tmp_path / name.replace("tagger", "model"), getattr(models, name)())
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks), "streaming.md", "exec"), {"x": X, "source": X, "target": X})
