"""Which variables a layer has, in the order in which Keras 2 lists them: for files that store weights in lists.

Keras 3 addresses every variable by attribute path; HDF5 files list the weights of each top-level layer: trainable
ones first, nested models and wrappers flattened. TensorFlow's checkpoints name the attributes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kconvert_schemas.errors import ModelFileError, show

from ..dialects.names import LAYERS
from ..modelspec import build_layer, join, snake_case
from ..spec import LayerSpec


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: the layer that owns it, its address in Keras 3's form, its name, and whether it is trained.

    trainable: as its layer and all models around it say. alone: as its own layer says.
    """

    layer: LayerSpec
    address: str
    name: str
    trainable: bool = True
    alone: bool = True


def variables(layer: LayerSpec, names: Sequence[str] = ()) -> list[Variable]:
    """Return the variables of a layer and of all within it, in layer order.

    names: how a file calls the weights of the outermost layer; they tell what the layers of authors have.
    """
    return list(_walk(layer, names))


def trainable_first(found: Sequence[Variable], *, alone: bool = False) -> list[Variable]:
    """Return variables in the order in which Keras lists them.

    alone: as Keras 3 does within a model, where a layer may be trained in a model that is not.
    """
    trained = [v.alone if alone else v.trainable for v in found]
    return [v for v, first in zip(found, trained, strict=True) if first] + [
        v for v, first in zip(found, trained, strict=True) if not first
    ]


def has_rule(layer: LayerSpec) -> bool:
    """Whether the variables of this class are known; those of an author's class are not."""
    return layer.model is not None or layer.key.removeprefix("keras.layers.") in LAYERS


def _walk(layer: LayerSpec, names: Sequence[str]) -> Iterator[Variable]:
    frozen = layer.config.get("trainable") is False
    for variable in _all(layer, names):
        alone = variable.alone and not (frozen and variable.layer is layer)
        yield replace(variable, trainable=variable.trainable and not frozen, alone=alone)


def _all(layer: LayerSpec, names: Sequence[str]) -> Iterator[Variable]:
    yield from own(layer, names)
    inner = layer.model.layers if layer.model is not None else [inner for inner, _ in wrapped(layer)]
    for each in inner:
        yield from _walk(each, names)


def own(layer: LayerSpec, names: Sequence[str] = ()) -> Iterator[Variable]:
    """Yield the variables of a layer itself, whether they are trained or not."""
    if layer.model is not None:
        return
    if not has_rule(layer):
        listed = [last(name) for name in names if layer.name in name.split("/")]
        yield from (Variable(layer, join(layer.address, "vars", str(i)), n) for i, n in enumerate(listed))
        return
    rule = RULES.get(layer.key.removeprefix("keras.layers."))
    for index, (variable, trained) in enumerate(rule(layer.config) if rule else ()):
        child, _, label = variable.rpartition("/")
        number = index if not child else int(label[0]) if label[0].isdigit() else index
        label = label.partition(":")[2] or label
        yield Variable(layer, join(layer.address, child, "vars", str(number)), label, trained, trained)


def last(name: str) -> str:
    """Return what a weight is called within its layer: 'kernel' of 'dense_1/kernel:0'."""
    return name.rpartition("/")[2].partition(":")[0]


def wrapped(layer: LayerSpec) -> Iterator[tuple[LayerSpec, list[str]]]:
    """Yield the layers in a wrapper in the order of their weights, each with the attributes that lead to it."""
    for attribute, setting in WRAPPED.get(layer.key.removeprefix("keras.layers."), ()):
        given = layer.config.get(setting)
        if setting == "backward_layer" and not given:
            given = layer.config.get("layer")
        many = isinstance(given, list)
        used = Counter[str]()
        for i, config in enumerate(given if isinstance(given, list) else [given]):
            if not isinstance(config, dict):
                raise ModelFileError(f"Layer {show(layer.path)} has no {setting!r} in its config.")
            kind = snake_case(str(config.get("class_name")))
            place = join(attribute, f"{kind}_{used[kind]}" if used[kind] else kind) if many else attribute
            used[kind] += 1
            inner = build_layer(config, join(layer.path, attribute), join(layer.address, place))
            yield inner, [attribute, str(i)] if many else [attribute]


Names = list[tuple[str, bool]]
Rule = Callable[[Any], Names]

WRAPPED = {
    "Bidirectional": (("forward_layer", "layer"), ("backward_layer", "backward_layer")),
    "TimeDistributed": (("layer", "layer"),),
    "SpectralNormalization": (("layer", "layer"),),
    "RNN": (("cell", "cell"),),
    "StackedRNNCells": (("cells", "cells"),),
}
"""Layer -> the attributes that hold other layers, each with the setting that describes them."""


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


def _recurrent_cell(config: Any) -> Names:
    return [("kernel", True), ("recurrent_kernel", True)] + [("bias", True)] * bool(config.get("use_bias", True))


def _attention(config: Any) -> Names:
    listed = []
    for dense in ("query_dense", "key_dense", "value_dense", "output_dense"):
        listed.append((f"{dense}/0:kernel", True))
        if config.get("use_bias", True):
            listed.append((f"{dense}/1:bias", True))
    return listed


def _dot_attention(config: Any) -> Names:
    concat = config.get("score_mode") == "concat"
    return [("scale", True)] * bool(config.get("use_scale", False)) + [("concat_score_weight", True)] * concat


def _spectrogram(config: Any) -> Names:
    mode = config.get("mode")
    return [("real_kernel", True)] * (mode != "imag") + [("imag_kernel", True)] * (mode != "real")


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
    **dict.fromkeys(("SimpleRNNCell", "LSTMCell", "GRUCell"), _recurrent_cell),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), _scale_and_center),
    "BatchNormalization": _batch_normalization,
    "RMSNormalization": _fixed("scale"),
    "SpectralNormalization": _fixed("vector_u", trainable=False),
    "Embedding": _fixed("embeddings"),
    "ReversibleEmbedding": lambda config: (
        [("embeddings", True)] + [("reverse_embeddings", True)] * (not config.get("tie_weights", True))
    ),
    "PReLU": _fixed("alpha"),
    "Normalization": _fixed("mean", "variance", "count", trainable=False),
    "EinsumDense": _einsum_dense,
    "MultiHeadAttention": _attention,
    "GroupQueryAttention": _attention,
    "AdditiveAttention": lambda config: [("scale", True)] * bool(config.get("use_scale", True)),
    "Attention": _dot_attention,
    "STFTSpectrogram": lambda config: (
        [("real_kernel", True)] * (config.get("mode") != "imag")
        + [("imag_kernel", True)] * (config.get("mode") != "real")
    ),
}
"""Layer -> its variables; 'cell/0:kernel' is variable 0 of the object at attribute `cell`, called kernel."""
