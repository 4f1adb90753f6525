"""Sign in, lock, unlock, and sign out; and make an account with an invitation."""

from __future__ import annotations

import time
from functools import partial
from urllib.parse import quote

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.devices import device_of
from offramp.console.agency.frame import (
    SIGN_IN,
    UNLOCK,
    Frame,
    Visitor,
    admin_page,
    field_of,
    lead,
    origin_of,
    read_fields,
)
from offramp.console.agency.sessions import COOKIE, Challenges, is_token
from offramp.console.requests import refuse_other_sites
from rules.errors import Refusal

# Passwords that are checked at once: each takes 64 MiB.
_AT_ONCE = 2
_MOST_WAITING = 30
_WRONG = "Name, password, and code don’t fit together. Try again with a new code."
_NO_PASSKEY = "This passkey isn’t known here. Use your password and a code."
_LOCKED = "Too many tries. Wait 15 minutes, or ask an admin of your agency for a new code."


class SignIn:
    """The pages before a person is signed in."""

    def __init__(
        self,
        frame: Frame,
        challenges: Challenges,
        site: operations.Site,
        *,
        demo_people: tuple[str, ...] = (),
    ) -> None:
        self._frame, self._challenges, self._site = frame, challenges, site
        self._demo_people = demo_people
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    # Sign in

    async def show(self, request: Request) -> Response:
        """Ask for name, password, and code."""
        refuse_other_sites(request)
        to = request.query_params.get("to", "")
        if (visitor := self._frame.visitor(request)) is not None:
            return lead(UNLOCK if visitor.session.is_locked else admin_page(to) or "/")
        is_own = request.url.hostname == self._site.host
        passkeys_at = None if is_own else self._site.origin
        return await self._page(None, passkeys_at=passkeys_at, to=to)

    async def _has_provider(self) -> bool:
        """Report whether the agency's own sign-in is set up."""
        return await self._frame.thread.run(operations.sign_in_provider) is not None

    async def _page(
        self, fault: str | None, name: str = "", passkeys_at: str | None = None, to: str = ""
    ) -> Response:
        return self._frame.plain_page(
            "sign_in.html",
            "Error: Sign in" if fault else "Sign in",
            status=422 if fault else 200,
            fault=fault,
            name=name,
            demo_people=self._demo_people,
            has_provider=await self._has_provider(),
            passkeys_at=passkeys_at,
            to=admin_page(to),
            **self._passkey(),
        )

    def _passkey(self) -> dict[str, str]:
        """Return a challenge for a passkey, and the options for the browser."""
        challenge = self._challenges.issue()
        request = operations.sign_in_request(self._site, challenge)
        return {"challenge": challenge.hex(), "passkey": request}

    async def _person_of(self, request: Request, fields: list[tuple[str, str]]) -> str | None:
        """Return the name of the person whose passkey signed an open challenge."""
        challenge = self._challenges.take(field_of(fields, "challenge"))
        if challenge is None:
            return None
        use = partial(_use_passkey, field_of(fields, "credential"), self._site, challenge)
        person = await self._frame.thread.run(use)
        refused = None if person is not None else "wrong-secret"
        await self._frame.thread.run(partial(_note, person or "", origin_of(request), refused))
        return person

    async def sign_in_with_passkey(self, request: Request) -> Response:
        """Sign in the person of a passkey."""
        refuse_other_sites(request)
        fields = await read_fields(request)
        person = await self._person_of(request, fields)
        if person is None:
            return await self._page(_NO_PASSKEY, to=field_of(fields, "to"))
        return self._begin(request, person, "passkey", fields)

    async def unlock_with_passkey(self, request: Request) -> Response:
        """Unlock a session with a passkey of the same person."""
        visitor, fields = await self._of_form(request)
        person = await self._person_of(request, fields)
        if person is None or person != visitor.session.person:
            return await self._unlock_page(visitor, _NO_PASSKEY)
        return lead(quote(self._frame.sessions.unlock(visitor.session)))

    async def sign_in(self, request: Request) -> Response:
        """Sign a person in."""
        refuse_other_sites(request)
        fields = await read_fields(request)
        name = field_of(fields, "name").strip()
        person = await self._check(request, name, field_of(fields, "password"), fields)
        if person is None:
            return await self._page(
                _LOCKED if self._frame.attempts.is_locked(name) else _WRONG,
                name,
                to=field_of(fields, "to"),
            )
        if (visitor := self._frame.visitor(request)) is not None:
            self._frame.sessions.end(visitor.session)
        return self._begin(request, person, "password", fields)

    async def sign_in_for_demo(self, request: Request) -> Response:
        """Sign a made-up person in without a password, where the console was started so."""
        refuse_other_sites(request)
        fields = await read_fields(request)
        name = field_of(fields, "name")
        if name not in self._demo_people:
            raise HTTPException(404)
        note = partial(_note, name, origin_of(request), None)
        await self._frame.thread.run(note)
        return self._begin(request, name, "demo", fields)

    async def _check(
        self, request: Request, name: str, password: str, fields: list[tuple[str, str]]
    ) -> str | None:
        """Return the listed name of a person whose password and code are right.

        INVARIANT: a name that nobody has takes the same steps and the same answers.
        """
        attempts, thread = self._frame.attempts, self._frame.thread
        self._refuse_crowd()
        origin = origin_of(request)
        if attempts.is_locked(name):
            await thread.run(partial(_note, name, origin, "locked"))
            return None
        account = await thread.run(partial(_find, name))
        check = partial(operations.is_password, account, password)
        is_right = await anyio.to_thread.run_sync(check, limiter=self._limit)
        secret = account.secret if account is not None else None
        step = operations.step_of_code(secret, field_of(fields, "code"), time.time())
        if is_right and step is not None and account is not None:
            if await thread.run(partial(_use_step, account.person, step)):
                attempts.forget(name)
                await thread.run(partial(_note, account.person, origin, None))
                return account.person
        locks = attempts.fail(name)
        await thread.run(partial(_note, name, origin, "locked" if locks else "wrong-secret"))
        return None

    def _refuse_crowd(self) -> None:
        """Refuse to let more people wait for a check. Raises `HTTPException` 429."""
        if self._limit.statistics().tasks_waiting >= _MOST_WAITING:
            raise HTTPException(429)

    def _begin(
        self, request: Request, person: str, method: str, fields: list[tuple[str, str]]
    ) -> Response:
        token, _ = self._frame.sessions.begin(person, method, device_of(request))
        answer = lead(admin_page(field_of(fields, "to")) or "/")
        set_cookie(answer, token)
        return answer

    # Lock and unlock

    async def lock(self, request: Request) -> Response:
        """Lock the session, and keep what was typed in the page's form.

        The button is part of that form, so its fields arrive with it.
        """
        visitor, fields = await self._of_form(request)
        back = field_of(fields, "lock")
        visitor.session.is_locked = True
        if back.startswith("/") and not back.startswith("//"):
            typed = [(name, value) for name, value in fields if name != "lock"]
            self._frame.keep_draft(visitor, back, typed)
            visitor.session.back_to = back
        return lead(UNLOCK)

    async def show_unlock(self, request: Request) -> Response:
        """Ask the person of a locked session for password and code."""
        refuse_other_sites(request)
        visitor = self._frame.visitor(request)
        if visitor is None:
            return lead(SIGN_IN)
        if not visitor.session.is_locked:
            return lead("/")
        return await self._unlock_page(visitor, None)

    async def _unlock_page(self, visitor: Visitor, fault: str | None) -> Response:
        return self._frame.plain_page(
            "unlock.html",
            "Error: Locked" if fault else "Locked",
            status=422 if fault else 200,
            fault=fault,
            name=visitor.session.person,
            session_token=visitor.session.token,
            is_demo_person=visitor.session.person in self._demo_people,
            has_provider=await self._has_provider(),
            is_handed=bool(visitor.session.handed),
            **self._passkey(),
        )

    async def unlock(self, request: Request) -> Response:
        """Unlock a session, and lead back to its page."""
        visitor, fields = await self._of_form(request)
        session = visitor.session
        if session.person not in self._demo_people or field_of(fields, "password"):
            password = field_of(fields, "password")
            person = await self._check(request, session.person, password, fields)
            if person is None:
                is_locked = self._frame.attempts.is_locked(session.person)
                return await self._unlock_page(visitor, _LOCKED if is_locked else _WRONG)
        return lead(quote(self._frame.sessions.unlock(session)))

    async def stay(self, request: Request) -> Response:
        """Note that a person still works at a page. It shows nothing and unlocks nothing.

        The status tells a page of staff that it may no longer be shown in this browser: 205.
        """
        refuse_other_sites(request)
        visitor = self._frame.visitor(request)
        is_staffs = visitor is not None and not (
            visitor.session.is_locked or visitor.session.handed
        )
        return Response(status_code=204 if is_staffs else 205)

    async def sign_out(self, request: Request) -> Response:
        """End the session, and have the browser forget its pages."""
        visitor, _ = await self._of_form(request)
        self._frame.sessions.end(visitor.session)
        answer = lead(SIGN_IN)
        answer.headers["clear-site-data"] = '"cache", "cookies", "storage"'
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    async def _of_form(self, request: Request) -> tuple[Visitor, list[tuple[str, str]]]:
        """Return who sent a form, and its fields. Raises `HTTPException` 403."""
        refuse_other_sites(request)
        visitor = self._frame.visitor(request)
        fields = await read_fields(request)
        if visitor is None or not is_token(visitor.session, field_of(fields, "t")):
            raise HTTPException(403)
        return visitor, fields

    # An invitation

    async def show_invitation(self, request: Request) -> Response:
        """Ask an invited person for the code and a new password."""
        refuse_other_sites(request)
        return self._invitation_page(None)

    def _invitation_page(self, fault: str | None, name: str = "") -> Response:
        return self._frame.plain_page(
            "invited.html",
            "Error: Make your account" if fault else "Make your account",
            status=422 if fault else 200,
            fault=fault,
            name=name,
            shortest=operations.SHORTEST_PASSWORD,
        )

    async def use_invitation(self, request: Request) -> Response:
        """Make the account of an invited person, and show the secret of the one-time codes."""
        refuse_other_sites(request)
        fields = await read_fields(request)
        name = field_of(fields, "name").strip()
        if self._frame.attempts.is_locked(name):
            return self._invitation_page(_LOCKED, name)
        self._refuse_crowd()
        try:
            make = partial(operations.hash_password, field_of(fields, "password"))
            password = await anyio.to_thread.run_sync(make, limiter=self._limit)
        except Refusal as refusal:
            return self._invitation_page(f"{refusal.message}: {refusal.fix}", name)
        secret = operations.make_secret()
        use = partial(_use_invitation, name, field_of(fields, "code"), password, secret)
        person = await self._frame.thread.run(use)
        if person is None:
            locks = self._frame.attempts.fail(name)
            note = partial(_note, name, origin_of(request), "locked" if locks else "wrong-secret")
            await self._frame.thread.run(note)
            return self._invitation_page("Name and invitation don’t fit together.", name)
        self._frame.attempts.forget(name)
        # A new password ends what was signed in with the old one.
        self._frame.sessions.end_all_of(person)
        return self._frame.plain_page(
            "enrolled.html",
            "Your codes",
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            address=operations.enrollment_address(secret, person, self._frame.face.name),
        )


def set_cookie(answer: Response, token: str) -> None:
    """Give the browser a session's token. It is sent to this site alone, and to no script."""
    answer.set_cookie(COOKIE, token, path="/", secure=True, httponly=True, samesite="strict")


def _find(name: str, office: operations.Office) -> operations.Account | None:
    return operations.find_account(office, name)


def _use_step(name: str, step: int, office: operations.Office) -> bool:
    return operations.use_step(office, name, step)


def _note(name: str, origin: str, refused: str | None, office: operations.Office) -> None:
    operations.note_sign_in(office, name, origin, refused)


def _use_passkey(
    credential: str, site: operations.Site, challenge: bytes, office: operations.Office
) -> str | None:
    return operations.use_passkey(office, credential, site, challenge)


def _use_invitation(
    name: str, code: str, password: str, secret: str, office: operations.Office
) -> str | None:
    return operations.use_invitation(office, name, code, password, secret)
