"""Whole models: nesting, sharing, several inputs and outputs, masks through everything."""

from __future__ import annotations

from typing import Any

from .spec import ids, model, x


def sequential(keras: Any) -> Any:
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)])


def sequential_without_input(keras: Any) -> Any:
    """No Input layer: the shape comes from the first call."""
    made = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)])
    made.build((None, 5))
    return made


def sequential_inputs_in_half(keras: Any) -> Any:
    """The automatic Input takes the first layer's compute dtype."""
    made = keras.Sequential([keras.layers.Dense(4, dtype="mixed_float16"), keras.layers.Dense(2)])
    made.build((None, 5))
    return made


def nested_functional(keras: Any) -> Any:
    """A model with two outputs, called twice, inside a model with a dict of outputs."""
    layers = keras.layers
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, [layers.Dense(3)(inner_in), layers.Activation("mish")(inner_in)], name="inner")
    start = keras.Input((5,), name="start")
    shared = layers.Dense(4, activation="gelu")
    a, b = inner(shared(start))
    _, d = inner(b)
    return keras.Model(start, {"z": layers.Dense(2)(a), "a": [d, a]})


def nested_sequential_twice(keras: Any) -> Any:
    layers = keras.layers
    block = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="tanh")], name="block")
    start = keras.Input((4,))
    return keras.Model(start, layers.Add()([block(block(start)), start]))


def nested_without_input(keras: Any) -> Any:
    """A Sequential that was never told its input, nested in a Functional model."""
    layers = keras.layers
    start = keras.Input((6,))
    return keras.Model(start, keras.Sequential([layers.Dense(3), layers.Dense(2)])(start))


def model_in_sequential(keras: Any) -> Any:
    layers = keras.layers
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, layers.Dense(3)(inner_in))
    return keras.Sequential([keras.Input((5,)), layers.Dense(4), inner, keras.Sequential([layers.Dense(2)])])


def three_deep(keras: Any) -> Any:
    layers = keras.layers

    def wrap(size: int, block: Any) -> Any:
        start = keras.Input((size,))
        return keras.Model(start, layers.Dense(size)(block(layers.Dense(size)(start))))

    return wrap(3, wrap(3, wrap(3, layers.Dense(3, activation="tanh"))))


def list_inputs(keras: Any) -> Any:
    a, b = keras.Input((3,), name="b_first"), keras.Input((4,), name="a_second")
    return keras.Model([a, b], keras.layers.Concatenate()([keras.layers.Dense(2)(a), b]))


def dict_inputs(keras: Any) -> Any:
    """Keras flattens a dict in the order of its sorted keys."""
    z, a = keras.Input((3,), name="zebra"), keras.Input((4,), name="ant")
    merged = keras.layers.Concatenate()([keras.layers.Dense(2)(z), a])
    return keras.Model({"zebra": z, "ant": a}, {"y": merged, "b": keras.layers.Dense(1)(merged)})


def nested_dict_call(keras: Any) -> Any:
    """A model with a dict of inputs, called on a dict whose order differs."""
    z, a = keras.Input((3,), name="z"), keras.Input((4,), name="a")
    inner = keras.Model({"z": z, "a": a}, keras.layers.Concatenate()([z, a]))
    p, q = keras.Input((4,)), keras.Input((3,))
    return keras.Model([p, q], inner({"a": p, "z": q}))


def one_output_in_a_list(keras: Any) -> Any:
    start = keras.Input((3,))
    return keras.Model([start], [keras.layers.Dense(2)(start)])


def same_output_twice(keras: Any) -> Any:
    start = keras.Input((3,))
    y = keras.layers.Dense(2)(start)
    return keras.Model(start, [y, y, start])


def mask_through_nested(keras: Any) -> Any:
    """The mask of an Embedding goes into a nested model, through Dense and Dropout, to an LSTM."""
    layers = keras.layers
    inner_in = keras.Input((None, 4))
    y = layers.Dropout(0.5)(layers.Dense(3, activation="tanh")(inner_in))
    inner = keras.Model(inner_in, layers.LSTM(2)(y))
    start = keras.Input((None,), dtype="int32")
    return keras.Model(start, inner(layers.Embedding(10, 4, mask_zero=True)(start)))


def mask_out_of_nested(keras: Any) -> Any:
    """A nested model makes the mask; the layer after it uses it."""
    layers = keras.layers
    block = keras.Sequential([keras.Input((None,), dtype="int32"), layers.Embedding(10, 4, mask_zero=True)])
    start = keras.Input((None,), dtype="int32")
    return keras.Model(start, layers.GlobalAveragePooling1D()(block(start)))


def mask_through_sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(10, 4, mask_zero=True),
            layers.Bidirectional(layers.GRU(3, return_sequences=True)),
            layers.BatchNormalization(),
            layers.LSTM(2),
        ]
    )


def mask_in_mixed_precision(keras: Any) -> Any:
    layers = keras.layers
    start = keras.Input((None,), dtype="int32")
    y = layers.Embedding(10, 4, mask_zero=True)(start)
    return keras.Model(start, layers.GRU(3, dtype="mixed_float16")(layers.Dense(3)(y)))


