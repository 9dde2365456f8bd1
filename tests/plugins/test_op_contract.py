"""The op contract has teeth: each of its tests fails for the fault that it looks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from kconvert.testing import OpContract, check_vjp, convert_op
from kconvert_runtime.registry import KERNELS, VJPS
from kconvert_schemas import Attr, Opset, OpSpec, TensorType, dtypes, opset, rules

X = np.linspace(-2, 2, 24, dtype="float32").reshape(4, 2, 3)
B = np.array([0.5, 1.0, 2.0], "float32")


def rule(types: Any, attrs: Mapping[str, Any]) -> TensorType:
    """The type of x."""
    rules.one_dtype([types.x, types.b], dtypes.FLOATS)
    rules.require_shape(types.b, types.x.shape[-1:], "b")
    return types.x


def kernel(x: np.ndarray, b: np.ndarray, *, times: float) -> np.ndarray:
    return x * b * x.dtype.type(times)


def vjp(g: np.ndarray, y: np.ndarray, x: np.ndarray, b: np.ndarray, *, times: float) -> tuple[np.ndarray, np.ndarray]:
    return g * b * x.dtype.type(times), (g * x).sum((0, 1)) * x.dtype.type(times)


class Good(OpContract):
    op = "kit::scale"
    inputs = [X, B]
    attrs = {"times": 3}

    def expected(self, x: Any, b: Any) -> Any:
        return x * b * 3


TESTS = [name for name in dir(Good) if name.startswith("test_")]
Fails = Callable[..., set[str]]


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Fails:
    """A function that registers an op and returns the names of the tests that fail for it, without 'test_'."""

    def run(
        contract: type[OpContract] = Good,
        *,
        kernel: Any = kernel,
        vjp: Any = vjp,
        rule: Any = rule,
        doc: str = "x b times",
    ) -> set[str]:
        attrs = {"times": Attr("float", 1.0)}
        row = OpSpec("kit::scale", ("x", "b"), rule, doc, attrs, differentiable=("x", "b"))
        monkeypatch.setattr(opset, "_loaded", {**opset._loaded, "kit": Opset.of("kit", 1, [row])})
        for table, function in ((KERNELS, kernel), (VJPS, vjp)):
            monkeypatch.delitem(table, "kit::scale", raising=False)
            if function is not None:
                monkeypatch.setitem(table, "kit::scale", function)
        found = set()
        for name in TESTS:
            try:
                getattr(contract(), name)()
            except Exception:
                found.add(name.removeprefix("test_"))
        return found

    return run


def test_a_good_op_passes(fails: Fails) -> None:
    assert len(TESTS) > 8
    assert fails() == set()


def test_an_op_that_is_not_known() -> None:
    with pytest.raises(AssertionError, match="no op 'kit::scale': is the package installed"):
        Good().test_is_known()


def test_an_opset_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opset, "_loaded", dict(opset._loaded))
    row = OpSpec("kit::scale", ("x", "b"), rule, "x b", {"times": Attr("float", 1.0)})
    contract = type("Loose", (Good,), {"opset": Opset.of("kit", 1, [row])})
    assert contract().row() is row


def test_an_op_without_kernel(fails: Fails) -> None:
    assert "is_known" in fails(kernel=None)


def test_an_op_without_documentation(fails: Fails) -> None:
    assert fails(doc=" ") == {"is_known"}


def test_wrong_numbers(fails: Fails) -> None:
    assert {"forward", "float64"} <= fails(kernel=lambda x, b, times: x * b)


def test_a_rule_with_another_dtype(fails: Fails) -> None:
    assert "rule_agrees_with_the_kernel" in fails(rule=lambda types, attrs: TensorType(types.x.shape, "float32"))


def test_a_rule_with_another_shape(fails: Fails) -> None:
    wrong = fails(rule=lambda types, attrs: TensorType(types.x.shape[::-1], types.x.dtype))
    assert {"rule_agrees_with_the_kernel", "rule_with_unknown_sizes", "empty_batch"} <= wrong


def test_a_rule_that_leaves_out_what_it_could_know(fails: Fails) -> None:
    vague = fails(rule=lambda types, attrs: TensorType((None, 2, 3), rule(types, attrs).dtype))
    assert vague == {"rule_agrees_with_the_kernel"}


def test_a_rule_that_guesses_unknown_sizes(fails: Fails) -> None:
    def guess(types: Any, attrs: Mapping[str, Any]) -> TensorType:
        return TensorType(tuple(1 if n is None else n for n in types.x.shape), rule(types, attrs).dtype)

    assert fails(rule=guess) == {"rule_with_unknown_sizes"}


def test_a_rule_that_asks_for_the_batch_size(fails: Fails) -> None:
    def ask(types: Any, attrs: Mapping[str, Any]) -> TensorType:
        return TensorType((types.x.shape[0] * 1, *types.x.shape[1:]), rule(types, attrs).dtype)

    assert fails(rule=ask) == {"rule_with_unknown_sizes"}


def test_a_kernel_that_widens(fails: Fails) -> None:
    assert "rule_agrees_with_the_kernel" in fails(kernel=lambda x, b, times: x * b * np.full(1, times))


def test_a_kernel_that_narrows_inside(fails: Fails) -> None:
    def narrow(x: np.ndarray, b: np.ndarray, *, times: float) -> np.ndarray:
        return (x.astype("float32") * 1.1 * b.astype("float32") * np.float32(times)).astype(x.dtype)

    class Broken(Good):
        def expected(self, x: Any, b: Any) -> Any:
            return x * 1.1 * b * 3

    assert "float64" in fails(Broken, kernel=narrow)
    assert "forward" not in fails(Broken, kernel=narrow)


def test_a_kernel_that_is_coarse_in_less_than_float64(fails: Fails) -> None:
    def coarse(x: np.ndarray, b: np.ndarray, *, times: float) -> np.ndarray:
        return kernel(np.round(x) if x.dtype == np.float32 else x, b, times=times)

    assert {"forward", "half_floats"} <= fails(kernel=coarse)


def test_a_kernel_that_writes_to_its_input(fails: Fails) -> None:
    def write(x: np.ndarray, b: np.ndarray, *, times: float) -> np.ndarray:
        x *= b * x.dtype.type(times)
        return x

    assert "inputs_are_left_alone" in fails(kernel=write)


def test_a_kernel_that_depends_on_the_layout(fails: Fails) -> None:
    wrong = fails(kernel=lambda x, b, times: kernel(x.ravel("K").reshape(x.shape), b, times=times))
    assert wrong == {"memory_layout_does_not_matter"}


def test_a_kernel_that_fails_on_no_rows(fails: Fails) -> None:
    assert fails(kernel=lambda x, b, times: kernel(x + 0 * x[:1].reshape(1, 2, 3), b, times=times)) == {"empty_batch"}


def test_a_wrong_gradient(fails: Fails) -> None:
    assert fails(vjp=lambda g, y, x, b, times: (g * b, (g * x).sum((0, 1)) * 3)) == {"gradient"}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (lambda g, y, x, b, times: (g * b * 3, g * x * 3), "gradient has the shape"),
        (lambda g, y, x, b, times: (g * b * 3, None), "returns None"),
        (lambda g, y, x, b, times: g * b * 3, "must return a tuple"),
        (lambda g, y, x, b, times: vjp(np.multiply(g, 2, out=g) / 2, y, x, b, times=times), "writes to|read-only"),
        (lambda g, y, x, b, times: vjp(g.astype("float64"), y, x, b, times=times), "the gradient is float64"),
    ],
)
def test_gradients_of_the_wrong_form(fails: Fails, wrong: Any, complaint: str) -> None:
    assert fails(vjp=wrong) == {"gradient"}
    with pytest.raises((AssertionError, ValueError), match=complaint):
        check_vjp("kit::scale", [X, B], {"times": 3.0})


def test_no_gradient(fails: Fails) -> None:
    assert fails(vjp=None) == {"gradient"}
    assert fails(type("Excused", (Good,), {"no_vjp": "it is used after training only"}), vjp=None) == set()
    assert fails(type("Excused", (Good,), {"no_vjp": "it is used after training only"})) == {"gradient"}


def test_one_op_in_memory() -> None:
    y = np.ones((2, 3), "float32")
    assert convert_op("add", [y, TensorType((None, 3), "float32")]).model()(y, y).tolist() == [[2.0] * 3] * 2
