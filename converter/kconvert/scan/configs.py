"""Architectures, as parsed JSON: what in them makes Keras run code, import modules, or open files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kconvert_schemas.errors import show

CODE, IMPORT, READ, WRITE = "runs code", "imports modules", "opens files", "writes files"
OURS = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "keras_hub", "keras_nlp", "keras_cv")
"""Packages whose modules are imported by who loads Keras models anyway."""
FUNCTIONS = (
    "activations", "initializers", "regularizers", "constraints", "losses", "metrics", "ops", "quantizers",
    "applications",
)  # fmt: skip
"""Modules of Keras whose functions only compute."""
PAYLOADS = {
    "TorchModuleWrapper": "a PyTorch module as a pickle, which is code",
    "JaxLayer": "JAX functions as a pickle, which is code",
    "FlaxLayer": "a Flax module as a pickle, which is code",
}
TABLES = ("StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup")
SYSTEM = (
    "io.", "raw_ops.", "py_function", "numpy_function", "load_op_library", "load_library", "data.", "saved_model.",
)  # fmt: skip
"""What TensorFlow's functions of files, of foreign code and of everything else begin with."""


@dataclass(frozen=True, slots=True)
class Danger:
    """One thing that loading would do. where: the layer or member it stands in. kind: in two words."""

    where: str
    kind: str
    what: str

    def as_json(self) -> dict[str, str]:
        """Return plain data."""
        return asdict(self)


def scan_config(config: Any) -> Iterator[Danger]:
    """Yield what is dangerous in an architecture, in the order in which it stands there."""
    stack = [("the model", config)]
    while stack:
        where, value = stack.pop()
        if isinstance(value, list):
            stack += [(where, item) for item in reversed(value)]
        elif isinstance(value, Mapping):
            where = _named(value) or where
            for rule in RULES:
                yield from rule(where, value)
            stack += [(where, item) for item in reversed(list(value.values()))]


def _named(value: Mapping[str, Any]) -> str:
    config = value.get("config")
    name = config.get("name") if isinstance(config, Mapping) else None
    return f"layer {show(name)}" if isinstance(name, str) and "class_name" in value else ""


def _settings(value: Mapping[str, Any]) -> Mapping[str, Any]:
    config = value.get("config")
    return config if isinstance(config, Mapping) else {}


def _bytecode(where: str, value: Mapping[str, Any]) -> Iterator[Danger]:
    """Python bytecode: of Keras 3 anywhere, of older versions in a Lambda layer."""
    function = _settings(value).get("function")
    old = value.get("class_name") == "Lambda" and (
        isinstance(function, list) or _settings(value).get("function_type") == "lambda"
    )
    if value.get("class_name") == "__lambda__" or old:
        text = "holds Python bytecode, which runs: in Keras before 2.13 always, since then with safe_mode=False"
        yield Danger(where, CODE, text)
    elif value.get("class_name") == "Lambda" and isinstance(function, str):
        yield Danger(where, CODE, f"calls the function {show(function)}, if Keras finds one of that name")


def _module(where: str, value: Mapping[str, Any]) -> Iterator[Danger]:
    """Classes and functions that are looked up in modules that the file names."""
    module, name = value.get("module"), value.get("class_name")
    if not isinstance(module, str) or name is None or module == "builtins":
        return
    if name == "function":
        name = value.get("config")
    if not module.startswith(tuple(f"{package}." for package in OURS)) and module not in OURS:
        text = f"names {show(name)} of the module {show(module)}, which Keras imports and calls if it is installed"
        yield Danger(where, IMPORT, text)
    elif value.get("class_name") == "function" and not set(FUNCTIONS) & set(module.split(".")):
        yield Danger(where, CODE, f"names the function {show(name)} of {show(module)}, which no layer needs")


def _payload(where: str, value: Mapping[str, Any]) -> Iterator[Danger]:
    name = value.get("class_name")
    if isinstance(name, str) and name in PAYLOADS:
        yield Danger(where, CODE, f"holds {PAYLOADS[name]}")
    if name == "TFSMLayer":
        path = _settings(value).get("filepath")
        yield Danger(where, CODE, f"loads the TensorFlow program in the folder {show(path)}, and runs it")


def _path(where: str, value: Mapping[str, Any]) -> Iterator[Danger]:
    """Vocabularies that are given as the name of a file or an address."""
    if value.get("class_name") not in TABLES:
        return
    for key in ("vocabulary", "idf_weights"):
        path = _settings(value).get(key)
        if isinstance(path, str):
            how = "fetches" if "://" in path else "reads the file"
            yield Danger(where, READ, f"{how} {show(path)} as its {key}")


def _tensorflow(where: str, value: Mapping[str, Any]) -> Iterator[Danger]:
    """Keras 2's calls of TensorFlow functions, by name."""
    settings = _settings(value)
    name = value.get("class_name")
    if name in ("TFOpLambda", "SlicingOpLambda") and isinstance(settings.get("function"), str):
        function = settings["function"].removeprefix("tf.")
        if function.startswith(SYSTEM):
            yield Danger(where, CODE, f"calls tf.{show(function)[1:-1]}, which can open files or run code")


def _escape(where: str, value: Mapping[str, Any]) -> Iterator[Danger]:
    """Names of layers, which older versions of Keras use as paths for what a layer stores."""
    name = _settings(value).get("name")
    if isinstance(name, str) and (".." in name.replace("\\", "/").split("/") or name.startswith(("/", "\\"))):
        yield Danger(where, WRITE, "has a name that is a path out of the folder in which Keras keeps its files")


RULES: tuple[Callable[[str, Mapping[str, Any]], Iterator[Danger]], ...] = (
    _bytecode, _module, _payload, _path, _tensorflow, _escape,
)  # fmt: skip
