"""A document as headings, paragraphs, lists and tables, and its three forms: Markdown, one HTML file, JSON.

The HTML stands alone (no script, no font, no picture from elsewhere), and is made for everybody: landmarks, a link past the
navigation, headings in order, captions and scopes in tables, colors of WCAG 2.1's contrast, a style for paper.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rules.author.english import Passage

TEXT, PAPER, QUIET, LINK, RULE, SHADE = (
    "#1b1b1b",
    "#ffffff",
    "#4a4a4a",
    "#0b4a8f",
    "#767676",
    "#f3f3f0",
)
_LEVELS = {1: "h1", 2: "h2", 3: "h3", 4: "h4"}


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (once, the title) to 4; `id` is what a link inside the page leads to."""

    level: int
    text: str
    id: str


@dataclass(frozen=True)
class Text:
    """A paragraph, with a label before it if it has one. `lang` is the text's, where that isn't the document's own."""

    text: str
    label: str = ""
    lang: str | None = None


@dataclass(frozen=True)
class Bullets:
    """A list, of lists where a passage has items."""

    items: tuple[Passage, ...]
    lang: str | None = None


Cell = str | tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The first cell of a row names the row. A cell is a text, perhaps of several lines, or a list of statements."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


Block = Heading | Text | Bullets | Table


@dataclass(frozen=True)
class Document:
    """`kind` is how it is laid out: `page`, `card` (one sheet) or `letter`."""

    title: str
    lang: str
    blocks: tuple[Block, ...]
    kind: str = "page"


def passages(texts: Iterable[str]) -> tuple[Passage, ...]:
    return tuple(Passage(text) for text in texts)


