"""The gradient of the probability of sequences."""

from __future__ import annotations

import numpy as np

from kconvert_schemas.dtypes import Array

from ..kernels.sequences import advanced, log_softmax, states_of
from ..registry import vjp
from .sums import Gradients


@vjp("ctc_loss")
def ctc_loss(
    g: Array, y: Array, labels: Array, logits: Array, label_length: Array, logit_length: Array, *, blank: int
) -> Gradients:
    """Softmax(logits) less how often each class is emitted at each step, in the mean over all spellings.

    That mean is forward times backward probabilities (Graves et al., 2006); steps beyond logit_length count nothing.
    """
    states, skips = states_of(labels, logits.shape[-1], blank)
    log = log_softmax(logits)
    emitted = np.take_along_axis(log, states[:, None, :], axis=2)
    forward = _forward(emitted, skips)
    backward = _backward(emitted, skips, label_length, logit_length)
    inside = (np.arange(logits.shape[1]) < logit_length[:, None])[:, :, None]
    chance = np.where(inside, np.exp(forward + backward + y[:, None, None]), 0)
    emissions = np.zeros_like(logits)
    rows, steps = np.ogrid[: logits.shape[0], : logits.shape[1]]
    np.add.at(emissions, (rows[..., None], steps[..., None], states[:, None, :]), chance)
    by_logits = g[:, None, None] * (np.exp(log) * inside - emissions)
    return None, by_logits.astype(logits.dtype, copy=False), None, None


def _forward(emitted: Array, skips: Array) -> Array:
    """Logarithms of the probability to stand in each state at each step, what it emits included."""
    alpha = np.full_like(emitted, -np.inf)
    alpha[:, 0, :2] = emitted[:, 0, :2]
    for step in range(1, emitted.shape[1]):
        alpha[:, step] = advanced(alpha[:, step - 1], skips) + emitted[:, step]
    return alpha


def _backward(emitted: Array, skips: Array, label_length: Array, logit_length: Array) -> Array:
    """Logarithms of the probability of what each state emits after each step, up to an end of the labels.

    Read from its last state on, a sequence goes on as it does forward: both are turned around.
    """
    last = 2 * label_length.astype(np.intp)[:, None]
    places = np.arange(emitted.shape[2])
    ends = np.where((places == last) | ((places == last - 1) & (last > 0)), 0, -np.inf)
    onward = np.concatenate([skips[:, 2:], np.zeros_like(skips[:, :2])], axis=1)[:, ::-1]
    beta = np.full_like(emitted, -np.inf)
    for step in range(emitted.shape[1] - 1, -1, -1):
        if step + 1 < emitted.shape[1]:
            after = beta[:, step + 1] + emitted[:, step + 1]
            beta[:, step] = advanced(after[:, ::-1], onward)[:, ::-1]
        beta[:, step] = np.where((logit_length == step + 1)[:, None], ends, beta[:, step])
    return beta
