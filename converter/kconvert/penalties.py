"""What a bundle says for training: penalties of weights and outputs, and layers that are not trained as in Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kconvert_schemas.dtypes import FLOATS
from kconvert_schemas.graph import Penalty

from .graphbuilder import GraphBuilder
from .registry import BUILT_IN, Handler
from .spec import LayerSpec
from .symbol import Symbol
from .training import CHANCES

REGULARIZER, CONSTRAINT = "_regularizer", "_constraint"
FOLLOWED = (
    "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D",
)  # fmt: skip
"""Layers whose chances are ops of the graph."""
RANDOM = (
    "AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur",
    "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation",
    "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
)  # fmt: skip


def note(builder: GraphBuilder, layer: LayerSpec, handler: Handler, outputs: Sequence[Symbol], *, masked: bool) -> None:
    """Note the penalties of a layer that was written, and why it cannot be trained where it cannot."""
    reason = _reason(layer, handler, masked)
    known = {penalty.value for penalty in builder.penalties}
    for setting, value in layer.config.items():
        if not setting.endswith(REGULARIZER) or value is None:
            continue
        factors = _factors(value)
        name = setting.removesuffix(REGULARIZER)
        if factors is None:
            reason = reason or f"its {setting} is neither l1 nor l2"
            continue
        found = [x.name for x in outputs if x.dtype in FLOATS] if name == "activity" else _weights(builder, layer, name)
        by_batch = name == "activity"
        builder.penalties += [Penalty(x, *factors, by_batch) for x in found if by_batch or x not in known]
    if reason is not None:
        builder.refused.setdefault(layer.path, reason)
    if layer.key == "keras.layers.ActivityRegularization":
        l1, l2 = (float(layer.config.get(name) or 0) for name in ("l1", "l2"))
        builder.penalties += [Penalty(x.name, l1, l2, True) for x in outputs if x.dtype in FLOATS and (l1 or l2)]


def _weights(builder: GraphBuilder, layer: LayerSpec, name: str) -> list[str]:
    """Return the weights of a layer that are called `name`, also those of what it holds."""
    start = f"{layer.path}/"
    return [key for key in builder.weights if key.startswith(start) and key.rpartition("/")[2] == name]


def _factors(value: Any) -> tuple[float, float] | None:
    """Return l1 and l2 of a serialised regularizer, None for another kind."""
    if isinstance(value, str):
        return {"l1": (0.01, 0.0), "l2": (0.0, 0.01), "l1_l2": (0.01, 0.01)}.get(value.lower())
    if not isinstance(value, Mapping) or not isinstance(value.get("config"), Mapping):
        return None
    name, config = str(value.get("class_name")).lower(), value["config"]
    if name not in ("l1", "l2", "l1l2"):
        return None
    l1, l2 = config.get("l1", 0.0), config.get("l2", 0.0)
    return (float(l1), float(l2)) if all(isinstance(f, (int, float)) for f in (l1, l2)) else None


def _reason(layer: LayerSpec, handler: Handler, masked: bool) -> str | None:
    name = layer.key.removeprefix("keras.layers.")
    if handler.package != BUILT_IN:
        return "its plugin says nothing of training" if "training" in handler.arguments else None
    if name in RANDOM:
        return "it changes images at random in training"
    if name == "SpectralNormalization":
        return "it changes its weights in training"
    if name == "BatchNormalization":
        return _of_batch_norm(layer.config, masked)
    if name not in FOLLOWED and _chance(layer.config):
        return "it drops elements at random in training"
    constraint = next((key for key, value in layer.config.items() if key.endswith(CONSTRAINT) and value), None)
    if constraint is not None:
        return f"its {constraint} changes weights after each step"
    if any(_regularized(value) for value in layer.config.values()):
        return "a layer in its config has a regularizer or a constraint"
    return None


def _of_batch_norm(config: Mapping[str, Any], masked: bool) -> str | None:
    if masked:
        return "it leaves masked elements out of its statistics"
    if config.get("renorm"):
        return "it renormalises its batches"
    frozen = config.get("trainable") is False and not config.get("scale", True) and not config.get("center", True)
    return "it is frozen and has no weights that say so" if frozen else None


def _chance(config: Any) -> bool:
    """Whether a config, or one within it, has a chance that is not 0; layers that are called say so themselves."""
    return any(isinstance(config.get(name), (int, float)) and config[name] > 0 for name in CHANCES)


def _regularized(value: Any) -> bool:
    """Whether the config of a layer within a config has a regularizer, a constraint or a chance."""
    if isinstance(value, (list, tuple)):
        return any(map(_regularized, value))
    if not isinstance(value, Mapping) or not isinstance(value.get("config"), Mapping):
        return False
    inner = value["config"]
    ends = (REGULARIZER, CONSTRAINT)
    dropped = _chance(inner) and str(value.get("class_name")) not in FOLLOWED
    return dropped or any(key.endswith(ends) and one for key, one in inner.items()) or _regularized([*inner.values()])
