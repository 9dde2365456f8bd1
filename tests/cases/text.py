"""TextVectorization: every option, on text that trips careless splitting, lowering and stripping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .spec import Case, Tensor, layer, model, text

TEXTS = (
    "The cat sat on the mat.",
    "",
    "   \t\r\n\x0b\x0c ",
    "the CAT's hat: (on) the-mat_42 don't $5.00!",
    "a\x1cb\x1db\x1e c\x1fd e\x85f g\xa0h i\u2028j k\u3000l m\u200bn",
    "STRASSE straße İstanbul ISPARTA \u0131s\u0131 ΣΊΣΥΦΟΣ ς ǅ ﬁ",
    "e\u0301 é E\u0301 É Ж ж",
    "😀 👨\u200d👩\u200d👧 a😀b 你好\uff0c世界。 \uff01\uff1f \uff21\uff22\uff23",
    "a\x00b \x00 c",
    "\ufeffthe\u202fcat\tcat\ncat\x0bcat\x0ccat\rcat",
    "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'",
    "cat " * 9,
)
WORDS = ["the", "cat", "on", "mat", "a", "b", "é", "😀", "the cat", "cat cat", "ж", "\u0131s\u0131", "dont"]
WORDS += ["CAT", "m\u200bn", "cat's"]
CHARACTERS = ["a", "t", " ", "c", "a t", "😀", "\u0301", "a t c", "\x00b", "A", "\u200d", "."]
IDF = [round(0.3 + 0.17 * i, 2) for i in range(len(WORDS))]


def flat(*strings: str) -> Tensor:
    """A string input of shape (n,)."""
    return Tensor((len(strings),), "string", values=list(strings))


def rows(*strings: tuple[str, ...], dynamic: tuple[int, ...] = ()) -> Tensor:
    """A string input of shape (n, m)."""
    return Tensor((len(strings), len(strings[0])), "string", values=[list(row) for row in strings], dynamic=dynamic)


def blocks(*strings: str) -> Tensor:
    """A string input of shape (n, 2, 1)."""
    pairs = [[[strings[i]], [strings[i + 1]]] for i in range(0, len(strings), 2)]
    return Tensor((len(pairs), 2, 1), "string", values=pairs)


TEXT = text(*TEXTS)
TOKENS = rows(("the", "", "Cat!"), ("a", "b", "a"), ("", "", ""), ("ZZ", "on", "the"))


def words(inputs: Tensor = TEXT, **options: Any) -> Case:
    return layer("TextVectorization", inputs, **{"vocabulary": WORDS, **options})


def characters(**options: Any) -> Case:
    return layer("TextVectorization", TEXT, vocabulary=CHARACTERS, split="character", **options)


def adapted(name: str, inputs: Tensor = TEXT, then: Callable[[Any, Any], Any] | None = None, **options: Any) -> Case:
    """A vocabulary learnt from data, which the file holds as an asset."""

    def build(keras: Any) -> Any:
        vectorize = keras.layers.TextVectorization(**options)
        vectorize.adapt([TEXTS[0], TEXTS[3], TEXTS[6], TEXTS[7], "cat", "cat on mat"])
        start = keras.Input(inputs.keras_shape, dtype="string")
        y = vectorize(start)
        return keras.Model(start, then(keras, y) if then else y)

    return model(f"TextVectorization adapted, {name}", build, inputs, tolerance=1e-5)


def embedded(keras: Any, y: Any) -> Any:
    """What examples do with the indices: 0 is padding."""
    return keras.layers.LSTM(4)(keras.layers.Embedding(40, 6, mask_zero=True)(y))


def shared(keras: Any) -> Any:
    """One layer on two inputs, which keeps one vocabulary."""
    vectorize = keras.layers.TextVectorization(vocabulary=WORDS, output_sequence_length=4)
    a, b = keras.Input((1,), dtype="string"), keras.Input((1,), dtype="string")
    return keras.Model([a, b], [vectorize(a), vectorize(b)])


CASES = [
    words(),
    words(standardize=None),
    words(standardize="lower"),
    words(standardize="strip_punctuation"),
    words(flat(*TEXTS)),
    words(blocks(*TEXTS)),
    words(output_sequence_length=1),
    words(output_sequence_length=5, max_tokens=30),
    words(flat(*TEXTS), output_sequence_length=40, encoding="latin-1"),
    words(blocks(*TEXTS), output_sequence_length=3, ngrams=2),
    words(ngrams=1),
    words(ngrams=2),
    words(ngrams=(2,), standardize=None),
    words(ngrams=(3, 1), output_sequence_length=12),
    words(ngrams=(50,)),
    words(text("", " ")),
    words(text("one")),
    words(vocabulary=["", "[UNK]", *WORDS]),
    words(vocabulary=["[UNK]", *WORDS]),
    words(dtype="float16"),
    *[words(output_mode=mode) for mode in ("multi_hot", "count")],
    *[words(flat(*TEXTS), output_mode=mode, ngrams=2) for mode in ("multi_hot", "count")],
    words(output_mode="tf_idf", idf_weights=IDF),
    words(output_mode="tf_idf", idf_weights=[0.7, *IDF], vocabulary=["[UNK]", *WORDS], ngrams=(1, 2)),
    words(output_mode="tf_idf", idf_weights=IDF, max_tokens=21, pad_to_max_tokens=True),
    words(output_mode="multi_hot", max_tokens=21, pad_to_max_tokens=True, standardize="lower"),
    words(output_mode="count", max_tokens=21, vocabulary=["[UNK]", *WORDS]),
    characters(),
    characters(ngrams=2, standardize=None),
    characters(ngrams=(3,), output_sequence_length=6, standardize="strip_punctuation"),
    characters(output_mode="count", standardize="lower"),
    characters(output_mode="multi_hot", ngrams=3),
    words(TOKENS, split=None),
    words(TOKENS, split=None, standardize=None),
    words(TOKENS, split=None, output_sequence_length=2),
    words(TOKENS, split=None, output_sequence_length=5),
    words(TOKENS, split=None, output_sequence_length=2, ragged=True),
    words(TOKENS, split=None, output_sequence_length=5, ragged=True, ngrams=2),
    words(TOKENS, split=None, ngrams=2),
    words(TOKENS, split=None, ngrams=(2,), output_sequence_length=3),
    words(rows(("the", "cat"), ("cat", "cat"), dynamic=(1,)), split=None, ngrams=(2, 1)),
    words(text(*TEXTS), split=None),
    words(flat(*TEXTS), split=None),
    words(blocks(*TEXTS), split=None, output_mode="count"),
    *[words(TOKENS, split=None, output_mode=mode) for mode in ("one_hot", "multi_hot", "count")],
    words(TOKENS, split=None, output_mode="one_hot", ngrams=(3,)),
    words(TOKENS, split=None, output_mode="tf_idf", idf_weights=IDF, ngrams=2),
    words(text(*TEXTS), split=None, output_mode="one_hot"),
    adapted("int", output_mode="int"),
    adapted("of 9 tokens", output_mode="int", max_tokens=9, output_sequence_length=7, then=embedded),
    adapted("tf_idf", output_mode="tf_idf"),
    adapted("tf_idf of bigrams", output_mode="tf_idf", ngrams=2, max_tokens=20, standardize="lower"),
    adapted("multi_hot padded", output_mode="multi_hot", max_tokens=64, pad_to_max_tokens=True),
    adapted("characters", split="character", ngrams=(1, 2), output_mode="count"),
    adapted("on rows", text(*TEXTS[:4]), split=None, output_mode="int"),
    model("TextVectorization shared", shared, [text(*TEXTS[:3]), text(*TEXTS[3:6])]),
]
