"""Hostile things in the other places that the commands take files from: inputs, folders, checkpoints, architectures.

Each is made in a folder of its own, in which the command is then run.
"""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py

from tests import tensorflow_files as tf
from tests.helpers import KERNEL, dense_file, layer_config, sequential_config
from tests.hostile.bundle_commands import BUNDLE_COMMANDS
from tests.hostile.bundles import IMAGE, good, header, op

Request = tuple[Callable[[Path], object], list[str], str]
"""What makes the files, the command, and what it has to say."""
GOLDEN = Path(__file__).parents[1] / "golden_containers" / "keras2.zip"
LONG_NAME = b'{"class_name": "' + b"a" * 64
ANY: list[int | None] = [None, None, None, 3]
SEQUENCES: list[int | None] = [None, None, 2]
ARCHITECTURE = json.dumps(sequential_config(layer_config("Dense", "dense", units=3, use_bias=False)))


def both(*makes: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: [make(folder) for make in makes]


def file(name: str, data: bytes | str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def link(name: str, target: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return make


def pipe(name: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return make


def sparse(name: str, start: bytes, size: int = 8 << 30) -> Callable[[Path], object]:
    """A file of zeros that takes no room on the disk."""

    def make(folder: Path) -> None:
        with (folder / name).open("wb") as opened:
            opened.write(start)
            opened.truncate(size)

    return make


# Inputs of krun.


def fed(name: str, data: bytes | str, words: str, *options: str, shape: Sequence[int | None] | None = None) -> Request:
    def make(folder: Path) -> None:
        good(folder / "out") if shape is None else op("relu", list(shape), inputs=list(shape))(folder / "out")
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())

    return make, ["krun", "out", name, *options], words


def said(text: str, data: bytes = b"") -> bytes:
    """An .npy file with any header."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def bomb(size: int) -> bytes:
    """An .npz of a few hundred kilobytes that becomes `size` bytes of zeros."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w") as out,
    ):
        out.write(header(f"({size // 8}, 2)"))
        for _ in range(size >> 22):
            out.write(bytes(1 << 22))
    return buffer.getvalue()


def picture(width: int, height: int, kind: int = 2) -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    first = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", first) + part(b"IDAT", zlib.compress(bytes(99))) + part(b"IEND", b"")


ARRAY = header("(1, 2)", data=bytes(8))
INPUTS: dict[str, Request] = {
    "shape bomb": fed("a.npy", header("(1099511627776, 2)"), "the file holds 0"),
    "beyond 64 bits": fed("a.npy", header(f"({2**70}, 2)"), "the file holds 0"),
    "none of many": fed("a.npy", header(f"(0, {2**62})"), "no array has the sizes"),
    "many of none": fed("a.npy", header(f"({2**62}, 0)"), "no array has the sizes"),
    "bool for a size": fed("a.npy", header("(True, 2)", data=bytes(8)), "no array has the sizes"),
    "negative size": fed("a.npy", header("(-1, 2)"), "a size is negative"),
    "objects": fed("a.npy", header("(1, 2)", "|O", b"\x80\x04cos\nsystem\n"), "never unpickled"),
    "dates": fed("a.npy", header("(1, 2)", "<M8[ns]", bytes(16)), "values of the dtype"),
    "arrays for elements": fed("a.npy", header("(1, 2)", "(9,)f4"), "holds values of the dtype"),
    "call in the header": fed("a.npy", said("__import__('os').system('id')\n"), "damaged .npy header"),
    "deep header": fed("a.npy", said("{'shape': " + "(" * 4000 + ")" * 4000 + "}\n"), "damaged .npy header"),
    "signs in the header": fed("a.npy", said("-" * 9000 + "1\n"), "damaged .npy header"),
    "cut array": fed("a.npy", header("(2, 2)", data=bytes(7)), "the file holds 7"),
    "zip bomb": fed("a.npz", bomb(1 << 29), "limit array_size"),
    "pickle in a zip": fed("a.npz", packed({"x.npy": header("(1, 2)", "|O")}), "never unpickled"),
    "crowd": fed("a.npz", packed({f"{i}.npy": b"" for i in range(5000)}), "and 4980 more"),
    "one name twice": fed("a.npz", packed({"x": b"", "x.npy": ARRAY}), "two arrays of one name"),
    "bzip2": fed("a.npz", packed({"x.npy": ARRAY}, zipfile.ZIP_BZIP2), "does not write"),
    "lzma": fed("a.npz", packed({"x.npy": ARRAY}, zipfile.ZIP_LZMA), "does not write"),
    **{
        f"json {depth} deep": fed("a.json", "[" * depth + "]" * depth, "limit graph_depth")
        for depth in (300, 900, 980, 10**5)
    },
    "json 100 deep": fed("a.json", "[" * 100 + "1" + "]" * 100, "dimension"),
    "json with an endless number": fed("a.json", "[[1, " + "9" * 5000 + "]]", "more than 20 digits"),
    "json with a doubled key": fed("a.json", '{"x": [[1, 2]], "x": [[3, 4]]}', "stands twice"),
    "json with half a character": fed("a.json", '{"\\ud800\\u001b[2J": 1}', "lone surrogate"),
    "json in objects": fed("a.json", '[[{"a": 1}, 2]]', "takes float32"),
    "long text": fed("a.csv", b"11,22\n" * (6 << 20), "limit text_size"),
    "many columns": fed("a.csv", "x.0," * 100_000 + "q\n" + "1," * 100_000 + "2\n", "shape"),
    "open quote": fed("a.csv", '"1,2\n' * 100, "not proper CSV"),
    "control characters": fed("a.csv", "\x1b[2J,1\n\x1b[2J,2\n", "is not a number"),
    "picture of billions": fed("a.png", picture(60_000, 60_000), "not a picture", shape=ANY),
    "picture of millions": fed("a.png", picture(9_000, 9_000), "limit array_size", shape=ANY),
    "program as a picture": fed("a.png", "%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture", shape=IMAGE),
    "labels without end": fed("a.npy", ARRAY, "limit array_size", "--labels", "/dev/zero"),
    "input without end": (lambda f: good(f / "out"), ["krun", "out", "/dev/zero"], "limit array_size"),
    "state that is none": (
        both(lambda f: op("relu", SEQUENCES, inputs=SEQUENCES)(f / "out"), file("s.npz", b"PK")),
        ["krun", "out", "--stream", "--state", "s.npz"], "not a state of this model"),
    "state that is a pipe": (
        both(lambda f: op("relu", SEQUENCES, inputs=SEQUENCES)(f / "out"), pipe("s.npz")),
        ["krun", "out", "--stream", "--state", "s.npz"], "not a regular file"),
}  # fmt: skip

# Folders, checkpoints, architectures beside weights.

CONVERT = ["kconvert", "model", "out"]
WITH = ["kconvert", "w", "out", "--config", "a.json"]


def unzipped(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(dense_file(folder / "good.keras")) as archive:
            archive.extractall(folder / "model")
        for change in changes:
            change(folder / "model")

    return make


def saved(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    """A SavedModel that Keras 2 wrote, changed."""

    def make(folder: Path) -> None:
        with zipfile.ZipFile(GOLDEN) as archive:
            for name in archive.namelist():
                if name.startswith("saved/"):
                    place = folder / "model" / name.removeprefix("saved/")
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(archive.read(name))
        for change in changes:
            change(folder / "model")

    return make


def described(text: str | bytes) -> Callable[[Path], object]:
    data = tf.message((1, tf.message((2, 0), (3, "root"), (5, text))))
    return saved(file("keras_metadata.pb", data))


def elsewhere(folder: Path) -> None:
    (folder / "variables").rename(folder.parent / "variables")
    (folder / "variables").symlink_to("../variables")


def checkpoint(entries: dict[bytes, bytes], data: bytes = b"", head: bytes | None = None) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / "a.json").write_text(ARCHITECTURE)
        (folder / "w.index").write_bytes(tf.table({b"": tf.message((1, 1)) if head is None else head, **entries}))
        (folder / "w.data-00000-of-00001").write_bytes(data)

    return make


def objects(*messages: bytes) -> Callable[[Path], object]:
    """A checkpoint of nothing but a graph of objects."""
    data, crc = tf.strings([b"".join(messages)])
    return checkpoint({tf.GRAPH.encode(): tf.entry(7, [1], 0, len(data), crc)}, data)


def architecture(content: Any) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        with h5py.File(folder / "w", "w") as weights:
            weights["layers/dense/vars/0"] = KERNEL
        (folder / "a.json").write_text(content if isinstance(content, str) else json.dumps(content))

    return make


def shards(names: Any, *more: Callable[[Path], object]) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        architecture(ARCHITECTURE)(folder)
        (folder / "w").rename(folder / "x.h5")
        (folder / "y.h5").write_bytes((folder / "x.h5").read_bytes())
        (folder / "w").write_text(json.dumps({"metadata": {}, "weight_map": {"dense": names}}))
        both(*more)(folder)

    return make


FOLDERS: dict[str, Request] = {
    "config that is a link": (unzipped(link("config.json", "/etc/passwd")), CONVERT, "not a regular file"),
    "config that is a pipe": (unzipped(pipe("config.json")), CONVERT, "not a regular file"),
    "config without end": (unzipped(sparse("config.json", b"{")), CONVERT, "limit config_size"),
    "assets elsewhere": (unzipped(lambda f: (f / "assets").symlink_to("/etc")), CONVERT, "not a regular file"),
    "saved model, a link": (saved(link("saved_model.pb", "/etc/passwd")), CONVERT, "not a regular file"),
    "saved model, a pipe": (saved(pipe("keras_metadata.pb")), CONVERT, "not a regular file"),
    "saved model, variables elsewhere": (saved(elsewhere), CONVERT, "not a regular file"),
    "saved model, empty": (saved(file("saved_model.pb", b"")), CONVERT, "damaged SavedModel"),
    "saved model, zeros": (saved(sparse("saved_model.pb", b"", 1 << 28)), CONVERT, "fields"),
    "saved model, noise": (saved(file("saved_model.pb", bytes(range(255, 0, -1)) * 9)), CONVERT, "damaged SavedModel"),
    "saved model, deep": (described("[" * 900 + "]" * 900), CONVERT, "limit json_depth"),
    "saved model, endless number": (described('{"class_name": ' + "9" * 5000 + "}"), CONVERT, "more than 20 digits"),
    "saved model, not UTF-8": (described(b"\xff\xfe"), CONVERT, "not UTF-8"),
    "saved model, a number": (described("3"), CONVERT, "describes no model"),
    "saved model, cut": (saved(file("variables/variables.data-00000-of-00001", b"")), CONVERT, "larger together"),
    "checkpoint of many files": (checkpoint({}, head=tf.message((1, 2**31))), WITH, "is not there"),
    "checkpoint of many strings": (
        checkpoint({tf.GRAPH.encode(): tf.entry(7, [2**40], 0, 9, 0)}, bytes(9)), WITH, "does not hold"),
    "checkpoint of negative sizes": (
        checkpoint({tf.GRAPH.encode(): tf.entry(7, [2**64 - 1], 0, 9, 0)}, bytes(9)), WITH, "negative size"),
    "checkpoint that grows": (
        checkpoint({b"%d" % i: tf.entry(1, [2**20], 0, 2**22, 0) for i in range(999)}, bytes(1 << 22)), WITH,
        "larger together"),
    "checkpoint of many objects": (objects(b"\n\x00" * (5 << 20)), WITH, "fields"),
    "checkpoint in a circle": (
        objects(tf.message((1, tf.message((1, tf.message((1, 0), (2, "layer-0"))))))), WITH, "cannot be converted"),
    "checkpoint of nothing": (checkpoint({}), WITH, "TensorFlow 1"),
    "architecture, deep": (architecture("[" * 10**5), WITH, "not valid JSON"),
    "architecture, a program": (architecture('class_name: !!python/object/apply:os.system ["id"]\n'), WITH, "YAML"),
    "architecture, a foreign class": (
        architecture({"module": "os", "class_name": "system", "config": {"command": "id"}}), WITH, "system"),
    "architecture, without end": (
        both(architecture(""), sparse("a.json", LONG_NAME)), WITH, "more than"),
    "architecture, enormous": (
        architecture(sequential_config(layer_config("Dense", "dense", units=10**18))), WITH, "kernel"),
    "architecture, a device": (architecture(""), ["kconvert", "w", "out", "--config", "/dev/zero"], "not a regular"),
    "shard outside": (shards(["../x.h5"]), WITH, "as a file of weights"),
    "shard with a zero byte": (shards(["x\0.h5"]), WITH, ""),
    "shard of a long name": (shards(["x" * 5000]), WITH, ""),
    "shard of half a character": (shards(["\ud800"]), WITH, ""),
    "shard that is a number": (shards([3]), WITH, "as a file of weights"),
    "shard twice": (shards(["x.h5", "y.h5"]), WITH, "two of its files hold"),
    "shard that is a link": (shards(["z.h5"], link("z.h5", "/etc/passwd")), WITH, "not beside it"),
    "shard that is a pipe": (shards(["z.h5"], pipe("z.h5")), WITH, "not beside it"),
    "shard that is the list": (shards(["w"]), WITH, "HDF5"),
    "model without end": (sparse("model", LONG_NAME), CONVERT, "more than"),
    "scan without end": (sparse("model", LONG_NAME), ["kconvert", "--dry-run", "model"], "more than"),
    "code without a file": (
        architecture(ARCHITECTURE), ["kconvert", "w", "out", "--import", "no/such.py"], ""),
}  # fmt: skip

REQUESTS = {**{f"input {name}": case for name, case in INPUTS.items()}, **FOLDERS, **BUNDLE_COMMANDS}
