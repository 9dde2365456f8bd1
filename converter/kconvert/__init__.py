"""Convert Keras models into bundles that NumPy alone can run.

    import kconvert

    kconvert.convert("model.keras", "out/")
    model = kconvert.load("out/")
    y = model(x)

For plugin packages: `hookimpl`, `LayerCall`, `Emitter`, `Symbol`, `Unsupported`, `masks` and `kconvert.testing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kconvert_schemas.errors import KconvertError

from . import activations, masks, promotion
from .api import convert
from .call import LayerCall
from .config import Config
from .emitter import Emitter
from .errors import Unsupported
from .hookspecs import hookimpl
from .registry import Register
from .report import Report
from .spec import ArrayConstant, LayerSpec, Quantization, TensorRef
from .symbol import Extent, Symbol
from .version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from kconvert_runtime import Model

__all__ = [
    "ArrayConstant",
    "Config",
    "Emitter",
    "Extent",
    "KconvertError",
    "LayerCall",
    "LayerSpec",
    "Quantization",
    "Register",
    "Report",
    "Symbol",
    "TensorRef",
    "Unsupported",
    "__version__",
    "activations",
    "convert",
    "hookimpl",
    "load",
    "masks",
    "promotion",
]


def load(bundle: Any, *, optimize: bool = True) -> Model:
    """Load a bundle to run it: the same as `kconvert_runtime.load`."""
    from kconvert_runtime import load as load_bundle

    return load_bundle(bundle, optimize=optimize)
