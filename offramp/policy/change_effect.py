"""The headline of a memo: from which day on an answer differs, and until when.

It is found from the answers that were compared on each stretch of days, and from the days on which
only one side gives answers. Texts that differ change no headline. An answer that is open may be the
same: it is no difference, and the headline says that it is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from offramp.policy.change_wording import days_of_the_change, days_text, time_until
from rules.author.phrases import format_day, spell_name
from rules.frozen import frozen, replace

_ONE_DAY = timedelta(days=1)
# These rows take no effect unless a rule does.
_INERT = ("fact ", "invariant ", "source ", "reason for removing ", "range of parameter ")


@frozen
class _Period:
    """Days on which answers differ in one way, or on which none does.

    `rows` are the changes that make the difference. `differs` is False where no answer is known to
    differ, and `is_open` is True where it isn't proved that none does.
    """

    since: date | None
    until: date | None
    rows: Sequence[Any]
    differs: bool
    is_compared: bool = False
    is_open: bool = False

    def has(self, day: date) -> bool:
        """Return whether a day is one of these."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


def effect_sentences(value: Mapping[str, Any], today: date | None = None) -> Iterator[str]:
    """Yield on which days answers differ, nothing if two days are compared.

    With `today`, it says how far those days are.
    """
    if value["covers"] is None:
        return
    periods = _periods(value)
    differing = [period for period in periods if period.differs]
    still_open = list(_open_sentences(value))
    if not differing:
        if still_open:
            yield from still_open
        elif any(part["redline"] for part in (value, *value["later"])):
            yield "No answer differs on the days that are compared."
        return
    sentences: list[str] = []
    for number, period in enumerate(differing):
        when = _when(period, value, today)
        if not sentences or sentences[-1].startswith("Ends"):
            sentences.append(f"Takes effect {'again ' if sentences else ''}{when}")
        else:
            sentences[-1] += f" and again {when}"
        after = _period_after(period, periods)
        if after is not None and not after.differs and period.until is not None:
            is_last = number == len(differing) - 1
            sentences.append(_end(period.until, after, today, is_last=is_last))
    yield f"{'. '.join(sentences)}."
    yield from _earlier(value, differing, today)
    if today is not None and all(_is_past(period, today) for period in differing):
        yield "These days are past."
    yield from still_open


