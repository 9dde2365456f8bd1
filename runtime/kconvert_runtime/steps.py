"""What a plan is made of: frozen data, no verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from kconvert_schemas.dtypes import Array
from kconvert_schemas.graph import Node, TensorType

from .pace import Pace

if TYPE_CHECKING:
    from .place import Place
    from .scratch import Workspace

Call: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Memory:
    """The arrays that the steps of a plan fill.

    arrays: type and buffer of each; buffer None: a new array each run, as it leaves the model. sizes: bytes of the
    buffers.
    """

    arrays: tuple[tuple[TensorType, int | None], ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """A function and the values that it reads and writes. `node` is named in errors.

    fills: the types of the arrays that the function fills, call(do, arrays..., inputs...), by what it says to `do`
    (`calls.py`), None for one that nobody reads; empty where it returns arrays. gives: the type of the one array that
    it returns, if its sizes are known. kernel: which of the ways to compute the op it is. after: the ops that are done
    in the same go. seconds: what it is expected to take; 0 where that is not known.
    """

    node: Node
    call: Call
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    fills: tuple[TensorType | None, ...] = ()
    gives: TensorType | None = None
    kernel: str = "plain"
    after: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One kernel call: reads slots (None: an optional input left out), writes slots, then frees some.

    fills: the arrays of the plan's memory that the call fills; empty where it returns its results.
    gives, kernel, after, seconds: as in Binding.
    """

    node: Node
    call: Call
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    frees: tuple[int, ...]
    fills: tuple[int | None, ...] = ()
    gives: TensorType | None = None
    kernel: str = "plain"
    after: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order. `constants` holds the slots that are filled before the first step (weights)."""

    slots: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: Mapping[int, Array]
    steps: tuple[Step, ...]
    memory: Memory = field(default_factory=Memory)
    parallel: bool = False
    """Whether threads of ours share the work, of this plan or of several; BLAS then has to keep to one."""
    cores: int = 1
    """How many of them share that of this plan."""
    pace: Pace | None = None
    """Learns whether BLAS' threads help; None for a plan whose runs do not all take as long."""
    idle: dict[Workspace, Place] = field(default_factory=dict, compare=False)
    """Places at which no run works at the moment, by their workspace."""
