"""The headers of every answer, and which requests are taken at all. Pure ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "publickey-credentials-get=(self), camera=(), geolocation=(), "
    "microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex",
}
NO_STORE = "no-store"
SAFE = ("GET", "HEAD")
HOSTS = ("127.0.0.1", "localhost", "[::1]")
# Browsers keep every name under it on this machine (RFC 6761).
LOCAL = ".localhost"
OTHER_HOST = "Not taken: the request names another host than this server; open {address}.\n"
PRINTED = "the address that the server printed"


class SecurityHeaders:
    """Adds the headers to every answer, errors included, and refuses requests of other sites.

    An address that another site made point here has another host name. A form of another site has
    another origin. `origin` is the public address behind a TLS proxy, None for this machine alone.
    `person_origin` is one at which only the pages of participants are taken.
    """

    def __init__(
        self, app: Application, origin: str | None = None, person_origin: str | None = None
    ) -> None:
        self.app = app
        self.origin = origin
        self.person_origin = person_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            """Add the headers to the start of the answer."""
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                added = {"cache-control": NO_STORE} | HEADERS
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in added.items()
                        if name.encode() not in present
                    ),
                ]
            await send(message)

        origin = self.origin
        if _is_public(_headers(scope).get("host", ""), self.person_origin):
            origin = self.person_origin
            if not _is_of_participants(scope["path"]):
                await _refuse_host(send_with_headers, f"{origin}/my")
                return
        if not _is_own_host(scope, origin):
            await _refuse_host(send_with_headers, f"{origin}/" if origin else PRINTED)
            return
        scope["is_own_site"] = _is_own_site(scope, origin)
        await self.app(scope, receive, send_with_headers)


async def _refuse_host(send: Send, address: str) -> None:
    """Refuse a request that names another host, for any page and method, and name the address."""
    body = OTHER_HOST.format(address=address).encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _is_public(host: str, public: str | None) -> bool:
    return public is not None and host == public.partition("://")[2]


def _is_of_participants(path: str) -> bool:
    """Return whether a path is of the pages of participants, or of their stylesheet."""
    return path == "/my" or path.startswith(("/my/", "/static/"))


def _is_own_host(scope: Scope, public: str | None) -> bool:
    """Return whether a request names this server as its host."""
    host = _headers(scope).get("host", "")
    name = host.rpartition(":")[0] or host
    return _is_public(host, public) or name in HOSTS or host in HOSTS or name.endswith(LOCAL)


def _is_own_site(scope: Scope, public: str | None) -> bool:
    """Return whether a form is from one of the server's own pages. Other requests always are."""
    if scope["method"] in SAFE:
        return True
    headers = _headers(scope)
    host = headers.get("host", "")
    is_public = _is_public(host, public)
    own = public if is_public else f"http://{host}"
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site")
    if site is None:  # an old browser, or none
        return origin == own
    # A browser that sends no referrer hides the origin of a form too.
    return site == "same-origin" and origin in (own, "null", None)
