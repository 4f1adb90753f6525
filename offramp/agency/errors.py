"""The refusals of an agency's program."""

from __future__ import annotations

from exchange.errors import ExchangeError


class AgencyError(ExchangeError):
    """A fault in the agency's own files, keys, or commands."""


class HubAway(AgencyError):
    """The hub doesn't answer, or not as a hub does. Local work goes on."""


class HubRefused(AgencyError):
    """The hub refused a request. `status` is the HTTP status, `hub_code` the hub's own code."""

    def __init__(self, status: int, hub_code: str, sentence: str, *, fix: str) -> None:
        super().__init__("hub-refused", sentence, fix=fix)
        self.status = status
        self.hub_code = hub_code
