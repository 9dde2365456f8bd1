"""Properties that hold for any input: rules agree with NumPy, and no JSON gets past the codec with another error."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kconvert_schemas import BundleError, OpError, TensorType, check, find_op
from kconvert_schemas.codec import decode, encode
from kconvert_schemas.dims import resolve
from kconvert_schemas.ops.rules import broadcast
from tests.helpers import dense_graph

SIZES = st.integers(0, 4)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)


@given(st.lists(SHAPES, min_size=1, max_size=3), st.data())
def test_broadcast_agrees_with_numpy(shapes: list[tuple[int, ...]], data: st.DataObject) -> None:
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(OpError):
            broadcast(shapes)
        return
    assert broadcast(shapes) == expected
    hidden = [tuple(None if data.draw(st.booleans()) else n for n in shape) for shape in shapes]
    for known, size in zip(broadcast(hidden), expected, strict=True):
        assert known is None or known == size or size == 0


@given(SHAPES, st.data())
def test_slice_agrees_with_numpy(shape: tuple[int, ...], data: st.DataObject) -> None:
    bound = st.none() | st.integers(-5, 5)
    step = st.none() | st.sampled_from([-2, -1, 1, 2, 3])
    part = st.none() | st.tuples(bound, bound, step).map(list)
    slices = [data.draw(part) for _ in shape]
    spec = find_op("slice")
    assert spec
    (found,) = spec.infer([TensorType(shape, "int32")], {"slices": slices})
    taken = np.zeros(shape)[tuple(slice(None) if s is None else slice(*s) for s in slices)]
    assert found.shape == taken.shape


@given(SHAPES, SHAPES)
def test_dims_resolve_to_sizes(x: tuple[int, ...], like: tuple[int, ...]) -> None:
    dims = [f"x.{i}" for i in range(len(x))] + ["*".join(f"like.{i}" for i in range(len(like))) or 1]
    assert resolve(dims, {"x": x, "like": like}) == (*x, int(np.prod(like)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
VALID = encode(check(dense_graph()))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path] + [place for key in keys for place in places(value[key], (*path, key))]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(places(VALID)[1:]), JSON)
def test_any_change_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(VALID)
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    try:
        check(decode(json.loads(json.dumps(data))))
    except BundleError as error:
        assert str(error)


@given(JSON)
def test_any_json_is_refused(value: Any) -> None:
    with pytest.raises(BundleError):
        decode(value)
