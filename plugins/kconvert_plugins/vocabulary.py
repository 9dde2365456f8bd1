"""The settings of Keras' index lookups, and the vocabulary that Keras would load from the same file.

Reference: keras/src/layers/preprocessing/index_lookup.py (`set_vocabulary`, `load_assets`). A file that Keras
itself refuses to load is refused here with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kconvert import Config, Emitter, Unsupported

from .bounds import counted
from .encoding import SPARSE

Token = str | int | None

ASSET = "vocabulary.txt"
OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


@dataclass(frozen=True, slots=True)
class Index:
    """How tokens and indices go together.

    dtype: of the tokens, 'string' or 'int64'. Indices count the mask token first (in mode 'int' only), then
    `num_oov` indices for tokens outside the vocabulary, then the vocabulary. depth: size of the vectors
    that other modes than 'int' make.
    """

    dtype: str
    mode: str
    invert: bool
    mask: Token
    oov: Token
    num_oov: int
    tokens: tuple[Token, ...]
    depth: int

    @property
    def oov_start(self) -> int:
        """The first index for tokens outside the vocabulary."""
        return _oov_start(self.mode, self.mask)

    @property
    def token_start(self) -> int:
        """The index of the first token of the vocabulary."""
        return self.oov_start + self.num_oov


def read_index(config: Config, emit: Emitter, dtype: str) -> Index:
    """Return the settings and the vocabulary of a lookup layer; Unsupported for what Keras cannot load."""
    if config.bool("sparse", False):
        raise Unsupported(SPARSE)
    mode = mode_of(config, MODES)
    mask, oov = _token(config, "mask_token", dtype), _token(config, "oov_token", dtype)
    num_oov, invert = config.int("num_oov_indices"), config.bool("invert", False)
    if num_oov < 0 or (invert and mode != "int"):
        raise Unsupported(f"it has {num_oov} indices for unknown tokens and output_mode {mode!r}, invert={invert}")
    start = _oov_start(mode, mask)
    values = _vocabulary(config, emit, dtype)
    special = [mask] * start + [oov] * counted(num_oov)
    tokens = values[len(special) :] if values[: len(special)] == special else values
    if not tokens:
        raise Unsupported("its vocabulary is empty, so Keras cannot load it either; call adapt() on data, then save")
    if len(set(tokens)) != len(tokens):
        raise Unsupported("its vocabulary holds a token twice, so Keras cannot load it either")
    if (mask is not None and mask in tokens) or (invert and oov in tokens):
        raise Unsupported("its vocabulary holds the mask or OOV token among the others, so Keras cannot load it either")
    return Index(
        dtype, mode, invert, mask, oov, num_oov, tuple(tokens), _depth(config, mode, len(special) + len(tokens))
    )


def mode_of(config: Config, modes: tuple[str, ...]) -> str:
    """Return the output mode under its present name."""
    given = config.get("output_mode", "int")
    return Config({"output_mode": OLD_MODES.get(given, given) if isinstance(given, str) else given}).str(
        "output_mode", choices=modes
    )


def _oov_start(mode: str, mask: Token) -> int:
    return int(mode == "int" and mask is not None)


def _depth(config: Config, mode: str, size: int) -> int:
    """The size of the vocabulary with its special tokens, or `max_tokens` if vectors are padded to that."""
    most, recorded = config.get("max_tokens"), config.get("vocabulary_size")
    padded = config.bool("pad_to_max_tokens", False)
    if most is not None and size > config.int("max_tokens"):
        raise Unsupported(f"its vocabulary has {size} entries, more than its max_tokens={most}")
    if mode != "int" and not padded and recorded is not None and recorded != size:
        raise Unsupported(
            f"its vocabulary has {size} entries in the file, {recorded} when it was saved (a token may hold a line "
            "break, or oov_token be None), so Keras cannot load it either; save it with `vocabulary=` given as a list"
        )
    return config.int("max_tokens") if padded else size


def _token(config: Config, name: str, dtype: str) -> Token:
    value = config.get(name)
    if value is None:
        return None
    return config.str(name) if dtype == "string" else config.int(name)


def _vocabulary(config: Config, emit: Emitter, dtype: str) -> list[Token]:
    given = config.get("vocabulary")
    values = _from_asset(emit, dtype) if given is None else _from_config(given, dtype)
    if not values:
        raise Unsupported("the file holds no vocabulary for it; call adapt() on data, then save again")
    return values


def _from_config(given: Any, dtype: str) -> list[Token]:
    kind = str if dtype == "string" else int
    if not isinstance(given, (list, tuple)) or not all(type(token) is kind for token in given):
        raise Unsupported(f"its vocabulary must be a list of {kind.__name__}, got {given!r:.60}")
    try:
        # A NumPy array, as in Keras: strings lose the NUL characters at their end.
        values: list[Token] = np.array(given, str if kind is str else np.int64).tolist()
    except OverflowError:
        raise Unsupported("its vocabulary holds a number beyond 64 bits") from None
    return values


def _from_asset(emit: Emitter, dtype: str) -> list[Token]:
    """Read vocabulary.txt as Keras does: universal line breaks, empty lines at the end dropped."""
    data = emit.asset(ASSET)
    data = emit.asset(ASSET, "_lookup_layer") if data is None else data
    try:
        lines = (data or b"").decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise Unsupported(
            f"its {ASSET} is not UTF-8; load and save it with Keras on the machine that wrote it"
        ) from None
    while lines and lines[-1] == "":
        lines.pop()
    if dtype == "string":
        return list(lines)
    try:
        return list(np.array([int(line) for line in lines], np.int64).tolist())
    except (ValueError, OverflowError):
        raise Unsupported(
            f"its {ASSET} holds lines that are not whole numbers, so Keras cannot load it either"
        ) from None


def with_settings(config: Mapping[str, Any], **settings: Any) -> Config:
    """Return a config with some settings replaced."""
    return Config({**config, **settings})
