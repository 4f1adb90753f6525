"""An agency's cases, from the records it issued and opened and from its own notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from exchange.records import statements
from exchange.records.kinds import find_kind
from exchange.records.statements import About, Answer, Question, Statement
from exchange.standards import sd_jwt
from offramp.agency.cases.case import LATEST, WORKED_OUT_BY, Case, CaseEntry
from offramp.agency.errors import AgencyError
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary
from rules.shelf import vocabulary


def handles(working_set: WorkingSet) -> tuple[str, ...]:
    """Return every case that this agency has anything about, in the order of learning of it."""
    cases: dict[str, None] = {}
    for received in working_set.gateway.received.values():
        if received.committed is not None and received.committed.case is not None:
            cases[received.committed.case] = None
    for outgoing in working_set.outbox.values():
        if outgoing.case is not None:
            cases[outgoing.case] = None
    for event in working_set.noted:
        cases[event.body["case"]] = None
    return tuple(cases)


def case_of(working_set: WorkingSet, handle: str, words: Vocabulary | None = None) -> Case:
    """Return the facts known here of a case. Raises `AgencyError` `no-such-case`."""
    if handle not in handles(working_set):
        raise AgencyError(
            "no-such-case",
            f"nothing is known here of a case `{handle[:40]}`",
            fix="look at `agency cases`",
        )
    return Case(
        entries_of(working_set, handle),
        words or vocabulary(),
        recalled_parts(working_set, handle),
        here=working_set.agency,
    )


def entries_of(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    """Yield an entry for each part that this agency issued or opened, and for each note."""
    yield from _issued(working_set, handle)
    yield from _received(working_set, handle)
    yield from _noted(working_set, handle)


def _issued(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    role = working_set.gateway.history.newest.role(working_set.agency)
    for outgoing in working_set.outbox.values():
        if outgoing.case != handle or outgoing.refused is not None or outgoing.replaced_by:
            continue
        position, time = LATEST, outgoing.time
        if outgoing.receipt:
            position, time = outgoing.receipt.index, outgoing.receipt.time
        for part, statement, content in own_parts(outgoing):
            yield entry_of_part(
                working_set.agency,
                role,
                position,
                time,
                outgoing.jti,
                part,
                outgoing.kind,
                statement,
                content,
            )


def _received(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    for received in working_set.gateway.received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None or record.case != handle:
            continue
        for part, label in record.labels.items():
            opened = received.opened.get(part)
            yield entry_of_part(
                record.issuer,
                record.role,
                committed.index,
                committed.time,
                record.jti,
                part,
                record.kind,
                label.statement,
                opened.content if opened else {},
            )


def _noted(working_set: WorkingSet, handle: str) -> Iterator[CaseEntry]:
    role = working_set.gateway.history.newest.role(working_set.agency)
    for event in working_set.noted:
        # After what the log held when it was noted, before what followed.
        position, facts = event.body["after"] - 0.5, event.body.get("facts", {})
        outcomes: dict[str, str] = {}
        determined = None
        if event.body["case"] == handle:
            determined = event.body.get("determination")
            if determined:
                outcomes = {determined["decision"]: determined["outcome"]}
        else:
            # A fact about no person, such as how many places are free, counts in every case.
            facts = {
                path: value
                for path, value in facts.items()
                if vocabulary().facts[path].category == "operation"
            }
        yield CaseEntry(working_set.agency, role, position, None, None, facts, outcomes, determined)


def entry_of_part(
    by: str,
    role: str | None,
    position: float,
    time: int,
    record: str,
    part: str,
    kind: str,
    statement: Statement | None,
    content: Any,
) -> CaseEntry:
    """Return one part's entry: the facts in its content and in its label's statement.

    `time` is the leaf's, in seconds since 1970.
    """
    facts: dict[str, Any] = {}
    outcomes: dict[str, str] = {}
    determined = None
    if isinstance(statement, Answer):
        facts["offer.accepted"] = statement.answer == "accepted"
        if kind == "referral" and statement.answer == "accepted":
            facts["case.referred_at"] = utc(time)
    for members in content.values():
        facts |= members.get("facts") or {}
        determined = members.get("determination") or determined
    if screening := content.get("screening_outcome"):
        outcome = screening.get("outcome") or (screening.get("decision") or {}).get("outcome")
        if outcome is not None:
            outcomes["screening"] = outcome
    if determined is not None:
        outcomes[determined["decision"]] = determined["outcome"]
    is_correction = kind == "correction" and isinstance(statement, About)
    corrects = statement.about if is_correction and isinstance(statement, About) else None
    return CaseEntry(by, role, position, record, part, facts, outcomes, determined, corrects)


def own_parts(outgoing: OutgoingRecord) -> Iterator[tuple[str, Statement | None, Any]]:
    """Yield id, statement and content of each part of a record composed here."""
    for text, part in zip(outgoing.bundle.labels, outgoing.parts, strict=True):
        label = sd_jwt.read(text).value
        statement = None
        if "says" in label:
            type_ = str(find_kind(outgoing.kind).says)
            statement = statements.read_statement(type_, label["says"])
        yield str(label["id"]), statement, part["content"]


def recalled_parts(working_set: WorkingSet, handle: str) -> frozenset[tuple[str, str]]:
    """Return the parts of other agencies that their issuer recalled, by record and part."""
    state = working_set.gateway.state(handle)
    return frozenset(
        statement.about
        for recall in state.kind("recall")
        if recall.issuer != working_set.agency
        for _, statement in recall.says()
        if isinstance(statement, About)
    )


# Where decisions are worked out


def decisions_here(working_set: WorkingSet) -> tuple[str, ...]:
    """Return the decisions that this agency works out, in the vocabulary's order."""
    return tuple(
        name
        for name in vocabulary().decisions
        if working_set.agency in deciding_agencies(working_set, name)
    )


