"""Share among all endpoints: the writer, the clock, the listed agencies, and recent requests."""

from __future__ import annotations

import asyncio
from collections import Counter

from fastapi import Request

from exchange.errors import RequestRefused
from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub
from exchange.hub.rebuilding import Restoration
from exchange.membership.history import Membership
from exchange.protocol import request as signed_request
from offramp.clock import Clock
from offramp.hub.folder import Folder
from offramp.hub.limits import InFlight
from offramp.hub.patience import Connections
from offramp.hub.witnessing import Witnessing
from offramp.hub.writer import Writer

# An index past every leaf: the directory that is in force now.
LATEST_INDEX = 2**53 - 1
FORGET_EVERY = 60


def target_of(request: Request) -> str:
    """Return the raw target of a request as its client sent it: path and query."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    target: bytes = path + (b"?" + query if query else b"")
    return target.decode("latin-1")


class Service:
    """The state that the endpoints of one hub share."""

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.hub = folder.open()
        self.writer = Writer(self.hub)
        self.witnessing = Witnessing()
        self.restoration = Restoration(self.hub)
        self.membership: Membership | None = None
        self.started = clock.now()
        self.in_flight = InFlight()
        self.proving = asyncio.Lock()
        self.request_counts: dict[tuple[str, int], int] = {}
        self.refusal_counts: Counter[str] = Counter()
        self.connections = Connections(folder.settings.connections)
        self._seen_ids: dict[str, int] = {}
        self._forget_at = 0
        self.refresh(self.hub)

    def refresh(self, hub: Hub) -> None:
        """Read again which agencies and keys are listed, after any change of the directory."""
        # Members of a restored hub may have joined after its backup. The others' pieces name them.
        is_closed = hub.store.value(CLOSED)
        history = self.restoration.gathering.history() if is_closed else hub.history
        self.membership = history.membership_at(LATEST_INDEX) if history.size else None

    def authenticate(self, request: Request) -> signed_request.Request:
        """Return the agency and key that signed the head of a request. Its body is not read.

        Raises as `signed_request.check_head`, and `RequestRefused` `not-founded`, `out-of-time`,
        `sent-before`.
        """
        if self.membership is None:
            raise RequestRefused(
                "not-founded",
                "no directory is in force yet",
                fix="have all founders approve the draft",
            )
        now = self.clock.now()
        authenticated = signed_request.check_head(
            request.headers.get("authorization", ""),
            request.method,
            target_of(request),
            hub=self.hub.name,
            membership=self.membership,
            now=now,
        )
        # Requests before this start are not remembered, so nothing signed before it is taken.
        slack = signed_request.CLOCKS_APART if self.folder.settings.demo else 0
        if authenticated.iat < self.started - slack:
            raise RequestRefused(
                "out-of-time",
                "the request was signed before the hub's last start",
                fix="sign it anew",
            )
        self._remember(authenticated.jti, authenticated.iat + signed_request.REMEMBERED, now)
        return authenticated

    def _remember(self, jti: str, until: int, now: int) -> None:
        """Refuse the second use of a request id. `until` is the second at which it is forgotten."""
        if now >= self._forget_at:
            # Once a minute. At each request it would cost more the more requests there are.
            self._seen_ids = {jti: end for jti, end in self._seen_ids.items() if end >= now}
            self._forget_at = now + FORGET_EVERY
        if jti in self._seen_ids:
            raise RequestRefused(
                "sent-before", "this request was sent before", fix="sign each request anew"
            )
        self._seen_ids[jti] = until

    def count(self, path: str, status: int) -> None:
        """Count one answered request. `path` is the route's template and never a case's."""
        self.request_counts[path, status] = self.request_counts.get((path, status), 0) + 1
