"""What may be drawn for each layer class: its inputs, its options, and a dtype policy.

Adaptive pooling is not among them: TensorFlow ends the whole process, dividing by 0, for some of its options.
`DRAWN` gives for each class a strategy of cases. Whatever combination Keras refuses is skipped, so the strategies need not
be exact; an option that stands here is an option that is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.cases.spec import HALF, Case, Tensor, layer

Strategy = st.SearchStrategy
POLICIES = st.sampled_from(["float32"] * 5 + ["float64", *HALF])
FLOATS = ("float32",) * 6 + ("float64", "float16")
ANY = (*FLOATS, "int32", "uint8", "bool")
ACTIVATIONS = st.sampled_from(["relu", "gelu", "softmax", "tanh", "selu", "mish", "hard_silu", "log_softmax", None])
GATES = st.sampled_from(["sigmoid", "hard_sigmoid", "relu", "softsign"])
FORMAT = st.sampled_from(["channels_last"] * 3 + ["channels_first"])
SIZE, FEW, FLAG = st.integers(1, 6), st.integers(1, 4), st.booleans()
RATE = st.sampled_from([0.0, 0.3])
NUMBER = st.sampled_from([0.0, 0.3, 1.0, 2.5])


@st.composite
def tensor(
    draw: Any, *sizes: Any, dtypes: tuple[str, ...] = FLOATS, closed: tuple[int, ...] = (), **options: Any
) -> Tensor:
    """An input of drawn sizes and dtype; each axis that is not `closed` may be unknown to Keras."""
    shape = tuple(draw(size) if isinstance(size, Strategy) else size for size in sizes)
    known = {axis % len(shape) for axis in closed}
    axes = [axis for axis in range(1, len(shape)) if axis not in known]
    dynamic = tuple(axis for axis in axes if draw(st.sampled_from([False, False, True])))
    dtype = draw(st.sampled_from(dtypes))
    whole = {"low": 0, "high": 5} if dtype in ("int32", "uint8", "int64") else {}
    return Tensor(shape, dtype, dynamic=dynamic, **{**options, **whole})


@st.composite
def any_rank(draw: Any, low: int = 1, high: int = 4, **options: Any) -> Tensor:
    """An input with `low` to `high` axes after the batch."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=low, max_size=high))
    return draw(tensor(FEW, *sizes, **options))


def images(rank: int, channels: Any = FEW, least: int = 1, most: int = 9) -> Strategy:
    """An input with `rank` spatial axes; the last axis and the first after the batch may both be the channels."""
    sizes = [st.integers(least, most)] * rank
    last = tensor(st.integers(1, 2), *sizes, channels, closed=(-1,))
    return st.one_of(last, last, tensor(st.integers(1, 2), channels, *sizes, closed=(1,)))


@st.composite
def sequence(draw: Any, *rest: Any, steps: Any = SIZE, masked: bool = True) -> Tensor:
    """An input (batch, time, ...) with some steps all 0, for a Masking layer to find."""
    made = draw(tensor(FEW, steps, *rest, closed=tuple(range(2, 2 + len(rest))), dtypes=("float32",)))
    places = st.tuples(st.integers(0, made.shape[0] - 1), st.integers(0, made.shape[1] - 1))
    where = tuple(draw(st.lists(places, max_size=6))) if masked else ()
    return Tensor(made.shape, dynamic=made.dynamic, masked=where)


def per_axis(rank: int, values: Any) -> Strategy:
    """An option that is one number, or one for each spatial axis."""
    return st.one_of(values, st.tuples(*[values] * rank))


def drawn(class_name: str, inputs: Any, spaced: Any = None, **options: Any) -> Strategy:
    """Cases of a layer: `inputs` is a strategy of its input; options are strategies or values.

    spaced: a strategy of a dict of further options, of those that exclude each other.
    """
    policies = options.pop("dtype", POLICIES)

    @st.composite
    def case(draw: Any) -> Case:
        chosen = {k: draw(v) if isinstance(v, Strategy) else v for k, v in options.items()}
        return layer(class_name, draw(inputs), **chosen, **(draw(spaced) if spaced else {}), dtype=draw(policies))

    return case()


