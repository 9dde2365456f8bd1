"""Text to tokens. Tokens are strings padded with '', which neither splitting nor n-grams of words ever give."""

from __future__ import annotations

from ..dims import Shape
from ..graph import TensorType
from ..opspec import Attr, Inputs, OpError, OpSpec
from .rules import Attrs, one_dtype


def _standardize_text(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], ("string",))
    if not attrs["remove"].isascii():
        raise OpError(f"remove must be ASCII characters, got {attrs['remove']!r:.60}")
    return types.x


def _tokenize(types: Inputs, attrs: Attrs) -> TensorType:
    one_dtype([types.x], ("string",))
    if attrs["ngrams"] == []:
        raise OpError("ngrams must name at least one width")
    shape = types.x.shape if attrs["split"] else types.x.shape[:-1]
    return TensorType((*shape, attrs["length"] or _tokens(types.x.shape, attrs)), "string")


def _tokens(shape: Shape, attrs: Attrs) -> int | None:
    """Return how many tokens each row has, None where its text decides."""
    if attrs["split"]:
        return None
    size = shape[-1]
    if size is None or attrs["ngrams"] is None:
        return size
    return sum(max(size - width + 1, 0) for width in attrs["ngrams"])


OPS = (
    OpSpec("standardize_text", ("x",), _standardize_text, "x with A-Z made a-z and the characters in remove left out",
           {"lower": Attr("bool", False), "remove": Attr("str", "", doc="ASCII characters")}),
    OpSpec("tokenize", ("x",), _tokenize,
           "the tokens of x along a new last axis, or of rows of tokens; rows are padded with '' to the longest",
           {"split": Attr("str", None, ("whitespace", "character"), nullable=True,
                          doc="at runs of space, tab, LF, VT, FF, CR, or into code points; "
                              "null: the last axis of x holds tokens"),
            "ngrams": Attr("ints", None, nullable=True, minimum=1,
                           doc="instead of tokens, all runs of so many of them joined by ' ', width after width"),
            "length": Attr("int", None, nullable=True, minimum=1, doc="cut and pad rows to this length")}),
)  # fmt: skip
