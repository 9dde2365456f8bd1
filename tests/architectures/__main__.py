"""Measure networks and keep the results: python -m tests.architectures [PART OF A NAME...].

Without arguments all of them, which takes about an hour; needs Keras. `python docs/generate.py` then writes
docs/architectures.md from the results.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

from . import results
from .variants import VARIANTS


def main(parts: list[str]) -> int:
    """Measure the variants whose names contain one of `parts`; returns how many failed."""
    warnings.simplefilter("ignore")  # Keras and TensorFlow warn about themselves
    from .measure import TOLERANCE, measure

    failed = 0
    for variant in VARIANTS:
        if parts and not any(part in variant.name for part in parts):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = measure(variant, Path(folder))
            except Exception as error:
                print(f"{variant.name}: {error}", file=sys.stderr)
                failed += 1
                continue
        print(f"{variant.name} at {found.size}: error {found.error:.1e}, {found.seconds:.1f} s", flush=True)
        failed += found.error > TOLERANCE
        results.store(variant, found)
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
