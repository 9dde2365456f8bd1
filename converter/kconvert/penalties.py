"""What a bundle says for training: penalties and constraints of weights, and what is not trained as in Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kconvert_schemas.dtypes import FLOATS
from kconvert_schemas.errors import show
from kconvert_schemas.graph import Constraint, Penalty

from .graphbuilder import GraphBuilder
from .registry import BUILT_IN, Handler
from .spec import LayerSpec
from .symbol import Symbol
from .training import CHANCES

REGULARIZER, CONSTRAINT = "_regularizer", "_constraint"
FOLLOWED = {
    "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell", "ConvLSTM1D", "ConvLSTM2D",
    "ConvLSTM3D", "MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention",
}  # fmt: skip
"""Layers whose chances are in the graph."""
RANDOM = (
    "AugMix", "CutMix", "Equalization", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration",
    "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip",
    "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization",
    "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
    "Solarization",
)  # fmt: skip
INSTEAD = {"MixUp", "CutMix", "AugMix", "RandAugment"}
DEPTHWISE = ("keras.layers.DepthwiseConv1D", "keras.layers.DepthwiseConv2D")
"""Layers whose `depthwise_...` settings are about a weight that is called kernel."""


def note(builder: GraphBuilder, layer: LayerSpec, handler: Handler, outputs: Sequence[Symbol], mask: Any) -> None:
    """Note what training needs of a layer that was written, and why it cannot be trained where it cannot."""
    reason = _reason(layer, handler)
    if layer.key == "keras.layers.BatchNormalization":
        reason = reason or _batch_norm(builder, layer, mask)
    name = "depthwise" if layer.key in DEPTHWISE else ""
    reason = reason or of_config(builder, layer.config, f"{layer.path}/", {name: "kernel"})
    reason = reason or _of_outputs(builder, layer, [x.name for x in outputs if x.dtype in FLOATS])
    if reason is not None:
        builder.refused.setdefault(layer.path, reason)


def of_config(
    builder: GraphBuilder, config: Mapping[str, Any], start: str, aliases: Mapping[str, str] | None = None
) -> str | None:
    """Note the penalties and constraints of the weights whose names begin with `start`; returns what is in the way."""
    for setting, value in config.items():
        name = setting.removesuffix(REGULARIZER).removesuffix(CONSTRAINT)
        if value is None or name in (setting, "activity"):
            continue
        names = {name, f"{name}_kernel", (aliases or {}).get(name, name)}
        found = [key for key in builder.weights if key.startswith(start) and key.rpartition("/")[2] in names]
        if setting.endswith(REGULARIZER):
            factors = _factors(value)
            if factors is None:
                return (
                    f"its {setting} {_named(value)} is none of L1, L2, L1L2 and OrthogonalRegularizer; use one of them"
                )
            known = {penalty.value for penalty in builder.penalties}
            builder.penalties += [Penalty(x, *factors[:2], False, *factors[2:]) for x in found if x not in known]
            continue
        constraint = _constraint(value)
        if constraint is None:
            return f"its {setting} {_named(value)} is none of MaxNorm, MinMaxNorm, NonNeg and UnitNorm; use one of them"
        bound = {known.weight for known in builder.constraints}
        builder.constraints += [_on(builder, x, constraint) for x in found if x not in bound]
    return None


def _of_outputs(builder: GraphBuilder, layer: LayerSpec, outputs: Sequence[str]) -> str | None:
    """Note the penalty of what a layer gives."""
    given = layer.config.get(f"activity{REGULARIZER}")
    factors: Sequence[float] | None = (0.0, 0.0, 0.0, 0.0)
    if layer.key == "keras.layers.ActivityRegularization":
        factors = [float(layer.config.get(name) or 0) for name in ("l1", "l2")] + [0.0, 0.0]
    elif given is not None:
        factors = _factors(given)
    if factors is None or any(factors[2:]):
        return f"its activity{REGULARIZER} {_named(given)} is none of L1, L2 and L1L2; use one of them"
    if any(factors) and (builder.within_body or builder.steps):
        return "it has a penalty of what it gives, and is run step by step, over which Keras does not sum"
    builder.penalties += [Penalty(x, factors[0], factors[1], True) for x in outputs if any(factors)]
    return None


def _factors(value: Any) -> tuple[float, float, float, float] | None:
    """Return l1, l2, and those for the rows and columns of a serialised regularizer; None for another kind."""
    if isinstance(value, str):
        pair = {"l1": (0.01, 0.0), "l2": (0.0, 0.01), "l1_l2": (0.01, 0.01)}.get(value.lower())
        return None if pair is None else (*pair, 0.0, 0.0)
    name, config = _parts(value)
    if name in ("l1", "l2", "l1l2"):
        factors: list[Any] = [config.get("l1") or 0.0, config.get("l2") or 0.0, 0.0, 0.0]
    elif name == "orthogonalregularizer" and config.get("mode", "rows") in ("rows", "columns"):
        factor = config.get("factor", 0.01)
        factors = [0.0, 0.0, *((factor, 0.0) if config.get("mode", "rows") == "rows" else (0.0, factor))]
    else:
        return None
    if not all(isinstance(f, (int, float)) and f >= 0 for f in factors):
        return None
    l1, l2, rows, columns = map(float, factors)
    return l1, l2, rows, columns


def _constraint(value: Any) -> Constraint | None:
    """Return a serialised constraint, of no weight yet; None for an unknown one."""
    name, config = _parts(value) if not isinstance(value, str) else (value.lower().replace("_", ""), {})
    if name == "nonneg":
        return Constraint("", non_negative=True)
    axis = config.get("axis", 0)
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    bounds = {
        "maxnorm": (0.0, config.get("max_value", 2), 1.0),
        "unitnorm": (1.0, 1.0, 1.0),
        "minmaxnorm": (config.get("min_value", 0.0), config.get("max_value", 1.0), config.get("rate", 1.0)),
    }.get(name)
    if bounds is None or not all(isinstance(n, (int, float)) and n >= 0 for n in bounds):
        return None
    return Constraint("", False, axes, *map(float, bounds))


def _on(builder: GraphBuilder, weight: str, constraint: Constraint) -> Constraint:
    rank = len(builder.weights[weight][0].type.shape)
    axes = tuple(axis % max(rank, 1) for axis in constraint.axes)
    return Constraint(weight, constraint.non_negative, axes, constraint.least, constraint.most, constraint.rate)


def _parts(value: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the class of a serialised object, as lower-case letters, and its config."""
    if not isinstance(value, Mapping) or not isinstance(value.get("config"), Mapping):
        return "", {}
    return str(value.get("class_name")).lower().replace("_", ""), value["config"]