def anchor(*parts: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


# Markdown


def markdown(document: Document) -> str:
    """The document as Markdown that reads as plain text too."""
    lines: list[str] = []
    for block in document.blocks:
        lines += [*_markdown(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {_escaped(text)}"
        case Text(text, label):
            said = _escaped(
                " ".join(text.split())
            )  # a line that a pack begins with `#` is no heading of ours
            yield f"**{_escaped(label)}** {said}" if label else said
        case Bullets(items):
            yield from _bullets(items, 0)
        case Table(caption, head, rows):
            yield f"*{_escaped(caption)}*"
            yield ""
            yield f"| {' | '.join(_cell(one) for one in head)} |"
            yield f"|{' --- |' * len(head)}"
            yield from (f"| {' | '.join(_cell(one) for one in row)} |" for row in rows)


def _bullets(items: tuple[Passage, ...], depth: int) -> Iterator[str]:
    for item in items:
        yield f"{'  ' * depth}- {_escaped(item.text)}"
        yield from _bullets(item.items, depth + 1)


def _cell(cell: Cell) -> str:
    text = cell if isinstance(cell, str) else "\n".join(f"• {one}" for one in cell)
    return _inline(text).replace("|", "\\|").replace("\n", "<br>") or "–"


def _escaped(text: str) -> str:
    """A line's text, and what at its beginning Markdown would take for a heading, a list or a rule."""
    at_first = re.sub(r"^([#>+=-])", r"\\\1", _inline(text))
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", at_first)


def _inline(text: str) -> str:
    """Words between back-ticks stand as they are; elsewhere what Markdown would take for its own signs is escaped."""
    return "".join(
        f"`{part}`" if is_code else re.sub(r"([*<`\[\]\\])", r"\\\1", part)
        for part, is_code in _parts(text)
    )


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in parts, and whether each is code: what stands between two back-ticks. An odd one is a sign like others."""
    parts = text.split("`") if text.count("`") % 2 == 0 else [text]
    yield from ((part, index % 2 == 1) for index, part in enumerate(parts))


# Plain text


def plain_text(document: Document, width: int) -> str:
    """The document as lines of at most `width` letters, for what goes on one sheet or into a letter."""
    from textwrap import wrap

    lines: list[str] = []

    def put(text: str, first: str = "", rest: str = "") -> None:
        lines.extend(
            wrap(
                text.replace("`", ""),
                width,
                initial_indent=first,
                subsequent_indent=rest,
                break_on_hyphens=False,
            )
        )

    def put_items(items: tuple[Passage, ...], depth: int) -> None:
        for item in items:
            put(item.text, f"{'  ' * depth}- ", f"{'  ' * depth}  ")
            put_items(item.items, depth + 1)

    for block in document.blocks:
        match block:
            case Heading(level, text):
                lines.append("")
                put(text.upper() if level == 1 else text)
                lines.append(("=" if level == 1 else "-") * min(width, len(text)))
            case Text(text, label):
                for index, part in enumerate(text.split("\n")):
                    put(f"{label} {part}" if label and index == 0 else part)
                if document.kind == "letter":
                    lines.append("")
            case Bullets(items):
                put_items(items, 0)
                if document.kind == "letter":
                    lines.append("")
            case Table(caption, _, rows):
                put(caption)
                for row in rows:
                    put(
                        ": ".join(one if isinstance(one, str) else " ".join(one) for one in row),
                        "- ",
                        "  ",
                    )
    return "\n".join(lines).strip("\n")


# JSON


def as_json(document: Document) -> dict[str, Any]:
    """`{"title", "lang", "blocks"}`; a block is `{"heading", "level"}`, `{"text"}`, `{"list"}` or `{"table", "head", "rows"}`,
    a text perhaps with its `label`, a text or list in another language with its `lang`.
    """
    return {
        "title": document.title,
        "lang": document.lang,
        "blocks": [_json(block) for block in document.blocks],
    }


def _json(block: Block) -> dict[str, Any]:
    match block:
        case Heading(level, text):
            return {"heading": text, "level": level}
        case Text(text, label, lang):
            return {
                "text": text,
                **({"label": label} if label else {}),
                **({"lang": lang} if lang else {}),
            }
        case Bullets(items, lang):
            return {"list": [_nested(one) for one in items], **({"lang": lang} if lang else {})}
        case Table(caption, head, rows):
            return {
                "table": caption,
                "head": list(head),
                "rows": [
                    [one if isinstance(one, str) else list(one) for one in row] for row in rows
                ],
            }


def _nested(said: Passage) -> Any:
    return {said.text: [_nested(one) for one in said.items]} if said.items else said.text


# HTML

_STYLE = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; color: {TEXT}; background: {PAPER}; font: 1.0625rem/1.55 Georgia, "Times New Roman", serif; }}
main, header, nav, footer {{ max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }}
h1, h2, h3, h4, th, caption, nav, .label {{ font-family: "Helvetica Neue", Arial, sans-serif; }}
h1 {{ font-size: 2rem; line-height: 1.2; margin: 1.5rem 0 .5rem; }}
h2 {{ font-size: 1.45rem; margin: 2.5rem 0 .5rem; border-bottom: 2px solid {TEXT}; }}
h3 {{ font-size: 1.15rem; margin: 1.75rem 0 .25rem; }}
h4 {{ font-size: 1rem; margin: 1.25rem 0 .25rem; color: {QUIET}; }}
p {{ margin: .35rem 0; overflow-wrap: anywhere; }}
ul {{ margin: .25rem 0 .5rem; padding-left: 1.4rem; }}
a {{ color: {LINK}; }}
a:focus, [tabindex]:focus {{ outline: 3px solid {LINK}; outline-offset: 2px; }}
.skip {{ position: absolute; left: -100vw; }}
.skip:focus {{ position: static; }}
.label {{ font-weight: bold; font-size: .9rem; color: {QUIET}; }}
.wide {{ overflow-x: auto; margin: .75rem 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; font-size: .95rem; }}
caption {{ text-align: left; font-weight: bold; padding: .25rem 0; }}
th, td {{ text-align: left; vertical-align: top; border: 1px solid {RULE}; padding: .35rem .5rem; overflow-wrap: anywhere; }}
th {{ background: {SHADE}; min-width: 7rem; }}
code {{ font-size: .92em; overflow-wrap: anywhere; }}
nav ul {{ columns: 2 16rem; padding-left: 1.2rem; }}
footer {{ color: {QUIET}; font-size: .9rem; border-top: 1px solid {RULE}; margin-top: 3rem; padding-bottom: 2rem; }}
@media print {{
  body {{ font-size: 10pt; }}
  main, header, nav, footer {{ max-width: none; padding: 0; }}
  nav, .skip {{ display: none; }}
  h2, h3, h4, caption {{ break-after: avoid; }}
  tr, li {{ break-inside: avoid; }}
  .wide {{ overflow: visible; }}
  a {{ color: {TEXT}; text-decoration: none; }}
}}
"""
_CARD = """
@page { size: letter; margin: 11mm; }
.card .label { font-size: inherit; color: inherit; }
.card main { columns: 2; column-gap: 1.5rem; }
.card h1 { font-size: 1.4rem; }
.card h2 { font-size: 1.05rem; margin: .9rem 0 .25rem; break-after: avoid; break-inside: avoid; }
.card p, .card li { font-size: .92rem; line-height: 1.35; font-family: "Helvetica Neue", Arial, sans-serif; }
.card footer { margin-top: 1rem; padding-bottom: 0; }
@media print {
  .card { font-size: 8.5pt; }
  .card h1 { font-size: 14pt; margin: 0 0 1mm; }
  .card h2 { font-size: 10pt; margin: 2mm 0 .5mm; border-bottom-width: 1px; }
  .card p, .card li { font-size: 9pt; line-height: 1.28; }
  .card p { margin: .5mm 0; }
  .card ul { margin: .3mm 0 .8mm; padding-left: 4mm; }
  .card footer { font-size: 7.5pt; margin-top: 1mm; }
}
"""
_LETTER = """
@page { margin: 22mm; }
.letter main, .letter header, .letter footer { max-width: 42rem; }
.letter p, .letter li { font-size: 1.125rem; }
.letter .label { font-size: inherit; font-family: inherit; }
.letter h2 { border: 0; font-size: 1.25rem; margin-top: 1.5rem; }
@media print { .letter p, .letter li { font-size: 12pt; } }
"""
_SKIP = {
    "en": ("Skip to the text", "Contents", "scrolls sideways"),
    "es": ("Ir al texto", "Contenido", "se desplaza de lado"),
}


def as_html(document: Document, foot: str = "") -> str:
    """The document as one file that needs no other."""
    skip, contents, sideways = _SKIP[document.lang]
    title, *blocks = document.blocks
    assert isinstance(title, Heading) and title.level == 1, "a document begins with its title"
    head = [block for block in blocks if isinstance(block, Heading) and block.level == 2]
    listed = "".join(f'<li><a href="#{block.id}">{_html(block.text)}</a></li>' for block in head)
    nav = (
        f'<nav aria-label="{contents}">\n<ul>{listed}</ul>\n</nav>\n'
        if document.kind == "page" and head
        else ""
    )
    footer = f"<footer>\n<p>{_html(foot)}</p>\n</footer>\n" if foot else ""
    header = f'<header>\n<h1 id="{title.id}">{_html(title.text)}</h1>\n</header>'
    style = _STYLE + {"page": "", "card": _CARD, "letter": _LETTER}[document.kind]
    body = "\n".join(_block(block, sideways) for block in blocks)
    return (
        f'<!DOCTYPE html>\n<html lang="{document.lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(document.title)}</title>\n'
        f'<style>{style}</style>\n</head>\n<body class="{document.kind}">\n<a class="skip" href="#text">{skip}</a>\n'
        f'{header}\n{nav}<main id="text" tabindex="-1">\n{body}\n</main>\n'
        f"{footer}</body>\n</html>\n"
    )


def _block(block: Block, sideways: str) -> str:
    match block:
        case Heading(level, text, id_):
            return f'<{_LEVELS[level]} id="{id_}">{_html(text)}</{_LEVELS[level]}>'
        case Text(text, label, lang):
            labeled = f'<span class="label">{_html(label)}</span> ' if label else ""
            said = f"<span{_lang(lang)}>{_html(text)}</span>" if labeled and lang else _html(text)
            return f"<p{'' if labeled else _lang(lang)}>{labeled}{said}</p>"
        case Bullets(items, lang):
            return _list(items, _lang(lang))
        case Table(caption, head, rows):
            top = "".join(f'<th scope="col">{_html(one)}</th>' for one in head)
            body = "\n".join(
                f'<tr><th scope="row">{_html(str(first))}</th>{"".join(map(_data, rest))}</tr>'
                for first, *rest in rows
            )
            return (
                f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(caption)} ({sideways})">\n<table>\n'
                f"<caption>{_html(caption)}</caption>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
            )


def _data(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{_html(cell) or '–'}</td>"
    return f"<td>{_list(passages(cell)) if cell else '–'}</td>"


def _list(items: tuple[Passage, ...], lang: str = "") -> str:
    rows = "".join(
        f"<li>{_html(one.text)}{_list(one.items) if one.items else ''}</li>" for one in items
    )
    return f"<ul{lang}>{rows}</ul>"


def _lang(lang: str | None) -> str:
    return f' lang="{lang}"' if lang else ""


def _html(text: str) -> str:
    shown = "".join(
        f"<code>{html.escape(part)}</code>" if is_code else _linked(html.escape(part))
        for part, is_code in _parts(text)
    )
    return shown.replace("\n", "<br>")


def _linked(escaped: str) -> str:
    return re.sub(
        r"(?<![\w\"])https?://[^\s<>]+",
        lambda found: f'<a href="{found[0]}">{found[0]}</a>',
        escaped,
    )