def deciding_agencies(working_set: WorkingSet, decision: str) -> tuple[str, ...]:
    """Return the agencies that work a decision out."""
    directory = working_set.gateway.history.newest
    roles = WORKED_OUT_BY.get(decision, ())
    agencies = tuple(agency for role in roles for agency in directory.with_role(role))
    return agencies or (directory.with_role("case_management") if "program" in roles else ())


def silent_events(working_set: WorkingSet, handle: str, now: int) -> frozenset[str]:
    """Return the events that no agency which knows may tell this one.

    Their absence means nothing here. `now` is in seconds since 1970.
    """
    directory = working_set.gateway.history.newest
    own_role = directory.role(working_set.agency)
    silent = set()
    for path, fact in vocabulary().facts.items():
        if fact.kind != "event" or fact.known_by == own_role or path == "case.referred_at":
            continue
        if not any(
            working_set.gateway.may_receive(agency, fact.category, case=handle, now=now)
            for agency in directory.with_role(fact.known_by)
        ):
            silent.add(path)
    return frozenset(silent)


# Questions


@frozen
class OpenQuestion:
    """A fact that another agency asked this one for.

    `by` is the agency, `record`, `part`, and `index` are where it asked, `decision` what for.
    """

    by: str
    record: str
    part: str
    index: int
    path: str
    decision: str


def open_questions(working_set: WorkingSet, handle: str) -> tuple[OpenQuestion, ...]:
    """Return the opened questions to this agency that it hasn't answered, the oldest first."""
    questions = []
    for received in working_set.gateway.received.values():
        record, committed = received.record, received.committed
        if (
            record is None
            or committed is None
            or record.kind != "question"
            or record.case != handle
        ):
            continue
        for part, opened in received.opened.items():
            statement = opened.label.statement
            decision = statement.for_ if isinstance(statement, Question) else ""
            paths = [
                path for content in opened.content.values() for path in content.get("asks") or ()
            ]
            questions += [
                OpenQuestion(record.issuer, record.jti, part, committed.index, path, decision)
                for path in paths
                if not _is_answered(working_set, handle, record.issuer, path, committed.index)
            ]
    return tuple(sorted(questions, key=lambda question: (question.index, question.path)))


def _is_answered(working_set: WorkingSet, handle: str, agency: str, path: str, index: int) -> bool:
    for outgoing in working_set.outbox.values():
        if (
            outgoing.case == handle
            and outgoing.refused is None
            and (outgoing.receipt is None or outgoing.receipt.index > index)
        ):
            for part in outgoing.parts:
                if agency in part["to"] and _states(part["content"], path):
                    return True
    return False


def _states(content: Mapping[str, Any], path: str) -> bool:
    """Report whether a content states a fact, or an outcome asked for as `decisions.<name>`."""
    if path == "decisions.screening":
        return bool((content.get("screening_outcome") or {}).get("outcome"))
    return any(
        answering_path(members.get("facts") or {}, path) is not None for members in content.values()
    )


def answering_path(facts: Mapping[str, Any], path: str) -> str | None:
    """Return the path of the fact that answers a question, None where there is none.

    The fact itself, or the list of which a field was asked, if every entry has the field.
    """
    if facts.get(path) is not None:
        return path
    group, _, field = path.rpartition(".")
    entries = facts.get(group)
    if isinstance(entries, list | tuple) and all(entry.get(field) is not None for entry in entries):
        return group
    return None


def questions_asked(working_set: WorkingSet, handle: str) -> frozenset[tuple[str, str]]:
    """Return agency and fact of every question that this agency has asked.

    A question is asked again only by a person.
    """
    asked = set()
    for outgoing in working_set.outbox.values():
        if outgoing.case == handle and outgoing.kind == "question" and outgoing.replaced_by is None:
            for part in outgoing.parts:
                for content in part["content"].values():
                    asked |= {
                        (agency, path)
                        for agency in part["to"]
                        for path in content.get("asks") or ()
                    }
    return frozenset(asked)


def own_facts(working_set: WorkingSet, case: Case) -> Mapping[str, Any]:
    """Return the facts that this agency states itself, by path. It doesn't pass on others'."""
    own = Case((entry for entry in case.entries if entry.by == working_set.agency), case.vocabulary)
    return {path: source.value for path, source in own.known.items()}


def utc(time: int) -> str:
    """Return a time in seconds since 1970 as facts have it, such as `2026-11-02T18:00:00Z`."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
