"""A gateway survives whatever a hub answers: one refusal, nothing kept that was not checked."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.errors import LogError
from exchange.hub.gathering import CLOSED
from exchange.standards import i_json
from offramp.agency.hub_link.client import Answer, Client
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import HubLink
from offramp.agency.operations import report_status
from offramp.agency.wording import status_lines
from rules.errors import Refusal
from tests.support.agencies import MemoryHub, Town, referral

SCALARS = (
    *(None, True, False, -3, 0, 1, 2**53, 2**60, 1.5),
    *("", "x", "\x1b[2J", "0" * 64, "a" * 32, "-1", "2026-11"),
)
NAMES = ("closed", "size", "leaf", "items", "line", "error", "proof", "generation", "directory")


def junk(chance: random.Random, deep: int = 0) -> Any:
    """Draw a JSON value of no particular shape."""
    if deep < 3 and chance.random() < 0.3:
        return [junk(chance, deep + 1) for _ in range(chance.randrange(3))]
    if deep < 3 and chance.random() < 0.3:
        return {chance.choice(NAMES): junk(chance, deep + 1) for _ in range(chance.randrange(4))}
    return chance.choice(SCALARS)


class LyingHub:
    """A hub whose answers to some paths are changed before a gateway reads them."""

    def __init__(self, hub: MemoryHub, path: str, chance: random.Random) -> None:
        self.hub = hub
        self.path = path
        self.chance = chance

    def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], patience: float
    ) -> Answer:
        answer = self.hub.ask(method, path, body, headers, patience)
        if not path.startswith(self.path):
            return answer
        status = self.chance.choice([answer.status, answer.status, 200, 404, 422, 500])
        if self.chance.random() < 0.3:
            return Answer(status, i_json.write(junk(self.chance)), answer.date)
        try:
            return Answer(status, i_json.write(self._spoiled(answer.body)), answer.date)
        except Refusal:
            spoiled = bytearray(answer.body)
            spoiled[self.chance.randrange(len(spoiled))] ^= 1 << self.chance.randrange(7)
            return Answer(status, bytes(spoiled), answer.date)

    def _spoiled(self, body: bytes) -> Any:
        """Replace or remove one value somewhere in an answer."""
        holder: Any = {"": i_json.read(body)}
        root, key = holder, ""
        while isinstance(holder[key], dict | list) and holder[key] and self.chance.random() < 0.8:
            holder = holder[key]
            names = list(holder) if isinstance(holder, dict) else range(len(holder))
            key = self.chance.choice(names)
        if key == "" or self.chance.random() < 0.6:
            holder[key] = junk(self.chance)
        else:
            del holder[key]
        return root[""]


PATHS = (
    "/v1/directory",
    "/v1/generation",
    "/v1/keys",
    "/v1/records",
    "/v1/inbox",
    "/v1/log/checkpoint",
    "/v1/log/entries",
    "/v1/log/inclusion",
    "/v1/log/cosignatures",
)


def survives(town: Town, seed: int) -> None:
    """Let police do every duty with a hub that lies, and ask for their status."""
    office = town.at["police"]
    chance = random.Random(seed)
    hub = LyingHub(town.hub, chance.choice(PATHS), chance)
    client = Client(hub, office.signing, office.clock, office.random, office.hub_name)
    try:
        run_duties(HubLink(office, client))
    except Refusal as refusal:
        assert refusal.code and "\x1b" not in str(refusal)
    assert "\x1b" not in "\n".join(status_lines(report_status(office), ZoneInfo("UTC")))
    # Whatever was kept was checked: everything that the journal has replays.
    office.replay()


LIES = settings(
    max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


def test_a_false_proof_breaks_the_log_for_good_and_status_says_so(tmp_path: Path) -> None:
    town = Town(tmp_path)
    office = town.at["defender"]
    run_duties(town.link("defender"))
    for _ in range(2):
        town.at["police"].compose("referral", (referral(),), case="d" * 32)
        run_duties(town.link("police"))
    ask = town.hub.ask

    def false(*request: Any) -> Answer:
        answer = ask(*request)
        return answer if "consistency" not in request[1] else Answer(200, b'{"proof":[]}', None)

    town.hub.ask = false  # type: ignore[method-assign]  # a hub that lies
    with pytest.raises(LogError, match="didn't grow out of"):
        run_duties(town.link("defender"))
    assert report_status(office).broken and office.replay().gateway.broken
    with pytest.raises(LogError, match="didn't grow out of"):
        office.compose("status", (), case="d" * 32)


@LIES
@given(st.integers(0, 2**32))
def test_answers_of_another_shape_are_refused_and_leave_the_journal_whole(
    town: Town, seed: int
) -> None:
    town.at["police"].compose("referral", (referral(),), case="c" * 32)
    survives(town, seed)


@LIES
@given(st.integers(0, 2**32))
def test_a_hub_that_says_it_was_restored_is_refused_where_it_lies(town: Town, seed: int) -> None:
    town.hub.hub.store.set_value(CLOSED, b"-")
    survives(town, seed)
