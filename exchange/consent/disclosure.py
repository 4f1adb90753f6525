"""Decide whether a part may pass: the `disclosure` decision of the pack in force.

The issuer, the hub, and the recipient ask the same question of the same rules. The rules belong
to the pack. This module turns the pack's answer into a permit or a denial, and anything but a
clear permit is a denial: an undetermined answer, an unknown fact, a pack that doesn't decide
disclosure or isn't in force, an obligation that this program can't keep.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from exchange.consent.reduction import Query, queries_of, reduce
from exchange.consent.state import Committed, Passage, Roles, State
from exchange.records.statements import Emergency, Report
from rules import Refusal
from rules.decide.program import Program
from rules.frozen import cached_property, frozen
from rules.input.vocabulary import nested
from rules.packs.digest import digest
from rules.packs.pack import Pack

DECISION = "disclosure"
UNDETERMINED = "undetermined"
# No rule permits it, and no consent covers it.
OTHERWISE = "otherwise"
MOST_DECIDED = 1024

# The obligations that a gateway keeps when a part opens: it shows the notice (42 CFR 2.32) and
# the scope of consent, names the limit on use, deletes the part after its last day, asks for a
# second person, and has the person and counsel told.
KNOWN_OBLIGATIONS = frozenset(
    {
        "redisclosure_notice",
        "scope_of_consent",
        "no_adverse_action",
        "keep_until",
        "second_person",
        "tell_person_and_counsel",
    }
)


@frozen
class Verdict:
    """Permit or deny.

    A denial has at least one reason: the ids of the rules that deny, `otherwise`, or
    `undetermined`.
    """

    permit: bool
    reasons: tuple[str, ...]
    obligations: tuple[str, ...] = ()


# What the facts would be if the person's consent covered a disclosure, and the types of consent.
_CONSENTED = {"grant.status": "live", "restriction": False, "basis": "consent"}
_CONSENT_TYPES = ("ordinary", "counseling_notes")


class Judge:
    """The `disclosure` decision of one pack, for any day.

    `obligations` are those that the asking program can keep.
    """

    def __init__(self, pack: Pack, obligations: frozenset[str] = KNOWN_OBLIGATIONS) -> None:
        self._pack = pack
        self._obligations = obligations
        self._boundaries = pack.boundaries()
        self._programs: dict[int, Program] = {}
        self._decided = lru_cache(maxsize=MOST_DECIDED)(self._decide)

    @property
    def pack(self) -> Pack:
        """The pack with the rules."""
        return self._pack

    @cached_property
    def change_days(self) -> tuple[date, ...]:
        """The days on which other rules of the pack begin to apply."""
        program = self._pack.program
        days = {*self._pack.boundaries(), program.since, program.until}
        return tuple(sorted(day for day in days if day is not None))

    def passage(
        self,
        committed: Committed,
        passage: Passage,
        state: State,
        roles: Roles,
        zone: ZoneInfo,
        *,
        index: int,
        time: int,
    ) -> Verdict:
        """Judge one part on its way to one agency.

        A part of several categories passes only if it would pass as each of them.
        """
        return self.all_of(
            queries_of(committed, passage, index=index, time=time), state, roles, zone
        )

    def all_of(
        self, queries: Iterable[Query], state: State, roles: Roles, zone: ZoneInfo
    ) -> Verdict:
        """Judge several queries together.

        The verdict is a permit if each query's verdict is one, with the obligations of all. A
        denial has the reasons of all denials.
        """
        verdicts = [self._judge(query, state, roles, zone) for query in queries]
        if not verdicts:
            return Verdict(False, (UNDETERMINED,))
        denials = [verdict for verdict in verdicts if not verdict.permit]
        if denials:
            reasons = [reason for verdict in denials for reason in verdict.reasons]
            return Verdict(False, tuple(dict.fromkeys(reasons)))
        obligations = [obligation for verdict in verdicts for obligation in verdict.obligations]
        return Verdict(True, (), tuple(dict.fromkeys(obligations)))

    def reasons_despite_consent(
        self,
        committed: Committed,
        passage: Passage,
        state: State,
        roles: Roles,
        zone: ZoneInfo,
        *,
        index: int,
        time: int,
    ) -> frozenset[str]:
        """Return the rules that would deny a passage also on any consent of the person.

        INVARIANT: nothing in the answer depends on the consents of the case.
        """
        day = day_of(time, zone)
        lasting: set[str] = set()
        for query in queries_of(committed, passage, index=index, time=time):
            flat = {**reduce(query, state, roles, zone), **_CONSENTED}
            by_type = [
                set(self.facts({**flat, "grant.type": type_}, day).reasons)
                for type_ in _CONSENT_TYPES
            ]
            lasting |= set.intersection(*by_type)
        return frozenset(lasting)

    def reasons_against_report(
        self,
        committed: Committed,
        part: str,
        report: Report,
        state: State,
        roles: Roles,
        zone: ZoneInfo,
    ) -> tuple[str, ...]:
        """Return the reasons that deny a reported oral disclosure, or none if it could have passed.

        A report names no purpose. So each purpose is tried for which the person consented to a
        disclosure to this recipient.
        """
        label = replace(
            committed.labels[part], category=(report.category,), use="no_adverse_action"
        )
        verdicts = [
            self.all_of(
                [
                    Query(
                        committed,
                        label,
                        report.category,
                        purpose,
                        claimed,
                        committed.issuer,
                        report.told,
                        # The report of an emergency is itself the ground for what it reports.
                        committed.index + 1,
                        committed.time,
                    )
                ],
                state,
                roles,
                zone,
            )
            for purpose, claimed in _purposes_to_try(report, state)
        ]
        if any(verdict.permit for verdict in verdicts):
            return ()
        return tuple(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons))

    def facts(self, flat: dict[str, object], day: date) -> Verdict:
        """Return the verdict on flat facts by the rules of one day. It is cached."""
        return self._decided(tuple(flat.items()), day)

    def _judge(self, query: Query, state: State, roles: Roles, zone: ZoneInfo) -> Verdict:
        """Judge one query, and deny it if the part can't keep an obligation.

        A part keeps a notice that its label carries, and a day that isn't over.
        """
        day = day_of(query.time, zone)
        verdict = self.facts(reduce(query, state, roles, zone), day)
        label, obligations = query.label, verdict.obligations
        lacks_notice = "redisclosure_notice" in obligations and label.notice == "none"
        is_over = "keep_until" in obligations and day.isoformat() > label.keep_until
        return Verdict(False, (UNDETERMINED,)) if lacks_notice or is_over else verdict

    def _decide(self, flat: tuple[tuple[str, object], ...], day: date) -> Verdict:
        try:
            decision = self._program(day).decide(DECISION, nested(dict(flat)))
        except Refusal:
            # The pack has no rules for that day, or doesn't declare these facts.
            return Verdict(False, (UNDETERMINED,))
        if decision.status != "decided" or decision.outcome not in ("permit", "deny"):
            return Verdict(False, (UNDETERMINED,))
        if decision.outcome == "deny":
            return Verdict(False, tuple(str(reason["rule"]) for reason in decision.reasons))
        # INVARIANT: an unknown fact denies, also where no rule that applies reads it. A rule that
        # denies by role, for one, can't see an agency that has left the directory.
        if any(value is None for _, value in flat):
            return Verdict(False, (UNDETERMINED,))
        obligations = tuple(decision.obligations)
        if not self._obligations.issuperset(obligations):
            return Verdict(False, (UNDETERMINED,))
        return Verdict(True, (), obligations)

    def _program(self, day: date) -> Program:
        """Return the pack's program for a day. All days between two boundaries share one."""
        index = bisect_right(self._boundaries, day)
        program = self._programs.get(index)
        if program is None:
            program = self._programs[index] = Program(self._pack, day)
        program.refuse_day_outside(day, "time")
        return program


