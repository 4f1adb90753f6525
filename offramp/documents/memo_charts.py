"""The three charts of a memo: before and after, the range of each group, and what decides.

They are SVG without a fixed width: places are shares of it, so letters keep their size on a
telephone. Each chart has a table beside it with the same numbers. A hidden number is `None` here,
and no mark is drawn at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor, log10

from offramp.documents.web_page import escape_html
from offramp.policy.counted_rows_text import count_text
from rules.frozen import frozen

_THOUSAND = 1_000
_ROOM = 84.0  # percent of the width that the longest bar takes, so that a number fits beside it
_ANCHORS = ("start", "middle", "middle", "middle", "end")  # of the labels of an axis
_BESIDE = 70.0  # percent up to which a number fits behind a bar
_INSIDE = 15.0  # percent that a bar needs to have its number inside
_HATCH = (
    '<defs><pattern id="memo-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>'
)
Count = int | None


@frozen
class SureBar:
    """The rows with an answer for certain, and those for which it depends on a missing fact."""

    label: str
    surely: Count
    either: Count


@frozen
class RangeBar:
    """A group's range: rows, rates for one row, and the interval of chance around the range."""

    label: str
    rows: Count
    surely: Count
    at_most: Count
    rate: tuple[float | None, float | None]
    interval: tuple[float | None, float | None]


@frozen
class DecidingBar:
    """How many rows something decides, before and after."""

    label: str
    before: Count
    after: Count


def hatch() -> str:
    """Return the hatching that every chart of a page uses."""
    return f'<svg width="0" height="0" aria-hidden="true" focusable="false">{_HATCH}</svg>'


def key(**kinds: str) -> str:
    """Return what each kind of bar means, such as `key(sure="surely")`."""
    items = "".join(
        f'<li><svg aria-hidden="true" focusable="false" class="memo-chart"><rect class="{name}" '
        f'width="100%" height="100%"/></svg>{escape_html(text)}</li>'
        for name, text in kinds.items()
    )
    return f'<ul class="memo-key">{items}</ul>'


# 1. Before and after


def before_and_after(title: str, bars: Sequence[SureBar], rows: Count) -> str:
    """Return the chart of an answer before and after the change, of all counted rows.

    The width is all of them, so a bar shows which share has the answer. It is less where `rows` is
    hidden.
    """
    longest = max([(bar.surely or 0) + (bar.either or 0) for bar in bars] + [1])
    whole = max(rows or 0, longest)
    height = len(bars) * 56
    parts = list(_share_axis(height, None if rows is None else whole))
    for row, bar in enumerate(bars):
        top = row * 56
        parts.append(_text(0, top + 14, bar.label))
        parts += _sure_bar(bar, top + 20, 100.0 / whole)
    return _chart(title, height + 22, parts)


def _share_axis(height: int, whole: int | None) -> Iterator[str]:
    """Yield lines at each quarter of all rows, with the share and the count."""
    for tick, anchor in enumerate(_ANCHORS):
        place = tick * 25.0
        yield f'<line class="grid" x1="{place:g}%" x2="{place:g}%" y1="0" y2="{height}"/>'
        if whole is not None:
            label = f"{place:g} %" if tick % 2 else f"{place:g} % ({whole * tick // 4:,})"
            yield _text(place, height + 16, label if tick else "0", "mute", anchor)


def _sure_bar(bar: SureBar, top: int, scale: float) -> Iterator[str]:
    if bar.surely is None:  # where the next part begins is hidden too
        yield _text(0, top + 18, f"surely: hidden. Depends: {count_text(bar.either)}")
        return
    sure = bar.surely * scale
    may = (bar.either or 0) * scale
    yield _rect("sure", 0, top, sure, 26)
    yield _rect("may", sure, top, may, 26)
    if sure >= _INSIDE:
        yield _text(sure / 2, top + 18, count_text(bar.surely), "on", "middle")
    either = count_text(bar.either)
    if may >= 2 * _INSIDE and sure >= _INSIDE:
        yield _text(sure + may / 2, top + 18, either, "num", "middle")
    elif may >= 3 * _INSIDE:
        # The short solid part has its number just behind it.
        yield _text(sure, top + 18, count_text(bar.surely), "num", shift=5)
        yield _text(sure + may / 2 + 6, top + 18, either, "num", "middle")
    else:
        numbers = either if sure >= _INSIDE else f"{count_text(bar.surely)} + {either}"
        if sure + may <= _BESIDE:
            yield _text(sure + may, top + 18, numbers, "num", shift=5)
        else:
            yield _text(100, top + 14, numbers, "num", "end")


