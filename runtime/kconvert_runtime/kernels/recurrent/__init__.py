"""Recurrent kernels: one module for each op, and the loop over time that they share."""

from collections.abc import Callable

from . import gru, lstm, scan, simple_rnn
from .cells import Packed

CELLS: dict[str, Callable[..., Packed]] = {"lstm": lstm.pack, "gru": gru.pack, "simple_rnn": simple_rnn.pack}
"""What arranges the weights of an op: kernels, recurrent kernels, biases of all directions."""

__all__ = ["CELLS", "gru", "lstm", "scan", "simple_rnn"]
