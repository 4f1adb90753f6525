"""The cases of one agency: from its records, sent and opened, and its notes, to its known facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from exchange.consent.disclosure import day_of
from exchange.consent.state import Committed
from exchange.records.building import Part
from exchange.records.statements import About, Answer, Question, Statement
from offramp.agency.cases.case import ACCEPTED, REFERRED, WORKED_OUT_BY, Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.ended_kinds import NOTHING_ENDED, EndedKinds
from offramp.agency.cases.enrollment import awaits_enrollment, outdated_enrollment
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.cases.positions import note_position, record_position
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Event
from offramp.agency.folder.outgoing import OutgoingRecord, OwnLabel
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.scene_day import DAY, MOMENT
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary
from rules.packs.pack import Pack
from rules.shelf import vocabulary

# The mistakes by which a recalled part is wrong in its case, so that it doesn't count here either.
_ABOUT_ANOTHER = ("wrong_person", "wrong_case")
WRONG_HERE = (*_ABOUT_ANOTHER, "duplicate", "mistaken_exit", "mistaken_representation")
# Whether the participant is enrolled after a record of these kinds.
_ENROLLED_AFTER = {"ejection": False, "exit": False, "reinstatement": True}


def handles(working_set: WorkingSet) -> tuple[str, ...]:
    """Return every case that this agency knows of, in the order in which it learned of them."""
    return working_set.cases.handles()


def case_of(working_set: WorkingSet, handle: str, terms: Vocabulary | None = None) -> Case:
    """Return this agency's view of a case. Raises `AgencyError` `no-such-case`."""
    if handle not in working_set.cases:
        raise unknown_case(handle)
    entries = [*entries_of(working_set, handle), *joined_entries(working_set, handle)]
    case = _case_of_entries(working_set, handle, entries, terms)
    if withdrawn := tuple(outdated_enrollment(working_set, handle, case)):
        return _case_of_entries(working_set, handle, (*entries, *withdrawn), terms)
    return case


def unknown_case(handle: str) -> AgencyError:
    """Return the refusal of a case that this agency, or the person who asks, doesn't have."""
    return AgencyError(
        "no-such-case",
        f"this agency knows no case `{handle[:40]}`",
        fix="list the cases with `agency cases`",
    )


def _case_of_entries(
    working_set: WorkingSet,
    handle: str,
    entries: Iterable[CaseEntry],
    terms: Vocabulary | None = None,
) -> Case:
    unagreed = _unagreed_parts(working_set, handle)
    return Case(
        # What an officer saw stays true. That the person accepted an offer does not.
        (each for each in entries if not (each.is_label and (each.record, each.part) in unagreed)),
        terms or terms_of(working_set).vocabulary,
        recalled_parts(working_set, handle),
        here=working_set.agency,
    )


# The parts of a case