def depending(class_name: str, make: Callable[[Any], tuple[Any, dict[str, Any]]]) -> Strategy:
    """Cases of a layer whose options depend on its input: make(draw) returns the inputs and the options."""

    @st.composite
    def case(draw: Any) -> Case:
        inputs, options = make(draw)
        return layer(class_name, inputs, **{"dtype": draw(POLICIES), **options})

    return case()


def axes_of(draw: Any, tensor: Tensor, least: int = 1) -> list[int]:
    """Some axes after the batch, counted from either end."""
    rank = len(tensor.shape)
    chosen = draw(st.lists(st.integers(1, rank - 1), unique=True, min_size=least))
    return [axis - rank if draw(FLAG) else axis for axis in chosen]


def convolution(rank: int, paddings: tuple[str, ...] = ("valid", "same"), **more: Any) -> dict[str, Any]:
    """The options that all convolutions share."""
    return {
        "kernel_size": per_axis(rank, st.integers(1, 3)),
        "spaced": st.one_of(
            st.builds(lambda n: {"strides": n}, per_axis(rank, st.integers(1, 3))),
            st.builds(lambda n: {"dilation_rate": n}, per_axis(rank, st.integers(1, 3))),
        ),
        "padding": st.sampled_from(paddings),
        "data_format": FORMAT,
        "use_bias": FLAG,
        "activation": ACTIVATIONS,
        **more,
    }


def pool(rank: int) -> dict[str, Any]:
    return {
        "pool_size": per_axis(rank, st.integers(1, 4)),
        "strides": st.one_of(st.none(), per_axis(rank, st.integers(1, 3))),
        "padding": st.sampled_from(["valid", "same"]),
        "data_format": FORMAT,
    }


GROUPED = {"filters": st.sampled_from([2, 4, 6]), "groups": st.sampled_from([1, 1, 2])}
RECURRENT = {
    "units": FEW, "activation": st.sampled_from(["tanh", "relu", "softsign", "softmax"]), "use_bias": FLAG,
    "return_sequences": FLAG, "return_state": FLAG, "go_backwards": FLAG, "unroll": FLAG,
    "zero_output_for_mask": FLAG, "dropout": RATE, "recurrent_dropout": RATE, "mask": FLAG,
}  # fmt: skip
CONVLSTM = {
    "filters": FEW, "padding": st.sampled_from(["valid", "same"]), "activation": st.sampled_from(["tanh", "relu"]),
    "recurrent_activation": GATES, "use_bias": FLAG, "return_sequences": FLAG, "return_state": FLAG, "go_backwards": FLAG,
    "data_format": FORMAT,
}  # fmt: skip


def some_cell(draw: Any) -> tuple[str, dict[str, Any]]:
    """One recurrent cell, as an option that is built first."""
    kind = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    more = {"reset_after": draw(FLAG)} if kind == "GRU" else {}
    return f"keras.layers.{kind}Cell", {"units": draw(FEW), "use_bias": draw(FLAG), **more}


def _rnn(draw: Any) -> tuple[Any, dict[str, Any]]:
    cells = [some_cell(draw) for _ in range(draw(st.integers(1, 3)))]
    flags = ("return_sequences", "return_state", "go_backwards", "unroll", "zero_output_for_mask", "mask")
    return draw(sequence(FEW)), {"cell": cells if len(cells) > 1 else cells[0], **{name: draw(FLAG) for name in flags}}


def _inner(draw: Any, **fixed: Any) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    flags = {name: draw(FLAG) for name in ("return_sequences", "return_state", "go_backwards", "use_bias")}
    return f"keras.layers.{kind}", {"units": draw(FEW), **flags, **fixed}


