"""The invitations of the hub, where the account of this agency runs that too.

The hub's own operations work on its folder. See
docs/decisions/0145-invitations-where-the-hub-runs.md.
"""

from __future__ import annotations

from pathlib import Path

from offramp.hub import operations as hub
from offramp.hub.operations import Invitation

__all__ = [
    "Invitation",
    "invite_agency",
    "list_invitations",
    "roles_of_agencies",
    "withdraw_invitation",
]


def list_invitations(folder: Path, now: int) -> tuple[Invitation, ...]:
    """Return the newest invitation of each agency. Raises `RequestError` `not-a-hub`."""
    return hub.list_invitations(hub.open_folder(folder), now=now)


def invite_agency(folder: Path, agency: str, role: str, name: str, now: int) -> Invitation:
    """Invite an agency. Raises `RequestError` `not-a-hub`, `bad-invitation`, `no-output`."""
    return hub.invite_agency(hub.open_folder(folder), agency, role, name, now=now)


def withdraw_invitation(folder: Path, agency: str) -> Invitation:
    """Withdraw an agency's invitation. Raises `RequestError` `not-a-hub`, `no-invitation`."""
    return hub.withdraw_invitation(hub.open_folder(folder), agency)


def roles_of_agencies() -> tuple[tuple[str, str], ...]:
    """Return the roles that an agency can have, with words for them."""
    return tuple((role, role.replace("_", " ").capitalize()) for role in hub.AGENCY_ROLES)
