"""graph.json: what is written reads back the same, and nothing else is accepted."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from kconvert_schemas import BundleError, GraphError, check
from kconvert_schemas.bundle import dump, load_json
from kconvert_schemas.codec import decode, encode
from kconvert_schemas.jsonschema import schema
from tests.helpers import dense_graph


def test_round_trip() -> None:
    graph = check(dense_graph())
    text = dump(encode(graph))
    assert check(decode(load_json(text.encode(), "graph.json"))) == graph
    assert dump(encode(decode(json.loads(text)))) == text


def test_the_stored_schema_is_the_generated_one() -> None:
    from importlib.resources import files

    stored = files("kconvert_schemas").joinpath("graph.schema.json").read_text()
    assert json.loads(stored) == schema(), "run python -m kconvert_schemas.jsonschema > graph.schema.json"


def test_the_schema_accepts_what_is_written() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(json.loads(dump(encode(check(dense_graph())))))


def _set(data: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


WRONG_FORM = [
    (("nodes", 0, "op"), 3, "$.nodes[0].op"),
    (("nodes", 0, "outputs"), "mm", "$.nodes[0].outputs"),
    (("nodes", 1, "extra"), 1, "$.nodes[1]"),
    (("values", "mm", "shape", 1), -3, "$.values['mm'].shape[1]"),
    (("values", "mm", "shape", 1), True, "$.values['mm'].shape[1]"),
    (("weights", "dense/kernel", "trainable"), "yes", "$.weights['dense/kernel'].trainable"),
    (("inputs", "tensors"), {}, "$.inputs.tensors"),
    (("outputs", "structure"), 7, "$.outputs.structure"),
    (("layers",), [], "$.layers"),
    (("producer",), KeyError, "producer"),
]


@pytest.mark.parametrize(("path", "value", "place"), WRONG_FORM)
def test_wrong_form_is_refused_with_its_place(path: tuple[Any, ...], value: Any, place: str) -> None:
    data = _set(encode(dense_graph()), path, value)
    with pytest.raises(GraphError) as caught:
        decode(data)
    assert place in str(caught.value)
    assert not jsonschema.Draft202012Validator(schema()).is_valid(json.loads(json.dumps(data)))


def test_other_versions_are_named() -> None:
    with pytest.raises(BundleError, match=r"version '2'.*reads version 1"):
        decode({**encode(dense_graph()), "version": 2})


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', "[NaN]", "[1", '"\\ud800' + "[" * 100, "[" * 100_000, "\ufeff{}", "{'a': 1}"]
)
def test_loose_json_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="not valid JSON"):
        load_json(text.encode("utf-8", "surrogatepass"), "graph.json")
