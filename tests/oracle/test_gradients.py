"""Gradients of weights and inputs beside tf.GradientTape, for every case that floats go through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kconvert_runtime import KconvertError
from tests.cases import CASES
from tests.cases.spec import Case

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

TOLERANCE = 1e-4
HALF = 3e-2
"""Where 16-bit floats are in between: TensorFlow rounds their gradients to 16 bits, we compute in 32."""
ROUNDED = "rounding to whole numbers is flat; Keras hands gradients on past its quantizers"
INVERSE = "TensorFlow's gradient of its image transforms is that of the inverse transform, and none for the transform"
NOT_IN_TENSORFLOW = "TensorFlow has no gradient for it"
OTHERWISE = {
    "MultiHeadAttention with a map: int8": ROUNDED,
    "GroupQueryAttention with a map: int8": ROUNDED,
    "quantizers as operations": ROUNDED,
    "with a map: float8": "Keras' gradient of a layer of 8-bit floats fails",
    "affine_transform(": INVERSE,
    "perspective_transform(": INVERSE,
    "(activation='selu', dtype='float16')": "exp(-1e-6) is 1 in 16 bits, so TensorFlow takes the other branch",
    "(activation='selu', dtype='bfloat16')": "as for float16",
    "(activation='selu', dtype='mixed_": "as for float16",
    "sinc(bfloat16": "near 0 TensorFlow's derivative is a difference of which 16 bits hold no digit",
    "UpSampling2D(interpolation='bicubic', dtype='mixed_float16')": f"{NOT_IN_TENSORFLOW} in 16 bits",
    "LoRA": "its weights are the sums of three variables each",
    "lora_rank": "as LoRA",
    "BatchNormalization(dtype='float16')": "TensorFlow's sum for gamma overflows in 16 bits",
    "LayerNormalization() on float32[1, 3, 5]": "its values are near 10000, which leaves three digits",
    "power(float32[2, 4], float32[2, 4])": "0 to the power 0, of which TensorFlow's derivative is NaN",
    "cbrt(float32[2, 4])": "at 0 TensorFlow's derivative is NaN, ours 0",
    "sinc(float32[2, 4])": "at 0 TensorFlow's derivative is NaN, ours 0",
    "nancumprod(float32[2, 4]": "TensorFlow divides by the factors, one of which is 0",
    "categorical_crossentropy(float32[2, 4], float32[2, 4], from_logits=True)":
        "TensorFlow's gradient holds only for labels that sum to 1, and these do not",
    "categorical_crossentropy(float16[2, 4], float16[2, 4], from_logits=True)": "as for float32",
    "losses after activations": "as categorical_crossentropy from logits",
    "ctc_decode(": f"{NOT_IN_TENSORFLOW}; ours is that of the logarithm it returns",
    "hsv_to_rgb(": NOT_IN_TENSORFLOW,
    "CategoryEncoding of weights": NOT_IN_TENSORFLOW,
    "slice_update(": f"{NOT_IN_TENSORFLOW} where Keras compiles it",
    "slices at computed places": "as slice_update",
    "interpolation='area'": NOT_IN_TENSORFLOW,
    "view(float32": NOT_IN_TENSORFLOW,
    "every dtype viewed as every other": NOT_IN_TENSORFLOW,
    "unique(float32": NOT_IN_TENSORFLOW,
    "qr(float32[2, 5, 3], mode='complete')": NOT_IN_TENSORFLOW,
    "fft_length=5": "TensorFlow's own gradient fails where the transform is shorter than the axis",
    "fft_length=7": "TensorFlow's own gradient fails where the transform is shorter than the axis",
}  # fmt: skip
"""Parts of the names of cases that are not compared, with the reason."""

NO_GRADIENT = ("svd", "unique", "view", "lookup")
"""Ops on the way of which no gradient is promised (kconvert_runtime/gradients/find.py says why)."""
ALL = [
    pytest.param(case, id=f"{family}: {case.name}")
    for family, cases in CASES.items()
    for case in cases
    if case.step is None  # the model that is saved is another one
    and not any(part in case.name for part in OTHERWISE)
]
LEAST = {
    "core": 300, "activations": 95, "convolution": 105, "pooling": 55, "images": 45, "recurrent": 120, "wrappers": 40,
    "reshaping": 35, "resampling": 35, "regularization": 30, "normalization": 110, "merging": 190, "attention": 110,
    "numerical": 45, "spectrogram": 30, "operations": 45, "operations_shapes": 210, "operations_reductions": 160,
    "operations_functions": 230, "operations_tensors": 90, "operations_images": 30, "operations_values": 30,
    "models": 23, "networks_images": 9, "networks_sequences": 9,
}  # fmt: skip
"""How many cases of each family are compared at least."""
compared_of: dict[str, int] = {}


@pytest.mark.parametrize("case", ALL)
def test_case(case: Case, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("keras", reason="needs the dependency group 'oracle'")
    from tests.oracle.gradients import compare

    try:
        found = compare(case, tmp_path)
    except KconvertError as error:
        if not any(f"the op '{op}' has no gradient" in str(error) for op in NO_GRADIENT):
            raise
        pytest.skip(f"no gradient is promised: {error}")
    if not found.theirs:
        pytest.skip("it takes no floats, or gives none")
    family = request.node.callspec.id.partition(":")[0]
    compared_of[family] = compared_of.get(family, 0) + 1
    tolerance = HALF if found.half else TOLERANCE
    wrong = {name: error for name, error in found.errors().items() if not error <= tolerance}
    assert not wrong, wrong


def test_enough_is_compared() -> None:
    """So that a comparison that finds nothing to compare shows. Only where all cases ran in this process."""
    if "PYTEST_XDIST_WORKER" in os.environ or sum(compared_of.values()) < sum(LEAST.values()) / 2:
        pytest.skip("only a part of the cases ran in this process")
    assert {family: n for family, n in LEAST.items() if compared_of.get(family, 0) < n} == {}
