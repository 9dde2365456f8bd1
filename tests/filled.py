"""A kernel that fills an array, run in both ways in which plans run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kconvert_runtime import blas
from kconvert_runtime.calls import Recording, Unfixed, at_once, replay
from kconvert_runtime.scratch import Workspace
from kconvert_runtime.tuned.site import Site


def filled(kernel: Callable[..., Any], site: Site, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return what `kernel` fills at once.

    Its calls, taken down while its inputs that are not constant held other numbers, must then fill just the same.
    """
    result = np.full(site.shape, np.nan, arrays[0].dtype)
    with blas.single_threaded():
        kernel(at_once, result, *arrays)
        constants = [one is not None for one in site.constants]
        places = [a if fixed else np.zeros_like(a) for a, fixed in zip(arrays, constants, strict=True)]
        again, recording = np.full_like(result, np.nan), Recording(Workspace())
        try:
            kernel(recording, again, *places)
        except Unfixed:
            return result
        for array, place, fixed in zip(arrays, places, constants, strict=True):
            if not fixed:
                place[...] = array
        replay(recording.calls)
    np.testing.assert_array_equal(again, result)
    return result
