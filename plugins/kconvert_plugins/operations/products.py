"""Products of matrices and tensors (keras/src/ops/numpy.py). TensorFlow multiplies matrices of integers in float32."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

from kconvert import Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .joining import VARIADIC
from .operands import (
    Lower,
    arguments,
    axes_of,
    axis_of,
    expanded,
    flattened,
    join,
    known,
    moved,
    register_table,
    reshaped,
    sizes,
    sliced,
    strong,
    tensor,
)


@hookimpl
def register_layers(register: Register) -> None:
    """Register the products."""
    register_table(register, ("x1", "x2"), PRODUCTS)
    register("keras.ops.Einsum", einsum, arguments=VARIADIC)


def _both(call: LayerCall, emit: Emitter, computed: str | None = None) -> tuple[Symbol, Symbol, str]:
    """Return x1 and x2 in the dtype they are multiplied in (by default a float), and the dtype of the result."""
    x1, x2 = (tensor(emit, value) for value in arguments(call, "x1", "x2"))
    result = join(x1.dtype, x2.dtype)
    dtype = computed or join(result, "float")
    return emit.cast(x1, dtype), emit.cast(x2, dtype), result


def matmul(call: LayerCall, emit: Emitter) -> Symbol:
    """x1 @ x2; of two int8 tensors, neither a vector, the result is int32."""
    x1, x2 = (tensor(emit, value) for value in arguments(call, "x1", "x2"))
    if x1.dtype == x2.dtype == "int8" and x1.rank != 1 and x2.rank != 1:
        return emit.op("matmul", emit.cast(x1, "int32"), emit.cast(x2, "int32"))
    x1, x2, result = _both(call, emit)
    return emit.cast(emit.op("matmul", x1, x2), result)


def dot(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum over the last axis of x1 and the second to last (or only) one of x2."""
    x1, x2, result = _both(call, emit)
    if x1.rank == 0 or x2.rank == 0:
        return emit.cast(emit.op("multiply", x1, x2), result)
    return emit.cast(_contracted(emit, x1, x2, [x1.rank - 1], [max(x2.rank - 2, 0)]), result)


