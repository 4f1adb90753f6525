"""Commands for the people of an agency: list, assign, hand over, and see who looked."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from string import hexdigits
from typing import Any

from exchange.errors import shorten
from offramp.agency import operations, staff_wording
from offramp.agency.commands.command import AgencyCommand, Output, actor_of, zone_of
from offramp.agency.folder.office import Office
from offramp.asking import Dialog, confirm
from offramp.names import join_name
from rules.errors import RequestError
from rules.frozen import frozen


def _staff(office: Office, options: argparse.Namespace) -> Output:
    _refuse_unused(options)
    return _ACTIONS[options.action].run(office, options)


def _refuse_unused(options: argparse.Namespace) -> None:
    """Refuse what the action would ignore. Raises `RequestError` `usage`."""
    taken = _ACTIONS[options.action].takes
    for name in ("who", "role", "login", "number", "to", "backup", "team", "yes", "ended"):
        if getattr(options, name) and name not in taken:
            given = f"`{shorten(options.who)}`" if name == "who" else f"`--{name}`"
            actions = " and ".join(
                f"`staff {word}`" for word, action in _ACTIONS.items() if name in action.takes
            )
            raise RequestError(
                "usage",
                f"`staff {options.action}` takes no {given}, and nothing was changed",
                fix=f"leave it out; it is for {actions}",
            )


def _list(office: Office, options: argparse.Namespace) -> Output:
    listed = operations.list_staff(office, with_ended=options.ended)
    return Output(listed.as_json(), staff_wording.staff_lines(listed, zone_of(office)))


def _add(office: Office, options: argparse.Namespace) -> Output:
    name = _needed(options, "who", "the person's name")
    roles = _needed(options, "role", "`--role`")
    return _changed(
        office,
        operations.add_person(office, actor_of(office), name, roles, logins=options.login or ()),
    )


def _roles(office: Office, options: argparse.Namespace) -> Output:
    name, roles = _needed(options, "who", "the person's name"), _needed(options, "role", "`--role`")
    return _changed(office, operations.set_roles(office, actor_of(office), name, roles))


def _logins(office: Office, options: argparse.Namespace) -> Output:
    name = _needed(options, "who", "the person's name")
    logins = _needed(options, "login", "`--login`")
    return _changed(office, operations.set_logins(office, actor_of(office), name, logins))


def _phone(office: Office, options: argparse.Namespace) -> Output:
    number = _needed(options, "number", "`--number`, or `--number none`")
    phone = None if _is_nobody(number) else number
    actor = actor_of(office)
    if options.who is None or join_name(options.who) == join_name(actor):
        return _changed(office, operations.set_own_phone(office, actor, phone))
    return _changed(office, operations.set_phone(office, actor, options.who, phone))


def _end(office: Office, options: argparse.Namespace) -> Output:
    name, actor = _needed(options, "who", "the person's name"), actor_of(office)
    dialog = Dialog.at_terminal("en", zone_of(office).key, as_json=options.json)
    question = f"End `{shorten(name)}`? It can't be undone."
    if not options.yes and not confirm(dialog, question):
        return Output({"ended": False}, ["nobody was ended"])
    return _changed(office, operations.end_person(office, actor, name, hand_over=options.to))


def _assign(office: Office, options: argparse.Namespace) -> Output:
    case = operations.find_case(office, _needed(options, "who", "the case"))
    owner = _needed(options, "to", "the owner with `--to`")
    return _changed(
        office,
        operations.assign_case(
            office,
            actor_of(office),
            case,
            owner,
            backup=None if _is_nobody(options.backup) else options.backup,
            team=options.team or (),
        ),
    )


def _hand_over(office: Office, options: argparse.Namespace) -> Output:
    who = _needed(options, "who", "a case, or a person for all cases")
    to = _needed(options, "to", "the colleague with `--to`")
    actor = actor_of(office)
    if _names_person(office, who):
        return _changed(office, operations.hand_over_all(office, actor, who, to))
    return _changed(
        office, operations.hand_over(office, actor, operations.find_case(office, who), to)
    )


def _names_person(office: Office, who: str) -> bool:
    """Report whether a text is a person's name, and not the digits of a case.

    A listed name is one, also of somebody who was ended, and so is what no case's digits could be.
    """
    listed = {join_name(name) for name in office.working_set().staff.people}
    return join_name(who) in listed or not set(who.lower()) <= set(hexdigits)


def _is_nobody(name: str | None) -> bool:
    """Report whether a flag names nobody or nothing: without it, or with the word `none`."""
    return name is None or name.strip().casefold() == "none"


def _review(office: Office, options: argparse.Namespace) -> Output:
    number = _needed(options, "who", "the number from `staff list`")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise RequestError("usage", f"`{number[:40]}` is no number", fix="see `staff list`")
    access = operations.review_access(office, actor_of(office), int(number))
    return Output(
        access.as_json(), [f"reviewed: {staff_wording.access_line(access, zone_of(office))}"]
    )


def _changed(office: Office, change: operations.StaffChange) -> Output:
    return Output(change.as_json(), staff_wording.change_lines(change, zone_of(office)))


def _needed(options: argparse.Namespace, name: str, what: str) -> Any:
    """Return the text or the list that an action needs. Raises `RequestError` `usage`."""
    value = getattr(options, name)
    if not value:
        raise RequestError("usage", f"`staff {options.action}` needs {what}", fix="see `--help`")
    return value


def _invite(office: Office, options: argparse.Namespace) -> Output:
    name = _needed(options, "who", "the person's name")
    invitation = operations.invite(office, actor_of(office), name)
    return Output(invitation.as_json(), staff_wording.invitation_lines(invitation, zone_of(office)))


@frozen
class _Action:
    """An action of `staff`. `takes` are its word and flags. Every other one is refused."""

    run: Callable[[Office, argparse.Namespace], Output]
    takes: frozenset[str]


_ACTIONS: dict[str, _Action] = {
    "list": _Action(_list, frozenset(("ended",))),
    "add": _Action(_add, frozenset(("who", "role", "login"))),
    "roles": _Action(_roles, frozenset(("who", "role"))),
    "logins": _Action(_logins, frozenset(("who", "login"))),
    "phone": _Action(_phone, frozenset(("who", "number"))),
    "end": _Action(_end, frozenset(("who", "to", "yes"))),
    "invite": _Action(_invite, frozenset(("who",))),
    "assign": _Action(_assign, frozenset(("who", "to", "backup", "team"))),
    "hand-over": _Action(_hand_over, frozenset(("who", "to"))),
    "review": _Action(_review, frozenset(("who",))),
}


def _staff_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=", ".join(_ACTIONS))
    parser.add_argument(
        "who",
        metavar="WHO",
        nargs="?",
        help="the person's name; for `assign` the case, for `hand-over` a case or a person, for "
        "`review` the number from the list",
    )
    parser.add_argument(
        "--role",
        action="append",
        choices=operations.STAFF_ROLES,
        help="a role of the person (repeatable)",
    )
    parser.add_argument(
        "--login",
        metavar="LOGIN",
        action="append",
        help="an account of this machine that the person uses (repeatable)",
    )
    parser.add_argument(
        "--number",
        metavar="NUMBER",
        help="the phone number of the person, or your own without a name; `none` for no number",
    )
    parser.add_argument("--to", metavar="NAME", help="the colleague who gets the case or the cases")
    parser.add_argument(
        "--backup", metavar="NAME", help="the backup of the case, `none` for nobody"
    )
    parser.add_argument(
        "--team", metavar="NAME", action="append", help="a person in the case's team (repeatable)"
    )
    parser.add_argument("--yes", action="store_true", help="`end` without the last question")
    parser.add_argument("--ended", action="store_true", help="list also those who left")


# Who looked


def _looks(office: Office, options: argparse.Namespace) -> Output:
    actor_of(office)
    roles = set(office.session.person.roles) if office.session is not None else set()
    if options.of and not roles & {"supervisor", "auditor", "admin"}:
        case = operations.find_case(office, options.of)
        listed = operations.list_case_looks(
            office, case, person=options.person, only_refused=options.refused
        )
    else:
        listed = operations.list_looks(
            office, of_case=options.of, person=options.person, only_refused=options.refused
        )
    return Output(listed.as_json(), staff_wording.looks_lines(listed, zone_of(office)))


def _looks_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "of", metavar="CASE", nargs="?", help="one case only: its first digits (at least 4)"
    )
    parser.add_argument("--person", metavar="NAME", help="the looks of one person only")
    parser.add_argument("--refused", action="store_true", help="only what was refused")


COMMANDS = (
    AgencyCommand(
        "staff",
        "list the people of the agency, give them roles and cases, and end them",
        run=_staff,
        options=_staff_options,
    ),
    AgencyCommand(
        "looks",
        "show who opened, printed, searched, or was refused what",
        run=_looks,
        options=_looks_options,
    ),
)
