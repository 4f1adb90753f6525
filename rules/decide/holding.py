"""How long a ruling holds: the first time at which the same facts may give another one.

Only `now` moves. It selects the rules of a decision that is governed by it, and it moves clocks. So
a caller that decides thousands of cases may keep a ruling until then, and need not decide again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.decide.clocks import DoubtfulEvents, list_due_times
from rules.decide.compiled_pack import CompiledPack
from rules.decide.ruling import Ruling
from rules.input.local_time import first_instant
from rules.packs.pack import Clock

_SECOND = timedelta(seconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


def holds_until(ruling: Ruling) -> datetime | None:
    """Return the first whole second after `now` at which a ruling may differ, None for never.

    The result is never too late. It may be too early. Without `now`, time changes nothing.
    """
    case = ruling.case
    now = case.facts.known.get("now")
    if now is None:
        return None
    program = case.program
    if program.reads_now:
        return _next_second(now)
    changes = [] if (day := pack_holds_until(program, now)) is None else [day]
    rulings = (ruling, *case.rulings.values())
    segments = {each.segment.segment.day: each.segment.segment for each in rulings if each.segment}
    for segment in segments.values():
        for clock in segment.clocks.values():
            length = segment.parameters[clock.length]
            unit = segment.pack.parameters[clock.length].unit
            facts, doubtful = case.facts.known, case.facts.doubtful
            zone = segment.pack.time_zone
            changes += _clock_changes(clock, length, unit, facts, doubtful, zone)
    return min((change for change in changes if change > now), default=None)


def pack_holds_until(program: CompiledPack, now: datetime) -> datetime | None:
    """Return the next start of a day on which other rules of a pack apply, None for never."""
    times = program.change_times
    place = bisect_right(times, now)
    return times[place] if place < len(times) else None


def _clock_changes(
    clock: Clock,
    length: Any,
    unit: str,
    facts: Mapping[str, Any],
    doubtful: DoubtfulEvents,
    time_zone: str,
) -> Iterator[datetime]:
    """Yield the times after `now` at which a clock may change, without another event."""
    now: datetime = facts["now"]
    recorded = [facts.get(path) for path in (clock.start, clock.stop, clock.repeats) if path]
    in_doubt = [
        time
        for path, times in doubtful.items()
        if path in (clock.start, clock.stop, clock.repeats)
        for time in times or ()
    ]
    for event in (*recorded, *in_doubt):
        # An event later than `now` isn't recorded yet.
        if event is not None and not isinstance(event, datetime):
            yield first_instant(event, time_zone)
        elif event is not None:
            yield _next_second(now) if event == now else event
    for pause in facts.get(clock.tolling or "") or ():
        # A pause that runs moves the due time with every second.
        if pause.get("from") is not None:
            runs = pause["from"] <= now < pause.get("until", _NEVER)
            yield _next_second(now) if runs else pause["from"]
    for due in list_due_times(clock, length, unit, facts, doubtful, time_zone):
        # A clock that is due exactly at `now` still runs.
        if due >= now:
            yield _next_second(due.replace(microsecond=0))


def _next_second(moment: datetime) -> datetime:
    try:
        return moment + _SECOND
    except OverflowError:
        return moment
