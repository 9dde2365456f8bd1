"""`kconvert MODEL --scaffold-plugin DIR`: a plugin package to start from, for the classes that nothing converts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kconvert_schemas.errors import ConversionError, InputError, OutputError, show

from .lowering import Lowering
from .modelspec import snake_case
from .plugins import load_registry
from .readers import read_model
from .registry import Registry
from .unknown import UnknownClass, describe

SHOWN_VALUE = 60


def scaffold(
    model: str | os.PathLike[str], folder: str | os.PathLike[str], *, registry: Registry | None = None
) -> list[UnknownClass]:
    """Write a plugin package for the unknown classes of a model file into `folder`; returns these classes.

    The folder must not exist, or be empty. Raises ModelFileError for a file that cannot be read, InputError when it
    has no unknown class, OutputError when the folder cannot be written; nothing is written then.
    """
    target = Path(folder)
    _require_free(target)
    lowering = Lowering(read_model(model), registry or load_registry()[0])
    with contextlib.suppress(ConversionError):
        lowering.run("")
    classes = [found for found in describe(lowering.file, lowering.unknown) if found.module != "tensorflow"]
    if not classes:
        raise InputError(f"{show(Path(model).name)} has no class that needs a plugin; nothing was written.")
    _write(target, package(target.resolve().name, Path(model).name, classes))
    return classes


def _require_free(folder: Path) -> None:
    if not folder.parent.is_dir():
        raise OutputError(f"{show(folder)} cannot be written: there is no folder {show(folder.parent)}.")
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{show(folder)} exists and is not an empty folder, so it is left alone. Name another one.")


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write all files into a folder beside it, then rename: whole or not at all."""
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"{show(folder)} cannot be written: {error.strerror}.") from error
    try:
        for name, text in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_text(text, encoding="utf-8")
        temporary.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        raise OutputError(f"{show(folder)} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def package(name: str, model: str, classes: Sequence[UnknownClass]) -> dict[str, str]:
    """Return the files of a package by path."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower().removeprefix("kconvert")).strip("_") or "plugin"
    slug = f"p{slug}" if slug[0].isdigit() else slug
    functions = _functions(classes)
    dotted = slug.replace("_", "-")
    return {
        "pyproject.toml": PYPROJECT.format(name=dotted, module=slug),
        "README.md": _readme(slug, dotted, model, classes),
        f"src/kconvert_{slug}/__init__.py": f'"""Converts layers of {_text(model)} with kconvert."""\n',
        f"src/kconvert_{slug}/py.typed": "",
        f"src/kconvert_{slug}/layers.py": _layers(model, functions),
        "tests/test_layers.py": _tests(slug, functions),
    }


def _functions(classes: Sequence[UnknownClass]) -> dict[str, UnknownClass]:
    """Give every class the name of a function."""
    found: dict[str, UnknownClass] = {}
    for unknown in classes:
        base = re.sub(r"[^a-z0-9_]+", "", snake_case(unknown.class_name).encode("ascii", "ignore").decode())
        name = f"lower_{base}".rstrip("_") if base else "lower_layer"
        while name in found:
            name += "_"
        found[name] = unknown
    return found


def _text(value: Any, limit: int = SHOWN_VALUE) -> str:
    """Foreign text on one line, escaped, without what could end a comment, a docstring or a code span."""
    shown = str(value).encode("unicode_escape").decode("ascii").replace('"', "'").replace("`", "'").replace("\\", "/")
    return shown if len(shown) <= limit else f"{shown[:limit]}..."


def _literal(value: str) -> str:
    """Foreign text as a Python string."""
    return ascii(value)


PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "kconvert-{name}"
version = "0.1"
description = "Converts layers with kconvert."
requires-python = ">=3.10"
dependencies = ["kconvert"]

[tool.hatch.build.targets.wheel]
packages = ["src/kconvert_{module}"]

[project.entry-points.kconvert]
{module} = "kconvert_{module}.layers"

[tool.ruff]
line-length = 120
"""


def _layers(model: str, functions: dict[str, UnknownClass]) -> str:
    registered = "\n".join(_registration(name, unknown) for name, unknown in functions.items())
    stubs = "\n\n\n".join(_stub(name, unknown) for name, unknown in functions.items())
    return f'''"""How layers of {_text(model)} are converted: fill in each function. See kconvert's docs/plugins.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kconvert import Emitter, LayerCall, Register, Unsupported, hookimpl


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layers of this package."""
    # compute_mask=masks.keep (from kconvert import masks) is what supports_masking = True means.
{registered}


{stubs}


def _unwritten(function: Callable[..., Any]) -> Unsupported:
    """The refusal of a function that is not written yet: it says where to write it."""
    code = function.__code__
    return Unsupported(f"its plugin is not written yet: edit {{code.co_filename}}, line {{code.co_firstlineno}}")
'''


def _registration(name: str, unknown: UnknownClass) -> str:
    count = max(len(unknown.inputs), 1)
    named = ["inputs", *(argument for argument in unknown.arguments if argument.isidentifier())]
    arguments = ", ".join(map(_literal, named))
    note = f"  # its calls give {count} tensors" if count > 1 else ""
    return f"    register({_literal(unknown.key)}, {name}, arguments=({arguments},)){note}"


def _stub(name: str, unknown: UnknownClass) -> str:
    lines = [f"    # Layers: {_text(', '.join(unknown.paths), 100)}"]
    lines += [f"    # Input {i}: {_text(type_)}" for i, type_ in enumerate(unknown.inputs) if type_ is not None]
    for key, value in unknown.config.items():
        lines.append(f"    # call.config[{_text(key)!r}] is {_text(json.dumps(value, default=str))}")
    for at, type_ in unknown.weights.items():
        lines.append(f"    # {_weight(at, list(type_.shape))}  # {_text(type_)}, {_text(at)}")
    lines.append("    # Children: emit.call(emit.child(config, attribute), x) calls a layer within this one.")
    body = "\n".join(lines)
    return f'''def {name}(call: LayerCall, emit: Emitter) -> Any:
    """What {_text(unknown.key)} computes; not written yet."""
{body}
    raise _unwritten({name})'''


def _weight(address: str, shape: list[int | None]) -> str:
    child, _, index = address.rpartition("vars/")
    owner = f", child={_text(child.rstrip('/'))!r}" if child.rstrip("/") else ""
    number = index if index.isdigit() else repr(_text(index))
    return f"w{_text(index)} = emit.weight('name', {number}{owner}, shape={tuple(shape)})"


def _tests(slug: str, functions: dict[str, UnknownClass]) -> str:
    cases = "\n\n\n".join(_case(unknown, i) for i, unknown in enumerate(functions.values()))
    return f'''"""Each layer holds kconvert's contract: fill in what it gives, in NumPy."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
from kconvert.testing import LayerContract

from kconvert_{slug} import layers

RNG = np.random.default_rng(1)


{cases}
'''


def _case(unknown: UnknownClass, number: int) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "", unknown.class_name.encode("ascii", "ignore").decode()) or f"Layer{number}"
    name = f"{name}{number}" if number else name
    shapes = [[2, *(n or 3 for n in t.shape[1:])] if t is not None else [2, 4] for t in unknown.inputs] or [[2, 4]]
    arrays = ", ".join(f"RNG.normal(size={tuple(shape)}).astype(np.float32)" for shape in shapes)
    x = arrays if len(shapes) == 1 else f"[{arrays}]"
    weights = ", ".join(
        f"{_literal(at)}: RNG.normal(size={tuple(n or 0 for n in type_.shape)}).astype(np.float32)"
        for at, type_ in unknown.weights.items()
    )
    config = json.dumps(unknown.config, default=str, indent=4)
    return f'''class Test{name}(LayerContract):
    layer: ClassVar[str] = {_literal(unknown.key)}
    plugin: ClassVar[Any] = layers
    config: ClassVar[dict[str, Any]] = json.loads(
        r"""{config}"""
    )
    weights: ClassVar[dict[str, Any]] = {{{weights}}}
    x: ClassVar[Any] = {x}

    def expected(self, x: Any) -> Any:
        raise NotImplementedError("write what the layer gives for x, in NumPy; self.weights holds its variables")'''


def _readme(slug: str, name: str, model: str, classes: Sequence[UnknownClass]) -> str:
    keys = "\n".join(f"- `{_text(unknown.key)}`: {_text(', '.join(unknown.paths), 100)}" for unknown in classes)
    return f"""# kconvert-{name}

A plugin that converts layers of `{_text(model)}` with kconvert:

{keys}

1. Write each function in `src/kconvert_{slug}/layers.py`: the comments say what the file holds of its layer.
2. `pip install -e .`; `kconvert --plugins` lists it.
3. Write `expected` in `tests/test_layers.py`, and run `python -m pytest`.
4. `kconvert {_text(model)} out/`
"""
