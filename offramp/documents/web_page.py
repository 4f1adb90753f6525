"""Documents as one HTML file that loads nothing: no script, no font, and no picture.

The page has landmarks, a link past the navigation, headings in order, captions and scopes in
tables, colors with the contrast that WCAG 2.1 requires, and a style for print.
"""

from __future__ import annotations

import html
import re

from offramp.documents.document import (
    Block,
    Bullets,
    Cell,
    Document,
    Heading,
    Notes,
    Statement,
    Table,
    Text,
    code_parts,
)
from offramp.documents.stylesheet import STYLESHEET
from rules.author.english import Passage
from rules.input.characters import printable_lines

# By language: the link past the navigation, the navigation's name, and a hint for wide tables.
_PHRASES = {
    "en": ("Skip to the text", "Contents", "scrolls sideways"),
    "es": ("Ir al texto", "Contenido", "se desplaza de lado"),
}


def as_html(document: Document, foot: str = "") -> str:
    """Return the document as one HTML file, with `foot` as its footer."""
    skip, contents, sideways = _PHRASES[document.lang]
    title, *blocks = document.blocks
    assert isinstance(title, Heading) and title.level == 1, "a document begins with its title"
    body = "\n".join(_block(block, sideways) for block in blocks)
    footer = f"<footer>\n<p>{inline_html(foot)}</p>\n</footer>\n" if foot else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{document.lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape_html(document.title)}</title>\n<style>{STYLESHEET}</style>\n</head>\n"
        f'<body class="{document.kind}">\n<a class="skip" href="#text">{skip}</a>\n'
        f'<header>\n<h1 id="{title.id}">{inline_html(title.text)}</h1>\n</header>\n'
        f'{_navigation(document, contents)}<main id="text" tabindex="-1">\n{body}\n</main>\n'
        f"{footer}</body>\n</html>\n"
    )


def as_fragment(document: Document) -> str:
    """Return the document below its title, for a page that has a frame and a stylesheet."""
    _, contents, sideways = _PHRASES[document.lang]
    _, *blocks = document.blocks
    return "\n".join(
        [_navigation(document, contents), *(_block(block, sideways) for block in blocks)]
    )


def _navigation(document: Document, name: str) -> str:
    headings = [
        block for block in document.blocks if isinstance(block, Heading) and block.level == 2
    ]
    if document.kind != "page" or not headings:
        return ""
    links = "".join(
        f'<li><a href="#{heading.id}">{inline_html(heading.text.partition(":")[0])}</a></li>'
        for heading in headings
    )
    return f'<nav aria-label="{name}">\n<ul>{links}</ul>\n</nav>\n'


def _block(block: Block, sideways: str) -> str:
    match block:
        case Heading(level, text, id_):
            return f'<h{level} id="{id_}">{inline_html(text)}</h{level}>'
        case Text(text, label, lang):
            if not label:
                return f"<p{_lang(lang)}>{inline_html(text)}</p>"
            rest = f"<span{_lang(lang)}>{inline_html(text)}</span>" if lang else inline_html(text)
            return f'<p><span class="label">{inline_html(label)}</span> {rest}</p>'
        case Bullets(items, lang):
            return _list(items, _lang(lang))
        case Statement(text, name, id_, items):
            below = _list(items) if items else ""
            sentence = f"<p>{inline_html(text)} <code>{escape_html(name)}</code></p>"
            return f'<div class="rule" id="{id_}">\n{sentence}\n{below}</div>'
        case Table():
            return _table(block, sideways)
        case Notes(items):
            rows = "".join(f"<li>{inline_html(item)}</li>" for item in items)
            return f'<ol class="notes">{rows}</ol>'


def _table(table: Table, sideways: str) -> str:
    head = "".join(f'<th scope="col">{inline_html(cell)}</th>' for cell in table.head)
    rows = "\n".join(_row(row, table.head) for row in table.rows)
    name = escape_html(f"{table.caption} ({sideways})")
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{name}">\n<table>\n'
        f"<caption>{inline_html(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _row(row: tuple[Cell, ...], head: tuple[str, ...]) -> str:
    first, *rest = row
    cells = "".join(
        f'<td data-head="{escape_html(column)}">{_cell(cell)}</td>'
        for column, cell in zip(head[1:], rest, strict=False)
    )
    return f'<tr><th scope="row">{inline_html(str(first))}</th>{cells}</tr>'


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return inline_html(cell) or "–"
    return _list(tuple(Passage(statement) for statement in cell)) if cell else "–"


def _list(items: tuple[Passage, ...], attributes: str = "") -> str:
    rows = "".join(
        f"<li>{inline_html(item.text)}{_list(item.items) if item.items else ''}</li>"
        for item in items
    )
    return f"<ul{attributes}>{rows}</ul>"


def _lang(lang: str | None) -> str:
    return f' lang="{lang}"' if lang else ""


def escape_html(text: str) -> str:
    """Return text as HTML shows it: no markup, and no hidden character."""
    return html.escape(printable_lines(text))


def inline_html(text: str) -> str:
    """Return the text with its code, links, and line breaks as HTML."""
    parts = (
        f"<code>{escape_html(part)}</code>" if is_code else _with_links(escape_html(part))
        for part, is_code in code_parts(text)
    )
    return "".join(parts).replace("\n", "<br>")


def _with_links(escaped: str) -> str:
    return re.sub(
        r"(?<![\w\"])https?://[^\s<>]+",
        lambda address: f'<a href="{address[0]}">{address[0]}</a>',
        escaped,
    )
