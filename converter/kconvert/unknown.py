"""Classes of a model file that nothing converts: what the file says about them, for the report and for a plugin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kconvert_schemas.errors import paragraph, show
from kconvert_schemas.graph import TensorType

from .modelspec import refs
from .spec import Call, LayerSpec, ModelFile

COMMON = ("name", "trainable", "dtype")
"""Settings that every layer has, and kconvert sees to."""
SHOWN_PATHS = 10
SHOWN_CONFIG = 300
SHOWN_WEIGHTS = 8


SCAFFOLD = (
    "`kconvert MODEL --scaffold-plugin DIR` writes a plugin package to start from. Where you have the code of the "
    "class, and Keras: `kconvert MODEL OUT --import FILE.py`."
)
ADVICE = "Write a plugin for what is missing (docs/plugins.md); `kconvert --layers` lists what is known."


def no_plugin(key: str) -> str:
    """Return the reason why a layer of an unknown class is refused."""
    return f"no plugin converts the layer class {show(key)}"


def refusal(file: ModelFile, problems: Mapping[str, Sequence[str]], unknown: Sequence[LayerSpec]) -> str:
    """Return the report of all problems of a file, with what it says about classes that nothing converts."""
    classes = [found for found in describe(file, unknown) if found.module != "tensorflow"]
    notes = {no_plugin(found.key): details(found) for found in classes}
    lines = ["\n    ".join([f"{_listed(paths)}: {why}", *notes.get(why, ())]) for why, paths in problems.items()]
    summary = f"{show(file.source.file)} cannot be converted exactly, so nothing was written:"
    return paragraph(summary, lines, f"{SCAFFOLD}\n{ADVICE}" if classes else ADVICE)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN_PATHS} more" if len(paths) > SHOWN_PATHS else ""
    return ", ".join(map(show, paths[:SHOWN_PATHS])) + more


@dataclass(frozen=True, slots=True)
class UnknownClass:
    """A class, and the layers of it.

    weights: those of the first layer, by address below it. inputs: the types of what that is called with, where the
    file says. arguments: the names of the arguments that calls give by keyword.
    """

    key: str
    class_name: str
    module: str
    paths: tuple[str, ...]
    config: Mapping[str, Any]
    weights: Mapping[str, TensorType]
    inputs: tuple[TensorType | None, ...]
    arguments: tuple[str, ...]


def describe(file: ModelFile, layers: Sequence[LayerSpec]) -> list[UnknownClass]:
    """Return what the file says about the classes of `layers`, in their order."""
    by_key: dict[str, list[LayerSpec]] = {}
    for layer in layers:
        by_key.setdefault(layer.key, []).append(layer)
    calls = list(_calls(file.root))
    return [_class(file, found, [c for c in calls if c.layer.key == key]) for key, found in by_key.items()]


def _class(file: ModelFile, layers: Sequence[LayerSpec], calls: Sequence[Call]) -> UnknownClass:
    first = layers[0]
    below = f"{first.address}/"
    weights = {at.removeprefix(below): w.type for at, w in sorted(file.weights.items()) if at.startswith(below)}
    names = dict.fromkeys(name for call in calls for name in call.kwargs)
    return UnknownClass(
        key=first.key,
        class_name=first.class_name,
        module=first.module,
        paths=tuple(dict.fromkeys(layer.path for layer in layers)),
        config={name: value for name, value in first.config.items() if name not in COMMON},
        weights=weights if first.address else {},
        inputs=tuple(ref.type for ref in refs([call.args for call in calls[:1]])),
        arguments=tuple(names),
    )


def _calls(layer: LayerSpec) -> Iterator[Call]:
    for call in layer.model.calls if layer.model else ():
        yield call
        yield from _calls(call.layer)


def details(unknown: UnknownClass) -> list[str]:
    """Return lines about a class for the report of problems."""
    module = f" of the module {show(unknown.module)}" if unknown.module else ""
    lines = [f"class {show(unknown.class_name)}{module}, registered as {show(unknown.key)}"]
    lines.append(f"config: {show(json.dumps(unknown.config, default=str), SHOWN_CONFIG)[1:-1]}")
    shown = [f"{show(at)} {type_}" for at, type_ in list(unknown.weights.items())[:SHOWN_WEIGHTS]]
    more = [f"{len(unknown.weights) - SHOWN_WEIGHTS} more"] if len(unknown.weights) > SHOWN_WEIGHTS else []
    return [*lines, f"weights: {', '.join([*shown, *more]) or 'none'}"]
