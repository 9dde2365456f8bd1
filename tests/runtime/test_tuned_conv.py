"""Every way to compute a convolution gives what the plain kernel gives, in one block and in many."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kconvert_runtime import blas, products
from kconvert_runtime.registry import KERNELS
from kconvert_runtime.tuned import (
    conv,
    depthwise,
    depthwise_winograd,
    grouped,
    lines,
    matmul,
    phases,
    taps,
    transposed,
    upscaling,
    winograd,
)
from kconvert_runtime.tuned.candidates import CANDIDATES
from kconvert_runtime.tuned.site import Site
from kconvert_schemas import Node, TensorType
from kconvert_schemas.opset import find_op
from tests.filled import filled

SHAPES = [
    # x, kernel, strides, dilations, groups
    ((2, 11, 9, 5), (3, 3, 5, 7), (1, 1), (1, 1), 1),
    ((1, 8, 8, 3), (3, 3, 3, 4), (1, 1), (1, 1), 1),
    ((3, 3, 4, 2), (3, 3, 2, 6), (1, 1), (1, 1), 1),
    ((2, 10, 7, 4), (5, 2, 4, 3), (2, 3), (1, 1), 1),
    ((2, 12, 9, 4), (3, 3, 4, 3), (1, 1), (2, 3), 1),
    ((2, 9, 8, 6), (1, 1, 6, 5), (2, 2), (1, 1), 1),
    ((2, 9, 8, 6), (1, 1, 6, 5), (1, 1), (1, 1), 1),
    ((2, 9, 8, 6), (3, 3, 1, 6), (1, 1), (1, 1), 6),
    ((2, 9, 8, 6), (3, 2, 1, 12), (2, 1), (1, 1), 6),
    ((2, 9, 8, 6), (3, 3, 1, 6), (1, 1), (2, 2), 6),
    ((3, 20, 4), (5, 4, 3), (2,), (1,), 1),
    ((3, 20, 4), (4, 1, 8), (1,), (3,), 4),
    ((2, 5, 6, 7, 3), (2, 3, 2, 3, 4), (1, 2, 1), (1, 1, 2), 1),
    ((2, 9, 8, 12), (3, 3, 2, 18), (1, 1), (1, 1), 6),
    ((2, 9, 8, 6), (3, 2, 3, 4), (2, 1), (1, 2), 2),
    ((3, 20, 8), (3, 2, 8), (2,), (1,), 4),
    ((2, 11, 9, 6), (5, 5, 1, 6), (1, 1), (1, 1), 6),
    ((2, 13, 10, 6), (7, 7, 1, 6), (2, 2), (1, 1), 6),
    ((3, 7, 9, 4), (7, 3, 1, 8), (1, 2), (1, 1), 4),
    ((2, 14, 9, 4), (4, 3, 1, 4), (1, 1), (1, 2), 4),
    ((2, 6, 9, 4), (6, 1, 1, 4), (1, 1), (1, 1), 4),
    ((2, 9, 5, 6, 3), (5, 2, 3, 1, 6), (1, 2, 1), (1, 1, 2), 3),
    ((2, 11, 9, 5), (1, 7, 5, 6), (1, 1), (1, 1), 1),
    ((2, 11, 9, 5), (5, 1, 5, 6), (1, 1), (1, 1), 1),
    ((2, 8, 9, 5), (2, 5, 5, 6), (1, 1), (1, 1), 1),
    ((3, 21, 4), (4, 4, 3), (1,), (1,), 1),
    ((2, 5, 6, 7, 3), (3, 3, 2, 3, 4), (1, 1, 1), (1, 1, 1), 1),
    ((2, 9, 6, 7, 3), (3, 3, 1, 3, 4), (2, 1, 1), (1, 1, 1), 1),
    ((2, 9, 6, 7, 3), (2, 3, 3, 3, 4), (1, 1, 1), (3, 1, 1), 1),
    ((2, 9, 6, 7, 3), (1, 3, 3, 3, 4), (1, 1, 1), (1, 1, 1), 1),
    ((2, 9, 6, 7, 3), (1, 3, 3, 3, 4), (2, 1, 1), (1, 1, 1), 1),
    ((2, 9, 6, 7, 3), (1, 5, 1, 3, 4), (3, 1, 1), (1, 1, 1), 1),
]
SITES = [(*shape, padding) for shape, padding in itertools.product(SHAPES, ("same", "valid"))]


def site_of(x: Any, kernel: Any, strides: Any, dilations: Any, groups: int, padding: str) -> tuple[Site, list[Any]]:
    rng = np.random.default_rng(math.prod(x))
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in (x, kernel)]
    attrs = {"strides": list(strides), "padding": padding, "dilation_rate": list(dilations), "groups": groups,
             "data_format": "channels_last"}  # fmt: skip
    types = tuple(TensorType(array.shape, "float32") for array in arrays)
    spec = find_op("conv")
    assert spec is not None
    node = Node("conv", "c", "", ("x", "k"), ("y",), attrs)
    return Site(node, types, spec.infer(types, attrs), (None, arrays[1]), 2), arrays


@pytest.fixture(params=["whole", "in many blocks", "in pieces"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the blocks as they are, with blocks as small as they get, and with products in small pieces."""
    if request.param == "in many blocks":
        sizes = {conv: ("COLUMNS", "LEAST"), depthwise: ("PLANE",), winograd: ("TILES", "LEAST"),
                 depthwise_winograd: ("ELEMENTS",), grouped: ("COLUMNS", "LEAST"), upscaling: ("ELEMENTS",),
                 transposed: ("ELEMENTS", "TOGETHER"), phases: ("COLUMNS", "LEAST"), taps: ("PARTS",),
                 lines: ("COLUMNS",)}  # fmt: skip
        for module, name in ((module, name) for module, names in sizes.items() for name in names):
            monkeypatch.setattr(module, name, 1)
        monkeypatch.setattr(matmul, "rows_for", lambda depth, width: 3)
    if request.param == "in pieces":
        monkeypatch.setattr(blas, "has_small_kernels", lambda: True)
        monkeypatch.setattr(products, "SMALL", 1500)
        monkeypatch.setattr(products, "LEAST", 2)
        monkeypatch.setattr(products, "WHOLE", 1000)
        monkeypatch.setattr(products, "COLUMNS", {4: 3, 2: 1})


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("case", SITES, ids=str)
def test_every_candidate(case: Any, threads: int) -> None:
    site, arrays = site_of(*case)
    site = replace(site, threads=threads, alone=True)
    expected = KERNELS["conv"](*arrays, **site.node.attrs)
    tried = [one for one in CANDIDATES["conv"] if one.cost(site) is not None]
    assert tried, "some candidate takes every convolution with channels last"
    for candidate in tried:
        result = filled(candidate.build(site), site, arrays)
        error = np.abs(result - expected).max() / np.abs(expected).max()
        assert error < (2e-5 if "winograd" in candidate.name else 2e-6), candidate.name


