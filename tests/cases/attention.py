"""Attention, AdditiveAttention, MultiHeadAttention, GroupQueryAttention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from .core import POLICIES
from .spec import Case, Tensor, layer, model, x

SIMPLE = ("Attention", "AdditiveAttention")
Q, V = x(2, 4, 3, masked=((0, 1), (1, 3))), x(2, 5, 3, masked=((0, 4), (1, 0), (1, 2)))
HEADS: dict[str, dict[str, Any]] = {
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 4},
    "GroupQueryAttention": {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
}


def _called(class_name: str, arguments: Sequence[str], options: Any, call: Any = None) -> Any:
    """The layer on inputs as described: 'q' for a plain tensor, 'qm' for one behind Masking, 'm' for a mask argument."""

    def build(keras: Any) -> Any:
        inputs, fed, extra = [], [], dict(call or {})
        for argument, tensor in zip(arguments, _tensors(arguments), strict=True):
            inputs.append(keras.Input(tensor.keras_shape, dtype=tensor.dtype))
            name, _, masked = argument.partition("+")
            value = keras.layers.Masking()(inputs[-1]) if masked else inputs[-1]
            if name in ("q", "v", "k"):
                fed.append(value)
            else:
                extra[name] = value
        made = getattr(keras.layers, class_name)(**options)
        y = made(fed, **extra) if class_name in SIMPLE else made(*fed, **extra)
        outputs = list(y) if isinstance(y, tuple) else [y]
        shown = keras.layers.LSTM(2)(outputs[0]) if len(outputs[0].shape) == 3 else keras.layers.Dense(1)(outputs[0])
        return keras.Model(inputs, [*outputs, shown])

    return build


def _tensors(arguments: Sequence[str]) -> list[Tensor]:
    shapes = {"q": Q, "v": V, "k": x(2, 5, 3, masked=((0, 0), (1, 2)))}
    shapes["attention_mask"] = x(2, 4, 5, dtype="bool")
    shapes |= {
        "query_mask": x(2, 4, dtype="bool"),
        "value_mask": x(2, 5, dtype="bool"),
        "key_mask": x(2, 5, dtype="bool"),
    }
    return [shapes[argument.partition("+")[0]] for argument in arguments]


def attend(class_name: str, arguments: str, call: Any = None, **options: Any) -> Case:
    """A case: `arguments` such as 'q+ v k attention_mask', '+' for behind Masking."""
    names, half = arguments.split(), options.get("dtype", "float32") not in ("float32", "float64")
    options = {**HEADS.get(class_name, {}), **options}
    build = _called(class_name, names, options, call)
    return model(f"{class_name}({options}) on {arguments} {call or ''}", build, _tensors(names), 2e-2 if half else 1e-5)


def _explicit_masks(class_name: str) -> Any:
    def build(keras: Any) -> Any:
        q, v, a, b = keras.Input((4, 3)), keras.Input((5, 3)), keras.Input((4,), dtype="bool"), keras.Input((5,))
        made = getattr(keras.layers, class_name)()
        return keras.Model([q, v, a, b], [made([q, v], mask=[a, b]), made([q, v], mask=[None, b])])

    return build


def _residual(class_name: str, dtype: str) -> Any:
    """A masked tensor behind an attention layer: MultiHeadAttention takes its mask off, if it has the layer's dtype."""

    def build(keras: Any) -> Any:
        inputs = keras.Input((4, 3))
        y = keras.layers.Dropout(0.1)(keras.layers.Masking()(inputs))
        made = getattr(keras.layers, class_name)(**HEADS[class_name], dtype=dtype)
        attended = made(y, y)
        total = keras.layers.Maximum()([y, attended])
        return keras.Model(inputs, [total, keras.layers.Multiply()([total, attended])])

    return build


def _beside(keras: Any) -> Any:
    """Another reader of the tensor that loses its mask, which Keras runs before or after."""
    inputs = keras.Input((4, 3))
    y = keras.layers.Masking()(inputs)
    attended = keras.layers.MultiHeadAttention(2, 3)(y, y)
    dense = keras.layers.Dense(3)(y)
    late = keras.layers.Dense(3)(keras.layers.Dense(3)(y))
    pairs = [keras.layers.Multiply()([attended, other]) for other in (dense, late, y)]
    return keras.Model(inputs, [*pairs, attended, dense])


def _blocks(keras: Any) -> Any:
    """Two blocks of a transformer over tokens."""
    inputs = keras.Input((None,), dtype="int32")
    y = keras.layers.Embedding(7, 6, mask_zero=True)(inputs)
    for causal in (False, True):
        attended = keras.layers.MultiHeadAttention(2, 3, dropout=0.1)(y, y, use_causal_mask=causal)
        y = keras.layers.LayerNormalization()(keras.layers.Add()([y, attended]))
        deep = keras.layers.Dense(6)(keras.layers.Dense(8, activation="gelu")(y))
        y = keras.layers.LayerNormalization()(keras.layers.Add()([y, deep]))
    return keras.Model(inputs, [y, keras.layers.GRU(2)(y)])


def _cross(keras: Any) -> Any:
    q, v = keras.Input((4, 3)), keras.Input((5, 3))
    a, b = keras.layers.Masking()(q), keras.layers.Masking()(v)
    first = keras.layers.MultiHeadAttention(2, 3)(a, b)
    second = keras.layers.MultiHeadAttention(2, 3)(first, b)
    return keras.Model([q, v], [first, second, keras.layers.Attention()([second, b])])


