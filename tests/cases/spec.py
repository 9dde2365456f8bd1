"""How a case is written down: data that says which Keras model to build and what to feed it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Tensor:
    """One input: its shape with the batch, dtype, and what fills it.

    dynamic: axes (beside the batch) that the Keras Input leaves open. values: the data itself, or None for
    uniform numbers between low and high (whole numbers for integer dtypes). masked: positions (batch, time)
    to set to 0 in every feature, for a Masking layer in front. fixed: the Input states the batch size too.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    low: float = -2.0
    high: float = 2.0
    dynamic: tuple[int, ...] = ()
    values: Any = None
    masked: tuple[tuple[int, int], ...] = ()
    fixed: bool = False

    def array(self, seed: int) -> np.ndarray:
        """Return the data; the same for the same seed."""
        if self.values is not None:
            return np.array(self.values, dtype=object if self.dtype == "string" else self.held)
        rng = np.random.default_rng(seed)
        if np.issubdtype(np.dtype(self.held), np.integer):
            return rng.integers(int(self.low), int(self.high), self.shape).astype(self.held)
        if self.dtype == "bool":
            return rng.random(self.shape) < 0.5
        data = rng.uniform(self.low, self.high, self.shape).astype(self.held)
        for position in self.masked:
            data[position] = 0
        return data

    @property
    def held(self) -> str:
        """The NumPy dtype that Keras is fed with."""
        return "float32" if self.dtype == "bfloat16" else self.dtype

    @property
    def keras_shape(self) -> tuple[int | None, ...]:
        """The shape for keras.Input, without the batch."""
        return tuple(None if i in self.dynamic else n for i, n in enumerate(self.shape) if i > 0)

    def symbol(self, keras: Any) -> Any:
        """Return the input of a model that takes this."""
        if self.fixed:
            return keras.Input(batch_shape=self.shape, dtype=self.dtype)
        return keras.Input(self.keras_shape, dtype=self.dtype)


def x(*shape: int, **options: Any) -> Tensor:
    """An input tensor of `shape`, batch first."""
    return Tensor(tuple(shape), **options)


def ids(*shape: int, high: int = 10, **options: Any) -> Tensor:
    """An int32 input of whole numbers from 0 up to `high`."""
    return Tensor(tuple(shape), **{"dtype": "int32", "low": 0, "high": high, **options})


def text(*strings: str) -> Tensor:
    """A string input of shape (n, 1)."""
    return Tensor((len(strings), 1), "string", values=[[s] for s in strings])


@dataclass(frozen=True)
class Case:
    """A model to compare: `build(keras)` makes it, `inputs` feed it, in the order of its inputs.

    tolerance: largest error allowed, relative to the largest magnitude of each output. twin: builds a model with
    the same weights that gives the outputs instead, where Keras can save a model but not run it.
    step(keras, model): what is done to the model before it is saved, such as quantizing it; then the outputs are those
    of the model that Keras loads again.
    """

    name: str
    build: Callable[[Any], Any]
    inputs: tuple[Tensor, ...]
    tolerance: float = 1e-5
    options: Mapping[str, Any] = field(default_factory=dict)
    twin: Callable[[Any], Any] | None = None
    step: Callable[[Any, Any], None] | None = None

    @property
    def slug(self) -> str:
        """A name for files: short, unique enough, the same on every run."""
        plain = re.sub(r"[^A-Za-z0-9_.=-]+", "_", self.name).strip("_")
        return f"{plain[:60]}-{zlib.crc32(self.name.encode()):08x}"

    def arrays(self) -> list[np.ndarray]:
        """Return the data to feed."""
        return [tensor.array(seed) for seed, tensor in enumerate(self.inputs)]


HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


