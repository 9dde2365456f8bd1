"""Zeros around an image, left to the convolution or the pooling that reads it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kconvert_schemas.graph import Node, TensorType

from .fuse import DTYPES, Group


def absorb(groups: Sequence[Group], types: Mapping[str, TensorType], kept: Collection[str]) -> list[Group]:
    """Let what reads a padded image put the zeros around it, so that the image is not copied for them.

    The reader reads what the `pad` reads; its attribute `zeros` says how many there are before and after each
    spatial axis. A padded value that is read by anything else, or is one of `kept`, is left.
    """
    pads = {one.output: one.nodes[0] for one in groups if len(one.nodes) == 1 and _is_border(one.nodes[0])}
    gone = {value for value in pads if value not in kept and types[value].dtype in DTYPES}
    for one in groups:
        read = {value for node in one.nodes for value in node.inputs if value in gone}
        gone -= {value for value in read if not _takes(one, str(value), types)}
    return [_absorbing(one, pads, gone) for one in groups if one.output not in gone]


def _is_border(node: Node) -> bool:
    """Whether a node puts zeros around spatial axes only."""
    if node.op != "pad" or node.attrs["mode"] != "constant" or node.attrs["value"] != 0:
        return False
    pads = node.attrs["pads"]
    return len(pads) > 2 and not any(pads[0]) and not any(pads[-1])


def _takes(one: Group, value: str, types: Mapping[str, TensorType]) -> bool:
    """Whether a group reads `value` as the image of an op of which some candidate is sure to be taken."""
    first = one.first
    if first is None or first.inputs[0] != value or any(value in node.inputs for node in one.nodes[1:]):
        return False
    shape = types[first.outputs[0]].shape
    if first.attrs.get("data_format") != "channels_last" or None in shape or 0 in shape:
        return False
    if first.op == "max_pool":
        return bool(first.attrs["padding"] == "valid")
    return first.op == "conv"


def _absorbing(one: Group, pads: Mapping[str, Node], gone: Collection[str]) -> Group:
    first = one.first
    if first is None or not first.inputs or first.inputs[0] not in gone:
        return one
    pad = pads[str(first.inputs[0])]
    attrs = {**first.attrs, "zeros": pad.attrs["pads"][1:-1]}
    merged = replace(first, inputs=(pad.inputs[0], *first.inputs[1:]), attrs=attrs)
    return replace(one, first=merged, nodes=(merged, *one.nodes[1:]))
