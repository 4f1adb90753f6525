"""Records that may state what a decision lacks, and that nobody here has opened. Pure.

What lies closed is opened first, and not asked again. Of an answer, the question that it answers
says which facts it may state. Of any other record, the label says the category and no fact.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.records.label import Label
from exchange.records.statements import About
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.caseload import own_parts, recalled_parts
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.fact_kinds import kind_of, plain_path
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

ANSWER = "answer"
# They state no fact of a case, or say for themselves what they make unknown.
_STATE_NOTHING = frozenset(
    (
        *("acknowledgement", "recall", "recall_answer", "representation", "question"),
        *("consent", "consent_change", "accounting", "meeting_agenda", CORRECTION),
    )
)


@frozen
class UnopenedPart:
    """A closed part, and which of the missing facts it may state.

    `agency` sent it in the record `record` of a `kind`. `paths` are facts as records have them.
    """

    agency: str
    kind: str
    record: str
    part: str
    paths: tuple[str, ...]


def unopened_answers(
    working_set: WorkingSet, handle: str, case: Case, answer: Answer, now: int
) -> tuple[UnopenedPart, ...]:
    """Return the closed parts that may state what an answer of the rules lacks.

    What the rules no longer let this agency open isn't among them: it has to be asked for.
    """
    terms = answer.ruling.program.pack.vocabulary
    missing = {
        path: kind_of(path, terms)
        for need in answer.needed
        if not answer.is_closed(path := plain_path(str(need["fact"])))
    }
    if not missing or handle not in working_set.cases:
        return ()
    recalled = recalled_parts(working_set, handle)
    closed = []
    for received in working_set.cases.records(handle).received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None or record.kind in _STATE_NOTHING:
            continue
        if committed.index <= case.ended_at:
            continue
        for part, label in record.labels.items():
            is_gone = (record.issuer, record.jti, part) in working_set.destroyed
            if part in received.opened or is_gone or (record.jti, part) in recalled:
                continue
            asked = frozenset(_asked(working_set, handle, label))
            paths = tuple(
                path
                for path, category in missing.items()
                if category in label.category and (record.kind != ANSWER or path in asked)
            )
            if paths and working_set.gateway.may_open(record.issuer, record.jti, part, now):
                closed.append(UnopenedPart(record.issuer, record.kind, record.jti, part, paths))
    return tuple(closed)


def _asked(working_set: WorkingSet, handle: str, label: Label) -> Iterator[str]:
    """Yield the facts of the question that a part answers."""
    about = label.statement.about if isinstance(label.statement, About) else None
    for outgoing in working_set.cases.records(handle).sent if about else ():
        for part, _, content in own_parts(outgoing):
            if (outgoing.jti, part) == about:
                for members in content.values():
                    yield from members.get("asks") or ()