def _purposes_to_try(report: Report, state: State) -> list[tuple[str, str]]:
    """Return the purposes, each with its basis, for which a reported disclosure is judged."""
    if isinstance(report, Emergency):
        return [("medical_emergency", "none")]
    purposes = {
        purpose
        for logged in state.grants
        for purpose in logged.grant.purposes
        if logged.grant.recipient == report.told
    }
    return [(purpose, "consent") for purpose in sorted(purposes)] or [("inform_person", "none")]


class _AbsentPackJudge(Judge):
    """The judge of a pack that isn't here. It denies everything, because it has no rules."""

    def __init__(self) -> None:
        self._obligations = frozenset()

    def facts(self, flat: dict[str, object], day: date) -> Verdict:
        """Deny, whatever the facts."""
        return Verdict(False, (UNDETERMINED,))


# The judge of a pack's digest.
Judges = Callable[[str], Judge]


def judges_of(packs: Iterable[Pack]) -> Judges:
    """Return the judges of these packs. The judge of any other pack denies everything."""
    judges, absent = {digest(pack): Judge(pack) for pack in packs}, _AbsentPackJudge()
    return lambda pack_digest: judges.get(pack_digest, absent)


@lru_cache(maxsize=4096)
def day_of(time: int, zone: ZoneInfo) -> date:
    """Return the day on which an instant, in seconds since 1970, falls in a zone."""
    return datetime.fromtimestamp(time, UTC).astimezone(zone).date()
