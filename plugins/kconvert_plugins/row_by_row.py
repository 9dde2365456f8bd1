"""Which layers treat each sample of a batch by itself, judged from their settings alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kconvert import Emitter, LayerSpec, TensorRef


def names(text: str) -> frozenset[str]:
    """Return the full names of layer classes that stand in a text."""
    return frozenset(f"keras.layers.{name}" for name in text.split())


MODELS = frozenset({"keras.Functional", "keras.Sequential"})

LAYERS = names(
    """
    Dense Embedding Activation ReLU LeakyReLU PReLU ELU Softmax Identity Masking Rescaling ActivityRegularization
    Conv1D Conv2D Conv3D SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D
    Conv1DTranspose Conv2DTranspose Conv3DTranspose
    MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization SpectralNormalization
    Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise
    Flatten Reshape Permute RepeatVector Cropping1D Cropping2D Cropping3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D UpSampling1D UpSampling2D UpSampling3D
    SimpleRNN LSTM GRU RNN SimpleRNNCell LSTMCell GRUCell StackedRNNCells ConvLSTM1D ConvLSTM2D ConvLSTM3D
    Bidirectional TimeDistributed Add Subtract Multiply Average Maximum Minimum Concatenate Dot
    MultiHeadAttention GroupedQueryAttention Attention AdditiveAttention
    """
)
ELEMENTWISE = frozenset(
    {
        "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "LogicalNot",
        "LogicalXor", "Cast", "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Power", "Maximum", "Minimum",
        "Negative", "Absolute", "Square", "Sqrt", "Exp", "Log", "Tanh", "Sigmoid", "Relu", "Softplus",
    }
)  # fmt: skip
REDUCTIONS = frozenset({"Any", "All", "Sum", "Mean", "Max", "Min", "Prod"})


def row_by_row(emit: Emitter, layer: LayerSpec, arguments: Any = ()) -> bool:
    """Whether a layer, called with `arguments` inside a model, treats each sample by itself; False if not known."""
    if not all(isinstance(axis, int) and (axis > 0 or axis == -1) for axis in _axes(layer)):
        return False
    if layer.model is not None:
        return all(row_by_row(emit, call.layer, [call.args, list(call.kwargs.values())]) for call in layer.model.calls)
    if layer.is_operation:
        known = layer.class_name in REDUCTIONS and "axis" in layer.config
        return known or (layer.class_name in ELEMENTWISE and _one_rank(arguments))
    return layer.key in LAYERS and all(row_by_row(emit, inner) for inner in _inner_layers(emit, layer))


def _axes(layer: LayerSpec) -> list[Any]:
    return _listed([layer.config.get(name, -1) for name in ("axis", "axes")])


def _inner_layers(emit: Emitter, layer: LayerSpec) -> Iterator[LayerSpec]:
    """Yield the layers in the settings of a layer: of wrappers, cells, activations that are layers."""
    for value in layer.config.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping) and "class_name" in item and isinstance(item.get("config"), Mapping):
                module, inner = str(item.get("module") or ""), emit.child(item, "layer")
                if inner.model or not module or module.startswith(("keras.layers", "keras.src.layers")):
                    yield inner


def _one_rank(arguments: Any) -> bool:
    """Whether an operation's arguments are one tensor, or tensors of one rank, and numbers: so no row meets another."""
    leaves = _listed(arguments)
    tensors = [leaf for leaf in leaves if isinstance(leaf, TensorRef)]
    ranks = {len(leaf.type.shape) if leaf.type else None for leaf in tensors}
    plain = all(leaf is None or isinstance(leaf, (TensorRef, bool, int, float, str)) for leaf in leaves)
    return plain and (len(tensors) == 1 or (len(ranks) == 1 and None not in ranks))


def _listed(value: Any) -> list[Any]:
    return [item for part in value for item in _listed(part)] if isinstance(value, (list, tuple)) else [value]
