"""The cases on a desk: from the records that an agency issued and opened, and its own notes, to what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from exchange.records import statements
from exchange.records.building import Part
from exchange.records.kinds import find_kind
from exchange.records.statements import About, Answer, Question, Statement
from exchange.standards import sd_jwt
from offramp.agency.cases.case import LATEST, WORKED_OUT_BY, Case, Stated
from offramp.agency.errors import AgencyError
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary
from rules.shelf import vocabulary


def handles(working_set: WorkingSet) -> tuple[str, ...]:
    """Every case that this agency has anything about, in the order in which it came to know of it."""
    found: dict[str, None] = {}
    for received in working_set.gateway.received.values():
        if received.committed is not None and received.committed.case is not None:
            found[received.committed.case] = None
    for out in working_set.outbox.values():
        if out.case is not None:
            found[out.case] = None
    for event in working_set.noted:
        found[event.body["case"]] = None
    return tuple(found)


def case_of(working_set: WorkingSet, handle: str, words: Vocabulary | None = None) -> Case:
    """What is known here of a case. Raises `AgencyError` `no-such-case`."""
    if handle not in handles(working_set):
        raise AgencyError(
            "no-such-case",
            f"nothing is known here of a case `{handle[:40]}`",
            fix="look at `agency cases`",
        )
    return Case(
        stated(working_set, handle),
        words or vocabulary(),
        recalled(working_set, handle),
        here=working_set.agency,
    )


def stated(working_set: WorkingSet, handle: str) -> Iterator[Stated]:
    """All that is said of a case in what this agency issued, opened and noted."""
    gateway = working_set.gateway
    role = gateway.history.newest.role(working_set.agency)
    for out in working_set.outbox.values():
        if out.case == handle and out.refused is None and out.replaced_by is None:
            place, time = (
                (out.receipt.index, out.receipt.time) if out.receipt else (LATEST, out.time)
            )
            for part, said, content in own_parts(out):
                yield said_in(
                    working_set.agency, role, place, time, out.jti, part, out.kind, said, content
                )
    for received in gateway.received.values():
        record, committed = received.record, received.committed
        if record is not None and committed is not None and record.case == handle:
            for part, label in record.labels.items():
                opened = received.opened.get(part)
                content = opened.content if opened else {}
                one = (
                    record.issuer,
                    record.role,
                    committed.index,
                    committed.time,
                    record.jti,
                    part,
                    record.kind,
                )
                yield said_in(*one, label.statement, content)
    for event in working_set.noted:
        # After what the log held when it was noted, before what came since.
        place, facts = event.body["after"] - 0.5, event.body.get("facts", {})
        if event.body["case"] == handle:
            determined = event.body.get("determination")
            outcomes = {determined["decision"]: determined["outcome"]} if determined else {}
            yield Stated(working_set.agency, role, place, None, None, facts, outcomes, determined)
        else:
            # What is about no one, such as how many places are free, holds in every case.
            about_no_one = {
                path: value
                for path, value in facts.items()
                if vocabulary().facts[path].category == "operation"
            }
            yield Stated(working_set.agency, role, place, None, None, about_no_one, {})


def said_in(
    by: str,
    role: str | None,
    place: float,
    time: int,
    record: str,
    part: str,
    of: str,
    said: Statement | None,
    content: Any,
) -> Stated:
    """What one part says: the facts in its content, and what its label says in clear. `time` is the leaf's."""
    facts: dict[str, Any] = {}
    outcomes: dict[str, str] = {}
    determined = None
    if isinstance(said, Answer):
        facts["offer.accepted"] = said.answer == "accepted"
        if of == "referral" and said.answer == "accepted":
            facts["case.referred_at"] = utc(time)
    for held in content.values():
        facts |= held.get("facts") or {}
        determined = held.get("determination") or determined
    if screened := content.get("screening_outcome"):
        answered = screened.get("outcome") or (screened.get("decision") or {}).get("outcome")
        if answered is not None:
            outcomes["screening"] = answered
    if determined is not None:
        outcomes[determined["decision"]] = determined["outcome"]
    corrects = said.about if of == "correction" and isinstance(said, About) else None
    return Stated(by, role, place, record, part, facts, outcomes, determined, corrects)


def own_parts(out: OutgoingRecord) -> Iterator[tuple[str, Statement | None, Any]]:
    """Id, statement and content of each part of a record composed here."""
    for text, part in zip(out.bundle.labels, out.parts, strict=True):
        value = sd_jwt.read(text).value
        said = (
            statements.read_statement(str(find_kind(out.kind).says), value["says"])
            if "says" in value
            else None
        )
        yield str(value["id"]), said, part["content"]