@pytest.mark.parametrize(
    ("windows", "strides", "sizes"),
    [((3, 3), (1, 1), (2, 4)), ((2, 2), (1, 1), (2, 4)), ((5, 5), (1, 1), (2,)), ((6, 6), (1, 1), ()),
     ((1, 7), (1, 1), (2,)), ((5, 1), (1, 1), (2, 4)), ((3, 3), (1, 2), ()), ((1, 1), (1, 1), ()),
     ((5,), (1,), (2, 4)), ((7,), (1,), (2,)), ((8,), (1,), ()), ((3, 3, 3), (2, 1, 1), (2, 4)),
     ((3, 1, 1), (1, 1, 1), ()), ((3, 3, 3), (1, 1, 2), ())],
)  # fmt: skip
def test_winograd_takes_what_it_can(windows: Any, strides: Any, sizes: Any) -> None:
    site, _ = site_of((2, *(8,) * len(windows), 3), (*windows, 3, 4), strides, (1,) * len(windows), 1, "same")
    names = [c.name for c in CANDIDATES["conv"] if c.name.startswith("winograd") and c.cost(site) is not None]
    assert names == [f"winograd{m}{by}" for m in sizes for by in ("", " by filters")]


@pytest.mark.parametrize(
    ("windows", "strides", "dilations", "height", "m"),
    [((5, 5), (1, 1), (1, 1), 14, 4), ((5, 5), (1, 1), (1, 1), 6, 3), ((7, 2), (1, 3), (1, 2), 9, 2),
     ((4, 1), (1, 1), (1, 1), 5, 5), ((3, 9), (1, 1), (1, 1), 9, None), ((8, 3), (1, 1), (1, 1), 9, None),
     ((5, 5), (2, 1), (1, 1), 9, None), ((5, 5), (1, 1), (2, 1), 9, None), ((5,), (1,), (1,), 9, None)],
)  # fmt: skip
def test_depthwise_winograd_takes_windows_of_four_to_seven_in_strips_that_fit(
    windows: Any, strides: Any, dilations: Any, height: int, m: int | None
) -> None:
    x, kernel = (2, height, *(11,) * (len(windows) - 1), 3), (*windows, 1, 3)
    site, _ = site_of(x, kernel, strides, dilations, 3, "same")
    strips = depthwise_winograd._strips(site)
    assert (strips and strips.m) == m
    assert (depthwise_winograd._cost(site) is None) == (m is None)


