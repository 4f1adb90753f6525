"""Facts of the pack's own that nobody might be told when they were stated, and may be now. Pure.

`agency tell` keeps such a fact. Once a consent arrives, somebody here has to tell it: no gateway
sends a fact by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.agency.gateway import FOREVER
from exchange.records.building import Part
from exchange.records.finer_words import shared_form
from offramp.agency.cases.case import Case
from offramp.agency.cases.ended_kinds import EndedKinds
from offramp.agency.cases.form_parts import address_part
from offramp.agency.cases.form_questions import OWN_FLAG, own_facts_of
from offramp.agency.cases.form_terms import find_form
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.task import OPEN, Task
from offramp.agency.folder.working_set import WorkingSet
from rules.input.vocabulary import Fact
from rules.packs.pack import Pack

_TELL = "tell"


def untold_fact_tasks(
    working_set: WorkingSet,
    pack: Pack,
    case: Case,
    handle: str,
    role: str,
    now: int,
    ended: EndedKinds,
) -> Iterator[Task]:
    """Yield a task for each kept own fact that an agency may be told now, and wasn't yet.

    `now` is in seconds since 1970.
    """
    terms = pack_terms(pack)
    for fact in own_facts_of(pack.vocabulary, role):
        value = _kept_value(working_set, case, fact)
        if value is None or ended.covers(fact.path, pack.vocabulary):
            continue
        recipients = _may_be_told(working_set, pack, fact, value, handle, now)
        recipients -= _told(working_set, handle, fact.path)
        if not recipients:
            continue
        names = ", ".join(f"`{agency}`" for agency in sorted(recipients))
        command = _command(working_set.cases.digits(handle), fact, value)
        step = (
            f"Tell {names} what nobody might be told before, your answer to "
            f"“{terms.text(fact, 'en')}”: `{command}`."
        )
        yield Task(handle, role, step, OPEN, f"untold.{fact.path}")


def _kept_value(working_set: WorkingSet, case: Case, fact: Fact) -> Any:
    """Return the value that this agency states, if a note has it. None otherwise."""
    agency = working_set.agency
    is_noted = any(
        entry.by == agency and entry.record is None and entry.facts.get(fact.path) is not None
        for entry in case.entries
    )
    values = [source.value for source in case.sources_of(fact.path) if source.entry.by == agency]
    return values[0] if is_noted and values else None


def _may_be_told(
    working_set: WorkingSet, pack: Pack, fact: Fact, value: Any, handle: str, now: int
) -> set[str]:
    facts = {fact.path: shared_form(fact.path, value, pack.vocabulary)}
    part = Part(
        category=(fact.category,),
        content={fact.category: {"facts": facts}},
        to={},
        keep_until=FOREVER,
        use="no_adverse_action",  # the stricter label: what is told from care carries a limit
    )
    form = find_form(_TELL)
    return set(address_part(working_set, pack, form, part, handle, now).part.to)


def _told(working_set: WorkingSet, handle: str, path: str) -> set[str]:
    """Return the agencies to which this one sent a value of a fact."""
    return {
        agency
        for outgoing in working_set.cases.records(handle).sent
        if outgoing.refused is None and outgoing.replaced_by is None
        for part in outgoing.parts
        if any(path in (members.get("facts") or {}) for members in part["content"].values())
        for agency in part["to"]
    }


def _command(digits: str, fact: Fact, value: Any) -> str:
    """Return the command that tells a fact. A list is asked for in the dialog."""
    command = f"agency {_TELL} {digits}"
    if fact.type == "list":
        return command
    answer = {True: "yes", False: "no"}.get(value, value) if fact.type == "bool" else value
    return f"{command} {OWN_FLAG} {fact.path}={answer}"
