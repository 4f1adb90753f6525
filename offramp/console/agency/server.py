"""The application of an agency's console: its addresses, and the headers of every answer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from offramp.agency import operations
from offramp.console.agency import pages  # noqa: F401  # declares their routes
from offramp.console.agency.card_page import CARD, SCRIPT, CardPage, send_script
from offramp.console.agency.frame import SIGN_IN, UNLOCK, Frame, lead, print_place
from offramp.console.agency.office_thread import OfficeThread
from offramp.console.agency.own_sign_in import RETURN, START, OwnSignIn
from offramp.console.agency.participant import LOST, MY, PAGE, ParticipantPages
from offramp.console.agency.routes import EVERYBODY, Route, collect_routes, has_page, tabs_of
from offramp.console.agency.sessions import IDLE, Attempts, Challenges, Sessions
from offramp.console.agency.sign_in import SignIn
from offramp.console.agency.templates_of import Templates
from offramp.console.agency.visit import AgencyFace, NotHere, Visit
from offramp.console.headers import SecurityHeaders
from offramp.console.requests import AGENCY_STATIC, send_static
from rules.errors import Refusal

Handler = Callable[[Request], Awaitable[Response]]
# The cases whose tasks are worked out between two requests: a fraction of a second's work.
_AT_ONCE = 5


def make_agency_app(
    thread: OfficeThread,
    now: Callable[[], float],
    site: operations.Site,
    *,
    idle: float = IDLE,
    demo_sign_in: bool = False,
    person_origin: str | None = None,
) -> SecurityHeaders:
    """Return the application of an opened folder.

    `now` is a clock that never goes back. `site` is where browsers reach it: a name of this
    machine, or the public address behind a TLS proxy. `demo_sign_in` lets a visitor act for any
    person of a folder that is marked as a demonstration. `person_origin` is a public address at
    which participants alone reach their own page, None without one.
    """
    thread.run_now(operations.begin_work)
    face = thread.run_now(_face_of)
    people = thread.run_now(_people_of) if demo_sign_in else ()
    templates = Templates(face.zone, tabs_of, has_page, idle=idle, is_demo=demo_sign_in)
    challenges = Challenges(now)
    sessions, attempts = Sessions(now, idle), Attempts(now)
    frame = Frame(
        thread, face, sessions, attempts, challenges, site, templates, is_demo=demo_sign_in
    )
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=partial(_preparing, thread),
    )
    _add_sign_in(app, frame, SignIn(frame, challenges, site, demo_people=people))
    own_sign_in = OwnSignIn(frame, site, now)
    app.get(START)(own_sign_in.start)
    app.get(RETURN)(own_sign_in.come_back)
    app.get("/static/{name}")(static_file)
    if face.kind == "police":
        app.get(CARD)(CardPage(thread).show)
        app.get(SCRIPT)(send_script)
        app.get(CARD.rstrip("/"))(_lead_to_card)
    if face.kind == "case_management":
        _add_participant(app, frame, ParticipantPages(frame, now))
    for route in (
        Route("GET", "/", EVERYBODY, (), _home),
        *collect_routes(),
        # Whatever else is asked for, on record.
        Route("GET", "/{rest:path}", (), (), _nothing),
        Route("POST", "/{rest:path}", (), (), _nothing),
    ):
        app.add_api_route(
            route.path, _endpoint(frame, route), methods=[route.method], response_model=None
        )
    app.add_exception_handler(HTTPException, frame.refuse_request)
    app.add_exception_handler(Refusal, frame.refuse)
    app.add_exception_handler(Exception, frame.fail)
    # Around everything, so that the answer to a fault has the headers, too.
    return SecurityHeaders(app, site.origin, person_origin)


@asynccontextmanager
async def _preparing(thread: OfficeThread, app: FastAPI) -> AsyncIterator[None]:
    """Work out every case's tasks while the console serves: the first look would wait for all."""
    preparing = asyncio.create_task(_prepare(thread))
    preparing.add_done_callback(_say_fault)
    yield
    preparing.cancel()


def _say_fault(preparing: asyncio.Task[None]) -> None:
    fault = None if preparing.cancelled() else preparing.exception()
    if fault is not None:
        print_place(fault)


