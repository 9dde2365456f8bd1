"""Gradients of recurrent ops: one module for each, and the walk back through time that they share."""

from . import gru, lstm, simple_rnn

__all__ = ["gru", "lstm", "simple_rnn"]