def _bidirectional(draw: Any) -> tuple[Any, dict[str, Any]]:
    merge = draw(st.sampled_from(["concat", "sum", "mul", "ave", None]))
    return draw(sequence(FEW)), {"layer": _inner(draw), "merge_mode": merge, "mask": draw(FLAG)}


def _time_distributed(draw: Any) -> tuple[Any, dict[str, Any]]:
    kind = draw(st.sampled_from(["Dense", "Conv1D", "BatchNormalization", "Flatten", "LSTM", "GlobalMaxPooling1D"]))
    options = {
        "Dense": {"units": 3, "activation": draw(ACTIVATIONS)}, "Conv1D": {"filters": 2, "kernel_size": 2},
        "LSTM": {"units": 2, "return_sequences": draw(FLAG)},
    }.get(kind, {})  # fmt: skip
    rest = (st.integers(2, 4), FEW) if kind != "Dense" else (FEW,)
    return draw(sequence(*rest)), {"layer": (f"keras.layers.{kind}", options), "mask": draw(FLAG)}


def _merging(class_name: str, least: int = 2, most: int = 4) -> Strategy:
    """Inputs of one shape, some with fewer axes or with axes of size 1."""

    def make(draw: Any) -> tuple[Any, dict[str, Any]]:
        full = draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
        tensors = []
        for _ in range(draw(st.integers(least, most))):
            sizes = [draw(st.sampled_from([size, size, size, 1])) for size in full]
            tensors.append(draw(tensor(3, *sizes[draw(st.sampled_from([0, 0, 0, 1])) :], dtypes=ANY)))
        return tensors, {}

    return depending(class_name, make)


def _concatenate(draw: Any) -> tuple[Any, dict[str, Any]]:
    sizes = draw(st.lists(FEW, min_size=1, max_size=3))
    axis = draw(st.integers(1, len(sizes)))
    tensors = []
    for _ in range(draw(st.integers(1, 3))):
        sizes[axis - 1] = draw(FEW)
        tensors.append(draw(tensor(2, *sizes, dtypes=ANY)))
    return tensors, {"axis": axis - len(sizes) - 1 if draw(FLAG) else axis}


def _dot(draw: Any) -> tuple[Any, dict[str, Any]]:
    left, right = (draw(st.lists(FEW, min_size=1, max_size=3)) for _ in range(2))
    i, j = draw(st.integers(1, len(left))), draw(st.integers(1, len(right)))
    right[j - 1] = left[i - 1]
    axes = i if i == j and draw(FLAG) else [i - len(left) - 1 if draw(FLAG) else i, j]
    return [draw(tensor(2, *left)), draw(tensor(2, *right))], {"axes": axes, "normalize": draw(FLAG)}


def _over_axes(class_name: str, **options: Any) -> Strategy:
    """A layer with an option `axis` that is one axis or several; those are known to Keras."""

    def make(draw: Any) -> tuple[Any, dict[str, Any]]:
        made = draw(any_rank(dtypes=FLOATS))
        axes = axes_of(draw, made)
        chosen = {axis % len(made.shape) for axis in axes}
        opened = tuple(axis for axis in made.dynamic if axis not in chosen)
        made = Tensor(made.shape, made.dtype, dynamic=opened)
        axis = axes[0] if len(axes) == 1 and draw(FLAG) else axes
        return made, {"axis": axis, **{k: draw(v) for k, v in options.items()}}

    return depending(class_name, make)


def _batch_normalization(draw: Any) -> tuple[Any, dict[str, Any]]:
    made = draw(any_rank())
    axis = draw(st.integers(1, len(made.shape) - 1))
    made = Tensor(made.shape, made.dtype, dynamic=tuple(a for a in made.dynamic if a != axis))
    options = {"axis": axis - len(made.shape) if draw(FLAG) else axis, "center": draw(FLAG), "scale": draw(FLAG)}
    return made, {**options, "epsilon": draw(st.sampled_from([1e-3, 0.1])), "momentum": 0.9}


