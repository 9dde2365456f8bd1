"""TextVectorization (keras/src/layers/preprocessing/text_vectorization.py)."""

from __future__ import annotations

from kconvert import Config, Emitter, LayerCall, Register, Symbol, Unsupported, hookimpl

from .bounds import counted
from .encoding import drop_last_axis
from .lookup import index_lookup
from .vocabulary import MODES, mode_of, with_settings

PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
STANDARDIZE: dict[str, dict[str, bool | str]] = {
    "lower": {"lower": True},
    "strip_punctuation": {"remove": PUNCTUATION},
    "lower_and_strip_punctuation": {"lower": True, "remove": PUNCTUATION},
}
SPLIT = ("whitespace", "character")


@hookimpl
def register_layers(register: Register) -> None:
    """Register the layer; it takes strings as they are and does not support masking."""
    register("keras.layers.TextVectorization", text_vectorization, autocast=False)


def text_vectorization(call: LayerCall, emit: Emitter) -> Symbol:
    """Indices of the tokens of strings, or a vector for each text: standardize, split, n-grams, lookup.

    Its lookup is a StringLookup whose mask token is '', so that the '' which pads short rows becomes 0,
    or is not counted, exactly like the padding of Keras.
    """
    config, x = call.config, call.x
    mode, split = mode_of(config, MODES), _function(config, "split", SPLIT)
    if x.dtype != "string" or x.rank == 0:
        raise Unsupported(f"it takes a batch of strings, its input is {x.type}")
    if split is not None:
        _refuse_ragged(config, mode, x)
    standardize = _function(config, "standardize", tuple(STANDARDIZE))
    if standardize is not None:
        x = emit.op("standardize_text", x, **STANDARDIZE[standardize])
    if split is not None and x.rank > 1:
        x = drop_last_axis(emit, x)
    x = _tokenized(config, emit, x, mode, split)
    lookup = with_settings(config, mask_token="", oov_token="[UNK]", num_oov_indices=1, invert=False)
    return index_lookup(lookup, emit, x, "string")


def _tokenized(config: Config, emit: Emitter, x: Symbol, mode: str, split: str | None) -> Symbol:
    ngrams, length = _ngrams(config), _length(config, mode)
    cut = length if split is None and config.bool("ragged", False) else None
    length = None if cut is not None else length
    size = x.shape[-1]
    if split is None and length is not None and size is not None and size < min(ngrams or [1]):
        raise Unsupported(f"its input of {size} tokens is too short for its n-grams, so Keras fails to pad it")
    if split is not None or ngrams is not None or length is not None:
        x = emit.op("tokenize", x, split=split, ngrams=ngrams, length=length)
    if cut is not None:
        x = emit.op("slice", x, slices=[*[None] * (x.rank - 1), [None, cut, None]])
    return x


def _refuse_ragged(config: Config, mode: str, x: Symbol) -> None:
    """Refuse what Keras gives as ragged tensors, or cannot call."""
    if x.rank > 1 and x.shape[-1] != 1:
        raise Unsupported(f"it splits strings, so the last axis of its input must be 1, got {x.type}")
    if config.bool("ragged", False):
        raise Unsupported("its setting ragged=True makes ragged tensors; rebuild it with ragged=False, which pads by 0")
    if mode == "one_hot" or (mode != "int" and x.rank > 2):
        raise Unsupported(f"it makes a ragged tensor in output_mode {mode!r} from {x.type}; use 'int' or 'multi_hot'")


def _function(config: Config, name: str, choices: tuple[str, ...]) -> str | None:
    value = config.get(name)
    if value is not None and not isinstance(value, str):
        raise Unsupported(f"its setting {name!r} is Python code, which is never run; use one of {', '.join(choices)}")
    return None if value is None else config.str(name, choices=choices)


def _ngrams(config: Config) -> list[int] | None:
    value = config.get("ngrams")
    if value is None:
        return None
    widths = list(range(1, counted(config.int("ngrams")) + 1)) if isinstance(value, int) else config.ints("ngrams")
    if not widths or min(widths) < 1:
        raise Unsupported(f"its setting 'ngrams' must name widths from 1, got {value}")
    return widths


def _length(config: Config, mode: str) -> int | None:
    if mode != "int" or config.get("output_sequence_length") is None:
        return None
    length = config.int("output_sequence_length")
    if length < 1:
        raise Unsupported(f"its setting 'output_sequence_length' must be at least 1, got {length}")
    return length
