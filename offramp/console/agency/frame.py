"""The frame of every page: who asks, whether it is locked, whether the form is genuine, and once.

Each request passes the same steps in the same order. A page's function is called last, with a
`Visit`, and calls operations. What an operation refuses is final.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from functools import partial
from typing import Any

from babel import negotiate_locale
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from offramp.agency import operations
from offramp.console.agency.catalogs import ENGLISH, LANGUAGES, mark, translate
from offramp.console.agency.office_thread import OfficeThread
from offramp.console.agency.routes import ROUTES, Route, has_page
from offramp.console.agency.sessions import (
    COOKIE,
    FIRST,
    Attempts,
    Box,
    Challenges,
    Session,
    Sessions,
    is_token,
    note_done,
)
from offramp.console.agency.templates_of import Templates, plainly
from offramp.console.agency.visit import (
    AgencyFace,
    Elsewhere,
    Invalid,
    KeyRing,
    NotHere,
    Visit,
)
from offramp.console.requests import read_form, refuse_other_sites
from offramp.terminal import print_error
from rules.errors import Refusal
from rules.frozen import frozen

MOST_FORM = 128 * 1024  # bytes
MOST_FIELDS = 500
SIGN_IN, UNLOCK = "/sign-in", "/unlock"
# Fields of every form that are the frame's.
TOKEN, FORM_ID = "t", "f"
# Fields that no draft keeps.
SECRET = ("password", "code", "credential", "challenge")
# The pages of a participant.
OWN = "/my"
# Refusals that say no more than that there is nothing here.
_NOT_HERE = frozenset(("not-your-role", "no-such-case", "not-here"))
_GONE = frozenset(("unlisted-person", "person-ended"))

Fields = Sequence[tuple[str, str]]


@frozen
class Visitor:
    """A browser with a session: the token of its cookie, and what belongs to it."""

    token: str
    session: Session
    box: Box


class Frame:
    """Serves the pages of one agency."""

    def __init__(
        self,
        thread: OfficeThread,
        face: AgencyFace,
        sessions: Sessions,
        attempts: Attempts,
        challenges: Challenges,
        site: operations.Site,
        templates: Templates,
        *,
        is_demo: bool = False,
    ) -> None:
        self.thread, self.face = thread, face
        self.sessions, self.attempts = sessions, attempts
        self.keys = KeyRing(challenges, site, attempts, is_demo=is_demo)
        self.templates = templates
        # Whether the agency works in this folder, when it was last looked at.
        self.folder_use = "here"
        self._addresses: dict[str, str] = {}

    # Every request

    async def answer(self, route: Route, request: Request) -> Response:
        """Answer a request for a page of a signed-in person."""
        refuse_other_sites(request)
        visitor = self.visitor(request)
        if visitor is None:
            page = admin_page(request.url.path)
            return lead(f"{SIGN_IN}?to={page}" if page else SIGN_IN)
        fields = await read_fields(request) if request.method == "POST" else ()
        path = request.url.path
        if visitor.session.is_locked:
            if ("GET", route.path) in ROUTES:  # else there is no page to come back to
                self.keep_draft(visitor, path, fields)
            return lead(UNLOCK)
        # INVARIANT: while a person has the browser, nothing but the form is shown or done.
        if not _is_within(visitor.session, route, path):
            return lead(visitor.session.handed)
        if request.method == "POST" and not is_token(visitor.session, field_of(fields, TOKEN)):
            raise HTTPException(403)
        visit = partial(self._visit, route, request, visitor, fields)
        return await self.thread.run(visit)

    async def look_at_folder(self) -> None:
        """Look whether the agency works in this folder, for a page without a person."""
        self.folder_use = await self.thread.run(operations.folder_use)

    def visitor(self, request: Request) -> Visitor | None:
        """Return who asks, by the cookie. None for somebody who isn't signed in."""
        token = request.cookies.get(COOKIE)
        session = self.sessions.find(token)
        if token is None or session is None:
            return None
        return Visitor(token, session, Box(session, token))

    def _visit(
        self,
        route: Route,
        request: Request,
        visitor: Visitor,
        fields: Fields,
        office: operations.Office,
    ) -> Response:
        """Call a page's function, in the thread of the folder."""
        session = visitor.session
        try:
            origin = origin_of(request, session)
            acting = operations.console_session(office, session.person, origin)
        except Refusal as refusal:
            if refusal.code not in _GONE:
                raise
            self.sessions.end(session)
            return lead(SIGN_IN)
        path = request.url.path
        visit = Visit(
            office,
            acting.person,
            self.face,
            session,
            visitor.box,
            self.sessions,
            self.keys,
            self.templates,
            self._addresses_of(office, request.path_params.get("c")),
            path,
            request.path_params,
            [(name, value) for name, value in fields if name not in (TOKEN, FORM_ID)],
            request.query_params,
            translated=route.translated,
        )
        if not route.admits(acting.person.roles, self.face.kind):
            page = path.rstrip("/")  # somebody typed a slash too many
            if page != path and has_page(page, acting.person.roles, self.face.kind):
                return lead(page)
            operations.note_refused_page(office, acting)
            return not_here(visit)
        form = field_of(fields, FORM_ID)
        if request.method == "POST" and form in session.done:
            return lead(session.done[form])
        with operations.acting(office, acting):
            answer = self._call(route, visit, visitor, fields, path)
        if request.method == "POST" and answer.status_code == 303:
            location = answer.headers["location"]
            if form and location != path:
                note_done(session, form, location)
        return answer

    def _call(
        self, route: Route, visit: Visit, visitor: Visitor, fields: Fields, path: str
    ) -> Response:
        try:
            # INVARIANT: what is typed in a folder that isn't in use is refused at once and kept.
            if route.states or (route.begins and not visit.kept):
                operations.check_in_use(visit.office, asks=route.begins)
            answer = route.handler(visit)
        except NotHere:
            acting = visit.office.session
            if acting is not None:
                operations.note_refused_page(visit.office, acting)
            return not_here(visit)
        except Elsewhere as other:
            visitor.box.put(f"notice {other.page}", {"text": other.notice})
            return lead(other.page)
        except Invalid as invalid:
            page = invalid.page or path
            self.keep_draft(visitor, page, fields)
            visitor.box.put(f"faults {page}", {"faults": invalid.faults})
            return lead(page)
        except Refusal as refusal:
            if refusal.code in _NOT_HERE:
                return not_here(visit)
            back = _page_of_form(route, path) if route.method == "POST" else None
            if back == path:
                # A refused colleague's roles are never ticked for the next one.
                kept = [(name, value) for name, value in fields if name != "role"]
                self.keep_draft(visitor, path, kept)
            return visit.show_refusal(refusal, back)
        if route.method == "POST":
            visitor.box.drop(f"draft {path}")
        return answer

    def _addresses_of(self, office: operations.Office, local: str | None) -> dict[str, str]:
        """Return the cases by their ids in addresses, read anew if an id isn't known yet."""
        if local is None or local not in self._addresses:
            self._addresses = operations.case_addresses(office)
        return self._addresses

    def keep_draft(self, visitor: Visitor, path: str, fields: Fields) -> None:
        """Keep what was typed in a form, sealed, and the page to come back to."""
        typed: dict[str, list[str]] = {}
        for name, value in fields:
            if name not in (TOKEN, FORM_ID):
                typed.setdefault(name, []).append(value)
        for name in SECRET:
            typed.pop(name, None)
        if typed:
            visitor.box.put(f"draft {path}", {"fields": typed})
        if visitor.session.is_locked and visitor.session.back_to == FIRST:
            visitor.session.back_to = path

    # Pages without a person

    def plain_page(
        self, template: str, title: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a page that shows nobody's name and no tabs."""
        text = self.templates.render(
            template,
            title=title,
            visit=None,
            me="",
            agency=self.face,
            folder_use=self.folder_use,
            **{"token": "", **values},
        )
        return HTMLResponse(text, status_code=status)

    def refuse_request(self, request: Request, error: Exception) -> Response:
        """Answer a request that isn't taken."""
        assert isinstance(error, HTTPException)
        if error.status_code == 403:
            text = mark(
                "This form came from another site or window. Open the page and send it again."
            )
            return self._sentence(request, mark("Not taken"), text, 403)
        if error.status_code == 413:
            text = mark("This is longer than a form may be.")
            return self._sentence(request, mark("Too long"), text, 413)
        if error.status_code == 429:
            text = mark("Wait a few minutes, then try again.")
            return self._sentence(request, mark("Too many tries"), text, 429)
        text = mark("There is no page at this address.")
        return self._sentence(request, mark("Not here"), text, 404)

    def fail(self, request: Request, error: Exception) -> Response:
        """Say that something broke. The place of the fault is printed."""
        print_place(error)
        text = mark("Something went wrong here. What you typed is still in your browser: go back.")
        return self._sentence(request, mark("Error"), text, 500)

    def refuse(self, request: Request, error: Exception) -> Response:
        """Say why something can't be shown."""
        assert isinstance(error, Refusal)
        text = f"{plainly(error.message)}. {plainly(error.fix)}"
        return self._sentence(request, "Error", text, 422)

    def _sentence(self, request: Request, heading: str, text: str, status: int) -> Response:
        """Return a page with one sentence, for a participant in the browser's language."""
        is_own = f"{request.url.path}/".startswith(f"{OWN}/")
        lang = language_of_browser(request) if is_own else ENGLISH
        heading = translate(lang, heading)
        return self.plain_page(
            "sentence.html",
            heading,
            status=status,
            lang=lang,
            heading=heading,
            text=translate(lang, text),
            first=OWN if is_own else "/",
        )


def language_of_browser(request: Request) -> str:
    """Return the first of the browser's languages that the pages have, else English."""
    listed = request.headers.get("accept-language", "").split(",")
    preferred = [each.partition(";")[0].strip() for each in listed]
    return negotiate_locale(preferred, LANGUAGES, sep="-") or ENGLISH


def print_place(error: BaseException) -> None:
    """Print the place of a fault, and no word of a case."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    print_error(f"offramp: {type(error).__name__} at {frame.filename}:{frame.lineno}")


def _page_of_form(route: Route, path: str) -> str:
    """Return the page that a form was sent from: its own address, or the nearest above it."""
    template, address = route.path.split("/"), path.split("/")
    for length in range(len(template), 1, -1):
        if ("GET", "/".join(template[:length])) in ROUTES:
            return "/".join(address[:length])
    return FIRST


def _is_within(session: Session, route: Route, path: str) -> bool:
    """Report whether a page may be reached while a person has the browser."""
    form = session.handed
    return not form or (route.in_hand and (path == form or path.startswith(f"{form}/")))


def not_here(visit: Visit) -> Response:
    """Return the page for what isn't there, or not for this person: both look alike."""
    return visit.show("not_here.html", mark("Not here"), status=404)


def admin_page(address: str) -> str | None:
    """Return the page of an admin that an address means, None if it means none.

    It is led to after a sign-in. No address of it has a case.
    """
    page = address.rstrip("/")
    is_page = page.startswith("/admin") and "{" not in page and ("GET", page) in ROUTES
    return page if is_page else None


def lead(path: str) -> Response:
    """Lead to another page."""
    return RedirectResponse(path, status_code=303)


def origin_of(request: Request, session: Session | None = None) -> str:
    """Return where a request comes from, for the journal of looks."""
    place = f"browser {request.client.host}" if request.client is not None else "browser"
    return f"{place}, session {session.mark}" if session is not None else place


def field_of(fields: Fields, name: str) -> str:
    """Return the first value of a field, empty if it is missing."""
    return next((value for key, value in fields if key == name), "")


async def read_fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form in their order. Raises `HTTPException` 413."""
    return await read_form(request, MOST_FORM, MOST_FIELDS)
