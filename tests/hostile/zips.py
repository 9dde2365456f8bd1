"""Hostile zips: bombs, doubled, overlapping, encrypted, damaged members."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.helpers import dense_file, layer_config, sequential_config

Change = Callable[[dict[str, bytes]], object]
CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def members(path: Path) -> dict[str, bytes]:
    """The members of a small good model."""
    with zipfile.ZipFile(dense_file(path)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, change: Change, method: int = zipfile.ZIP_STORED) -> None:
    """Write a good model after `change` of its members."""
    found = members(path)
    change(found)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in found.items():
            archive.writestr(name, data)


def headers(data: bytearray, name: bytes) -> list[tuple[int, bool]]:
    """Where the headers of a member stand, and whether each is that of the list of members."""
    found = []
    for signature, size in ((LOCAL, 30), (CENTRAL, 46)):
        at = data.find(signature)
        while at >= 0:
            if data[at + size : at + size + len(name)] == name:
                found.append((at, signature == CENTRAL))
            at = data.find(signature, at + 4)
    return found


def patched(path: Path, name: str, local: int, central: int, format_: str, value: int) -> None:
    """Overwrite a field in both headers of a member."""
    data = bytearray(path.read_bytes())
    for at, listed in headers(data, name.encode()):
        struct.pack_into(format_, data, at + (central if listed else local), value)
    path.write_bytes(data)


def bomb(path: Path) -> None:
    rewritten(path, lambda m: m.update({"model.weights.h5": bytes(1 << 20)}), zipfile.ZIP_DEFLATED)
    patched(path, "model.weights.h5", 22, 24, "<I", 0xFFFFFFF0)


def config_bomb(path: Path) -> None:
    rewritten(path, lambda m: m.update({"config.json": b" " * (20 << 20) + m["config.json"]}), zipfile.ZIP_DEFLATED)


def assets_bomb(path: Path) -> None:
    rewritten(path, lambda m: m.update({"assets/a": b"\n" * (70 << 20)}), zipfile.ZIP_DEFLATED)


def doubled(path: Path) -> None:
    config = members(path)["config.json"]
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("config.json", config)


def overlapping(path: Path) -> None:
    rewritten(path, lambda m: None)
    data = bytearray(path.read_bytes())
    weights = next(at for at, listed in headers(data, b"model.weights.h5") if not listed)
    config = next(at for at, listed in headers(data, b"config.json") if not listed)
    struct.pack_into("<I", data, config + 18, weights - config + 500)
    for at, listed in headers(data, b"config.json"):
        if listed:
            struct.pack_into("<II", data, at + 20, weights - config + 500, weights - config + 500)
    path.write_bytes(data)


def same_place(path: Path) -> None:
    rewritten(path, lambda m: None)
    data = bytearray(path.read_bytes())
    for at, listed in headers(data, b"metadata.json"):
        if listed:
            struct.pack_into("<I", data, at + 42, next(a for a, c in headers(data, b"config.json") if not c))
    path.write_bytes(data)


def encrypted(path: Path) -> None:
    rewritten(path, lambda m: None)
    patched(path, "config.json", 6, 8, "<H", 1)


def other_method(method: int) -> Callable[[Path], None]:
    return lambda path: rewritten(path, lambda m: None, method)


def link(path: Path) -> None:
    found = members(path)
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("config.json")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("model.weights.h5", found["model.weights.h5"])


def flipped(path: Path) -> None:
    rewritten(path, lambda m: None)
    data = bytearray(path.read_bytes())
    at = next(at for at, listed in headers(data, b"model.weights.h5") if not listed)
    data[at + 3000] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    rewritten(path, lambda m: None)
    path.write_bytes(path.read_bytes()[:-300])


def other_name(path: Path) -> None:
    rewritten(path, lambda m: None)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"config.json", b"conFIG.json", 1))


def crowd(path: Path) -> None:
    rewritten(path, lambda m: m.update({f"assets/{i}": b"" for i in range(20_000)}))


def long_list(path: Path) -> None:
    """A list of members of 30 MB, of which only the size is looked at."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(500):
            info = zipfile.ZipInfo(str(i))
            info.comment = b"c" * 60_000
            archive.writestr(info, b"")
    path.write_bytes(buffer.getvalue())


def outside(path: Path) -> None:
    rewritten(path, lambda m: m.update({"../config.json": m.pop("config.json")}))


def no_layers(path: Path) -> None:
    rewritten(path, lambda m: m.update({"config.json": json.dumps(sequential_config()).encode()}))


def pickled(path: Path) -> None:
    rewritten(path, lambda m: (m.pop("model.weights.h5"), m.update({"model.weights.npz": b"x"})))


def long_name(path: Path) -> None:
    config = sequential_config(layer_config("Dense", "n" * (1 << 20), units=3))
    rewritten(path, lambda m: m.update({"config.json": json.dumps(config).encode()}))


ZIPS: dict[str, tuple[Callable[[Path], None], str]] = {
    "bomb": (bomb, "limit zip_expansion"),
    "config bomb": (config_bomb, "limit config_size"),
    "assets bomb": (assets_bomb, "limit assets_size"),
    "doubled": (doubled, "two members are called 'config.json'"),
    "overlapping": (overlapping, "overlaps what follows"),
    "same place": (same_place, "stand at the same place"),
    "encrypted": (encrypted, "is encrypted"),
    "bzip2": (other_method(zipfile.ZIP_BZIP2), "compressed with bzip2"),
    "lzma": (other_method(zipfile.ZIP_LZMA), "compressed with LZMA"),
    "link": (link, "symbolic link"),
    "flipped": (flipped, "checksum of 'model.weights.h5'"),
    "cut": (cut, "damaged zip"),
    "other name": (other_name, "damaged zip"),
    "crowd": (crowd, "limit zip_members"),
    "long list": (long_list, "limit zip_members"),
    "outside": (outside, "zip without config.json"),
    "pickled": (pickled, "that is code"),
    "long name": (long_name, "limit name_length"),
}
