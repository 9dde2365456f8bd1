"""What an op is: its name, inputs, attributes, and the rule that gives the types of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .graph import TensorType

Types: TypeAlias = "Inputs"
Rule: TypeAlias = Callable[["Inputs", Mapping[str, Any]], "TensorType | Sequence[TensorType]"]

REQUIRED: Any = object()
KINDS = (
    "bool", "int", "float", "str", "dtype", "ints", "floats", "strs", "dims", "pairs", "unary", "value", "body",
)  # fmt: skip


class OpError(ValueError):
    """An op was given inputs or attributes that it does not take."""


@dataclass(frozen=True, slots=True)
class Attr:
    """One attribute of an op.

    kind: one of `KINDS`: `ints` is a list of integers, `dims` of dimension expressions, `pairs` of
    [before, after], `unary` the name of a one-input op (or its name and attrs), `value` a (nested
    list of a) number, bool or string, `body` a subgraph.
    """

    kind: str
    default: Any = REQUIRED
    choices: tuple[Any, ...] = ()
    nullable: bool = False
    minimum: float | None = None
    doc: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown attribute kind {self.kind!r}")

    @property
    def required(self) -> bool:
        """Whether an op must state this attribute."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class OpSpec:
    """One row of the op table.

    inputs: names; 'bias?' may be left out, 'xs*' (only as the last) takes any number. outputs: names, likewise.
    rule: gives the output types from input types and attrs; raises OpError for what does not fit.
    differentiable: the inputs that a gradient can flow to.
    """

    name: str
    inputs: tuple[str, ...]
    rule: Rule
    doc: str
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("y",)
    differentiable: tuple[str, ...] = ()
    since: int = 1

    @property
    def namespace(self) -> str:
        """The package an op belongs to: 'acme' for 'acme::swish', 'kconvert' for built-in ops."""
        return self.name.partition("::")[0] if "::" in self.name else "kconvert"

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs without their marks."""
        return tuple(name.rstrip("?*") for name in self.inputs)

    def arity(self) -> tuple[int, int | None]:
        """Return the least and the most number of inputs (None: no limit)."""
        least = sum(not name.endswith(("?", "*")) for name in self.inputs)
        variadic = bool(self.inputs) and self.inputs[-1].endswith("*")
        return least, None if variadic else len(self.inputs)

    def output_names(self, count: int) -> tuple[str, ...]:
        """Return the names of `count` outputs: 'states*' (only as the last) stands for any number."""
        *fixed, last = self.outputs
        if not last.endswith("*"):
            return self.outputs
        return (*fixed, *(f"{last[:-1]}_{i}" for i in range(count - len(fixed))))

    def infer(self, types: Sequence[TensorType | None], attrs: Mapping[str, Any]) -> tuple[TensorType, ...]:
        """Return the output types; raises OpError naming the op and what is wrong."""
        least, most = self.arity()
        given = list(types)
        if len(given) < least or (most is not None and len(given) > most):
            raise OpError(f"{self.name} takes {', '.join(self.inputs)}; got {len(given)} inputs")
        for name, type_ in zip(self.inputs, given, strict=False):
            if type_ is None and not name.endswith(("?", "*")):
                raise OpError(f"{self.name} needs its input {name!r}")
        try:
            result = self.rule(Inputs(self, given), attrs)
        except OpError as error:
            raise OpError(f"{self.name}: {error}") from None
        except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, OverflowError) as error:
            raise OpError(f"{self.name} does not fit {', '.join(map(str, given))}: {error}") from error
        return (result,) if isinstance(result, TensorType) else tuple(result)


class Inputs:
    """The input types of one op call: by name (`types.x`), by index, and the variadic rest."""

    def __init__(self, spec: OpSpec, types: list[TensorType | None]) -> None:
        self._names = spec.input_names
        self.all = types

    def get(self, name: str) -> TensorType | None:
        """Return the type of an optional input, None when it is not given."""
        index = self._names.index(name)
        return self.all[index] if index < len(self.all) else None

    def __getattr__(self, name: str) -> TensorType:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self.get(name)
        if found is None:
            raise OpError(f"needs its input {name!r}")
        return found

    def __getitem__(self, index: int) -> TensorType:
        found = self.all[index]
        if found is None:
            raise OpError(f"needs its input number {index}")
        return found

    def __len__(self) -> int:
        return len(self.all)

    @property
    def present(self) -> list[TensorType]:
        """The types of all inputs that are given."""
        return [type_ for type_ in self.all if type_ is not None]

    @property
    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the given inputs by name, for dimension expressions."""
        return {n: t.shape for n, t in zip(self._names, self.all, strict=False) if t is not None}


@dataclass(frozen=True, slots=True)
class Opset:
    """The ops of one namespace, at one version. A third-party package exposes one as an entry point."""

    namespace: str
    version: int
    ops: Mapping[str, OpSpec]

    @staticmethod
    def of(namespace: str, version: int, specs: Sequence[OpSpec]) -> Opset:
        """Collect `specs`; raises ValueError on a duplicate or a name outside the namespace."""
        ops = {spec.name: spec for spec in specs}
        if len(ops) != len(specs):
            raise ValueError(f"opset {namespace!r} names an op twice")
        strangers = [name for name, spec in ops.items() if spec.namespace != namespace]
        if strangers:
            raise ValueError(f"opset {namespace!r} holds ops of other namespaces: {', '.join(strangers)}")
        return Opset(namespace, version, ops)
