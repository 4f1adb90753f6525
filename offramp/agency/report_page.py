"""A quarter's report as one HTML page: charts with their tables, no script, and no network."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from offramp.agency.operations.reports import QuarterReport
from offramp.agency.report_view import (
    ABOUT_HIDDEN,
    HIDDEN,
    Row,
    Section,
    joined_lines,
    places_lines,
    sections,
)
from offramp.documents.document import code_parts

# The console's colors and voices.
_STYLE = """
:root { color-scheme: light dark;
  --sans: -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  --paper: #f7f4ed; --surface: #fffefb; --ink: #1c2628; --ink2: #4c585a; --line: #ddd6c8;
  --brand: #0e4a47; --on-brand: #ffffff; --on-brand2: #c9e2dd; --bar: #17623c; --part: #23507f;
  --hatch: #7d7869; --focus: #1747c9; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #10181a; --surface: #182224; --ink: #eaf0ee; --ink2: #adbab8; --line: #304042;
  --brand: #0b3937; --on-brand: #f2faf8; --on-brand2: #b5d6d0; --bar: #8fdcae; --part: #a5cbf5;
  --hatch: #7d9092; --focus: #ffd166; } }
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
p { margin: 0; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 var(--sans); }
header { background: var(--brand); color: var(--on-brand); padding: 1.25rem 0; }
header > div, main, footer { max-width: 62rem; margin: 0 auto; }
header > div { padding: 0 1rem; }
header p { margin: 0; color: var(--on-brand2); }
h1 { font-size: clamp(1.6rem, 1.3rem + 1.5vw, 2.2rem); line-height: 1.2; margin: .1rem 0; }
h2 { font-size: 1.3rem; line-height: 1.2; margin: 0; }
main { padding: 1.5rem 1rem 3rem; }
main > * + * { margin-top: 1.25rem; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.1rem; break-inside: avoid; }
section > * + * { margin-top: .75rem; }
p { overflow-wrap: break-word; }
p + p { margin-top: .4rem; }
h2 + p { margin-top: .2rem; }
code span { white-space: nowrap; }
.soft { color: var(--ink2); }
.bars > div { display: grid; gap: .1rem .8rem; align-items: center; margin-top: .3rem;
  grid-template: "label bar number" auto / minmax(8rem, 15rem) 1fr 4.5rem; }
.bars .l { grid-area: label; } .bars .n { grid-area: number; text-align: right; }
.bars svg { grid-area: bar; width: 100%; height: 1.1rem; display: block; }
.n { font-variant-numeric: tabular-nums; white-space: nowrap; }
.l.part, th.part:first-child { padding-left: 1.4rem; }
.c-whole { fill: var(--bar); } .c-part { fill: var(--part); }
.c-hatch { stroke: var(--hatch); stroke-width: 2; }
.c-none { fill: none; stroke: var(--hatch); stroke-dasharray: 3 3; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
caption { text-align: left; color: var(--ink2); padding-bottom: .3rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top; }
th:first-child { text-align: left; font-weight: 500; min-width: 11rem; }
thead th { font-weight: 650; vertical-align: bottom; }
footer { padding: 0 1rem 2rem; color: var(--ink2); font-size: .9375rem; }
@media (max-width: 34rem) { .bars > div {
  grid-template: "label number" auto "bar bar" auto / 1fr auto; } }
@media print { :root { --paper: #fff; --surface: #fff; --ink: #000; --ink2: #333; --line: #999;
  --brand: #fff; --on-brand: #000; --on-brand2: #333; --bar: #17623c; --part: #23507f; }
  body { font-size: 10pt; } section { border: 0; border-top: 1px solid #999; border-radius: 0; }
  .c-whole, .c-part { print-color-adjust: exact; } .scroll { overflow: visible; } }
"""


def report_page(report: QuarterReport) -> str:
    """Return a whole report as one page."""
    title = f"{report.program}, {report.quarter}"
    body = "\n".join(_body(report))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><div><p>Report of a quarter</p><h1>{escape(title)}</h1>"
        f"<p>Made at {escape(report.name_of(report.agency))}</p></div></header>\n"
        f"<main>\n{body}\n</main>\n"
        "<footer><p>Made by <code>offramp agency report</code>. No count names a person or an "
        "officer. The rules answer and people decide: no number here says whether a person did "
        "well.</p></footer>\n</body>\n</html>\n"
    )


def _body(report: QuarterReport) -> Iterator[str]:
    lines = (ABOUT_HIDDEN, *joined_lines(report))
    yield f"<div>{''.join(f'<p>{_prose(line)}</p>' for line in lines)}</div>"
    for at, section in enumerate(sections(report)):
        extra = places_lines(report) if section.title == "In the program" else ()
        yield "\n".join(_section(section, extra, f"s{at}"))


def _section(section: Section, extra: tuple[str, ...], name: str) -> Iterator[str]:
    yield f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(section.title)}</h2>'
    yield f'<p class="soft">{escape(section.note)}</p>'
    yield _chart(section, name)
    yield _table(section, name)
    for line in (*section.waits, *extra):
        yield f"<p>{_prose(line)}</p>"
    yield "</section>"


def _chart(section: Section, name: str) -> str:
    """Return bars with the counts written beside them. A hidden count has a hatched field."""
    most = max((row.everybody or 0 for row in section.rows), default=0) or 1
    summary = "; ".join(
        f"{row.label.replace('`', '')} {_number(row.everybody)}" for row in section.rows
    )
    rows = "".join(_bar(row, most, f"{name}h{at}") for at, row in enumerate(section.rows))
    return (
        f'<div class="bars" role="img" aria-label="Bars: {escape(summary, quote=True)}">'
        f"{rows}</div>"
    )


def _bar(row: Row, most: int, hatch: str) -> str:
    part = " part" if row.is_part else ""
    number = row.everybody
    if number is None:
        bar = (
            f'<defs><pattern id="{hatch}" width="8" height="8" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path class="c-hatch" d="M0 0V8"/></pattern></defs>'
            f'<rect x="1" y="1" width="70" height="14" fill="url(#{hatch})"/>'
            '<rect class="c-none" x="1" y="1" width="70" height="14"/>'
        )
        box = "0 0 400 16"
    else:
        kind = "c-part" if row.is_part else "c-whole"
        bar = f'<rect class="{kind}" width="{400 * number / most:.1f}" height="16"/>'
        box = "0 0 400 16"
    return (
        f'<div><span class="l{part}">{_prose(row.label)}</span>'
        f'<svg viewBox="{box}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'{bar}</svg><span class="n">{_number(number)}</span></div>'
    )


def _table(section: Section, name: str) -> str:
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in ("all", *section.groups))
    rows = "".join(
        f'<tr><th scope="row"{_class(row)}>{_prose(row.label)}</th>'
        + "".join(f'<td class="n">{text}</td>' for text in row.cells())
        + "</tr>"
        for row in section.rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}c"><table>'
        f'<caption id="{name}c">{escape(section.title)}, in numbers</caption>'
        f'<thead><tr><th scope="col">what</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _class(row: Row) -> str:
    return ' class="part"' if row.is_part else ""


def _prose(text: str) -> str:
    """Return a sentence as HTML, with what is in back-ticks as code."""
    return "".join(
        f"<code>{_unbroken(part)}</code>" if is_code else escape(part)
        for part, is_code in code_parts(text)
    )


def _unbroken(code: str) -> str:
    """Return a command as HTML that breaks at its spaces alone, so that it can be typed."""
    return " ".join(f"<span>{escape(word)}</span>" for word in code.split())


def _number(number: int | None) -> str:
    return HIDDEN if number is None else f"{number:,}"
