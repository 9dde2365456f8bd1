"""What is measured: each engine takes the files of a model and gives a function from an array to an array.

All engines use the same number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .artifacts import artifact

THREADS = 2
Run: TypeAlias = Callable[[np.ndarray], np.ndarray]


def kconvert(folder: Path, network: str, x: np.ndarray, optimize: bool = True) -> Run:
    """The model converted anew, by the code as it is now."""
    from kconvert import convert, load

    bundle = folder / network / "bundle"
    convert(artifact(folder, network, "keras"), bundle)
    return load(bundle, optimize=optimize)


def plain(folder: Path, network: str, x: np.ndarray) -> Run:
    """The graph as it is written."""
    return kconvert(folder, network, x, optimize=False)


def keras_model(folder: Path, network: str) -> Any:
    """The model as Keras loads it, on as many threads as all engines have."""
    import keras
    import tensorflow as tf

    if not tf.config.threading.get_intra_op_parallelism_threads():
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    return keras.models.load_model(artifact(folder, network, "keras"), compile=False)


def predict(folder: Path, network: str, x: np.ndarray) -> Run:
    """Keras' `model.predict`."""
    model = keras_model(folder, network)
    return lambda x: model.predict(x, batch_size=len(x), verbose=0)


def tf_function(folder: Path, network: str, x: np.ndarray) -> Run:
    """`tf.function` around the model, on a tensor that is there already."""
    import tensorflow as tf

    model = keras_model(folder, network)
    compiled = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(x.shape, x.dtype))
    tensor = tf.constant(x)
    return lambda rows: compiled(tensor if rows is x else tf.constant(rows)).numpy()


def xla(folder: Path, network: str, x: np.ndarray) -> Run:
    """`tf.function` with XLA."""
    import tensorflow as tf

    model = keras_model(folder, network)
    function = tf.function(lambda x: model(x, training=False), jit_compile=True)
    compiled = function.get_concrete_function(tf.TensorSpec(x.shape, x.dtype))
    tensor = tf.constant(x)
    return lambda rows: compiled(tensor if rows is x else tf.constant(rows)).numpy()


def ort(folder: Path, network: str, x: np.ndarray) -> Run:
    """ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    file = artifact(folder, network, "onnx")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def reference(folder: Path, network: str, x: np.ndarray) -> Run:
    """ONNX' ReferenceEvaluator, which runs on NumPy too."""
    from onnx.reference import ReferenceEvaluator

    session = ReferenceEvaluator(str(artifact(folder, network, "onnx")))
    name = session.input_names[0]
    return lambda x: session.run(None, {name: x})[0]


def litert(folder: Path, network: str, x: np.ndarray) -> Run:
    """LiteRT; TensorFlow's own interpreter where the file holds ops of TensorFlow."""
    from ai_edge_litert.interpreter import Interpreter

    file = str(artifact(folder, network, "litert"))
    try:
        return _interpreter(Interpreter, file, x)
    except (RuntimeError, ValueError) as error:
        if "flex" not in str(error).lower() and "select" not in str(error).lower():
            raise
    import tensorflow as tf

    return _interpreter(tf.lite.Interpreter, file, x)


def _interpreter(kind: Any, file: str, x: np.ndarray) -> Run:
    interpreter = kind(file, num_threads=THREADS)
    given, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, x.shape)
    interpreter.allocate_tensors()

    def run(x: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given, x)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return run


def openvino(folder: Path, network: str, x: np.ndarray) -> Run:
    """OpenVINO."""
    import openvino as ov

    settings = {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    core = ov.Core()
    model = core.read_model(artifact(folder, network, "openvino"))
    model.reshape(list(x.shape))
    compiled = core.compile_model(model, "CPU", settings)
    return lambda x: compiled(x)[0]


ENGINES: dict[str, tuple[str, Callable[[Path, str, np.ndarray], Run]]] = {
    "kconvert": ("kconvert", kconvert),
    "plain": ("kconvert, not optimised", plain),
    "predict": ("Keras `predict`", predict),
    "tf": ("`tf.function`", tf_function),
    "xla": ("`tf.function`, XLA", xla),
    "ort": ("ONNX Runtime", ort),
    "openvino": ("OpenVINO", openvino),
    "litert": ("LiteRT", litert),
    "reference": ("ONNX ReferenceEvaluator", reference),
}
