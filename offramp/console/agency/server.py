"""The application of an agency's console: its addresses, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from offramp.agency import operations
from offramp.console.agency import pages  # noqa: F401  # declares their routes
from offramp.console.agency.frame import SIGN_IN, UNLOCK, Frame
from offramp.console.agency.office_thread import OfficeThread
from offramp.console.agency.routes import EVERYBODY, Route, collect_routes, tabs_of
from offramp.console.agency.sessions import IDLE, Attempts, Challenges, Sessions
from offramp.console.agency.sign_in import SignIn
from offramp.console.agency.templates_of import Templates
from offramp.console.agency.visit import AgencyFace, NotHere, Visit
from offramp.console.headers import SecurityHeaders
from offramp.console.requests import AGENCY_STATIC, send_static
from rules.errors import Refusal


def make_agency_app(
    thread: OfficeThread,
    now: Callable[[], float],
    site: operations.Site,
    *,
    idle: float = IDLE,
    demo_sign_in: bool = False,
) -> SecurityHeaders:
    """Return the application of an opened folder.

    `now` is a clock that never goes back. `site` is where browsers reach it: a name of this
    machine, or the public address behind a TLS proxy. `demo_sign_in` lets a visitor act for any
    person of a folder that is marked as a demonstration.
    """
    face = thread.run_now(_face_of)
    people = thread.run_now(_people_of) if demo_sign_in else ()
    templates = Templates(face.zone, tabs_of, idle=idle, is_demo=demo_sign_in)
    challenges = Challenges(now)
    sessions, attempts = Sessions(now, idle), Attempts(now)
    frame = Frame(
        thread, face, sessions, attempts, challenges, site, templates, is_demo=demo_sign_in
    )
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    _add_sign_in(app, SignIn(frame, challenges, site, demo_people=people))
    app.get("/static/{name}")(static_file)
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
    return SecurityHeaders(app, site.origin)


def _endpoint(frame: Frame, route: Route) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        """Answer one request."""
        return await frame.answer(route, request)

    return answer


def _add_sign_in(app: FastAPI, sign_in: SignIn) -> None:
    app.get(SIGN_IN)(sign_in.show)
    app.post(SIGN_IN)(sign_in.sign_in)
    app.post("/sign-in/passkey")(sign_in.sign_in_with_passkey)
    app.post("/unlock/passkey")(sign_in.unlock_with_passkey)
    app.post("/demo-sign-in")(sign_in.sign_in_for_demo)
    app.post("/lock")(sign_in.lock)
    app.get("/here")(sign_in.stay)
    app.get(UNLOCK)(sign_in.show_unlock)
    app.post(UNLOCK)(sign_in.unlock)
    app.post("/sign-out")(sign_in.sign_out)
    app.get("/invited")(sign_in.show_invitation)
    app.post("/invited")(sign_in.use_invitation)


def static_file(name: str) -> Response:
    """Return the stylesheet, the script, or the icon."""
    return send_static(AGENCY_STATIC, name)


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
