"""Send and pull from several processes while a consent ends.

The log has one order, and nothing passes after the end.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.log.leaves import HandoutBody
from exchange.protocol.inbox import read_inbox
from tests.support.hub_process import Wire, WireWorld, values
from tests.support.hub_records import STATUS_GRANT, compose_status, start_case

SENDERS, EACH = 4, 8


def in_process(do: Callable[[], list[dict[str, Any]]], out: Path) -> int:
    """Run a function in a child process that writes its result to a file. Return the child's id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            out.write_text(json.dumps(do()))
            code = 0
        finally:
            os._exit(code)
    return child


@pytest.mark.parametrize("seed", range(3))
def test_the_history_of_several_processes_has_one_order_and_the_end_of_a_consent_cuts_it(
    own_world: WireWorld, tmp_path: Path, seed: int
) -> None:
    case = start_case(own_world)
    bundles = [
        [values(compose_status(own_world, case)) for _ in range(EACH)] for _ in range(SENDERS)
    ]
    end = own_world.terms(
        "crossroads", {"does": "end", "grant": STATUS_GRANT["id"]}, agencies=["prosecutor"]
    )
    revocation = own_world.compose("crossroads", "consent_change", end, case=case)
    seen = own_world.at["prosecutor"].cursor

    def asked(wire: Wire, what: Any) -> dict[str, Any]:
        began = time.monotonic_ns()
        answer = wire.ask("crossroads", "POST", "/v1/records", what)
        return {
            "began": began,
            "ended": time.monotonic_ns(),
            "status": answer.status_code,
            **answer.json(),
        }

    def sends(number: int) -> Callable[[], list[dict[str, Any]]]:
        def run() -> list[dict[str, Any]]:
            chance, wire, found = (
                random.Random(f"{seed} {number}"),
                Wire(own_world.process, own_world.clock),
                [],
            )
            for each in bundles[number]:
                time.sleep(chance.random() * 0.03)
                found.append(asked(wire, each))
            return found

        return run

    def revokes() -> list[dict[str, Any]]:
        time.sleep(0.05 + random.Random(seed).random() * 0.1)
        return [asked(Wire(own_world.process, own_world.clock), values(revocation))]

    def pulls() -> list[dict[str, Any]]:
        wire, after, found, last = (
            Wire(own_world.process, own_world.clock),
            seen,
            [],
            time.monotonic() + 1.0,
        )
        while time.monotonic() < last:
            answer = read_inbox(wire.ask("prosecutor", "GET", f"/v1/inbox?after={after}").content)
            after += len(answer.items)
            found += [
                {
                    "index": item.leaf.index,
                    "out": isinstance(body, HandoutBody),
                    "id": getattr(body, "record", None),
                }
                for item in answer.items
                for body in [item.leaf.body]
            ]
        return found

    outs = [tmp_path / f"out-{number}" for number in range(SENDERS + 2)]
    doing = [*(sends(number) for number in range(SENDERS)), revokes, pulls]
    children = [in_process(do, out) for do, out in zip(doing, outs, strict=True)]
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    *sent, (revoked,), pulled = (json.loads(out.read_text()) for out in outs)

    history = [one for each in sent for one in each]
    taken = [one for one in history if "receipt" in one] + [revoked]
    assert "receipt" in revoked and len(history) == SENDERS * EACH
    cut = revoked["receipt"]["index"]
    # No two records have one index, and a request that ended before another began has the
    # smaller index.
    places = [one["receipt"]["index"] for one in taken]
    assert len(set(places)) == len(places)
    for one in taken:
        for other in taken:
            if one["ended"] < other["began"]:
                assert one["receipt"]["index"] < other["receipt"]["index"]
    # Each was committed before the end of the consent or refused in the same way. Nothing was
    # refused before the end was requested.
    for one in history:
        if "receipt" in one:
            assert one["receipt"]["index"] < cut
        else:
            assert (one["status"], one["error"]["code"]) == (403, "not-passed")
            assert one["ended"] > revoked["began"]
        if one["began"] > revoked["ended"]:
            assert "receipt" not in one
    # Nothing is handed out after the end. A record that was committed and not handed out by then is
    # withdrawn.
    every = {bundle_id(each) for of_one in bundles for each in of_one}
    mine = {one["id"] for one in pulled if one["out"]} & every
    assert all(one["index"] < cut for one in pulled if one["out"] and one["id"] in mine)
    own_world.pull("prosecutor")
    # Pulled once more, what was handed out is only named: by now the rules say no.
    again = {
        item.leaf.body.record: item.leaf.index
        for item in own_world.at["prosecutor"].undelivered
        if isinstance(item.leaf.body, HandoutBody)
    }
    assert not own_world.got("prosecutor") & every
    assert {jti for jti in again if jti in every} == mine and all(again[jti] < cut for jti in mine)
    own_world.process.end()
    assert own_world.process.fsck() == []


def bundle_id(value: Any) -> str:
    from exchange.records.bundle import parse_bundle

    return parse_bundle(value).id
