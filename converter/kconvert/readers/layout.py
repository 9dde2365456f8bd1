"""Which variables a layer has, in the order in which Keras 2 lists them: for files that store weights in lists.

Keras 3 addresses every variable by attribute path; HDF5 files list the weights of each top-level layer: trainable
ones first, nested models and wrappers flattened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ..modelspec import build_layer, join
from ..spec import LayerSpec


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: its address in Keras 3's form, its name, and whether it is trained."""

    address: str
    name: str
    trainable: bool = True


def variables(layer: LayerSpec) -> list[Variable]:
    """Return the variables of a layer in the order in which they are listed: trainable ones first."""
    found = list(_walk(layer))
    return [v for v in found if v.trainable] + [v for v in found if not v.trainable]


def _walk(layer: LayerSpec) -> Iterator[Variable]:
    """Yield the variables of a layer and all within it, in layer order."""
    frozen = layer.config.get("trainable") is False
    for variable in _own(layer):
        yield replace(variable, trainable=False) if frozen else variable


def _own(layer: LayerSpec) -> Iterator[Variable]:
    if layer.model is not None:
        for inner in layer.model.layers:
            yield from _walk(inner)
        return
    name = layer.key.removeprefix("keras.layers.")
    if name in WRAPPED:
        for attribute, setting in WRAPPED[name]:
            yield from _walk(_child(layer, setting, attribute))
        if name == "SpectralNormalization":
            yield Variable(join(layer.address, "vars", "0"), "vector_u", trainable=False)
        return
    rule = RULES.get(name)
    for index, (variable, trainable) in enumerate(rule(layer.config) if rule else ()):
        child, _, own = variable.rpartition("/")
        number = index if not child else int(own[0]) if own[0].isdigit() else index
        label = own.partition(":")[2] or own
        yield Variable(join(layer.address, child, "vars", str(number)), label, trainable)


def _child(layer: LayerSpec, setting: str, attribute: str) -> LayerSpec:
    config = layer.config.get(setting)
    if setting == "backward_layer" and not config:
        config = layer.config.get("layer")
    if not isinstance(config, dict):
        raise ModelFileError(f"Layer {show(layer.path)} has no {setting!r} in its config.")
    return build_layer(config, join(layer.path, attribute), join(layer.address, attribute))


Names = list[tuple[str, bool]]
Rule = Callable[[Any], Names]

WRAPPED = {
    "Bidirectional": (("forward_layer", "layer"), ("backward_layer", "backward_layer")),
    "TimeDistributed": (("layer", "layer"),),
    "SpectralNormalization": (("layer", "layer"),),
}


def _with_bias(*kernels: str, bias: str = "bias") -> Rule:
    def names(config: Any) -> Names:
        listed = [*kernels, bias] if config.get("use_bias", True) else [*kernels]
        return [(name, True) for name in listed]

    return names


def _cell(config: Any) -> Names:
    listed = ["kernel", "recurrent_kernel", *(["bias"] if config.get("use_bias", True) else [])]
    return [(f"cell/{i}:{name}", True) for i, name in enumerate(listed)]


def _batch_normalization(config: Any) -> Names:
    listed = [("gamma", True)] * bool(config.get("scale", True)) + [("beta", True)] * bool(config.get("center", True))
    return [*listed, ("moving_mean", False), ("moving_variance", False)]


def _scale_and_center(config: Any) -> Names:
    return [("gamma", True)] * bool(config.get("scale", True)) + [("beta", True)] * bool(config.get("center", True))


def _attention(config: Any) -> Names:
    listed = []
    for dense in ("query_dense", "key_dense", "value_dense", "output_dense"):
        listed.append((f"{dense}/0:kernel", True))
        if config.get("use_bias", True):
            listed.append((f"{dense}/1:bias", True))
    return listed


def _fixed(*names: str, trainable: bool = True) -> Rule:
    return lambda config: [(name, trainable) for name in names]


def _einsum_dense(config: Any) -> Names:
    return [("kernel", True)] + [("bias", True)] * (config.get("bias_axes") is not None)


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("Dense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
        _with_bias("kernel"),
    ),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _with_bias("depthwise_kernel")),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _with_bias("depthwise_kernel", "pointwise_kernel")),
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _cell),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), _scale_and_center),
    "BatchNormalization": _batch_normalization,
    "Embedding": _fixed("embeddings"),
    "PReLU": _fixed("alpha"),
    "Normalization": _fixed("mean", "variance", "count", trainable=False),
    "EinsumDense": _einsum_dense,
    "MultiHeadAttention": _attention,
    "GroupQueryAttention": _attention,
    "AdditiveAttention": lambda config: [("scale", True)] * bool(config.get("use_scale", True)),
    "Attention": lambda config: [("scale", True)] * bool(config.get("use_scale", False)),
}
"""Layer -> its variables; 'cell/0:kernel' is variable 0 of the object at attribute `cell`, called kernel."""
