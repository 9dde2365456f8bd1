"""Recurrent kernels: one module for each op, and the loop over time that they share."""

from . import gru, lstm, scan, simple_rnn

__all__ = ["gru", "lstm", "scan", "simple_rnn"]