def recalled(working_set: WorkingSet, handle: str) -> frozenset[tuple[str, str]]:
    """The parts of others that their issuer asked back: record and part."""
    state = working_set.gateway.state(handle)
    return frozenset(
        said.about
        for recall in state.kind("recall")
        if recall.issuer != working_set.agency
        for _, said in recall.says()
        if isinstance(said, About)
    )


# Where decisions are worked out


def worked_out_here(working_set: WorkingSet) -> tuple[str, ...]:
    """The decisions that this agency's facts may decide: those of its role, in the vocabulary's order."""
    return tuple(
        name for name in vocabulary().decisions if working_set.agency in places(working_set, name)
    )


def places(working_set: WorkingSet, decision: str) -> tuple[str, ...]:
    """The agencies that work a decision out."""
    directory = working_set.gateway.history.newest
    roles = WORKED_OUT_BY.get(decision, ())
    found = tuple(agency for role in roles for agency in directory.with_role(role))
    return found or (directory.with_role("case_management") if "program" in roles else ())


def untold(working_set: WorkingSet, handle: str, now: int) -> frozenset[str]:
    """The events of which nobody who knows may tell this agency: silence about them says nothing here."""
    directory = working_set.gateway.history.newest
    found = set()
    for path, fact in vocabulary().facts.items():
        if (
            fact.kind == "event"
            and directory.role(working_set.agency) != fact.known_by
            and path != "case.referred_at"
        ):
            if not any(
                working_set.gateway.may_receive(by, fact.category, case=handle, now=now)
                for by in directory.with_role(fact.known_by)
            ):
                found.add(path)
    return frozenset(found)


# Questions


@frozen
class Asked:
    """A fact that another agency asked this one for: by whom, in which record and part, at which index, for which decision."""

    by: str
    record: str
    part: str
    index: int
    path: str
    decision: str


def open_questions(working_set: WorkingSet, handle: str) -> tuple[Asked, ...]:
    """What was asked of this agency and hasn't been told since, the oldest first. Only of questions that were opened."""
    found = []
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
            said = opened.label.statement
            decision = said.for_ if isinstance(said, Question) else ""
            for content in opened.content.values():
                for path in content.get("asks") or ():
                    if not _told_since(working_set, handle, record.issuer, path, committed.index):
                        found.append(
                            Asked(record.issuer, record.jti, part, committed.index, path, decision)
                        )
    return tuple(sorted(found, key=lambda one: (one.index, one.path)))


def _told_since(working_set: WorkingSet, handle: str, agency: str, path: str, index: int) -> bool:
    for out in working_set.outbox.values():
        if (
            out.case == handle
            and out.refused is None
            and (out.receipt is None or out.receipt.index > index)
        ):
            for part in out.parts:
                if agency in part["to"] and _tells(part["content"], path):
                    return True
    return False


def _tells(content: Mapping[str, Any], path: str) -> bool:
    """Whether a content tells a fact, or an outcome that is asked for as `decisions.<name>`."""
    if path == "decisions.screening":
        return bool((content.get("screening_outcome") or {}).get("outcome"))
    return any(answering(held.get("facts") or {}, path) is not None for held in content.values())


def answering(facts: Mapping[str, Any], path: str) -> str | None:
    """Which of these facts answers what was asked: itself, or the list of which a field was asked, if every entry has it."""
    if facts.get(path) is not None:
        return path
    group, _, field = path.rpartition(".")
    entries = facts.get(group)
    if isinstance(entries, list | tuple) and all(entry.get(field) is not None for entry in entries):
        return group
    return None


def asked_already(working_set: WorkingSet, handle: str) -> frozenset[tuple[str, str]]:
    """What this agency asked, of whom: agency and fact. Whoever asked once waits for a person to ask again."""
    found = set()
    for out in working_set.outbox.values():
        if out.case == handle and out.kind == "question" and out.replaced_by is None:
            for part in out.parts:
                for content in part["content"].values():
                    found |= {
                        (agency, path)
                        for agency in part["to"]
                        for path in content.get("asks") or ()
                    }
    return frozenset(found)


def own_word(working_set: WorkingSet, case: Case) -> Mapping[str, Any]:
    """The facts that this agency says itself, by path: what others told it, it doesn't pass on."""
    mine = Case((one for one in case.stated if one.by == working_set.agency), case.vocabulary)
    return {path: said.value for path, said in mine.known.items()}


def utc(time: int) -> str:
    """A time as facts have it."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_parts(parts: Iterable[Part]) -> frozenset[str]:
    """The agencies to whom parts go."""
    return frozenset(agency for part in parts for agency in part.to)
