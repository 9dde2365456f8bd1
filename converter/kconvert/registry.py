"""Which plugin function converts which layer, and who registered it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from kconvert_schemas.errors import PluginError, show

if TYPE_CHECKING:
    from .call import LayerCall
    from .emitter import Emitter

Lower: TypeAlias = "Callable[[LayerCall, Emitter], Any]"
ComputeMask: TypeAlias = "Callable[[LayerCall, Any, Emitter], Any]"

BUILT_IN = "kconvert"
"""The package that the built-in layers come with."""
MODELS = ("keras.Functional", "keras.Sequential")
"""Converted by kconvert itself, call by call."""


@dataclass(frozen=True, slots=True)
class Handler:
    """How one layer class is converted.

    lower: writes the ops of one call and returns the outputs. arguments: the names of the layer's `call`
    arguments in order. compute_mask: (call, mask of the inputs, emit) -> masks of the outputs; None for
    a layer that does not support masking. autocast: whether Keras casts floating inputs to the layer's
    compute dtype. quantized: writes the ops of a call under a quantized dtype policy; None for a class that Keras
    cannot quantize. package: who registered it.
    """

    name: str
    lower: Lower
    arguments: tuple[str, ...]
    compute_mask: ComputeMask | None
    autocast: bool
    package: str
    doc: str
    quantized: Lower | None = None


class Registry:
    """Handlers and refusals by registered name. Names are claimed once."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.refusals: dict[str, tuple[str, str]] = {}

    def register(
        self,
        names: str | Sequence[str],
        lower: Lower,
        *,
        arguments: Sequence[str] = ("inputs",),
        compute_mask: ComputeMask | None = None,
        autocast: bool = True,
        quantized: Lower | None = None,
        package: str,
    ) -> None:
        """Add a handler under one or several names; PluginError when a name is taken or an argument is wrong."""
        names = [names] if isinstance(names, str) else list(names)
        wrong = _wrong(names, lower, arguments, compute_mask, quantized)
        if wrong:
            raise PluginError(f"Plugin package {show(package)} registers {', '.join(map(show, names))}: {wrong}.")
        doc = (lower.__doc__ or "").strip().partition("\n")[0]
        for name in names:
            self._claim(name, package)
            self.handlers[name] = Handler(
                name, lower, tuple(arguments), compute_mask, autocast, package, doc, quantized
            )

    def refuse(self, name: str, reason: str, *, package: str) -> None:
        """Say why a class is refused."""
        self._claim(name, package)
        self.refusals[name] = (reason, package)

    def _claim(self, name: str, package: str) -> None:
        other = self.handlers[name].package if name in self.handlers else self.refusals.get(name, ("", ""))[1]
        if other == package:
            raise PluginError(f"Plugin package {show(package)} registers {show(name)} twice. Remove one of the two.")
        if other == BUILT_IN or name in MODELS:
            raise PluginError(
                f"Plugin package {show(package)} claims {show(name)}, which kconvert deals with itself. Plugins add "
                "classes; they do not replace those of Keras. Fix the package, or uninstall it."
            )
        if other:
            raise PluginError(
                f"Both {show(other)} and {show(package)} convert {show(name)}. Uninstall one of the two packages."
            )


def _wrong(names: Sequence[Any], lower: Any, arguments: Any, compute_mask: Any, quantized: Any) -> str:
    """Say which argument of `register` is not what it must be; '' if none."""
    if not names or not all(isinstance(name, str) and name for name in names):
        return "expected the registered name of a class, or a list of them"
    for function in (lower, *(() if quantized is None else (quantized,))):
        if not callable(function):
            return f"expected a function (call, emit), got {type(function).__name__}"
    if isinstance(arguments, str) or not all(isinstance(name, str) for name in arguments):
        return f"arguments must be a tuple of names such as ('inputs', 'mask'), got {arguments!r:.60}"
    if compute_mask is not None and not callable(compute_mask):
        return f"compute_mask must be kconvert.masks.keep or a function (call, mask, emit), got {compute_mask!r:.60}"
    return ""


class Register:
    """What a plugin's `register_layers` hook is called with; calls are noted under the plugin's package."""

    def __init__(self, registry: Registry, package: str) -> None:
        self._registry = registry
        self._package = package

    def __call__(
        self,
        names: str | Sequence[str],
        lower: Lower,
        *,
        arguments: Sequence[str] = ("inputs",),
        compute_mask: ComputeMask | None = None,
        autocast: bool = True,
        quantized: Lower | None = None,
    ) -> None:
        """Register `lower` as the converter of the layer classes `names`.

        names: registered names: 'acme>Swish' for a class registered by
        `keras.saving.register_keras_serializable(package="acme")`, 'Swish' for one that is not.
        lower(call, emit): writes the ops of one call and returns its outputs as Keras does.
        arguments: the names of the `call` method's arguments in order; name 'mask' among them to be
        given the mask. compute_mask: `kconvert.masks.keep` for `supports_masking = True`; or a function
        (call, mask, emit) -> masks. autocast: False for layers that take their inputs as they are.
        quantized: like `lower`, under a quantized dtype policy, for a class with Keras' `quantized_call`.
        """
        self._registry.register(
            names, lower, arguments=arguments, compute_mask=compute_mask, autocast=autocast, quantized=quantized,
            package=self._package,
        )  # fmt: skip

    def refuse(self, names: Mapping[str, str]) -> None:
        """Register classes that cannot be converted, with the reason and what to do instead."""
        for name, reason in names.items():
            self._registry.refuse(name, reason, package=self._package)
