"""The events of which a missing record means nothing at this agency. Pure.

A missing record means "did not happen" only if every agency that could know the event had time to
report it. What it kept before the consent isn't sent by itself: somebody there has to tell it. See
decision records 0040 and 0098.
"""

from __future__ import annotations

from offramp.agency.cases.case import REFERRED
from offramp.agency.cases.holding import earliest
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.folder.working_set import WorkingSet
from rules.input.vocabulary import CLOSED_TO_PACKS

# The time to report an event once its agency may share it, in seconds. It has a weekend in it.
TIME_TO_TELL = 7 * 24 * 3600

# The kinds of record by which an agency says that it has nothing to do with a case, or no more than
# that a record arrived.
_NOT_INVOLVED = ("acknowledgement", "recall", "recall_answer")


def silent_events(working_set: WorkingSet, handle: str, now: int) -> frozenset[str]:
    """Return the events that an agency which could know them may not share, or had no time to.

    A missing record of such an event means nothing here. `now` is in seconds since 1970.
    """
    gateway, words = working_set.gateway, terms_of(working_set).vocabulary
    return frozenset(
        path
        for path, fact in words.facts.items()
        # The label of a referral states its time to every recipient.
        if fact.kind == "event"
        and path != REFERRED
        and (
            # No record has a fact of the pack's own in these.
            (
                fact.category in CLOSED_TO_PACKS
                and path in words.own
                and fact.known_by != gateway.history.newest.role(working_set.agency)
            )
            or (
                path in words.own
                and not _is_pack_known(working_set, handle, now)
                and not (
                    fact.known_by == gateway.history.newest.role(working_set.agency)
                    and _began_under_pack(working_set, handle)
                )
            )
            or not _may_all_tell(working_set, fact.known_by, fact.category, handle, now)
        )
    )


def _is_pack_known(working_set: WorkingSet, handle: str, now: int) -> bool:
    """Return True if a record of the case shows that the pack has been in force for long enough.

    Before a pack with an own event, nobody was asked for it. The log has no time of a version of
    the directory, and a record that came after it shows that it was in force at the record's time.
    """
    gateway = working_set.gateway
    since = gateway.history.pack_since()
    latest = gateway.hub_time(now) - TIME_TO_TELL
    return any(
        record.index > since and record.time <= latest for record in gateway.state(handle).records
    )


def _began_under_pack(working_set: WorkingSet, handle: str) -> bool:
    """Return True if every record of the case came after the pack, so nobody ever worked without.

    Then the agency that knows an event knows whether it happened. The others have time to tell it.
    """
    since = working_set.gateway.history.pack_since()
    records = working_set.gateway.state(handle).records
    return bool(records) and all(record.index > since for record in records)


def next_change(working_set: WorkingSet, handle: str, time: int) -> int | None:
    """Return the first time after `time` at which permissions or silent events may change.

    None if nothing changes without a record. Times are in seconds since 1970, by the hub's clock.
    """
    gateway, since = working_set.gateway, time - TIME_TO_TELL
    known = (
        *(record.time for record in gateway.state_with_pending(handle).records),
        gateway.next_change(handle, since),
    )
    ended = (moment + TIME_TO_TELL for moment in known if moment is not None and moment > since)
    return earliest((*ended, gateway.next_change(handle, time)))


def _may_all_tell(working_set: WorkingSet, role: str, category: str, handle: str, now: int) -> bool:
    """Return True if each agency that could know an event could share it for long enough."""
    agencies = _agencies_that_know(working_set, role, handle)
    return bool(agencies) and all(
        agency == working_set.agency
        or working_set.gateway.may_receive(
            agency, category, case=handle, now=now, throughout=TIME_TO_TELL
        )
        for agency in agencies
    )


def _agencies_that_know(working_set: WorkingSet, role: str, handle: str) -> frozenset[str]:
    """Return the agencies of a role that are known to work in a case, or all of the role.

    This agency has the case. Another one is known to work in it by a record.
    """
    agencies = frozenset(working_set.gateway.history.newest.with_role(role))
    issuers = {
        record.issuer
        for record in working_set.gateway.state(handle).records
        if record.kind not in _NOT_INVOLVED
    }
    return agencies & {*issuers, working_set.agency} or agencies
