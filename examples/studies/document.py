"""A report as data - sections of sentences, tables and figures - and its two forms: an HTML page and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Table:
    """A table; every cell is text. The first column is on the left, the others on the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """An SVG picture. name: of its file, without .svg."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Points:
    """Sentences, each a point of its own."""

    sentences: Sequence[str]


Part = str | Points | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: Sequence[Part]


STYLE = """
body { max-width: 1040px; margin: 2rem auto; padding: 0 1rem; background: #fff; color: #1f2933;
       font: 16px/1.5 system-ui, 'Liberation Sans', sans-serif; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-top: 1px solid #dfe3e8; padding-top: 1.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; margin: 1rem 0; }
th, td { padding: 4px 8px; border-bottom: 1px solid #dfe3e8; text-align: right; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; } td { white-space: nowrap; }
figure { margin: 1.2rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption { font-size: 14px; color: #52606d; }
"""


def html(title: str, sections: Sequence[Section]) -> str:
    """One page that needs no other file."""
    body = "\n".join(f"<h2>{escape(one.title)}</h2>\n" + "\n".join(map(_html, one.parts)) for one in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>\n<style>{STYLE}</style>'
        f"</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The same as text, its figures in files beside it, in figures/."""
    return f"# {title}\n\n" + "\n\n".join(
        f"## {one.title}\n\n" + "\n\n".join(map(_markdown, one.parts)) for one in sections
    ) + "\n"  # fmt: skip


def figures(sections: Sequence[Section]) -> list[Figure]:
    """All figures, in order."""
    return [part for section in sections for part in section.parts if isinstance(part, Figure)]


def _html(part: Part) -> str:
    if isinstance(part, Figure):
        return f"<figure>{part.svg}<figcaption>{escape(part.caption)}</figcaption></figure>"
    if isinstance(part, Points):
        return "<ul>" + "\n".join(f"<li>{escape(sentence)}</li>" for sentence in part.sentences) + "</ul>"
    if isinstance(part, Table):
        head = "".join(f"<th>{escape(cell)}</th>" for cell in part.header)
        rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in part.rows)
        return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>'
    return f"<p>{escape(part)}</p>"


def _markdown(part: Part) -> str:
    if isinstance(part, Figure):
        return f"![{part.caption}](figures/{part.name}.svg)\n\n*{part.caption}*"
    if isinstance(part, Points):
        return "\n".join(f"- {sentence}" for sentence in part.sentences)
    if isinstance(part, Table):
        rule = ["---", *["---:"] * (len(part.header) - 1)]
        return "\n".join("| " + " | ".join(row) + " |" for row in (part.header, rule, *part.rows))
    return part
