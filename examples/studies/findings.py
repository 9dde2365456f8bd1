"""What the numbers say, in sentences: every figure and every verdict is computed from the results."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from .results import classes
from .scores import Interval, constant_f1, f1_difference, f1_interval, largest_share
from .variants import Member, Study

CLASSES = {"images": 10, "texts": 3}
GONE = 0.01
"""The share of a state's spread below which a text counts as forgotten."""


class Outcome:
    """The members of a study that have been trained, with their scores on the test set."""

    def __init__(self, study: Study, results: Mapping[str, Any]) -> None:
        self.study = study
        self.truth = classes(results["run"]["labels"][study.task])
        self.count = CLASSES[study.task]
        self.results = {m.label: results[m.network.name] for m in study.members if m.network.name in results}
        self.members = [member for member in study.members if member.label in self.results]
        self.predicted = {label: classes(result["keras"]["predictions"]) for label, result in self.results.items()}
        self.scores = {label: f1_interval(self.truth, guess, self.count) for label, guess in self.predicted.items()}
        self.constant = constant_f1(self.truth, self.count)

    def learned(self, label: str) -> bool:
        """Whether the whole interval lies above what one class for everything gives."""
        return self.scores[label].low > self.constant

    def difference(self, first: Member, second: Member) -> Interval:
        """Macro F1 of `second` less that of `first`."""
        return f1_difference(self.truth, self.predicted[first.label], self.predicted[second.label], self.count)


def findings(outcome: Outcome) -> list[str]:
    """The sentences on one study."""
    if len(outcome.members) < 2:
        return ["Fewer than two of these networks have been trained, so there is nothing to compare yet."]
    said = [_ranking(outcome), *_untaught(outcome), *map(_step_by_step(outcome), pairwise(outcome.members))]
    return [*said, verdict(outcome)] if outcome.study.conclusion else said


def padding(outcome: Outcome, memory: Mapping[str, Any] | None) -> list[str]:
    """The sentences on where the padding stands: whether that is why a network does not learn."""
    said = findings(outcome)
    if memory is not None:
        said += _forgetting(memory)
    if len(outcome.members) == len(outcome.study.members):
        said.append(cause(outcome))
    return said


def conversion(results: Mapping[str, Any]) -> list[str]:
    """The sentences on all conversions together."""
    trained = [result for result in results.values() if "largest_difference" in result]
    differing = sum(differences(result) for result in trained)
    total = sum(len(result["keras"]["predictions"]) for result in trained)
    largest = max(result["largest_difference"] for result in trained)
    same = sum(result["keras"]["f1"] == result["kconvert"]["f1"] for result in trained)
    return [
        f"{len(trained)} networks were converted; macro F1 is the same to the last digit in {same} of them.",
        f"Of {total:,} predictions {differing} differ; the largest difference of a probability is {largest:.1e}.",
    ]


def differences(result: Mapping[str, Any]) -> int:
    """How many predictions of Keras and kconvert differ."""
    pairs = zip(result["keras"]["predictions"], result["kconvert"]["predictions"], strict=True)
    return sum(theirs != ours for theirs, ours in pairs)


def twin(result: Mapping[str, Any]) -> str:
    """The sentence on a network trained twice."""
    keras, ours = result["keras"], result["kconvert"]
    apart = [
        max(abs(keras[key][i] - ours[key][i]) / keras[key][i] for key in ("loss", "val_loss"))
        for i in range(len(keras["loss"]))
    ]
    return (
        f"The losses differ by {apart[0]:.1e} of their value after the first epoch, and by at most {max(apart):.1e} "
        f"over {len(apart)} epochs."
    )


def speed(results: Mapping[str, Any], kind: str) -> str:
    """The sentence on the times; kind: batched or single."""
    ratios = {name: result[kind]["keras"] / result[kind]["kconvert"]
              for name, result in results.items() if name.startswith("time-")}  # fmt: skip
    faster = sum(ratio > 1 for ratio in ratios.values())
    low, high = min(ratios.values()), max(ratios.values())
    what = "In batches of 32" if kind == "batched" else "One sample at a time"
    return (
        f"{what} kconvert is faster than Keras' `predict` in {faster} of {len(ratios)} networks: "
        f"Keras takes {low:.2g} to {high:.2g} times as long, {np.median(list(ratios.values())):.2g} in the median."
    )


def _ranking(outcome: Outcome) -> str:
    order = sorted(outcome.scores, key=lambda label: -outcome.scores[label].value)
    return "Macro F1, best first: " + "; ".join(f"{label} {outcome.scores[label].value:.3f}" for label in order) + "."


def _untaught(outcome: Outcome) -> list[str]:
    return [
        f"Not learned: {label} gives one class for {largest_share(outcome.predicted[label]):.0%} of the test set; one "
        f"class for everything would score {outcome.constant:.3f}."
        for label in outcome.scores
        if not outcome.learned(label)
    ]


def _step_by_step(outcome: Outcome) -> Any:
    def sentence(pair: tuple[Member, Member]) -> str:
        first, second = pair
        change = outcome.difference(first, second)
        what = {1: "better", -1: "worse", 0: "neither better nor worse beyond chance"}[change.sign]
        return f"{_capital(second.label)} against {first.label}: {what} ({_change(change)})."

    return sentence


def verdict(outcome: Outcome) -> str:
    """Whether the last network is better than the first, as the course project says of its own."""
    first, last = outcome.members[0], outcome.members[-1]
    change, said = outcome.difference(first, last), outcome.study.conclusion
    if not any(outcome.learned(label) for label in outcome.scores):
        return f'The course project concluded that "{said}"; networks that have not learned cannot show that.'
    measured = f"from {first.label} to {last.label}: {_change(change)}"
    if change.sign == 0:
        holds = "these numbers do not show it" if outcome.study.better else "these numbers agree"
    else:
        holds = (
            "these numbers support it" if (change.sign > 0) == outcome.study.better else "these numbers contradict it"
        )
    return f'The course project concluded that "{said}"; {holds} ({measured}).'


def _forgetting(memory: Mapping[str, Any]) -> list[str]:
    """After how many zeros the state no longer tells texts apart."""
    start = memory["trained"][0]
    gone = [zeros for zeros, spread in zip(memory["zeros"], memory["trained"], strict=True) if spread < GONE * start]
    left = memory["trained"][-1] / start
    often = f"half of the test texts are followed by {memory['median_zeros']:.0f} zeros or more"
    if not gone:
        return [f"After {memory['zeros'][-1]} zeros {left:.0%} of the state's spread over the texts is left; {often}."]
    return [
        f"After {gone[0]} zeros less than {GONE:.0%} of the state's spread over the texts is left, after "
        f"{memory['zeros'][-1]} zeros {left:.0e}; {often}."
    ]


def cause(outcome: Outcome) -> str:
    """The first member has padding after the text without a mask, the others have not."""
    first, *others = outcome.members
    better = [outcome.difference(first, other).sign > 0 for other in others]
    if not outcome.learned(first.label) and all(better):
        return (
            "The padding is why, not the layer: the same network with the same seed learns as soon as the padding is "
            "masked or comes before the text."
        )
    if all(better):
        return "Padding after the text costs this network much, but does not keep it from learning."
    return "These numbers do not show that padding after the text is what holds this network back."


def _change(change: Interval) -> str:
    return f"{change.value:+.3f}, 95 % interval {change.low:+.3f} to {change.high:+.3f}"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
