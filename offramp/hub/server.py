"""The hub's HTTP API (FastAPI). Every answer is JSON but the log's notes; every refusal is `{"error": {code, message, fix}}`.

Whatever depends on a person or case is refused alike: 403, one body, on a quarter of a second's boundary after it came.
Nothing that a request holds is written to any log.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from exchange.errors import ExchangeError, NotPassed, RequestRefused, StoreError
from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub, Refused, Taken, not_passed
from exchange.hub.rebuilding import Restoration
from exchange.membership.history import Membership
from exchange.models import validate
from exchange.protocol import request
from exchange.records.bundle import Bundle, parse_bundle, read_bundle
from exchange.records.record import LARGEST, hash_statement
from exchange.standards import base64, i_json
from offramp import __version__
from offramp.adoption import read_carried, taken
from offramp.clock import Clock, http_date
from offramp.hub import generation, membership
from offramp.hub.folder import Folder
from offramp.hub.membership import Joining
from offramp.hub.openapi import DESCRIBED, SECURITY
from offramp.hub.witnessing import WITNESSED, Witnessing
from offramp.hub.writer import Writer
from rules.errors import Refusal

LARGEST_BODY = 16 * 1024 * 1024
MOST_BUNDLES = 100
BODY_WITHIN = 30.0
LONGEST_WAIT = 30
BOUNDARY = 0.25
MOST_ENTRIES = 1024
LOOPBACK = ("127.0.0.1", "::1")
JSON = "application/json"
# Past every leaf: what is in force now.
ALWAYS = 2**53 - 1


class Service:
    """What the endpoints share: the writer, the clock, who is listed, which requests came before."""

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.hub = folder.open()
        self.writer = Writer(self.hub)
        self.witnessing = Witnessing()
        self.restoration = Restoration(self.hub)
        self.standing: Membership | None = None
        self.started = clock.now()
        self.proving = asyncio.Lock()
        self.counted: dict[tuple[str, int], int] = {}
        self._seen: dict[str, int] = {}
        self._forget_at = 0
        self.refresh(self.hub)

    def refresh(self, hub: Hub) -> None:
        """Who is listed, after whatever may have changed it."""
        # Members of a restored hub may have joined after its backup: they are known by what the others send.
        history = self.restoration.gathering.history() if hub.store.known(CLOSED) else hub.history
        self.standing = history.standing(ALWAYS) if history.size else None

    def signed_by(self, asked: Request, body: bytes) -> request.Request:
        """Who sent a request, by which key. Raises as `request.check`, and `RequestRefused` `sent-before`, `not-founded`."""
        if self.standing is None:
            raise RequestRefused(
                "not-founded",
                "no directory is in force yet",
                fix="have all founders approve the draft",
            )
        now = self.clock.now()
        path = asked.url.path + (f"?{asked.url.query}" if asked.url.query else "")
        said = request.check_request(
            asked.headers.get("authorization", ""),
            asked.method,
            path,
            body,
            standing=self.standing,
            now=now,
        )
        # What came before this start isn't remembered, so nothing that was signed before it is taken.
        if said.iat < self.started - (0 if not self.folder.settings.demo else request.CLOCKS_APART):
            raise RequestRefused(
                "out-of-time",
                "the request was signed before the hub's last start",
                fix="sign it anew",
            )
        if now >= self._forget_at:
            # Once a minute: done at each request, it would take longer the more of them there are.
            self._seen = {jti: until for jti, until in self._seen.items() if until >= now}
            self._forget_at = now + 60
        if said.jti in self._seen:
            raise RequestRefused(
                "sent-before", "this very request came before", fix="sign each request anew"
            )
        self._seen[said.jti] = said.iat + request.REMEMBERED
        return said


async def body_of(asked: Request) -> bytes:
    """A request's body, read until it is too large or too slow. Raises `RequestRefused` `too-large`, `too-slow`."""
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for piece in asked.stream():
                found += piece
                if len(found) > LARGEST_BODY:
                    raise RequestRefused(
                        "too-large",
                        f"a request of over {LARGEST_BODY} bytes",
                        fix="send fewer records",
                    )
    except ClientDisconnect:
        raise RequestRefused(
            "too-slow", "whoever asked went away before the request was whole", fix="send it again"
        ) from None
    except TimeoutError:
        raise RequestRefused(
            "too-slow", f"the request didn't come within {BODY_WITHIN:.0f} s", fix="send less"
        ) from None
    return bytes(found)


def status_of(error: Refusal) -> int:
    """The HTTP status of a refusal."""
    if isinstance(error, NotPassed):
        return 403
    if isinstance(error, StoreError):
        return 507
    if isinstance(error, RequestRefused):
        return {
            "too-large": 413,
            "too-slow": 408,
            "bad-code": 403,
            "no-such-thing": 404,
            "closed": 409,
        }.get(error.code, 401)
    return 409 if error.code == "id-taken" else 422


