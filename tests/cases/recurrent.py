"""SimpleRNN, LSTM, GRU, RNN over cells, cells as layers, ConvLSTM; models that hand states and masks on."""

from __future__ import annotations

from typing import Any

from .spec import Case, Tensor, ids, layer, model, x

HOLES = ((0, 0), (0, 1), (1, 2), (1, 4), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4))
"""A row that starts late, one with holes and a masked end, one that is masked throughout."""
KEEP = [[(b, t) not in HOLES for t in range(5)] for b in range(3)]
EVEN = {"recurrent_initializer": "glorot_uniform"}  # the default does not exist in 16 bits


def sequence(**options: Any) -> Tensor:
    return x(3, 5, 4, **options)


def cell(kind: str, units: int, **options: Any) -> tuple[str, dict[str, Any]]:
    return f"keras.layers.{kind}Cell", {"units": units, **EVEN, **options}


def with_mask(kind: str, mask: Tensor, states: int = 0, **options: Any) -> Case:
    """A layer called with mask= and perhaps initial_state=."""
    units = options.pop("units", 3)

    def build(keras: Any) -> Any:
        start, shown = keras.Input((5, 4)), keras.Input(mask.keras_shape, dtype=mask.dtype)
        given = [keras.Input((units,)) for _ in range(states)]
        call = {"initial_state": given[0] if states == 1 else given} if states else {}
        outputs = getattr(keras.layers, kind)(units, **options)(start, mask=shown, **call)
        return keras.Model([start, shown, *given], outputs)

    inputs = [sequence(), mask, *[x(3, units)] * states]
    kinds = f"{mask.dtype}{list(mask.shape)}"
    return model(f"{kind} with mask {kinds}, {states} states, {options}", build, inputs, tolerance=1e-5)


def with_states(kind: str, states: int, masked: bool = False, **options: Any) -> Case:
    """A layer called with initial_state=; then the mask of the input is not applied, but handed on."""

    def build(keras: Any) -> Any:
        layers = keras.layers
        start, given = keras.Input((5, 4)), [keras.Input((3,)) for _ in range(states)]
        y = layers.Masking()(start) if masked else start
        state = given[0] if states == 1 else given
        y = getattr(layers, kind)(3, return_sequences=True, **options)(y, initial_state=state)
        return keras.Model([start, *given], [y, layers.LSTM(2)(y)] if masked else y)

    inputs = [sequence(masked=HOLES if masked else ()), *[x(3, 3)] * states]
    return model(f"{kind} with {states} states, masked={masked}, {options}", build, inputs, tolerance=1e-5)


def one_step(kind: str, states: int, alone: bool = False, **options: Any) -> Case:
    """A cell called as a layer."""

    def build(keras: Any) -> Any:
        start, given = keras.Input((4,)), [keras.Input((3,)) for _ in range(states)]
        made = getattr(keras.layers, kind)(3, **EVEN, **options)
        return keras.Model([start, *given], made(start, given[0] if alone else given))

    tolerance = 1e-2 if "16" in options.get("dtype", "") else 1e-5
    return model(f"{kind} alone={alone} {options}", build, [x(2, 4), *[x(2, 3)] * states], tolerance)


def stacked_step(keras: Any) -> Any:
    layers = keras.layers
    start, h, c, g = keras.Input((4,)), keras.Input((3,)), keras.Input((3,)), keras.Input((2,))
    return keras.Model(
        [start, h, c, g], layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)])(start, [[h, c], g])
    )


def stacked_states(keras: Any) -> Any:
    """Initial states for stacked cells: one list for each cell."""
    layers = keras.layers
    start, h, c, g = keras.Input((5, 4)), keras.Input((3,)), keras.Input((3,)), keras.Input((2,))
    rnn = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True, return_state=True)
    return keras.Model([start, h, c, g], keras.tree.flatten(rnn(start, initial_state=[[h, c], [g]])))


def encoder_decoder(keras: Any) -> Any:
    """Translation: the decoder starts from the encoder's states; both read masked ids of any length."""
    layers = keras.layers
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    _, h, c = layers.LSTM(4, return_state=True)(layers.Embedding(7, 5, mask_zero=True)(source))
    y, _, _ = layers.LSTM(4, return_sequences=True, return_state=True)(
        layers.Embedding(9, 5, mask_zero=True)(target), initial_state=[h, c]
    )
    return keras.Model([source, target], layers.Dense(9, activation="softmax")(y))


