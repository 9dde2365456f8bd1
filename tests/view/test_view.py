"""The page of a bundle: everything is on it, nothing breaks out of it, and the same bundle gives the same bytes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from kconvert.view import page
from kconvert.view.groups import grouped
from kconvert.view.placing import BOX, placed
from kconvert.view.statistics import BINS, statistics
from kconvert_schemas import Body, Graph, Layer, Node, TensorType
from kconvert_schemas.graph import Constraint, Penalty, Training
from tests.helpers import make_graph

F = "float32"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m&amp;\u202e'


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def chain(names: Sequence[str], weights: dict[str, Any]) -> Graph:
    """x -> relu -> relu..., each in a layer of its own, then a sum with each weight."""
    nodes, last = [], "x"
    for name in names:
        nodes.append(Node("relu", name, f"layer {name}", (last,), (name,), {}))
        last = name
    for name in weights:
        nodes.append(Node("add", f"with {name}", "sums", (last, name), (f"with {name}",), {}))
        last = f"with {name}"
    return make_graph({"x": TensorType((None, 3), F)}, nodes, [last], weights)


def shown(graph: Graph, weights: dict[str, Any], title: str = "model") -> str:
    return page(graph, weights.__getitem__, title)


def test_hostile_names_stay_text() -> None:
    """Names of nodes, layers, weights and values, classes, reasons, sources and the title: each is shown as it is."""
    weights = {f"w{HOSTILE}": np.ones(3, F)}
    graph = chain([f"a{HOSTILE}"], weights)
    (layer, *_) = graph.nodes
    graph = replace(
        graph,
        layers={layer.layer: Layer(HOSTILE, ((layer.outputs[0],),))},
        source=replace(graph.source, file=HOSTILE, keras_version=HOSTILE),
        training=Training(penalties=(Penalty(f"w{HOSTILE}", 1, 0, False),), refused={layer.layer: HOSTILE}),
    )
    harmless = shown(chain(["a"], {"w": np.ones(3, F)}), {"w": np.ones(3, F)})
    source = shown(graph, weights, HOSTILE)
    found = Page(source)
    assert found.tags.count("script") == Page(harmless).tags.count("script") == 1
    assert "img" not in found.tags
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "\x1b" not in source
    assert "\u202e" not in source
    assert found.text.count("<script>alert(1)</script>") >= 8


def test_nothing_is_fetched() -> None:
    weights = {"w": np.ones(3, F)}
    source = shown(chain(["a"], weights), weights)
    assert set(re.findall(r"https?://[^\"'\s]+", source)) == {"http://www.w3.org/2000/svg"}
    assert {value for name, value in Page(source).attributes if name in ("src", "href")} == {"#g0", "#g1", "#g2", "#g3"}
    assert "default-src 'none'" in source
    assert "unsafe" not in source


def test_the_policy_allows_the_style_and_script_of_the_page() -> None:
    import base64
    import hashlib

    source = shown(chain(["a"], {}), {})
    for tag in ("style", "script"):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in source


def test_all_nodes_and_weights_of_a_large_network_appear() -> None:
    names = [f"n{i}_" for i in range(500)]
    weights = {f"weight{i}_": np.full(3, i, F) for i in range(20)}
    source = shown(chain(names, weights), weights)
    text = Page(source).text
    for name in (*names, *weights):
        assert name in text
    assert source == shown(chain(names, weights), weights)
    assert source.count("<section") == 500 + 3  # the layers, their sums, the input, the output


def test_bodies_can_be_unfolded() -> None:
    """A loop within a loop."""
    row = TensorType((None, 3), F)
    inner = Body(("s",), ("deep",), (Node("relu", "deep", "cell", ("s",), ("deep",), {}),), {"s": row, "deep": row})
    node = Node("scan", "turn", "cell", ("z",), ("turn:sequence", "turn:last"), {"body": inner})
    middle = TensorType((None, 2, 3), F)
    values = {"z": middle, "turn:sequence": middle, "turn:last": row}
    body = Body(("z",), ("turn:last",), (node,), values)
    nodes = [Node("scan", "loop", "loop", ("x",), ("loop:sequence", "loop:last"), {"body": body})]
    graph = make_graph({"x": TensorType((None, 4, 2, 3), F)}, nodes, ["loop:last"], {})
    source = shown(graph, {})
    assert source.count("<details>") == 2
    assert "body of turn: 1 operation" in source
    assert "deep" in Page(source).text


def test_what_training_needs_is_shown() -> None:
    weights = {"w": np.ones(3, F)}
    training = Training(
        penalties=(Penalty("w", 0.25, 0, False),), constraints=(Constraint("w", axes=(0,), most=2, rate=1),),
        refused={"sums": "it flips images"},
    )  # fmt: skip
    source = shown(replace(chain(["a"], weights), training=training), weights)
    for said in ("penalty of w", "l1 0.25", "constraint of w", "norm 0 to 2", "it flips images"):
        assert said in source


@pytest.mark.parametrize("seed", range(20))
def test_groups_and_places(seed: int) -> None:
    """Random graphs: each node in one group, no circle, boxes of a row side by side, edges downwards."""
    rng = np.random.default_rng(seed)
    nodes = []
    for i in range(40):
        reads = [f"v{rng.integers(i)}" for _ in range(rng.integers(3))] if i else []
        nodes.append(Node("f", f"n{i}", f"layer{rng.integers(6)}", tuple(reads), (f"v{i}",), {}))
    groups, edges = grouped(nodes, {}, {"y": "v39"})
    assert sorted(node.name for group in groups for node in group.nodes) == sorted(node.name for node in nodes)
    found = placed(len(groups), [(edge.source, edge.target) for edge in edges])
    for edge, points in zip(edges, found.paths, strict=True):
        assert points[0] == found.centres[edge.source]
        assert points[-1] == found.centres[edge.target]
        assert all(a[1] < b[1] for a, b in itertools.pairwise(points))
    for one in range(len(groups)):
        for other in range(one):
            (x, y), (x2, y2) = found.centres[one], found.centres[other]
            assert y != y2 or abs(x - x2) >= BOX
        assert BOX / 2 <= found.centres[one][0] <= found.width - BOX / 2


def test_nodes_of_a_layer_are_one_box_where_nothing_stands_between() -> None:
    nodes = [
        Node("f", "a", "one", ("x",), ("a",), {}),
        Node("f", "b", "one", ("x",), ("b",), {}),
        Node("f", "c", "one", ("a", "b"), ("c",), {}),
        Node("f", "d", "two", ("c",), ("d",), {}),
        Node("f", "e", "one", ("c", "d"), ("e",), {}),
    ]
    groups, edges = grouped(nodes, {"x": "x"}, {})
    assert [[node.name for node in group.nodes] for group in groups] == [[], ["a", "b", "c"], ["d"], ["e"]]
    assert [(edge.source, edge.target) for edge in edges] == [(0, 1), (1, 2), (1, 3), (2, 3)]


def test_statistics() -> None:
    found = statistics(np.array([0, 1, 2, 3, np.nan, -np.inf], F))
    assert found is not None
    assert (found.mean, found.least, found.most, found.odd, sum(found.counts)) == (1.5, 0, 3, 2, 4)
    assert found.deviation == pytest.approx(np.std([0, 1, 2, 3]))
    assert (found.counts[0], found.counts[BINS // 3], found.counts[-1]) == (1, 1, 1)
    flat = statistics(np.full(7, 2, np.int64))
    assert flat is not None
    assert (flat.mean, flat.deviation, sum(flat.counts)) == (2, 0, 7)
    assert statistics(np.array(["a"], object)) is None
    assert statistics(np.zeros((0, 3), F)) is None
    assert statistics(np.full(2, np.nan, F)) is None