def names_that_change(value: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the decisions that a case shows to change on some day, and those that are open."""
    parts = [value, *value["later"]]
    shown = {name for part in parts for name in _shown(value, part)}
    return shown, {name for part in parts for name in part["decisions"]} - shown


def _shown(value: Mapping[str, Any], part: Mapping[str, Any]) -> set[str]:
    """Return the decisions of some days of which a case shows that their answers differ.

    The solver's cases show it, and so does a scenario of one of these days.
    """
    by_solver = {
        name
        for name, answer in part["decisions"].items()
        if answer["pairs"] or answer["with_unknowns"]
    }
    days = {item["id"]: item.get("as_of") for item in value["scenarios"]["list"]}
    by_scenario = {
        flip["decision"]
        for flip in value["scenarios"]["flips"]
        if _covers(part["covers"], days.get(flip["id"]) or value["new"]["day"])
    }
    return by_solver | by_scenario.intersection(part["decisions"])


def _covers(covers: Mapping[str, Any] | None, day: str) -> bool:
    """Return whether a part of a memo is of a day. If two days are compared, all of it is."""
    return covers is None or (
        covers["from"] <= day and (covers["until"] is None or day < covers["until"])
    )


def _open_sentences(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield of which decisions it is open if an answer differs, and on which days."""
    groups: list[tuple[list[str], dict[str, Any]]] = []
    for part in (value, *value["later"]):
        shown = _shown(value, part)
        names = [name for name in part["decisions"] if name not in shown]
        if groups and groups[-1][0] == names:
            groups[-1][1]["until"] = part["covers"]["until"]
        else:
            groups.append((names, dict(part["covers"])))
    for names, covers in groups:
        if names:
            text = f"it is open if answers of {_joined(map(spell_name, names))} differ"
            days = f"{days_text(covers)}, " if len(groups) > 1 else ""
            yield f"{days}{text}." if days else f"{text[0].upper()}{text[1:]}."


def _joined(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def changing_rows(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the changes of some days that can change an answer."""
    return [change for change in part["redline"] if not change.get("changes_no_answer")]


def _periods(value: Mapping[str, Any]) -> list[_Period]:
    """Return the days of a memo in order. Neighbors that differ in one way are one period."""
    periods = [
        _Period(_day(item["from"]), _day(item["until"]), list(item["sides"]), differs=True)
        for item in days_of_the_change(value)
        if len(item["sides"]) == 1
    ]
    last_rows: list[Any] = []
    for part in (value, *value["later"]):
        rows = _effective_rows(part)
        # A clock is listed on the first day from which its length differs.
        is_repeated = bool(rows) and rows == last_rows and not part["decisions"]
        shown = _shown(value, part)
        differs = bool(shown) or _changes_clock(value, part) or is_repeated
        is_open = len(shown) < len(part["decisions"])
        last_rows = rows if differs else []
        covers = part["covers"]
        since = _first_day(value, differs=differs) if part is value else covers["from"]
        days = _day(since), _day(covers["until"])
        periods.append(_Period(*days, rows, differs, part is value, is_open))
    merged: list[_Period] = []
    for period in sorted(periods, key=lambda period: period.since or date.min):
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.until == period.since
            and (last.differs, last.is_open) == (period.differs, period.is_open)
            and (last.rows == period.rows or not period.differs)
        ):
            is_compared = last.is_compared or period.is_compared
            all_rows = period.rows if period.differs else [*last.rows, *period.rows]
            period = replace(period, since=last.since, rows=all_rows, is_compared=is_compared)
            merged.pop()
        merged.append(period)
    return merged


def _first_day(value: Mapping[str, Any], *, differs: bool) -> str:
    """Return from which day on answers differ as on the compared day, or no answer does."""
    since: str = value.get("same_rules_since", value["covers"]["from"])
    if differs or value["differs_from"] is not None:
        return since
    # Both packs say the same on each earlier day on which both give answers.
    starts = [day for side in ("old", "new") if (day := value[side].get("since")) is not None]
    return min(since, max(starts)) if starts else since


def _effective_rows(part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = changing_rows(part)
    return [row for row in rows if not row["what"].startswith(_INERT)] or rows


def _changes_clock(value: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    first = value["covers"]["from"]
    return any(
        clock.get("from", first) == part["covers"]["from"]
        for clock in value["open_cases"]["clocks"]
    )


def _period_after(period: _Period, periods: Sequence[_Period]) -> _Period | None:
    until = period.until
    return next((other for other in periods if until is not None and other.has(until)), None)


def _when(period: _Period, value: Mapping[str, Any], today: date | None) -> str:
    """Return from which day a period holds, and how far that is from today."""
    compared = date.fromisoformat(value["covers"]["from"])
    since = compared if period.is_compared else period.since
    if today is not None and _is_at_once(period, compared, today):
        return "at once"
    if since is None:
        assert period.until is not None, "days without a first one have a last one"
        return f"on each day before {format_day(period.until)}"
    text = f"on {format_day(since)}"
    if today is not None and since > today:
        text += f", {time_until(today, since)}"
    if since.isoformat() == value["new"].get("since"):
        return f"{text}, the first day of the new pack's program"
    return f"{text}, the compared day" if since == compared else text


def _is_at_once(period: _Period, compared: date, today: date) -> bool:
    if period.is_compared:
        return compared <= today and not _is_past(period, today)
    return period.has(today) and (period.since is None or period.since <= compared)


def _is_past(period: _Period, today: date) -> bool:
    return period.until is not None and period.until <= today


def _end(until: date, after: _Period, today: date | None, *, is_last: bool) -> str:
    text = f"Ends on {format_day(until)}"
    if today is not None and until > today:
        text += f", {time_until(today, until)}"
    says = "no answer differs" if after.rows else "the rules are those of the old pack"
    says = "no answer is known to differ" if after.is_open else says
    return f"{text}: {says}{' from then on' if is_last else ' until then'}"


def _earlier(
    value: Mapping[str, Any], differing: Sequence[_Period], today: date | None
) -> Iterator[str]:
    """Yield since when answers differ, if that is before the day on which the change takes effect.

    Then yield that earlier days are not compared, if the packs have other rules on them.
    """
    first = differing[0]
    compared = date.fromisoformat(value["covers"]["from"])
    starts = compared if first.is_compared else first.since
    if not first.is_compared and today is not None and _is_at_once(first, compared, today):
        starts = today
    if first.since is not None and starts is not None and first.since < starts:
        yield (
            f"Answers differ on days since {format_day(first.since)}, so it also decides cases of "
            "days since then."
        )
    same_since = value.get("same_rules_since", value["covers"]["from"])
    if value["differs_from"] is not None and value["differs_from"] < same_since:
        yield f"Days before {format_day(date.fromisoformat(same_since))} are not compared."


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
