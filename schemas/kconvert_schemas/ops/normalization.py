"""Normalisation, the layers that only act in training, and the end of gradients."""

from __future__ import annotations

from ..dtypes import FLOATS
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpSpec
from .rules import Attrs, axes_of, axis_of, one_dtype, require_shape, same

EPSILON = Attr("float", 1e-3, doc="added to the variance")


def _batch_norm(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], FLOATS)
    size = types.x.shape[axis_of(attrs["axis"], len(types.x.shape))]
    for name in ("mean", "variance", "scale", "offset"):
        type_ = types.get(name)
        if type_ is not None:
            require_shape(type_, (size,), name)
            size = type_.shape[0] if size is None else size
    return types.x


def _layer_norm(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], FLOATS)
    shape = tuple(types.x.shape[axis] for axis in sorted(axes_of(attrs["axes"], len(types.x.shape))))
    for name in ("scale", "offset"):
        type_ = types.get(name)
        if type_ is not None:
            require_shape(type_, shape, name)
            shape = tuple(a if b is None else b for a, b in zip(type_.shape, shape, strict=True))
    return types.x


def _training_only(name: str, doc: str, **attrs: Attr) -> OpSpec:
    return OpSpec(name, ("x",), same, f"{doc}; identity when running", attrs, differentiable=("x",))


RATE = Attr("float", minimum=0)
NOISE_SHAPE = Attr("value", None, nullable=True, doc="axes of size 1 share one decision")
TRAINING_ONLY = ("dropout", "alpha_dropout", "gaussian_dropout", "gaussian_noise")
"""The ops that hand on their input when running."""

OPS = (
    OpSpec("batch_norm", ("x", "mean", "variance", "scale?", "offset?"), _batch_norm,
           "(x - mean) / sqrt(variance + epsilon) scale + offset, along axis",
           {"axis": Attr("int", -1), "epsilon": EPSILON, "momentum": Attr("float", 0.99)},
           differentiable=("x", "mean", "variance", "scale", "offset")),
    OpSpec("layer_norm", ("x", "scale?", "offset?"), _layer_norm,
           "x less its mean over axes, by its standard deviation, times scale, plus offset (shaped like the axes)",
           {"axes": Attr("ints", [-1]), "epsilon": EPSILON}, differentiable=("x", "scale", "offset")),
    OpSpec("stop_gradient", ("x",), same, "x, past which no gradient goes back"),
    _training_only("dropout", "drops elements", rate=RATE, noise_shape=NOISE_SHAPE,
                   fixed=Attr("bool", False, doc="in the body of a loop: the same elements at each step")),
    _training_only("alpha_dropout", "drops elements to SELU's saturation value", rate=RATE, noise_shape=NOISE_SHAPE),
    _training_only("gaussian_dropout", "multiplies by noise around 1", rate=RATE),
    _training_only("gaussian_noise", "adds noise", stddev=RATE),
)  # fmt: skip
