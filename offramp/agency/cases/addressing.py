"""Which agencies may receive a part, for which purpose, on which basis: the parts of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exchange.agency.gateway import FOREVER
from exchange.consent.reduction import FROM_CARE
from exchange.records.building import Part
from exchange.records.content_checks import may_be_told
from offramp.agency.cases.case import Answer
from offramp.agency.cases.decision_record import content_of, contents
from offramp.agency.cases.draft import NO_NOTICE, Defaults
from offramp.agency.cases.refusals import Refused, has_key, never_told, route
from offramp.agency.folder.working_set import WorkingSet
from rules.packs.pack import Pack

COORDINATION = "diversion_coordination"
# The notice of a part that is judged and isn't sent: the rules ask only if there is one.
_SOME_NOTICE = "own-1"
# The first purpose to try for each decision. Coordination is the second.
_PURPOSE = {
    "offer": "offer_and_hand_off",
    "screening": "screening",
    "eligibility": "admission",
    "admission": "admission",
    "filing": "filing_status",
}


def address(
    working_set: WorkingSet,
    handle: str,
    kind: str,
    part: Part,
    decision: str,
    now: int,
    only: tuple[str, ...] | None = None,
) -> Part | None:
    """Address a part to every agency that may receive it, or to those of `only`.

    Returns None if no agency may receive it. `now` is this machine's time in seconds since 1970.
    """
    directory = working_set.gateway.history.newest
    to = {}
    for agency in directory.agencies:
        if agency == working_set.agency or (only is not None and agency not in only):
            continue
        role = directory.role(agency)
        if not may_be_told(role, part.content) or not has_key(working_set, agency):
            continue
        ways = _ways(kind, decision, role)
        way = working_set.gateway.first_permitted(kind, part, agency, ways, case=handle, now=now)
        if way is not None:
            to[agency] = way
    return replace(part, to=to) if to else None


def _ways(kind: str, decision: str, role: str | None) -> list[tuple[str, str]]:
    """Return the purposes and bases to try for a recipient of a role, in order."""
    # The word of a pack's own decision on records is a screening too.
    first = "screening" if kind == "screening_outcome" else COORDINATION
    is_counsel = role == "defender"
    purposes = dict.fromkeys(
        ("legal_representation",) if is_counsel else (_PURPOSE.get(decision, first), COORDINATION)
    )
    return [(purpose, basis) for basis in ("consent", "offer_at_scene") for purpose in purposes]


def refusals(
    working_set: WorkingSet,
    pack: Pack,
    handle: str,
    kind: str,
    part: Part,
    decision: str,
    now: int,
) -> tuple[Refused, ...]:
    """Return why each other agency that isn't among a part's recipients doesn't receive it."""
    directory = working_set.gateway.history.newest
    refused = []
    for agency in directory.agencies:
        if agency == working_set.agency or agency in part.to:
            continue
        role = directory.role(agency)
        if not may_be_told(role, part.content):
            refused.append(never_told(agency))
            continue
        ways = _ways(kind, decision, role)
        found = route(working_set, pack, kind, part, agency, ways, handle, now)
        if isinstance(found, Refused):
            refused.append(found)
    return tuple(refused)


def decision_parts(
    working_set: WorkingSet, handle: str, answer: Answer, defaults: Defaults, now: int
) -> tuple[Part, ...]:
    """Return the rules' answer as parts, each addressed to the agencies that may receive it.

    A part that no agency may receive has no recipients.
    """
    parts = []
    for categories, decided in contents(answer).items():
        part = Part(
            category=categories,
            content=content_of(categories, decided),
            to={},
            keep_until=defaults.last_day(categories),
            use=defaults.use,
        )
        part = protect_care(part, working_set, defaults.notice)
        addressed = address(working_set, handle, "decision", part, answer.decision, now)
        parts.append(part if addressed is None else addressed)
    return tuple(parts)


def part_to_judge(
    working_set: WorkingSet, categories: tuple[str, ...], content: Mapping[str, Any]
) -> Part:
    """Return a part without recipients, to ask which agencies may be told its content now.

    Its label is as strict as any that this agency would send it with.
    """
    part = Part(
        category=categories, content=content, to={}, keep_until=FOREVER, use="no_adverse_action"
    )
    return protect_care(part, working_set, _SOME_NOTICE)


def protect_care(part: Part, working_set: WorkingSet, notice: str) -> Part:
    """Bar adverse action on care, and add Part 2's notice unless the agency isn't covered."""
    if not set(part.category) & set(FROM_CARE):
        return part
    is_covered = working_set.gateway.history.newest.part2(working_set.agency) != "no"
    otherwise = "health" if part.category == ("health",) else "plain"
    return replace(
        part,
        use="no_adverse_action",
        sensitivity="part2" if is_covered else otherwise,
        notice=notice if is_covered else NO_NOTICE,
    )
