"""Finding plugin packages and asking them for their layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from kconvert_schemas.errors import PluginError

from . import hookspecs
from .registry import Register, Registry

GROUP = "kconvert"
BUILT_IN = "kconvert_plugins"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plugin: its package, version and module, and how many layers it converts."""

    package: str
    version: str
    module: str
    layers: int


def load_registry(points: Iterable[EntryPoint] | None = None) -> tuple[Registry, list[Plugin]]:
    """Return all handlers, the built-in ones first, and the plugins they came from.

    Raises PluginError naming the package for one that does not import, misspells a hook, or claims a
    class that is taken.
    """
    registry = Registry()
    built_in = import_module(BUILT_IN)
    plugins = [_register(registry, BUILT_IN, "", module) for module in built_in.MODULES]
    found = entry_points(group=GROUP) if points is None else points
    for point in sorted(found, key=lambda point: (_package(point), point.name)):
        plugins.append(_register(registry, _package(point), _version(point), _import(point)))
    return registry, plugins


def _register(registry: Registry, package: str, version: str, module: Any) -> Plugin:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    before = len(registry.handlers)
    try:
        manager.register(module, name=package)
        manager.check_pending()
        manager.hook.register_layers(register=Register(registry, package))
    except PluginError:
        raise
    except Exception as error:
        raise PluginError(f"Plugin package {package!r} does not register: {error!r}. Fix or uninstall it.") from error
    if not manager.hook.register_layers.get_hookimpls():
        raise PluginError(
            f"Plugin package {package!r} implements no hook of kconvert: {module!r} has no register_layers marked "
            "with @kconvert.hookimpl. Fix or uninstall it."
        )
    return Plugin(package, version, getattr(module, "__name__", repr(module)), len(registry.handlers) - before)


def _import(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        raise PluginError(
            f"Plugin package {_package(point)!r} does not import ({point.value}): {error!r}. Fix or uninstall it."
        ) from error


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _version(point: EntryPoint) -> str:
    return point.dist.version if point.dist else ""