def _group_normalization(draw: Any) -> tuple[Any, dict[str, Any]]:
    groups, times = draw(FEW), draw(FEW)
    made = draw(tensor(2, *draw(st.lists(FEW, max_size=2)), groups * times, closed=(-1,)))
    return made, {"groups": draw(st.sampled_from([groups, -1, 1])), "center": draw(FLAG), "scale": draw(FLAG)}


def _permute(draw: Any) -> tuple[Any, dict[str, Any]]:
    made = draw(any_rank(dtypes=ANY))
    return made, {"dims": tuple(draw(st.permutations(range(1, len(made.shape)))))}


def _reshape(draw: Any) -> tuple[Any, dict[str, Any]]:
    target = draw(st.lists(FEW, max_size=3))
    shuffled = draw(st.permutations([*target, *draw(st.lists(st.just(1), max_size=2))]))
    if target and draw(FLAG):
        target[draw(st.integers(0, len(target) - 1))] = -1
    return draw(tensor(FEW, *shuffled, dtypes=ANY)), {"target_shape": tuple(target)}


def _prelu(draw: Any) -> tuple[Any, dict[str, Any]]:
    made = draw(any_rank(high=3))
    shared = sorted(draw(st.sets(st.integers(1, len(made.shape) - 1))) | set(made.dynamic))
    return made, {"shared_axes": shared or None}


def _attention(draw: Any) -> tuple[Any, dict[str, Any]]:
    width, queries, keys = draw(FEW), draw(SIZE), draw(SIZE)
    query = draw(sequence(width, steps=st.just(queries)))
    value = draw(sequence(width, steps=st.just(keys)))
    tensors = [
        Tensor((2, *t.shape[1:]), dynamic=t.dynamic, masked=tuple(m for m in t.masked if m[0] < 2))
        for t in (query, value)
    ]
    if draw(FLAG):
        tensors.append(Tensor((2, keys, draw(FEW))))
    return tensors, {
        "use_scale": draw(FLAG), "dropout": draw(RATE), "mask": draw(FLAG),
        "call": {"use_causal_mask": True} if draw(FLAG) else None,
    }  # fmt: skip


def _dot_attention(draw: Any) -> tuple[Any, dict[str, Any]]:
    tensors, options = _attention(draw)
    return tensors, {**options, "score_mode": draw(st.sampled_from(["dot", "concat"]))}


def _heads(extra: Callable[[Any], dict[str, Any]]) -> Callable[[Any], tuple[Any, dict[str, Any]]]:
    def make(draw: Any) -> tuple[Any, dict[str, Any]]:
        tensors, options = _attention(draw)
        more = {"use_bias": draw(FLAG), "dropout": options["dropout"], "use_gate": draw(FLAG), **extra(draw)}
        more["sliding_window"] = draw(st.sampled_from([None, None, 1, 2]))
        call = {**(options["call"] or {}), **({"return_attention_scores": True} if draw(FLAG) else {})}
        return tensors[:2], {**more, "mask": options["mask"], "call": call or None, "separate": True}

    return make


def _multi_head(draw: Any) -> dict[str, Any]:
    return {
        "num_heads": draw(FEW),
        "key_dim": draw(FEW),
        "value_dim": draw(st.none() | FEW),
        "output_shape": draw(st.none() | FEW),
    }


def _grouped(draw: Any) -> dict[str, Any]:
    heads = draw(FEW)
    return {"head_dim": draw(FEW), "num_key_value_heads": heads, "num_query_heads": heads * draw(st.integers(1, 3))}