def rank_of_input(keras: Any) -> Any:
    """A nested model takes (batch, 3, 1) where it was built on (batch, 3)."""
    inner_in = keras.Input((3,))
    inner = keras.Model(inner_in, keras.layers.Dense(2)(inner_in))
    start = keras.Input((3, 1))
    return keras.Model(start, inner(start))


def fixed_batch(keras: Any) -> Any:
    start = keras.Input(batch_shape=(2, 3))
    return keras.Model(start, keras.layers.Dense(2)(start))


def shared_at_two_depths(keras: Any) -> Any:
    layers = keras.layers
    start = keras.Input((3,))
    a, b = layers.Dense(3), layers.Dense(3, activation="tanh")
    return keras.Model(start, b(a(b(a(start)))))


def layer_named_like_others(keras: Any) -> Any:
    """Names that trip careless writers of .npz files and paths."""
    layers = keras.layers
    y = start = keras.Input((3,), name="kernel")
    for name in ("file", "args", "allow_pickle", "self", "my layer", "düns_слой", "arr_0", "matmul"):
        y = layers.Dense(3, name=name)(y)
    return keras.Model(start, y)


def layers_of_applications(keras: Any) -> Any:
    """What ConvNeXt and Inception-ResNet define for themselves; the mask stays where the tensor is handed on."""
    from keras.src.applications.convnext import LayerScale, StochasticDepth
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    start = keras.Input((None, 3))
    y = StochasticDepth(0.3)(keras.layers.Masking()(start))
    z = LayerScale(1e-6, 3)(keras.layers.Dense(3)(start))
    halves = CustomScaleLayer(0.17, dtype="mixed_float16")([start, z])
    return keras.Model(start, [keras.layers.LSTM(2)(y), z, CustomScaleLayer(0.2)([start, z]), halves])


def several_outputs_last(keras: Any) -> Any:
    """A Sequential whose last layer gives three tensors."""
    return keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(3, return_state=True)])


def called_with_one_key_more(keras: Any) -> Any:
    layers = keras.layers
    a = keras.Input((3,), name="a")
    inner = keras.Model({"a": a}, layers.Dense(2)(a))
    start, other = keras.Input((3,)), keras.Input((3,))
    return keras.Model([start, other], inner({"a": start, "more": other}))


def training_without_effect(keras: Any) -> Any:
    """Layers called as in training that do the same then; a model called as not in training with one that would not."""
    layers = keras.layers
    start = keras.Input((5, 3))
    frozen = layers.BatchNormalization(trainable=False)(start, training=True)
    y = layers.Bidirectional(layers.GRU(2, return_sequences=True))(frozen, training=True)
    y = layers.MultiHeadAttention(2, 2)(y, y, training=True)
    y = layers.TimeDistributed(layers.Dropout(0.0))(y, training=True)
    inner_in = keras.Input((5, 4))
    inner = keras.Model(inner_in, layers.Dropout(0.9)(layers.Dense(2)(inner_in), training=True))
    plain = keras.Sequential([keras.Input((5, 2)), layers.Dense(3), layers.GaussianNoise(0.0)])
    return keras.Model(start, plain(inner(y, training=False), training=True))


CASES = [
    model("Sequential", sequential, x(3, 5)),
    model("Sequential without Input", sequential_without_input, x(3, 5)),
    model("Sequential whose first layer is mixed_float16", sequential_inputs_in_half, x(3, 5), tolerance=1e-2),
    model("nested Functional called twice", nested_functional, x(3, 5)),
    model("nested Sequential called twice", nested_sequential_twice, x(3, 4)),
    model("nested Sequential without Input", nested_without_input, x(3, 6)),
    model("models in a Sequential", model_in_sequential, x(3, 5)),
    model("three levels", three_deep, x(3, 3)),
    model("list of inputs", list_inputs, [x(2, 3), x(2, 4)]),
    model("dict of inputs and outputs", dict_inputs, [x(2, 4), x(2, 3)]),
    model("nested model called on a dict", nested_dict_call, [x(2, 4), x(2, 3)]),
    model("one output in a list", one_output_in_a_list, x(2, 3)),
    model("one output three times", same_output_twice, x(2, 3)),
    model("mask into a nested model", mask_through_nested, ids(3, 7, high=3)),
    model("mask out of a nested model", mask_out_of_nested, ids(3, 7, high=3)),
    model("mask through a Sequential", mask_through_sequential, ids(3, 7, high=3)),
    model("mask in mixed precision", mask_in_mixed_precision, ids(3, 7, high=3), tolerance=1e-2),
    model("nested model drops a last axis of 1", rank_of_input, x(2, 3, 1)),
    model("fixed batch", fixed_batch, x(2, 3)),
    model("layers shared at two depths", shared_at_two_depths, x(2, 3)),
    model("awkward layer names", layer_named_like_others, x(2, 3)),
    model("layers of keras.applications", layers_of_applications, x(2, 4, 3, masked=((0, 3), (1, 0)))),
    model("Sequential with several outputs", several_outputs_last, x(2, 5, 3)),
    model("nested model called with a key more than it has", called_with_one_key_more, [x(2, 3), x(2, 3)]),
    model("training without effect", training_without_effect, x(2, 5, 3)),
]
