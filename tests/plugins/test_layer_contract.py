"""The layer contract has teeth: each of its tests fails for the fault that it looks for."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kconvert import hookimpl, masks
from kconvert.testing import LayerContract, convert_layer
from kconvert_runtime.registry import KERNELS
from kconvert_schemas import Opset, OpSpec, opset
from tests.helpers import needs_docstrings

SCALE = np.array([0.5, 1.0, 2.0], "float32")


def scale(call: Any, emit: Any) -> Any:
    """Multiply x by a weight."""
    return emit.op("multiply", call.x, emit.weight("scale", 0, shape=(call.x.shape[-1],)))


def plugin(lower: Callable[..., Any], **options: Any) -> Any:
    """A plugin module with one layer."""

    @hookimpl
    def register_layers(register: Any) -> None:
        register("kit>Scale", lower, **{"arguments": ("inputs", "mask"), "compute_mask": masks.keep, **options})

    return SimpleNamespace(register_layers=register_layers, __name__="kit")


class Good(LayerContract):
    layer = "kit>Scale"
    weights = [SCALE]
    x = np.linspace(-2, 2, 24, dtype="float32").reshape(4, 2, 3)
    mask = np.array([[True, False]] * 4)
    plugin = plugin(scale)

    def expected(self, x: Any) -> Any:
        return x * SCALE


TESTS = [name for name in dir(Good) if name.startswith("test_")]


def failures(contract: type[LayerContract]) -> set[str]:
    """Run every test of a contract; return the names of those that fail, without 'test_'."""
    found = set()
    for name in TESTS:
        try:
            getattr(contract(), name)()
        except Exception:
            found.add(name.removeprefix("test_"))
    return found


def broken(lower: Callable[..., Any], **options: Any) -> set[str]:
    """The tests that fail for another lowering of the layer."""
    return failures(type("Broken", (Good,), {"plugin": plugin(lower, **options)}))


def test_a_good_layer_passes() -> None:
    assert len(TESTS) > 15
    assert failures(Good) == set()


def test_a_layer_that_is_not_registered() -> None:
    assert "is_registered" in failures(type("Broken", (Good,), {"layer": "kit>Other"}))


@needs_docstrings
def test_a_handler_without_docstring() -> None:
    assert broken(lambda call, emit: scale(call, emit)) == {"is_registered"}


def test_wrong_numbers() -> None:
    def lower(call: Any, emit: Any) -> Any:
        """Forget the scale of the last channel."""
        return emit.op("add", scale(call, emit), emit.constant([0, 0, 1e-3], call.x.dtype))

    assert {"forward", "float32", "float64"} <= broken(lower)
    assert "batch_of_one" not in broken(lower)


def test_a_dtype_that_is_not_the_policys() -> None:
    def lower(call: Any, emit: Any) -> Any:
        """Compute in float32, whatever the policy."""
        return emit.cast(scale(call, emit), "float32")

    assert broken(lower) == {"float64", "float16", "bfloat16", "mixed_float16"}


def test_float64_that_is_computed_in_less() -> None:
    def lower(call: Any, emit: Any) -> Any:
        """Go through float32."""
        y = emit.cast(scale(call, emit), "float32")
        return emit.cast(emit.op("multiply", y, emit.constant(1.1, "float32")), call.x.dtype)

    class Broken(Good):
        plugin = plugin(lower)

        def expected(self, x: Any) -> Any:
            return x * SCALE * 1.1

    assert failures(Broken) == {"float64"}


def test_a_batch_size_that_is_written_down() -> None:
    def lower(call: Any, emit: Any) -> Any:
        """Reshape to the batch at hand."""
        return emit.op("reshape", scale(call, emit), shape=[4, 2, 3])

    assert {"batch_size_is_open", "batch_of_one", "empty_batch"} <= broken(lower)


def test_rows_that_depend_on_each_other() -> None:
    def lower(call: Any, emit: Any) -> Any:
        """Subtract the mean over the batch."""
        y = scale(call, emit)
        return emit.op("subtract", y, emit.op("mean", y, axes=[0], keepdims=True))

    class Broken(Good):
        plugin = plugin(lower)

        def expected(self, x: Any) -> Any:
            return x * SCALE - (x * SCALE).mean(0)

    assert failures(Broken) - {"empty_batch"} == {"batch_of_one"}


def test_a_mask_that_is_lost() -> None:
    assert broken(scale, compute_mask=None) == {"output_mask"}


def test_a_mask_that_differs() -> None:
    def other(call: Any, mask: Any, emit: Any) -> Any:
        return emit.op("logical_not", mask)

    assert broken(scale, compute_mask=other) == {"output_mask"}


def test_a_weight_that_is_forgotten() -> None:
    contract = type("Broken", (Good,), {"weights": [SCALE, np.ones(2, "float32")]})
    assert failures(contract) == {"every_weight_is_used", "wrong_weight_shapes_are_refused"}


def test_a_weight_whose_shape_is_not_checked() -> None:
    def lower(call: Any, emit: Any) -> Any:
        """Multiply by the sum of a weight."""
        total = emit.op("sum", emit.weight("scale", 0), axes=[0], keepdims=False)
        return emit.op("multiply", call.x, total)

    class Broken(Good):
        plugin = plugin(lower)

        def expected(self, x: Any) -> Any:
            return x * SCALE.sum()

    assert failures(Broken) == {"wrong_weight_shapes_are_refused"}


def test_bytes_that_differ_each_time() -> None:
    counter = itertools.count()

    def lower(call: Any, emit: Any) -> Any:
        """Write a number that is never the same."""
        tiny = emit.constant(next(counter) * 1e-30, call.x.dtype)
        return emit.op("add", scale(call, emit), tiny)

    assert broken(lower) == {"bytes_are_deterministic"}


def with_kernel(monkeypatch: pytest.MonkeyPatch, kernel: Callable[..., Any]) -> set[str]:
    """The tests that fail when the layer uses an op with this kernel."""
    row = OpSpec("kit::scale", ("x", "scale"), lambda types, attrs: types.x, "x scale")
    monkeypatch.setattr(opset, "_loaded", {**opset._loaded, "kit": Opset.of("kit", 1, [row])})
    monkeypatch.setitem(KERNELS, "kit::scale", kernel)

    def lower(call: Any, emit: Any) -> Any:
        """Multiply x by a weight."""
        return emit.op("kit::scale", call.x, emit.weight("scale", 0, shape=(3,)))

    return broken(lower)


def test_a_kernel_that_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_kernel(monkeypatch, lambda x, scale: x * scale) == set()


def test_a_kernel_that_writes_to_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def kernel(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
        x *= scale
        return x

    assert "inputs_are_left_alone" in with_kernel(monkeypatch, kernel)


def test_a_kernel_that_depends_on_the_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    def kernel(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return x.ravel("K").reshape(x.shape) * scale

    assert with_kernel(monkeypatch, kernel) == {"memory_layout_does_not_matter"}


def test_a_kernel_that_fails_on_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def kernel(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return x * scale if x.max() < 9 else x

    assert with_kernel(monkeypatch, kernel) == {"empty_batch"}


def test_a_kernel_in_another_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_kernel(monkeypatch, lambda x, scale: x * scale.astype(np.float64))
    assert "float32" in found


def test_declared_failures() -> None:
    class Declared(Good):
        plugin = plugin(scale, compute_mask=None)
        xfail = {"test_output_mask": "masks are not done yet"}

    with pytest.raises(pytest.xfail.Exception, match="masks are not done yet"):
        Declared().test_output_mask()
    assert failures(type("Finer", (Declared,), {"xfail": {}})) == {"output_mask"}


def test_a_declared_failure_that_passes_fails() -> None:
    class Declared(Good):
        xfail = {"test_forward": "broken since the flood"}

    with pytest.raises(AssertionError, match="test_forward passes now: remove it from xfail"):
        Declared().test_forward()


@pytest.mark.parametrize("xfail", [{"test_forwrad": "a typing error"}, {"test_forward": " "}])
def test_declarations_that_say_nothing(xfail: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="xfail"):
        type("Declared", (Good,), {"xfail": xfail})


UNITTEST = """
import sys, unittest
sys.modules["pytest"] = None
import numpy as np
from kconvert.testing import LayerContract

class TestTanh(LayerContract, unittest.TestCase):
    layer = "keras.layers.Activation"
    config = {"activation": "tanh"}
    x = np.ones((2, 3), "float32")
    xfail = {"test_output_mask": "to see that it is skipped"}
    expected_mask = lambda self: [np.ones(2, bool)]
    expected = lambda self, x: np.tanh(x)

result = unittest.main(exit=False, argv=["test"]).result
assert result.wasSuccessful() and result.testsRun > 15, result
assert [reason for _, reason in result.skipped] == ["declared: to see that it is skipped"], result.skipped
"""


def test_the_kit_needs_no_pytest() -> None:
    done = subprocess.run([sys.executable, "-c", UNITTEST], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_one_layer_in_memory() -> None:
    from kconvert.plugins import load_registry

    registry = load_registry((), [plugin(scale)])[0]
    x = Good.x
    model = convert_layer("kit>Scale", {"name": "first"}, x, weights=[SCALE], registry=registry).model()
    assert [(value.shape, value.dtype) for value in model.inputs] == [((None, 2, 3), "float32")]
    assert model.layers == ("first",)
    assert model.graph.weights["first/scale"].source == "layers/scale/vars/0"
    np.testing.assert_array_equal(model(x), x * SCALE)
