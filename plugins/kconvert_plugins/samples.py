"""What image layers are called with: images, or a dict of images with what belongs to them.

keras/src/layers/preprocessing/image_preprocessing/base_image_preprocessing_layer.py. Images have three axes (one
image) or four (a batch); what has no batch axis gets one for the layer and loses it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kconvert import Emitter, LayerCall, Symbol, Unsupported

from .shapes import sizes

Step = Callable[[Symbol], Symbol]
Boxes = Callable[[Mapping[str, Symbol]], Mapping[str, Symbol]]


def kept(value: Any) -> Any:
    """Hand on what the layer leaves alone."""
    return value


def refused(reason: str) -> Callable[[Any], Any]:
    """Build a step that says why it cannot be done."""

    def refuse(value: Any) -> Any:
        raise Unsupported(reason)

    return refuse


def each(
    call: LayerCall, emit: Emitter, images: Step, *, masks: Step = kept, boxes: Boxes = kept, labels: Step = kept
) -> Any:
    """Apply a step to the images, and to segmentation masks, bounding boxes and labels where the call has them."""
    data = call.inputs
    if isinstance(data, Symbol):
        return _applied(emit, data, images, _is_batched(data))
    if not isinstance(data, Mapping) or not isinstance(data.get("images"), Symbol):
        raise Unsupported("it takes images, or a dict with the key 'images'")
    batched = _is_batched(data["images"])
    outputs = {**data, "images": _applied(emit, data["images"], images, batched)}
    for name, step in (("labels", labels), ("segmentation_masks", masks)):
        if name in data:
            outputs[name] = _applied(emit, data[name], step, batched)
    if "bounding_boxes" in data:
        outputs["bounding_boxes"] = _boxes(call, emit, data["bounding_boxes"], boxes, batched)
    return outputs


def _is_batched(x: Symbol) -> bool:
    if x.rank not in (3, 4):
        raise Unsupported(f"it takes images with three or four axes, got {x.type}")
    return x.rank == 4


def _applied(emit: Emitter, x: Symbol, step: Step, batched: bool) -> Symbol:
    if batched:
        return step(x)
    if step is kept:
        return x.with_mask(None)
    y = step(emit.op("reshape", x, shape=[1, *sizes(x)]))
    return emit.op("reshape", y, shape=sizes(y)[1:]).with_mask(None)


def _boxes(call: LayerCall, emit: Emitter, given: Any, step: Boxes, batched: bool) -> Mapping[str, Symbol]:
    """Boxes in float32 and their labels, through a step."""
    if not call.config.get("bounding_box_format"):
        raise Unsupported("it is called with bounding boxes, but its bounding_box_format is not set")
    boxes, labels = (given.get(name) if isinstance(given, Mapping) else None for name in ("boxes", "labels"))
    if not (isinstance(boxes, Symbol) and isinstance(labels, Symbol)):
        raise Unsupported("its bounding boxes must be a dict with the keys 'boxes' and 'labels'")
    if boxes.rank not in (2, 3) or labels.rank not in (boxes.rank - 1, boxes.rank):
        raise Unsupported(f"its bounding boxes must be (boxes, 4) or (batch, boxes, 4), got {boxes.type}")
    if batched != (boxes.rank == 3):
        raise Unsupported("it is called with images and boxes of which only one has a batch axis")
    return {**given, **step({**given, "boxes": emit.cast(boxes, "float32"), "labels": labels})}
