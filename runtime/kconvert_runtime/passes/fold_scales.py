"""Multiply the weights of a convolution or a product, instead of its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node

from .program import Program


def fold_scales(program: Program) -> Program:
    """Fold a multiplication by one constant for each channel into the weights before it.

    1. conv or matmul by weights, then multiply: the weights are multiplied.
    2. conv or matmul, then add of a constant, then multiply: weights and constant are multiplied.
    3. conv_transpose: its filters stand on the last axis but one.
    4. a value that is read by others too, or weights that are computed: left.
    """
    readers, writers = program.readers(), program.writers()
    renamed: dict[str, str] = {}
    changed: dict[str, Node] = {}
    new: dict[str, Array] = {}
    for node in program.graph.nodes:
        scale = _constant(program, node, "multiply")
        if scale is None:
            continue
        x = renamed.get(str(node.inputs[0]), str(node.inputs[0]))
        before = writers.get(x)
        before = changed.get(before.name, before) if before else None
        offset = _constant(program, before, "add", new) if before else None
        product = writers.get(str(before.inputs[0])) if before and offset is not None else before
        product = changed.get(product.name, product) if product else None
        if before is None or product is None or any(readers.get(n.outputs[0], 0) > 1 for n in (before, product)):
            continue
        kernel = _scaled(program, product, scale, new)
        if kernel is None:
            continue
        name = f"{product.name}/{node.name}/kernel"
        new[name] = kernel
        changed[product.name] = replace(product, inputs=(product.inputs[0], name, *product.inputs[2:]))
        if offset is not None:
            new[f"{name}/offset"] = offset * scale
            changed[before.name] = replace(before, inputs=(before.inputs[0], f"{name}/offset"))
        renamed[node.outputs[0]] = before.outputs[0]
        readers[before.outputs[0]] = readers.get(node.outputs[0], 0)
    if not renamed:
        return program
    return _rewritten(program, renamed, changed, new)


def _constant(program: Program, node: Node, op: str, new: Mapping[str, Array] | None = None) -> Array | None:
    """The constant that `op` combines its first input with, one number for each channel or one for all."""
    name = str(node.inputs[1]) if node.op == op else ""
    array = (new or {}).get(name, program.weights.get(name))
    if array is None:
        return None
    shape = program.graph.values[node.outputs[0]].shape
    flat = all(size == 1 for size in array.shape[:-1]) and array.ndim <= len(shape)
    return array if flat and array.dtype.name in ("float32", "float64") else None


def _scaled(program: Program, node: Node, scale: Array, new: Mapping[str, Array]) -> Array | None:
    """The weights of a node times a constant; None for another node."""
    name = str(node.inputs[1]) if len(node.inputs) > 1 else ""
    kernel = new.get(name, program.weights.get(name))
    if kernel is None or node.op not in ("conv", "conv_transpose", "matmul"):
        return None
    if node.op == "matmul" and kernel.ndim != 2:
        return None
    if node.op != "matmul" and node.attrs["data_format"] != "channels_last":
        return None
    factor = scale.reshape(-1)[:, None] if node.op == "conv_transpose" else scale.reshape(-1)
    return np.asarray(kernel * factor, kernel.dtype)


def _rewritten(
    program: Program, renamed: Mapping[str, str], changed: Mapping[str, Node], new: Mapping[str, Array]
) -> Program:
    graph = program.graph
    nodes = tuple(
        replace(node, inputs=tuple(renamed.get(v, v) if v is not None else None for v in node.inputs))
        for node in (changed.get(node.name, node) for node in graph.nodes)
        if node.outputs[0] not in renamed
    )
    ports = tuple(replace(port, value=renamed.get(port.value, port.value)) for port in graph.outputs.ports)
    values = {name: type_ for name, type_ in graph.values.items() if name not in renamed}
    done = replace(program, graph=replace(graph, outputs=replace(graph.outputs, ports=ports)))
    return done.with_nodes(nodes, values, new)
