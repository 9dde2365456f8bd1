"""`kconvert --layers` and `kconvert --plugins`: what is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kconvert_schemas.console import printable

from ..plugins import load_registry
from ..registry import BUILT_IN, Registry
from . import summary, text

if TYPE_CHECKING:
    from rich.table import Table


def print_layers(as_json: bool) -> None:
    """Print every layer class and operation that is converted, by package, and the refused with their reasons."""
    registry, _ = load_registry()
    if as_json:
        return summary.print_json(_as_data(registry))
    by_package: dict[str, list[tuple[str, str]]] = {}
    for handler in registry.handlers.values():
        by_package.setdefault(handler.package, []).append((handler.name, handler.doc))
    with summary.tidy_console() as console:
        for package in sorted(by_package, key=lambda package: (package != BUILT_IN, package)):
            rows = sorted(by_package[package])
            console.print(f"{text.name(package)} converts {len(rows)} layers and operations", style="bold")
            console.print(_table("Meaning", rows))
            console.print()
        console.print(f"{len(registry.refusals)} are refused", style="bold")
        console.print(_table("Reason", sorted((name, reason) for name, (reason, _) in registry.refusals.items())))
    return None


def _table(heading: str, rows: Sequence[tuple[str, str]]) -> Table:
    table = summary.plain_table("Name", heading, wrap=("Name", heading))
    for name, meaning in rows:
        table.add_row(text.name(name), printable(meaning))
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


def _as_data(registry: Registry) -> dict[str, Any]:
    return {
        "layers": [
            {"name": h.name, "package": h.package, "doc": h.doc, "arguments": list(h.arguments)}
            for h in sorted(registry.handlers.values(), key=lambda h: h.name)
        ],
        "refused": [
            {"name": name, "package": package, "reason": reason}
            for name, (reason, package) in sorted(registry.refusals.items())
        ],
    }
