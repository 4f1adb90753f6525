"""Refuse an act on a case that changed since the person read it."""

from __future__ import annotations

from offramp.agency.cases.changes import CaseChange, IsChange, changes_in
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet

CASE_CHANGED = "case-changed"


def check_unchanged(
    office: Office,
    working_set: WorkingSet,
    case: str,
    seen_at: int | None,
    matters: IsChange = lambda change: True,
) -> None:
    """Check, within a transaction, that a case is as a person read it at an event of the journal.

    INVARIANT: the check and the act are one transaction, so of two people at once the second one is
    told. None for `seen_at` checks nothing. Raises `AgencyError` `case-changed`.
    """
    if (refusal := refuse_changed(office, working_set, case, seen_at, matters)) is not None:
        raise refusal


def refuse_changed(
    office: Office,
    working_set: WorkingSet,
    case: str,
    seen_at: int | None,
    matters: IsChange = lambda change: True,
) -> AgencyError | None:
    """Return the refusal of `check_unchanged`, None where nothing changed."""
    if seen_at is None or seen_at >= office.at:
        return None
    changes = changes_in(working_set, office.journal.after(seen_at), case)
    changed = list(dict.fromkeys(_text(change) for change in changes if matters(change)))
    if not changed:
        return None
    return AgencyError(
        "case-changed",
        f"the case `{working_set.cases.digits(case)}` changed since you read it: "
        f"{', '.join(changed[:5])}",
        fix="nothing was sent: read it again, then decide",
    )


def _text(change: CaseChange) -> str:
    kind = f"`{change.kind.replace('_', ' ')}`"
    return f"{kind} from `{change.agency}`" if change.agency else f"{kind} was recorded here"
