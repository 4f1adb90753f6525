"""Decisions that rest on what changed since: for each case, which and why. Pure.

A named person's decision stays in force until that person's agency decides again. It is only
flagged. The rules' answers are worked out anew at each look, so of them only records that were
sent can rest on an old value.

A correction or a recall flags every decision of this agency that reads what it concerns: the person
here had the old value before them. A newer statement of the same fact says of no earlier one that
it was wrong. It flags a decision only if the rules answer otherwise with it than with the earlier
value. The same applies to a correction and another agency's decision: nobody here knows whether
that agency had the old value. See
docs/decisions/0165-a-decision-lapses-if-it-could-differ.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.case_entry import CaseEntry, same_value
from offramp.agency.cases.caseload import own_parts, utc
from offramp.agency.cases.corrections import CORRECTED, RECALLED, UNOPENED, FactChange
from offramp.agency.cases.decision_effects import replaces_answer, stated_by
from offramp.agency.cases.decision_record import decision_in
from offramp.agency.cases.fact_kinds import OUTCOME
from offramp.agency.cases.pack_terms import noun_of
from offramp.agency.cases.positions import record_position
from offramp.agency.cases.silence import silent_events
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.consent import facts_read
from rules.decide.program import Program
from rules.decide.ruling import keeps_its_needs
from rules.decide.scene_day import DAY, MOMENT
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary

DETERMINATION, STATEMENT, ANSWER = "determination", "statement", "answer"


@frozen
class OutdatedDecision:
    """A decision that rests on what was changed after it.

    `what` is `determination` for a named person's decision, `statement` for an outcome that an
    agency stated without a name, such as that of the records check, and `answer` for the rules'
    answer in a record. `agency` and `role` decided, `by` is the person's name or None. `outcome`
    may be None. `changes` are what was changed, in order, in the words of `vocabulary`.
    `reaches_here` is false where the agency may not tell this one of a new decision now.
    """

    what: str
    decision: str
    outcome: Any
    agency: str
    role: str | None
    by: str | None
    record: str | None
    changes: tuple[FactChange, ...]
    vocabulary: Vocabulary
    reaches_here: bool = True

    @property
    def changed(self) -> tuple[str, ...]:
        """Describe in words what was changed, without any value, each change once."""
        return tuple(dict.fromkeys(_in_words(change, self.vocabulary) for change in self.changes))

    @property
    def waits_for_opening(self) -> bool:
        """True if only corrections that nobody here opened may have changed what it rests on."""
        return all(change.how == UNOPENED for change in self.changes)

    def as_json(self) -> dict[str, Any]:
        """Return the decision as `offramp agency case --json` prints it."""
        return {
            "what": self.what,
            "decision": self.decision,
            "outcome": self.outcome,
            "agency": self.agency,
            "by": self.by,
            "record": self.record,
            "changes": [
                {
                    "how": change.how,
                    "by": change.by,
                    "fact": change.path,
                    "before": change.before,
                    "record": change.record,
                    "part": change.part,
                    "category": list(change.categories),
                }
                for change in self.changes
            ],
        }


def _in_words(change: FactChange, vocabulary: Vocabulary) -> str:
    if change.path is None:
        about = "; ".join(vocabulary.categories.get(name, name) for name in change.categories)
        return f"`{change.by}` recalled a part of it ({about})"
    if change.how == UNOPENED:
        return f"`{change.by}` sent a correction that nobody here opened yet"
    group, _, decision = change.path.partition(".")
    noun = f"`{decision}`" if group == "decisions" else noun_of(vocabulary, change.path)
    if change.how == CORRECTED:
        return f"`{change.by}` corrected {noun}"
    answer = "the answer to "
    about = noun.removeprefix("the answer ") if noun.startswith(answer) else f"about {noun}"
    return f"`{change.by}` gave a new answer {about}"


def outdated_decisions(
    working_set: WorkingSet, program: Program, handle: str, case: Case, now: int
) -> tuple[OutdatedDecision, ...]:
    """Return the decisions of a case that rest on what was changed since.

    `now` is in seconds since 1970.
    """
    made = case.decided_by_people
    answers = _newest_answers(working_set, handle)
    if not (case.changes or case.restated) or not (made or answers):
        return ()
    reads = FactsRead(working_set, program, handle, case, now)
    by_people = (
        OutdatedDecision(
            DETERMINATION if decision in case.determined else STATEMENT,
            decision,
            entry.outcomes.get(decision),
            entry.by,
            entry.role,
            str(entry.determined["by"]) if entry.determined is not None else None,
            entry.record,
            changes,
            case.vocabulary,
            # A word without a name, such as of the records check, may need no consent.
            decision not in case.determined
            or _reaches_here(working_set, handle, entry.by, entry.categories, now),
        )
        for decision, entry in made.items()
        # The program doesn't ask everybody for every outcome that somebody may state.
        if decision in case.determined or decision in program.pack.decisions
        if (changes := _changes_since(case, decision, entry, reads))
    )
    by_rules = (
        replace(outdated, reaches_here=_reaches_here(working_set, handle, outdated.agency, (), now))
        for outdated in _outdated_answers(answers, case, reads)
    )
    return (*by_people, *by_rules)


def _reaches_here(
    working_set: WorkingSet, handle: str, agency: str, categories: Sequence[str], now: int
) -> bool:
    """Report whether an agency may tell this one of its decision now. `categories` are the part's.

    A part without any known is one of the outcome.
    """
    return agency == working_set.agency or all(
        working_set.gateway.may_receive(agency, category, case=handle, now=now)
        for category in categories or (OUTCOME,)
    )


def others_may_look_again(
    working_set: WorkingSet, program: Program, handle: str, case: Case, now: int
) -> tuple[OutdatedDecision, ...]:
    """Return other agencies' decisions in force that may be made anew, though the rules agree.

    What they read was corrected since. If the agency that decided had the old value, it is asked to
    look again, and nobody here knows if it had. `now` is in seconds since 1970.
    """
    if not case.changes:
        return ()
    reads = FactsRead(working_set, program, handle, case, now)
    found = []
    for decision, entry in case.determined.items():
        if entry.by == case.here or _changes_since(case, decision, entry, reads):
            continue  # its own, or flagged as out of date
        changes, _ = _changed_after(case, decision, entry, reads)
        corrected = tuple(
            change for change in changes if change.how == CORRECTED and change.by != entry.by
        )
        if corrected:
            made = entry.determined
            by = str(made["by"]) if made is not None and "by" in made else None
            found.append(
                OutdatedDecision(
                    DETERMINATION,
                    decision,
                    entry.outcomes.get(decision),
                    entry.by,
                    entry.role,
                    by,
                    entry.record,
                    corrected,
                    case.vocabulary,
                    _reaches_here(working_set, handle, entry.by, entry.categories, now),
                )
            )
    return tuple(found)


def changes_after(
    working_set: WorkingSet,
    program: Program,
    handle: str,
    case: Case,
    decision: str,
    entry: CaseEntry,
    now: int,
) -> tuple[FactChange, ...]:
    """Return all that was changed after an agency decided, of what the decision read, in order.

    `entry` has the decision. `now` is in seconds since 1970.
    """
    reads = FactsRead(working_set, program, handle, case, now)
    changes, newer = _changed_after(case, decision, entry, reads)
    return tuple(sorted((*changes, *newer), key=lambda change: change.changed_at))


def _changed_after(
    case: Case, decision: str, entry: CaseEntry, reads: FactsRead
) -> tuple[list[FactChange], list[FactChange]]:
    """Return what was corrected or recalled after a decision, and what newer statements changed."""
    basis = _basis(entry)
    paths, own_records = reads.of(decision), stated_by(case, entry)

    def concerns(change: FactChange) -> bool:
        is_own = (change.by, change.changed_at) in own_records
        is_later = change.stated_at < basis <= change.changed_at and not is_own
        return is_later and (paths is None or _is_read(case, change, paths))

    changes = _each_once(
        change for change in case.changes if concerns(change) and not _is_restored(case, change)
    )
    newer = [
        change for change in case.restated if concerns(change) and _still_differs(case, change)
    ]
    return changes, newer


def _each_once(changes: Iterable[FactChange]) -> list[FactChange]:
    """Return each change of a fact once, where a part and its restatement were both changed."""
    once: dict[object, FactChange] = {}
    for change in changes:
        parts = (change.record, change.part) if change.path is None else ()
        key = (change.how, change.by, change.path, change.changed_at, *parts)
        once.setdefault(key, change)
    return list(once.values())


def _changes_since(
    case: Case, decision: str, entry: CaseEntry, reads: FactsRead
) -> tuple[FactChange, ...]:
    """Return what flags a decision, of all that was changed after it and that it rested on."""
    changes, newer = _changed_after(case, decision, entry, reads)
    is_here = entry.by == case.here
    if not is_here:
        corrected = [change for change in changes if change.how == CORRECTED]
        changes = [change for change in changes if change.how != CORRECTED]
        newer = sorted((*corrected, *newer), key=lambda change: change.changed_at)
    if reads.may_matter(decision, newer, is_here=is_here):
        changes += newer
    return tuple(changes)


def _basis(entry: CaseEntry | None) -> float:
    """Return the place in the log up to which the decider had read. -1 without a decision."""
    if entry is None:
        return -1.0
    return entry.seen if entry.seen is not None else entry.position


def _is_read(case: Case, change: FactChange, reads: frozenset[str]) -> bool:
    if change.path is not None:
        return change.path in reads
    facts = case.vocabulary.facts
    categories = {facts[path].category for path in reads if path in facts}
    if any(path.startswith("decisions.") for path in reads):
        categories |= {"screening_outcome", "decision_outcome"}
    return bool(categories & set(change.categories))


def _is_restored(case: Case, change: FactChange) -> bool:
    """Return True if an agency states again what it had corrected."""
    if change.how == RECALLED or change.path is None or change.path in case.unopened:
        return False
    return any(
        source.entry.by == change.by and same_value(source.value, change.before)
        for source in case.sources_of(change.path)
    )


def _still_differs(case: Case, change: FactChange) -> bool:
    """Return True if the value before a newer statement is not the one that counts now."""
    assert change.path is not None, "a newer statement is of one fact or outcome"
    group, _, decision = change.path.partition(".")
    counts = case.attested.get(decision) if group == "decisions" else case.known.get(change.path)
    return counts is None or not same_value(counts.value, change.before)


class FactsRead:
    """The facts that each decision reads, through other decisions too, attested or not."""

    def __init__(
        self, working_set: WorkingSet, program: Program, handle: str, case: Case, now: int
    ) -> None:
        self._program = program
        self._case = case
        self._at = utc(working_set.gateway.hub_time(now))
        self._silent = silent_events(working_set, handle, now)

    def of(self, decision: str, seen: frozenset[str] = frozenset()) -> frozenset[str] | None:
        """Return the facts that a decision reads. None if that can't be told.

        Where the day of the rules isn't known, it is what they read on any day.
        """
        try:
            answer = self._case.decide(self._program, decision, self._at, silent=self._silent)
        except Refusal:
            return self._on_any_day(decision)
        if answer.ruling.segment is None:
            return self._on_any_day(decision)
        paths = set(answer.reads)
        for path in answer.reads:
            group, _, inner = path.partition(".")
            if group == "decisions" and inner not in seen | {decision}:
                deeper = self.of(inner, seen | {decision})
                if deeper is None:
                    return None
                paths |= deeper
        return frozenset(paths)

    def _on_any_day(self, decision: str) -> frozenset[str] | None:
        pack = self._program.pack
        return facts_read(pack, decision) | {DAY, MOMENT} if decision in pack.decisions else None

    def may_matter(self, decision: str, newer: Sequence[FactChange], *, is_here: bool) -> bool:
        """Report whether newer statements, or corrections, may change a person's decision.

        They don't if the rules answer the same with the values before. If the rules have no
        answer, the agency that decided looks again (`is_here`), and no other one is told to wait.
        """
        answers = self._before_and_after(decision, newer)
        if answers is None:
            return bool(newer)
        before, after = answers
        return before.outcome != after.outcome or (
            before.possible != after.possible
            if not is_here
            else "undetermined" in (before.status, after.status)
        )

    def answers_otherwise(self, decision: str, newer: Sequence[FactChange]) -> bool:
        """Report whether the rules answer otherwise than before these newer statements."""
        answers = self._before_and_after(decision, newer)
        if answers is None:
            return bool(newer)
        before, after = answers
        return before.outcome != after.outcome or before.possible != after.possible

    def is_decided(self, decision: str) -> bool:
        """Report whether the rules answer a decision now."""
        try:
            return (
                self._case.decide(self._program, decision, self._at, silent=self._silent).status
                == "decided"
            )
        except Refusal:
            return False

    def _before_and_after(
        self, decision: str, newer: Sequence[FactChange]
    ) -> tuple[Answer, Answer] | None:
        """Return the rules' answers with the earlier values and with the newer ones.

        None if that can't be told: the decision reads records that aren't here, or an outcome that
        was stated anew.
        """
        earlier: dict[str, Any] = {}
        for change in reversed(newer):
            earlier[str(change.path)] = change.before
        if (
            not earlier
            or any(path.startswith("decisions.") for path in earlier)
            or keeps_its_needs(self._program.pack, decision)
        ):
            return None
        try:
            before, after = (
                self._case.decide(self._program, decision, self._at, own, self._silent)
                for own in (earlier, None)
            )
        except Refusal:
            return None
        return before, after


# The rules' answers in records


@frozen
class _AnswerPart:
    """One part of a decision record. `rests_on` are records and parts, `seen` a log position."""

    by: str
    role: str | None
    record: str
    position: float
    seen: float
    decision: str
    outcome: Any
    rests_on: tuple[tuple[str, str], ...]


def _answer_parts(working_set: WorkingSet, handle: str) -> Iterator[_AnswerPart]:
    """Yield the parts of the decision records that this agency sent or opened."""
    role = working_set.gateway.history.newest.role(working_set.agency)
    records = working_set.cases.records(handle)
    for outgoing in records.sent:
        is_told = outgoing.refused is None and outgoing.replaced_by is None
        if outgoing.kind == "decision" and is_told:
            position = record_position(outgoing)
            seen = position if outgoing.seen is None else float(outgoing.seen)
            for _, _, content in own_parts(outgoing):
                yield from _answer_part(
                    working_set.agency, role, outgoing.jti, position, seen, content
                )
    for received in records.received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None or record.kind != "decision":
            continue
        index = float(committed.index)
        for opened in received.opened.values():
            yield from _answer_part(
                record.issuer, record.role, record.jti, index, index, opened.content
            )


def _answer_part(
    by: str, role: str | None, record: str, position: float, seen: float, content: Any
) -> Iterator[_AnswerPart]:
    decision = decision_in(content)
    if decision is not None:
        rests_on = tuple(
            (str(source["record"]), str(source["part"])) for source in decision.get("rests_on", ())
        )
        name, outcome = str(decision["decision"]), decision.get("outcome")
        yield _AnswerPart(by, role, record, position, seen, name, outcome, rests_on)


def _newest_answers(working_set: WorkingSet, handle: str) -> Sequence[Sequence[_AnswerPart]]:
    """Return the parts of the newest answer on each decision that each agency sent."""
    newest: dict[tuple[str, str], list[_AnswerPart]] = {}
    for part in sorted(_answer_parts(working_set, handle), key=lambda part: part.position):
        parts = newest.setdefault((part.by, part.decision), [])
        if parts and parts[0].record != part.record:
            parts.clear()
        parts.append(part)
    return tuple(newest.values())


def _outdated_answers(
    answers: Sequence[Sequence[_AnswerPart]], case: Case, reads: FactsRead
) -> Iterator[OutdatedDecision]:
    """Yield the newest answer of the rules that each agency sent, if it rests on an old value.

    An answer in whose place a person's decision is isn't sent anew, and is not yielded. Beside
    another agency's decision, it is sent anew only if the rules have an answer.
    """
    for parts in answers:
        by, decision, seen = parts[0].by, parts[0].decision, parts[0].seen
        if replaces_answer(case, by, decision):
            continue
        rests_on = {source for part in parts for source in part.rests_on}
        paths = reads.of(decision)
        # What an agency noted for itself is in no record, and its own answer rests on it.
        own = (paths or frozenset()) if by == case.here else frozenset()
        in_force = case.determined.get(decision)
        if in_force is not None and not reads.is_decided(decision):
            continue  # that decision is the answer, and the rules have none to show its maker
        decided, own_records = _basis(in_force), stated_by(case, in_force)

        def concerns(
            change: FactChange,
            seen: float = seen,
            rests_on: frozenset[tuple[str, str]] = frozenset(rests_on),
            own: frozenset[str] = own,
            decided: float = decided,
            own_records: frozenset[tuple[str, float]] = own_records,
            paths: frozenset[str] | None = paths,
        ) -> bool:
            if change.changed_at < decided or (change.by, change.changed_at) in own_records:
                return False  # a named person decided since, and that decision is in force
            if paths is not None and not _is_read(case, change, paths):
                return False  # a part has other facts beside those that the rules read
            is_noted = change.record is None and change.stated_at < seen and change.path in own
            is_shown = (change.record, change.part) in rests_on
            return change.changed_at >= seen and (is_shown or is_noted)

        changes = _each_once(
            change for change in case.changes if concerns(change) and not _is_restored(case, change)
        )
        newer = [
            change for change in case.restated if concerns(change) and _still_differs(case, change)
        ]
        if reads.answers_otherwise(decision, newer):
            changes += newer
        if changes:
            outcome = next((part.outcome for part in parts if part.outcome is not None), None)
            role, record = parts[0].role, parts[0].record
            yield OutdatedDecision(
                ANSWER, decision, outcome, by, role, None, record, tuple(changes), case.vocabulary
            )
