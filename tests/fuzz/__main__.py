"""`python -m tests.fuzz TARGET --seconds N [--seed FIRST]`: damage files until the time is over, or something breaks.

The target `ops` makes bundles of one op with extreme attributes.
Each case runs within a second of processor time and a gigabyte of memory. Exit code 1 names the seeds that failed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback

from tests.fuzz.limits import bounded, limit_memory

MEMORY = 2 << 30
CASE_SECONDS = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=["bundle", "hdf5", "model", "ops"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    check = importlib.import_module(f"tests.fuzz.{options.target}").check
    check(options.seed)  # makes the seed files
    limit_memory(MEMORY)
    start, seed, wrong, failed, slowest = time.monotonic(), options.seed, 0, [], 0.0
    while time.monotonic() - start < options.seconds:
        before = time.process_time()
        try:
            with bounded(CASE_SECONDS):
                wrong += check(seed)
        except Exception:
            failed.append(seed)
            print(f"seed {seed}:", file=sys.stderr)
            traceback.print_exc()
        slowest = max(slowest, time.process_time() - before)
        seed += 1
    total = seed - options.seed
    print(f"{total:,} files, {wrong:,} of them noticed as damaged, the slowest {slowest:.2f} s, {len(failed)} failures")
    if failed:
        print("seeds:", *failed[:50])
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
