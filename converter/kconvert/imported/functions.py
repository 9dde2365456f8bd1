"""Functions that are noted by name while a layer is followed: those of TensorFlow, and those that take sizes.

`keras.ops.shape` gives None for an open axis of a symbolic tensor, with which nothing can be computed. Here it gives a
symbolic size, and the functions that take sizes accept it. They are noted as the functions of TensorFlow that they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from ..dialects.tensorflow import plain_name
from ..errors import Unsupported
from .modules import Imported

SIZED = ("reshape", "tile", "broadcast_to", "expand_dims", "concatenate", "stack", "cast", "zeros", "ones", "full",
         "arange", "repeat", "convert_to_tensor", "slice", "multiply")  # fmt: skip
RANDOM = ("normal", "uniform", "truncated_normal", "randint", "binomial", "beta", "gamma", "categorical", "shuffle")
NAMES = {"reshape": ("tensor", "shape"), "tile": ("input", "multiples"), "broadcast_to": ("input", "shape"),
         "expand_dims": ("input", "axis"), "concatenate": ("values", "axis"), "stack": ("values", "axis"),
         "cast": ("x", "dtype"), "zeros": ("shape", "dtype"), "ones": ("shape", "dtype"),
         "repeat": ("input", "repeats", "axis"),
         "multiply": ("x", "y")}  # fmt: skip
TENSORFLOW = {"concatenate": "concat"}


class Functions:
    """The functions that are replaced while something is followed."""

    def __init__(self, keras: Any, imported: Imported) -> None:
        self.keras = keras
        self.imported = imported
        self.symbolic = keras.KerasTensor

    @contextmanager
    def noted(self) -> Iterator[None]:
        """While this lasts, these functions note themselves where they are given symbolic sizes."""
        ops = self.keras.ops
        replaced: dict[Any, Any] = {ops.shape: self._shape}
        for name in SIZED:
            replaced[getattr(ops, name)] = self._sized(name, getattr(ops, name))
        for name in RANDOM:
            replaced[getattr(self.keras.random, name)] = _random
        with ExitStack() as stack:
            for module in (ops, self.keras.random, *self.imported.modules.values()):
                for attribute, value in list(vars(module).items()):
                    if callable(value) and _hashable(value) and value in replaced:
                        stack.enter_context(mock.patch.object(module, attribute, replaced[value]))
            stack.enter_context(_dispatching(self))
            yield

    def call(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """Note a call of a TensorFlow function by its name, and return what it gives, symbolically."""
        made = _operations(self.keras)[0](function)
        outputs = made(*args, **kwargs)
        sized = _operations(self.keras)[1]
        return self.keras.tree.map_structure(lambda leaf: sized.of(leaf, self), outputs)

    def _shape(self, x: Any) -> Any:
        if not isinstance(x, self.symbolic) or None not in x.shape:
            return tuple(x.shape)
        whole = self.call("shape", x)
        return tuple(self.call("getitem", whole, slice_spec=i) if n is None else n for i, n in enumerate(x.shape))

    def _sized(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if not self._computed([args, kwargs]):
                return original(*args, **kwargs)
            return self._note(name, original, args, kwargs)

        return run

    def _computed(self, value: Any) -> bool:
        sized = _operations(self.keras)[1]
        return any(isinstance(leaf, sized) for leaf in self.keras.tree.flatten(value))

    def _note(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        bound = inspect.signature(original).bind(*args, **kwargs).arguments
        values = list(bound.values())
        if name == "convert_to_tensor":
            return values[0] if isinstance(values[0], self.symbolic) else self.call("stack", list(values[0]))
        if name == "arange":
            return self._arange(bound)
        if name == "full":
            return self.call("fill", list(bound["shape"]), value=bound["fill_value"])
        if name == "slice":
            return self.call("slice", values[0], begin=list(values[1]), size=list(values[2]))
        names = NAMES[name]
        if name in ("zeros", "ones", "cast"):
            bound["dtype"] = self.keras.backend.standardize_dtype(bound.get("dtype"))
            values = [bound[next(iter(bound))], bound["dtype"]]
        settings = dict(zip(names[1:], values[1:], strict=False))
        first = list(values[0]) if isinstance(values[0], tuple) else values[0]
        return self.call(TENSORFLOW.get(name, name), first, **settings)

    def _arange(self, bound: Mapping[str, Any]) -> Any:
        start, stop, step = bound["start"], bound.get("stop"), bound.get("step", 1)
        start, stop = (0, start) if stop is None else (start, stop)
        dtype = bound.get("dtype")
        y = self.call("range", start, limit=stop, delta=1 if step is None else step)
        return y if dtype is None else self.keras.ops.cast(y, dtype)


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _random(*args: Any, **kwargs: Any) -> Any:
    raise Unsupported("it draws random numbers, so that it gives another answer each time")


_MADE: list[tuple[Any, Any]] = []


def _operations(keras: Any) -> tuple[Any, Any]:
    """Return the classes TracedFunction and Size, made when Keras is there."""
    if _MADE:
        return _MADE[0]

    class TracedFunction(keras.Operation):  # type: ignore[misc]
        """A call of a TensorFlow function, by name."""

        def __init__(self, function: str, name: str | None = None) -> None:
            super().__init__(name=name or keras.src.utils.naming.auto_name(function.rpartition(".")[2]))
            self.function = function

        def get_config(self) -> dict[str, Any]:
            return {"function": plain_name(self.function), "name": self.name}

        def call(self, *args: Any, **kwargs: Any) -> Any:
            return _find(self.function)(*args, **kwargs)

        def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
            return keras.src.backend.compute_output_spec(self.call, *args, **kwargs)

    class Size(keras.KerasTensor):  # type: ignore[misc]
        """A symbolic tensor of whole numbers that may be sizes: what is computed with it is noted by name."""

        notes: Any = None

        @classmethod
        def of(cls, tensor: Any, notes: Any) -> Any:
            if not isinstance(tensor, keras.KerasTensor) or not str(tensor.dtype).startswith("int"):
                return tensor
            tensor.__class__ = cls
            tensor.notes = notes
            return tensor

        def __getitem__(self, key: Any) -> Any:
            return self.notes.call("getitem", self, slice_spec=key)

        def __mul__(self, other: Any) -> Any:
            return self.notes.call("multiply", self, y=other)

        def __rmul__(self, other: Any) -> Any:
            return self.notes.call("multiply", self, y=other)

        def __add__(self, other: Any) -> Any:
            return self.notes.call("add", self, y=other)

        def __sub__(self, other: Any) -> Any:
            return self.notes.call("subtract", self, y=other)

        def __floordiv__(self, other: Any) -> Any:
            return self.notes.call("floordiv", self, y=other)

    _MADE.append((TracedFunction, Size))
    return _MADE[0]


def _find(function: str) -> Callable[..., Any]:
    """Return a function of TensorFlow by its name."""
    import importlib

    tf = importlib.import_module("tensorflow")
    if function == "getitem":
        return lambda tensor, slice_spec: tensor[slice_spec]
    places = [tf, tf.math, tf.nn, tf.linalg] if "." not in function else [tf]
    for place in places:
        found: Any = place
        for part in function.split("."):
            found = getattr(found, part, None)
        if found is not None:
            return found
    raise Unsupported(f"there is no function {function} in TensorFlow")


@contextmanager
def _dispatching(functions: Functions) -> Iterator[None]:
    """While this lasts, TensorFlow's own functions note themselves where they are given symbolic tensors."""
    try:
        import importlib

        tf = importlib.import_module("tensorflow")
        export = importlib.import_module("tensorflow.python.util.tf_export")
        dispatch = importlib.import_module("tensorflow.python.util.dispatch")
    except Exception:
        yield
        return

    class Dispatcher(dispatch.GlobalOpDispatcher):  # type: ignore[misc,name-defined]
        def handle(self, op: Any, args: Any, kwargs: Any) -> Any:
            if not any(isinstance(leaf, functions.symbolic) for leaf in tf.nest.flatten([args, kwargs])):
                return self.NOT_SUPPORTED
            name = export.get_canonical_name_for_symbol(op, add_prefix_to_v1_names=True)
            if name is None:
                return self.NOT_SUPPORTED
            bound = inspect.signature(op).bind(*args, **kwargs).arguments
            named = {key: value for key, value in bound.items() if key != "name"}
            first = next(iter(named))
            values = {key: _plain(value) for key, value in named.items() if key != first}
            return functions.call(name, _plain(named[first]), **values)

    dispatcher = Dispatcher()
    before = list(dispatch._GLOBAL_DISPATCHERS)
    dispatch._GLOBAL_DISPATCHERS.append(dispatcher)
    try:
        yield
    finally:
        dispatch._GLOBAL_DISPATCHERS[:] = before


def _plain(value: Any) -> Any:
    """A dtype of TensorFlow by its name."""
    return value.name if type(value).__name__ == "DType" else value
