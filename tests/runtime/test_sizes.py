"""What a run would need is counted before it starts."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from kconvert_runtime import Model, load
from kconvert_runtime.registry import KERNELS
from kconvert_schemas import InputError, Node, TensorType
from kconvert_schemas.graph import Body
from kconvert_schemas.limits import DEFAULT, BundleLimits, parse_limits
from tests.helpers import KERNEL, dense_graph, make_graph

X = {"x": TensorType((None, 1000), "float32")}
PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def node(op: str, reads: str, writes: str, **attrs: object) -> Node:
    return Node(op, writes, writes, (reads,), (writes,), attrs)


def test_values_are_let_go() -> None:
    """A long chain needs two values at a time."""
    nodes = [node("relu", "x" if i == 0 else f"y{i - 1}", f"y{i}") for i in range(50)]
    graph = make_graph(X, nodes, ["y49"], {})
    rows = np.ones((10, 1000), np.float32)
    Model(graph, {}, limits=BundleLimits(run_memory=81_000, row_memory=0))(rows)
    with pytest.raises(InputError, match="limit run_memory"):
        Model(graph, {}, limits=BundleLimits(run_memory=79_000, row_memory=0))(rows)


def test_views_cost_nothing_but_must_fit() -> None:
    graph = make_graph(X, [node("broadcast_to", "x", "y", shape=[1000, "x.0", "x.1"])], ["y"], {})
    model = Model(graph, {}, limits=BundleLimits(run_memory=1 << 30, row_memory=0))
    assert model(np.ones((1, 1000), np.float32))[0].shape == (1000, 1, 1000)
    with pytest.raises(InputError, match="Give fewer rows"):
        model(np.ones((1000, 1000), np.float32))


def test_bodies_are_counted() -> None:
    step = TensorType((None, 4), "float32")
    large = TensorType((None, None), "float32")
    body = Body(
        ("i",), ("o",),
        (Node("full", "f", "", ("i",), ("f",), {"shape": ["like.0", "like.0*1000000000"], "value": 0.0,
                                                "dtype": "float32"}),
         Node("relu", "o", "", ("i",), ("o",), {})),
        {"i": step, "f": large, "o": step},
    )  # fmt: skip
    wide = replace(body, outputs=("f",))
    scan = Node("scan", "s", "s", ("x", None), ("y", "last"), {"body": body})
    inputs = {"x": TensorType((None, 3, 4), "float32")}
    rows = np.ones((100, 3, 4), np.float32)
    small = BundleLimits(run_memory=1 << 30, row_memory=0)
    assert Model(make_graph(inputs, [scan], ["last"], {}), {}, limits=small)(rows)[0].shape == (100, 4)
    graph = make_graph(inputs, [replace(scan, attrs={"body": wide})], ["last"], {})
    with pytest.raises(InputError, match="limit run_memory"):
        Model(graph, {}, limits=small)(rows)


def test_limits_are_raised_by_name(tmp_path: Path) -> None:
    from kconvert_schemas import GraphError, write_bundle

    write_bundle(tmp_path / "out", dense_graph(), lambda name: KERNEL)
    with pytest.raises(GraphError, match="limit nodes"):
        load(tmp_path / "out", limits=BundleLimits(nodes=1))
    assert load(tmp_path / "out", limits=parse_limits(["nodes=2", "graph_size=none"])).limits.nodes == 2
    with pytest.raises(InputError, match="no limit"):
        parse_limits(["node=2"])


def test_every_limit_is_documented() -> None:
    rows = [line.split("|")[1:3] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    said = {name.strip(" `"): value.strip().replace(",", "") for name, value in rows}
    expected = {name: str(value) for name, value in asdict(DEFAULT).items()}
    assert {name: said.get(name) for name in expected} == expected


def test_windows_wider_than_the_picture_cost_no_more_than_it() -> None:
    wide = {"pool_size": [2**31, 2**31], "strides": [1, 1], "padding": "same", "data_format": "channels_last"}
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    assert np.array_equal(KERNELS["max_pool"](x, **wide), np.full((1, 4, 4, 1), 15, np.float32))


def test_batches_shrink_to_what_is_allowed() -> None:
    """Two values of a row take 8,000 bytes: five rows at a time are too many for 24,000, three are not."""
    graph = make_graph(X, [node("relu", "x", "y0"), node("exp", "y0", "y1")], ["y1"], {})
    model = Model(graph, {}, limits=BundleLimits(run_memory=24_000, row_memory=0))
    rows, seen = np.zeros((5, 1000), np.float32), list[tuple[int, int]]()
    found = model.predict(rows, batch_size=5, progress=lambda done, of: seen.append((done, of)))
    assert np.array_equal(found[0], np.ones((5, 1000), np.float32)) and seen == [(3, 5), (5, 5)]
    with pytest.raises(InputError, match="limit run_memory"):
        Model(graph, {}, limits=BundleLimits(run_memory=7_000, row_memory=0)).predict(rows)


def test_time_is_estimated() -> None:
    graph = make_graph(X, [node("erfinv", "x", "y")], ["y"], {})
    rows = np.zeros((300, 1000), np.float32)
    with pytest.raises(InputError, match=r"more than 2 seconds .*limit run_seconds"):
        Model(graph, {}, limits=BundleLimits(run_seconds=2, row_seconds=0))(rows)
