"""Gradients of recurrent ops: one module for each, and the walk back through time that they share."""

from . import gru, lstm, pairs, simple_rnn

__all__ = ["gru", "lstm", "pairs", "simple_rnn"]