def inner(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum over the last axes of both."""
    x1, x2, result = _both(call, emit)
    if x1.rank == 0 or x2.rank == 0:
        return emit.cast(emit.op("multiply", x1, x2), result)
    return emit.cast(_contracted(emit, x1, x2, [x1.rank - 1], [x2.rank - 1]), result)


def vdot(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum of the products of all elements."""
    x1, x2, result = _both(call, emit)
    return emit.cast(emit.op("matmul", flattened(emit, x1), flattened(emit, x2)), result)


def outer(call: LayerCall, emit: Emitter) -> Symbol:
    """Every element of x1 times every element of x2."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"))
    op = "logical_and" if x1.dtype == "bool" else "multiply"
    return emit.op(op, reshaped(emit, x1, [-1, 1]), flattened(emit, x2))


WIDE = ("int32", "int64", "float16", "float32", "float64", "bfloat16", "complex64", "complex128")


def tensordot(call: LayerCall, emit: Emitter) -> Symbol:
    """The sum over several axes of both: the last n of x1 and the first n of x2, or those listed."""
    x1, x2, result = _both(call, emit)
    if result in WIDE:
        x1, x2, result = _both(call, emit, result)
    axes = call.argument("axes", 2)
    if isinstance(axes, int):
        first, second = list(range(x1.rank - axes, x1.rank)), list(range(axes))
    else:
        first, second = axes_of(axes[0], x1.rank), axes_of(axes[1], x2.rank)
    return emit.cast(_contracted(emit, x1, x2, first, second), result)


def _contracted(emit: Emitter, x1: Symbol, x2: Symbol, first: Sequence[int], second: Sequence[int]) -> Symbol:
    """Return the sum of products over pairs of axes; a matrix product where it is one."""
    if x2.rank <= 2 and list(first) == [x1.rank - 1] and list(second) == [max(x2.rank - 2, 0)]:
        return emit.op("matmul", x1, x2)
    if len(first) != len(second) or x1.rank + x2.rank > len(ascii_letters):
        raise Unsupported(f"its axes {list(first)} and {list(second)} do not pair up")
    left = ascii_letters[: x1.rank]
    right = list(ascii_letters[x1.rank : x1.rank + x2.rank])
    for one, other in zip(first, second, strict=True):
        right[other] = left[one]
    kept = [letter for i, letter in enumerate(left) if i not in first]
    kept += [letter for i, letter in enumerate(right) if i not in second]
    return emit.op("einsum", x1, x2, equation=f"{left},{''.join(right)}->{''.join(kept)}")


def kron(call: LayerCall, emit: Emitter) -> Symbol:
    """Kronecker's product: every axis has x1's size times x2's."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"))
    rank = max(x1.rank, x2.rank)
    x1, x2 = (expanded(emit, x, range(rank - x.rank)) if x.rank < rank else x for x in (x1, x2))
    pairs = range(rank)
    left, right = expanded(emit, x1, [2 * i + 1 for i in pairs]), expanded(emit, x2, [2 * i for i in pairs])
    y: Symbol = emit.op("multiply", left, right)
    dims = [f"x.{2 * i}*x.{2 * i + 1}" for i in pairs]
    return reshaped(emit, y, dims)


def cross(call: LayerCall, emit: Emitter) -> Symbol:
    """The vector product along an axis of 2 or 3 elements; of two planar vectors only its third element."""
    x1, x2 = strong(emit, arguments(call, "x1", "x2"))
    axis = call.argument("axis", None)
    axisa, axisb, axisc = (call.argument(n, -1) if axis is None else axis for n in ("axisa", "axisb", "axisc"))
    a, b = _elements(emit, x1, axisa), _elements(emit, x2, axisb)

    def minor(i: int, j: int) -> Symbol:
        first, second = emit.op("multiply", a[i], b[j]), emit.op("multiply", a[j], b[i])
        return emit.op("subtract", first, second)

    planar = x1.shape[axisa] == x2.shape[axisb] == 2
    if planar:
        return minor(0, 1)
    parts = [minor(1, 2), minor(2, 0), minor(0, 1)]
    last = parts[0].rank
    y: Symbol = emit.op("concatenate", *(expanded(emit, part, [last]) for part in parts), axis=last)
    return moved(emit, y, [last], [axis_of(axisc, last + 1)])


def _elements(emit: Emitter, x: Symbol, axis: int) -> list[Symbol]:
    """The three elements of vectors along an axis; 0 for a missing third."""
    axis = axis_of(axis, x.rank)
    size = known(x.shape[axis], "the size of the vectors")
    if size not in (2, 3):
        raise Unsupported(f"its vectors have {size} elements; 2 or 3 are possible")
    y = moved(emit, x, [axis], [x.rank - 1])
    parts = [reshaped(emit, sliced(emit, y, y.rank - 1, i, i + 1), sizes(y)[:-1]) for i in range(size)]
    zero = emit.op("full", parts[0], shape=sizes(parts[0], "like"), value=0, dtype=x.dtype)
    return [*parts, zero][:3]


def einsum(call: LayerCall, emit: Emitter) -> Symbol:
    """Einstein's summation; integers are multiplied in float32, int8 alone gives int32."""
    found = [tensor(emit, value) for name, value in call.arguments.items() if name in VARIADIC]
    kinds = {x.dtype for x in found}
    result = "int32" if kinds == {"int8"} else join(*kinds)
    dtype = "float32" if "int" in result else result
    equation = explicit(call.config.str("subscripts"), [x.rank for x in found])
    return emit.cast(emit.op("einsum", *(emit.cast(x, dtype) for x in found), equation=equation), result)


def explicit(subscripts: str, ranks: Sequence[int]) -> str:
    """Return an equation with '->' and a letter for each axis: '...' spelt out, an implied result added."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise Unsupported(f"its subscripts {subscripts!r:.60} have {len(terms)} terms for {len(ranks)} tensors")
    counts = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term]
    if not arrow:
        letters = [letter for letter in left if letter.isalpha()]
        once = [letter for letter in letters if letters.count(letter) == 1]  # Keras renames them in this order
        result = ("..." if counts else "") + "".join(once)
    free = [letter for letter in ascii_letters if letter not in subscripts][: max([0, *counts])]
    if min([0, *counts]) < 0:
        raise Unsupported(f"its subscripts {subscripts!r:.60} name more axes than its tensors have")
    spelt = [
        term.replace("...", "".join(free[len(free) - (rank - len(term.replace("...", ""))) :]))
        if "..." in term
        else term
        for term, rank in zip(terms, ranks, strict=True)
    ]
    return f"{','.join(spelt)}->{result.replace('...', ''.join(free))}"


PRODUCTS: dict[str, Lower] = {
    "Matmul": matmul,
    "Dot": dot,
    "Inner": inner,
    "Vdot": vdot,
    "Outer": outer,
    "Tensordot": tensordot,
    "Kron": kron,
    "Cross": cross,
}
