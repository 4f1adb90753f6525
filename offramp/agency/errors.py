"""What an agency's program refuses."""

from __future__ import annotations

from exchange.errors import ExchangeError


class AgencyError(ExchangeError):
    """The agency's own files, keys or commands aren't as they must be."""


class HubAway(AgencyError):
    """The hub doesn't answer, or not as a hub does. What is local goes on."""


class HubRefused(AgencyError):
    """The hub answered no. `status` is the HTTP status, `said` the hub's own code."""

    def __init__(self, status: int, said: str, sentence: str, *, fix: str) -> None:
        super().__init__("hub-refused", sentence, fix=fix)
        self.status = status
        self.said = said