def stacked_stateful(keras: Any) -> Any:
    layers = keras.layers
    start = keras.Input(batch_shape=(3, 5, 4))
    y = layers.LSTM(4, stateful=True, return_sequences=True)(start)
    y = layers.GRU(3, stateful=True, return_sequences=True, unroll=True)(y)
    return keras.Model(start, layers.SimpleRNN(2, stateful=True)(y))


def masked_in_mixed_precision(keras: Any) -> Any:
    layers = keras.layers
    start = keras.Input((None,), dtype="int32")
    y = layers.Embedding(9, 4, mask_zero=True, dtype="mixed_float16")(start)
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True, dtype="mixed_float16"), dtype="mixed_float16")(y)
    y = layers.GRU(3, return_sequences=True, dtype="mixed_bfloat16", **EVEN)(y)
    return keras.Model(start, layers.SimpleRNN(2, dtype="float32")(y))


def one_layer_twice(keras: Any) -> Any:
    """A shared layer, first masked and from zeros, then from its own last states, unmasked."""
    layers = keras.layers
    shared = layers.GRU(4, return_sequences=True, return_state=True)
    start = keras.Input((5, 4))
    y, h = shared(layers.Masking()(start))
    z, _ = shared(y, initial_state=h)
    return keras.Model(start, [y, z])


def small_batch_of_states(keras: Any) -> Any:
    """One state for all rows, and of whole numbers."""
    start, state = keras.Input((5, 4)), keras.Input(batch_shape=(1, 3), dtype="int32")
    return keras.Model([start, state], keras.layers.GRU(3, return_state=True)(start, initial_state=state))


def positional_mask(keras: Any) -> Any:
    """Keras applies a mask given by position, but does not hand it on."""
    layers = keras.layers
    start, state, mask = keras.Input((5, 4)), keras.Input((3,)), keras.Input((5,), dtype="bool")
    y = layers.GRU(3, return_sequences=True)(start, state, mask)
    return keras.Model([start, state, mask], [y, layers.LSTM(2)(y)])


def mask_of_pixels(keras: Any) -> Any:
    """Masking in front of ConvLSTM2D masks single pixels at single steps."""
    layers = keras.layers
    start = keras.Input((3, 4, 5, 2))
    y = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True, return_state=True)(layers.Masking()(start))
    return keras.Model(start, y)


def conv_mask(keras: Any) -> Any:
    layers = keras.layers
    start, mask = keras.Input((5, 4, 5, 2)), keras.Input((5,), dtype="bool")
    conv = layers.ConvLSTM2D(2, 3, return_sequences=True, return_state=True, go_backwards=True, unroll=True)
    conv.zero_output_for_mask = True
    return keras.Model([start, mask], conv(start, mask=mask))


def conv_states(keras: Any) -> Any:
    layers = keras.layers
    start, h, c = keras.Input((None, 6, 2)), keras.Input((5, 3)), keras.Input((5, 3))
    return keras.Model([start, h, c], layers.ConvLSTM1D(3, 2, return_state=True)(start, initial_state=[h, c]))


