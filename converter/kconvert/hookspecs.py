"""The whole extension API: what a plugin package can implement.

A package names a module that implements the hook as an entry point in the group 'kconvert':

    [project.entry-points.kconvert]
    acme = "kconvert_acme.layers"

A package that brings ops of its own names their `Opset` in the group 'kconvert.ops', under the namespace
of the ops. That module also registers the kernels; it is imported only when a graph uses the namespace:

    [project.entry-points."kconvert.ops"]
    acme = "kconvert_acme.ops:OPSET"
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

    Called once for each conversion, after the built-in layers are registered. A name is claimed once:
    plugins add classes, they do not replace others. `register.refuse({...})` names classes that cannot be
    converted, with the reason.
    """