def _many_axes(axes: Any, **call: Any) -> Any:
    def build(keras: Any) -> Any:
        q, v = keras.Input((2, 4, 3)), keras.Input((2, 5, 3) if axes == (2,) else (3, 5, 3))
        made = keras.layers.MultiHeadAttention(2, 3, value_dim=2, attention_axes=axes)
        return keras.Model([q, v], made(q, v, **call))

    return build


def _many_axes_masked(keras: Any) -> Any:
    q, mask = keras.Input((2, 4, 3)), keras.Input((2, 4, 2, 4), dtype="bool")
    made = keras.layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))
    return keras.Model([q, mask], made(q, q, attention_mask=mask))


CASES: list[Case] = [
    *[attend(name, "q v") for name in SIMPLE],
    *[attend(name, "q v k", use_scale=scaled) for name in SIMPLE for scaled in (True, False)],
    *[attend("Attention", "q v k", score_mode="concat", use_scale=scaled) for scaled in (True, False)],
    *[
        attend(name, masked, {"use_causal_mask": causal, "return_attention_scores": scores}, dropout=0.2)
        for name, masked in product(SIMPLE, ("q+ v+", "q v+ k", "q+ v k+"))
        for causal, scores in ((False, True), (True, False))
    ],
    *[attend(name, "q+ v+ k", {"use_causal_mask": True}, dtype=policy) for name in SIMPLE for policy in POLICIES],
    *[
        model(f"{name} with masks given", _explicit_masks(name), (x(2, 4, 3), x(2, 5, 3), x(2, 4, dtype="bool"), x(2, 5)))
        for name in SIMPLE
    ],
    layer("Attention", (x(2, 4, 3, dynamic=(1,)), x(2, 5, 3, dynamic=(1,))), call={"use_causal_mask": True}),
    layer("Attention", (x(2, 2, 4, 3), x(2, 2, 5, 3)), use_scale=True),
    layer("AdditiveAttention", (x(2, 4, 3, dynamic=(1,)), x(2, 1, 3, dynamic=(1,)))),
    *[attend(name, arguments) for name in HEADS for arguments in ("q v", "q v k", "q+ v", "q v+", "q+ v+ k+", "q+ v+ k")],
    *[
        attend(name, arguments, {"use_causal_mask": causal, "return_attention_scores": scores})
        for name in HEADS
        for arguments, causal, scores in (
            ("q v", True, False), ("q v", True, True), ("q+ v+", True, False), ("q+ v+ k+", True, True), ("q+ v", False, True),
        )
    ],
    *[
        attend(name, f"{arguments} {mask}", {"return_attention_scores": scores})
        for name in HEADS
        for arguments, mask, scores in (
            ("q v", "attention_mask", False), ("q+ v+", "attention_mask", True), ("q v", "query_mask", False),
            ("q+ v", "query_mask", False), ("q v k", "value_mask key_mask", True), ("q v+", "value_mask attention_mask", False),
        )
    ],
    *[attend(name, "q v", options, sliding_window=2) for name in HEADS for options in ({}, {"use_causal_mask": True})],
    *[attend(name, "q+ v+", dropout=0.3, use_bias=False) for name in HEADS],
    *[attend(name, "q v", use_gate=True) for name in HEADS],
    *[
        attend(name, "q+ v", {"use_causal_mask": True}, use_gate=True, dtype=policy)
        for name in HEADS
        for policy in ("mixed_bfloat16", "float16")
    ],
    attend("MultiHeadAttention", "q v", value_dim=3, output_shape=5),
    attend("MultiHeadAttention", "q v", {"return_attention_scores": True}, value_dim=3, output_shape=(2, 3), use_gate=True),
    attend("MultiHeadAttention", "q+ v", attention_axes=(-2,)),
    attend("GroupQueryAttention", "q v", num_key_value_heads=4),
    attend("GroupQueryAttention", "q v", num_key_value_heads=1),
    *[
        attend(name, "q+ v+", {"return_attention_scores": scores}, dtype=policy)
        for name in HEADS
        for policy in POLICIES
        for scores in (False, True)
    ],
    *[
        model(f"{name} in a residual block, {dtype}", _residual(name, dtype), Q, tolerance=1e-5 if dtype == "float32" else 2e-2)
        for name in HEADS
        for dtype in ("float32", "mixed_float16")
    ],
    model("readers beside MultiHeadAttention", _beside, Q),
    model("two transformer blocks", _blocks, x(3, 5, dtype="int32", low=0, high=7)),
    model("attention from one sequence to another", _cross, (Q, V)),
    model("MultiHeadAttention over two axes", _many_axes((1, 2)), (x(2, 2, 4, 3), x(2, 3, 5, 3))),
    model("MultiHeadAttention over all axes", _many_axes(None), (x(2, 2, 4, 3), x(2, 3, 5, 3))),
    model("MultiHeadAttention over the second axis", _many_axes((2,), return_attention_scores=True), (x(2, 2, 4, 3), x(2, 2, 5, 3))),
    model("MultiHeadAttention over two axes with a mask", _many_axes_masked, (x(2, 2, 4, 3), x(2, 2, 4, 2, 4, dtype="bool"))),
]  # fmt: skip
