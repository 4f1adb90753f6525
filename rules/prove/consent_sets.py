"""Check the consent sets of a pack against its own rules.

Each grant must be one that `disclosure` permits with that consent. A minimum grant must be read by
a decision of its recipient, and no decision about entry may depend on an optional one.
"""

from __future__ import annotations

from collections.abc import Iterable

from rules.decide.consent import ENTRY, closure, depending, passages, permits, permitted_set
from rules.decide.program import Program
from rules.errors import PackError
from rules.packs.consent_sets import MINIMUM, OPTIONAL
from rules.packs.faults import Faults
from rules.packs.pack import ConsentGrant, ConsentQuestion, Pack
from rules.packs.resolve import Segment


def check_consent_sets(pack: Pack, segments: Iterable[Segment], faults: Faults) -> None:
    """Check every grant of every consent set, on every day on which the rules change.

    What this pack's `disclosure` denies of an inherited set isn't asked for, and is no fault.
    """
    if not pack.consent_sets:
        return
    programs = [Program(pack, segment.day) for segment in segments]
    for consent_set in pack.consent_sets.values():
        is_own = consent_set.declared_in == pack.id
        permitted = consent_set if is_own else permitted_set(programs[-1], consent_set)
        for question in permitted.questions.values():
            for grant in question.grants:
                if is_own:
                    with faults.collect():
                        _check_permitted(programs, question, grant)
                with faults.collect():
                    _check_need(pack, question, grant, is_own=is_own)


def _check_permitted(
    programs: Iterable[Program], question: ConsentQuestion, grant: ConsentGrant
) -> None:
    for program in programs:
        for passage in passages(grant, question.recipient):
            if not permits(program, passage):
                raise PackError(
                    "consent-not-permitted",
                    f"the question `{question.id}` asks that `{passage.sender}` may tell "
                    f"`{passage.recipient}` `{passage.category}` for `{passage.purpose}`, which "
                    f"`disclosure` does not permit on {program.as_of} with that consent",
                    at=grant.place,
                    fix="leave it out of the grant",
                )


def _check_need(
    pack: Pack, question: ConsentQuestion, grant: ConsentGrant, *, is_own: bool
) -> None:
    """Check what the set says about need. An inherited minimum that nothing reads is no fault."""
    for passage in passages(grant, question.recipient):
        decisions = depending(pack, passage)
        entry = next((name for name in decisions if name in closure(pack, ENTRY)), None)
        if question.need == OPTIONAL and entry is not None:
            # Of an inherited question, the rules of this pack are at fault.
            raise PackError(
                "entry-tied",
                f"`{entry}` reads `{passage.category}`, for which the question `{question.id}` "
                "asks as optional",
                at=grant.place if is_own else pack.decisions[entry].place,
                fix="decide without it, or ask for it in a question with `need: minimum`",
            )
        if question.need == MINIMUM and is_own and not decisions:
            raise PackError(
                "minimum-not-needed",
                f"the question `{question.id}` asks for `{passage.category}` of "
                f"`{passage.sender}` as a minimum, and no decision of `{passage.recipient}` reads "
                "it",
                at=grant.place,
                fix="ask for it in a question with `need: optional`",
            )