def answer(value: Any, status: int = 200) -> Response:
    return Response(i_json.write(value), status, media_type=JSON)


def refusal(error: Refusal) -> Response:
    given = answer({"error": error.as_json()}, status_of(error))
    if given.status_code in (408, 413):
        # What else of the body comes is not read.
        given.headers["Connection"] = "close"
    return given


async def boundary(came: float) -> None:
    """Waits for the next quarter of a second after a request came, so that how long a decision took tells nothing."""
    passed = time.monotonic() - came
    await asyncio.sleep(BOUNDARY - passed % BOUNDARY)


def app_of(service: Service) -> FastAPI:
    """The application over a service that nobody has started yet."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.writer.start()
        yield
        await asyncio.to_thread(service.writer.stop)
        service.hub.store.close()

    app = FastAPI(
        title="Offramp hub", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )

    @app.middleware("http")
    async def around(asked: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        came = time.monotonic()
        try:
            given = await call(asked)
        except Refusal as error:
            given = refusal(error)
        if given.status_code == 403:
            await boundary(came)
        given.headers["Date"] = http_date(service.clock.now())
        given.headers["Cache-Control"] = "no-store"
        route = asked.scope.get("route")
        counted = getattr(route, "path", "other"), given.status_code
        service.counted[counted] = service.counted.get(counted, 0) + 1
        return given

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return refusal(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: Exception) -> Response:
        return refusal(
            RequestRefused(
                "bad-parameter",
                "a parameter isn't what it must be",
                fix="see the API's description",
            )
        )

    @app.exception_handler(HTTPException)
    async def elsewhere(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        value = {
            "code": "no-such-thing",
            "message": str(error.detail).lower(),
            "fix": "see the API's description",
        }
        return answer({"error": value}, error.status_code)

    do = service.writer.do

    async def member(asked: Request) -> tuple[str, bytes]:
        body = await body_of(asked)
        return service.signed_by(asked, body).agency, body

    # Records

    @app.post("/v1/records", **DESCRIBED["submit"])
    async def submit(asked: Request) -> Response:
        came = time.monotonic()
        agency, body = await member(asked)
        value = i_json.read(body)
        many = isinstance(value, list)
        given = value if many else [value]
        if not 1 <= len(given) <= MOST_BUNDLES:
            raise RequestRefused(
                "too-large", f"`{len(given)}` records at once", fix=f"send up to {MOST_BUNDLES}"
            )
        bundles = [_bundle(each, agency, len(body)) for each in given]
        sound = [one for one in bundles if isinstance(one, Bundle)]
        now = service.clock.now()
        taken = iter(await do(lambda hub: _submitted(hub, sound, now)) if sound else ())
        answers = [_said(next(taken) if isinstance(one, Bundle) else one) for one in bundles]
        if any(one["status"] == 403 for one in answers):
            await boundary(came)
        return answer(answers) if many else answer(answers[0], answers[0]["status"])

    @app.get("/v1/records/{jti}/receipt", **DESCRIBED["receipt"])
    async def receipt(asked: Request, jti: str) -> Response:
        agency, _ = await member(asked)
        found = await do(lambda hub: hub.store.record(agency, jti))
        if found is None:
            raise _nothing()
        return answer({"receipt": found[1].json(), "sha256": hash_statement(found[0].jws)})

    @app.get("/v1/inbox", **DESCRIBED["inbox"])
    async def inbox(asked: Request, after: int = 0, wait: int = 0) -> Response:
        agency, _ = await member(asked)
        _within(after, 0, 2**53 - 1)
        until = time.monotonic() + min(max(wait, 0), LONGEST_WAIT)
        while (
            not service.writer.stopping
            and await do(lambda hub: hub.store.items(agency)) <= after
            and (left := until - time.monotonic()) > 0
        ):
            await service.writer.changed(left)
        given = await do(lambda hub: _open(hub).inbox(agency, service.clock.now(), after))
        return Response(given.write(), media_type=JSON)

    @app.post("/v1/inbox/done", **DESCRIBED["done"])
    async def done(asked: Request) -> Response:
        agency, body = await member(asked)
        value = i_json.read_object(body)
        after = value.get("after")
        if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < 2**53:
            raise RequestRefused(
                "bad-parameter", "`after` is no number of items", fix="send the number that is kept"
            )
        await do(lambda hub: hub.store.know(f"done {agency}", str(after).encode()))
        return answer({"after": after})

    # The log

    @app.get("/v1/log/checkpoint", **DESCRIBED["checkpoint"])
    async def checkpoint(asked: Request, witnessed: bool = False) -> Response:
        await member(asked)
        now = service.clock.now()
        note = await do(
            lambda hub: (
                hub.store.known(WITNESSED)
                if witnessed
                else service.witnessing.poll(_open(hub), now)
            )
        )
        if note is None:
            raise _nothing()
        return Response(note, media_type="text/plain; charset=utf-8")

    @app.post("/v1/log/cosignatures", **DESCRIBED["cosignatures"])
    async def cosignatures(asked: Request) -> Response:
        agency, body = await member(asked)
        complete = await do(lambda hub: _cosigned(service, _open(hub), body, agency))
        return answer({"witnessed": complete})

    @app.get("/v1/log/entries", **DESCRIBED["entries"])
    async def entries(asked: Request, start: int = 0, end: int = MOST_ENTRIES) -> Response:
        await member(asked)
        _within(start, 0, 2**53 - 1)
        _within(end, start, start + MOST_ENTRIES)
        found = await do(lambda hub: [leaf.entry for leaf in hub.store.leaves(start, end)])
        return answer({"start": start, "entries": [base64.encode_url(one) for one in found]})

    @app.get("/v1/log/inclusion", **DESCRIBED["inclusion"])
    async def inclusion(asked: Request, index: int, size: int) -> Response:
        await member(asked)
        return _proof(await do(lambda hub: hub.log.tree.inclusion(index, size)))

    @app.get("/v1/log/consistency", **DESCRIBED["consistency"])
    async def consistency(asked: Request, first: int, second: int) -> Response:
        await member(asked)
        return _proof(await do(lambda hub: hub.log.tree.consistency(first, second)))

    # Membership

    @app.get("/v1/directory", **DESCRIBED["directory"])
    async def versions(asked: Request) -> Response:
        await body_of(asked)
        return answer(await do(_directory))

    @app.get("/v1/directory/draft", **DESCRIBED["draft"])
    async def draft(asked: Request) -> Response:
        await body_of(asked)
        payload = await do(membership.draft)
        found = await do(membership.drafts)
        return answer(
            {"directory": base64.encode_url(payload), "drafts": [one.json() for one in found]}
        )

    @app.post("/v1/directory/draft", **DESCRIBED["propose"])
    async def propose(asked: Request) -> Response:
        agency, body = await member(asked)
        value = i_json.read_object(body)
        payload = await do(lambda hub: membership.propose(_open(hub), value, agency))
        return answer({"directory": base64.encode_url(payload)})

    @app.post("/v1/directory/signatures", **DESCRIBED["signatures"])
    async def signatures(asked: Request) -> Response:
        value = i_json.read_object(await body_of(asked))
        sha256, signature = str(value.get("sha256")), str(value.get("signature"))
        now = service.clock.now()

        in_force = await do(lambda hub: membership.sign(_open(hub), sha256, signature, now))
        # Only now is it on the disk: a version that found no room there is in force nowhere.
        await do(service.refresh)
        return answer({"in_force": in_force})

    @app.post("/v1/join", **DESCRIBED["join"])
    async def join(asked: Request) -> Response:
        said = validate(Joining, i_json.read_object(await body_of(asked)), "the request")
        invited = membership.read_invite(service.folder.secret, said.code, service.clock.now())
        payload = await do(
            lambda hub: membership.join(_open(hub), invited, said, service.folder.program)
        )
        return answer({"directory": base64.encode_url(payload)})

    @app.post("/v1/keys", **DESCRIBED["keys"])
    async def keys(asked: Request) -> Response:
        agency, body = await member(asked)
        announced = str(i_json.read_object(body).get("announced"))
        now = service.clock.now()

        def opened(hub: Hub) -> Any:
            if hub.history.check_sealing(announced)[0].id != agency:
                raise not_passed()
            return _open(hub).open_key(announced, now).json()

        leaf = await do(opened)
        await do(service.refresh)
        return answer({"leaf": leaf}, 201)

    @app.get("/v1/packs/{named}", **DESCRIBED["pack"])
    async def pack(asked: Request, named: str) -> Response:
        await body_of(asked)
        found = await do(lambda hub: hub.store.known(f"{membership.PACK} {named}"))
        if found is None:
            raise _nothing()
        return Response(found, media_type=JSON)

    @app.post("/v1/packs", **DESCRIBED["packs"])
    async def packs(asked: Request) -> Response:
        _, body = await member(asked)
        given = read_carried(body)
        # Its proofs take seconds: the hub goes on meanwhile, and one is proved at a time.
        async with service.proving:
            _, found = await asyncio.to_thread(taken, given)
        await do(lambda hub: hub.store.know(f"{membership.PACK} {found}", given.write()))
        return answer({"digest": found}, 201)

    # After a restore

    @app.get("/v1/generation", **DESCRIBED["generation"])
    async def awaited(asked: Request) -> Response:
        agency, _ = await member(asked)
        now = service.clock.now()
        return answer(await do(lambda hub: generation.state(service.restoration, agency, now)))

    @app.post("/v1/generation/held", **DESCRIBED["held"])
    async def hold(asked: Request) -> Response:
        body = await body_of(asked)
        kid, now = service.signed_by(asked, body).kid, service.clock.now()
        n = await do(
            lambda hub: (
                generation.hear(service.restoration, kid, body, now)
                if hub.store.known(CLOSED)
                else None
            )
        )
        if n is None:
            raise _nothing()
        await do(service.refresh)
        return answer({"n": n})

    @app.post("/v1/generation/signatures", **DESCRIBED["generation signatures"])
    async def agree(asked: Request) -> Response:
        _, body = await member(asked)
        value = i_json.read_object(body)
        sha256, signature = str(value.get("sha256")), str(value.get("signature"))
        now = service.clock.now()
        begun = await do(
            lambda hub: (
                service.restoration.sign(sha256, signature, now)
                if hub.store.known(CLOSED)
                else None
            )
        )
        if begun is None:
            raise _nothing()
        await do(service.refresh)
        return answer({"begun": begun})

    # Accounts

    @app.get("/v1/accounting/{case}", **DESCRIBED["accounting"])
    async def accounting(asked: Request, case: str) -> Response:
        agency, _ = await member(asked)
        now = service.clock.now()

        def account(hub: Hub) -> bytes:
            note = _open(hub).store.known(WITNESSED)
            if note is None:
                raise not_passed()
            return hub.account(case, agency, note, now).write()

        return Response(await do(account), media_type=JSON)

    # For whoever runs it

    @app.get("/health", **DESCRIBED["health"])
    async def health(asked: Request) -> Response:
        _local(asked)
        return answer(
            {"status": "ok", "size": await do(lambda hub: hub.log.size), "version": __version__}
        )

    @app.get("/metrics", **DESCRIBED["metrics"])
    async def metrics(asked: Request) -> Response:
        _local(asked)
        lines = [f"offramp_log_size {await do(lambda hub: hub.log.size)}"]
        lines += [
            f'offramp_requests_total{{path="{path}",status="{status}"}} {count}'
            for (path, status), count in sorted(service.counted.items())
        ]
        return Response("\n".join(lines) + "\n", media_type="text/plain; charset=utf-8")

    described = app.openapi

    def openapi() -> dict[str, Any]:
        value = described()
        value.setdefault("components", {})["securitySchemes"] = SECURITY
        return value

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own guide extends a description
    return app


def _bundle(value: Any, agency: str, whole: int) -> Bundle | Refused:
    """A bundle of the agency that asks; another's depends on who it is, and gets the one answer."""
    try:
        # A request that is itself no longer than one record may be holds no longer one.
        bundle = parse_bundle(value) if whole <= LARGEST else read_bundle(i_json.write(value))
        if bundle.claims[0] != agency:
            raise not_passed()
    except ExchangeError as error:
        return Refused(error)
    return bundle


