"""Lost devices and lost passwords: end what a device could do, and see what it did.

A supervisor or an admin helps a colleague who stands before them or calls. See
docs/decisions/0144-help-a-colleague-in.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from offramp.agency.cases.people import person_name
from offramp.agency.folder.accounts import Account
from offramp.agency.folder.looks import Look, with_outcomes
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import INVITES, OWN_ACCOUNT, may_see, needs
from offramp.agency.operations.accounts import LATELY, Invitation, check_helps, issue_code
from rules.frozen import frozen

# A recovery code is used at once, before the person who issued it.
RECOVERY_LASTS = 30 * 60
# How many of the newest looks are searched for those of one session.
_LOOKS_READ = 5_000


@frozen
class SessionLook:
    """A look of one session. `person` is the case's, where the person who asks may see the case."""

    look: Look
    person: str | None


@needs(INVITES, look="act")
def recover(office: Office, actor: str, name: str) -> Invitation:
    """Issue a code with which a person whose password or phone is lost gets in again.

    It is valid for 30 minutes, and once. Give it in person, never by mail. A supervisor can't help
    an admin. Raises `AgencyError` `unlisted-person`, `person-ended`, `not-your-role`.
    """
    return issue_code(office, actor, name, RECOVERY_LASTS)


@needs(INVITES, look="act")
def end_device(
    office: Office, actor: str, name: str, passkeys: Sequence[str], *, with_codes: bool
) -> int:
    """Remove passkeys of a colleague whose device is lost, and return how many were removed.

    With `with_codes`, the one-time codes of the lost phone end too: the person needs a recovery
    code. End the sessions of the device beside it. A supervisor can't do it to an admin. Raises
    `AgencyError` `unlisted-person`, `person-ended`, `not-your-role`.
    """
    with office.transaction() as working_set:
        person = check_helps(working_set.staff, actor, name)
        return _end_device(office, person.name, passkeys, with_codes)


@needs(OWN_ACCOUNT, look="act")
def end_own_device(office: Office, actor: str, passkeys: Sequence[str], *, with_codes: bool) -> int:
    """Remove own passkeys of a lost device, and with `with_codes` the codes of the lost phone.

    Return how many passkeys were removed.
    """
    with office.transaction():
        return _end_device(office, actor, passkeys, with_codes)


@needs(OWN_ACCOUNT, look="list")
def own_session_looks(office: Office, actor: str, session: str) -> tuple[SessionLook, ...]:
    """Return what an own session did in the last day, the newest first.

    `session` is the mark of the session in the origin of its looks.
    """
    return _session_looks(office, actor, session)


@needs(INVITES, look="list")
def session_looks(office: Office, name: str, session: str) -> tuple[SessionLook, ...]:
    """Return what a colleague's session did in the last day, the newest first.

    An admin sees no case. Raises `AgencyError` `unlisted-person`, `person-ended`.
    """
    return _session_looks(office, office.working_set().staff.named(name).name, session)


def _end_device(office: Office, name: str, passkeys: Sequence[str], with_codes: bool) -> int:
    account = office.accounts.read().get(name, Account(name))
    left = tuple(passkey for passkey in account.passkeys if passkey.id not in passkeys)
    secret = None if with_codes else account.secret
    office.accounts.put(replace(account, passkeys=left, secret=secret))
    return len(account.passkeys) - len(left)


def _session_looks(office: Office, name: str, session: str) -> tuple[SessionLook, ...]:
    working_set, acting, now = office.working_set(), office.acting, office.clock()
    looks = []
    for look in with_outcomes(office.looks.read(newest=_LOOKS_READ)):
        is_of_session = look.person == name and look.origin.endswith(f"session {session}")
        if not is_of_session or now - look.time > LATELY:
            continue
        sees = (
            acting is not None
            and look.case is not None
            and look.case in working_set.cases
            and may_see(working_set.staff, acting.person, look.case, now)
        )
        person = person_name(working_set, look.case) if sees and look.case else None
        looks.append(SessionLook(look if sees else replace(look, case=None), person))
    return tuple(reversed(looks))
