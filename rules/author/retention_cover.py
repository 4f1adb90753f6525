"""Check that a pack with rules on retention has one wherever an agency may be told something.

The pack's `disclosure` decides which agency may be told: a role may receive a kind of information
unless every case is denied.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rules.decide.consent import DISCLOSURE
from rules.decide.program import Program
from rules.decide.retention import retention_rule
from rules.errors import PackError, Place
from rules.packs.faults import Faults
from rules.packs.pack import Pack
from rules.packs.resolve import segments_of
from rules.packs.retention import agency_roles


def refuse_unkept(pack: Pack, faults: Faults) -> None:
    """Refuse a pack that says how long some information is kept, and leaves other out.

    What a role could be told on an earlier day needs a rule too, since the agency may still have
    it. A pack without any rule on retention keeps everything by the default, and one without
    `disclosure` runs no exchange.
    """
    if not pack.retention or DISCLOSURE not in pack.decisions:
        return
    told: dict[tuple[str, str], None] = {}
    refused: set[tuple[str, str]] = set()
    for segment in segments_of(pack):
        told |= dict.fromkeys(_may_be_told(pack, segment.day))
        missing: dict[str, list[str]] = {}
        for role, category in told:
            if (role, category) not in refused:
                if retention_rule(pack, role, category, segment.day) is None:
                    missing.setdefault(role, []).append(category)
                    refused.add((role, category))
        for role, categories in missing.items():
            with faults.collect():
                raise _unkept(pack, role, categories, segment.day)


def _may_be_told(pack: Pack, day: date) -> Iterator[tuple[str, str]]:
    """Yield each role and kind of information that `disclosure` permits in some case on a day."""
    program = Program(pack, day)
    vocabulary = pack.vocabulary
    for role in agency_roles(vocabulary):
        for category in vocabulary.categories:
            if category not in vocabulary.never_travels:
                facts = {"recipient": {"role": role}, "part": {"category": category}}
                if "permit" in program.decide(DISCLOSURE, facts).possible:
                    yield role, category


def _unkept(pack: Pack, role: str, categories: list[str], day: date) -> PackError:
    return PackError(
        "no-retention",
        f"no rule on retention says how long `{role}` keeps "
        f"{', '.join(f'`{category}`' for category in categories)} on {day}",
        at=_place(pack, role),
        fix=f"write them in a rule of `retention` with `held_by: [{role}]`",
    )


def _place(pack: Pack, role: str) -> Place:
    """Return the place of the pack's own rule for a role, of another own rule, or of the answer."""
    own = [rule for rule in pack.retention.values() if rule.declared_in == pack.id]
    own.sort(key=lambda rule: role not in rule.held_by)
    return own[0].place if own else pack.decisions[DISCLOSURE].place
