"""Run a model a few time steps at a time: what carries over from one step to the next is kept as state.

`flow.py` says how a value can relate to time; `rules.py` and its neighbours say, op by op, how the outputs follow from
the inputs, and what state an op carries; `analysis.py` walks a graph by them; `program.py` turns the graph into
one that takes a chunk of steps and the state, and gives the outputs of these steps and the new state; `session.py` is
what users hold.
"""
