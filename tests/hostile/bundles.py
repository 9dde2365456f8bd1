"""Hostile bundles: each is made from a small good one by changing graph.json, weights.npz or both."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kconvert_schemas.bundle import write_bundle
from tests.helpers import KERNEL, dense_graph

HUGE = 2**62
CLEAR = "\x1b[2J"
Make = Callable[[Path], None]


def good(folder: Path) -> dict[str, Any]:
    write_bundle(folder, dense_graph(), lambda name: KERNEL)
    found: dict[str, Any] = json.loads((folder / "graph.json").read_text())
    return found


def graph(change: Callable[[dict[str, Any]], Any]) -> Make:
    """Change the JSON of a good graph."""

    def make(folder: Path) -> None:
        data = good(folder)
        changed = change(data)
        text = changed if isinstance(changed, str) else json.dumps(data)
        (folder / "graph.json").write_bytes(text.encode("utf-8", "surrogatepass"))

    return make


def text(change: Callable[[str], str]) -> Make:
    return graph(lambda data: change(json.dumps(data)))


def op(name: str, gives: list[int | None], /, *, reads: tuple[str | None, ...] = ("x",), of: str = "float32",
       inputs: list[int | None] | None = None, outputs: int = 1, **attrs: Any) -> Make:  # fmt: skip
    """A graph of one op on x (any number of rows, 2), whose outputs are said to have the shape `gives`."""

    def change(data: dict[str, Any]) -> None:
        names = [f"y{i}" for i in range(outputs)]
        node = {"op": name, "name": "n", "layer": "l", "inputs": list(reads), "outputs": names, "attrs": attrs}
        type_ = {"shape": gives, "dtype": of}
        port = {"name": "x", "value": "x", "shape": inputs or [None, 2], "dtype": "float32"}
        data["inputs"] = {"structure": "x", "tensors": [port]}
        data["outputs"] = {"structure": "y", "tensors": [{"name": "y", "value": "y0", **type_}]}
        data.update(layers={}, nodes=[node], values=dict.fromkeys(names, type_))

    return graph(change)


def chain(count: int) -> str:
    """Many nodes, each on the one before."""
    type_ = {"shape": [None, 3], "dtype": "float32"}
    nodes = [
        {"op": "relu", "name": f"n{i}", "layer": "", "inputs": [f"v{i - 1}" if i else "x"], "outputs": [f"v{i}"],
         "attrs": {}}
        for i in range(count)
    ]  # fmt: skip
    return json.dumps({"nodes": nodes, "values": {f"v{i}": type_ for i in range(count)}})[1:-1]


def many_nodes(data: dict[str, Any]) -> str:
    rest = {key: value for key, value in data.items() if key not in ("nodes", "values")}
    return json.dumps(rest)[:-1] + ", " + chain(60_000) + "}"


def nested_bodies(depth: int) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        values = {"i": {"shape": [None, 2], "dtype": "float32"}}
        body: dict[str, Any] = {"inputs": ["i"], "outputs": ["i"], "nodes": [], "values": values}
        for i in range(depth):
            node = {"op": "scan", "name": f"n{i}", "layer": "", "inputs": ["i"], "outputs": [f"o{i}", f"p{i}"],
                    "attrs": {"body": body}}  # fmt: skip
            body = {"inputs": ["i"], "outputs": ["i"], "nodes": [node], "values": values}
        data["nodes"][0]["op"], data["nodes"][0]["attrs"] = "scan", {"body": body}

    return change


def npz(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Make:
    def make(folder: Path) -> None:
        good(folder)
        with zipfile.ZipFile(folder / "weights.npz", "w", method) as archive:
            for name, data in members.items():
                archive.writestr(name, data)

    return make


def header(shape: str, descr: str = "<f4", data: bytes = b"") -> bytes:
    """An .npy file whose header says what it is told to."""
    said = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(said)) + said + data


def kernel(data: bytes) -> Make:
    return npz({"dense/kernel.npy": data})


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([{"a": 1}], object), allow_pickle=True)
    return buffer.getvalue()


def overlapping(folder: Path) -> None:
    """Two weights in one place of the file."""
    data = good(folder)
    data["weights"]["z"] = data["weights"]["dense/kernel"]
    (folder / "graph.json").write_text(json.dumps(data))
    with zipfile.ZipFile(folder / "weights.npz", "w") as archive:
        archive.writestr("z.npy", header("(2, 3)", data=KERNEL.tobytes()))
        archive.writestr("dense/kernel.npy", header("(2, 3)", data=KERNEL.tobytes()))
    raw = bytearray((folder / "weights.npz").read_bytes())
    at = raw.index(b"PK\x01\x02")
    size = struct.unpack_from("<I", raw, at + 20)[0] + 60
    struct.pack_into("<II", raw, at + 20, size, size)
    (folder / "weights.npz").write_bytes(raw)


def crowd(folder: Path) -> None:
    npz({f"{i}.npy": b"" for i in range(20_000)})(folder)


def pipe(folder: Path) -> None:
    good(folder)
    (folder / "weights.npz").unlink()
    os.mkfifo(folder / "weights.npz")


def strings(folder: Path) -> None:
    """A weight of strings that is no list of strings, but deep."""
    data = good(folder)
    data["weights"]["dense/kernel"] |= {"dtype": "string", "shape": [100_000]}
    data |= {"nodes": [], "values": {}, "layers": {}, "outputs": {**data["inputs"]}}
    (folder / "graph.json").write_text(json.dumps(data))
    raw = b"[" * 100_000
    with zipfile.ZipFile(folder / "weights.npz", "w") as archive:
        archive.writestr("dense/kernel.npy", header(f"({len(raw)},)", "|u1", raw))


IMAGE: list[int | None] = [None, 8, 8, 1]
POOL = {"inputs": IMAGE, "padding": "same", "data_format": "channels_last"}

BUNDLES: dict[str, tuple[Make, str]] = {
    "deep json": (text(lambda t: "[" * 100_000 + "]" * 100_000), "limit graph_depth"),
    "deep structure": (graph(lambda d: d["inputs"].update(structure=json.loads("[" * 500 + '"x"' + "]" * 500))),
                       "limit graph_depth"),
    "long": (graph(lambda d: d.update(producer="p" * (65 << 20))), "limit graph_size"),
    "many nodes": (graph(many_nodes), "limit nodes"),
    "nested bodies": (graph(nested_bodies(12)), "limit bodies"),
    "doubled key": (text(lambda t: t.replace('"version"', '"producer": "a", "version"', 1)), "stands twice"),
    "endless number": (text(lambda t: t.replace('"version": 1', '"version": ' + "1" * 100_000)), "20 digits"),
    "NaN": (text(lambda t: t.replace('"version": 1', '"version": NaN')), "NaN is not JSON"),
    "half a character": (text(lambda t: t.replace('"dense"', r'"\ud800"', 1)), "lone surrogate"),
    "not UTF-8": (text(lambda t: t.replace('"dense"', '"\ud800"', 1)), "not UTF-8"),
    "long name": (graph(lambda d: d["nodes"][0].update(name=CLEAR * 200_000, op=CLEAR * 200_000)), "unknown op"),
    "a size beyond 64 bits": (graph(lambda d: d["values"]["mm"].update(shape=[None, 2**64])), "below 2**63"),
    "a size below 0": (graph(lambda d: d["values"]["mm"].update(shape=[None, -3])), "at least 0"),
    "many axes": (graph(lambda d: d["values"]["mm"].update(shape=[1] * 10_000)), "limit rank"),
    "from the future": (graph(lambda d: d.update(version=2)), "this kconvert reads version 1"),
    "op of the future": (graph(lambda d: d["opsets"].update(kconvert=99)), "version 99"),
    "namespace not stated": (graph(lambda d: d["nodes"][1].update(op="os::system")), "which opsets does not state"),
    "namespace not there": (
        graph(lambda d: (d["opsets"].update(os=1), d["nodes"][1].update(op="os::system"))), "install the package"),
    "activation of a stranger": (
        op("simple_rnn", [None, 2], reads=("x", "dense/kernel", "dense/kernel"), activation="os::system"),
        "which opsets does not state"),
    "wrong digest": (graph(lambda d: d.update(weights_sha256="x")), "64 hexadecimal digits"),
    "full": (op("full", [HUGE], reads=(None,), shape=[HUGE], value=0, dtype="float32"), "limit value_size"),
    "full without end": (op("full", [None], reads=("x",), shape=["like.0*" + "9" * 100_000], value=0,
                            dtype="float32"), "a list of sizes"),
    "full of rows": (op("full", [None, None], reads=("x",), shape=["like.0*1000000", "like.1*1000000"], value=0,
                        dtype="float32"), "limit run_memory"),
    "full product": (op("full", [None], reads=(None,), shape=[2**40, 2**40], value=0, dtype="float32"), "value_size"),
    "rank of a full": (op("full", [None], reads=(None,), shape=[1] * 1000, value=0, dtype="float32"), "limit rank"),
    "broadcast": (op("broadcast_to", [2**40, None, 2], shape=[2**40, "x.0", 2]), "limit value_size"),
    "one hot": (op("one_hot", [None, 2, HUGE], dtype="float32", depth=HUGE), "does not take float32"),
    "pad": (op("pad", [None, HUGE + 2], pads=[[0, 0], [0, HUGE]]), "limit value_size"),
    "pad of rows": (op("pad", [None, 2], pads=[[0, HUGE], [0, 0]]), "limit run_memory"),
    "pad below 0": (op("pad", [None, 2], pads=[[0, 0], [-1, 1]]), "at least 0"),
    "resize": (op("resize", [None, HUGE, HUGE, 1], inputs=IMAGE, size=[HUGE, HUGE]), "limit value_size"),
    "pool": (op("max_pool", IMAGE, pool_size=[HUGE, HUGE], strides=[1, 1], **POOL), "limit run_memory"),
    "pool of a million": (op("max_pool", IMAGE, pool_size=[10**6, 10**6], strides=[1, 1], **POOL), "run_memory"),
    "stride of 0": (op("max_pool", IMAGE, pool_size=[1, 1], strides=[0, 1], **POOL), "at least 1"),
    "no strides": (op("max_pool", IMAGE, pool_size=[1, 1], strides=[], **POOL), "must have 2 entries"),
    "axis": (op("sum", [2], axes=[HUGE], keepdims=False), "outside a rank"),
    "axis of 2 ** 63": (op("sum", [2], axes=[2**63], keepdims=False), "a list of integers"),
    "one axis twice": (op("sum", [2], axes=[0, 0], keepdims=False), "name one axis twice"),
    "slice with step 0": (op("slice", [None, 2], slices=[None, [0, 1, 0]]), "other than 0"),
    "ragged constant": (op("constant", [2], reads=(), value=[[1], [1, 2]], dtype="float32"), "ragged"),
    "deep constant": (op("constant", [2], reads=(), value=json.loads("[" * 190 + "]" * 190), dtype="float32"), ""),
    "words for numbers": (op("constant", [], reads=(), value="a", dtype="float32"), ""),
    "bins": (op("bincount", [None], dtype="int32", minlength=HUGE, maxlength=HUGE), ""),
    "unknown attribute": (op("relu", [None, 2], __class__="os"), "has no attribute"),
    "einsum": (op("einsum", [None], equation="a" * 900 + "->a"), "does not name every axis"),
    "reads itself": (op("relu", [None, 2], reads=("y0",)), "before anything writes it"),
    "no npz": (lambda f: (good(f), (f / "weights.npz").write_bytes(b""))[0] and None, "not a readable zip"),
    "compressed": (npz({"dense/kernel.npy": bytes(1 << 20)}, zipfile.ZIP_DEFLATED), "must be stored"),
    "pickled": (kernel(pickled()), "not a plain .npy"),
    "shape of ones": (kernel(header("(" + "1" * 60 + "x)")), "not a plain .npy"),
    "shape bomb": (kernel(header("(1099511627776,)")), "does not fill"),
    "beyond 64 bits": (kernel(header(f"(0, {2**70})")), "does not fill"),
    "shape with blanks": (kernel(header("(2,  3)", data=KERNEL.tobytes())), "as NumPy writes it"),
    "other name": (npz({"../kernel.npy": header("(2, 3)", data=KERNEL.tobytes())}), "do not name the same weights"),
    "overlapping": (overlapping, "overlaps"),
    "crowd": (crowd, "list of members is too long"),
    "pipe": (pipe, "no kconvert bundle"),
    "strings": (strings, "must hold the JSON list of its strings"),
}  # fmt: skip
