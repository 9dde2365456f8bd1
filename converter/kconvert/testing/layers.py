"""What every converted layer has to hold."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kconvert_schemas.bundle import dump, load_json, read_bundle
from kconvert_schemas.check import check
from kconvert_schemas.codec import decode, encode
from kconvert_schemas.dtypes import Array, cast, holder
from kconvert_schemas.graph import TensorType

from ..errors import Unsupported
from ..plugins import load_registry
from ..registry import Registry
from ..structures import flatten, map_structure
from .compare import arrays_of, assert_close, require
from .contract import Contract
from .conversion import Converted, addressed, convert_layer, in_dtype, layer_spec, type_of

TOLERANCES = {"float64": 1e-9, "float32": 1e-5, "float16": 1e-2, "bfloat16": 3e-2}
"""Largest error for each compute dtype, relative to the largest magnitude of an output."""


class LayerContract(Contract):
    """Subclass it as `Test...` and state:

    layer: the registered name of the class. x: what the layer is called with, an array or a nest of them,
    batch first, at least two rows. expected(self, x): the outputs, in NumPy. Where the layer has them:
    config; weights (its variables in Keras' order, or by address, 'cell/vars/0'); mask (of x);
    expected_mask(self); call (keyword arguments of the call); assets; tolerances.

    plugin: the module with `register_layers`, for a plugin that is not installed.
    """

    layer: ClassVar[str]
    x: ClassVar[Any]
    config: ClassVar[Mapping[str, Any]] = {}
    weights: ClassVar[Sequence[Array] | Mapping[str, Array]] = ()
    mask: ClassVar[Any] = None
    call: ClassVar[Mapping[str, Any]] = {}
    assets: ClassVar[Mapping[str, bytes]] = {}
    plugin: ClassVar[Any] = None
    tolerances: ClassVar[Mapping[str, float]] = TOLERANCES

    def expected(self, x: Any) -> Any:
        """Return what the layer gives for `x`; x and self.weights are float64 unless it computes in float32."""
        raise NotImplementedError(f"{type(self).__name__} must define expected(self, x)")

    def expected_mask(self) -> Any:
        """Return the masks of the outputs; Keras' default for `supports_masking` hands on the mask of x."""
        return self.mask

    # Helpers: the conversion, and a run of it.

    def registry(self) -> Registry:
        """Return the handlers under test."""
        return load_registry()[0] if self.plugin is None else load_registry((), [self.plugin])[0]

    def convert(self, policy: str = "", open_batch: bool = True, **options: Any) -> Converted:
        """Convert the layer, under another dtype policy if one is named."""
        config = {**self.config, **({"dtype": policy} if policy else {})}
        compute = layer_spec(self.layer, config).policy.compute

        def type_in(leaf: Any) -> Any:
            if not isinstance(leaf, np.ndarray):
                return leaf
            found = type_of(leaf, open_batch)
            return TensorType(found.shape, compute) if leaf.dtype.kind == "f" else found

        x, mask, call = (map_structure(type_in, part) for part in (self.x, self.mask, dict(self.call)))
        given: dict[str, Any] = {"weights": self.weights, "assets": self.assets, "registry": self.registry()}
        return convert_layer(self.layer, config, x, mask=mask, call=call, **{**given, **options})

    def feeds(self, rows: slice = slice(None)) -> list[Array]:
        """Return copies of the arrays that a converted layer takes, or of some rows of them."""
        leaves = [leaf for part in (self.x, dict(self.call), self.mask) for leaf in flatten(part)]
        return [leaf[rows].copy() for leaf in leaves if isinstance(leaf, np.ndarray)]

    def _expected_under(self, compute: str) -> list[Array]:
        """Return what is expected of inputs rounded to `compute`, worked out in float64 (float32 for itself)."""
        wide = "float32" if compute == "float32" else "float64"

        def widened(leaf: Any) -> Array:
            return in_dtype(in_dtype(np.asarray(leaf), compute), wide)

        weights = {at: in_dtype(np.asarray(array), wide) for at, array in addressed(self.weights).items()}
        vars(self)["weights"] = weights if isinstance(self.weights, Mapping) else list(weights.values())
        return arrays_of(self.expected(map_structure(widened, self.x)))

    def _check_policy(self, policy: str) -> None:
        outputs = self.convert(policy)
        got = arrays_of(outputs.model()(*self.feeds()))
        compute = layer_spec(self.layer, {"dtype": policy}).policy.compute
        expected = self._expected_under(compute)
        assert_close(got, expected, self.tolerances[compute], f"under the policy {policy}")
        for port, array, wanted in zip(outputs.graph.outputs.ports, got, expected, strict=True):
            what, dtype = f"{policy}: {port.name!r}", compute if wanted.dtype.kind == "f" else port.type.dtype
            require(port.type.dtype == dtype, f"{what} is {port.type.dtype}, must be {dtype}")
            require(array.dtype == holder(dtype), f"{what} is held as {array.dtype}, must be {holder(dtype)}")
            same = np.array_equal(cast(array, dtype), array, equal_nan=dtype != "string")
            require(same, f"{what} holds values that {dtype} does not have")

    # The tests.

    def test_is_registered(self) -> None:
        """The class has a handler, and the handler a docstring."""
        handler = self.registry().handlers.get(self.layer)
        if handler is None:
            raise AssertionError(f"no plugin converts {self.layer!r}: is the package installed, with its entry point?")
        has_doc = bool(handler.doc) or sys.flags.optimize > 1  # python -OO keeps none
        require(has_doc, f"{handler.lower!r} needs a docstring: `kconvert --layers` shows its first line")

    def test_forward(self) -> None:
        """The layer gives what `expected` says, in every output."""
        compute = layer_spec(self.layer, self.config).policy.compute
        got = self.convert().model()(*self.feeds())
        assert_close(got, self.expected(self.x), self.tolerances[compute], "forward")

    def test_optimised_equals_plain(self) -> None:
        """The optimised model gives what the graph gives as it is written."""
        converted = self.convert()
        plain = converted.model(optimize=False)(*self.feeds())
        assert_close(converted.model()(*self.feeds()), plain, self.tolerances["float32"], "optimised")

    def test_output_mask(self) -> None:
        """Each output carries the mask that `expected_mask` says, or none."""
        expected = [mask for mask in flatten(self.expected_mask()) if mask is not None]
        masks = self.convert(return_masks=True).model()(*self.feeds())["masks"]
        require(len(masks) == len(expected), f"{len(masks)} outputs carry a mask, expected {len(expected)}")
        for i, (got, mask) in enumerate(zip(masks, expected, strict=True)):
            require(got.dtype == bool, f"mask {i} is {got.dtype}")
            require(np.array_equal(got, mask), f"mask {i} is\n{got}\nexpected\n{np.asarray(mask)}")

    def test_float32(self) -> None:
        """Under float32 the outputs are float32 and right."""
        self._check_policy("float32")

    def test_float64(self) -> None:
        """Under float64 nothing is computed in less."""
        self._check_policy("float64")

    def test_float16(self) -> None:
        """Under float16 the outputs are float16 and near."""
        self._check_policy("float16")

    def test_bfloat16(self) -> None:
        """Under bfloat16 the outputs are bfloat16 and near."""
        self._check_policy("bfloat16")

    def test_mixed_float16(self) -> None:
        """Under mixed_float16 the variables stay float32, the outputs are float16."""
        self._check_policy("mixed_float16")

    def test_batch_of_one(self) -> None:
        """Each row alone gives what it gives among others."""
        model = self.convert().model()
        together = arrays_of(model(*self.feeds()))
        rows = self.feeds()[0].shape[0]
        require(rows >= 2, "give x at least two rows")
        for i in range(rows):
            alone = model(*self.feeds(slice(i, i + 1)))
            assert_close(alone, [y[i : i + 1] for y in together], self.tolerances["float32"], f"row {i} alone")

    def test_empty_batch(self) -> None:
        """An empty batch gives an empty batch."""
        model = self.convert().model()
        together, none = (arrays_of(model(*self.feeds(rows))) for rows in (slice(None), slice(0, 0)))
        for y, empty in zip(together, none, strict=True):
            require(empty.shape == (0, *y.shape[1:]), f"an empty batch gives {empty.shape}, not {(0, *y.shape[1:])}")
            require(empty.dtype == y.dtype, f"an empty batch gives {empty.dtype}, others {y.dtype}")

    def test_batch_size_is_open(self) -> None:
        """Where the batch of the inputs is open, so is that of the outputs; where it is known, so is theirs."""
        rows = self.feeds()[0].shape[0]
        for port in self.convert().graph.outputs.ports:
            require(port.type.shape[:1] == (None,), f"with an open batch, {port.name!r} is {port.type}")
        known = self.convert(open_batch=False)
        for port in known.graph.outputs.ports:
            require(port.type.shape[:1] == (rows,), f"with a batch of {rows}, {port.name!r} is {port.type}")
        assert_close(known.model()(*self.feeds()), self.convert().model()(*self.feeds()), 0.0, "with a known batch")

    def test_json_round_trip(self) -> None:
        """The graph survives JSON, and obeys the rules of the format."""
        written = encode(check(self.convert().graph))
        read = check(decode(load_json(dump(written).encode(), "graph.json")))
        require(encode(read) == written, "the graph that is read differs from the one that was written")

    def test_bundle_round_trip(self) -> None:
        """A written bundle holds the weights and gives the same outputs."""
        from kconvert_runtime import load

        converted = self.convert()
        with tempfile.TemporaryDirectory() as folder:
            converted.write(Path(folder) / "bundle")
            weights = read_bundle(Path(folder) / "bundle")[1]
            for name, array in converted.weights.items():
                assert_close(weights[name], array, 0.0, f"weight {name!r}")
            got = arrays_of(load(Path(folder) / "bundle")(*self.feeds()))
        assert_close(got, converted.model()(*self.feeds()), 0.0, "after a round trip")

    def test_bytes_are_deterministic(self) -> None:
        """The same layer gives the same bytes."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("first", "second"):
                self.convert().write(Path(folder) / name)
            for file in ("graph.json", "weights.npz"):
                first, second = ((Path(folder) / name / file).read_bytes() for name in ("first", "second"))
                require(first == second, f"{file} differs between two conversions")

    def test_inputs_are_left_alone(self) -> None:
        """Nothing writes to an input or a weight: they may be mapped files."""
        converted = self.convert()
        arrays = [np.array(array) for array in [*self.feeds(), *converted.weights.values()]]
        before = [array.tobytes() for array in arrays]
        for array in arrays:
            array.setflags(write=False)
        count = len(self.feeds())
        frozen = Converted(converted.graph, dict(zip(converted.weights, arrays[count:], strict=True)))
        for optimize in (True, False):
            frozen.model(optimize=optimize)(*arrays[:count])
        require([array.tobytes() for array in arrays] == before, "an input or a weight was written to")

    def test_memory_layout_does_not_matter(self) -> None:
        """Inputs in Fortran order, or with negative strides, give the same."""
        model = self.convert().model()
        plain = model(*self.feeds())
        for what, layout in (
            ("Fortran order", np.asfortranarray),
            ("negative strides", lambda a: a[::-1].copy()[::-1]),
        ):
            assert_close(model(*map(layout, self.feeds())), plain, self.tolerances["float32"], what)

    def test_every_weight_is_used(self) -> None:
        """No variable of the layer is forgotten."""
        used = {weight.source for weight in self.convert().graph.weights.values()}
        address = layer_spec(self.layer, self.config).address
        unused = [at for at in addressed(self.weights) if f"{address}/{at}" not in used]
        require(not unused, f"the graph does not use the variables {', '.join(unused)}")

    def test_wrong_weight_shapes_are_refused(self) -> None:
        """A file whose variables do not fit the config is refused: pass `shape` to emit.weight."""
        address = layer_spec(self.layer, self.config).address
        given = {at: np.asarray(array) for at, array in addressed(self.weights).items()}
        for at, array in given.items():
            grown = np.zeros([n + 1 for n in array.shape] if array.ndim else [2], array.dtype)
            try:
                self.convert(weights={**given, at: grown})
            except Unsupported:
                continue
            raise AssertionError(f"{address}/{at} of the shape {list(grown.shape)} is taken for {list(array.shape)}")
