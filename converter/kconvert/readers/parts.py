"""What a file gives: an architecture, weights, or both; and how the two become a model.

Keras keeps them in one file (`model.save`) or in two (`model.to_json`, `model.save_weights`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ModelFileError, show
from kconvert_schemas.graph import Source

from ..dialects import modernize
from ..modelspec import build_root
from ..spec import LayerSpec, ModelFile, StoredWeight
from .age import written_by
from .digest import sha256

NO_ARCHITECTURE = (
    "{0} holds weights without the architecture of the model. Say it in a second file: `kconvert {1} OUT --config "
    "model.json` with what `model.to_json()` returns, or any file that holds the model's config; or save the whole "
    "model with `model.save('model.keras')`."
)
NO_WEIGHTS = (
    "{0} holds the architecture of a model without its weights. Name the file of the weights, too: "
    "`kconvert {1}+model.weights.h5 OUT`; or save the whole model with `model.save('model.keras')`."
)

NO_SUCH_LAYER = "the file has weights for it, the model has no such layer"


@dataclass(frozen=True, slots=True)
class Found:
    """The weights and assets of a model, by Keras 3's addresses, and what does not fit: reason -> where."""

    weights: Mapping[str, StoredWeight]
    assets: Mapping[str, bytes] = field(default_factory=dict)
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)


Finder = Callable[[LayerSpec], Found]
"""Finds the weights of a model in a file, given what the model consists of."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What one file gives. config: a serialised model, None without one; find: None where there are no weights.

    version: of the Keras that wrote the config, '' where the file does not say. files: all that was read.
    """

    path: Path
    container: str
    version: str = ""
    config: Any = None
    find: Finder | None = None
    files: tuple[Path, ...] = ()


def whole(parts: Parts) -> ModelFile:
    """Return the model in a file that holds both of its parts; ModelFileError saying which one is missing."""
    if parts.config is None:
        raise ModelFileError(NO_ARCHITECTURE.format(show(parts.path), parts.path.name))
    if parts.find is None:
        raise ModelFileError(NO_WEIGHTS.format(show(parts.path), parts.path.name))
    return _model(parts, parts.find, Source(parts.path.name, sha256(*_files(parts)), parts.version, parts.container))


def joined(architecture: Parts, weights: Parts) -> ModelFile:
    """Return the model of one file with the weights of another."""
    if architecture.config is None:
        raise ModelFileError(f"{show(architecture.path)} holds no architecture, but weights.")
    if weights.find is None:
        raise ModelFileError(f"{show(weights.path)} holds no weights, but an architecture.")
    name = f"{architecture.path.name}+{weights.path.name}"
    container = f"{architecture.container} + {weights.container}"
    digest = sha256(*_files(architecture), *_files(weights))
    model = _model(architecture, weights.find, Source(name, digest, architecture.version, container))
    strangers = _strangers(model.root, model.weights)
    return replace(model, problems={**model.problems, NO_SUCH_LAYER: strangers}) if strangers else model


def _strangers(root: LayerSpec, addresses: Iterable[str]) -> list[str]:
    """Return where the file has weights of layers that the model does not have."""
    found: set[str] = set()
    for address in addresses:
        model, parts, depth = root.model, address.split("/"), 0
        while model is not None and parts[depth : depth + 1] == ["layers"] and len(parts) > depth + 1:
            place = "/".join(parts[: depth + 2])
            owner = next((layer for layer in model.layers if layer.address == place), None)
            if owner is None:
                found.add(place)
            model, depth = owner.model if owner else None, depth + 2
    return sorted(found)


def _files(parts: Parts) -> tuple[Path, ...]:
    return parts.files or (parts.path,)


def _model(architecture: Parts, find: Finder, source: Source) -> ModelFile:
    version = architecture.version or written_by(architecture.config)
    root = build_root(modernize(architecture.config, version))
    found = find(root)
    return ModelFile(root, found.weights, found.assets, source, found.problems)
