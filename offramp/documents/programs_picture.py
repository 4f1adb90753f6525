"""The picture of the programs: one bar each, with the days on which its rules change.

`python -m offramp.documents.programs_picture docs/programs.svg` writes it. A test compares the file
with the packs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from html import escape
from pathlib import Path

from rules.packs.pack import Pack
from rules.shelf import read_pack, shipped

_LEFT, _RIGHT, _TOP, _ROW, _BAR = 300, 920, 70, 30, 16
_BLUE, _BROWN, _WHITE, _INK = "#2f6f8f", "#9a6a1f", "#ffffff", "#10202f"
# By kind of program: a bar's fill, and its stroke.
_KINDS = {
    "program": (_BLUE, ""),
    "base": (_WHITE, f' stroke="{_BLUE}"'),
    "plan": (_WHITE, f' stroke="{_BROWN}" stroke-dasharray="5 3"'),
}
_FIRST = 2010  # an earlier bar is cut off there and labeled with its first year


def picture(packs: list[Pack]) -> str:
    """Return an SVG that depends on the packs alone. A bar without a last day has an arrow."""
    packs = sorted(packs, key=lambda pack: (pack.program.since or date.min, pack.id))
    days = [day for pack in packs for day in pack.boundaries()]
    last = max([*days, *(pack.program.until for pack in packs if pack.program.until)]).year + 1
    height = _TOP + _ROW * len(packs) + 60
    lines = [
        *_head(height, packs),
        *_years(last, height),
        *_bars(packs, last),
        *_legend(height),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _head(height: int, packs: list[Pack]) -> Iterator[str]:
    spans = "; ".join(f"{pack.title}: {_span(pack)}" for pack in packs)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {height}" role="img" '
        'aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="14">'
    )
    yield '<title id="t">Which programs were in force when</title>'
    yield f'<desc id="d">{escape(spans)}</desc>'
    yield f'<rect width="960" height="{height}" fill="{_WHITE}"/>'


def _span(pack: Pack) -> str:
    since, until = pack.program.since, pack.program.until
    start = f"from {since}" if since else "from a day that is not known"
    return f"{start} until {until}" if until else start


def _years(last: int, height: int) -> Iterator[str]:
    for year in range(_FIRST, last + 1):
        x = _x(date(year, 1, 1), last)
        yield f'<line x1="{x}" y1="{_TOP - 12}" x2="{x}" y2="{height - 52}" stroke="#d9e1e8"/>'
        if year % 2 == 0:
            yield (
                f'<text x="{x}" y="{_TOP - 20}" text-anchor="middle" fill="#3d4c59">{year}</text>'
            )


def _bars(packs: list[Pack], last: int) -> Iterator[str]:
    for number, pack in enumerate(packs):
        yield from _bar(pack, _TOP + _ROW * number, last)


def _bar(pack: Pack, top: int, last: int) -> Iterator[str]:
    program = pack.program
    since, until = program.since or date(_FIRST, 1, 1), program.until or date(last, 1, 1)
    start, end = _x(max(since, date(_FIRST, 1, 1)), last), _x(until, last)
    fill, stroke = _KINDS[program.kind]
    name = escape(pack.title.partition(" (")[0])
    yield f'<text x="{_LEFT - 12}" y="{top + 13}" text-anchor="end" fill="{_INK}">{name}</text>'
    yield (
        f'<rect x="{start}" y="{top}" width="{round(end - start, 1)}" height="{_BAR}" rx="3" '
        f'fill="{fill}"{stroke}/>'
    )
    if since.year < _FIRST:
        yield (
            f'<text x="{start + 6}" y="{top + 13}" font-size="12" fill="{_WHITE}">'
            f"since {since.year}</text>"
        )
    for day in pack.boundaries():
        if since < day < until:
            x, color = _x(day, last), _WHITE if program.kind == "program" else _BLUE
            yield (
                f'<line x1="{x}" y1="{top + 2}" x2="{x}" y2="{top + _BAR - 2}" '
                f'stroke="{color}" stroke-width="2"/>'
            )
    if program.until is None:
        half = _BAR // 2
        yield f'<path d="M{_RIGHT + 2} {top} l10 {half} l-10 {half} z" fill="{_BLUE}"/>'


def _legend(height: int) -> Iterator[str]:
    y = height - 30
    texts = (
        (_KINDS["program"], "in force"),
        (_KINDS["base"], "others extend it"),
        (_KINDS["plan"], "never opened"),
    )
    for number, ((fill, stroke), text) in enumerate(texts):
        x = 40 + number * 165
        yield f'<rect x="{x}" y="{y - 12}" width="26" height="14" rx="3" fill="{fill}"{stroke}/>'
        yield f'<text x="{x + 34}" y="{y}" fill="{_INK}">{text}</text>'
    yield f'<text x="535" y="{y}" fill="{_INK}">a tick: rules change</text>'
    yield f'<path d="M715 {y - 13} l10 8 l-10 8 z" fill="{_BLUE}"/>'
    yield f'<text x="733" y="{y}" fill="{_INK}">no last day is known</text>'


def _x(day: date, last: int) -> float:
    first, end = date(_FIRST, 1, 1).toordinal(), date(last, 1, 1).toordinal()
    share = (min(day.toordinal(), end) - first) / (end - first)
    return round(_LEFT + (_RIGHT - _LEFT) * share, 1)


def main(path: Path) -> None:
    """Write the picture of the shipped packs to the path."""
    path.write_text(picture([read_pack(name) for name in shipped()]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
