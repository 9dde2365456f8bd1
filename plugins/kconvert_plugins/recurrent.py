"""SimpleRNN, LSTM, GRU (keras/src/layers/rnn)."""

from __future__ import annotations

from kconvert import Register, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this module."""
