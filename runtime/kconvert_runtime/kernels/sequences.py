"""The probability of sequences."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.errors import InputError

from ..registry import kernel


@kernel("ctc_loss")
def ctc_loss(labels: Array, logits: Array, label_length: Array, logit_length: Array, *, blank: int) -> Array:
    """Connectionist temporal classification (Graves et al., 2006): the forward recursion, in logarithms.

    labels (b, l), logits (b, t, c) -> (b). State 2 k + 1 spells label k, state 2 k the blank before it. InputError
    for labels that cannot be spelt in the steps given.
    """
    states, skips = states_of(labels, logits.shape[-1], blank)
    emitted = np.take_along_axis(log_softmax(logits), states[:, None, :], axis=2)
    alpha = np.full(states.shape, -np.inf, logits.dtype)
    alpha[:, :2] = emitted[:, 0, :2]
    for step in range(1, logits.shape[1]):
        onward = advanced(alpha, skips) + emitted[:, step]
        alpha = np.where((step < logit_length)[:, None], onward, alpha).astype(logits.dtype, copy=False)
    last = 2 * label_length.astype(np.intp)[:, None]
    ends = np.take_along_axis(alpha, np.concatenate([last, np.maximum(last - 1, 0)], 1), axis=1)
    ends[:, 1] = np.where(last[:, 0] > 0, ends[:, 1], -np.inf)
    loss = -np.logaddexp(ends[:, 0], ends[:, 1])
    if np.isposinf(loss).any() or (logit_length < 1).any():
        raise InputError("the labels of a sequence cannot be spelt in its number of steps")
    return loss


def states_of(labels: Array, classes: int, blank: int) -> tuple[Array, Array]:
    """Return the class of each state, and whether the state two before leads to it.

    No label follows its like directly: a blank stands between.
    """
    if labels.size and (labels.max() >= classes or labels.min() < 0):
        raise InputError(f"the labels must be 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    states = np.full((len(labels), 2 * labels.shape[1] + 1), blank, np.intp)
    states[:, 1::2] = labels
    skips = np.zeros(states.shape, bool)
    skips[:, 3::2] = labels[:, 1:] != labels[:, :-1]
    return states, skips


def advanced(alpha: Array, skips: Array) -> Array:
    """Return the logarithm of the probability to come to each state from the step before."""
    onward = np.logaddexp(alpha, shifted(alpha, 1))
    return np.logaddexp(onward, np.where(skips, shifted(alpha, 2), -np.inf))


def log_softmax(x: Array) -> Array:
    """Return the logarithms of softmax(x) over the last axis."""
    below = x - x.max(axis=-1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def shifted(x: Array, count: int) -> Array:
    """Return x moved on by `count` states."""
    y = np.full_like(x, -np.inf)
    y[:, count:] = x[:, : x.shape[1] - count]
    return y
