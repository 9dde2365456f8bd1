"""How the numbers were made, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .variants import BASE, STUDIES


def beginning() -> str:
    """What the report is about."""
    return _joined("""
        Small networks for pictures (CIFAR-10) and Indonesian texts (NusaX) are trained by Keras, converted, and run by
        kconvert with NumPy alone. Each study changes one thing. The course project that kconvert grew out of made the
        same studies; its macro F1 stands beside ours.
    """)


def twins() -> str:
    """What training twice means."""
    return _joined("""
        The same network, from the same initial weights, on the same batches in the same order, trained by Keras and by
        kconvert's own training in NumPy. There is no dropout here: the two would draw other random numbers.
        Both round to 32 bits, in different orders of summation. A difference in the last digit grows from step to step,
        faster in some networks than in others, until it shows in the loss.
    """)


def method(results: Mapping[str, Any]) -> list[str]:
    """Data, networks, intervals, times, machines: a paragraph each."""
    machines = {tuple(result["machine"].items()) for result in results.values() if "machine" in result}
    made = ["Machine and versions: " + ", ".join(f"{key} {value}" for key, value in one) + "." for one in machines]
    return [_data(results["run"]["settings"]), _networks(), _intervals(), _counts(), *sorted(made)]


def _data(settings: Mapping[str, Any]) -> str:
    images, texts = ([str(rows or "all") for rows in settings[task]] for task in ("images", "texts"))
    return _joined(f"""
        CIFAR-10: {images[0]} pictures to train on, {images[1]} to validate on, {images[2]} to test on, at most
        {settings["epochs"]["images"]} epochs. NusaX, Indonesian: {texts[0]}, {texts[1]} and {texts[2]} texts of up to
        200 words, at most {settings["epochs"]["texts"]} epochs, stopped after {settings["patience"]["texts"]} without a
        lower validation loss. The weights of the epoch with the lowest validation loss are kept. Adam, rate 0.001.
    """)


def _networks() -> str:
    return _joined("""
        Pictures: after each convolution (padded, relu) a 2x2 pooling, then a dense layer of 64, dropout and a dense
        layer. Texts: an embedding of 128, the recurrent layers, each with dropout, and a dense layer. Texts are padded
        with zeros after the words, without a mask, as in the course project, unless a study says otherwise.
    """)


def _intervals() -> str:
    again = [member.original for study in STUDIES for member in study.members if member.network == BASE]
    reported = [score for score in again if score is not None]
    return _joined(f"""
        Intervals are bootstraps of the test set (2,000 times); differences are of two networks on the same drawn test
        sets. They do not cover how much another seed would change: each network is trained once. The course project
        trained one network ({BASE.name}) {len(reported)} times and got {min(reported):.4f} to {max(reported):.4f}.
    """)


def _counts() -> str:
    return _joined("""
        Multiply-adds are those of convolutions, products and recurrent steps. Times are of the whole `predict`, Keras
        and kconvert in turns on an otherwise idle machine, each with its usual number of threads.
    """)


def _joined(words: str) -> str:
    return " ".join(words.split())
