"""The networks of keras.applications and their options, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A network, compared whole (with its classifier) and as features (without, images of any size).

    size: height and width of the images that the whole network is built for; None for its default. pooling: of the
    features. small: whether it is one of those that the oracle tests run.
    """

    family: str
    function: str
    size: int | None = None
    pooling: str | None = None
    small: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The function, and the options that are not its defaults."""
        options = ", ".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.function}({options})" if options else self.function


def _variant(
    family: str, function: str, size: int | None = None, pooling: str | None = None, **options: Any
) -> Variant:
    return Variant(family, function, size, pooling, options=options)


def _small(family: str, function: str, size: int, pooling: str | None = None, **options: Any) -> Variant:
    return Variant(family, function, size, pooling, True, options)


VARIANTS = (
    _small("Xception", "Xception", 71, "avg"),
    _variant("Xception", "Xception", None, "max"),
    _variant("VGG", "VGG16", None, "max"),
    _variant("VGG", "VGG19", None, "avg"),
    _small("VGG", "VGG16", 32, None, classes=10),
    _variant("ResNet", "ResNet50", None, "avg"),
    _variant("ResNet", "ResNet101", 160, "max"),
    _variant("ResNet", "ResNet152", 96),
    _small("ResNet", "ResNet50", 49, "max", classes=10),
    _variant("ResNetV2", "ResNet50V2", None, "max"),
    _variant("ResNetV2", "ResNet101V2", 160),
    _variant("ResNetV2", "ResNet152V2", 96, "avg"),
    _small("ResNetV2", "ResNet50V2", 45, None, classes=10),
    _variant("Inception", "InceptionV3", None, "avg"),
    _variant("Inception", "InceptionResNetV2", 139, "max"),
    _small("Inception", "InceptionV3", 75, None, classes=10),
    _small("Inception", "InceptionResNetV2", 75, "avg", classes=10),
    _variant("MobileNet", "MobileNet", None, "avg"),
    _small("MobileNet", "MobileNet", 53, "max", alpha=0.25, depth_multiplier=2),
    _variant("MobileNet", "MobileNet", 128, None, alpha=1.3, dropout=0.4, classes=7),
    _variant("MobileNetV2", "MobileNetV2", None, "avg"),
    _small("MobileNetV2", "MobileNetV2", 51, "max", alpha=0.35),
    _variant("MobileNetV2", "MobileNetV2", 160, None, alpha=1.4),
    _variant("MobileNetV3", "MobileNetV3Small", 224, "avg"),
    _small("MobileNetV3", "MobileNetV3Small", 65, "max", alpha=0.75, include_preprocessing=False),
    _small("MobileNetV3", "MobileNetV3Small", 47, None, minimalistic=True),
    _variant("MobileNetV3", "MobileNetV3Large", 224, "max"),
    _variant("MobileNetV3", "MobileNetV3Large", 96, None, alpha=0.75, minimalistic=True, include_preprocessing=False),
    _variant("DenseNet", "DenseNet121", None, "avg"),
    _variant("DenseNet", "DenseNet169", 128, "max"),
    _variant("DenseNet", "DenseNet201", 96),
    _small("DenseNet", "DenseNet121", 43, "max", classes=10),
    _variant("NASNet", "NASNetMobile", None, "avg"),
    _variant("NASNet", "NASNetLarge", 131, "max"),
    _small("NASNet", "NASNetMobile", 39, None, classes=10),
    _variant("EfficientNet", "EfficientNetB0", None, "avg"),
    _variant("EfficientNet", "EfficientNetB1", 160, "max"),
    _variant("EfficientNet", "EfficientNetB2", 128),
    _variant("EfficientNet", "EfficientNetB3", 128, "avg"),
    _variant("EfficientNet", "EfficientNetB4", 96, "max"),
    _variant("EfficientNet", "EfficientNetB5", 96),
    _variant("EfficientNet", "EfficientNetB6", 96, "avg"),
    _variant("EfficientNet", "EfficientNetB7", 96, "max"),
    _small("EfficientNet", "EfficientNetB0", 55, None, classes=10),
    _variant("EfficientNetV2", "EfficientNetV2B0", None, "avg"),
    _variant("EfficientNetV2", "EfficientNetV2B1", 160, "max", include_preprocessing=False),
    _variant("EfficientNetV2", "EfficientNetV2B2", 128),
    _variant("EfficientNetV2", "EfficientNetV2B3", 128, "avg"),
    _variant("EfficientNetV2", "EfficientNetV2S", 128, "max"),
    _variant("EfficientNetV2", "EfficientNetV2M", 96, None, include_preprocessing=False),
    _variant("EfficientNetV2", "EfficientNetV2L", 96, "avg"),
    _small("EfficientNetV2", "EfficientNetV2B0", 57, "max", classes=10),
    _variant("ConvNeXt", "ConvNeXtTiny", None, "avg"),
    _variant("ConvNeXt", "ConvNeXtSmall", 128, "max"),
    _variant("ConvNeXt", "ConvNeXtBase", 96, None, include_preprocessing=False),
    _variant("ConvNeXt", "ConvNeXtLarge", 96, "avg"),
    _variant("ConvNeXt", "ConvNeXtXLarge", 64, "max"),
    _small("ConvNeXt", "ConvNeXtTiny", 50, None, include_preprocessing=False, classes=10),
)
