"""The picture of the programs: a bar each, from its first day to its last, with the days on which its rules change.

`python -m offramp.documents.programs_picture docs/programs.svg` writes it; a test holds that the file is what the packs say.
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
_KINDS = {
    "program": ("#2f6f8f", ""),
    "base": ("#ffffff", ' stroke="#2f6f8f"'),
    "plan": ("#ffffff", ' stroke="#9a6a1f" stroke-dasharray="5 3"'),
}
_FIRST = 2010  # what began before is cut off there, and says since when


def picture(packs: list[Pack]) -> str:
    """An SVG, the same bytes for the same packs: no clock is asked. What has no last day runs to the right edge."""
    packs = sorted(packs, key=lambda pack: (pack.program.since or date.min, pack.id))
    days = [day for pack in packs for day in pack.boundaries()]
    last = max([*days, *(pack.program.until for pack in packs if pack.program.until)]).year + 1
    height = _TOP + _ROW * len(packs) + 60
    return (
        "\n".join(
            [
                *_head(height, packs),
                *_years(last, height),
                *_bars(packs, last),
                *_legend(height),
                "</svg>",
            ]
        )
        + "\n"
    )


def _head(height: int, packs: list[Pack]) -> Iterator[str]:
    told = "; ".join(f"{pack.title}: {_span(pack)}" for pack in packs)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {height}" role="img" aria-labelledby="t d" '
        'font-family="system-ui, sans-serif" font-size="14">'
    )
    yield '<title id="t">Which programs were in force when</title>'
    yield f'<desc id="d">{escape(told)}</desc>'
    yield f'<rect width="960" height="{height}" fill="#ffffff"/>'


def _span(pack: Pack) -> str:
    since, until = pack.program.since, pack.program.until
    return f"{f'from {since}' if since else 'from a day that is not known'}{f' until {until}' if until else ''}"


def _years(last: int, height: int) -> Iterator[str]:
    for year in range(_FIRST, last + 1):
        at = _at(date(year, 1, 1), last)
        yield f'<line x1="{at}" y1="{_TOP - 12}" x2="{at}" y2="{height - 52}" stroke="#d9e1e8"/>'
        if year % 2 == 0:
            yield f'<text x="{at}" y="{_TOP - 20}" text-anchor="middle" fill="#3d4c59">{year}</text>'


def _bars(packs: list[Pack], last: int) -> Iterator[str]:
    for number, pack in enumerate(packs):
        program, top = pack.program, _TOP + _ROW * number
        since, until = program.since or date(_FIRST, 1, 1), program.until or date(last, 1, 1)
        start, end = _at(max(since, date(_FIRST, 1, 1)), last), _at(until, last)
        fill, line = _KINDS[program.kind]
        yield f'<text x="{_LEFT - 12}" y="{top + 13}" text-anchor="end" fill="#10202f">{escape(_short(pack.title))}</text>'
        yield f'<rect x="{start}" y="{top}" width="{round(end - start, 1)}" height="{_BAR}" rx="3" fill="{fill}"{line}/>'
        if since.year < _FIRST:
            yield f'<text x="{start + 6}" y="{top + 13}" font-size="12" fill="#ffffff">since {since.year}</text>'
        for day in pack.boundaries():
            if since < day < until:
                at, color = _at(day, last), "#ffffff" if program.kind == "program" else "#2f6f8f"
                yield f'<line x1="{at}" y1="{top + 2}" x2="{at}" y2="{top + _BAR - 2}" stroke="{color}" stroke-width="2"/>'
        if program.until is None:
            yield f'<path d="M{_RIGHT + 2} {top} l10 {_BAR // 2} l-10 {_BAR // 2} z" fill="#2f6f8f"/>'


def _legend(height: int) -> Iterator[str]:
    y = height - 30
    texts = (
        (_KINDS["program"], "in force"),
        (_KINDS["base"], "others extend it"),
        (_KINDS["plan"], "never opened"),
    )
    for number, ((fill, line), text) in enumerate(texts):
        x = 40 + number * 165
        yield f'<rect x="{x}" y="{y - 12}" width="26" height="14" rx="3" fill="{fill}"{line}/>'
        yield f'<text x="{x + 34}" y="{y}" fill="#10202f">{text}</text>'
    yield f'<text x="535" y="{y}" fill="#10202f">a tick: rules change</text>'
    yield f'<path d="M715 {y - 13} l10 8 l-10 8 z" fill="#2f6f8f"/>'
    yield f'<text x="733" y="{y}" fill="#10202f">no last day is known</text>'


def _at(day: date, last: int) -> float:
    first, end = date(_FIRST, 1, 1).toordinal(), date(last, 1, 1).toordinal()
    return round(_LEFT + (_RIGHT - _LEFT) * (min(day.toordinal(), end) - first) / (end - first), 1)


def _short(title: str) -> str:
    return title.partition(" (")[0]


def main(path: Path) -> None:
    path.write_text(picture([read_pack(name) for name in shipped()]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
