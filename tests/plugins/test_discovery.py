"""Plugin packages are found by their entry points, and blamed by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kconvert_runtime.registry
from kconvert.plugins import Plugin, load_registry
from kconvert_runtime import kernel
from kconvert_schemas import Opset, PluginError, find_op, register_opset
from tests.plugins.packages import layers

Install = Callable[..., Path]


def others() -> list[Plugin]:
    return [plugin for plugin in load_registry()[1] if plugin.package in ("apex", "zeta")]


def refused() -> str:
    with pytest.raises(PluginError) as caught:
        load_registry()
    return str(caught.value)


def test_the_built_in_layers_are_a_plugin_too() -> None:
    registry, plugins = load_registry(points=())
    assert {plugin.package for plugin in plugins} == {"kconvert"}
    assert [(plugin.module, bool(plugin.version)) for plugin in plugins] == [("kconvert_plugins", True)]
    assert sum(plugin.layers for plugin in plugins) == len(registry.handlers) > 0


def test_a_good_package(install: Install) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", version="2.3", apex_layers=layers("apex>A", "apex>B"))
    assert others() == [Plugin("apex", "2.3", "apex_layers", 2)]
    handler = load_registry()[0].handlers["apex>B"]
    assert handler.package == "apex"
    assert handler.doc == ("Hand on x." if sys.flags.optimize < 2 else "")


def test_ops_are_listed_without_importing_them(install: Install) -> None:
    install("apex", "[kconvert.ops]\napex = apex_missing:OPSET\n")
    assert others() == [Plugin("apex", "1.0", "apex_missing:OPSET", 0, "apex")]


def test_two_packages_with_one_entry_point_name_are_both_found(install: Install) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=layers("apex>A"))
    install("zeta", "[kconvert]\nlayers = zeta_layers\n", zeta_layers=layers("zeta>Z"))
    assert [(plugin.package, plugin.layers) for plugin in others()] == [("apex", 1), ("zeta", 1)]


def test_two_entry_points_of_one_package(install: Install) -> None:
    points = "[kconvert]\na = apex_a\nb = apex_b\n"
    install("apex", points, apex_a=layers("apex>A"), apex_b=layers("apex>B"))
    assert [plugin.module for plugin in others()] == ["apex_a", "apex_b"]


def test_two_packages_claim_one_layer(install: Install) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=layers("apex>Swish"))
    install("zeta", "[kconvert]\nlayers = zeta_layers\n", zeta_layers=layers("apex>Swish"))
    assert refused() == "Both 'apex' and 'zeta' convert 'apex>Swish'. Uninstall one of the two packages."


def test_a_package_claims_a_layer_twice(install: Install) -> None:
    install("apex", "[kconvert]\na = apex_a\nb = apex_a\n", apex_a=layers("apex>A"))
    assert refused() == "Plugin package 'apex' registers 'apex>A' twice. Remove one of the two."


@pytest.mark.parametrize("name", ["keras.layers.Dense", "keras.layers.Lambda", "keras.Functional", "keras.Sequential"])
def test_built_ins_cannot_be_replaced(install: Install, name: str) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=layers(name))
    message = refused()
    assert f"Plugin package 'apex' claims '{name}', which kconvert deals with itself" in message
    assert "they do not replace" in message


def test_a_package_that_does_not_import(install: Install) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers="import a_module_that_is_not_there\n")
    message = refused()
    assert message.startswith("Plugin package 'apex' (apex_layers) does not import: ModuleNotFoundError: No module")
    assert "uninstall" in message


def test_a_package_that_exits_when_imported(install: Install) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers="raise SystemExit(0)\n")
    assert "Plugin package 'apex' (apex_layers) does not import: SystemExit" in refused()


@pytest.mark.parametrize("value", ["apex_layers:missing", "apex_nowhere", "apex_layers:", "not a module"])
def test_an_entry_point_to_nothing(install: Install, value: str) -> None:
    install("apex", f"[kconvert]\nlayers = {value}\n", apex_layers=layers("apex>A"))
    message = refused()
    assert message.startswith("Plugin package 'apex'")
    assert value.partition(":")[0] in message


def test_an_entry_point_to_a_function_instead_of_its_module(install: Install) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers:register_layers\n", apex_layers=layers("apex>A"))
    message = refused()
    assert (
        "'apex': 'apex_layers:register_layers' has no function register_layers marked with @kconvert.hookimpl"
        in message
    )
    assert "must name the module" in message


def test_a_misspelt_hook(install: Install) -> None:
    source = layers("apex>A").replace("register_layers(", "register_layer(")
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=source)
    message = refused()
    assert message.startswith("Plugin package 'apex': unknown hook 'register_layer'")
    assert "kconvert's hooks are register_layers." in message


def test_a_hook_without_its_mark(install: Install) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=layers("apex>A").replace("@hookimpl", ""))
    assert "'apex_layers' has no function register_layers marked with @kconvert.hookimpl" in refused()


def test_a_hook_with_an_unknown_argument(install: Install) -> None:
    source = layers("apex>A").replace("register_layers(register)", "register_layers(registry)")
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=source)
    message = refused()
    assert message.startswith("Plugin package 'apex': ")
    assert "'registry'" in message
    assert "\n" not in message


def test_a_hook_that_raises(install: Install) -> None:
    source = layers("apex>A").replace("register([", "1 / 0, register([")
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=source)
    assert refused().startswith("Plugin package 'apex' (apex_layers) does not register: ZeroDivisionError:")


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("register('apex>A', None)", "expected a function (call, emit), got NoneType"),
        ("register([], lower)", "expected the registered name of a class"),
        ("register('apex>A', lower, arguments='inputs')", "arguments must be a tuple of names"),
        ("register('apex>A', lower, compute_mask=True)", "compute_mask must be kconvert.masks.keep"),
    ],
)
def test_wrong_arguments_of_register(install: Install, call: str, complaint: str) -> None:
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=layers().replace("register([], lower)", call))
    message = refused()
    assert message.startswith("Plugin package 'apex' registers ")
    assert complaint in message


def test_refusals_of_a_package(install: Install) -> None:
    source = layers("apex>A").replace("register([", "register.refuse({'apex>B': 'it draws lots'}), register([")
    install("apex", "[kconvert]\nlayers = apex_layers\n", apex_layers=source)
    assert load_registry()[0].refusals["apex>B"] == ("it draws lots", "apex")


OPS = """
from kconvert_schemas import Opset, OpSpec
OPSET = Opset.of({namespace!r}, 1, [OpSpec({op!r}, ("x",), lambda types, attrs: types.x, "x itself")])
"""


def test_ops_are_found_when_they_are_asked_for(install: Install) -> None:
    install("apex", "[kconvert.ops]\napex = apex_ops:OPSET\n", apex_ops=OPS.format(namespace="apex", op="apex::same"))
    found = find_op("apex::same")
    assert found is not None
    assert found.doc == "x itself"
    assert find_op("apex::other") is None
    assert find_op("stranger::same") is None


def test_two_packages_claim_one_namespace(install: Install) -> None:
    for package in ("apex", "zeta"):
        source = OPS.format(namespace="apex", op="apex::same")
        install(package, f"[kconvert.ops]\napex = {package}_ops:OPSET\n", **{f"{package}_ops": source})
    with pytest.raises(PluginError, match=r"Packages apex, zeta all provide the ops 'apex'. Uninstall all but one"):
        find_op("apex::same")


def test_ops_that_do_not_import(install: Install) -> None:
    install("apex", "[kconvert.ops]\napex = apex_ops:OPSET\n", apex_ops="import a_module_that_is_not_there\n")
    with pytest.raises(PluginError, match="Plugin package 'apex' does not import"):
        find_op("apex::same")


@pytest.mark.parametrize("source", ["OPSET = 7", OPS.format(namespace="zeta", op="zeta::same")])
def test_an_opset_that_is_none_or_of_another_namespace(install: Install, source: str) -> None:
    install("apex", "[kconvert.ops]\napex = apex_ops:OPSET\n", apex_ops=source)
    with pytest.raises(PluginError, match=r"'apex'.* must be an Opset for the namespace 'apex'"):
        find_op("apex::same")


def test_built_in_ops_cannot_be_replaced(install: Install) -> None:
    install("apex", "[kconvert.ops]\nkconvert = apex_ops:OPSET\n", apex_ops=OPS.format(namespace="kconvert", op="relu"))
    found = find_op("relu")
    assert found is not None
    assert found.doc != "x itself"
    with pytest.raises(PluginError, match="Two opsets claim the namespace 'kconvert'"):
        register_opset(Opset.of("kconvert", 1, []))


@pytest.mark.parametrize("op", ["relu", "add"])
def test_built_in_kernels_cannot_be_replaced(op: str) -> None:
    before = kconvert_runtime.registry.KERNELS[op]
    with pytest.raises(PluginError, match=f"registered as the kernel of '{op}'"):
        kernel(op)(lambda *arrays: np.zeros(0))
    assert kconvert_runtime.registry.KERNELS[op] is before
