"""Golden files: what Keras saved and computed, one zip for each family of cases, so that tests need no Keras.

python -m tests.golden_files [FAMILY...]     # writes tests/golden/FAMILY.zip; needs Keras
"""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from tests.cases import CASES, FAMILIES
from tests.cases.spec import Case

FOLDER = Path(__file__).parent / "golden"
EPOCH = (1980, 1, 1, 0, 0, 0)


def write(family: str) -> None:
    """Build every case of a family with Keras and store model file, outputs and the errors that we make."""
    from tests import errors
    from tests.keras_models import save_case

    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        made = Path(folder) / "golden.zip"
        with zipfile.ZipFile(made, "w") as archive:
            for case in CASES[family]:
                file = Path(folder) / "model.keras"
                outputs = save_case(case, file)
                _member(archive, f"{case.slug}/model.keras", file.read_bytes())
                _member(archive, f"{case.slug}/outputs.npz", _npz(outputs))
                print(f"{family}: {case.name}", file=sys.stderr)
        made.replace(FOLDER / f"{family}.zip")
    errors.store(family)


def read(case: Case, family: str, folder: Path) -> tuple[Path, list[np.ndarray]]:
    """Unpack a case's model file into `folder`; returns its path and Keras' outputs."""
    with zipfile.ZipFile(FOLDER / f"{family}.zip") as archive:
        file = folder / "model.keras"
        file.write_bytes(archive.read(f"{case.slug}/model.keras"))
        with np.load(io.BytesIO(archive.read(f"{case.slug}/outputs.npz"))) as stored:
            outputs = [stored[f"y{i}"] for i in range(len(stored.files))]
    return file, [array.astype(object) if array.dtype.kind == "U" else array for array in outputs]


def _npz(outputs: list[np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    plain = [array.astype(str) if array.dtype == object else array for array in outputs]
    np.savez(buffer, **{f"y{i}": array for i, array in enumerate(plain)})
    return buffer.getvalue()


def _member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data, compresslevel=9)


if __name__ == "__main__":
    for name in sys.argv[1:] or FAMILIES:
        write(name)
