"""The refusals of an agency's program."""

from __future__ import annotations

from exchange.errors import ExchangeError, shorten
from rules.input.characters import code_point, find_hidden


class AgencyError(ExchangeError):
    """A fault in the agency's own files, keys, or commands."""


def refuse_hidden_name(name: object) -> None:
    """Refuse a name of a person that has a hidden character: the journal and others show it.

    Raises `AgencyError` `hidden-character`.
    """
    offset = find_hidden(name) if isinstance(name, str) else None
    if isinstance(name, str) and offset is not None:
        raise AgencyError(
            "hidden-character",
            f"the name `{shorten(name)}` contains the hidden character "
            f"`{code_point(name[offset])}`",
            fix="delete it, and type the text again",
        )


class HubAway(AgencyError):
    """The hub doesn't answer, or not as a hub does. Local work goes on."""


class HubRefused(AgencyError):
    """The hub refused a request. `status` is the HTTP status, `hub_code` the hub's own code."""

    def __init__(self, status: int, hub_code: str, sentence: str, *, fix: str) -> None:
        super().__init__("hub-refused", sentence, fix=fix)
        self.status = status
        self.hub_code = hub_code
