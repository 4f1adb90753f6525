"""Decide whether a record fits its case, as far as `disclosure` doesn't decide it.

The hub asks at the commit, and the issuer asks before it seals.
"""

from __future__ import annotations

from exchange.consent.state import COLLECTORS, Committed, Roles, State, may_change
from exchange.consent.terms import bound_agencies
from exchange.records.kinds import find_kind
from exchange.records.statements import About, Change, Grant, Statement


def admits(state: State, record: Committed, roles: Roles) -> bool:
    """Return whether a record may be committed after a state.

    * No other issuer in the case has used its id, so an id names one record.
    * A recall or correction is about the issuer's own part. The answer to a recall comes from an
      agency that the recall asked.
    * A grant is collected by an entitled agency, under an id of its own, between listed
      agencies. It contradicts no restriction unless it lifts the restriction by id. Its
      certifier may certify.
    * A change is to an existing grant, and the agency that the grant names certifies an event.
    * Consent terms go to every agency that they bind.
    """
    if record.case is not None and any(
        other.issuer != record.issuer for other in state.of_id(record.jti)
    ):
        return False
    for _, statement in record.says() if record.has_statement else ():
        if isinstance(statement, About) and not _may_be_about(state, record, statement):
            return False
    if record.kind not in ("consent", "consent_change"):
        return True
    grant_ids: set[str] = set()
    for part, statement in record.says():
        if not _reaches_bound_agencies(state, record, part, statement, roles):
            return False
        if isinstance(statement, Grant):
            is_taken = statement.id in grant_ids or state.grant(statement.id) is not None
            if is_taken or not _admits_grant(state, record, statement, roles):
                return False
            grant_ids.add(statement.id)
        elif isinstance(statement, Change) and not _admits_change(state, record, statement):
            return False
    return True


def _reaches_bound_agencies(
    state: State, record: Committed, part: str, terms: Statement, roles: Roles
) -> bool:
    """Return whether terms go to all agencies that they bind. An agency that isn't told goes on.

    An end needn't reach an agency that left the directory. That agency may neither disclose nor
    receive, and a revocation must not wait for it.
    """
    bound = bound_agencies(state, terms) - {record.issuer}
    if isinstance(terms, Change) and terms.does == "end":
        bound = frozenset(agency for agency in bound if roles.role(agency) is not None)
    return bound <= record.recipients(part)


def _may_be_about(state: State, record: Committed, about: About) -> bool:
    subject = state.subject(about)
    if record.kind in ("recall", "correction"):
        return subject is not None and subject.issuer == record.issuer
    if record.kind == "recall_answer":
        return (
            subject is not None
            and subject.kind == "recall"
            and record.issuer in subject.recipients(about.about[1])
        )
    return True


def _admits_grant(state: State, record: Committed, grant: Grant, roles: Roles) -> bool:
    certifier = [grant.certifier] if grant.certifier else []
    agencies = (grant.discloser, grant.recipient, *certifier)
    if record.role not in COLLECTORS or any(roles.role(agency) is None for agency in agencies):
        return False
    if grant.certifier and roles.role(grant.certifier) not in find_kind("consent_change").issuers:
        return False
    return not any(
        restriction.part not in grant.lifts
        and set(grant.categories) & set(restriction.change.categories or ())
        for restriction in state.changes_for((grant.discloser, grant.recipient))
    )


def _admits_change(state: State, record: Committed, change: Change) -> bool:
    if not may_change(record.role, change):
        return False
    logged = state.grant(change.grant)
    if change.grant is not None and logged is None:
        return False
    is_certified_by_another = (
        change.does == "certify" and logged is not None and logged.grant.certifier != record.issuer
    )
    return not is_certified_by_another
