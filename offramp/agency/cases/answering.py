"""The rules' answers on a case, by the pack that governs it, and this agency's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.membership.directory import read_directory
from exchange.membership.signatures import SignedPayload
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.case_entry import LATEST
from offramp.agency.cases.caseload import case_of, deciding_agencies, utc
from offramp.agency.cases.decision_effects import without_effects
from offramp.agency.cases.draft import Defaults, defaults_of
from offramp.agency.cases.ended_kinds import ended_kinds
from offramp.agency.cases.governing import SEVERITY, governing
from offramp.agency.cases.silence import silent_events
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.input.vocabulary import Vocabulary
from rules.packs.pack import Pack
from rules.shelf import vocabulary


def defaults_today(office: Office, working_set: WorkingSet) -> Defaults:
    """Return the values for what a draft leaves open. Raises `AgencyError` `no-directory`."""
    if not working_set.gateway.history.size:
        raise AgencyError(
            "no-directory",
            "this agency knows no directory yet",
            fix="let its gateway run. The first one is in force when all founders have approved it",
        )
    gateway = working_set.gateway
    today = day_of(gateway.hub_time(office.clock()), gateway.history.newest.zone)
    program = _program_in_force(office, working_set)
    return defaults_of(office.settings, gateway, today, office.random, program)


def pack_in_force(office: Office, working_set: WorkingSet) -> Pack | None:
    """Return the pack that the directory names, None where it isn't here yet."""
    program = _program_in_force(office, working_set)
    return program.pack if program is not None else None


def _program_in_force(office: Office, working_set: WorkingSet) -> Program | None:
    try:
        return office.program(working_set)
    except AgencyError:
        return None


def words_of(office: Office, working_set: WorkingSet) -> Vocabulary:
    """Return the vocabulary of the pack that this agency adopted, with the pack's own words.

    Before there is a directory, it is the vocabulary that all packs share.
    """
    if not working_set.gateway.history.size:
        return vocabulary()
    return office.program(working_set).pack.vocabulary


def answer_case(
    office: Office,
    working_set: WorkingSet,
    handle: str,
    decision: str,
    own_facts: Mapping[str, Any] | None = None,
    case: Case | None = None,
    *,
    anywhere: bool = False,
) -> Answer:
    """Return the rules' answer on the facts known here, apart from what a decision on it states.

    `own_facts` are facts by path from this agency's own records, used and not kept. With
    `anywhere`, a decision of another role is answered too: what isn't known here is unknown. Raises
    `AgencyError` `no-such-case`, `not-here-decided`, and as `Case.decide`.
    """
    whole = case or case_of(working_set, handle)
    case, now = without_effects(whole, decision), office.clock()
    program = office.program(working_set)
    program.outcomes(decision)
    if not anywhere:
        check_decided_here(working_set, decision, program)
    at = utc(working_set.gateway.hub_time(now))
    silent = silent_events(working_set, handle, now)
    ended = ended_kinds(working_set, program.pack, handle, working_set.gateway.hub_time(now))
    enrolled, later = packs_since_enrollment(working_set, whole)
    if decision not in SEVERITY or not later:
        answer = case.decide(program, decision, at, own_facts, silent)
        answer.ended = ended
        return answer
    # Later rules reach an enrolled person only where they are no harsher, or after notice.
    by_pack = {
        pack: case.decide(Program(office.pack(pack)), decision, at, own_facts, silent)
        for pack in dict.fromkeys((enrolled, *later))
    }
    outcomes = {pack: answer.possible for pack, answer in by_pack.items()}
    chosen = governing(enrolled, later, decision, outcomes, packs_noticed(working_set, handle))
    answer = by_pack[chosen.pack]
    answer.governed, answer.ended = chosen.why, ended
    return answer


def check_decided_here(working_set: WorkingSet, decision: str, program: Program) -> None:
    deciders = deciding_agencies(working_set, decision, program.pack)
    if working_set.agency not in deciders:
        where = ", ".join(f"`{agency}`" for agency in deciders) or "nobody who is listed"
        raise AgencyError(
            "not-here-decided",
            f"`{decision}` isn't worked out at `{working_set.agency}`: its facts may not all be "
            f"here",
            fix=f"it is for {where}",
        )


def packs_since_enrollment(working_set: WorkingSet, case: Case) -> tuple[str, tuple[str, ...]]:
    """Return the digest of the pack at the person's enrollment, and of each later pack in order.

    For a person who isn't enrolled: the pack in force, and none.
    """
    history = working_set.gateway.history
    entries = [
        statement.position
        for statement in case.entries
        if statement.facts.get("person.enrolled") is True
    ]
    if not entries or min(entries) >= LATEST:
        return history.newest.pack, ()
    index = int(min(entries)) + 1
    then = history.at(index).pack
    later = [
        read_directory(member.payload).pack
        for leaf, member in working_set.gateway.learned
        if isinstance(member, SignedPayload) and leaf.index >= index
    ]
    changes = [pack for before, pack in pairwise((then, *later)) if pack != before]
    return then, tuple(changes)


def packs_noticed(working_set: WorkingSet, handle: str) -> frozenset[str]:
    """Return the digests of the packs of which the person was given notice, as noted here."""
    return frozenset(
        str(event.body["notice"])
        for event in working_set.cases.records(handle).notes
        if "notice" in event.body
    )
