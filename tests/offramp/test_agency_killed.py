"""Kill `offramp agency serve` at random moments under load.

Nothing is lost or applied twice, and the journal is sound. `OFFRAMP_KILLS` sets the number of
rounds.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import closing

from exchange.hub.store import Store
from exchange.records.ids import new_id
from tests.support.agencies import referral
from tests.support.running_agencies import Running

KILLS = int(os.environ.get("OFFRAMP_KILLS", "10"))


def test_serve_that_is_killed_under_load_loses_nothing_and_applies_nothing_twice(
    running: Running,
) -> None:
    # The process is forked from this one. A start that imports everything again would be killed
    # before it did anything.
    chance = random.Random(3)
    composed = []
    for _ in range(KILLS):
        with closing(running.office("police")) as office:
            composed += [
                office.compose("referral", (referral(),), case=new_id(os.urandom)).id
                for _ in range(3)
            ]
        served = [_serve(running, name) for name in ("police", "crossroads")]
        time.sleep(0.05 + chance.random() * 0.35)
        for one in served:
            os.kill(one, 9)
            assert os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) == -9
    for _ in range(2):
        running.settle()
    with closing(running.office("police")) as office:
        outbox = office.working_set().outbox
        assert list(outbox) == composed and all(out.receipt is not None for out in outbox.values())
    with closing(running.office("crossroads")) as office:
        gateway = office.working_set().gateway
        assert sorted(jti for _, jti in gateway.received) == sorted(composed)
        assert not gateway.faults and gateway.broken is None
        items = [
            each["leaf"]["index"]
            for event in office.journal.after(0)
            if event.kind == "inbox"
            for each in event.body["items"]
        ]
        assert len(items) == len(set(items)) == gateway.cursor
    running.stop()
    with closing(Store(running.folder / "hub" / "hub.db")) as store:
        assert sorted(record.jti for record, _ in store.records()) == sorted(composed)
    words = [sys.executable, "-m", "offramp", "hub", "fsck", str(running.folder / "hub")]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    running.start()


def _serve(running: Running, name: str) -> int:
    """The process id of a gateway that serves."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            running.agency("serve", name)
        finally:
            os._exit(1)
    return child
