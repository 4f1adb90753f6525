"""What an agency keeps and until when, legal holds, and what ends a case's parts early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import date
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.errors import shorten
from offramp.agency.cases.answering import defaults_today, pack_in_force
from offramp.agency.cases.caseload import case_of, unknown_case
from offramp.agency.cases.own_statements import (
    StatementState,
    causes_renewed,
    statement_states,
)
from offramp.agency.cases.retention import (
    Keeping,
    KeptItem,
    kept_items,
    unproved_records,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.retention_state import HOLD_REASONS, Ending, Hold
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASES, SUPERVISION, needs, visible
from rules.errors import nearest
from rules.frozen import frozen
from rules.packs.pack import Citation


@frozen
class KeptRow:
    """What an agency keeps of one kind in a case: how many, until when, and what says so.

    `rule` is the id of the pack's rule, None for the default or the sender's own day. `law` is its
    source in words. `cause` is set if something ended it before its time. `kept_on` counts the
    parts that were asked back and kept, by the ground (a key of `KEEP_REASONS`). A ground stops
    nothing. Only a legal hold does. Of the `count`, `notes` are own notes and `texts` signed texts
    of consents, which no statement counts. The others are parts.
    """

    case: str | None
    category: str
    count: int
    first_ends: date
    last_ends: date
    rule: str | None
    says: str
    law: str
    is_doubtful: bool
    cause: str | None
    kept_on: Mapping[str, int] = field(default_factory=dict)
    notes: int = 0
    texts: int = 0

    @property
    def parts(self) -> int:
        """The parts of records among what is kept."""
        return self.count - self.notes - self.texts

    def as_json(self) -> dict[str, Any]:
        """Return the row's JSON in `offramp agency retention`."""
        return {
            "case": self.case,
            "category": self.category,
            "count": self.count,
            "first_ends": self.first_ends.isoformat(),
            "last_ends": self.last_ends.isoformat(),
            "rule": self.rule,
            "says": self.says,
            "law": self.law,
            "doubtful": self.is_doubtful,
            "cause": self.cause,
            "kept_on": dict(self.kept_on),
            "notes": self.notes,
            "texts": self.texts,
        }


