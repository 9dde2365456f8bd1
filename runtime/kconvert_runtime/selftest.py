"""`krun --selftest`: whether a bundle gives on this machine what Keras gave."""

from __future__ import annotations

from pathlib import Path

from kconvert_schemas.console import DIFFERS, DONE, printable
from kconvert_schemas.selftest import read_selftest

from .errors import relative_error
from .model import Model


def run_selftest(model: Model, folder: Path) -> int:
    """Print a line for each output that does not hold, or one that all do; return the exit code."""
    test = read_selftest(folder, model.graph)
    given = model.run(test.inputs)
    errors = {name: relative_error(given[name], expected) for name, expected in test.outputs.items()}
    where = printable(str(folder))
    wrong = {name: error for name, error in errors.items() if error > test.tolerance}
    for name, error in wrong.items():
        print(
            f"{where}: output {printable(name)!r} differs from Keras: error {error:.1e}, allowed {test.tolerance:.0e}"
        )
    if wrong:
        return DIFFERS
    count = f"{len(errors)} output" + ("s agree" if len(errors) > 1 else " agrees")
    print(f"{where}: {count} with Keras; largest error {max(errors.values(), default=0.0):.1e}")
    return DONE