def entries_of(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    """Yield the facts and outcomes in all that this agency sent, opened, and noted of a case."""
    yield from _sent_parts(working_set, handle)
    yield from _received_parts(working_set, handle)
    yield from _noted_parts(working_set, handle)


def _sent_parts(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    agency = working_set.agency
    role = working_set.gateway.history.newest.role(agency)
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.refused is not None or outgoing.replaced_by is not None:
            continue
        receipt = outgoing.receipt
        position = record_position(outgoing)
        time = receipt.time if receipt else outgoing.time
        for part, label, content in own_parts(outgoing):
            is_here = (agency, outgoing.jti, part) not in working_set.destroyed
            yield from entries_of_part(
                agency,
                role,
                position,
                time,
                outgoing.jti,
                part,
                outgoing.kind,
                label.statement,
                content,
                categories=label.category,
                has_content=is_here,
                seen=outgoing.seen,
            )


def _received_parts(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    for received in working_set.cases.records(handle).received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None:
            continue
        for part, label in record.labels.items():
            opened = received.opened.get(part)
            yield from entries_of_part(
                record.issuer,
                record.role,
                committed.index,
                committed.time,
                record.jti,
                part,
                record.kind,
                label.statement,
                opened.content if opened else {},
                categories=label.category,
                has_content=opened is not None,
                was_opened=(record.issuer, record.jti, part) in working_set.read_parts,
            )


def _noted_parts(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    agency = working_set.agency
    role = working_set.gateway.history.newest.role(agency)
    facts_known = terms_of(working_set).facts
    for event in working_set.cases.notes_about(handle):
        facts = valid_facts(working_set, event)
        if event.body["case"] == handle:
            position = note_position(working_set, event)
            determined = event.body.get("determination")
            outcomes = {determined["decision"]: determined["outcome"]} if determined else {}
            kind = CORRECTION if "corrected_by" in event.body else None
            yield CaseEntry(
                agency, role, position, None, None, facts, outcomes, determined, kind=kind
            )
        else:
            # A fact about no person, such as the number of openings, applies to every case.
            shared = {
                path: value
                for path, value in facts.items()
                if path in facts_known and facts_known[path].category == "operation"
            }
            yield CaseEntry(agency, role, event.body["after"] - 0.5, None, None, shared, {})


def answers_enrollment(working_set: WorkingSet) -> bool:
    """Report whether this agency knows who is enrolled.

    It is the program, or the case managers if the directory lists no program.
    """
    directory = working_set.gateway.history.newest
    role = directory.role(working_set.agency)
    knows = vocabulary().facts[ENROLLED].known_by
    return role == knows or (role == "case_management" and not directory.with_role(knows))


def joined_entries(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    """Yield that the person is enrolled, if another case of the same person says so here.

    Only for an agency that knows who is enrolled. Whatever the case's own records state counts
    first, and so does a person's own note. The note that nobody here was like the person does not.
    If the person is admitted there and nobody has stated the enrollment yet, it is unknown.
    """
    group = working_set.cases.same_person(handle)
    if len(group) == 1 or not answers_enrollment(working_set):
        return
    own = [entry for entry in entries_of(working_set, handle) if ENROLLED in entry.facts]
    notes = working_set.cases.records(handle).notes
    if any(entry.record is not None for entry in own) or any(
        ENROLLED in note.body.get("facts", {}) and "matched" not in note.body for note in notes
    ):
        return
    for other in group:
        if other != handle:
            case = _case_of_entries(working_set, other, entries_of(working_set, other))
            enrolled = case.known.get(ENROLLED)
            is_enrolled = enrolled is not None and enrolled.value is True
            if is_enrolled or awaits_enrollment(working_set, other, case):
                role = working_set.gateway.history.newest.role(working_set.agency)
                stated = [enrolled.entry] if enrolled is not None else []
                position = max((entry.position for entry in (*stated, *own)), default=0.0)
                facts = {ENROLLED: True if is_enrolled else None}
                yield CaseEntry(working_set.agency, role, position, None, None, facts, {})
                if is_enrolled:
                    return


def entries_of_part(
    by: str,
    role: str | None,
    position: float,
    time: int,
    record: str,
    part: str,
    kind: str,
    statement: Statement | None,
    content: Mapping[str, Any],
    *,
    categories: tuple[str, ...] = (),
    has_content: bool = True,
    was_opened: bool = True,
    seen: float | None = None,
) -> Iterator[CaseEntry]:
    """Yield the facts of one part: those that kind and label state, then those of its content.

    `time` is that of the record's leaf, in seconds since 1970. The others are as in `CaseEntry`.
    """
    label_facts = _label_facts(kind, statement, time)
    if label_facts:
        yield CaseEntry(by, role, position, record, part, label_facts, {}, kind=kind, is_label=True)
    facts: dict[str, Any] = {}
    outcomes: dict[str, str] = {}
    determined = None
    for members in content.values():
        facts |= members.get("facts") or {}
        determined = members.get("determination") or determined
    if screening := content.get("screening_outcome"):
        outcome = screening.get("outcome") or (screening.get("decision") or {}).get("outcome")
        if outcome is not None:
            outcomes["screening"] = outcome
        if answer := screening.get("record"):
            outcomes[answer["decision"]] = answer["outcome"]
    if determined is not None:
        outcomes[determined["decision"]] = determined["outcome"]
    corrects = statement.about if kind == CORRECTION and isinstance(statement, About) else None
    yield CaseEntry(
        by,
        role,
        position,
        record,
        part,
        facts,
        outcomes,
        determined,
        corrects,
        kind=kind,
        categories=categories,
        has_content=has_content,
        was_opened=was_opened,
        seen=seen,
    )


def _label_facts(kind: str, statement: Statement | None, time: int) -> dict[str, Any]:
    """Return the facts that follow from a record's kind and a label's statement.

    A referral that repeats an earlier one states the time of the first.
    """
    facts: dict[str, Any] = {}
    if isinstance(statement, Answer):
        facts[ACCEPTED] = statement.answer == "accepted"
        if kind == "referral" and statement.answer == "accepted":
            # A time after the leaf's would put off deadlines, so it doesn't count.
            facts[REFERRED] = utc(min(time, statement.referred_at or time))
    if kind in _ENROLLED_AFTER:
        facts[ENROLLED] = _ENROLLED_AFTER[kind]
    return facts


def repeat_referral(
    working_set: WorkingSet, kind: str, handle: str | None, parts: tuple[Part, ...]
) -> tuple[Part, ...]:
    """Return the parts of a record, those of a repeated referral with the time of the first.

    A referral to one more recipient moves no deadline: its label states the time of the first
    referral, which the new recipient doesn't receive. After an exit, a refused offer, or another
    encounter, a referral is a new first one.
    """
    if kind != "referral" or handle is None or handle not in working_set.cases:
        return parts
    case = case_of(working_set, handle)
    accepted = case.known.get(ACCEPTED)
    if case.is_ended or accepted is None or not accepted.value or REFERRED not in case.known:
        return parts
    first = case.known[REFERRED]
    if not first.entry.is_logged or _is_another_encounter(working_set, case, parts):
        return parts
    referred_at = seconds(first.value)
    return tuple(
        replace(part, says={**part.says, "referred_at": referred_at})
        if part.says and part.says.get("answer") == "accepted" and "referred_at" not in part.says
        else part
        for part in parts
    )


def _is_another_encounter(working_set: WorkingSet, case: Case, parts: tuple[Part, ...]) -> bool:
    """Return True if parts state a day of the encounter, and none states the known day."""
    zone = working_set.gateway.history.newest.zone
    encounters = [members.get("facts") or {} for part in parts for members in part.content.values()]
    days = {day for facts in encounters if (day := _day_stated(facts, zone)) is not None}
    known = {path: case.known[path].value for path in (DAY, MOMENT) if path in case.known}
    day = _day_stated(known, zone)
    return day is not None and bool(days) and day not in days


def _day_stated(facts: Mapping[str, Any], zone: ZoneInfo) -> str | None:
    """Return the day of the encounter that facts state: itself, or by its moment."""
    if facts.get(DAY):
        return str(facts[DAY])
    if not facts.get(MOMENT):
        return None
    return day_of(seconds(facts[MOMENT]), zone).isoformat()


def own_parts(outgoing: OutgoingRecord) -> Iterator[tuple[str, OwnLabel, Any]]:
    """Yield the id, the label, and the content of each part of a record composed here."""
    for (part_id, label), part in zip(outgoing.labels, outgoing.parts, strict=True):
        yield part_id, label, part["content"]


def recalled_parts(working_set: WorkingSet, handle: str) -> Mapping[tuple[str, str], float]:
    """Return the recalled parts, by record and part, with the position of the recall.

    Of this agency's own parts, those that it recalled because they are wrong in this case. What
    it asked back from a wrong recipient is still true here.
    """
    agency = working_set.agency
    recalled: dict[tuple[str, str], float] = {}
    explained: set[tuple[str, str]] = set()
    for event in working_set.mistakes:
        if event.body["case"] == handle:
            parts = mistaken_parts(working_set, event)
            explained.update(parts)
            if event.body["reason"] in WRONG_HERE:
                recalled |= dict.fromkeys(parts, event.body["after"] - 0.5)
    state = working_set.gateway.state(handle)
    exits = {(record.issuer, record.jti) for record in state.kind("exit")}
    for recall in state.kind("recall"):
        for _, statement in recall.says():
            subject = state.subject(statement) if isinstance(statement, About) else None
            if not isinstance(statement, About) or (subject and subject.issuer != recall.issuer):
                continue
            # An own exit that is recalled without a stated mistake has not happened either.
            is_exit = (agency, statement.about[0]) in exits and statement.about not in explained
            if recall.issuer != agency or is_exit:
                recalled.setdefault(statement.about, recall.index)
    return recalled


def _unagreed_parts(working_set: WorkingSet, handle: str) -> frozenset[tuple[str, str]]:
    """Return the own parts that were asked back because the person did not agree to them."""
    return frozenset(
        part
        for event in working_set.mistakes
        if event.body["case"] == handle and event.body["reason"] == "not_agreed"
        for part in mistaken_parts(working_set, event)
    )


def standing_records(working_set: WorkingSet, handle: str, *kinds: str) -> tuple[Committed, ...]:
    """Return the logged records of these kinds of which a part is not recalled."""
    recalled = recalled_parts(working_set, handle)
    return tuple(
        record
        for record in working_set.gateway.state(handle).kind(*kinds)
        if any((record.jti, part) not in recalled for part in record.labels)
    )


def valid_facts(working_set: WorkingSet, note: Event) -> Mapping[str, Any]:
    """Return the facts of a note, without those that are about another person or case.

    A recall for such a mistake names the details of what it asks back. Earlier notes of them are
    about the same mistake.
    """
    void = void_details(working_set, note)
    facts = note.body.get("facts", {})
    return {path: value for path, value in facts.items() if path not in void} if void else facts


def void_details(working_set: WorkingSet, note: Event) -> frozenset[str]:
    """Return the details of a note that are about another person or case, by a later recall."""
    return frozenset(
        str(name)
        for event in working_set.mistakes
        if event.body["case"] == note.body["case"]
        and event.at > note.at
        and event.body["reason"] in _ABOUT_ANOTHER
        for name in event.body["details"]
    )


def mistaken_parts(working_set: WorkingSet, mistake: Event) -> tuple[tuple[str, str], ...]:
    """Return the own parts that a mistake names, by record and part.

    A part of a record that was built again is the same part of the new record.
    """
    parts = []
    for jti, part in mistake.body["parts"]:
        outgoing = working_set.outbox.get(str(jti))
        ids = [str(id) for id, _, _ in own_parts(outgoing)] if outgoing is not None else []
        while outgoing is not None and outgoing.replaced_by is not None and part in ids:
            place = ids.index(part)
            outgoing = working_set.outbox[outgoing.replaced_by]
            ids = [str(id) for id, _, _ in own_parts(outgoing)]
            jti, part = outgoing.jti, ids[place]
        parts.append((str(jti), str(part)))
    return tuple(parts)


# The agencies that work a decision out


def decisions_here(working_set: WorkingSet, pack: Pack | None = None) -> tuple[str, ...]:
    """Return the decisions that this agency's facts may decide, in the vocabulary's order.

    With `pack`, `completion` is among them only if the pack has it: most programs ask for nothing
    that somebody could complete.
    """
    return tuple(
        name
        for name in vocabulary().decisions
        if working_set.agency in deciding_agencies(working_set, name)
        and not (name == "completion" and pack is not None and name not in pack.decisions)
    )


def deciding_agencies(
    working_set: WorkingSet, decision: str, pack: Pack | None = None
) -> tuple[str, ...]:
    """Return the agencies that work a decision out. `pack` has the decisions of its own."""
    directory = working_set.gateway.history.newest
    roles = WORKED_OUT_BY.get(decision, ())
    own = pack.decisions.get(decision) if pack is not None else None
    if own is not None and decision not in vocabulary().decisions:
        roles = (own.decided_by,)
    agencies = tuple(agency for role in roles for agency in directory.with_role(role))
    return agencies or (directory.with_role("case_management") if "program" in roles else ())


# Questions

# Outcomes after which a decision is still to be made.
_PRELIMINARY = ("awaiting", "eligible_waiting")
# The decisions on the entry to the program, and the judgments that a person's decision states.
_OF_ENTRY, _APPROVALS = ("eligibility", "admission"), "approval."
# What facts say to a question: the value of a fact, or a field of each entry of its list beside the
# entry's section, which may contradict it.
AnsweringValue = tuple[Any, ...]


@frozen
class OpenQuestion:
    """A fact that another agency asked this one for.

    `by` is the agency that asked. `record` and `part` hold the question, `index` is its position in
    the log, `path` the fact, `decision` the decision that lacks it.
    """

    by: str
    record: str
    part: str
    index: int
    path: str
    decision: str


def settled_at(case: Case, decision: str) -> float:
    """Return the position since which nobody waits for a decision, as a person made it. -1 if not.

    A person who isn't eligible isn't admitted. An admission or its refusal settles the eligibility,
    and a place in line settles nothing.
    """
    settling = {decision: case.determined.get(decision)}
    if decision == "admission":
        settling["eligibility"] = case.determined.get("eligibility")
    elif decision == "eligibility":
        settling["admission"] = case.determined.get("admission")
    positions = [
        entry.position
        for name, entry in settling.items()
        if entry is not None
        and entry.determined is not None
        and entry.determined["outcome"] not in _PRELIMINARY
        and (name == decision or entry.determined["outcome"] != "eligible")
    ]
    return max(positions, default=-1.0)


def _entered_at(case: Case) -> float:
    """Return the position since which a person takes part, as far as is known here. -1 if not."""
    enrolled = case.known.get(ENROLLED)
    if enrolled is None or not enrolled.value:
        return -1.0
    since = -1.0
    for entry in sorted(case.entries, key=lambda entry: entry.position):
        if ENROLLED in entry.facts:
            is_in = bool(entry.facts[ENROLLED])
            since = (entry.position if since < 0 else since) if is_in else -1.0
    return since


def open_questions(
    working_set: WorkingSet, handle: str, ended: EndedKinds = NOTHING_ENDED
) -> tuple[OpenQuestion, ...]:
    """Return the opened questions that this agency hasn't answered, the oldest first.

    "Not known here" is an answer. What was asked for a decision that a person has made since, as
    far as this agency was told of it, waits for no answer any more. Nor does a fact that was asked
    for the entry of a person who takes part since: an agency may be told that and no decision.

    Those for what a cause has `ended` here are left out: nobody here is asked for it again.
    """
    terms, questions = terms_of(working_set).vocabulary, list[OpenQuestion]()
    case = case_of(working_set, handle)
    entered_at = _entered_at(case)
    for received in working_set.cases.records(handle).received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None or record.kind != "question":
            continue
        for part, opened in received.opened.items():
            statement = opened.label.statement
            decision = statement.for_ if isinstance(statement, Question) else ""
            if settled_at(case, decision) > committed.index:
                continue
            is_in = decision in _OF_ENTRY and entered_at > committed.index
            paths = [
                path
                for content in opened.content.values()
                for path in content.get("asks") or ()
                if not is_in or path.startswith(_APPROVALS)
            ]
            questions += [
                OpenQuestion(record.issuer, record.jti, part, committed.index, path, decision)
                for path in paths
                if not ended.covers(path, terms)
                and not _answered_since(working_set, handle, record.issuer, path, committed.index)
            ]
    return tuple(sorted(questions, key=lambda question: (question.index, question.path)))


def _answered_since(
    working_set: WorkingSet, handle: str, agency: str, path: str, index: int
) -> bool:
    """Return whether an agency was told something since a question that answers it.

    A record that only repeats what the agency was told before the question is no answer, unless a
    person sent it as one: the agency asks although it has that value.
    """
    sent = working_set.cases.records(handle).sent
    before = _newest_value_told(sent, agency, path, index)
    for outgoing in sent:
        if outgoing.refused is not None:
            continue
        if outgoing.receipt is not None and outgoing.receipt.index <= index:
            continue
        for part in outgoing.parts:
            if agency not in part["to"] or not _has_answer(part["content"], path):
                continue
            value = _value_in(part["content"], path)
            if outgoing.kind == "answer" or value is None or value != before:
                return True
    return False


def _newest_value_told(
    sent: Iterable[OutgoingRecord], agency: str, path: str, index: int
) -> AnsweringValue | None:
    """Return what an agency was told of a fact before a position of the log, None for nothing."""
    values = [
        (outgoing.receipt.index, value)
        for outgoing in sent
        if outgoing.receipt is not None and outgoing.receipt.index <= index
        for part in outgoing.parts
        if agency in part["to"] and (value := _value_in(part["content"], path)) is not None
    ]
    return max(values, key=lambda pair: pair[0])[1] if values else None


def _value_in(content: Mapping[str, Any], path: str) -> AnsweringValue | None:
    values = (answering_value(members.get("facts") or {}, path) for members in content.values())
    return next((value for value in values if value is not None), None)


def answering_value(facts: Mapping[str, Any], path: str) -> AnsweringValue | None:
    """Return what facts say to a question, to compare it. None where they leave it open."""
    closing = closing_path(facts, path)
    if closing is None:
        return None
    value = facts[closing]
    if closing == path or value is None:
        return (value,)
    field = path.rpartition(".")[2]
    return tuple((entry.get(field), entry.get("code")) for entry in value)


def _has_answer(content: Mapping[str, Any], path: str) -> bool:
    """Return True if a content has a fact, or an outcome asked for as `decisions.<name>`."""
    if path == "decisions.screening":
        return bool((content.get("screening_outcome") or {}).get("outcome"))
    return any(
        closing_path(members.get("facts") or {}, path) is not None for members in content.values()
    )


def answering_path(facts: Mapping[str, Any], path: str) -> str | None:
    """Return the path of the fact that answers a question. None if these facts don't.

    A question about a list's field is answered by the list, if every entry has the field.
    """
    if facts.get(path) is not None:
        return path
    group, _, field = path.rpartition(".")
    entries = facts.get(group)
    if isinstance(entries, list | tuple) and all(entry.get(field) is not None for entry in entries):
        return group
    return None


def closing_path(facts: Mapping[str, Any], path: str) -> str | None:
    """Return the path of the fact that closes a question, also as not known here.

    Null means that the agency that was asked doesn't know it. Nobody asks it again by itself.
    """
    group, _, field = path.rpartition(".")
    if path in facts:
        return path
    entries = facts.get(group, ())
    if entries is None:
        return group
    is_list = group in facts and isinstance(entries, list | tuple)
    return group if is_list and all(field in entry for entry in entries) else None


def partly_answering(facts: Mapping[str, Any], path: str) -> str | None:
    """Return the path of a list of which some entry answers a question about its field.

    The question stays open: nobody has answered it for the other entries.
    """
    group, _, field = path.rpartition(".")
    entries = facts.get(group)
    if not isinstance(entries, list | tuple):
        return None
    return group if any(field in entry for entry in entries) else None


def agencies_not_knowing(case: Case, path: str) -> tuple[str, ...]:
    """Return the agencies whose newest answer says that a fact isn't known there."""
    group, _, field = path.rpartition(".")
    unknown = {source.entry.by: source for source in case.sources_of(path) if source.value is None}
    for source in case.sources_of(group):
        entries = source.value if isinstance(source.value, list | tuple) else ()
        if source.value is None or any(entry.get(field, 0) is None for entry in entries):
            unknown[source.entry.by] = source
    return tuple(
        sorted(agency for agency, source in unknown.items() if source.entry.kind == "answer")
    )


def questions_asked(working_set: WorkingSet, handle: str) -> frozenset[tuple[str, str]]:
    """Return the agency and the path of every question that this agency asked.

    The gateway asks once. After that, a person decides whether to ask again. An answered question
    about a list doesn't count for an entry that the agency added later.
    """
    return frozenset(
        (agency, path)
        for (agency, path), position in _newest_questions(working_set, handle).items()
        if not _has_added_entry(working_set, handle, agency, path, position)
    )


def has_answered(working_set: WorkingSet, handle: str, agency: str, path: str) -> bool:
    """Return whether an agency that was asked for a fact has told it since, with any value."""
    position = _newest_questions(working_set, handle).get((agency, path))
    return position is not None and any(
        (value := answering_value(facts, path)) is not None and value != (None,)
        for _, facts in _told_since(working_set, handle, agency, position)
    )


def agencies_asked(working_set: WorkingSet, handle: str) -> frozenset[str]:
    """Return every agency that this agency asked something in a case."""
    return frozenset(agency for agency, _ in _newest_questions(working_set, handle))


def _newest_questions(working_set: WorkingSet, handle: str) -> Mapping[tuple[str, str], float]:
    """Return the position of the newest question by the agency that was asked and the path."""
    asked: dict[tuple[str, str], float] = {}
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.kind != "question" or outgoing.replaced_by is not None:
            continue
        position = record_position(outgoing)
        for part in outgoing.parts:
            for content in part["content"].values():
                for pair in product(part["to"], content.get("asks") or ()):
                    asked[pair] = max(position, asked.get(pair, position))
    return asked


def _has_added_entry(
    working_set: WorkingSet, handle: str, agency: str, path: str, position: float
) -> bool:
    """Return whether an agency answered a question, and then added an entry without the field."""
    group, _, field = path.rpartition(".")
    answered: set[Any] | None = None
    newest: Sequence[Mapping[str, Any]] = ()
    for kind, facts in _told_since(working_set, handle, agency, position):
        entries = facts.get(group)
        if not isinstance(entries, list | tuple):
            continue
        newest = entries
        # A correction may close the question, and a later one may add an entry.
        if closing_path(facts, path) is not None and (answered is None or kind == "answer"):
            answered = {*(answered or ()), *(entry.get("id") for entry in entries)}
    return answered is not None and any(
        entry.get(field) is None and entry.get("id") not in answered for entry in newest
    )


def _told_since(
    working_set: WorkingSet, handle: str, agency: str, position: float
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the kind and the facts of each opened part of an agency after a position, in order."""
    later = [
        (received.committed.index, received.record.kind, opened.content)
        for received in working_set.cases.records(handle).received.values()
        if received.record is not None and received.committed is not None
        if received.record.issuer == agency and received.committed.index > position
        for opened in received.opened.values()
    ]
    for _, kind, content in sorted(later, key=lambda part: part[0]):
        for members in content.values():
            yield kind, members.get("facts") or {}


def own_facts(working_set: WorkingSet, case: Case) -> Mapping[str, Any]:
    """Return the facts that this agency states itself, by path.

    It never passes on the facts that other agencies told it.
    """
    own_case = Case(
        (entry for entry in case.entries if entry.by == working_set.agency), case.vocabulary
    )
    return {path: source.value for path, source in own_case.known.items()}


def seconds(instant: str) -> int:
    """Return a time as facts hold it in seconds since 1970."""
    return int(datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp())


def utc(time: int) -> str:
    """Return seconds since 1970 as facts hold a time: `2026-06-16T09:00:00Z`."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