BASIC = [
    case
    for kind, states in (("SimpleRNN", 1), ("LSTM", 2), ("GRU", 1))
    for case in (
        layer(kind, sequence(), units=3),
        layer(kind, sequence(), units=3, return_sequences=True, use_bias=False),
        layer(kind, sequence(dynamic=(1,)), units=3, return_state=True, go_backwards=True, activation="relu"),
        layer(kind, sequence(), units=3, unroll=True, return_sequences=True, return_state=True, dropout=0.3),
        layer(kind, sequence(), units=3, recurrent_dropout=0.3, activation="linear", go_backwards=True),
        layer(kind, x(1, 1, 1), units=1, return_sequences=True, return_state=True),
        layer(kind, sequence(masked=HOLES), mask=True, units=3, return_state=True),
        layer(kind, sequence(masked=HOLES), mask=True, units=3, return_sequences=True, zero_output_for_mask=True),
        layer(kind, sequence(masked=HOLES), mask=True, units=3, return_sequences=True, go_backwards=True, unroll=True,
              zero_output_for_mask=True, return_state=True),
        layer(kind, sequence(masked=HOLES), mask=True, units=3, zero_output_for_mask=True, activation="softsign"),
        layer(kind, sequence(masked=HOLES, dynamic=(1,)), mask=True, units=3, return_sequences=True, go_backwards=True),
        layer(kind, sequence(), units=3, return_sequences=True, dtype="float64"),
        layer(kind, sequence(), units=3, return_sequences=True, return_state=True, dtype="mixed_float16"),
        layer(kind, sequence(), units=3, return_sequences=True, dtype="float16", **EVEN),
        layer(kind, sequence(), units=3, return_sequences=True, dtype="bfloat16", **EVEN),
        layer(kind, sequence(masked=HOLES), mask=True, units=3, return_sequences=True, go_backwards=True,
              dtype="mixed_bfloat16", recurrent_dropout=0.2),
        layer(kind, sequence(), units=3, activation=("keras.layers.LeakyReLU", {"negative_slope": 0.3})),
        layer(kind, sequence(), units=3, activation="squareplus", return_sequences=True, dtype="mixed_float16"),
        with_mask(kind, Tensor((3, 5), "bool", values=KEEP), return_sequences=True, return_state=True),
        with_mask(kind, Tensor((3, 5), "int32", values=KEEP), states, return_sequences=True),
        with_mask(kind, Tensor((3, 5), values=KEEP), states, return_sequences=True,
                  zero_output_for_mask=True),
        with_mask(kind, x(3, 5, 1, dtype="bool"), return_sequences=True, unroll=True),
        with_mask(kind, x(3, 5, 3, dtype="bool"), return_sequences=True, go_backwards=True),
        with_states(kind, states, masked=True),
        with_states(kind, states, go_backwards=True),
    )
]  # fmt: skip

GATES = [
    layer("LSTM", sequence(), units=3, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True),
    layer("LSTM", sequence(), units=3, activation="softmax", recurrent_activation="softmax"),
    layer("LSTM", sequence(), units=3, activation="gelu", recurrent_activation="linear", return_state=True),
    layer("LSTM", sequence(masked=HOLES), mask=True, units=2, activation="glu", return_sequences=True),
    layer("LSTM", sequence(), units=3, unit_forget_bias=False, seed=3),
    layer("GRU", sequence(), units=3, reset_after=False, return_sequences=True),
    layer("GRU", sequence(), units=3, reset_after=False, use_bias=False, activation="elu"),
    layer("GRU", sequence(), units=3, reset_after=False, recurrent_activation="softmax", return_sequences=True),
    layer("GRU", sequence(masked=HOLES), mask=True, units=3, reset_after=False, dtype="bfloat16", **EVEN),
    layer("GRU", x(3, 12, 4), units=5, activation="selu", recurrent_activation="hard_sigmoid", dtype="mixed_bfloat16"),
    layer("LSTM", x(3, 12, 4), units=5, activation="elu", recurrent_activation="silu", dtype="mixed_bfloat16"),
    layer("SimpleRNN", x(3, 12, 4), units=5, activation="softsign", dtype="mixed_bfloat16"),
    layer("GRU", sequence(masked=HOLES), mask=True, units=2, activation="glu", return_sequences=True),
    layer("GRU", sequence(), units=3, use_bias=False, recurrent_activation="sparsemax", return_sequences=True),
    layer("GRU", sequence(), units=3, recurrent_activation=("keras.layers.ReLU", {"max_value": 1.0})),
    layer("SimpleRNN", sequence(), units=3, activation="log_softmax", return_sequences=True),
]

