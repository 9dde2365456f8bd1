"""Model files and what Keras exports of them, made once in processes of their own and kept in a folder.

An export that fails leaves a file with the reason in the place of the artifact.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FILES = {
    "keras": "model.keras",
    "onnx": "model.onnx",
    "litert": "model.tflite",
    "openvino": "model.xml",
}
SECONDS = 900
"""How long one export may take."""


class Unavailable(Exception):
    """There is no such artifact; the message is the reason."""


def artifact(folder: Path, network: str, kind: str) -> Path:
    """Return the file, made now if it is not there; Unavailable where Keras cannot make it."""
    file = folder / network / FILES[kind]
    reason = file.with_suffix(f"{file.suffix}.failed")
    if not file.exists() and not reason.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        print(f"  making {file.name} of {network}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "benchmarks.artifacts", str(folder), network, kind]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
        if done.returncode or not file.exists():
            reason.write_text(_reason(done))
            file.unlink(missing_ok=True)
    if reason.exists():
        raise Unavailable(reason.read_text())
    return file


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that states an error, or how the process ended."""
    if done.returncode < 0:
        return f"export: ended by signal {-done.returncode}, as for lack of memory"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.partition(":")[0].rpartition(".")[2].endswith(("Error", "Exception"))]
    return f"export: {(errors or lines or ['no reason given'])[-1][:200]}"


def _make(folder: Path, network: str, kind: str) -> None:
    import keras

    from tests.architectures.measure import settle

    from .networks import NETWORKS

    one = NETWORKS[network]
    file = folder / network / FILES[kind]
    if kind == "keras":
        keras.utils.set_random_seed(1)
        model = one.build()
        settle(model, one.rows(4))
        model.save(file)
        return
    model = keras.models.load_model(artifact(folder, network, "keras"), compile=False)
    model(one.rows(1))  # Keras exports only models that have been called
    model.export(str(file), format=kind, verbose=False)


if __name__ == "__main__":
    _make(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
