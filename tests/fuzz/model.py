"""Models whose config or weights are damaged: whatever is wrong must be a KconvertError, soon."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from kconvert.api import convert
from kconvert.plugins import load_registry
from kconvert_schemas import KconvertError
from tests.fuzz.mutate import mutated

GOLDEN = Path(__file__).parents[1] / "golden"
SIZE_LIMIT = 60_000
JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1, 3, 1 << 40, -(1 << 63), 0.5, -1.0, 1e308, float("nan"), float("inf"), "", "x", "same",
    "float32", "float99", "channels_first", "\x1b[2J\n", "n" * 5000, [], [[]], {}, [None], [0, -1, 1 << 33],
    {"class_name": "Dense"}, {"class_name": "__keras_tensor__", "config": {}},
    {"class_name": "__numpy__", "config": {"value": 1}},
)  # fmt: skip
REGISTRY = load_registry()[0]


@cache
def seeds() -> list[bytes]:
    """The small models among the golden files."""
    found = []
    for archive in sorted(GOLDEN.glob("*.zip")):
        with zipfile.ZipFile(archive) as golden:
            for name in sorted(golden.namelist()):
                if name.endswith("model.keras") and golden.getinfo(name).file_size < SIZE_LIMIT:
                    found.append(golden.read(name))
    return found


def damaged(seed: int) -> bytes:
    """Model number `seed`: usually with a damaged config, now and then with damaged weights."""
    random = Random(seed)
    with zipfile.ZipFile(io.BytesIO(random.choice(seeds()))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if random.random() < 0.9:
        config = json.loads(members["config.json"])
        for _ in range(random.randint(1, 3)):
            twist(config, random)
        members["config.json"] = json.dumps(config).encode()
    else:
        members["model.weights.h5"] = mutated(members["model.weights.h5"], random)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def twist(config: Any, random: Random) -> None:
    """Change one place of a config: other values, missing keys, things that stand twice or elsewhere."""
    places = list(walk(config))
    if not places:
        return
    owner, key = random.choice(places)
    kind = random.randrange(6)
    if kind == 0:
        del owner[key]
    elif kind == 1:
        there, other = random.choice(places)
        if isinstance(there, (dict, list)) and (other in there if isinstance(there, dict) else other < len(there)):
            owner[key] = json.loads(json.dumps(there[other]))
    elif kind == 2 and isinstance(owner, list):
        owner.append(json.loads(json.dumps(owner[key])))
    elif kind == 3 and isinstance(owner[key], int):
        owner[key] = owner[key] + random.choice((-1, 1, 2, 7))
    else:
        owner[key] = random.choice(JUNK)


def walk(value: Any) -> Any:
    """Yield (owner, key) of everything in a config."""
    stack = [value]
    while stack:
        item = stack.pop()
        keys: Any = item.keys() if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
        for key in keys:
            yield item, key
            stack.append(item[key])


def check(seed: int) -> bool:
    """Convert model number `seed`; tell whether it was refused."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        file.write_bytes(damaged(seed))
        try:
            convert(file, Path(folder) / "out", registry=REGISTRY)
        except KconvertError:
            return True
        return False
