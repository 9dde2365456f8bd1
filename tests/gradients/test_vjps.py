"""Every op that is differentiable has a VJP that agrees with differences; every other says why it has none."""

from __future__ import annotations

import numpy as np
import pytest

import kconvert_runtime.gradients as gradients
from kconvert.testing import check_vjp
from kconvert_runtime.gradients.find import FLAT, MISSING
from kconvert_runtime.gradients.needs import needs_inputs, needs_outputs, stand_in
from kconvert_runtime.gradients.sums import summed_rows
from kconvert_runtime.kernels.pooling import max_pool
from kconvert_runtime.plan import find_kernel, unaries
from kconvert_runtime.registry import PAIRS, VJPS
from kconvert_schemas.attrs import complete
from kconvert_schemas.opset import BUILT_IN
from tests.gradients.cases import LEFT_OUT, smooth_cases
from tests.plugins.op_cases import OpCase, all_cases

LINES = smooth_cases()
DEFAULTS = [case for case in all_cases() if case.op not in {line.op for line in LINES} | LEFT_OUT.keys()]
CASES = [*LINES, *DEFAULTS]
DIFFERENTIABLE = [case for case in CASES if BUILT_IN.ops[case.op].differentiable]


def test_every_op_has_a_vjp_or_a_reason() -> None:
    assert gradients
    ours = {name for name in VJPS if "::" not in name}
    assert ours == {name for name, spec in BUILT_IN.ops.items() if spec.differentiable}
    reasons = FLAT.keys() | MISSING.keys()
    assert not FLAT.keys() & MISSING.keys()
    assert reasons == BUILT_IN.ops.keys() - ours
    assert all(reason.strip() for reason in (*FLAT.values(), *MISSING.values()))


def test_every_vjp_is_compared() -> None:
    assert {case.op for case in DIFFERENTIABLE} == VJPS.keys() & BUILT_IN.ops.keys() - LEFT_OUT.keys()


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=[f"{i}-{case.op}" for i, case in enumerate(DIFFERENTIABLE)])
def test_vjp(case: OpCase) -> None:
    check_vjp(case.op, case.inputs, case.attrs)


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=[f"{i}-{case.op}" for i, case in enumerate(DIFFERENTIABLE)])
def test_a_vjp_looks_only_at_the_values_that_are_kept_for_it(case: OpCase) -> None:
    if needs_inputs(case.op) and needs_outputs(case.op):
        return
    spec = BUILT_IN.ops[case.op]
    attrs = complete(spec, case.attrs)
    y = find_kernel(case.op)(*case.inputs, **unaries(spec, attrs))
    inputs = [a if needs_inputs(case.op) or a is None else stand_in(a) for a in case.inputs]
    hidden = y if needs_outputs(case.op) else tuple(map(stand_in, y)) if isinstance(y, tuple) else stand_in(y)
    pairs = [VJPS[case.op](y, *ends, **attrs) for ends in ((y, *case.inputs), (hidden, *inputs))]
    for whole, spared in zip(*pairs, strict=True):
        np.testing.assert_array_equal(whole, spared)


def test_the_first_of_equal_elements_gets_the_gradient_of_a_pool() -> None:
    x = np.zeros((1, 2, 4, 1))
    x[0, 1, 0] = x[0, 0, 1] = 1
    attrs = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}
    y = max_pool(x, **attrs)
    (found,) = VJPS["max_pool"](np.ones_like(y), y, x, **attrs)
    assert found[0, :, :, 0].tolist() == [[0, 1, 1, 0], [0, 0, 0, 0]]
    solid = {name: [*value, 1] if isinstance(value, list) else value for name, value in attrs.items()}
    (found,) = VJPS["max_pool"](np.ones_like(y)[..., None], y[..., None], x[..., None], **solid)
    assert found[0, :, :, 0, 0].tolist() == [[0, 1, 1, 1], [1, 0, 1, 1]]  # in 3D all of them


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("pool", "strides", "padding"), [(2, 2, "valid"), (2, 2, "same"), (3, 1, "same")])
def test_both_ways_through_a_pool_agree(
    rank: int, size: int, data_format: str, pool: int, strides: int, padding: str
) -> None:
    attrs = {"pool_size": [pool] * rank, "strides": [strides] * rank, "padding": padding, "data_format": data_format}
    x = np.random.default_rng(0).integers(0, 3, (3, *[size] * (rank + 1))).astype("float32")
    y, back = PAIRS["max_pool"]([True], x, **attrs)
    np.testing.assert_array_equal(y, max_pool(x, **attrs))
    g = np.random.default_rng(1).normal(size=y.shape).astype("float32")
    np.testing.assert_array_equal(back(g)[0], VJPS["max_pool"](g, y, x, **attrs)[0])


