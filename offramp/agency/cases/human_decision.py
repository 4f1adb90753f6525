"""A named person's decision on a case, as the record that tells it. No fact is changed by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.records.building import Part
from exchange.records.content_checks import check_content
from offramp.agency.cases.addressing import address, protect_care
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.caseload import deciding_agencies
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.fact_kinds import OUTCOME, SCREENING
from offramp.agency.cases.stated_facts import LAST_WORD
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.errors import respelling
from rules.frozen import frozen
from rules.input.printing import printable
from rules.packs.own_reads import RECORDS
from rules.packs.pack import Pack
from rules.shelf import vocabulary

_APPROVAL = {
    ("eligibility", "eligible"): "approved",
    ("eligibility", "ineligible"): "declined",
    ("admission", "admitted"): "approved",
    ("admission", "awaiting"): "approved",
    ("admission", "declined_by_prosecutor"): "declined",
}
# How a person's decision relates to the rules' answer.
SAME, PERMITTED, OTHER, UNDECIDED = "same", "permitted", "other", "undecided"
# The decision whose outcomes are next steps.
STEPS = "review"
# What a person may decide where the rules leave a choice: then no decision differs from them.
_PERMITTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("filing", "prosecutor_may_file"): ("hold",),
    ("ejection", "prosecutor_may_eject"): ("terminate", "sanction", "retain"),
}
_CHARGE_STATUS = {"hold": "held", "prosecutor_may_file": "filed"}


@frozen
class HumanDecision:
    """A named person's decision: `kind` of record, `contents` by a part's categories.

    A content is that of the first category. The others say what else the part shows. The outcome
    is the first of the contents. `differs` is true where the rules answered otherwise. With
    `stays_here`, no record can hold the decision, which only this program has.
    """

    kind: str
    contents: Mapping[tuple[str, ...], Mapping[str, Any]]
    differs: bool
    stays_here: bool = False

    @property
    def is_outside_rules(self) -> bool:
        """True if it ends a person's place although the rules say that the person stays."""
        return self.kind == "ejection" and self.differs

    def check(self) -> None:
        """Check each content, also of a decision that nobody may be told.

        Raises `ContentError` `wrong-content`.
        """
        for categories in () if self.stays_here else self.contents:
            check_content(self.kind, categories, self.content_of(categories))

    @property
    def outcome_categories(self) -> tuple[str, ...]:
        """The categories of the part with the outcome."""
        return next(iter(self.contents))

    def content_of(self, categories: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Return the whole content of a part, by category."""
        first, *others = categories
        return {first: dict(self.contents[categories]), **{category: {} for category in others}}


def make_decision(
    working_set: WorkingSet,
    case: Case,
    answer: Answer | None,
    decision: str,
    outcome: str,
    *,
    reason: str,
    by: str,
    now: int,
    pack: Pack,
) -> HumanDecision:
    """Make a person's decision. `answer` is the rules' own, None where their facts aren't here.

    `reason` is a reason's code, `by` the person's name, `now` seconds since 1970, `pack` the pack
    in force here. Raises `AgencyError` `unknown-decision`, `unknown-outcome`, `not-yours`.
    """
    _check_decision(working_set, pack, decision)
    by_rules = answer.outcome if answer is not None else None
    zone = working_set.gateway.history.newest.zone
    today = day_of(working_set.gateway.hub_time(now), zone).isoformat()
    differs = relation_of(decision, by_rules, outcome) == OTHER
    made = {"decision": decision, "outcome": outcome, "by": by, "reason": reason}
    return _decision_of(working_set, case, {**made, "differs": differs}, today, pack)


def restore_decision(
    working_set: WorkingSet, case: Case, entry: CaseEntry, day: str, pack: Pack
) -> HumanDecision:
    """Return a decision that was recorded here and told to nobody, as it was made.

    `entry` is this agency's note of it, and `day` the day on which it was made. It keeps its
    person, its reason, and how it related to the rules then. Raises as `make_decision`.
    """
    made = dict(entry.determined or {})
    _check_decision(working_set, pack, str(made["decision"]))
    # Its effects follow from what was decided before it.
    before = Case((earlier for earlier in case.entries if earlier is not entry), case.vocabulary)
    return _decision_of(working_set, before, {"differs": False, **made}, day, pack)


def _decision_of(
    working_set: WorkingSet, case: Case, made: Mapping[str, Any], day: str, pack: Pack
) -> HumanDecision:
    """Return the record of a decision that was made on a day: its kind, and its contents."""
    decision, outcome, differs = str(made["decision"]), str(made["outcome"]), bool(made["differs"])
    own = pack.decisions.get(decision)
    if own is not None and decision not in vocabulary().decisions:
        _check_outcome(decision, outcome, own.outcomes)
        if RECORDS in own.reads:
            answer_in_record = {"record": {"decision": decision, "outcome": outcome}}
            return HumanDecision("screening_outcome", {(SCREENING,): answer_in_record}, differs)
        return HumanDecision("determination", {(OUTCOME,): {}}, differs, stays_here=True)
    _check_outcome(decision, outcome, vocabulary().decisions[decision].outcomes)
    if decision == "screening":
        return HumanDecision("screening_outcome", {(SCREENING,): {"outcome": outcome}}, differs)
    content: dict[str, Any] = {"determination": dict(made)}
    role = working_set.gateway.history.newest.role(working_set.agency)
    approval = _APPROVAL.get((decision, outcome)) if role == "prosecutor" else None
    if approval:
        content["facts"] = {"approval.prosecutor": approval}
    kind, effects = _effects(case, decision, outcome, role, day)
    # INVARIANT: the outcome goes to nobody who may not know what it shows. A person who lets
    # others tell decisions, and not whether a charge is held, isn't told on by the decision.
    shown = dict.fromkeys(category for categories in effects for category in categories)
    # The word that the person completed the program shows the status, too.
    about = vocabulary().decisions[decision].categories.get(outcome)
    shown |= {about: None} if about is not None else {}
    return HumanDecision(kind, {(OUTCOME, *shown): content, **effects}, differs)


def decisions_to_make(working_set: WorkingSet, pack: Pack) -> Mapping[str, tuple[str, ...]]:
    """Return the outcomes of each decision that a person of this agency may make, by decision."""
    shared = {
        name: terms.outcomes
        for name, terms in vocabulary().decisions.items()
        # The next steps are the meeting's, and `completion` is only in the programs that have it.
        if name != STEPS
        and not (name == "completion" and name not in pack.decisions)
        and _is_entitled(working_set, name)
    }
    role = working_set.gateway.history.newest.role(working_set.agency)
    own = {
        name: decision.outcomes
        for name, decision in pack.decisions.items()
        if name not in vocabulary().decisions and decision.decided_by == role
    }
    return {**shared, **own}


def _check_decision(working_set: WorkingSet, pack: Pack, decision: str) -> None:
    """Check that a person of this agency may make a decision.

    Raises `AgencyError` `unknown-decision`, `not-yours`.
    """
    possible = decisions_to_make(working_set, pack)
    if decision in possible:
        return
    listed = "; ".join(
        f"`{name}`: {', '.join(f'`{outcome}`' for outcome in outcomes)}"
        for name, outcomes in possible.items()
    )
    role = working_set.gateway.history.newest.role(working_set.agency)
    deciders = {name: terms.decided_by for name, terms in vocabulary().decisions.items()}
    deciders |= {name: own.decided_by for name, own in pack.decisions.items()}
    if decision == STEPS:
        raise AgencyError(
            "unknown-decision",
            f"`{STEPS}` is a list of next steps, which the meeting agrees on",
            fix="record them with `offramp agency meeting-record DIR CASE`",
        )
    if decision not in deciders or (decision == "completion" and decision not in pack.decisions):
        raise AgencyError(
            "unknown-decision",
            f"this program has no decision `{printable(decision)[:40]}`",
            fix=f"record one of these with its outcome: {listed or 'nothing is for this agency'}",
        )
    entitled = LAST_WORD.get(decision, (deciders[decision],))
    raise AgencyError(
        "not-yours",
        f"`{decision}` isn't for `{role}` to decide",
        fix=f"it is for {' or '.join(entitled)}"
        + (f"; `{role}` decides {listed}" if listed else ""),
    )


def _check_outcome(decision: str, outcome: str, outcomes: tuple[str, ...]) -> None:
    if outcome not in outcomes:
        raise AgencyError(
            "unknown-outcome",
            f"`{printable(outcome)[:40]}` is no outcome of `{decision}`",
            fix=respelling(outcome, outcomes)
            or f"use one of {', '.join(f'`{name}`' for name in outcomes)}",
        )


def _is_entitled(working_set: WorkingSet, decision: str) -> bool:
    role = working_set.gateway.history.newest.role(working_set.agency)
    entitled = LAST_WORD.get(decision, (vocabulary().decisions[decision].decided_by,))
    return role in entitled or (
        role == "case_management" and working_set.agency in deciding_agencies(working_set, decision)
    )


def relation_of(decision: str, by_rules: str | list[str] | None, outcome: str) -> str:
    """Return how a person's outcome relates to the rules' answer, one word of this module.

    `by_rules` is None where the rules don't decide.
    """
    if by_rules is None:
        return UNDECIDED
    if by_rules == outcome or (isinstance(by_rules, list) and outcome in by_rules):
        return SAME
    if isinstance(by_rules, str) and outcome in _PERMITTED.get((decision, by_rules), ()):
        return PERMITTED
    return OTHER


def _effects(
    case: Case, decision: str, outcome: str, role: str | None, today: str
) -> tuple[str, dict[tuple[str, ...], dict[str, Any]]]:
    """Return the kind of record, and the contents beyond the outcome: the charge, enrollment."""
    if decision == "filing":
        return "filing_decision", {
            ("charge_status",): {
                "standing": _CHARGE_STATUS.get(outcome, "not_filed"),
                "on": today,
                "facts": {"case.charge_held": outcome == "hold"},
            }
        }
    if decision == "ejection":
        is_ended = outcome != "retain"
        was_ended = _is_ejected(case)
        kind = "ejection" if is_ended else "reinstatement" if was_ended else "determination"
        return kind, _enrollment(not is_ended, today) if is_ended or was_ended else {}
    if (decision, outcome) == ("admission", "admitted") and role != "prosecutor":
        return "determination", _enrollment(True, today)
    return "determination", {}


def _is_ejected(case: Case) -> bool:
    earlier = case.determined.get("ejection")
    return (
        earlier is not None
        and earlier.determined is not None
        and earlier.determined["outcome"] != "retain"
    )


def _enrollment(is_enrolled: bool, today: str) -> dict[tuple[str, ...], dict[str, Any]]:
    return {
        ("enrollment",): {
            "enrolled": is_enrolled,
            "since": today,
            "facts": {"person.enrolled": is_enrolled},
        }
    }


def human_decision_parts(
    working_set: WorkingSet,
    handle: str,
    made: HumanDecision,
    decision: str,
    defaults: Defaults,
    now: int,
    recipient: str | None,
) -> tuple[Part, ...]:
    """Return the decision's parts, each addressed to the agencies that may receive it.

    With `recipient`, to that agency alone. A part that no agency may receive has no recipients.
    """
    only = (recipient,) if recipient else None
    parts = []
    for categories in () if made.stays_here else made.contents:
        part = Part(
            category=categories,
            content=made.content_of(categories),
            to={},
            keep_until=defaults.last_day(categories),
            use=defaults.use,
        )
        part = protect_care(part, working_set, defaults.notice)
        addressed = address(working_set, handle, made.kind, part, decision, now, only)
        parts.append(part if addressed is None else addressed)
    return tuple(parts)
