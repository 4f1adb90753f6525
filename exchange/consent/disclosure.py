"""Whether a part may pass: the `disclosure` decision of the pack in force, asked at issuer, hub and recipient alike.

The rules are the pack's. Here is only what makes of its answer a permit or a refusal, and whatever isn't a clear permit is a
refusal: an undetermined answer, a pack that doesn't decide disclosure or isn't in force, an obligation that this program
wouldn't know how to keep.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from exchange.consent.reduction import Ask, Committed, Passage, Roles, State, asks, reduce
from exchange.records.statements import Emergency, Report
from rules import Refusal
from rules.decide.decision import Program
from rules.frozen import frozen
from rules.input.vocabulary import nested
from rules.packs.digest import digest
from rules.packs.pack import Pack

DECISION = "disclosure"
UNDETERMINED = "undetermined"
MOST_DECIDED = 1024

# What each of these asks is done by whoever opens a part: notice and scope are shown, the limit named, the day kept, a second
# person's key asked for, the person and counsel told.
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
    """Permit or deny. A deny has at least one reason: ids of the rules that deny, `otherwise`, or `undetermined`."""

    permit: bool
    reasons: tuple[str, ...]
    obligations: tuple[str, ...] = ()


class Judge:
    """The `disclosure` of one pack, for any day. `known` are the obligations that the asking program can keep."""

    def __init__(self, pack: Pack, known: frozenset[str] = KNOWN_OBLIGATIONS) -> None:
        self._pack = pack
        self._known = known
        self._boundaries = pack.boundaries()
        self._programs: dict[int, Program] = {}
        self._decided = lru_cache(maxsize=MOST_DECIDED)(self._decide)

    @property
    def pack(self) -> Pack:
        return self._pack

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
        """One part on its way to one agency. A part of several categories passes only if it would as each of them."""
        return self.asked(asks(committed, passage, index=index, time=time), state, roles, zone)

    def asked(self, asked: Iterable[Ask], state: State, roles: Roles, zone: ZoneInfo) -> Verdict:
        """Several questions at once: a permit if each is one, with the obligations of all; else the reasons of all denials."""
        verdicts = [
            self._kept(
                ask, self.facts(reduce(ask, state, roles, zone), day_of(ask.time, zone)), zone
            )
            for ask in asked
        ]
        if not verdicts:
            return Verdict(False, (UNDETERMINED,))
        permit = all(verdict.permit for verdict in verdicts)
        reasons = [
            reason for verdict in verdicts if not verdict.permit for reason in verdict.reasons
        ]
        obligations = [one for verdict in verdicts for one in verdict.obligations] if permit else []
        return Verdict(permit, tuple(dict.fromkeys(reasons)), tuple(dict.fromkeys(obligations)))

    def told_aloud(
        self,
        committed: Committed,
        part: str,
        said: Report,
        state: State,
        roles: Roles,
        zone: ZoneInfo,
    ) -> tuple[str, ...]:
        """What denies a telling outside the exchange that somebody reports; nothing, if it could have passed here.

        A report names no purpose. So each is tried for which the person consented that this agency be told.
        """
        label = replace(committed.labels[part], category=(said.category,), use="no_adverse_action")
        consented = {
            one
            for held in state.grants
            for one in held.grant.purposes
            if held.grant.recipient == said.told
        }
        tried = [(purpose, "consent") for purpose in sorted(consented)] or [
            ("inform_person", "none")
        ]
        if isinstance(said, Emergency):
            tried = [("medical_emergency", "none")]
        # An emergency's report is itself what lets pass what it reports.
        index = committed.index + 1
        verdicts = [
            self.asked(
                [
                    Ask(
                        committed,
                        label,
                        said.category,
                        purpose,
                        claimed,
                        committed.issuer,
                        said.told,
                        index,
                        committed.time,
                    )
                ],
                state,
                roles,
                zone,
            )
            for purpose, claimed in tried
        ]
        if any(verdict.permit for verdict in verdicts):
            return ()
        return tuple(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons))

    def _kept(self, ask: Ask, verdict: Verdict, zone: ZoneInfo) -> Verdict:
        """A permit whose obligations this part can keep: a notice that it carries, a day that isn't over."""
        label, obliged = ask.label, verdict.obligations
        without_notice = "redisclosure_notice" in obliged and label.notice == "none"
        over = "keep_until" in obliged and day_of(ask.time, zone).isoformat() > label.keep_until
        return Verdict(False, (UNDETERMINED,)) if without_notice or over else verdict

    def facts(self, flat: dict[str, object], day: date) -> Verdict:
        """The verdict on flat facts, by the rules of one day. It depends on nothing else, so it is kept for who asks next."""
        return self._decided(tuple(flat.items()), day)

    def _decide(self, flat: tuple[tuple[str, object], ...], day: date) -> Verdict:
        try:
            decision = self._program(day).decide(DECISION, nested(dict(flat)))
        except Refusal:
            # No rules of that day, or facts that the pack's own words don't know: nothing that could permit.
            return Verdict(False, (UNDETERMINED,))
        if decision.status != "decided" or decision.outcome not in ("permit", "deny"):
            return Verdict(False, (UNDETERMINED,))
        if decision.outcome == "deny":
            return Verdict(False, tuple(str(reason["rule"]) for reason in decision.reasons))
        obligations = tuple(decision.obligations)
        if not self._known.issuperset(obligations):
            return Verdict(False, (UNDETERMINED,))
        return Verdict(True, (), obligations)

    def _program(self, day: date) -> Program:
        """The pack by the rules of a day. Between two boundaries all days have the same."""
        index = bisect_right(self._boundaries, day)
        found = self._programs.get(index)
        if found is None:
            found = self._programs[index] = Program(self._pack, day)
        found.refuse_day_outside(day, "time")
        return found


class _Absent(Judge):
    """The judge of a pack that isn't here: nothing passes by rules that nobody can read."""

    def __init__(self) -> None:
        self._known = frozenset()

    def facts(self, flat: dict[str, object], day: date) -> Verdict:
        return Verdict(False, (UNDETERMINED,))


# The judge of a pack's digest.
Judges = Callable[[str], Judge]


def judges_of(packs: Iterable[Pack]) -> Judges:
    """The judges of these packs; of any other, one that denies everything."""
    found, absent = {digest(pack): Judge(pack) for pack in packs}, _Absent()
    return lambda named: found.get(named, absent)


def day_of(time: int, zone: ZoneInfo) -> date:
    """The day on which an instant, in seconds since 1970, falls in a zone."""
    return datetime.fromtimestamp(time, UTC).astimezone(zone).date()