def test_equal_elements_share_the_gradient_of_a_maximum() -> None:
    x = np.array([1.0, 3, 3, 0])
    (found,) = VJPS["max"](np.array(1.0), np.array(3.0), x, axes=None, keepdims=False)
    assert found.tolist() == [0, 0.5, 0.5, 0]
    assert [g.tolist() for g in VJPS["maximum"](np.ones(1), x[:1], x[:1], x[:1])] == [[1], [0]]


def test_the_gradient_of_a_cholesky_factor_is_that_for_symmetric_changes() -> None:
    rng = np.random.default_rng(0)
    half, moved, g = rng.normal(size=(3, 2, 4, 4))
    x, v = half @ half.swapaxes(-1, -2) + 4 * np.eye(4), moved + moved.swapaxes(-1, -2)
    (found,) = VJPS["cholesky"](g, np.linalg.cholesky(x), x)
    numeric = (np.linalg.cholesky(x + 1e-6 * v) - np.linalg.cholesky(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose((found * v).sum(), (np.tril(g) * numeric).sum(), rtol=1e-7)
    np.testing.assert_array_equal(found, found.swapaxes(-1, -2))


@pytest.mark.parametrize("op", ["sqrt", "power", "divide"])
def test_no_gradient_passes_where_another_branch_was_taken(op: str) -> None:
    """In where(x == 0, 0, f(x)), f is infinitely steep at 0, and counts 0 times."""
    zero, g = np.zeros(1), np.zeros(1)
    inputs = {"sqrt": [zero], "power": [zero, np.full(1, -0.5)], "divide": [zero, zero]}[op]
    with np.errstate(all="ignore"):
        y = find_kernel(op)(*inputs)
        assert all(not found.any() for found in VJPS[op](g, y, *inputs))


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({}, [0, 0, 1, 1, 1]),
        ({"negative_slope": 0.25}, [0.25, 0.25, 1, 1, 1]),
        ({"max_value": 2.0}, [0, 0, 1, 1, 0]),
        ({"max_value": 2.0, "negative_slope": 0.25}, [0.25, 0, 1, 1, 0]),
        ({"threshold": 1.0, "negative_slope": 0.25}, [0.25, 0.25, 0, 1, 1]),
        ({"max_value": 6.0}, [0, 0, 1, 1, 0]),
    ],
)
def test_a_relu_at_its_kinks(attrs: dict[str, float], expected: list[float]) -> None:
    """As Keras, which puts it together from functions of TensorFlow, has it."""
    x = np.array([-1.0, 0.0, 1.0, 2.0, 6.0])
    spec = complete(BUILT_IN.ops["relu"], attrs)
    (found,) = VJPS["relu"](np.ones(5), x, x, **spec)
    assert found.tolist() == expected


def test_weights_that_are_counted() -> None:
    x, weights = np.array([[0, 2, 1, 2]]), np.ones((1, 4))
    g, attrs = np.array([[5.0, 6.0]]), {"minlength": 0, "maxlength": 2, "binary": False, "dtype": "float64"}
    assert VJPS["bincount"](g, g, x, weights, **attrs)[1].tolist() == [[5, 0, 6, 0]]


@pytest.mark.parametrize("width", [3, 40])
@pytest.mark.parametrize("places", [7, 90])
def test_rows_are_summed_where_they_belong(width: int, places: int) -> None:
    rng = np.random.default_rng(0)
    rows, chosen = rng.normal(size=(100, width)), rng.integers(0, places, 100)
    expected = np.zeros((92, width))
    np.add.at(expected, chosen, rows)
    np.testing.assert_allclose(summed_rows(rows, chosen, 92), expected)
    assert summed_rows(rows[:0], chosen[:0], 2).tolist() == [[0] * width] * 2


@pytest.mark.parametrize("op", ["take", "matmul", "max_pool", "conv", "lstm", "layer_norm", "gru"])
def test_an_empty_batch(op: str) -> None:
    case = next(case for case in CASES if case.op == op)
    spec = BUILT_IN.ops[op]
    names = [*spec.input_names]
    batched = case.batched or [names[1] if op == "take" else names[0]]
    inputs = [a[:0] if a is not None and n in batched else a for n, a in zip(names, case.inputs, strict=False)]
    attrs = complete(spec, case.attrs)
    y = find_kernel(op)(*inputs, **unaries(spec, attrs))
    found = VJPS[op](y, y, *inputs, **attrs)
    for name, x, g in zip(names, inputs, found, strict=False):
        if name in spec.differentiable and x is not None:
            assert g.shape == x.shape
            assert not g.any()