def _upsampling(draw: Any) -> tuple[Any, dict[str, Any]]:
    kind = draw(st.sampled_from(["nearest", "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]))
    options = {"size": draw(per_axis(2, st.integers(1, 3))), "data_format": draw(FORMAT), "interpolation": kind}
    return draw(images(2, most=6)), options


def pairs(rank: int) -> Strategy:
    """Amounts before and after: one number, one for each axis, or a pair for each axis."""
    number = st.integers(0, 2)
    if rank == 1:
        return st.one_of(number, st.tuples(number, number))
    return st.one_of(per_axis(rank, number), st.tuples(*[st.tuples(number, number)] * rank))


COUNTS = tensor(FEW, SIZE, dtypes=("int32", "int64", "float32"), low=0, high=5)
LABELS = st.sampled_from(["one_hot", "multi_hot", "count"])

DRAWN: dict[str, Strategy] = {
    "Dense": drawn("Dense", any_rank(high=3, dtypes=ANY, closed=(-1,)), units=FEW, use_bias=FLAG, activation=ACTIVATIONS),
    "Activation": drawn("Activation", any_rank(closed=(-1,)), activation=ACTIVATIONS.filter(bool)),
    "Embedding": drawn("Embedding", tensor(FEW, SIZE, dtypes=("int32", "int64", "uint8", "float32"), low=0, high=5), input_dim=7, output_dim=FEW, mask_zero=FLAG),
    "Masking": drawn("Masking", any_rank(2, 3, dtypes=ANY), mask_value=NUMBER),
    "Softmax": _over_axes("Softmax"),
    "ReLU": drawn("ReLU", any_rank(), max_value=st.none() | NUMBER, negative_slope=NUMBER, threshold=NUMBER),
    "LeakyReLU": drawn("LeakyReLU", any_rank(), negative_slope=NUMBER),
    "ELU": drawn("ELU", any_rank(), alpha=NUMBER),
    "PReLU": depending("PReLU", _prelu),
    "Dropout": drawn("Dropout", any_rank(dtypes=ANY), rate=RATE),
    "GaussianNoise": drawn("GaussianNoise", any_rank(), stddev=RATE),
    "SpatialDropout2D": drawn("SpatialDropout2D", images(2), rate=RATE, data_format=st.sampled_from(["channels_last", "channels_first"])),
    "BatchNormalization": depending("BatchNormalization", _batch_normalization),
    "LayerNormalization": _over_axes("LayerNormalization", center=FLAG, scale=FLAG, epsilon=st.sampled_from([1e-3, 0.1])),
    "RMSNormalization": _over_axes("RMSNormalization", epsilon=st.sampled_from([1e-3, 0.1])),
    "UnitNormalization": _over_axes("UnitNormalization"),
    "GroupNormalization": depending("GroupNormalization", _group_normalization),
    **{f"Conv{n}D": drawn(f"Conv{n}D", images(n, st.sampled_from([2, 4])), **convolution(n), **GROUPED) for n in (2, 3)},
    "Conv1D": drawn("Conv1D", images(1, st.sampled_from([2, 4])), **convolution(1, ("valid", "same", "causal")), **GROUPED),
    **{
        f"Conv{n}DTranspose": drawn(f"Conv{n}DTranspose", images(n, most=5), filters=FEW, output_padding=st.none() | st.integers(0, 1), **convolution(n))
        for n in (1, 2, 3)
    },
    **{f"DepthwiseConv{n}D": drawn(f"DepthwiseConv{n}D", images(n), depth_multiplier=FEW, **convolution(n)) for n in (1, 2)},
    **{f"SeparableConv{n}D": drawn(f"SeparableConv{n}D", images(n), filters=FEW, depth_multiplier=FEW, **convolution(n)) for n in (1, 2)},
    **{f"{kind}Pooling{n}D": drawn(f"{kind}Pooling{n}D", images(n), **pool(n)) for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{
        f"Global{kind}Pooling{n}D": drawn(f"Global{kind}Pooling{n}D", images(n), data_format=FORMAT, keepdims=FLAG, mask=FLAG if n == 1 else False)
        for kind in ("Max", "Average") for n in (1, 2, 3)
    },
    **{f"ZeroPadding{n}D": drawn(f"ZeroPadding{n}D", images(n), padding=pairs(n), **({"data_format": FORMAT} if n > 1 else {})) for n in (1, 2, 3)},
    **{f"Cropping{n}D": drawn(f"Cropping{n}D", images(n), cropping=pairs(n), **({"data_format": FORMAT} if n > 1 else {})) for n in (1, 2, 3)},
    "UpSampling1D": drawn("UpSampling1D", images(1), size=FEW),
    "UpSampling2D": depending("UpSampling2D", _upsampling),
    "UpSampling3D": drawn("UpSampling3D", images(3, most=4), size=per_axis(3, st.integers(1, 3)), data_format=FORMAT),
    "Flatten": drawn("Flatten", any_rank(0, 4, dtypes=ANY), data_format=FORMAT),
    "Permute": depending("Permute", _permute),
    "Reshape": depending("Reshape", _reshape),
    "RepeatVector": drawn("RepeatVector", any_rank(1, 1, dtypes=ANY), n=FEW),
    **{name: _merging(name) for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")},
    "Subtract": _merging("Subtract", 2, 2),
    "Concatenate": depending("Concatenate", _concatenate),
    "Dot": depending("Dot", _dot),
    "SimpleRNN": drawn("SimpleRNN", sequence(FEW), **RECURRENT),
    "GRU": drawn("GRU", sequence(FEW), reset_after=FLAG, recurrent_activation=GATES, **RECURRENT),
    "LSTM": drawn("LSTM", sequence(FEW), recurrent_activation=GATES, **RECURRENT),
    "RNN": depending("RNN", _rnn),
    "Bidirectional": depending("Bidirectional", _bidirectional),
    "TimeDistributed": depending("TimeDistributed", _time_distributed),
    **{
        f"ConvLSTM{n}D": drawn(f"ConvLSTM{n}D", sequence(*[st.integers(3, 5)] * n, FEW, masked=False, steps=FEW), kernel_size=per_axis(n, st.integers(1, 3)), strides=per_axis(n, st.integers(1, 2)), **CONVLSTM)
        for n in (1, 2, 3)
    },
    "Attention": depending("Attention", _dot_attention),
    "AdditiveAttention": depending("AdditiveAttention", _attention),
    "MultiHeadAttention": depending("MultiHeadAttention", _heads(_multi_head)),
    "GroupQueryAttention": depending("GroupQueryAttention", _heads(_grouped)),
    "Rescaling": drawn("Rescaling", any_rank(dtypes=ANY), scale=NUMBER, offset=NUMBER),
    "CategoryEncoding": drawn("CategoryEncoding", COUNTS, num_tokens=6, output_mode=LABELS),
    "Discretization": drawn("Discretization", any_rank(1, 2), bin_boundaries=[-1.0, 0.25, 1.0], output_mode=st.sampled_from(["int", "one_hot", "multi_hot", "count"])),
    "Hashing": drawn("Hashing", tensor(FEW, FEW, dtypes=("int32", "int64"), low=0, high=9), num_bins=st.integers(1, 9), mask_value=st.none() | st.just(0), salt=st.none() | st.integers(0, 99), output_mode=st.sampled_from(["int", "one_hot", "multi_hot", "count"])),
    "IntegerLookup": drawn("IntegerLookup", tensor(FEW, FEW, dtypes=("int32", "int64"), low=0, high=9), vocabulary=[1, 2, 5, 7], num_oov_indices=st.integers(0, 2), mask_token=st.none() | st.just(0), output_mode=st.sampled_from(["int", "one_hot", "multi_hot", "count"]), pad_to_max_tokens=FLAG, max_tokens=st.none() | st.just(9)),
}  # fmt: skip

REFUSED = (
    "the sizes of its input must be known", "the size of its input's last axis must be known",
    "with TensorFlow Keras adds them there", "for a bias along another axis", "give both the same",
    "does not fit a window",
)  # fmt: skip
"""What may be refused: parts of reasons."""
