"""Every op of the table keeps the contract that plugin authors run for theirs."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from kconvert.testing import OpContract
from kconvert_runtime.registry import KERNELS
from kconvert_schemas import OpError
from kconvert_schemas.opset import BUILT_IN
from tests.plugins.op_cases import OpCase, all_cases

CASES = all_cases()
VALUES = {"test_forward", "test_float64"}
"""What needs expected values: for built-in ops those are Keras', in tests/golden."""
TESTS = sorted({name for name in dir(OpContract) if name.startswith("test_")} - VALUES)
IDS = [f"{i}-{case.op}" for i, case in enumerate(CASES)]


def contract(case: OpCase) -> OpContract:
    """The contract of a case."""
    options = {name: getattr(case, name) for name in ("op", "inputs", "attrs", "batched", "data_dependent")}
    made: Any = type(f"Test_{case.op}", (OpContract,), options)
    return made()


@pytest.mark.parametrize("op", BUILT_IN.ops)
def test_every_op_has_a_case(op: str) -> None:
    assert op in {case.op for case in CASES}, f"add a line for {op!r} to tests/plugins/op_cases.py"


def test_every_op_has_a_kernel_and_no_kernel_is_left_over() -> None:
    importlib.import_module("kconvert_runtime.kernels")  # registers them
    ours = {name for name in KERNELS if "::" not in name}
    assert ours == BUILT_IN.ops.keys()


@pytest.mark.parametrize("op", BUILT_IN.ops)
def test_rows_are_documented(op: str) -> None:
    spec = BUILT_IN.ops[op]
    assert spec.doc.strip()
    assert set(spec.differentiable) <= set(spec.input_names)
    for name, attr in spec.attrs.items():
        assert name.isidentifier(), f"{op}: {name!r} is not a keyword"
        assert attr.required or attr.default is None or isinstance(attr.default, (bool, int, float, str, list, tuple))


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("test", [name for name in TESTS if name != "test_gradient"])  # tests/gradients
def test_contract(case: OpCase, test: str) -> None:
    getattr(contract(case), test)()


@pytest.mark.parametrize(
    "case", [case for case in CASES if BUILT_IN.ops[case.op].differentiable], ids=lambda case: case.op
)
def test_float64_is_not_computed_in_less(case: OpCase) -> None:
    """Results for float64 inputs have digits that float32 cannot hold."""
    made = contract(case)
    wide = [
        np.asarray(a, "float64") * (1 + 1e-9) if a is not None and a.dtype.kind == "f" else a for a in made.arrays()
    ]
    types = made._in_dtype("float64")[1]
    try:
        outputs = [y for y in made.run(types, wide) if y.dtype == np.float64]
    except OpError:  # scan: its body is in float32
        return
    assert not outputs or any(np.any(y != y.astype("float32")) for y in outputs), f"{case.op} computes in float32"
