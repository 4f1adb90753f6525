"""The day and the moment of the encounter: one is the local day of the other.

If a case has only the moment, its day is filled in. If it has both and they disagree, it is
refused, because nobody could know which day's rules apply.
"""

from __future__ import annotations

from rules.decide.moments import local
from rules.errors import FactsError, Place
from rules.frozen import replace
from rules.input.facts import Facts

DAY, MOMENT = "encounter.date", "encounter.at"


def with_day(facts: Facts, time_zone: str) -> Facts:
    """Return the facts with the day of the encounter, if its moment is known.

    Raises `FactsError` if the day is known too and is another one.
    """
    moment = facts.known.get(MOMENT)
    if moment is None:
        return facts
    day = local(moment, time_zone).date()
    given = facts.known.get(DAY)
    if given is None:
        return replace(facts, known={**facts.known, DAY: day})
    if given != day:
        raise FactsError(
            "facts-disagree",
            f"`{DAY}` is {given}, and `{MOMENT}` is on {day} in `{time_zone}`",
            at=Place(path=DAY),
            fix=f"leave `{DAY}` out, or correct one of them",
        )
    return facts
