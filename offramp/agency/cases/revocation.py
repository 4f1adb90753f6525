"""The end of a consent: the parts that end its grants, and the notice of an oral revocation."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from exchange.agency.gateway import PENDING, UNCOMMITTED
from exchange.consent.reduction import represents
from exchange.consent.state import LoggedGrant
from exchange.records.building import Part
from exchange.records.statements import Grant
from exchange.standards.sd_jwt import SIZES
from offramp.agency.cases.draft import Defaults
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet

# The most parts of one record.
MOST_PARTS = SIZES[-1]
OPERATION = ("exchange_operation", "operation")


def revocation_records(
    working_set: WorkingSet,
    case: str,
    recipient: str | None,
    defaults: Defaults,
    chosen: Collection[str] | None = None,
) -> tuple[tuple[Part, ...], ...]:
    """End every live grant of a case, or of those to one recipient, in as many records as needed.

    With `chosen`, end the grants of these ids. Each end goes to both agencies of its grant and to
    its certifier. Raises `AgencyError` `nothing-to-revoke`.
    """
    grants = [
        (logged, recipients)
        for logged, recipients in _grants_to_end(working_set, case, recipient)
        if chosen is None or logged.grant.id in chosen
    ]
    if not grants:
        raise AgencyError(
            "nothing-to-revoke",
            "no consent is known here that could end",
            fix="counsel takes the account first",
        )
    # A record rests on one queued consent at most: if the hub refuses that consent, it refuses its
    # ends too, and every other end must still pass.
    by_consent: dict[str, list[Part]] = {}
    for logged, recipients in grants:
        consent = logged.jti if logged.index == PENDING else ""
        part = _end_of(logged.grant, recipients, defaults)
        by_consent.setdefault(consent, []).append(part)
    return tuple(
        tuple(ends[first : first + MOST_PARTS])
        for ends in by_consent.values()
        for first in range(0, len(ends), MOST_PARTS)
    )


def grants_that_allow(
    working_set: WorkingSet,
    case: str,
    pair: tuple[str, str],
    categories: Iterable[str],
    purposes: Iterable[str],
) -> frozenset[str]:
    """Return the ids of the unended grants by which one agency may tell another some of that.

    `pair` is the sender and the recipient. INVARIANT: a no leaves nothing of it allowed, so a grant
    that shares one category and one purpose with it is among them.
    """
    return frozenset(
        logged.grant.id
        for logged in working_set.gateway.unended_grants(case)
        if logged.pair == pair
        and set(logged.grant.categories) & set(categories)
        and set(logged.grant.purposes) & set(purposes)
    )


def ends_with_line(working_set: WorkingSet, case: str, line: str) -> frozenset[str]:
    """Return the ids of the unended grants that end when the person takes a line back.

    `line` is the id of a grant of the case. It may have ended: what another one allows in its place
    ends too. Empty for an id that no grant has.
    """
    for logged in working_set.gateway.state_with_pending(case).grants:
        grant = logged.grant
        if grant.id == line:
            return grants_that_allow(
                working_set, case, logged.pair, grant.categories, grant.purposes
            )
    return frozenset()


def _end_of(grant: Grant, recipients: Iterable[str], defaults: Defaults) -> Part:
    return Part(
        category=("consent_terms",),
        content={"consent_terms": {}},
        to=dict.fromkeys(recipients, OPERATION),
        keep_until=defaults.last_day(("consent_terms",)),
        use=defaults.use,
        says={"does": "end", "grant": grant.id},
    )


def _grants_to_end(
    working_set: WorkingSet, case: str, recipient: str | None
) -> list[tuple[LoggedGrant, tuple[str, ...]]]:
    """Return each unended grant with the agencies that must learn of its end.

    An agency that left the directory may neither disclose nor receive, and gets no end. A grant
    between two such agencies is left out, because its end could reach nobody.
    """
    membership = working_set.gateway.history.membership_at(UNCOMMITTED)
    listed = membership.directory.agencies
    grants = []
    for logged in working_set.gateway.unended_grants(case):
        grant = logged.grant
        if recipient not in (None, grant.recipient):
            continue
        # An end never waits for a certifier's key: the certifier is told if it can be.
        certifiers = [grant.certifier] if grant.certifier in membership.sealing else []
        parties = dict.fromkeys((grant.discloser, grant.recipient, *certifiers))
        recipients = tuple(
            agency
            for agency in parties
            if agency is not None and agency != working_set.agency and agency in listed
        )
        if recipients:
            grants.append((logged, recipients))
    return grants


def oral_notice_parts(
    working_set: WorkingSet, case: str, today: str, defaults: Defaults
) -> tuple[Part, ...]:
    """Tell the collectors of consents, and counsel, that the person ended a consent orally.

    The notice holds what a signed form would (`consent_identity`), so it goes only where a consent
    that is still in force lets it. Empty where none does: the end itself is a record of its own.
    """
    state = working_set.gateway.state_with_pending(case)
    directory = working_set.gateway.history.membership_at(2**53 - 1).directory
    collectors = {record.issuer for record in state.kind("consent")}
    counsel = {agency for agency in directory.with_role("defender") if represents(state, agency)}
    ended = {logged.change.grant for logged in state.changes if logged.change.does == "end"}
    to = {}
    for logged in state.grants:
        grant = logged.grant
        if (
            grant.id not in ended
            and grant.discloser == working_set.agency
            and "consent_identity" in grant.categories
            and grant.recipient in collectors | counsel
        ):
            to[grant.recipient] = (grant.purposes[0], "consent")
    if not to:
        return ()
    content = {"cause": {"said": "aloud", "said_on": today}}
    return (
        Part(
            category=("consent_identity",),
            content={"consent_identity": content},
            to=to,
            keep_until=defaults.last_day(("consent_identity",)),
            use=defaults.use,
        ),
    )
