"""Run models whose channels come first with channels last, as the kernels do: turned around at the ends alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType
from kconvert_schemas.ops import activation, elementwise

from .program import Program

POINTWISE = {spec.name for spec in (*elementwise.OPS, *activation.OPS) if not {"axis", "axes"} & spec.attrs.keys()}
REDUCTIONS = ("sum", "mean", "max", "min", "prod")


def one_layout(program: Program) -> Program:
    """Compute values (batch, channels, spatial...) as (batch, spatial..., channels) from where that is first asked for.

    1. an op that has the channels first: it has them last, its image is turned around, its result stays so.
    2. ops that work element by element, concatenate, pad or reduce, on values that are turned around: on these, with
       constants and axes to match.
    3. any other reader, and the outputs of the model: they get the value turned back.
    4. no op with channels first: nothing changes.
    """
    if not any(node.attrs.get("data_format") == "channels_first" for node in program.graph.nodes):
        return program
    turning = _Turning(program)
    for node in program.graph.nodes:
        turning.add(node)
    for port in program.graph.outputs.ports:
        turning.whole(port.value)
    return program.with_nodes(tuple(turning.nodes), turning.values, turning.new)


class _Turning:
    """The new program while it is written. last: the values that are there with channels last, by their names."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.nodes: list[Node] = []
        self.values: dict[str, TensorType] = {}
        self.new: dict[str, Array] = {}
        self.last: dict[str, str] = {}
        self._there = {port.value for port in program.graph.inputs.ports} | set(program.weights)

    def add(self, node: Node) -> None:
        """Write a node, on values with channels last if it can be."""
        attrs = self._attrs(node)
        if attrs is None:
            for value in node.inputs:
                if value is not None:
                    self.whole(value)
            self.nodes.append(node)
            self._there.update(node.outputs)
            self.values.update({value: self._type(value) for value in node.outputs})
            return
        many = node.op in POINTWISE or node.op == "concatenate"
        images = [value for i, value in enumerate(node.inputs) if value is not None and (many or i == 0)]
        inputs = tuple(self._turned(value, node) if value in images else value for value in node.inputs)
        for value in node.inputs:
            if value is not None and value not in images:
                self.whole(value)
        (output,) = node.outputs
        if node.op in REDUCTIONS and not attrs["keepdims"]:  # the channels alone are left
            self.nodes.append(replace(node, inputs=inputs, attrs=attrs))
            self._there.add(output)
            self.values[output] = self._type(output)
            return
        turned = self.last[output] = f"{output}/last"
        self.nodes.append(replace(node, inputs=inputs, outputs=(turned,), attrs=attrs))
        self.values[turned] = _permuted(self._type(output))

    def whole(self, value: str) -> None:
        """See to it that a value is there as the graph has it."""
        if value in self._there or value not in self.last:
            return
        self._there.add(value)
        type_ = self._type(value)
        axes = [0, len(type_.shape) - 1, *range(1, len(type_.shape) - 1)]
        self.nodes.append(Node("transpose", f"{value}/back", "", (self.last[value],), (value,), {"axes": axes}))
        self.values[value] = type_

    def _attrs(self, node: Node) -> Mapping[str, Any] | None:
        """The attributes of a node that works with channels last; None for one that is left as it is."""
        if node.attrs.get("data_format") == "channels_first":
            counted = all(isinstance(size, int) for size in node.attrs.get("size", ()))  # not by the axes of the image
            return {**node.attrs, "data_format": "channels_last"} if counted else None
        if len(node.outputs) != 1 or not node.inputs or node.inputs[0] is None:
            return None
        rank = len(self._type(node.inputs[0]).shape)
        if node.op in POINTWISE:
            return node.attrs if self._all_turn(node) else None
        if node.inputs[0] not in self.last:
            return None
        if node.op == "concatenate":
            alike = all(value in self.last for value in node.inputs)
            return {**node.attrs, "axis": _moved(node.attrs["axis"], rank)} if alike else None
        if node.op == "pad":
            pads = node.attrs["pads"]
            return {**node.attrs, "pads": [pads[0], *pads[2:], pads[1]]}
        if node.op in REDUCTIONS:
            axes = sorted(_moved(axis, rank) for axis in node.attrs["axes"])
            left = node.attrs["keepdims"] or axes == list(range(1, rank - 1))
            return {**node.attrs, "axes": axes} if left else None
        return None

    def _all_turn(self, node: Node) -> bool:
        """Whether some input is there with channels last and as large as the result, and the others can be, too."""
        shape = self._type(node.outputs[0]).shape
        rank = len(shape)
        if not any(value in self.last and self._type(value).shape == shape for value in node.inputs):
            return False
        ranks = {value: len(self._type(value).shape) for value in node.inputs}
        return all(ranks[value] in (0, rank) or value in self.program.weights for value in node.inputs)

    def _turned(self, value: str, node: Node) -> str:
        """The name of a value with channels last."""
        if value in self.last:
            return self.last[value]
        type_ = self._type(value)
        rank = len(self._type(node.outputs[0]).shape)
        if not type_.shape:
            return value
        turned = f"{value}/last"
        if value in self.program.weights and node.op in POINTWISE:
            array = self.program.weights[value]
            array = array.reshape([1] * (rank - array.ndim) + list(array.shape))
            turned = f"{value}/last{rank}"
            self.new[turned] = array.transpose([0, *range(2, rank), 1])
            return turned
        self.whole(value)
        axes = [0, *range(2, len(type_.shape)), 1]
        self.nodes.append(Node("transpose", turned, node.layer, (value,), (turned,), {"axes": axes}))
        self.last[value], self.values[turned] = turned, _permuted(type_)
        return turned

    def _type(self, value: str | None) -> TensorType:
        return self.program.graph.type_of(str(value))


def _permuted(type_: TensorType) -> TensorType:
    batch, channels, *sizes = type_.shape
    return TensorType((batch, *sizes, channels), type_.dtype)


def _moved(axis: int, rank: int) -> int:
    """Where an axis of (batch, channels, spatial...) stands with channels last."""
    axis %= rank
    return {0: 0, 1: rank - 1}.get(axis, axis - 1)
