"""The folders are the pipeline: imports point one way, and the runtime stays small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kconvert

ROOT = Path(__file__).parents[2]
STDLIB = set(sys.stdlib_module_names)
OURS = {"kconvert_schemas", "kconvert_runtime", "kconvert", "kconvert_plugins"}
MAY_IMPORT = {
    "schemas/kconvert_schemas": {"kconvert_schemas", "numpy", "click"},
    "runtime/kconvert_runtime": {"kconvert_runtime", "kconvert_schemas", "numpy", "click", "PIL"},
    "converter/kconvert": {"kconvert", "kconvert_schemas", "numpy", "pluggy", "click", "rich"},
    "plugins/kconvert_plugins": {"kconvert_plugins", "kconvert", "kconvert_schemas", "numpy"},
}
MAY_RUN = (
    "converter/kconvert/testing",
    "converter/kconvert/cli/bundle",
    "converter/kconvert/imported",
    "converter/kconvert/verify",
    "converter/kconvert/__init__.py",
)
"""Where the converter may import the runtime: the contract kit, `kbundle verify`, `--import`, and `kconvert.load`."""


def imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert len(files) > 3
    for file in files:
        place = file.relative_to(ROOT).as_posix()
        allowed = MAY_IMPORT[package] | ({"kconvert_runtime", "pytest"} if place.startswith(MAY_RUN) else set())
        strangers = imports(file) - STDLIB - allowed
        assert not strangers, f"{place} imports {', '.join(sorted(strangers))}"


def test_plugins_use_the_public_api_only() -> None:
    public = {"kconvert.testing", *(f"kconvert.{name}" for name in kconvert.__all__)}
    files = list((ROOT / "plugins").rglob("*.py"))
    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kconvert."):
                assert node.module in public, f"{file.name} imports {node.module}"


def loaded_modules(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


HEAVY = {"h5py", "pluggy", "rich", "keras", "tensorflow", "scipy", "jsonschema"}


def test_the_runtime_loads_numpy_only() -> None:
    modules = loaded_modules("from kconvert_runtime import load")
    assert "numpy" in modules
    assert not modules & (HEAVY | {"click", "kconvert", "kconvert_plugins"})


def test_krun_loads_numpy_and_click_only() -> None:
    modules = loaded_modules("import kconvert_runtime.cli")
    assert {"numpy", "click"} <= modules
    assert not modules & (HEAVY | {"kconvert", "kconvert_plugins"})


def test_the_converter_loads_no_keras() -> None:
    modules = loaded_modules("import kconvert.cli.convert, kconvert.plugins\nkconvert.plugins.load_registry()")
    assert "kconvert" in modules
    assert not modules & {"h5py", "keras", "tensorflow", "kconvert_runtime"}
