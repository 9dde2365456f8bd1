"""The errors measured against Keras, by class and dtype, in a file that docs/generate.py reads.

python -m tests.errors [FAMILY...]     # measures the golden files again; needs no Keras
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kconvert.readers import read_model
from kconvert.spec import LayerSpec
from kconvert_runtime import Model
from kconvert_schemas import Graph
from tests import golden_files
from tests.cases import CASES, FAMILIES
from tests.cases.spec import HALF, Case
from tests.compare import flatten, in_memory, relative_error
from tests.rounding import rounded_up

FILE = Path(__file__).parent / "golden" / "errors.json"
WIDTHS = ("float32", "float64", "16 bit")
INNERMOST = re.compile(r"\{[^{}]*\}")
Errors = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Measured:
    """One case: the classes of its model, the ops they became, its dtype class and its largest relative error."""

    classes: frozenset[str]
    ops: frozenset[str]
    width: str
    error: float


def measure(family: str) -> Iterator[Measured]:
    """Compare every case of a family with what Keras computed when its golden file was written."""
    for case in CASES[family]:
        with tempfile.TemporaryDirectory() as folder:
            file, expected = golden_files.read(case, family, Path(folder))
            graph, weights = in_memory(file)
            root = read_model(file).root
        outputs = flatten(Model(graph, weights)(*case.arrays()))
        pairs = [(a, b) for a, b in zip(outputs, expected, strict=True) if b.dtype.kind not in "OSU"]
        error = max((relative_error(a, b) for a, b in pairs), default=0.0)
        yield Measured(frozenset(subjects(case, root)), frozenset(ops_of(graph)), width_of(case, expected), error)


def subjects(case: Case, root: LayerSpec) -> set[str]:
    """Return the class that a case is about: its one layer, or the one operation of its model."""
    name = f"keras.layers.{case.name.partition('(')[0]}"
    keys = {layer.key for layer in root.model.layers} - {"keras.layers.InputLayer"} if root.model else set()
    return {name} if name in keys else keys if len(keys) == 1 else set()


def ops_of(graph: Graph) -> set[str]:
    """Return the ops of a graph, without those in bodies."""
    return {node.op for node in graph.nodes}


def width_of(case: Case, expected: list[np.ndarray]) -> str:
    """Return the dtype class that decides how exact a case can be."""
    dtypes = {str(case.options.get("dtype")), *(tensor.dtype for tensor in case.inputs)}
    if dtypes & set(HALF) or any(array.dtype == np.float16 for array in expected):
        return "16 bit"
    floats = {array.dtype.name for array in expected if array.dtype.kind in "fc"}
    return "float64" if floats and floats <= {"float64", "complex128"} else "float32"


def store(family: str) -> None:
    """Measure one family and keep what was found: the largest error of each class and of each op."""
    known = load()
    classes: dict[str, dict[str, float]] = {}
    ops: dict[str, dict[str, float]] = {}
    for found in measure(family):
        for table, names in ((classes, found.classes), (ops, found.ops)):
            for name in names:
                row = table.setdefault(name, {})
                row[found.width] = max(row.get(found.width, 0.0), found.error)
    known[family] = {"classes": _written(classes), "ops": _written(ops)}
    text = json.dumps({name: known[name] for name in FAMILIES if name in known}, indent=1)
    FILE.write_text(INNERMOST.sub(lambda found: " ".join(found[0].split()), text) + "\n")  # a line for each name


def load() -> dict[str, dict[str, Errors]]:
    """Return what was measured last, by family."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def largest(kind: str) -> Errors:
    """Return the largest errors over all families: kind is 'classes' or 'ops'."""
    total: Errors = {}
    for family in load().values():
        for name, row in family[kind].items():
            for width, error in row.items():
                mine = total.setdefault(name, {})
                mine[width] = max(mine.get(width, "0"), error, key=float)
    return {name: {width: row[width] for width in WIDTHS if width in row} for name, row in total.items()}


def _written(table: dict[str, dict[str, float]]) -> Errors:
    return {
        name: {width: rounded_up(table[name][width]) for width in WIDTHS if width in table[name]}
        for name in sorted(table)
    }


def main(families: list[str]) -> Any:
    """Measure `families`, all of them where none is named."""
    for family in families or FAMILIES:
        store(family)
        print(family, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
