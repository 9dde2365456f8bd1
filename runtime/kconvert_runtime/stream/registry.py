"""Where the rules are registered, by op name."""

from __future__ import annotations

from collections.abc import Callable

from .site import Rule

RULES: dict[str, Rule] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register the decorated function as what says how `ops` treat steps.

    A rule gets a `Site` and returns the flow of each output, or raises Refused with the reason. It may write nodes and
    states; a node that it does not write stays as it is.
    """

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, function))
        return function

    return register