@pytest.mark.parametrize(("m", "window"), [(2, 2), (2, 3), (4, 2), (2, 5), (4, 3), (4, 4), (2, 7), (4, 5), (1, 1)])
def test_the_matrices_of_winograd_convolve(m: int, window: int) -> None:
    there, turn, back = winograd.transforms(m, window)
    rng = np.random.default_rng(m)
    data, weights = rng.normal(size=m + window - 1), rng.normal(size=window)
    np.testing.assert_allclose(back @ ((turn @ weights) * (there @ data)), np.correlate(data, weights), atol=1e-13)


def test_a_weight_that_is_computed_is_left_to_the_other_candidates() -> None:
    site, _ = site_of(*SITES[0])
    unknown = Site(site.node, site.inputs, site.outputs, (None, None), 2)
    names = [c.name for c in CANDIDATES["conv"] if c.cost(unknown) is not None]
    assert names == ["im2col", "im2col by filters", "by lines"]


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_groups_are_put_together_as_it_pays(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    site, arrays = site_of((2, 9, 8, 12), (3, 3, 2, 18), (1, 1), (1, 1), 6, "same")
    cost = grouped._cost(site)
    monkeypatch.setattr(grouped, "_parts", lambda conv: (parts, cost))
    result = filled(grouped.grouped(site), site, arrays)
    np.testing.assert_allclose(result, KERNELS["conv"](*arrays, **site.node.attrs), rtol=1e-4, atol=1e-5)


UPSCALED = [
    # x, kernel, strides, padding, output padding, whether windows lie side by side
    ((2, 5, 4, 3), (2, 2, 6, 3), (2, 2), "same", None, True),
    ((2, 5, 4, 3), (3, 2, 6, 3), (3, 2), "valid", None, True),
    ((3, 7, 4), (4, 5, 4), (4,), "valid", None, True),
    ((2, 3, 4, 2, 3), (1, 2, 3, 2, 3), (1, 2, 3), "same", None, True),
    ((2, 5, 4, 3), (3, 3, 6, 3), (2, 2), "same", None, False),
    ((2, 5, 4, 3), (1, 1, 6, 3), (2, 2), "same", None, False),
    ((4, 5, 4, 3), (5, 4, 2, 3), (2, 2), "same", None, False),
    ((4, 5, 4, 3), (5, 4, 2, 3), (2, 2), "valid", None, False),
    ((2, 6, 5, 4), (3, 3, 4, 4), (1, 1), "same", None, False),
    ((2, 6, 5, 4), (4, 3, 4, 4), (1, 1), "valid", None, False),
    ((2, 6, 5, 4), (3, 5, 1, 4), (2, 3), "valid", (1, 2), False),
    ((2, 6, 5, 4), (3, 4, 1, 4), (2, 3), "same", (0, 1), False),
    ((3, 9, 4), (2, 5, 4), (3,), "same", None, False),
    ((3, 9, 4), (7, 2, 4), (2,), "valid", None, False),
    ((2, 3, 4, 2, 3), (3, 2, 4, 2, 3), (2, 2, 3), "valid", None, False),
]


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("x", "kernel", "strides", "padding", "more", "beside"), UPSCALED)
def test_transposed(x: Any, kernel: Any, strides: Any, padding: str, more: Any, beside: bool, threads: int) -> None:
    arrays = [np.random.default_rng(4).normal(size=shape).astype(np.float32) for shape in (x, kernel)]
    attrs = {"strides": list(strides), "padding": padding, "output_padding": more and list(more),
             "dilation_rate": [1] * len(strides), "data_format": "channels_last"}  # fmt: skip
    types = tuple(TensorType(array.shape, "float32") for array in arrays)
    spec = find_op("conv_transpose")
    assert spec is not None
    node = Node("conv_transpose", "c", "", ("x", "k"), ("y",), attrs)
    site = Site(node, types, spec.infer(types, attrs), (None, arrays[1]), 2, threads=threads, alone=True)
    wide = all(window >= stride for window, stride in zip(kernel, strides, strict=False))
    names = ["as a convolution", *(["by phases"] if wide else []), *(["side by side"] if beside else [])]
    tried = [one for one in CANDIDATES["conv_transpose"] if one.cost(site) is not None]
    assert [one.name for one in tried] == names
    for one in tried:
        result = filled(one.build(site), site, arrays)
        np.testing.assert_allclose(result, KERNELS["conv_transpose"](*arrays, **attrs), rtol=1e-5, atol=1e-5)
