"""The agency in the exchange: its queue, its keys, the directory, invitations, and backups."""

from __future__ import annotations

from typing import Literal

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.invitations import (
    Invitation,
    invite_agency,
    list_invitations,
    roles_of_agencies,
    withdraw_invitation,
)
from offramp.console.agency.routes import action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit
from offramp.invitation_code import spelled_code
from rules.errors import RequestError

ADMIN = ("admin",)
EXCHANGE, STOLEN = "/admin/exchange", "/admin/exchange/stolen"
_MOST_ROWS = 20
JOIN, DIRECTORY, BACKUP = "/admin/join", "/admin/directory", "/admin/backup"


@page(EXCHANGE, ADMIN)
def exchange(visit: Visit) -> Response:
    """Show what waits for the hub, and what is wrong with the log, in plain words."""
    return visit.show(
        "exchange.html",
        "Exchange",
        report=operations.report_status(visit.office, most=_MOST_ROWS),
        hours=_backup_hours(visit),
    )


def _backup_hours(visit: Visit) -> int | None:
    """Return how many hours old the last backup is. None without one."""
    last = operations.describe_backups(visit.office).last
    return None if last is None else (visit.office.clock() - last) // 3600


@action("/admin/exchange/retry", ADMIN)
def retry(visit: Visit) -> Response:
    """Queue a refused record again."""
    operations.retry_record(visit.office, visit.field("record"))
    return visit.go(EXCHANGE)


# A stolen key


@page(STOLEN, ADMIN)
def stolen(visit: Visit) -> Response:
    """Ask which key is stolen."""
    retired = visit.recall("retired")
    visit.forget("retired")
    keys = [
        (key.id, f"{key.id}, which {'opens what arrives' if key.opens_parts else 'signs'}")
        for key in operations.list_own_keys(visit.office)
    ]
    return visit.show("stolen.html", "A stolen key", keys=keys, done=retired)


@action(STOLEN, ADMIN)
def retire(visit: Visit) -> Response:
    """Retire a stolen key of this agency at once."""
    own = {key.id for key in operations.list_own_keys(visit.office)}
    faults = {}
    if visit.field("key") not in own:
        faults["key"] = "Choose the key that is stolen"
    if visit.field("sure") != "yes":
        faults["sure"] = "Say that you are sure. It can’t be undone"
    if faults:
        raise Invalid(faults)
    retirement = operations.retire(visit.office, visit.field("key"))
    view = operations.read_directory_drafts(visit.office)
    effects = {"opens_parts": retirement.opens_parts, "to_call": list(view.to_call)}
    visit.remember("retired", {**retirement.as_json(), **effects})
    return visit.go(STOLEN)


# The directory


@page(DIRECTORY, ADMIN)
def directory(visit: Visit) -> Response:
    """Show each draft in words, with the eight words to read by telephone."""
    approved = visit.recall("approved")
    visit.forget("approved")
    view = operations.read_directory_drafts(visit.office)
    return visit.show("directory.html", "Directory", view=view, done=approved)


@action(DIRECTORY, ADMIN)
def approve(visit: Visit) -> Response:
    """Sign a draft, if the words that were heard are its words."""
    typed = visit.field("words")
    if not typed:
        raise Invalid({"words": "Type the eight words that the other agency reads"})
    approval = operations.approve_by_words(visit.office, visit.field("draft"), typed)
    visit.remember("approved", approval.as_json())
    return visit.go(DIRECTORY)


# Invitations


@page(JOIN, ADMIN)
def join(visit: Visit) -> Response:
    """Show the invitations of the hub that this agency runs, or how this agency joins one."""
    folder = operations.hub_folder(visit.office)
    now = visit.office.clock()
    invitations = list_invitations(folder, now) if folder is not None else ()
    return visit.show(
        "join.html",
        "Invitations",
        hub=operations.hub_of(visit.office),
        operates=folder is not None,
        invitations=invitations,
        roles=roles_of_agencies(),
    )


@action(JOIN, ADMIN)
def join_hub(visit: Visit) -> Response:
    """Ask a hub to list this agency, by an invitation as it was scanned or typed."""
    url, code = _invitation_in(visit)
    try:
        operations.join_hub(visit.office, url, code, part2=_part2(visit))
    except RequestError as refusal:
        raise Invalid({"code": refusal.message.replace("`", "")}) from None
    return visit.go(JOIN)


