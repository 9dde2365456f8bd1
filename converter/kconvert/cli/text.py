"""Numbers, shapes and names as the summaries show them."""

from __future__ import annotations

from kconvert_schemas.console import printable

NAME_LIMIT = 60


def name(text: str, limit: int = NAME_LIMIT) -> str:
    """Return a foreign name on one line, cut in the middle when it is too long."""
    shown = printable(text)
    if len(shown) <= limit:
        return shown
    return f"{shown[: limit // 2 - 2]}...{shown[len(shown) - limit // 2 + 1 :]}"


def start(text: str, limit: int) -> str:
    """Return a foreign name on one line, cut at the end when it is too long."""
    shown = printable(text)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def path(text: str, limit: int) -> str:
    """Return the path of a layer; one that is too long keeps its last parts: '.../block/conv'."""
    parts = text.split("/")
    while len(text) > limit and len(parts) > 1:
        parts = parts[1:]
        text = "/".join(["...", *parts])
    return name(text, limit)


def size(count: int) -> str:
    """Return a number of bytes as people read it: 999 B, 12.3 kB, 4.5 MB."""
    if count < 1000:
        return f"{count} B"
    unit, scale = next((u, s) for u, s in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)) if count < s * 999.95 or u == "GB")
    return f"{count / scale:.1f} {unit}"


def type_(shown: str) -> str:
    """Return the type of a layer's output, 'float32[?, 10]', without the dtype that goes without saying."""
    dtype, _, shape = shown.partition("[")
    return f"({shape[:-1]})" if dtype == "float32" else f"({shape[:-1]}) {dtype}"


def ops(counts: dict[str, int]) -> str:
    """Return 'matmul, 2 add'."""
    return ", ".join(op if count == 1 else f"{count} {op}" for op, count in counts.items())


def plural(count: int, noun: str) -> str:
    """Return '1 layer' or '1,234 layers'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
