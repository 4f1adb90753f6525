"""What both consoles ask of a request: that it is of their own site, and a form of limited size."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

KEPT_BY_BROWSERS = "max-age=3600"
# The static files of both consoles, and those of an agency's: the path in this package, the type.
STATIC: Mapping[str, tuple[str, str]] = {
    "style.css": ("style.css", "text/css"),
    "favicon.svg": ("favicon.svg", "image/svg+xml"),
}
AGENCY_STATIC = {**STATIC, "console.js": ("agency/console.js", "text/javascript")}


def refuse_other_sites(request: Request) -> None:
    """Refuse a request of another site, or under another name of this machine."""
    if not request.scope["is_own_site"]:
        raise HTTPException(403)


async def read_form(request: Request, most_bytes: int, most_fields: int) -> list[tuple[str, str]]:
    """Return the fields of a form in their order. Raises `HTTPException` 413."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise HTTPException(413)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=most_fields)
    except ValueError:
        raise HTTPException(413) from None


def static_bytes(static: Mapping[str, tuple[str, str]], name: str) -> bytes:
    """Return the content of a static file."""
    return (files("offramp.console") / static[name][0]).read_bytes()


def send_static(static: Mapping[str, tuple[str, str]], name: str) -> Response:
    """Return a static file, which a browser may keep. Raises `HTTPException` 404."""
    if name not in static:
        raise HTTPException(404)
    return send_kept(static_bytes(static, name), static[name][1])


def send_kept(data: str | bytes, kind: str) -> Response:
    """Return something of a type that a browser may keep."""
    return Response(data, media_type=kind, headers={"cache-control": KEPT_BY_BROWSERS})
