"""Facts that nobody was told when a form stated them, and that may be told now. Pure.

A form keeps such a fact. Once a consent arrives, somebody here has to tell it: no gateway sends a
fact by itself. A fact of the pack's own is told to each agency that may have it. Of the others, the
one that nobody was told is: what was told to somebody goes to the next agency if it asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exchange.records.finer_words import shared_form
from offramp.agency.cases.addressing import part_to_judge
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import void_details
from offramp.agency.cases.ended_kinds import EndedKinds
from offramp.agency.cases.form_parts import address_part, form_stating
from offramp.agency.cases.form_questions import OWN_FLAG, own_facts_of
from offramp.agency.cases.form_terms import find_form
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.task import OPEN, Task
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen
from rules.input.vocabulary import Fact
from rules.packs.pack import Pack

_TELL = "tell"


@frozen
class KeptAnswer:
    """An answer that this agency keeps: its question, and the content that would tell it.

    `path` is the fact's or the member's, and `category` its kind of information.
    """

    path: str
    category: str
    question: str
    content: Mapping[str, Any]


def untold_fact_tasks(
    working_set: WorkingSet,
    pack: Pack,
    case: Case,
    handle: str,
    role: str,
    now: int,
    ended: EndedKinds,
) -> Iterator[Task]:
    """Yield a task for each kept fact that an agency may be told now, and wasn't yet.

    `now` is in seconds since 1970.
    """
    terms = pack_terms(pack)
    digits = working_set.cases.digits(handle)
    for name, answers_kept in kept_by_forms(working_set, pack, case, handle, role, ended).items():
        recipients = {
            agency
            for answer in answers_kept
            for agency in _may_be_told(working_set, pack, name, answer, handle, now)
        }
        if not recipients:
            continue
        names = ", ".join(f"`{agency}`" for agency in sorted(recipients))
        answers = "; ".join(f"“{answer.question}”" for answer in answers_kept)
        step = (
            f"Tell {names} what nobody was told before, your answer to {answers}: "
            f"`agency {name} {digits}`."
        )
        yield Task(handle, role, step, OPEN, f"untold.{answers_kept[0].path}")
    for fact in own_facts_of(pack.vocabulary, role):
        value = _kept_value(working_set, case, fact)
        if value is None or ended.covers(fact.path, pack.vocabulary):
            continue
        answer = _kept_answer(pack, fact, value)
        recipients = _may_be_told(working_set, pack, _TELL, answer, handle, now)
        recipients -= _told(working_set, handle, fact.path)
        if not recipients:
            continue
        names = ", ".join(f"`{agency}`" for agency in sorted(recipients))
        command = _command(digits, fact, value)
        step = (
            f"Tell {names} what nobody might be told before, your answer to "
            f"“{terms.text(fact, 'en')}”: `{command}`."
        )
        yield Task(handle, role, step, OPEN, f"untold.{fact.path}")


def kept_by_forms(
    working_set: WorkingSet, pack: Pack, case: Case, handle: str, role: str, ended: EndedKinds
) -> Mapping[str, list[KeptAnswer]]:
    """Return what forms of this agency kept and told nobody, by the form that tells it.

    Facts of the pack's own are left out: each of them is told by itself.
    """
    paths = dict.fromkeys(
        str(path)
        for note in working_set.cases.records(handle).notes
        if "draft" in note.body
        for path in note.body.get("facts") or {}
    )
    facts_known = pack.vocabulary.facts
    answers: list[KeptAnswer] = []
    for path in paths:
        fact = facts_known.get(path)
        if fact is None or path in pack.vocabulary.own or ended.covers(path, pack.vocabulary):
            continue
        value = _kept_value(working_set, case, fact)
        if value is not None and not _told(working_set, handle, path):
            answers.append(_kept_answer(pack, fact, value))
    for path, value in kept_members(working_set, handle).items():
        category, _, name = path.partition(".")
        if category not in ended.categories:
            question = pack_terms(pack).question(path, "en")
            answers.append(KeptAnswer(path, category, question, {name: value}))
    kept: dict[str, list[KeptAnswer]] = {}
    for answer in answers:
        form = form_stating(pack, role, answer.path)
        if form is not None:
            kept.setdefault(form, []).append(answer)
    return kept


def kept_members(working_set: WorkingSet, handle: str) -> dict[str, Any]:
    """Return the texts and other members that a form kept here, and that nobody was told since."""
    kept: dict[str, Any] = {}
    records = working_set.cases.records(handle)
    for note in records.notes:
        if "draft" not in note.body or "corrected_by" in note.body:
            continue
        void = void_details(working_set, note)
        for path, value in (note.body.get("members") or {}).items():
            if path not in void and not _is_member_told(records.sent, path, note.at):
                kept[path] = value
    return kept


def _is_member_told(sent: Iterable[OutgoingRecord], path: str, after: int) -> bool:
    """Report whether a member was told in a record that was composed after an event."""
    category, _, name = path.partition(".")
    return any(
        (part["content"].get(category) or {}).get(name) is not None
        for outgoing in sent
        if outgoing.at > after and outgoing.refused is None and outgoing.replaced_by is None
        for part in outgoing.parts
    )


def _kept_answer(pack: Pack, fact: Fact, value: Any) -> KeptAnswer:
    facts = {fact.path: shared_form(fact.path, value, pack.vocabulary)}
    question = pack_terms(pack).text(fact, "en")
    return KeptAnswer(fact.path, fact.category, question, {"facts": facts})


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
    working_set: WorkingSet, pack: Pack, form: str, answer: KeptAnswer, handle: str, now: int
) -> set[str]:
    content = {answer.category: answer.content}
    part = part_to_judge(working_set, (answer.category,), content)
    return set(address_part(working_set, pack, find_form(form), part, handle, now).part.to)


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
