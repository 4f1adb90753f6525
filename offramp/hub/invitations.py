"""Invitations: codes short enough for a telephone call, their expiry, and their withdrawal.

A code is an HMAC under the hub's own secret over the invitation: agency, role, name, last second,
and a number drawn at random. The invitation is a file in the hub's folder. The code itself is
stored nowhere. A new invitation replaces the agency's earlier one. A withdrawn one is renamed, so
that its code counts no more and the list can still name it. A join leaves a note beside the file.

`offramp.invitation_code` has the form of a code.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, get_args

from pydantic import Field, ValidationError

from exchange.errors import ExchangeError, RequestRefused, shorten
from exchange.membership.directory import Role
from exchange.models import AgencyId, PlainName, WireModel, validate
from exchange.standards import i_json
from offramp.invitation_code import heard_code, spoken_code
from rules.errors import RequestError, nearest

FOLDER = "invitations"
WITHDRAWN_SUFFIX, _USED_SUFFIX = ".withdrawn", ".used"
VALID_SECONDS = 7 * 24 * 3600
_CODE_BYTES = 10


class Invited(WireModel):
    """An invited agency, its role and name, and the last second (since 1970) to join.

    `number` tells this invitation from an earlier one of the same agency.
    """

    agency: AgencyId
    role: Role
    name: PlainName
    until: Annotated[int, Field(ge=0)]
    number: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


def code_of(secret: bytes, invited: Invited) -> str:
    """Return the code of an invitation, such as `7K2M-9QXR-04WT-HB5D`."""
    payload = i_json.write(invited.model_dump(mode="json"))
    tag = hmac.digest(secret, payload, "sha256")[:_CODE_BYTES]
    return spoken_code(base64.b32encode(tag).decode("ascii"))


def invite(
    folder: Path,
    agency: str,
    role: str,
    name: str,
    *,
    now: int,
    random_bytes: Callable[[int], bytes],
) -> Invited:
    """Write an invitation, in place of an earlier one. Raises `RequestError` `bad-invitation`."""
    try:
        invited = Invited.model_validate(
            {
                "agency": agency,
                "role": role,
                "name": name,
                "until": now + VALID_SECONDS,
                "number": random_bytes(8).hex(),
            }
        )
    except ValidationError as error:
        raise _bad_invitation(agency, role, name, error) from None
    target = _path_of(folder, agency)
    partial = target.with_suffix(f".{invited.number}")
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(i_json.write(invited.model_dump(mode="json")))
        partial.replace(target)
    except OSError as error:
        reason = (error.strerror or "the system refused").lower()
        raise RequestError(
            "no-output", f"`{target}` could not be written: {reason}", fix="make room"
        ) from None
    return invited


def _bad_invitation(agency: str, role: str, name: str, error: ValidationError) -> RequestError:
    """Return the refusal of an invitation, with the word at fault and how to write it."""
    wrong = {each["loc"][0] for each in error.errors() if each["loc"]}
    if "agency" in wrong:
        return RequestError(
            "bad-invitation",
            f"`{shorten(agency)}` is no id of an agency",
            fix="use 2 to 31 lower-case letters, digits, and dashes, with a letter first, such as "
            "`police`",
        )
    if "role" in wrong:
        return RequestError(
            "bad-invitation",
            f"`{shorten(role)}` is no role of an agency",
            fix=nearest(role, sorted(get_args(Role))),
        )
    return RequestError(
        "bad-invitation",
        f"`{shorten(name)}` is no name of an agency",
        fix='write it on one line of plain characters, in quotes, such as `--name "City Police"`',
    )


def withdraw(folder: Path, agency: str) -> Invited:
    """Put an agency's invitation aside, so that its code counts no more.

    Raises `RequestError` `no-invitation`.
    """
    invited = find(folder, agency)
    if invited is None:
        raise RequestError(
            "no-invitation",
            f"`{agency[:40]}` has no invitation",
            fix="see the invitations with `offramp hub invite DIR --list`",
        )
    path = _path_of(folder, agency)
    with suppress(FileNotFoundError):
        path.replace(path.with_suffix(WITHDRAWN_SUFFIX))
    return invited


def note_use(folder: Path, invited: Invited, now: int) -> None:
    """Note that an agency joined with its invitation. The first time counts."""
    path = _path_of(folder, invited.agency).with_suffix(_USED_SUFFIX)
    if used_at(folder, invited) is not None:
        return
    with suppress(OSError):  # the list then shows the invitation as open, and nothing else is lost
        path.write_bytes(i_json.write({"number": invited.number, "at": now}))


def used_at(folder: Path, invited: Invited) -> int | None:
    """Return when an invitation was first used, in seconds since 1970. None if it wasn't."""
    try:
        path = _path_of(folder, invited.agency).with_suffix(_USED_SUFFIX)
        note = i_json.read_object(path.read_bytes())
    except (OSError, ExchangeError):
        return None
    at = note.get("at")
    return at if note.get("number") == invited.number and isinstance(at, int) else None


def list_withdrawn(folder: Path) -> tuple[Invited, ...]:
    """Return the invitations that were withdrawn, by agency, the last of each."""
    names = [path.stem for path in sorted((folder / FOLDER).glob(f"*{WITHDRAWN_SUFFIX}"))]
    found = (_read(folder, name, WITHDRAWN_SUFFIX) for name in names)
    return tuple(invited for invited in found if invited is not None)


def list_invited(folder: Path) -> tuple[Invited, ...]:
    """Return the invitations that weren't withdrawn, the one that expires first in front."""
    names = [path.stem for path in sorted((folder / FOLDER).glob("*.json"))]
    invitations = (invited for name in names if (invited := find(folder, name)) is not None)
    return tuple(sorted(invitations, key=lambda invited: invited.until))


def find(folder: Path, agency: str) -> Invited | None:
    """Return an agency's invitation. None if it has none that can be read."""
    return _read(folder, agency, ".json")


def _read(folder: Path, agency: str, suffix: str) -> Invited | None:
    try:
        data = _path_of(folder, agency).with_suffix(suffix).read_bytes()
        invited = validate(Invited, i_json.read_object(data), "the invitation")
    except (OSError, ExchangeError):
        return None
    return invited if invited.agency == agency else None


def check_code(secret: bytes, invited: Invited | None, code: str, now: int) -> Invited:
    """Return the invitation that a code opens.

    Raises `RequestRefused` `bad-code` for any fault of the code.
    """
    if invited is None or now > invited.until:
        raise bad_code()
    if not hmac.compare_digest(_normal(code_of(secret, invited)), _normal(code)):
        raise bad_code()
    return invited


def bad_code() -> RequestRefused:
    """Return the refusal of a code."""
    return RequestRefused(
        "bad-code",
        "this code is not the one of this agency's invitation, was withdrawn, or has expired",
        fix="compare the code and the agency's id with the hub's operator, or ask for a new code",
    )


def _normal(code: str) -> bytes:
    return heard_code(code).encode("utf-8", "replace")


def _path_of(folder: Path, agency: str) -> Path:
    # An agency's id has no dot and no slash. A name that is no id has no file.
    is_id = agency.isascii() and agency.replace("-", "").isalnum()
    return folder / FOLDER / (f"{agency}.json" if is_id else "-")
