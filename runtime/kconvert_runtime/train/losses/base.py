"""What the losses share: their table, weights and masks, the reduction to one number."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError, show

from ..names import find, options_of

EPSILON = 1e-7
"""Keras' fuzz factor, `keras.config.epsilon()`."""
Rows: TypeAlias = "tuple[Array, Array]"
"""A value for each row, and its derivative by each prediction of that row (the shape of the predictions)."""

BLOCK = 1 << 16
"""Rows of labels that are looked at at a time."""

LOSSES: dict[str, Callable[..., Rows]] = {}
ALIASES: dict[str, str] = {}
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight")
LOGITS = {
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
}
"""Losses that Keras computes from what a last sigmoid or softmax was given, where there is one."""


def loss(*aliases: str) -> Callable[[Callable[..., Rows]], Callable[..., Rows]]:
    """Register a function (y_true, y_pred, **options) -> Rows as a loss under its own name and others."""

    def register(function: Callable[..., Rows]) -> Callable[..., Rows]:
        LOSSES[function.__name__] = function
        ALIASES.update({alias.lower(): function.__name__ for alias in aliases})
        ALIASES[function.__name__.replace("_", "")] = function.__name__
        return function

    return register


class Loss:
    """A loss by name and settings.

    name: as in Keras, 'mean_squared_error', 'MeanSquaredError' or 'mse'. reduction: one of REDUCTIONS. options: the
    settings of Keras' loss. Raises InputError for a name or setting that there is not.
    """

    def __init__(self, name: str, *, reduction: str = "sum_over_batch_size", **options: Any) -> None:
        self.name = find(name, LOSSES, ALIASES, "loss")
        self.given = name
        self.function = LOSSES[self.name]
        self.options = options_of(self.function, options, f"The loss {self.name}")
        if reduction not in REDUCTIONS:
            raise InputError(f"reduction must be one of {', '.join(REDUCTIONS)}, got {show(reduction)}.")
        self.reduction = reduction

    def __call__(
        self, y_true: Array, y_pred: Array, sample_weight: Array | None = None, mask: Array | None = None
    ) -> tuple[float, Array]:
        """Return the loss of a batch and its gradient by `y_pred`.

        sample_weight: a factor for each row, or for each value of the loss. mask: True where a value counts.
        """
        y_true, y_pred = self._aligned(np.asarray(y_true), y_pred)
        values, slope = self.function(y_true, y_pred, **self.options)
        ignored = self.options.get("ignore_class")
        if ignored is not None:
            valid = (y_true != ignored).reshape(values.shape)
            mask = valid if mask is None else mask.reshape(values.shape) & valid
        weight = weights_of(values, sample_weight, mask, self.reduction)
        total = float((values * weight).sum()) if weight is not None else float(values.sum())
        count = self._count(values, weight)
        share = slope.dtype.type(1 / count if count else 0)
        by_value = np.full(values.shape, share) if weight is None else (weight * share).astype(slope.dtype)
        return total / count if count else 0.0, _spread(by_value, slope, self.options.get("axis", -1)) * slope

    def check(self, y_true: Array, shape: tuple[int | None, ...]) -> None:
        """Raise InputError where labels do not go with an output of that shape, or name classes that there are not."""
        sizes = [size for size in shape[1:] if size is not None]
        if len(sizes) < len(shape) - 1:
            return
        y_pred = np.broadcast_to(np.float32(0), (len(y_true), *sizes))
        if self.name != "sparse_categorical_crossentropy":
            self._aligned(np.broadcast_to(np.float32(0), y_true.shape), y_pred)
            return
        whole = y_true.dtype.kind in "iub" or all(
            bool((part == np.trunc(part)).all()) for part in np.array_split(y_true, -(-len(y_true) // BLOCK))
        )
        if not whole:
            raise InputError(
                "The loss sparse_categorical_crossentropy needs class numbers; these labels are not whole."
            )
        _class_numbers(y_true, y_pred, self.options["ignore_class"])

    def _count(self, values: Array, weight: Array | None) -> float:
        if self.reduction == "sum":
            return 1.0
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            return float(weight.sum())
        return float(values.size)

    def _aligned(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Check the labels, and bring them to the rank of the predictions; numbers to their dtype."""
        if self.name == "sparse_categorical_crossentropy":
            return _class_numbers(y_true, y_pred, self.options["ignore_class"]), y_pred
        if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
            y_true = y_true[..., None]
        elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        if y_true.shape != y_pred.shape:
            more = ""
            if self.name == "categorical_crossentropy" and y_true.ndim < y_pred.ndim:
                more = " Class numbers go with sparse_categorical_crossentropy."
            raise InputError(
                f"The loss {self.name} needs labels of the shape of the output, {y_pred.shape}, "
                f"got {y_true.shape}.{more}"
            )
        return y_true.astype(y_pred.dtype, copy=False), y_pred

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"Loss({self.name!r}{options})"


def _class_numbers(y_true: Array, y_pred: Array, ignored: int | None) -> Array:
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    if y_true.shape != y_pred.shape[:-1]:
        more = " One-hot labels go with categorical_crossentropy." if y_true.shape == y_pred.shape else ""
        raise InputError(
            "The loss sparse_categorical_crossentropy needs class numbers of the shape "
            f"{y_pred.shape[:-1]}, got labels of shape {y_true.shape}.{more}"
        )
    numbers = y_true.astype(np.int64)
    checked = numbers if ignored is None else numbers[numbers != ignored]
    if checked.size and (checked.min() < 0 or checked.max() >= y_pred.shape[-1]):
        wrong = checked.min() if checked.min() < 0 else checked.max()
        raise InputError(
            f"The label {wrong} is no class of an output with {y_pred.shape[-1]} classes: labels count from 0 to "
            f"{y_pred.shape[-1] - 1}."
        )
    return numbers


def weights_of(values: Array, sample_weight: Array | None, mask: Array | None, reduction: str) -> Array | None:
    """Return the factor of each value, broadcast to the values; None for 1 everywhere.

    With a mean, values that are not masked count for those that are, as in Keras: their weights grow.
    """
    weight: Array | None = None
    if mask is not None:
        weight = _fitting(mask, values, "mask").astype(values.dtype)
        if reduction in ("mean", "sum_over_batch_size"):
            kept = weight.sum()
            weight = weight * values.dtype.type(weight.size / kept if kept else 0)
    if sample_weight is not None:
        given = _fitting(np.asarray(sample_weight), values, "sample_weight").astype(values.dtype)
        weight = given if weight is None else weight * given
    return weight


def _fitting(weight: Array, values: Array, what: str) -> Array:
    """Give weights the axes of the values: a trailing axis of 1 is dropped, missing ones are added."""
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim)) if weight.ndim < values.ndim else weight
    try:
        fits = np.broadcast_shapes(weight.shape, values.shape) == values.shape
    except ValueError:
        fits = False
    if not fits:
        raise InputError(f"{what} of shape {weight.shape} does not fit the values of the loss, {values.shape}.")
    return weight


def _spread(by_value: Array, slope: Array, axis: Any) -> Array:
    """Give the gradient of the values the axes of the predictions: those that the loss goes over (None: all)."""
    return by_value.reshape((1,) * slope.ndim) if axis is None else np.expand_dims(by_value, axis)


def known_losses() -> Mapping[str, list[str]]:
    """Return the losses by name, each with its settings."""
    return {name: list(inspect.signature(f).parameters)[2:] for name, f in sorted(LOSSES.items())}
