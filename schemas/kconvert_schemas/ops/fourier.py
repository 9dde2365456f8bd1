"""Complex numbers and Fourier transforms."""

from __future__ import annotations

from ..dtypes import COMPLEXES
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpSpec
from .rules import Attrs, axes_of, broadcast, one_dtype

PARTS = {"complex64": "float32", "complex128": "float64"}
WHOLES = {part: whole for whole, part in PARTS.items()}


def _part(types: Inputs, attrs: Attrs) -> TensorType:
    return TensorType(types.x.shape, PARTS[one_dtype([types.x], COMPLEXES)])


def _complex(types: Inputs, attrs: Attrs) -> TensorType:
    dtype = one_dtype([types.real, types.imag], tuple(WHOLES))
    return TensorType(broadcast([types.real.shape, types.imag.shape]), WHOLES[dtype])


def _fft(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], COMPLEXES)
    axes_of(attrs["axes"], len(types.x.shape))
    return types.x


OPS = (
    OpSpec("complex", ("real", "imag"), _complex, "real + i imag", outputs=("z",), differentiable=("real", "imag")),
    OpSpec("real", ("x",), _part, "the real part", differentiable=("x",)),
    OpSpec("imag", ("x",), _part, "the imaginary part", differentiable=("x",)),
    OpSpec("fft", ("x",), _fft, "discrete Fourier transform over axes; the inverse is over the number of elements",
           {"axes": Attr("ints"), "inverse": Attr("bool", False)}, differentiable=("x",)),
)  # fmt: skip
