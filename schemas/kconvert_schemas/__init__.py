"""The contract on disk: the graph data model, the op table, the strict codec and the checker. See FORMAT.md."""

from . import dtypes
from .bundle import read_bundle, write_bundle
from .check import check
from .errors import (
    BundleError,
    BundleNotFound,
    ConversionError,
    GraphError,
    ImportedError,
    InputError,
    KconvertError,
    ModelFileError,
    OutputError,
    PluginError,
)
from .graph import Body, Graph, Layer, Node, Port, Signature, Source, TensorType, Weight
from .ops import rules
from .opset import find_op, register_opset
from .opspec import Attr, Inputs, OpError, Opset, OpSpec

__all__ = [
    "Attr",
    "Body",
    "BundleError",
    "BundleNotFound",
    "ConversionError",
    "Graph",
    "GraphError",
    "ImportedError",
    "InputError",
    "Inputs",
    "KconvertError",
    "Layer",
    "ModelFileError",
    "Node",
    "OpError",
    "OpSpec",
    "Opset",
    "OutputError",
    "PluginError",
    "Port",
    "Signature",
    "Source",
    "TensorType",
    "Weight",
    "check",
    "dtypes",
    "find_op",
    "read_bundle",
    "register_opset",
    "rules",
    "write_bundle",
]
