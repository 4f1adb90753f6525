"""Sign in and unlock with the agency's own sign-in, where an admin set one up."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.devices import device_of
from offramp.console.agency.frame import SIGN_IN, UNLOCK, Frame, admin_page, lead, origin_of
from offramp.console.agency.provider import (
    COOKIE,
    LASTS,
    NOT_STARTED,
    Endpoints,
    NotSignedIn,
    Pending,
    PendingSignIns,
    address_to_sign_in,
    check_answer,
    find_endpoints,
)
from offramp.console.agency.sessions import FIRST
from offramp.console.agency.sign_in import set_cookie
from offramp.console.requests import refuse_other_sites

START, RETURN = "/sign-in/agency", "/sign-in/agency/return"
_KEPT = 300.0  # seconds for which the provider's addresses are kept
_AT_ONCE = 8
_NOBODY = (
    "Your agency’s sign-in knows you, and this console doesn’t. Ask an admin here to enter your "
    "id there: {subject}"
)
_ANOTHER = "This is another person’s account. Unlock with your own, or sign out."


class OwnSignIn:
    """The two addresses of the agency's own sign-in: where it begins, and where it comes back."""

    def __init__(self, frame: Frame, site: operations.Site, now: Callable[[], float]) -> None:
        self._frame, self._site, self._now = frame, site, now
        self._pending = PendingSignIns(now)
        self._known: tuple[operations.Provider, Endpoints, float] | None = None
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    async def start(self, request: Request) -> Response:
        """Lead to the provider. It is a link: a policy of forms would refuse the way there."""
        refuse_other_sites(request)
        if request.headers.get("sec-fetch-site") == "cross-site":
            raise HTTPException(403)
        provider = await self._frame.thread.run(operations.sign_in_provider)
        if provider is None:
            raise HTTPException(404)
        # INVARIANT: it is a page of `ROUTES`, kept here, and the provider isn't told of it.
        to = admin_page(request.query_params.get("to", ""))
        visitor = self._frame.visitor(request)
        if visitor is not None and not visitor.session.is_locked:
            return lead(to or FIRST)
        try:
            endpoints = await self._endpoints(provider)
        except NotSignedIn as refused:
            return await self._refuse(request, refused, to)
        session = visitor.session.id if visitor is not None else None
        token, pending = self._pending.begin(session, to)
        answer = lead(address_to_sign_in(provider, endpoints, pending, self._own_address))
        # Lax, since the browser comes back from another site.
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(LASTS),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def come_back(self, request: Request) -> Response:
        """Sign in, or unlock, the person whom the provider's answer proves."""
        pending = self._pending.take(request.cookies.get(COOKIE))
        try:
            if pending is None:
                raise NotSignedIn(NOT_STARTED, "not-started")
            person = await self._person_of(request, pending)
            return await self._let_in(request, pending, person)
        except NotSignedIn as refused:
            return await self._refuse(request, refused, pending.to if pending else None)

    async def _person_of(self, request: Request, pending: Pending) -> str:
        """Return the listed person whom an answer proves. Raises `NotSignedIn`."""
        provider = await self._frame.thread.run(operations.sign_in_provider)
        if provider is None:
            raise NotSignedIn(NOT_STARTED, "not-started")
        endpoints = await self._endpoints(provider)
        check = partial(
            check_answer,
            provider,
            endpoints,
            pending,
            str(request.url),
            self._own_address,
            time.time(),
        )
        subject = await anyio.to_thread.run_sync(check, limiter=self._limit)
        find = partial(_find, provider.issuer, subject)
        person = await self._frame.thread.run(find)
        if person is None:
            raise NotSignedIn(_NOBODY.format(subject=subject[:80]), "not-here")
        return person

    async def _let_in(self, request: Request, pending: Pending, person: str) -> Response:
        """Begin a session, or unlock the one that was locked in this browser.

        The page leads on by itself: a browser that comes from another site would not send the
        session's cookie to where a redirection leads.
        """
        sessions = self._frame.sessions
        note = partial(_note, person, origin_of(request), None)
        if pending.session is not None:
            session = sessions.of_id(pending.session)
            if session is None:
                raise NotSignedIn(NOT_STARTED, "not-started")
            if session.person != person:
                raise NotSignedIn(_ANOTHER, "not-here")
            await self._frame.thread.run(note)
            return self._onward(quote(sessions.unlock(session)))
        await self._frame.thread.run(note)
        token, _ = sessions.begin(person, "agency", device_of(request))
        answer = self._onward(pending.to or FIRST)
        set_cookie(answer, token)
        return answer

    def _onward(self, path: str) -> Response:
        return self._without_cookie(self._frame.plain_page("onward.html", "Signed in", onward=path))

    async def _refuse(self, request: Request, refused: NotSignedIn, to: str | None) -> Response:
        note = partial(_note, "", origin_of(request), refused.code)
        await self._frame.thread.run(note)
        visitor = self._frame.visitor(request)
        is_locked = visitor is not None and visitor.session.is_locked
        asked = f"?to={to}" if to else ""
        return self._without_cookie(
            self._frame.plain_page(
                "not_signed_in.html",
                "Not signed in",
                status=422,
                sentence=refused.sentence,
                again=f"{START}{asked}",
                instead=UNLOCK if is_locked else f"{SIGN_IN}{asked}",
            )
        )

    async def _endpoints(self, provider: operations.Provider) -> Endpoints:
        """Return the provider's addresses, asked for anew after a while. Raises `NotSignedIn`."""
        cached = self._known
        if cached is not None and cached[0] == provider and self._now() - cached[2] < _KEPT:
            return cached[1]
        endpoints = await anyio.to_thread.run_sync(find_endpoints, provider, limiter=self._limit)
        self._known = provider, endpoints, self._now()
        return endpoints

    @property
    def _own_address(self) -> str:
        return f"{self._site.origin}{RETURN}"

    @staticmethod
    def _without_cookie(answer: Response) -> Response:
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return answer


def _find(issuer: str, subject: str, office: operations.Office) -> str | None:
    return operations.person_of_subject(office, issuer, subject)


def _note(name: str, origin: str, refused: str | None, office: operations.Office) -> None:
    operations.note_sign_in(office, name, origin, refused)
