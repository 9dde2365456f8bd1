"""`kconvert --layers` and `kconvert --plugins`: what is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any

from kconvert_schemas.console import printable

from ..plugins import load_registry
from ..registry import BUILT_IN, Handler, Registry
from . import summary, text

if TYPE_CHECKING:
    from rich.table import Table


SUPPORT = "support.json"
"""The file beside a plugin's module that says what was compared with Keras: class -> options, dtypes, cases, errors."""


def print_layers(as_json: bool) -> None:
    """Print every layer class and operation that is converted, by package, and the refused with their reasons."""
    registry, plugins = load_registry()
    compared = {name: found for plugin in plugins for name, found in _support(plugin.module).items()}
    if as_json:
        return summary.print_json(_as_data(registry, compared))
    by_package: dict[str, list[Handler]] = {}
    for handler in registry.handlers.values():
        by_package.setdefault(handler.package, []).append(handler)
    with summary.tidy_console() as console:
        for package in sorted(by_package, key=lambda package: (package != BUILT_IN, package)):
            handlers = sorted(by_package[package], key=lambda handler: handler.name)
            console.print(f"{text.name(package)} converts {len(handlers)} layers and operations", style="bold")
            console.print(_matrix(handlers, compared))
            console.print()
        console.print(f"{len(registry.refusals)} are refused", style="bold")
        table = summary.plain_table("Name", "Reason", wrap=("Name", "Reason"))
        for name, (reason, _) in sorted(registry.refusals.items()):
            table.add_row(text.name(name), printable(reason))
        console.print(table)
    return None


def _support(module: str) -> dict[str, dict[str, Any]]:
    try:
        file = resources.files(module).joinpath(SUPPORT)
        return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}
    except (ImportError, TypeError):
        return {}


def _matrix(handlers: Sequence[Handler], compared: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row a class; the error is the largest seen against Keras, relative to the largest magnitude."""
    names = ("Name", "Meaning", "Options compared", "Dtypes", "Error")
    table = summary.plain_table(*names, wrap=names[:4])
    for handler in handlers:
        found = compared.get(handler.name, {})
        options, dtypes = (printable(", ".join(found.get(key, ()))) for key in ("options", "dtypes"))
        error = max(found.get("errors", {"": ""}).items(), key=lambda pair: pair[0] == "float32")[1]
        table.add_row(text.name(handler.name), printable(handler.doc), options, dtypes, printable(error))
    return table


def print_plugins(as_json: bool) -> None:
    """Print every installed plugin: package, version, module, how many layers it converts, the namespace of its ops."""
    plugins = load_registry()[1]
    if as_json:
        return summary.print_json([asdict(plugin) for plugin in plugins])
    table = summary.plain_table(
        "Package", "Version", "Module", "Converts", "Ops", right=("Converts",), wrap=("Module",)
    )
    for plugin in plugins:
        package, version, module = map(text.name, (plugin.package, plugin.version, plugin.module))
        table.add_row(package, version, module, f"{plugin.layers:,}", text.name(plugin.ops))
    with summary.tidy_console() as console:
        console.print(table)
    return None


def _as_data(registry: Registry, compared: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "layers": [
            {
                "name": h.name,
                "package": h.package,
                "doc": h.doc,
                "arguments": list(h.arguments),
                "compared": compared.get(h.name),
            }
            for h in sorted(registry.handlers.values(), key=lambda h: h.name)
        ],
        "refused": [
            {"name": name, "package": package, "reason": reason}
            for name, (reason, package) in sorted(registry.refusals.items())
        ],
    }
