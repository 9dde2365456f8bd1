"""Random options of each layer class, compared with Keras.

The same few each time; more of them, and others each time, with
KCONVERT_EXAMPLES=500 python -m pytest -m oracle tests/oracle/test_random_options.py -k Conv2D
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from kconvert_schemas.errors import ConversionError
from tests.cases.drawn import DRAWN, REFUSED
from tests.cases.spec import Case
from tests.compare import check_in_memory

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore"),  # Keras and TensorFlow warn about themselves
]

EXAMPLES = int(os.environ.get("KCONVERT_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=EXAMPLES or 8,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
    print_blob=True,
)


@pytest.mark.parametrize("name", DRAWN)
def test_options(name: str) -> None:
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    compared = []

    @SETTINGS
    @given(DRAWN[name])
    def run(case: Case) -> None:
        compared.append(compare(case))

    run()
    assert any(compared), "Keras refused every combination"


def compare(case: Case) -> bool:
    """Compare one case; returns False for what Keras itself cannot build, save or run, and for known refusals."""
    from tests.keras_models import save_case

    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        try:
            expected = save_case(case, file)
        except Exception:
            return False
        try:
            check_in_memory(case, file, case.arrays(), expected)
        except ConversionError as error:
            if not any(reason in str(error) for reason in REFUSED):
                raise
            return False
        except AssertionError:
            eager, compiled = loaded(case, file)
            try:
                check_in_memory(case, file, case.arrays(), eager)
            except AssertionError:
                check_in_memory(case, file, case.arrays(), compiled)
    return True


def loaded(case: Case, file: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return what Keras computes from the file, which is not what it computed before where it saves too little.

    The second result is that of a graph for the sizes that the model declares. Where a batch happens to be as large as
    some other axis, eager Keras with TensorFlow may take the second operand of an addition for a bias along that axis.
    """
    import keras
    import tensorflow as tf

    from tests.keras_models import outputs_of

    model = keras.saving.load_model(file)
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs]
    function = tf.function(lambda *xs: model(list(xs) if len(xs) > 1 else xs[0], training=False), input_signature=specs)

    def compiled(xs: Any, training: bool) -> Any:
        return function(*(xs if isinstance(xs, list) else [xs]))

    return outputs_of(model, case), outputs_of(compiled, case)
