"""Keras 1's layer Merge, which has a mode -> the layers that Keras 2 and 3 have for each mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MODES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate", "dot": "Dot"}


def modern_merge(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a Merge as the layer of its mode; as it is where its mode is a function, or has no layer ('cos')."""
    config = entry.get("config")
    if entry.get("class_name") != "Merge" or not isinstance(config, Mapping):
        return entry
    mode = config.get("mode")
    if config.get("mode_type", "raw") != "raw" or not isinstance(mode, str) or mode not in MODES:
        return entry
    settings: dict[str, Any] = {"name": config.get("name"), "trainable": config.get("trainable", True)}
    if mode == "concat":
        settings["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        settings |= {"axes": config.get("dot_axes", -1), "normalize": False}
    return {**entry, "class_name": MODES[mode], "config": settings}
