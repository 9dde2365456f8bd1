"""Weights in several files: `save_weights('m.weights.json', max_shard_size=...)` of Keras 3.

The JSON says which file holds the variables of which layer; the files stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ..spec import StoredWeight
from .architecture import SIZE_LIMIT, read_json
from .mapped import mapped
from .parts import Found, Parts
from .weights import modern_addresses, read_weights

SHARDS_LIMIT = 10_000


def read_shards(path: Path) -> Parts | None:
    """Read weights in several files by the JSON that lists them; None for JSON of another kind."""
    if path.stat().st_size > SIZE_LIMIT or b'"weight_map"' not in path.read_bytes():
        return None
    content = read_json(path)
    places = content.get("weight_map") if isinstance(content, Mapping) else None
    if not isinstance(places, Mapping):
        return None
    shards = [path.parent / name for name in _names(places, path)]
    weights: dict[str, StoredWeight] = {}
    for shard in shards:
        if shard.is_symlink() or not shard.is_file():
            raise ModelFileError(f"{show(path)} names the file {show(shard.name)}, which is not beside it.")
        for address, weight in read_weights(mapped(shard)).items():
            if address in weights:
                raise ModelFileError(f"{show(path)}: two of its files hold {show(address)}.")
            weights[address] = weight
    found = Found(modern_addresses(weights))
    return Parts(path, "sharded hdf5", find=lambda root: found, files=(path, *shards))


def _names(places: Mapping[str, Any], path: Path) -> list[str]:
    """Return the names of the shards; anything but the name of a file in the same folder is refused."""
    listed = [value for entry in places.values() for value in (entry if isinstance(entry, list) else [entry])]
    names = sorted({name for name in listed if isinstance(name, str)})
    wrong = [n for n in listed if not isinstance(n, str) or Path(n).name != n or "\\" in n or n in ("", ".", "..")]
    if wrong or len(names) > SHARDS_LIMIT:
        raise ModelFileError(f"{show(path)} names {show(wrong[0] if wrong else len(names))} as a file of weights.")
    return names
