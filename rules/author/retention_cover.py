"""Check that a pack with rules on retention has one wherever an agency may be told something.

Which agency may be told what follows from the pack's `disclosure`: a kind of information may come
to a role unless every case is denied.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from rules.decide.program import Program
from rules.decide.retention import retention_rule
from rules.errors import PackError
from rules.packs.pack import Pack
from rules.packs.retention import agency_roles

_DISCLOSURE, _PERMIT = "disclosure", "permit"
_ANY_DAY = date(2026, 1, 1)


def refuse_unkept(pack: Pack) -> None:
    """Refuse a pack that says how long some information is kept, and leaves other out.

    A pack without any rule on retention keeps everything by the default. Raises `PackError`
    `no-retention`.
    """
    if not pack.retention or _DISCLOSURE not in pack.decisions:
        return
    for day in _days(pack):
        missing: dict[str, list[str]] = {}
        for role, category in _may_be_told(pack, day):
            if retention_rule(pack, role, category, day) is None:
                missing.setdefault(role, []).append(category)
        if missing:
            role, categories = next(iter(missing.items()))
            raise PackError(
                "no-retention",
                f"no rule on retention says how long `{role}` keeps "
                f"{', '.join(f'`{category}`' for category in categories)} on {day}",
                at=next(iter(pack.retention.values())).place,
                fix="add the kinds to a rule of `retention` for that role",
            )


def _days(pack: Pack) -> list[date]:
    """Return the program's first day, and each later one on which a rule on retention changes."""
    first, end = pack.program.since, pack.program.until
    last = end - timedelta(days=1) if end is not None else _ANY_DAY
    start = first if first is not None else min(last, _ANY_DAY)
    changes = {day for rule in pack.retention.values() for day in (rule.since, rule.until) if day}
    return sorted({start, *(day for day in changes if day > start and (end is None or day < end))})


def _may_be_told(pack: Pack, day: date) -> Iterator[tuple[str, str]]:
    """Yield each role and kind of information that some case permits on a day."""
    program = Program(pack, day)
    vocabulary = pack.vocabulary
    for role in agency_roles(vocabulary):
        for category in vocabulary.categories:
            facts = {"recipient": {"role": role}, "part": {"category": category}}
            if category not in vocabulary.never_travels:
                if _PERMIT in program.decide(_DISCLOSURE, facts).possible:
                    yield role, category
