"""`/card/`: the offer of the adopted pack as one page, for officers with or without a sign-in.

It holds nothing of a case. A worker of the browser keeps it for a phone without a network.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.office_thread import OfficeThread
from offramp.console.requests import static_bytes
from offramp.documents import operations as documents
from rules.errors import Refusal
from rules.frozen import frozen

CARD, SCRIPT = "/card/", "/card/card.js"
_FILES = {"card.js": ("agency/card.js", "text/javascript")}
# Kept, and asked for again at each look: the rules may have changed.
_CACHE = {"cache-control": "no-cache"}


@frozen
class _Made:
    """The card of a pack's rules on a day, and the headers of its answer. Empty without a card."""

    digest: str
    day: date
    page: bytes
    headers: dict[str, str]


class CardPage:
    """Serves the card of the rules in force, made once for each day and pack."""

    def __init__(self, thread: OfficeThread) -> None:
        self._thread = thread
        self._making = asyncio.Lock()
        self._made: _Made | None = None

    async def show(self, request: Request) -> Response:
        """Show the card. Raises `HTTPException` 404 where the program has no offer at the scene."""
        made = await self._card()
        if not made.page:
            raise HTTPException(404)
        if made.headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=made.headers)
        return Response(made.page, media_type="text/html", headers=made.headers)

    async def _card(self) -> _Made:
        # One at a time: a card takes a second or two to make.
        async with self._making:
            offered = await self._thread.run(operations.offer_in_force)
            if self._made is None or (self._made.digest, self._made.day) != (
                offered.digest,
                offered.day,
            ):
                self._made = await run_in_threadpool(_make, offered)
            return self._made


def _make(offered: operations.OfferInForce) -> _Made:
    try:
        card = documents.make_card(offered.pack, offered.day)
    except Refusal:  # no offer, one that is too large, or a day after the program's last
        return _Made(offered.digest, offered.day, b"", {})
    page = card.html_with_script(SCRIPT).encode()
    style = base64.b64encode(hashlib.sha256(documents.CARD_STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'sha256-{style}'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types card"
    )
    etag = f'"{hashlib.sha256(page).hexdigest()[:32]}"'
    headers = {**_CACHE, "etag": etag, "content-security-policy": policy}
    return _Made(offered.digest, offered.day, page, headers)


async def send_script() -> Response:
    """Send the script of the card, which is also the worker that keeps it."""
    return Response(static_bytes(_FILES, "card.js"), media_type="text/javascript", headers=_CACHE)
