"""Act in the cases without a person at hand: open questions and answers, answer, ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.errors import ExchangeError
from exchange.records.statements import Statement
from offramp.agency.cases.answering import answer_case, defaults_today
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import agencies_asked, case_of, decisions_here, handles
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.empty_cases import is_open, is_withdrawn
from offramp.agency.cases.questions import ASKED_FOR, answer_parts, question_parts
from offramp.agency.cases.tasks import waiting_parts
from offramp.agency.cases.text_openings import AUTOMATIC_KINDS, root_of
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import GATEWAY, needs
from offramp.agency.operations.mistakes import deliver_repairs
from rules.errors import Refusal
from rules.frozen import frozen


@frozen
class SentAnswer:
    """An answer to another agency's question: the record, its recipient, its categories."""

    record: str
    recipient: str
    category: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the answer's JSON in `offramp agency note`."""
        return {"id": self.record, "to": self.recipient, "category": list(self.category)}


def answer_questions(
    office: Office, working_set: WorkingSet, case: str, defaults: Defaults
) -> tuple[SentAnswer, ...]:
    """Answer what other agencies asked and this one knows, as far as it may tell them.

    INVARIANT: called within `Office.transaction`.
    """
    parts = answer_parts(working_set, case, case_of(working_set, case), defaults, office.clock())
    if not parts:
        return ()
    bundle = office.compose_in(working_set, "answer", parts, case)
    return tuple(SentAnswer(bundle.id, next(iter(part.to)), part.category) for part in parts)


@needs(GATEWAY)
def act_automatically(office: Office) -> int:
    """Do in every case what the settings leave to the gateway, and count the records composed.

    Sends the corrections and recalls that a person decided on and that couldn't go before.
    Otherwise acts in the name of the person that `automatic` in `agency.toml` names, and not at all
    where it names nobody: opens questions, the answers to its own, and corrections of those,
    answers what is known, and asks for what the rules lack. Asks only for `offer`, `screening`,
    `eligibility` and `admission`, which are for a person's good, and asks nothing twice.
    """
    actor = office.settings.automatic
    working_set = office.working_set()
    if office.at == office.settled_at:
        return 0  # nothing has happened since it was last done
    composed = deliver_repairs(office)
    if actor is None:
        office.settled_at = office.at if not composed else None
        return composed
    _open_questions_and_answers(office, working_set, actor)
    for handle in handles(office.working_set()):
        with office.transaction() as working_set:
            if not working_set.gateway.history.size:
                return composed
            defaults = defaults_today(office, working_set)
            if is_withdrawn(working_set, handle):
                continue  # its questions wait for no answer any more
            composed += len(answer_questions(office, working_set, handle, defaults))
            composed += _ask_what_is_missing(office, working_set, handle, defaults)
    office.settled_at = office.at if not composed else None
    return composed


def _open_questions_and_answers(office: Office, working_set: WorkingSet, actor: str) -> None:
    for (_, jti), received in list(working_set.gateway.received.items()):
        record = received.record
        if record is None or not record.case:
            continue
        is_automatic = record.kind in AUTOMATIC_KINDS
        for part, label in record.labels.items():
            if not is_automatic and not _corrects_answer(working_set, record.case, label.statement):
                continue
            is_destroyed = (record.issuer, jti, part) in working_set.destroyed
            if part not in received.opened and not is_destroyed:
                try:
                    office.open(jti, part, by=actor, is_automatic=True)
                except ExchangeError:
                    continue  # it stays closed, and `agency tasks` lists it


def _corrects_answer(working_set: WorkingSet, handle: str, statement: Statement | None) -> bool:
    """Return True if a label is that of the correction of an answer that was opened here.

    An agency that was asked can also answer by a correction of a part that was opened here.
    """
    root = root_of(working_set.gateway.state(handle), statement)
    if root is None:
        return False
    subject, part = root
    if subject.kind != "answer" and subject.issuer not in agencies_asked(working_set, handle):
        return False
    received = working_set.gateway.received.get((subject.issuer, subject.jti))
    return received is not None and part in received.opened


def asks_by_itself(
    office: Office, working_set: WorkingSet, handle: str, case: Case, decision: str
) -> str | None:
    """Return the name in which the gateway asks for what a decision lacks, None if it doesn't."""
    is_asked_for = decision in _asked_for(working_set, handle, case)
    return office.settings.automatic if is_asked_for else None


def _asked_for(working_set: WorkingSet, handle: str, case: Case) -> Iterator[str]:
    """Yield the decisions of a case for which a gateway that asks by itself asks others."""
    enrolled = case.known.get("person.enrolled")
    if (enrolled is not None and enrolled.value) or not is_open(working_set, handle, case):
        return
    for decision in decisions_here(working_set):
        if decision not in ASKED_FOR or decision in case.determined:
            continue
        if decision == "offer" and "offer.accepted" in case.known:
            continue  # it was made and answered: asking again would pry
        yield decision


def _ask_what_is_missing(
    office: Office, working_set: WorkingSet, handle: str, defaults: Defaults
) -> int:
    case = case_of(working_set, handle)
    if any(True for _ in waiting_parts(working_set, handle, office.clock())):
        return 0  # what is asked for may have arrived, unopened
    composed = 0
    for decision in _asked_for(working_set, handle, case):
        try:
            answer = answer_case(office, working_set, handle, decision, case=case)
            parts = (
                question_parts(working_set, handle, answer, defaults, office.clock(), again=False)
                if answer.needed
                else ()
            )
        except Refusal:
            continue  # no agency may be asked, or the rules don't reach this case
        if parts:
            office.compose_in(working_set, "question", parts, handle)
            composed += 1
    return composed
