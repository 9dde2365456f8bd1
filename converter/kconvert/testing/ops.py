"""What every op has to hold: the rule of its row and its kernel agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from kconvert_schemas.attrs import complete
from kconvert_schemas.check import agree
from kconvert_schemas.dtypes import DTYPES, Array, cast, holder
from kconvert_schemas.graph import TensorType
from kconvert_schemas.opset import find_op, register_opset
from kconvert_schemas.opspec import OpError, Opset, OpSpec

from .compare import arrays_of, assert_close, relative_error, require
from .contract import Contract
from .conversion import convert_op, type_of
from .gradients import check_vjp
from .layers import TOLERANCES

Types = list["TensorType | None"]


class OpContract(Contract):
    """Subclass it as `Test...` and state:

    op: its name. inputs: arrays, None for an optional input that is left out. expected(self, *inputs): the
    output, or a tuple, in NumPy. Where the op has them: attrs; batched (the names of the inputs whose first
    axis is a batch; the first input if not said); data_dependent (True where the values decide sizes of the
    output, so that the rule cannot know them).

    no_vjp: why the op has no gradient; '' for one that has. opset: the Opset, for a package that is not
    installed.
    """

    op: ClassVar[str]
    inputs: ClassVar[Sequence[Array | None]]
    attrs: ClassVar[Mapping[str, Any]] = {}
    batched: ClassVar[Sequence[str] | None] = None
    data_dependent: ClassVar[bool] = False
    no_vjp: ClassVar[str] = ""
    opset: ClassVar[Opset | None] = None
    tolerances: ClassVar[Mapping[str, float]] = TOLERANCES

    def expected(self, *inputs: Array | None) -> Any:
        """Return what the op gives, in the dtype of its inputs or wider."""
        raise NotImplementedError(f"{type(self).__name__} must define expected(self, *inputs)")

    # Helpers: the row, the kernel, and inputs of other types.

    def row(self) -> OpSpec:
        """Return the row of the op table."""
        if self.opset is not None:
            register_opset(self.opset)
        spec = find_op(self.op)
        if spec is None:
            raise AssertionError(
                f"no op {self.op!r}: is the package installed, with its entry point in 'kconvert.ops'?"
            )
        return spec

    def infer(self, types: Sequence[TensorType | None]) -> tuple[TensorType, ...]:
        """Return the output types that the row's rule gives; raises OpError."""
        return self.row().infer(types, complete(self.row(), self.attrs))

    def run(self, types: Sequence[TensorType | None], arrays: Sequence[Array | None]) -> list[Array]:
        """Run a graph of this op alone on inputs of the given types."""
        self.row()
        model = convert_op(self.op, types, self.attrs).model(optimize=False)
        return arrays_of(model(*(array for array in arrays if array is not None)))

    def arrays(self) -> list[Array | None]:
        """Return copies of `inputs`."""
        return [None if array is None else np.array(array) for array in self.inputs]

    def types(self) -> Types:
        """Return the types of `inputs`."""
        return [None if array is None else type_of(array, open_batch=False) for array in self.inputs]

    def _in_dtype(self, dtype: str) -> tuple[list[Array | None], Types]:
        """Return inputs and types with every float in another dtype."""
        arrays, types = self.arrays(), self.types()
        for i, array in enumerate(arrays):
            if array is not None and array.dtype.kind == "f":
                arrays[i], types[i] = _converted(array, dtype), TensorType(array.shape, dtype)
        return arrays, types

    def _batched(self) -> list[int]:
        names = self.row().input_names
        if self.batched is None:
            return [0] if self.inputs and self.inputs[0] is not None and self.inputs[0].ndim else []
        named = [names[min(i, len(names) - 1)] for i in range(len(self.inputs))]
        return [i for i, name in enumerate(named) if name in self.batched]

    # The tests.

    def test_is_known(self) -> None:
        """The op has a kernel, and a row that says what it means."""
        from kconvert_runtime.plan import find_kernel

        require(bool(self.row().doc.strip()), f"the row of {self.op} needs a line of documentation")
        require(callable(find_kernel(self.op)), f"{self.op} has no kernel")

    def test_forward(self) -> None:
        """The kernel gives what `expected` says."""
        expected = self.expected(*self.arrays())
        got = self.run(self.types(), self.arrays())
        tolerance = max(self.tolerances.get(t.dtype, 0.0) for t in self.infer(self.types()))
        assert_close(got, list(expected) if isinstance(expected, tuple) else expected, tolerance, self.op)

    def test_rule_agrees_with_the_kernel(self) -> None:
        """Shapes and dtypes are what the rule says, for every dtype that the rule allows."""
        tried = []
        for dtype in DTYPES[:-1]:
            arrays, types = self._in_dtype(dtype)
            try:
                declared = self.infer(types)
            except OpError:
                continue
            tried.append(dtype)
            self._agree(declared, self.run(types, arrays), f"{self.op} on {_said(types)}", exactly=True)
        require(bool(tried), f"the rule of {self.op} allows none of its inputs {_said(self.types())}")

    def test_rule_with_unknown_sizes(self) -> None:
        """With sizes left open the rule says nothing else; an open batch must be allowed."""
        for what, types in self._opened():
            try:
                declared = self.infer(types)
            except OpError as error:
                require(what != "batch", f"an open batch is not allowed: {error}")
                continue
            self._agree(declared, self.run(types, self.arrays()), f"{self.op} on {_said(types)}")

    def test_half_floats(self) -> None:
        """float16 and bfloat16 give nearly what float64 gives for the same numbers."""
        for dtype in ("float16", "bfloat16"):
            arrays, types = self._in_dtype(dtype)
            wide = [a.astype(np.float64) if a is not None and a.dtype.kind == "f" else a for a in arrays]
            try:
                declared = self.infer(types)
                exact = self.run([_widened(t) for t in types], wide)
            except OpError:
                continue
            for type_, got, wanted in zip(declared, self.run(types, arrays), exact, strict=True):
                if type_.dtype == dtype:
                    error = relative_error(got, wanted)
                    require(error <= self.tolerances[dtype], f"{self.op} in {dtype}: error {error:.2e}")

    def test_float64(self) -> None:
        """float64 is not computed in less."""
        arrays, types = self._in_dtype("float64")
        try:
            self.infer(types)
        except OpError:
            return
        expected = self.expected(*arrays)
        got = self.run(types, arrays)
        assert_close(
            got, list(expected) if isinstance(expected, tuple) else expected, self.tolerances["float64"], self.op
        )

    def test_empty_batch(self) -> None:
        """An empty batch gives what the rule says."""
        batched = self._batched()
        arrays = [a[:0] if i in batched and a is not None else a for i, a in enumerate(self.arrays())]
        types = [None if a is None else type_of(a, open_batch=False) for a in arrays]
        if batched:
            self._agree(self.infer(types), self.run(types, arrays), f"{self.op} on an empty batch")

    def test_inputs_are_left_alone(self) -> None:
        """The kernel never writes to its inputs: they may be mapped files."""
        arrays = self.arrays()
        before = [None if a is None else a.tobytes() for a in arrays if a is None or a.dtype != object]
        self.run(self.types(), arrays)
        after = [None if a is None else a.tobytes() for a in arrays if a is None or a.dtype != object]
        require(before == after, f"the kernel of {self.op} writes to its inputs")
        for array in arrays:
            if array is not None:
                array.setflags(write=False)
        self.run(self.types(), arrays)

    def test_memory_layout_does_not_matter(self) -> None:
        """Inputs in Fortran order, or with negative strides, give the same."""
        plain = self.run(self.types(), self.arrays())
        for what, layout in (("Fortran order", np.asfortranarray), ("negative strides", _reversed)):
            moved = [None if a is None else layout(a) for a in self.arrays()]
            assert_close(self.run(self.types(), moved), plain, self.tolerances["float32"], what)

    def test_gradient(self) -> None:
        """The VJP agrees with differences; an op without one says why in `no_vjp`."""
        from kconvert_runtime import gradients as _  # noqa: F401  (registers those of built-in ops)
        from kconvert_runtime.registry import VJPS

        self.row()
        if self.op in VJPS:
            require(not self.no_vjp, f"{self.op} has a VJP: remove `no_vjp`")
            check_vjp(self.op, self.arrays(), self.attrs)
        else:
            require(bool(self.no_vjp.strip()), f"{self.op} has no VJP: register one, or say why in `no_vjp`")

    def _agree(
        self, declared: Sequence[TensorType], outputs: Sequence[Array], what: str, exactly: bool = False
    ) -> None:
        require(len(declared) == len(outputs), f"{what}: {len(outputs)} outputs, the row says {len(declared)}")
        for type_, got in zip(declared, outputs, strict=True):
            require(got.dtype == holder(type_.dtype), f"{what}: the kernel gives {got.dtype}, the rule says {type_}")
            found = TensorType(got.shape, type_.dtype)
            fits = type_ == found if exactly and not self.data_dependent else agree(type_, found)
            require(fits, f"{what}: the kernel gives {found}, the rule says {type_}")

    def _opened(self) -> Iterator[tuple[str, Types]]:
        """Types with the batch open, then each axis alone, then all of them."""
        types = self.types()
        batched = self._batched()
        yield "batch", [_open(t, (0,)) if i in batched else t for i, t in enumerate(types)]
        for i, type_ in enumerate(types):
            for axis in range(len(type_.shape) if type_ else 0):
                yield f"axis {axis}", [*types[:i], _open(type_, (axis,)), *types[i + 1 :]]
        yield "all", [_open(t, range(len(t.shape))) if t else None for t in types]


def _open(type_: TensorType | None, axes: Sequence[int]) -> TensorType | None:
    if type_ is None:
        return None
    return TensorType(tuple(None if i in axes else n for i, n in enumerate(type_.shape)), type_.dtype)


def _converted(array: Array, dtype: str) -> Array:
    """Floats in another dtype; whole numbers of the size of the floats where they must be whole or positive."""
    if dtype.startswith(("int", "uint", "bool")):
        return np.abs(np.round(array * 2)).astype(dtype)
    return cast(array, dtype)


def _widened(type_: TensorType | None) -> TensorType | None:
    if type_ is None or type_.dtype not in ("float16", "bfloat16"):
        return type_
    return TensorType(type_.shape, "float64")


def _reversed(array: Array) -> Array:
    return array[::-1].copy()[::-1] if array.ndim else array


def _said(types: Sequence[TensorType | None]) -> str:
    return ", ".join(str(type_) for type_ in types)