@frozen
class KeptCase:
    """What an agency keeps of a case, its holds, what ended it early, and what was signed.

    `case` is None for what is about no case. `statements` has by cause how far the statement is
    that the agency ended its parts, as `statement_states` gives it. `renewed` are the causes noted
    anew since, whose next statement isn't signed yet. `unproved` counts the own records that are
    still to be sent or proved, which `rows` leave out.
    """

    case: str | None
    rows: tuple[KeptRow, ...]
    holds: tuple[Hold, ...]
    endings: tuple[Ending, ...]
    statements: Mapping[str, StatementState]
    unproved: int = 0
    renewed: frozenset[str] = frozenset()

    @property
    def signed(self) -> tuple[str, ...]:
        """The causes for which a statement is signed that wasn't asked back, sent or not."""
        states = self.statements.items()
        return tuple(cause for cause, state in states if state not in ("asked_back", "nobody"))

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency retention`."""
        return {
            "case": self.case,
            "rows": [row.as_json() for row in self.rows],
            "holds": [hold.as_json() for hold in self.holds],
            "endings": [
                {"cause": each.cause, "on": each.on.isoformat(), "by": each.by}
                for each in self.endings
            ],
            "signed": list(self.signed),
            "statements": dict(self.statements),
            "renewed": sorted(self.renewed),
            "unproved": self.unproved,
        }


@frozen
class RetentionList:
    """What an agency keeps, case by case. `default_days` applies where the pack has no rule."""

    today: date
    default_days: int
    cases: tuple[KeptCase, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency retention`."""
        return {
            "today": self.today.isoformat(),
            "default_days": self.default_days,
            "cases": [case.as_json() for case in self.cases],
        }


@needs(CASES, look="list")
def list_retention(office: Office, of_case: str | None = None) -> RetentionList:
    """List what ends when in the caseload of the person who asks, or in one case of it.

    Raises `AgencyError` `no-such-case`, `no-directory`.
    """
    with office.transaction() as working_set:
        keeping = keeping_now(office, working_set)
        sees = visible(office, working_set)
        if of_case is not None and not (of_case in working_set.cases and sees(of_case)):
            raise unknown_case(of_case)
        handles = [of_case] if of_case is not None else working_set.cases.handles()
        items: dict[str | None, list[KeptItem]] = {handle: [] for handle in handles if sees(handle)}
        for item in kept_items(working_set, keeping, of_case):
            if item.case in items:
                items[item.case].append(item)
        state = working_set.retention
        return RetentionList(
            keeping.today,
            keeping.default_days,
            tuple(
                KeptCase(
                    handle,
                    kept_rows(working_set, keeping, handle, kept),
                    state.holds_on(handle),
                    tuple(state.ended(handle).values()),
                    statement_states(working_set, handle) if handle is not None else {},
                    unproved_records(working_set, handle),
                    causes_renewed(working_set, handle) if handle is not None else frozenset(),
                )
                for handle, kept in items.items()
            ),
        )


def kept_rows(
    working_set: WorkingSet, keeping: Keeping, case: str | None, items: Iterable[KeptItem]
) -> tuple[KeptRow, ...]:
    """Return what is kept of a case, a row for each kind of information, rule, and cause."""
    groups: dict[tuple[str, str | None, str | None, bool], list[KeptItem]] = {}
    for item in items:
        term = item.term
        rule = term.rule.id if term is not None and term.rule is not None else None
        category = term.category if term is not None else ", ".join(item.categories)
        key = category, rule, term.cause if term is not None else None, term is None
        groups.setdefault(key, []).append(item)
    return tuple(
        _row(working_set, keeping, case, category, cause, kept)
        for (category, _, cause, _), kept in sorted(groups.items(), key=lambda each: str(each[0]))
    )


def _row(
    working_set: WorkingSet,
    keeping: Keeping,
    case: str | None,
    category: str,
    cause: str | None,
    items: list[KeptItem],
) -> KeptRow:
    term = items[0].term
    rule = term.rule if term is not None else None
    if rule is not None:
        says, law = rule.says, _law(keeping, rule.source)
    elif term is not None:
        says, law = f"the default: {keeping.default_days} days", ""
    else:
        says, law = "the day that its sender set", ""
    return KeptRow(
        case,
        category,
        len(items),
        min(item.last_day for item in items),
        max(item.last_day for item in items),
        rule.id if rule is not None else None,
        says,
        law,
        bool(rule is not None and rule.provisional),
        cause,
        Counter(
            working_set.kept_on_ground[item.part]
            for item in items
            if item.part in working_set.kept_on_ground
        ),
        sum(1 for item in items if item.is_note),
        sum(1 for item in items if item.event is not None and not item.is_note),
    )


def _law(keeping: Keeping, source: Citation) -> str:
    assert keeping.pack is not None, "a rule is of a pack"
    title = keeping.pack.sources[source.id].title
    return f"{title}, {source.at}" if source.at else title


def keeping_now(office: Office, working_set: WorkingSet) -> Keeping:
    """Return how retention is worked out now. Raises `AgencyError` `no-directory`."""
    defaults_today(office, working_set)
    directory = working_set.gateway.history.newest
    today = day_of(working_set.gateway.hub_time(office.clock()), directory.zone)
    return Keeping(
        pack_in_force(office, working_set),
        directory.role(office.agency),
        office.settings.keep_days,
        today,
        directory.zone,
    )


# Legal holds


@needs(SUPERVISION, look="act")
def hold_case(
    office: Office, actor: str, case: str, reason: str, *, is_another: bool = False
) -> Hold:
    """Stop all destruction in a case. `reason` is a key of `HOLD_REASONS`.

    A hold has no text, so two for one reason look alike. A second one is refused, unless
    `is_another` says that it is about another matter, whose release must not end the first. Raises
    `AgencyError` `no-such-case`, `unknown-reason`, `held-already`.
    """
    if reason not in HOLD_REASONS:
        raise AgencyError(
            "unknown-reason",
            f"`{shorten(reason)}` is no reason for a legal hold",
            fix=nearest(reason, sorted(HOLD_REASONS)),
        )
    with office.transaction() as working_set:
        case_of(working_set, case)
        alike = [hold for hold in working_set.retention.holds_on(case) if hold.reason == reason]
        if alike and not is_another:
            raise AgencyError(
                "held-already",
                f"the hold `{alike[0].number}` of `{alike[0].by}` is on this case for the same "
                "reason",
                fix="leave it, or add `--another` if this one is about another matter",
            )
        body = {"does": "held", "case": case, "reason": reason, "by": actor}
        event = office.append(working_set, "retention", body)
        return working_set.retention.holds[case][event.at]


@needs(SUPERVISION, look="act")
def release_hold(office: Office, actor: str, case: str, number: int | None = None) -> Hold:
    """Release a legal hold of a case: the one of this number, or the only one.

    What fell due meanwhile is destroyed by the next daily work. Raises `AgencyError`
    `no-such-case`, `no-hold`, `which-hold`.
    """
    with office.transaction() as working_set:
        case_of(working_set, case)
        holds = {hold.number: hold for hold in working_set.retention.holds_on(case)}
        if not holds or (number is not None and number not in holds):
            raise AgencyError(
                "no-hold",
                f"there is no such legal hold on the case `{case}`",
                fix="see `offramp agency retention DIR CASE`",
            )
        if number is None and len(holds) > 1:
            raise AgencyError(
                "which-hold",
                f"the case has the legal holds {', '.join(map(str, holds))}",
                fix="name one with `--number`",
            )
        chosen = number if number is not None else next(iter(holds))
        body = {"does": "released", "case": case, "number": chosen, "by": actor}
        office.append(working_set, "retention", body)
        return working_set.retention.holds[case][chosen]


def check_not_held(working_set: WorkingSet, case: str) -> None:
    """Check that no legal hold stops the destruction in a case. Raises `AgencyError` `on-hold`."""
    if holds := working_set.retention.holds_on(case):
        raise AgencyError(
            "on-hold",
            f"a legal hold of `{holds[0].by}` stops all destruction in this case",
            fix="keep it with `answer-recall --keep GROUND`, or have a supervisor release the hold "
            "first",
        )


# Early ends


def append_ending(office: Office, working_set: WorkingSet, ending: Ending) -> None:
    """Note an early end in the journal, within a transaction."""
    body = {
        "does": "ended",
        "case": ending.case,
        "cause": ending.cause,
        "on": ending.on.isoformat(),
        "noted": ending.noted.isoformat(),
        **({"by": ending.by} if ending.by is not None else {}),
    }
    office.append(working_set, "retention", body)
