"""Whole processes: how long they take from start to end, and how much memory they hold at most."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .artifacts import Unavailable, artifact
from .networks import NETWORKS

Command = Sequence[str]
PYTHON = sys.executable
MEMORY = """import atexit, sys
def report():
    with open("/proc/self/status") as file:
        print([line for line in file if line.startswith("VmHWM")][0], file=sys.stderr)
atexit.register(report)
"""
"""Says at the end how much memory was held at most. What `wait4` tells of a child counts its parent's memory too."""
ORT = """import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
session.run(None, {session.get_inputs()[0].name: np.load(sys.argv[2])})"""
LITERT = """import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.load(sys.argv[2]))
interpreter.invoke()"""
KERAS = """import keras, numpy as np
keras.models.load_model(sys.argv[1], compile=False).predict(np.load(sys.argv[2]), verbose=0)"""
OURS = """import kconvert_runtime, numpy as np
kconvert_runtime.load(sys.argv[1])(np.load(sys.argv[2]))"""


def imports() -> dict[str, Command]:
    """Return the processes that only import."""
    modules = ("numpy", "kconvert_runtime", "kconvert", "onnxruntime", "ai_edge_litert.interpreter", "keras")
    return {"an empty process": [PYTHON, "-c", MEMORY + ""],
            **{f"import {module}": [PYTHON, "-c", MEMORY + f"import {module}"] for module in modules}}  # fmt: skip


def runs(folder: Path, network: str) -> dict[str, Command]:
    """Return the processes that load a model and run it once, and the one that converts it."""
    title = NETWORKS[network].title.partition(",")[0]
    file, bundle, row = artifact(folder, network, "keras"), folder / network / "bundle", folder / network / "row.npy"
    np.save(row, NETWORKS[network].rows(1))
    convert = [PYTHON, "-c", MEMORY + "from kconvert.cli.convert import main; sys.exit(main())"]
    run = [PYTHON, "-c", MEMORY + "from kconvert_runtime.cli import main; sys.exit(main())"]
    subprocess.run([*convert, str(file), str(bundle)], check=True, capture_output=True)
    found = {
        f"{title}: krun": [*run, str(bundle), str(row)],
        f"{title}: kconvert_runtime, one row": [PYTHON, "-c", MEMORY + OURS, str(bundle), str(row)],
        f"{title}: Keras, one row": [PYTHON, "-c", MEMORY + KERAS, str(file), str(row)],
        f"{title}: kconvert (conversion)": [*convert, str(file), str(folder / network / "converted")],
    }
    for name, kind, code in (("ONNX Runtime", "onnx", ORT), ("LiteRT", "litert", LITERT)):
        try:
            found[f"{title}: {name}, one row"] = [
                PYTHON,
                "-c",
                MEMORY + code,
                str(artifact(folder, network, kind)),
                str(row),
            ]
        except Unavailable:
            continue
    return found


def measure(commands: Mapping[str, Command], rounds: int) -> dict[str, dict[str, float]]:
    """Return seconds (the median; the processes take turns) and megabytes held at most, by name."""
    for command in commands.values():
        _process(command)  # Python compiles modules when they are first imported
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(_process(command))
    return {
        name: {"seconds": statistics.median(s for s, _ in both), "megabytes": statistics.median(m for _, m in both)}
        for name, both in taken.items()
    }


def _process(command: Command) -> tuple[float, float]:
    start = time.perf_counter()
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command[2:]} ended with {done.returncode}: {done.stderr[-2000:]}")
    kilobytes = int(done.stderr.rpartition("VmHWM:")[2].split()[0])
    return seconds, kilobytes / 1024