def layer(
    class_name: str, inputs: Tensor | Sequence[Tensor], *, mask: bool = False, tolerance: float | None = None,
    call: Mapping[str, Any] | None = None, separate: bool = False, **options: Any,
) -> Case:  # fmt: skip
    """One layer of keras.layers with `options`, called on its inputs (a list of them if several).

    mask: put a Masking layer in front, so that the layer sees a mask. call: keyword arguments of the call.
    separate: several inputs are arguments of their own, not a list.
    An option that is a pair ("keras.layers.LSTMCell", {...}) is built first: layers within layers.
    """
    tensors = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    extras = {k: v for k, v in (("mask", mask), ("call", call), ("separate", separate)) if v}
    shown = ", ".join(f"{k}={v!r}" for k, v in {**options, **extras}.items())
    types = " ".join(f"{t.dtype}{list(t.shape)}{'?' if t.dynamic else ''}" for t in tensors)
    if tolerance is None:
        tolerance = 1e-2 if options.get("dtype") in HALF else 1e-5

    def build(keras: Any) -> Any:
        symbols = [t.symbol(keras) for t in tensors]
        fed = [keras.layers.Masking()(s) for s in symbols] if mask else symbols
        made = getattr(keras.layers, class_name)(**{k: construct(keras, v) for k, v in options.items()})
        outputs = made(*(fed if separate or len(fed) == 1 else [fed]), **(call or {}))
        return keras.Model(symbols if len(symbols) > 1 else symbols[0], outputs)

    return Case(f"{class_name}({shown}) on {types}", build, tensors, tolerance, options)


def op(name: str, *args: Any, tolerance: float | None = None, **options: Any) -> Case:
    """One function of keras.ops ("image.resize" for one of a submodule), called with `args` and `options`.

    A Tensor among them, also within lists, becomes an input of the model; everything else is a constant.
    """
    tensors = _tensors([args, options])
    shown = ", ".join([*(_shown(value) for value in args), *(f"{k}={_shown(v)}" for k, v in options.items())])
    if tolerance is None:
        half = {tensor.dtype for tensor in tensors} | {options.get("dtype")}
        tolerance = 1e-2 if half & set(HALF) else 1e-5

    def build(keras: Any) -> Any:
        symbols = [t.symbol(keras) for t in tensors]
        rest = iter(symbols)
        positional, named = _filled(args, rest), _filled(options, rest)
        function = keras.ops
        for part in name.split("."):
            function = getattr(function, part)
        return keras.Model(symbols if len(symbols) > 1 else symbols[0], function(*positional, **named))

    return Case(f"{name}({shown})", build, tensors, tolerance, options)


def _tensors(value: Any) -> tuple[Tensor, ...]:
    if isinstance(value, Tensor):
        return (value,)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return tuple(tensor for item in items for tensor in _tensors(item))


def _filled(value: Any, symbols: Iterator[Any]) -> Any:
    """Return `value` with the next symbol in place of each Tensor."""
    if isinstance(value, Tensor):
        return next(symbols)
    if isinstance(value, dict):
        return {key: _filled(item, symbols) for key, item in value.items()}
    return type(value)(_filled(item, symbols) for item in value) if isinstance(value, (list, tuple)) else value


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype}{list(value.shape)}{'?' if value.dynamic else '!' if value.fixed else ''}"
    if isinstance(value, (list, tuple)) and _tensors(value):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.tolist()}" if value.size <= 12 else f"an array {value.dtype}{list(value.shape)}"
    return repr(value)


def construct(keras: Any, value: Any) -> Any:
    """Build an option written as ("keras.layers.LSTMCell", {...}); anything else stays as it is."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and value[0].startswith("keras."):
        found = keras
        for part in value[0].split(".")[1:]:
            found = getattr(found, part)
        return found(**{k: construct(keras, v) for k, v in value[1].items()})
    if isinstance(value, list):
        return [construct(keras, item) for item in value]
    return value


def model(name: str, build: Callable[[Any], Any], inputs: Tensor | Sequence[Tensor], tolerance: float = 1e-4) -> Case:
    """A whole model: `build(keras)` returns it."""
    return Case(name, build, (inputs,) if isinstance(inputs, Tensor) else tuple(inputs), tolerance)
