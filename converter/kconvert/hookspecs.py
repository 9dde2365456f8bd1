"""The whole extension API: what a plugin package can implement.

A package names a module that implements a hook as an entry point in the group 'kconvert':

    [project.entry-points.kconvert]
    acme = "kconvert_acme.layers"
"""

from __future__ import annotations

import pluggy

from .registry import Register

hookspec = pluggy.HookspecMarker("kconvert")
hookimpl = pluggy.HookimplMarker("kconvert")


@hookspec
def register_layers(register: Register) -> None:
    """Register functions that convert layers.

        @hookimpl
        def register_layers(register):
            register("acme>Swish", swish, compute_mask=masks.keep)

    Called once, before the first conversion. `register.refuse({...})` names classes that cannot be
    converted, with the reason.
    """
