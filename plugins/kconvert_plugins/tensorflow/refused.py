"""Functions that cannot be converted, with the reason."""

from __future__ import annotations

from kconvert import Register, hookimpl

RANDOM = "it gives random numbers: the model gives another answer each time"
COUNTED = "how many elements it gives depends on their values"
REASONS = {
    RANDOM: ("random.normal", "random.uniform", "random.truncated_normal", "random.stateless_normal",
             "random.stateless_uniform", "random.shuffle", "random_normal", "random_uniform", "dropout",
             "image.random_flip_left_right", "image.random_flip_up_down", "image.random_brightness",
             "image.random_contrast", "image.random_crop"),
    COUNTED: ("boolean_mask", "unique", "dynamic_partition", "bincount"),
    "it holds Python functions, which are never run": ("map_fn", "while_loop", "cond", "py_function", "numpy_function",
                                                       "scan", "foldl", "foldr", "vectorized_map"),
    "strings are converted in TextVectorization and StringLookup only": (
        "strings.lower", "strings.upper", "strings.length", "strings.regex_replace", "strings.split", "strings.join",
        "strings.to_number", "strings.strip", "strings.substr", "strings.unicode_split"),
    "it is a loss: it belongs to training": (
        "softmax_cross_entropy_with_logits_v2", "softmax_cross_entropy_with_logits",
        "sigmoid_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits"),
}  # fmt: skip


@hookimpl
def register_layers(register: Register) -> None:
    """Register the refusals."""
    register.refuse({f"tf.{name}": reason for reason, names in REASONS.items() for name in names})
