"""What a bundle says for training, in words."""

from __future__ import annotations

from kconvert_schemas.graph import Graph

from .. import text

SHOWN = 3


def training_facts(graph: Graph) -> list[tuple[str, str]]:
    """Return lines for `kbundle info`: what is added to the loss, what acts otherwise, what cannot be trained."""
    training = graph.training
    parts = [f"penalties on {_some([p.value for p in training.penalties])}"] if training.penalties else []
    parts += [f"constraints on {_some([c.weight for c in training.constraints])}"] if training.constraints else []
    parts += [f"dropout within {_some([d.node for d in training.dropped])}"] if training.dropped else []
    parts += [f"spectral norm of {_some([s.weight for s in training.spectral])}"] if training.spectral else []
    parts += [f"frozen: {_some(list(training.frozen))}"] if training.frozen else []
    facts = [("Training", "; ".join(parts))] if parts else []
    refused = [f"{text.name(path)}: {text.name(reason, 200)}" for path, reason in training.refused.items()]
    return facts + ([("Not trained", "; ".join(refused))] if refused else [])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(text.name(name) for name in names[:SHOWN]) + more