def _submitted(hub: Hub, bundles: list[Bundle], now: int) -> Iterable[Taken | Refused]:
    return _open(hub).submit(bundles, now)


def _said(one: Taken | Refused) -> dict[str, Any]:
    if isinstance(one, Taken):
        return {"status": 200 if one.again else 201, "receipt": one.receipt.json()}
    return {"status": status_of(one.error), "error": one.error.as_json()}


def _open(hub: Hub) -> Hub:
    """The hub, unless it was restored and its members haven't sent again yet what it lacks. Raises `RequestRefused`."""
    if hub.store.known(CLOSED):
        raise RequestRefused(
            "closed",
            "the hub was restored and waits for its members",
            fix="let every agency's gateway run",
        )
    return hub


def _cosigned(service: Service, hub: Hub, note: bytes, agency: str) -> bool:
    return service.witnessing.cosigned(hub, note, hub.history.newest.agencies[agency].witness)


def _directory(hub: Hub) -> dict[str, Any]:
    return {
        "versions": [
            {"leaf": hub.store.leaf(at).json(), "signed": i_json.read(signed)}
            for at, signed in hub.store.versions()
        ],
        "keys": [
            {"leaf": hub.store.leaf(at).json(), "announced": jws}
            for at, jws in hub.store.announced()
        ],
        "generations": generation.listed(hub),
        "closed": bool(hub.store.known(CLOSED)),
    }


def _proof(hashes: Iterable[bytes]) -> Response:
    return answer({"proof": [one.hex() for one in hashes]})


def _within(value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise RequestRefused(
            "bad-parameter",
            f"`{value}` isn't between {low} and {high}",
            fix="see the API's description",
        )


def _local(asked: Request) -> None:
    if asked.client is None or asked.client.host not in LOOPBACK:
        raise _nothing()


def _nothing() -> RequestRefused:
    return RequestRefused("no-such-thing", "there is nothing here", fix="see the API's description")