async def _prepare(thread: OfficeThread) -> None:
    # A folder without a directory or a pack has no tasks yet.
    with suppress(Refusal):
        done = 0
        while await thread.run(partial(operations.prepare_tasks, done=done, most=_AT_ONCE)):
            done += _AT_ONCE
        # What is known of the cases stays. A collector that visits it again and again is slow.
        await thread.run(_freeze)


def _freeze(office: operations.Office) -> None:
    gc.collect()
    gc.freeze()


def _endpoint(frame: Frame, route: Route) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        """Answer one request."""
        return await frame.answer(route, request)

    return answer


def _add_sign_in(app: FastAPI, frame: Frame, sign_in: SignIn) -> None:
    def staffs(handler: Handler) -> Handler:
        return _staffs_alone(frame, handler)

    app.get(SIGN_IN)(staffs(sign_in.show))
    app.post(SIGN_IN)(staffs(sign_in.sign_in))
    app.post("/sign-in/passkey")(staffs(sign_in.sign_in_with_passkey))
    app.post("/unlock/passkey")(sign_in.unlock_with_passkey)
    app.post("/demo-sign-in")(staffs(sign_in.sign_in_for_demo))
    app.post("/lock")(sign_in.lock)
    app.get("/here")(sign_in.stay)
    app.get(UNLOCK)(sign_in.show_unlock)
    app.post(UNLOCK)(sign_in.unlock)
    app.post("/sign-out")(staffs(sign_in.sign_out))
    app.get("/invited")(staffs(sign_in.show_invitation))
    app.post("/invited")(staffs(sign_in.use_invitation))


def _staffs_alone(frame: Frame, handler: Handler) -> Handler:
    """Return a handler that leads to the form while a person has the browser for one."""
    looking = _looking_at_folder(frame, handler)

    async def answer(request: Request) -> Response:
        """Answer one request."""
        visitor = frame.visitor(request)
        if visitor is not None and visitor.session.handed:
            return lead(visitor.session.handed)
        return await looking(request)

    return answer


def _add_participant(app: FastAPI, frame: Frame, own: ParticipantPages) -> None:
    def looking(handler: Handler) -> Handler:
        return _looking_at_folder(frame, handler)

    app.get(MY)(looking(own.show_sign_in))
    app.post(MY)(looking(own.sign_in))
    app.get(PAGE)(looking(own.show_page))
    app.get("/my/take-back/{recipient}")(looking(own.show_take_back))
    app.get("/my/take-back/{recipient}/{line}")(looking(own.check_take_back))
    app.post("/my/take-back/{recipient}/{line}")(own.take_back)
    app.get("/my/wrong")(looking(own.show_wrong))
    app.post("/my/wrong")(own.write_wrong)
    app.get("/my/complain")(looking(own.show_complain))
    app.post("/my/complain")(own.write_complaint)
    app.get("/my/print")(looking(own.show_print))
    app.get(LOST)(looking(own.show_lost))
    app.post(LOST)(own.cancel_lost)
    app.post("/my/language")(own.choose_language)
    app.post("/my/leave")(own.leave)


def _looking_at_folder(frame: Frame, handler: Handler) -> Handler:
    """Return a handler before which it is looked up whether the agency works in this folder."""

    async def answer(request: Request) -> Response:
        """Answer one request."""
        await frame.look_at_folder()
        return await handler(request)

    return answer


def static_file(name: str) -> Response:
    """Return the stylesheet, the script, or the icon."""
    return send_static(AGENCY_STATIC, name)


async def _lead_to_card() -> Response:
    """Lead to the card: somebody typed a slash too few."""
    return lead(CARD)


def _home(visit: Visit) -> Response:
    """Lead to the person's first page."""
    tabs = tabs_of(visit.person.roles, visit.agency.kind)
    return visit.go(tabs[0].path if tabs else "/you")


def _nothing(visit: Visit) -> Response:
    raise NotHere


def _face_of(office: operations.Office) -> AgencyFace:
    described = operations.describe_agency(office)
    return AgencyFace(described.agency, described.name, described.role, described.zone)


def _people_of(office: operations.Office) -> tuple[str, ...]:
    return operations.demo_people(office)