def _named(value: Any) -> str:
    return show(str(value.get("class_name") if isinstance(value, Mapping) else value))


def _reason(layer: LayerSpec, handler: Handler) -> str | None:
    name = layer.key.removeprefix("keras.layers.")
    if handler.package != BUILT_IN:
        return "its plugin says nothing of training" if "training" in handler.arguments else None
    if name in RANDOM:
        what = "mixes" if name in INSTEAD else "changes"
        return f"it {what} images in training alone; change the images before, and train a model without it"
    if name == "BatchNormalization" and layer.config.get("renorm") and layer.config.get("trainable", True):
        return "it renormalises its batches (renorm=True); set renorm=False"
    if layer.config.get("stateful") is True:
        return "it is stateful: Keras begins each batch with the state after the batch before; set stateful=False"
    if name not in FOLLOWED and any(isinstance(c := layer.config.get(n), (int, float)) and c > 0 for n in CHANCES):
        return "it drops elements at random in training"
    return None


def _batch_norm(builder: GraphBuilder, layer: LayerSpec, mask: Any) -> str | None:
    """Note whether a layer that was just written is frozen, and the mask of its input."""
    node = next(node for node in reversed(builder.nodes) if node.op == "batch_norm")
    if layer.config.get("trainable") is False:
        builder.frozen.append(node.name)
        return None
    if builder.steps:
        if len(builder.steps) > 1 or builder.steps[0] is None:
            return "its statistics are of one time step after another, of which the number is not known here"
        builder.norm_steps[node.name] = builder.steps[0]
    if isinstance(mask, Symbol):
        if builder.within_body or mask.dtype != "bool":
            return "it leaves masked elements out of its statistics, and is run step by step"
        builder.norm_masks[node.name] = mask.name
    return None
