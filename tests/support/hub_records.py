"""Status records that a test sends to a hub process, and a check that its log has them."""

from __future__ import annotations

from exchange.log.leaves import HandoutBody, Leaf, RecordBody
from exchange.log.receipts import Receipt
from exchange.records.bundle import Bundle
from offramp.hub.folder import Folder
from tests.support.attack_stories import COORDINATION, TO_PROSECUTOR
from tests.support.hub_process import HubProcess, WireWorld
from tests.support.simulator import grant, part

STATUS_GRANT = grant("crossroads", "prosecutor", ["status"], [COORDINATION])


def start_case(world: WireWorld) -> str:
    """Open a case with a consent to send its status to the prosecutor, and return its handle."""
    case = world.new_case()
    world.refer(case)
    world.pull("crossroads")
    world.consent(case, STATUS_GRANT)
    world.pull("crossroads")
    world.pull("prosecutor")
    return case


def open_case(world: WireWorld) -> str:
    """Open a case in which the case managers may send a status."""
    case = world.new_case()
    world.refer(case)
    world.pull("crossroads")
    world.consent(case, STATUS_GRANT)
    world.pull("crossroads")
    return case


def compose_status(world: WireWorld, case: str, **content: str) -> Bundle:
    """Compose a status record from the case managers to the prosecutor, without sending it."""
    return world.compose(
        "crossroads", "status", part("status", content, to=TO_PROSECUTOR), case=case
    )


def check_log(
    process: HubProcess, acknowledged: dict[str, Receipt], handouts: dict[str, Leaf]
) -> None:
    """Check the log of a stopped hub.

    Every acknowledged record is at the index of its receipt, every handout is a leaf, and no record
    id or number occurs twice. `acknowledged` is by record id, `handouts` by the hexadecimal text of
    the leaf.
    """
    hub = Folder(process.path).open()
    bodies = [leaf.body for leaf in hub.log.leaves]
    records = [
        (body.id, leaf.index)
        for body, leaf in zip(bodies, hub.log.leaves, strict=True)
        if isinstance(body, RecordBody)
    ]
    assert len({jti for jti, _ in records}) == len(records)
    assert {jti: receipt.index for jti, receipt in acknowledged.items()}.items() <= dict(
        records
    ).items()
    # An agency's records are numbered in each case apart.
    cases = {record.jti: record.case for record, _ in hub.store.records()}
    numbers = [(cases[jti], receipt.number) for jti, receipt in acknowledged.items()]
    assert len(set(numbers)) == len(numbers)
    handout_numbers = [
        (body.issuer, body.to, body.number) for body in bodies if isinstance(body, HandoutBody)
    ]
    assert len(set(handout_numbers)) == len(handout_numbers)
    assert set(handouts) <= {leaf.entry.hex() for leaf in hub.log.leaves}
    hub.store.close()
