"""The report, made from the stored results alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import figures as draw
from . import findings as say
from . import method
from .document import Figure, Part, Points, Section, Table, figures, html, markdown
from .findings import Outcome
from .results import read_all
from .variants import PADDING, STUDIES, TWINS, networks

TITLE = "Architectures compared: trained by Keras, run by kconvert"
COLUMNS = ("network", "macro F1, Keras", "macro F1, kconvert", "predictions that differ", "macro F1, course project",
           "largest difference of a probability", "parameters", "multiply-adds, one sample", "Keras, ms a sample",
           "kconvert, ms a sample", "epochs (kept)")  # fmt: skip


def write(out: Path) -> None:
    """Write report.html, report.md and figures/*.svg to `out` from `out`/results."""
    sections = list(sections_of(read_all(out / "results")))
    (out / "figures").mkdir(parents=True, exist_ok=True)
    for figure in figures(sections):
        (out / "figures" / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
    (out / "report.html").write_text(html(TITLE, sections), encoding="utf-8")
    (out / "report.md").write_text(markdown(TITLE, sections), encoding="utf-8")


def sections_of(results: Mapping[str, Any]) -> Iterator[Section]:
    """All sections of the report; what has not been measured yet is named in the first."""
    outcomes = {study.key: Outcome(study, results) for study in STUDIES}
    yield _beginning(results, outcomes)
    for study in STUDIES:
        if study in PADDING:
            yield _padding(outcomes[study.key], results)
        else:
            yield Section(study.title, list(_study(outcomes[study.key], results)))
    yield from _twins(results)
    yield from _speed(results)
    yield Section("How it was measured", method.method(results))


def missing(results: Mapping[str, Any]) -> list[str]:
    """The names of the results that a complete run has and this one has not."""
    names = [network.name for network in networks()]
    wanted = [*names, *(f"twin-{network.name}" for network in TWINS), "memory-lstm-64", "memory-rnn-64"]
    return [name for name in (*wanted, *(f"time-{name}" for name in names)) if name not in results]


def _beginning(results: Mapping[str, Any], outcomes: Mapping[str, Outcome]) -> Section:
    trained = [outcome for outcome in outcomes.values() if outcome.members]
    parts: list[Part] = [
        method.beginning(),
        Points(say.conversion(results) if trained else ["Nothing is trained yet."]),
    ]
    compared = [one for one in trained if one.study.conclusion and len(one.members) > 1]
    if compared:
        parts.append(Points([f"{one.study.title}. {say.verdict(one)}" for one in compared]))
    if results["run"]["quick"]:
        parts.insert(1, "This is the quick run: it shows that everything works. Its networks have hardly been trained.")
    lstm = outcomes["lstm-padding"]
    if len(lstm.members) == len(lstm.study.members):
        parts.append("Why the course project's LSTM in one direction scored 0.184: " + say.cause(lstm))
    if absent := missing(results):
        times = [name for name in absent if name.startswith("time-")]
        named = [name for name in absent if name not in times] + ([f"{len(times)} times"] if times else [])
        parts.append(f"This run is not complete. Still missing: {', '.join(named)}.")
    return Section("In short", parts)


def _study(outcome: Outcome, results: Mapping[str, Any]) -> Iterator[Part]:
    if not outcome.members:
        yield "None of these networks has been trained yet."
        return
    key, title = outcome.study.key, outcome.study.title
    rows = {member.label: (outcome.scores[member.label], member.original) for member in outcome.members}
    yield Points(say.findings(outcome))
    yield Figure(f"{key}-f1", draw.scores(title, rows, outcome.constant), f"{title}. Macro F1 on the test set.")
    caption = f"{title}. Loss by epoch; training loss is the mean over the epoch, with dropout."
    yield Figure(f"{key}-loss", draw.losses(title, outcome.results), caption)
    yield Table(COLUMNS, [_row(member, results) for member in outcome.members])


def _row(member: Any, results: Mapping[str, Any]) -> list[str]:
    result = results[member.network.name]
    time = results.get(f"time-{member.network.name}")
    keras, ours = result["keras"], result["kconvert"]
    return [
        member.label, f"{keras['f1']:.4f}", f"{ours['f1']:.4f}",
        f"{say.differences(result)} of {len(ours['predictions']):,}",
        "-" if member.original is None else f"{member.original:.4f}", f"{result['largest_difference']:.1e}",
        f"{result['parameters']:,}", f"{result['multiply_adds']:,}",
        *(f"{time['batched'][name]:.3f}" if time else "-" for name in ("keras", "kconvert")),
        f"{len(result['loss'])} ({result['best_epoch']})",
    ]  # fmt: skip


def _padding(outcome: Outcome, results: Mapping[str, Any]) -> Section:
    """A study of padding: the general parts, with what the memory experiment adds."""
    cell = outcome.study.members[0].network.name
    memory = results.get(f"memory-{cell}")
    parts = list(_study(outcome, results))
    if outcome.members:
        parts[0] = Points(say.padding(outcome, memory))
    if memory is not None:
        curves = {name: results[key] for name, key in (("LSTM", "memory-lstm-64"), ("SimpleRNN", "memory-rnn-64"))
                  if key in results}  # fmt: skip
        caption = (
            "What is left of a text in the state of one layer of 64 units, after more and more zeros: the standard "
            "deviation of the state over texts, as a share of that without zeros. Run by kconvert, inner layers tapped."
        )
        parts.append(Figure(f"{outcome.study.key}-memory", draw.memory("What is left of a text", curves), caption))
    return Section(outcome.study.title, parts)


def _twins(results: Mapping[str, Any]) -> Iterator[Section]:
    names = [network.name for network in TWINS if f"twin-{network.name}" in results]
    parts: list[Part] = [method.twins()]
    for name in names:
        result = results[f"twin-{name}"]
        parts.append(Points([f"{name}: {say.twin(result)}"]))
        caption = f"{name}, trained by Keras (lines) and by kconvert (rings) from the same weights."
        parts.append(Figure(f"twin-{name}", draw.twins(caption, result), caption))
    if names:
        yield Section("Trained by kconvert itself", parts)


def _speed(results: Mapping[str, Any]) -> Iterator[Section]:
    measured = {name.removeprefix("time-"): result for name, result in results.items() if name.startswith("time-")}
    if not measured:
        return
    parts: list[Part] = [Points([say.speed(results, kind) for kind in ("batched", "single")])]
    for kind, what in (("batched", "in batches of 32"), ("single", "one sample alone")):
        title = f"Time of a sample, {what}"
        rows = {name: result[kind] for name, result in measured.items()}
        caption = f"{title}: Keras' predict and kconvert's, median of {next(iter(measured.values()))['rounds']} runs."
        parts.append(Figure(f"time-{kind}", draw.times(title, rows, "milliseconds a sample (logarithmic)"), caption))
    yield Section("Time", parts)
