"""How long an agency keeps a part by its pack, and which rule says so.

Where a pack has no rule for a role and a category, the part ends `DEFAULT_DAYS` after it was told.
Of the kinds of information in a part, the one that ends first ends the part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from rules.decide.moments import months_later
from rules.frozen import frozen
from rules.packs.pack import Pack, Period, Retention

DEFAULT_DAYS = 365


@frozen
class Term:
    """The last day of a part, and what it rests on.

    `rule` is the pack's rule, None for the default. `cause` is set if something ended the part
    before its time, such as `sealed`.
    """

    day: date
    category: str
    rule: Retention | None = None
    cause: str | None = None


def retention_rule(pack: Pack, role: str | None, category: str, day: date) -> Retention | None:
    """Return the rule on a day for agencies of a role and a category. None for the default."""
    return next(
        (
            rule
            for rule in pack.retention.values()
            if role in rule.held_by and category in rule.categories and rule.in_force(day)
        ),
        None,
    )


def period_ends(period: Period, start: date) -> date:
    """Return the last day of a period that begins on a day: the last day of time at most."""
    try:
        if period.unit == "days":
            return start + timedelta(days=period.number)
        return months_later(start, period.number * (12 if period.unit == "years" else 1))
    except (OverflowError, ValueError):
        return date.max


def term_of(
    pack: Pack,
    role: str | None,
    categories: Iterable[str],
    start: date,
    today: date,
    *,
    ended: Mapping[str, date] | None = None,
    noted: Mapping[str, date] | None = None,
    default_days: int = DEFAULT_DAYS,
) -> Term:
    """Return when a part ends at an agency of a role, by the rules in force today.

    `start` is the day from which its time is counted, in most cases that on which it was told.
    `ended` has the day of each cause for which parts may end before their time, from which the
    pack's days are counted. `noted` has the day on which the agency learned of it: nothing ends
    before that day is over. `default_days` applies where the pack has no rule.
    """
    terms = (
        _term(pack, role, category, start, today, ended or {}, noted or {}, default_days)
        for category in categories
    )
    return min(terms, key=lambda term: term.day)


def _term(
    pack: Pack,
    role: str | None,
    category: str,
    start: date,
    today: date,
    ended: Mapping[str, date],
    noted: Mapping[str, date],
    default_days: int,
) -> Term:
    rule = retention_rule(pack, role, category, today)
    if rule is None:
        return Term(period_ends(Period("days", default_days), start), category)
    usual = Term(period_ends(rule.keep, start), category, rule)
    early = (
        Term(
            max(period_ends(Period("days", days), ended[cause]), noted.get(cause, date.min)),
            category,
            rule,
            cause,
        )
        for cause, days in rule.ends.items()
        if cause in ended
    )
    return min((usual, *early), key=lambda term: term.day)
