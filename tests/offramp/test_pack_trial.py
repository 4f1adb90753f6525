"""A pack that came from outside is proved in a process of its own, with a budget."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from exchange.standards import i_json
from offramp.adoption import PackFiles, collect_pack
from offramp.pack_trial import Budget, examine_pack
from rules.errors import Refusal, RequestError
from tests.support.hub_attacks import median
from tests.support.hub_process import Wire, WireWorld


def renamed(**changes: str) -> PackFiles:
    """Return Santa Fe's pack under another name, with texts of its own file replaced."""
    files = dict(collect_pack("santa-fe").files)
    text = files.pop("santa-fe/pack.yaml").replace("id: santa-fe", "id: las-vegas-nm")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return PackFiles("las-vegas-nm", {**files, "las-vegas-nm/pack.yaml": text})


def endless() -> PackFiles:
    """Return a small pack of so many rules that to prove it takes much longer than a second."""
    rules = "".join(
        f"      - {{id: r{number}, when: 'person.age < {number} && "
        f"encounter.drugs.exists(d, d.grams > {number})', "
        f"then: ineligible, because: Rule {number}., source: act}}\n"
        for number in range(1, 1200)
    )
    text = f"""\
id: endless
title: A program
time_zone: America/Denver
program: {{from: 2014-01-01, source: act}}
sources:
  act: {{title: The act, address: here, confidence: high}}
decisions:
  eligibility:
    rules:
{rules}    otherwise: {{outcome: eligible, because: Nothing bars it., source: act}}
"""
    return PackFiles("endless", {"endless/pack.yaml": text})


@pytest.fixture(autouse=True)
def nothing_proved_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize(
    "budget", [Budget(seconds=1), Budget(memory=24 * 2**20), Budget(wait_seconds=1)]
)
def test_a_pack_that_runs_away_is_not_proved_within_the_budget(budget: Budget) -> None:
    with pytest.raises(RequestError) as refused:
        examine_pack(endless(), budget=budget)
    assert refused.value.code == "not-proved"
    assert "was not proved within" in refused.value.message


def test_a_pack_that_takes_long_to_read_is_not_accepted() -> None:
    with pytest.raises(RequestError) as refused:
        examine_pack(renamed(), budget=Budget(read_seconds=0))
    assert refused.value.code == "not-proved" and "to read" in refused.value.message


def test_the_process_refuses_as_the_reader_does() -> None:
    wrong = renamed()
    broken = PackFiles(wrong.id, {**wrong.files, f"{wrong.id}/pack.yaml": "pack: {"})
    with pytest.raises(Refusal) as here:
        broken.pack()
    with pytest.raises(Refusal) as there:
        examine_pack(broken)
    assert type(there.value) is type(here.value)
    assert (there.value.code, there.value.message, there.value.fix) == (
        here.value.code,
        here.value.message,
        here.value.fix,
    )
    with pytest.raises(Refusal) as another:
        examine_pack(collect_pack("santa-fe"), "sha256:" + "0" * 64)
    assert another.value.code == "not-a-pack"


def test_a_hub_that_proves_a_pack_serves_others_and_stops_at_once(own_world: WireWorld) -> None:
    process = own_world.process
    quiet = median(Wire(process, own_world.clock), 10)
    body = i_json.write({"id": "las-vegas-nm", "files": dict(renamed().files)})
    sends = [
        threading.Thread(
            target=lambda: _without_answer(Wire(process, own_world.clock), body), daemon=True
        )
        for _ in range(2)
    ]
    for thread in sends:
        thread.start()
    until = time.monotonic() + 10
    while not children(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    (child,) = children(process.pid)
    assert median(Wire(process, own_world.clock), 10) < max(10 * quiet, 0.5)
    began = time.monotonic()
    process.end(signal.SIGTERM)
    assert time.monotonic() - began < 7  # five seconds, and what a busy machine adds
    time.sleep(1)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def _without_answer(wire: Wire, body: bytes) -> None:
    with contextlib.suppress(Exception):
        wire.ask("prosecutor", "POST", "/v1/packs", content=body)


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [int(each) for each in found.split()]
