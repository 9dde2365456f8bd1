"""How ops act in training: dropout and noise at random, batch normalisation by its batch.

Each is a pair (see `registry`): what it gives and the way back. Formulas: keras/src/layers/regularization and
keras/src/layers/normalization/batch_normalization.py.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, MutableMapping
from functools import partial
from typing import Any

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Graph, Node
from kconvert_schemas.ops.normalization import TRAINING_ONLY

from ..gradients.scan import scan_pair
from ..gradients.walk import Pair
from .recurrent import dropped_pair
from .refusals import inside

SELU_LEAST = -1.7580993408473766
"""What SELU tends to far below 0: less its scale times its alpha."""
MASKED = 1e-7
"""Added to the number of elements that a mask leaves."""


class TrainingMode:
    """The pairs of the ops that act differently in training.

    weights: those of the model; moving averages among them are updated in place as batches go through. frozen: names of
    weights that are not trained; batch normalisation whose scale or offset is frozen acts as when running, as in Keras.
    `random` is set anew for each step, so that a step does not depend on those before.
    """

    def __init__(self, graph: Graph, weights: MutableMapping[str, Array], frozen: Collection[str]) -> None:
        self._weights, self._frozen, self._still = weights, frozen, set(graph.training.frozen)
        self._steps = graph.training.norm_steps
        self._dropped = {one.node: one for one in graph.training.dropped}
        self._drawn: dict[str, Array] = {}
        self._cast_from = {node.outputs[0]: node.inputs[0] for node in graph.nodes if node.op == "cast"}
        self.begin(np.random.default_rng(0))
        self._pairs: Mapping[str, Any] = {
            "alpha_dropout": self._alpha_dropout,
            "gaussian_dropout": self._gaussian_dropout,
            "gaussian_noise": self._gaussian_noise,
        }

    def begin(self, random: np.random.Generator) -> None:
        """Begin a step with its random numbers."""
        self.random = random
        self._drawn.clear()

    def choose(self, node: Node) -> Pair | None:
        """Return the pair of a node that acts differently in training, None for the others."""
        if node.op == "batch_norm":
            return self._batch_norm_of(node)
        if node.op == "dropout":
            return partial(self._dropout, node.name)
        if node.name in self._dropped:
            one = self._dropped[node.name]
            return dropped_pair(node.op, (one.inputs, one.states), one.gates, self._factors)
        if node.op == "scan" and any(inner.op in TRAINING_ONLY for inner in inside(node)):
            return scan_pair
        return self._pairs.get(node.op)

    def _batch_norm_of(self, node: Node) -> Pair | None:
        names = [self._weight(name) for name in node.inputs]
        if node.name in self._still or any(name in self._frozen for name in names[3:5]):
            return None
        moving = [name for name in names[1:3] if name is not None and name in self._weights]
        steps = self._steps.get(node.name)
        return partial(self._batch_norm, moving) if steps is None else partial(self._by_step, moving, steps)

    def _weight(self, name: str | None) -> str | None:
        """Return the weight that a value is cast from."""
        while name in self._cast_from:
            name = self._cast_from[name]
        return name

    def _dropout(self, name: str, wanted: Any, x: Array, *, rate: float, noise_shape: Any, fixed: bool) -> Any:
        """Elements are 0 with probability rate; the others grow, so that the mean stays."""
        if rate == 0:
            return x, lambda g: (g,)
        factor = self._drawn.get(name) if fixed else None
        if factor is None:
            factor = self._factors(_shape(x, noise_shape), rate).astype(x.dtype, copy=False)
        if fixed:
            self._drawn[name] = factor
        return x * factor, lambda g: (g * factor,)

    def _factors(self, shape: tuple[int, ...], rate: float) -> Array:
        """Return 0 with probability rate, else what keeps the mean."""
        kept = self.random.random(shape, np.float32) >= np.float32(rate)
        return kept * np.float32(0 if rate >= 1 else 1 / (1 - rate))

    def _alpha_dropout(self, wanted: Any, x: Array, *, rate: float, noise_shape: Any) -> Any:
        """Elements become SELU's least value; then all are scaled so that mean and variance stay."""
        if rate == 0:
            return x, lambda g: (g,)
        kept = self._kept(x, rate, noise_shape)
        scale = ((1 - rate) * (1 + rate * SELU_LEAST**2)) ** -0.5
        real = x.dtype.type
        y = (x * kept + real(SELU_LEAST) * (1 - kept)) * real(scale) - real(scale * SELU_LEAST * rate)
        return y, lambda g: (g * kept * real(scale),)

    def _gaussian_dropout(self, wanted: Any, x: Array, *, rate: float) -> Any:
        """Times noise around 1 whose variance is that of dropout."""
        if rate == 0:
            return x, lambda g: (g,)
        noise = 1 + self._normal(x) * x.dtype.type(math.sqrt(rate / (1 - rate)))
        return x * noise, lambda g: (g * noise,)

    def _gaussian_noise(self, wanted: Any, x: Array, *, stddev: float) -> Any:
        """Plus noise around 0."""
        if stddev == 0:
            return x, lambda g: (g,)
        return x + self._normal(x) * x.dtype.type(stddev), lambda g: (g,)

    def _kept(self, x: Array, rate: float, noise_shape: Any) -> Array:
        return (self.random.random(_shape(x, noise_shape), np.float32) >= np.float32(rate)).astype(x.dtype)

    def _normal(self, x: Array) -> Array:
        return self.random.standard_normal(x.shape, np.float32).astype(x.dtype, copy=False)

    def _by_step(
        self, moving: list[str], steps: int, wanted: Any, x: Array, mean: Array, variance: Array,
        scale: Array | None = None, offset: Array | None = None, mask: Array | None = None, **attrs: Any,
    ) -> Any:  # fmt: skip
        """Normalise each of the steps that rows are joined of by itself, in their order."""
        joined = x.reshape(-1, steps, *x.shape[1:])
        kept = None if mask is None else mask.reshape(-1, steps, *mask.shape[1:])
        masks = [None] * steps if kept is None else [kept[:, i] for i in range(steps)]
        parts = [
            self._batch_norm(moving, wanted, joined[:, i], mean, variance, scale, offset, masks[i], **attrs)
            for i in range(steps)
        ]
        y = np.stack([part for part, _ in parts], axis=1).reshape(x.shape)

        def back(g: Array) -> Any:
            by_step = g.reshape(-1, steps, *g.shape[1:])
            found = [back(by_step[:, i]) for i, (_, back) in enumerate(parts)]
            by_x = np.stack([one[0] for one in found], axis=1).reshape(x.shape) if wanted[0] else None
            sums = [None if found[0][i] is None else sum(one[i] for one in found) for i in (3, 4)]
            return by_x, None, None, *sums, None

        return y, back

    def _batch_norm(
        self, moving: list[str], wanted: Any, x: Array, mean: Array, variance: Array, scale: Array | None = None,
        offset: Array | None = None, mask: Array | None = None, *, axis: int, epsilon: float, momentum: float,
    ) -> Any:  # fmt: skip
        """Normalise by mean and variance of the batch, which also move the averages."""
        shape = [1] * x.ndim
        shape[axis] = -1
        over = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
        share = _shares(x, mask, over)
        centred, found_mean, found_variance = _moments(x, share, over)
        for name, found in zip(moving, (found_mean, found_variance), strict=True):
            old = self._weights[name]
            np.copyto(old, old * old.dtype.type(momentum) + found.astype(old.dtype) * old.dtype.type(1 - momentum))
        r = 1 / np.sqrt(found_variance + x.dtype.type(epsilon))
        factor = (r if scale is None else r * scale).reshape(shape)
        y = centred * factor
        if offset is not None:
            y += offset.reshape(shape)

        def back(g: Array) -> Any:
            total, weighted = g.sum(axis=over), (g * centred).sum(axis=over)
            by_scale = None if scale is None else weighted * r
            by_x = None
            if wanted[0]:
                by_variance = -(weighted * r * r).reshape(shape) * factor  # twice the gradient
                rest = (centred * share).sum(axis=over).reshape(shape) if mask is not None else 0
                by_mean = -total.reshape(shape) * factor - by_variance * rest
                by_x = g * factor + (centred * by_variance + by_mean) * share
            return by_x, None, None, by_scale, (None if offset is None else total), None

        return y, back


def _shape(x: Array, noise_shape: Any) -> tuple[int, ...]:
    if noise_shape is None:
        return x.shape
    return tuple(size if n is None else n for n, size in zip(noise_shape, x.shape, strict=True))


def _shares(x: Array, mask: Array | None, over: tuple[int, ...]) -> Any:
    """Return what each element counts for in a mean."""
    if mask is None:
        return x.dtype.type(1 / max(math.prod(x.shape[i] for i in over), 1))
    counted = np.broadcast_to(mask.astype(x.dtype)[..., None], x.shape)
    return counted / (counted.sum(axis=over, keepdims=True) + x.dtype.type(MASKED))


def _moments(x: Array, share: Any, over: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Return x less its mean, the mean and the variance."""
    if isinstance(share, np.ndarray):
        mean = (x * share).sum(axis=over, keepdims=True)
        centred = x - mean
        return centred, mean.ravel(), (np.square(centred) * share).sum(axis=over)
    mean = x.mean(axis=over, keepdims=True)
    centred = x - mean
    return centred, mean.ravel(), np.square(centred).mean(axis=over)
