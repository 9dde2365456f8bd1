"""Every op that is differentiable has a VJP that agrees with differences; every other says why it has none."""

from __future__ import annotations

import numpy as np
import pytest

import kconvert_runtime.gradients as gradients
from kconvert.testing import check_vjp
from kconvert_runtime.gradients.find import FLAT, MISSING
from kconvert_runtime.gradients.sums import summed_rows
from kconvert_runtime.kernels.pooling import max_pool
from kconvert_runtime.plan import find_kernel, unaries
from kconvert_runtime.registry import VJPS
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


def test_the_first_of_equal_elements_gets_the_gradient_of_a_pool() -> None:
    x = np.zeros((1, 2, 4, 1))
    x[0, 1, 0] = x[0, 0, 1] = 1
    attrs = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}
    y = max_pool(x, **attrs)
    (found,) = VJPS["max_pool"](np.ones_like(y), y, x, **attrs)
    assert found[0, :, :, 0].tolist() == [[0, 1, 1, 0], [0, 0, 0, 0]]


def test_equal_elements_share_the_gradient_of_a_maximum() -> None:
    x = np.array([1.0, 3, 3, 0])
    (found,) = VJPS["max"](np.array(1.0), np.array(3.0), x, axes=None, keepdims=False)
    assert found.tolist() == [0, 0.5, 0.5, 0]
    assert [g.tolist() for g in VJPS["maximum"](np.ones(1), x[:1], x[:1], x[:1])] == [[1], [0]]


def test_weights_that_are_counted() -> None:
    x, weights = np.array([[0, 2, 1, 2]]), np.ones((1, 4))
    g, attrs = np.array([[5.0, 6.0]]), {"minlength": 0, "maxlength": 2, "binary": False, "dtype": "float64"}
    assert VJPS["bincount"](g, g, x, weights, **attrs)[1].tolist() == [[5, 0, 6, 0]]


def test_rows_are_summed_where_they_belong() -> None:
    rng = np.random.default_rng(0)
    rows, places = rng.normal(size=(50, 3)), rng.integers(0, 7, 50)
    expected = np.zeros((9, 3))
    np.add.at(expected, places, rows)
    np.testing.assert_allclose(summed_rows(rows, places, 9), expected)
    assert summed_rows(rows[:0], places[:0], 2).tolist() == [[0] * 3] * 2


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