CELLS = [
    layer("RNN", sequence(), cell=cell("SimpleRNN", 3), return_sequences=True, return_state=True),
    layer("RNN", sequence(masked=HOLES), mask=True, cell=cell("LSTM", 3), return_state=True, go_backwards=True),
    layer("RNN", sequence(), cell=cell("GRU", 3, reset_after=False, use_bias=False), unroll=True),
    layer("RNN", sequence(), cell=cell("LSTM", 3, dtype="float32"), return_state=True, dtype="mixed_float16"),
    layer("RNN", sequence(), cell=cell("GRU", 3, dtype="float64"), return_state=True, dtype="float32"),
    layer("RNN", sequence(), cell=[cell("LSTM", 3)], return_sequences=True, return_state=True),
    layer("RNN", sequence(), cell=[cell("LSTM", 3), cell("GRU", 2), cell("LSTM", 2), cell("SimpleRNN", 3)],
          return_sequences=True, return_state=True),
    layer("RNN", sequence(masked=HOLES), mask=True, cell=[cell("GRU", 3), cell("GRU", 2), cell("LSTM", 2)],
          return_sequences=True, return_state=True, go_backwards=True, zero_output_for_mask=True),
    layer("RNN", sequence(masked=HOLES), mask=True, cell=[cell("GRU", 3), cell("SimpleRNN", 2)],
          return_sequences=True, return_state=True, go_backwards=True, zero_output_for_mask=True, unroll=True),
    model("RNN over stacked cells with states", stacked_states, [x(3, 5, 4), x(3, 3), x(3, 3), x(3, 2)]),
    one_step("SimpleRNNCell", 1),
    one_step("SimpleRNNCell", 1, alone=True, dtype="mixed_float16"),
    one_step("LSTMCell", 2, activation="relu"),
    one_step("LSTMCell", 2, dtype="bfloat16"),
    one_step("GRUCell", 1, dtype="float64"),
    one_step("GRUCell", 1, alone=True, reset_after=False),
    model("StackedRNNCells as a layer", stacked_step, [x(2, 4), x(2, 3), x(2, 3), x(2, 2)]),
]  # fmt: skip

CONVOLUTIONAL = [
    layer("ConvLSTM1D", x(2, 3, 7, 2, dynamic=(1,)), filters=3, kernel_size=2, return_sequences=True, strides=2),
    layer("ConvLSTM1D", x(2, 3, 7, 2), filters=2, kernel_size=3, dilation_rate=2, go_backwards=True, dtype="float64"),
    layer("ConvLSTM1D", x(2, 3, 2, 7), filters=3, kernel_size=2, padding="same", data_format="channels_first"),
    layer("ConvLSTM2D", x(2, 3, 5, 6, 2), filters=3, kernel_size=3, return_state=True),
    layer("ConvLSTM2D", x(2, 3, 5, 6, 2), filters=2, kernel_size=(2, 3), padding="same", use_bias=False,
          activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True, return_state=True),
    layer("ConvLSTM2D", x(2, 3, 2, 5, 6), filters=2, kernel_size=3, data_format="channels_first", unroll=True,
          go_backwards=True, return_sequences=True),
    layer("ConvLSTM2D", x(2, 3, 5, 6, 2), filters=2, kernel_size=2, dtype="mixed_float16", return_sequences=True),
    layer("ConvLSTM2D", x(2, 3, 5, 6, 2), filters=2, kernel_size=2, dtype="mixed_bfloat16", padding="same", **EVEN),
    layer("ConvLSTM3D", x(2, 3, 4, 3, 4, 2), filters=2, kernel_size=2, strides=(1, 2, 1), return_sequences=True),
    model("ConvLSTM1D with states", conv_states, [x(2, 3, 6, 2), x(2, 5, 3), x(2, 5, 3)], tolerance=1e-5),
    model("ConvLSTM2D with a mask of steps", conv_mask, [x(3, 5, 4, 5, 2), Tensor((3, 5), "bool", values=KEEP)]),
    model("ConvLSTM2D with a mask of pixels", mask_of_pixels, x(3, 3, 4, 5, 2, masked=((0, 1), (1, 0), (1, 2)))),
]  # fmt: skip

MODELS = [
    model("encoder and decoder", encoder_decoder, [ids(3, 6, high=3), ids(3, 5, high=3)]),
    model("stacked stateful layers", stacked_stateful, sequence()),
    model("masked ids in mixed precision", masked_in_mixed_precision, ids(3, 6, high=3), tolerance=1e-2),
    model("one GRU called twice, then from its states", one_layer_twice, sequence(masked=HOLES)),
    model("one state for all rows", small_batch_of_states, [sequence(), x(1, 3, dtype="int32", low=0, high=3)]),
    model("a mask by position", positional_mask, [sequence(), x(3, 3), Tensor((3, 5), "bool", values=KEEP)]),
]

CASES = [*BASIC, *GATES, *CELLS, *CONVOLUTIONAL, *MODELS]
