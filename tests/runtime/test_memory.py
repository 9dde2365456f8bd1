"""Buffers: used again as soon as nothing reads them, and never sooner."""

from __future__ import annotations

from kconvert_runtime.memory import plan_memory
from kconvert_runtime.steps import Binding
from kconvert_schemas import Node, TensorType

NODE = Node("relu", "n", "", (), (), {})


def call(*_: object) -> None:
    """Stands for a kernel."""


def binding(inputs: str, output: str, size: int | None = 16) -> Binding:
    fills = () if size is None else (TensorType((size,), "float32"),)
    return Binding(NODE, call, tuple(inputs.split()), (output,), fills)


def buffers(*bindings: Binding, outputs: str) -> list[int | None]:
    return [buffer for _, buffer in plan_memory(bindings, outputs.split())[1].arrays]


def test_two_buffers_do_for_a_chain() -> None:
    chain = [binding(a, b) for a, b in zip("xabcd", "abcde", strict=True)]
    assert buffers(*chain, outputs="e") == [0, 1, 0, 1, None]


def test_what_leaves_the_model_has_memory_of_its_own() -> None:
    assert buffers(binding("x", "a"), binding("a", "b"), outputs="a b") == [None, None]


def test_a_value_that_is_read_late_keeps_its_buffer() -> None:
    chain = [binding("x", "a"), binding("a", "b"), binding("b", "c"), binding("c a", "d"), binding("d", "e")]
    assert buffers(*chain, outputs="e") == [0, 1, 2, 1, None]


def test_a_view_keeps_the_buffer_below_it() -> None:
    chain = [binding("x", "a"), binding("a", "v", None), binding("x", "b"), binding("v b", "c"), binding("c", "d")]
    assert buffers(*chain, outputs="d") == [0, 1, 2, None]


def test_a_view_that_leaves_the_model_has_no_buffer_below_it() -> None:
    assert buffers(binding("x", "a"), binding("a", "v", None), outputs="v") == [None]


def test_the_buffer_that_fits_best_is_taken_or_the_largest_grows() -> None:
    chain = [
        binding("x", "a", 8),
        binding("a", "b", 64),
        binding("b", "c", 16),
        binding("c", "d", 100),
        binding("d", "e"),
    ]
    places, memory = plan_memory(chain, ["e"])
    assert places == {i: (i,) for i in range(5)}
    assert [buffer for _, buffer in memory.arrays] == [0, 1, 0, 1, None]
    assert memory.sizes == (64, 400)
