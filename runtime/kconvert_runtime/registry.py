"""Where kernels and their gradients are registered, by op name.

A kernel takes the op's inputs as arrays (None for an optional input that is not given) and its attributes
as keyword arguments, and returns an array, or a tuple for an op with several outputs. It never writes to
its inputs. float16 and bfloat16 arrive as float32 and are rounded by the caller.

A VJP takes the gradients of the outputs, the outputs, and what the kernel took:
`vjp(g, y, *inputs, **attrs)` for one output, tuples for several. It returns one gradient for each input,
None where there is none; more may follow for optional inputs at the end that were not given, all None. For
complex values, g is such that the change of the loss is the real part of the sum of conj(g) times the change
of the value. Attributes that hold functions come otherwise than to the kernel: a `unary` stays the op's name,
or its name and attributes, as the graph has it, so that its own VJP can be looked up; a `body` comes as a
`gradients.walk.BodyGradient`, which also collects the gradients of the weights it uses.

A pair does both where the way back can use what the way forward computed. It is optional:
`pair(wanted, *inputs, **attrs)` takes whether the gradient of each input is wanted and what the VJP takes, and returns
the outputs and a function `back(*g)` from their gradients to those of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kconvert_schemas.errors import PluginError

F = TypeVar("F", bound=Callable[..., Any])

KERNELS: dict[str, Callable[..., Any]] = {}
VJPS: dict[str, Callable[..., Any]] = {}
PAIRS: dict[str, Callable[..., Any]] = {}


def kernel(op: str) -> Callable[[F], F]:
    """Register the decorated function as the kernel of `op`; raises PluginError if the op has one."""
    return _register(KERNELS, op, "kernel")


def vjp(op: str) -> Callable[[F], F]:
    """Register the decorated function as the vector-Jacobian product of `op`."""
    return _register(VJPS, op, "VJP")


def pair(op: str) -> Callable[[F], F]:
    """Register the decorated function as the pair of `op`: its kernel and its VJP in one."""
    return _register(PAIRS, op, "pair")


def _register(table: dict[str, Callable[..., Any]], op: str, what: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        taken = table.get(op)
        if taken is not None and _place(taken) != _place(function):
            places = " and ".join(".".join(_place(one)) for one in (taken, function))
            raise PluginError(f"Two functions are registered as the {what} of {op!r}: {places}. Remove one of them.")
        table[op] = function
        return function

    return register


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    """Module and name of a function; NumPy's own functions do not always say them."""
    return getattr(function, "__module__", None) or "numpy", getattr(function, "__qualname__", repr(function))
