"""An agency's link to its hub: the open folder, the client, and what the hub last reported."""

from __future__ import annotations

from typing import Any

from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.client import Client, Http


class HubLink:
    """One agency's office with a client of its hub, for the duties in this package.

    INVARIANT of every duty: the network is asked outside each transaction, and the answer is taken
    in one. A duty can be interrupted anywhere and done again. A record is sent under its id until
    its receipt is on the disk, and an answer is taken only where the last one ended.
    """

    def __init__(self, office: Office, client: Client) -> None:
        self.office = office
        self.client = client
        # A sentence that says why this agency doesn't cosign, None where it does.
        self.apart: str | None = None
        # A sentence that says why the hub takes some queued records later, None where it took all.
        self.held: str | None = None
        # The state of a restored hub that is closed, None where it is open.
        self.restored: dict[str, Any] | None = None

    def take_up_key(self) -> None:
        """Sign from now on with the newest key that is here and that the directory lists."""
        if self.office.take_up_key():
            self.client.signing = self.office.signing


def link_of(office: Office) -> HubLink:
    """Return an office's link to its hub. Raises `AgencyError` `not-joined`, `moved`."""
    office.check_not_moved()
    if office.settings.hub is None:
        raise AgencyError(
            "not-joined",
            f"`{office.agency}` has joined no hub",
            fix="run `offramp agency join DIR URL CODE`",
        )
    client = Client(
        Http(office.settings.hub), office.signing, office.clock, office.random, office.hub_name
    )
    return HubLink(office, client)
