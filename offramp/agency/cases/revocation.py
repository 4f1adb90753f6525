"""The end of a consent: the parts that end its grants, and the notice of an oral revocation."""

from __future__ import annotations

from exchange.consent.reduction import represents
from exchange.records.building import Part
from exchange.records.statements import Change, Grant
from offramp.agency.cases.draft import Defaults
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet

OPERATION = ("exchange_operation", "operation")


def revocation_parts(
    working_set: WorkingSet, case: str, recipient: str | None, defaults: Defaults
) -> tuple[Part, ...]:
    """End every live grant of a case, or of those to one recipient.

    Each end goes to both agencies of its grant and to its certifier. Raises `AgencyError`
    `nothing-to-revoke`.
    """
    grants = _live_grants(working_set, case, recipient)
    if not grants:
        raise AgencyError(
            "nothing-to-revoke",
            "no consent is known here that could end",
            fix="counsel takes the account first",
        )
    parts = []
    sealing = working_set.gateway.history.membership_at(2**53 - 1).sealing
    for grant in grants:
        # An end never waits for a certifier's key: the certifier is told if it can be.
        certifiers = [grant.certifier] if grant.certifier and grant.certifier in sealing else []
        parties = dict.fromkeys((grant.discloser, grant.recipient, *certifiers))
        recipients = [agency for agency in parties if agency != working_set.agency]
        parts.append(
            Part(
                category=("consent_terms",),
                content={"consent_terms": {}},
                to=dict.fromkeys(recipients, OPERATION),
                keep_until=defaults.keep_until,
                use=defaults.use,
                says={"does": "end", "grant": grant.id},
            )
        )
    return tuple(parts)


def _live_grants(working_set: WorkingSet, case: str, recipient: str | None) -> list[Grant]:
    state = working_set.gateway.state(case)
    ended = {
        statement.grant
        for record in state.kind("consent_change")
        for _, statement in record.says()
        if isinstance(statement, Change) and statement.does == "end"
    }
    return [
        statement
        for record in state.kind("consent")
        for _, statement in record.says()
        if isinstance(statement, Grant)
        and statement.id not in ended
        and recipient in (None, statement.recipient)
    ]


def oral_notice_parts(
    working_set: WorkingSet, case: str, today: str, defaults: Defaults
) -> tuple[Part, ...]:
    """Tell the collectors of consents, and counsel, that the person ended a consent orally.

    The notice holds what a signed form would (`consent_identity`), so it goes only where a consent
    that is still in force lets it. Empty where none does: the end itself is a record of its own.
    """
    state = working_set.gateway.state(case)
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
            keep_until=defaults.keep_until,
            use=defaults.use,
        ),
    )