@action("/admin/join/invite", ADMIN)
def invite(visit: Visit) -> Response:
    """Invite an agency to the hub that this agency runs."""
    agency, name, role = visit.field("agency"), visit.field("name"), visit.field("role")
    faults = {}
    if not agency:
        faults["agency"] = "Write a short id, such as police"
    if not name:
        faults["name"] = "Write the agency’s name"
    if not role:
        faults["role"] = "Choose what the agency is"
    if faults:
        raise Invalid(faults, JOIN)
    folder = operations.open_invitations(visit.office)
    try:
        invited = invite_agency(folder, agency, role, name, visit.office.clock())
    except RequestError as refusal:
        raise Invalid({"agency": refusal.message.replace("`", "")}, JOIN) from None
    return _shown(visit, invited)


@action("/admin/join/show", ADMIN)
def show_again(visit: Visit) -> Response:
    """Show an open invitation again."""
    folder = operations.open_invitations(visit.office)
    for invited in list_invitations(folder, visit.office.clock()):
        if invited.agency == visit.field("agency") and invited.code:
            return _shown(visit, invited)
    raise NotHere


@action("/admin/join/withdraw", ADMIN)
def withdraw(visit: Visit) -> Response:
    """Withdraw an invitation: its code is void from then on."""
    folder = operations.open_invitations(visit.office)
    withdraw_invitation(folder, visit.field("agency"))
    return visit.go(JOIN)


def _shown(visit: Visit, invited: Invitation) -> Response:
    visit.remember(
        "agency invitation",
        {"agency": invited.agency, "name": invited.name, "code": invited.code},
    )
    visit.remember("agency invited until", {"until": invited.until})
    return visit.go("/admin/join/invited")


@page("/admin/join/invited", ADMIN)
def invited(visit: Visit) -> Response:
    """Show an invitation as a QR code, and as words to read by telephone."""
    kept, until = visit.recall("agency invitation"), visit.recall("agency invited until")
    hub = operations.hub_of(visit.office)
    if kept is None or until is None:
        return visit.go(JOIN)
    return visit.show(
        "agency_invitation.html",
        "An invitation",
        invitation=kept,
        until=until["until"],
        hub=hub,
        words=spelled_code(kept["code"]),
        scanned=" ".join((hub or "", kept["agency"], kept["code"])).strip(),
    )


def _invitation_in(visit: Visit) -> tuple[str, str]:
    """Return the hub's address and the code, from fields or from a scanned text.

    Raises `Invalid`.
    """
    url, tokens = visit.field("hub"), visit.field("code").split()
    if tokens and tokens[0].startswith("http"):
        url, tokens = tokens[0], tokens[1:]
        if len(tokens) > 1 and tokens[0] == visit.agency.id:
            tokens = tokens[1:]
        elif len(tokens) > 1:
            raise Invalid({"code": f"This invitation is for {tokens[0]}, not for this agency"})
    faults = {}
    if not url:
        faults["hub"] = "Write the hub’s address, such as https://hub.example:8440"
    if not tokens:
        faults["code"] = "Type the invitation, or paste what the QR code says"
    if not visit.field("part2"):
        faults["part2"] = "Choose one, or not known yet"
    if faults:
        raise Invalid(faults)
    return url, "".join(tokens)


def _part2(visit: Visit) -> Literal["yes", "no", "unknown"]:
    chosen = visit.field("part2")
    return "yes" if chosen == "yes" else "no" if chosen == "no" else "unknown"


# Backups


@page(BACKUP, ADMIN)
def backups(visit: Visit) -> Response:
    """Show the last backup, and whether a restoration of it was tried."""
    state = operations.describe_backups(visit.office)
    return visit.show("backup.html", "Backup", state=state, hours=_backup_hours(visit))


@action(BACKUP, ADMIN)
def back_up(visit: Visit) -> Response:
    """Make a backup now."""
    operations.back_up_here(visit.office)
    return visit.go(BACKUP)


@action("/admin/backup/drill", ADMIN)
def drill(visit: Visit) -> Response:
    """Restore a backup on a copy, and show what was checked."""
    operations.drill_here(visit.office, visit.field("file"))
    return visit.go(BACKUP)
