"""Finding plugin packages and asking them for their layers.

Entry points are read one by one, sorted by package: pluggy's own loader drops the second of two packages
whose entry points share a name, and does not say which package failed to import.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from kconvert_schemas.errors import PluginError, show

from . import hookspecs
from .registry import BUILT_IN, Register, Registry
from .version import VERSION

GROUP = "kconvert"
OPS_GROUP = "kconvert.ops"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of an installed package, or the built-in layers.

    package and version are those that pip knows. layers: how many classes it converts. ops: the namespace
    of the ops that it brings, '' for none.
    """

    package: str
    version: str
    module: str
    layers: int
    ops: str = ""


def load_registry(
    points: Iterable[EntryPoint] | None = None, modules: Iterable[Any] = ()
) -> tuple[Registry, list[Plugin]]:
    """Return all handlers, the built-in ones first, and the plugins they came from.

    points: the entry points to use instead of those installed. modules: plugin modules to add that no
    package names, for a plugin under development. Raises PluginError naming the package for one that does
    not import, misspells a hook, or claims a class that is taken.
    """
    registry = Registry()
    built_in = import_module("kconvert_plugins")
    plugins = [_register(registry, BUILT_IN, VERSION, built_in, built_in.__name__)]
    for point in _sorted(entry_points(group=GROUP) if points is None else points):
        plugins.append(_register(registry, _package(point), _version(point), _import(point), point.value))
    for module in modules:
        name = getattr(module, "__name__", repr(module))
        plugins.append(_register(registry, name, "", module, name))
    if points is None:
        ops = _sorted(entry_points(group=OPS_GROUP))
        plugins += [Plugin(_package(point), _version(point), point.value, 0, point.name) for point in ops]
    return registry, plugins


def _sorted(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    return sorted(points, key=lambda point: (_package(point), point.name, point.value))


def _register(registry: Registry, package: str, version: str, module: Any, place: str) -> Plugin:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    before = len(registry.handlers)
    try:
        manager.register(module, name=package)
        manager.check_pending()
        manager.hook.register_layers(register=Register(registry, package))
    except PluginError:
        raise
    except pluggy.PluginValidationError as error:
        raise PluginError(
            f"Plugin package {show(package)}: {' '.join(str(error).split())}. kconvert's hooks are "
            f"{', '.join(_hooks())}. Fix or uninstall the package."
        ) from error
    except Exception as error:
        raise PluginError(f"Plugin package {show(package)} ({place}) does not register: {_said(error)}.") from error
    if not manager.hook.register_layers.get_hookimpls():
        raise PluginError(
            f"Plugin package {show(package)}: {show(place)} has no function register_layers marked with "
            f"@kconvert.hookimpl. Its entry point in the group {GROUP!r} must name the module that holds one."
        )
    return Plugin(package, version, place, len(registry.handlers) - before)


def _import(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"Plugin package {show(_package(point))} ({point.value}) does not import: {_said(error)}."
        ) from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}. Fix the package, or uninstall it"


def _hooks() -> list[str]:
    return [name for name, value in vars(hookspecs).items() if getattr(value, f"{GROUP}_spec", None)]


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _version(point: EntryPoint) -> str:
    return point.dist.version if point.dist else ""