# 2. The range of each group


def ranges(title: str, bars: Sequence[RangeBar]) -> str:
    """Return the chart of each group's range for a thousand rows."""
    ends = [end for bar in bars for end in (*bar.rate, *bar.interval) if end is not None]
    step = _step(max([end * _THOUSAND for end in ends] + [1.0]))
    most = step * 4
    height = len(bars) * 46
    parts: list[str] = []
    for tick in range(5):
        place = tick * 25.0
        parts.append(f'<line class="grid" x1="{place:g}%" x2="{place:g}%" y1="0" y2="{height}"/>')
        parts.append(_text(place, height + 16, f"{tick * step:g}", "mute", _ANCHORS[tick]))
    for row, bar in enumerate(bars):
        parts += _range_bar(bar, row * 46, 100 * _THOUSAND / most)
    return _chart(title, height + 22, parts)


def _range_bar(bar: RangeBar, top: int, scale: float) -> Iterator[str]:
    label = bar.label if len(bar.label) <= 24 else f"{bar.label[:23]}…"
    counts = f"{count_text(bar.surely)} to {count_text(bar.at_most)}"
    yield _text(0, top + 16, f"{label}: {counts} of {count_text(bar.rows)}", "num")
    low, high = bar.rate
    if low is not None and high is not None:
        yield _rect("may", low * scale, top + 23, (high - low) * scale, 16)
    for end in (low, high):
        if end is not None:
            yield _rect("sure", min(end * scale, 99.5), top + 21, 0.5, 20)
    first, last = bar.interval
    if first is not None and last is not None:
        yield (
            f'<line class="chance" x1="{first * scale:.2f}%" x2="{last * scale:.2f}%" '
            f'y1="{top + 31}" y2="{top + 31}"/>'
        )


def _step(most: float) -> float:
    """Return a round number of which four reach the most that is drawn."""
    power = 10.0 ** floor(log10(most / 4))
    return next(size * power for size in (1, 2, 2.5, 5, 10) if size * power * 4 >= most)


# 3. What decides


def what_decides(title: str, bars: Sequence[DecidingBar]) -> str:
    """Return the chart of what decides, before and after."""
    longest = max([count or 0 for bar in bars for count in (bar.before, bar.after)] + [1])
    parts: list[str] = []
    for row, bar in enumerate(bars):
        top = row * 54
        label = bar.label if len(bar.label) <= 44 else f"{bar.label[:43]}…"
        parts.append(_text(0, top + 14, label))
        for name, down, count in (("was", 20, bar.before), ("sure", 36, bar.after)):
            width = (count or 0) * _ROOM / longest
            parts.append(_rect(name, 0, top + down, width, 11))
            parts.append(_text(width, top + down + 10, count_text(count), "num", shift=5))
    return _chart(title, len(bars) * 54 + 4, parts)


# Marks


def _chart(title: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg class="memo-chart" role="img" width="100%" height="{height}" focusable="false">'
        f"<title>{escape_html(title)}</title>{''.join(parts)}</svg>"
    )


def _rect(name: str, left: float, top: int, width: float, height: int) -> str:
    if width <= 0:
        return ""
    return (
        f'<rect class="{name}" x="{left:.2f}%" y="{top}" width="{width:.2f}%" height="{height}"/>'
    )


def _text(
    left: float, top: int, text: str, name: str = "", anchor: str = "start", *, shift: int = 0
) -> str:
    kind = f' class="{name}"' if name else ""
    moved = f' dx="{shift}"' if shift else ""
    return (
        f'<text{kind} x="{left:.2f}%" y="{top}" text-anchor="{anchor}"{moved}>'
        f"{escape_html(text)}</text>"
    )
