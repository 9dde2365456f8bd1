"""Tails on blocks: rows taken together, operands of every shape, and the arrays of one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kconvert_runtime.calls import at_once
from kconvert_runtime.tuned import tail
from kconvert_runtime.tuned.site import row_blocks
from kconvert_runtime.tuned.tail import on_blocks
from kconvert_runtime.tuned.tape import Ref, Tape, finish

RNG = np.random.default_rng(5)


def program(operands: int) -> Any:
    """max(x + each operand, 0) clipped below by itself halved: adds, a comparison, a number."""
    tape = Tape(1)
    value = Ref(0)
    for i in range(operands):
        value = tape(np.add, value, Ref(i, extra=True))
    value = tape(np.multiply, tape(np.maximum, value, 0.0), 0.5)
    return finish(tape, value, operands, started=True)


@pytest.mark.parametrize("rows", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("shape", "operands"),
    [
        ((2, 6, 5, 8), [(8,), (2, 6, 5, 8)]),
        ((2, 6, 5, 8), [(1, 1, 1, 8), (), (1,), (1, 1, 1, 1)]),
        ((2, 6, 5, 8), [(2, 1, 1, 8), (8,)]),
        ((2, 6, 5, 8), [(6, 5, 1)]),
        ((2, 6, 5, 1), [(1,), (2, 6, 5, 1)]),
        ((35, 8), [(8,), (35, 8), (35, 1)]),
        ((35, 8), [(8,)]),
        ((3, 7, 1500), [(1500,)]),
        ((40,), [(40,), (1,)]),
    ],
    ids=str,
)
def test_blocks_give_what_the_whole_gives(shape: Any, operands: Any, rows: int) -> None:
    extras = [np.asarray(RNG.normal(size=one), np.float32) for one in operands]
    x = RNG.normal(size=shape).astype(np.float32)
    expected = np.maximum(sum(extras, x), 0) * np.float32(0.5)
    blocks = list(row_blocks(shape, rows))
    run = on_blocks(
        program(len(extras)), [(one.shape, one if i % 2 else None) for i, one in enumerate(extras)], shape, blocks
    )(at_once, extras)
    for block in blocks:
        run(at_once, x[block], block)
    np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-6)


def test_rows_are_taken_together_where_all_operands_allow_it() -> None:
    blocks = list(row_blocks((2, 6, 5, 8), 10))
    assert tail._repeats([(8,), (2, 6, 5, 8)], (2, 6, 5, 8), blocks) == 5
    assert tail._repeats([(2, 1, 1, 8)], (2, 6, 5, 8), blocks) == 1
    assert tail._repeats([(8,)], (1, 10, 1025), [(slice(0, 1),)]) == 1
