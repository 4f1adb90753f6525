"""A whole case by the documented commands, with the settings of `init`, on a moving clock.

A hub and six agencies work one person's case from the referral to the exit and the account. No file
is written by hand. Chance decides how much time passes between any two commands.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

import offramp.clock
from tests.conftest import ROOT
from tests.support.running_agencies import Running
from tests.support.staff import founder_of

ROLES = {
    "police": "police",
    "prosecutor": "prosecutor",
    "defender": "defender",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
    "program": "program",
}
READERS = {name: founder_of(name) for name in ("prosecutor", "defender", "crossroads", "program")}
PERMITTED = ("case_managers", "counsel", "program_entry", "program_work", "prosecutor_intake")
ZONE = ZoneInfo("America/Denver")


class MovingTown(Running):
    """A hub's process and six agencies, all with the settings of `init`, on one moving clock."""

    covered = ("crossroads", "clinic")

    def __init__(self, folder: Path, ahead: Path) -> None:
        self.ahead = ahead
        self.program = ("-m", "tests.support.moving_clock", str(ahead))
        super().__init__(folder, ROLES, "santa-fe")

    def move(self, seconds: float) -> None:
        partial = self.ahead.with_suffix(".partial")
        partial.write_text(str(float(self.ahead.read_text()) + seconds))
        partial.replace(self.ahead)

    def now(self) -> datetime:
        ahead = float(self.ahead.read_text())
        return datetime.fromtimestamp(time.time() + ahead, UTC).astimezone(ZONE)

    def settle(self) -> None:
        """Let each gateway do what is due, as `serve` from a timer does."""
        for _ in range(2):
            for name in ROLES:
                assert self.agency("serve", name, "--once") == 0, name


class Person:
    """The story of one person: each command after a while, and what it printed."""

    def __init__(
        self, town: MovingTown, capsys: pytest.CaptureFixture[str], seed: int, language: str
    ) -> None:
        self.town = town
        self.capsys = capsys
        self.seed = seed
        self.chance = random.Random(seed)
        self.language = language
        # Seconds since the gateways did what was due.
        self.unsettled = 0.0

    def says(self, *words: str, code: int = 0) -> str:
        """Run a command after one minute to eight hours, and return what it prints."""
        passed = self.chance.uniform(60, 4 * 3600)
        self.town.move(passed)
        self.unsettled += passed
        if self.unsettled > 16 * 3600:
            # Gateways run all the time: nothing opens on an answer of the hub that is a day old,
            # nor on a log that its witnesses haven't signed for a day.
            self.settle()
        self.capsys.readouterr()
        found = self.town.agency(*words)
        printed = self.capsys.readouterr()
        assert found == code, f"{self.seed}: {words}: {printed.err}{printed.out}"
        return printed.out + printed.err

    def asks(self, command: str, agency: str, *words: str) -> str:
        """Fill in a form in the story's language."""
        return self.says(command, agency, *words, "--lang", self.language, "--yes")

    def settle(self) -> None:
        """Let every gateway do what is due."""
        self.town.settle()
        self.unsettled = 0.0

    def everybody_reads(self, case: str) -> None:
        self.settle()
        for agency, reader in READERS.items():
            self.says("case", agency, case, "--by", reader)
        self.settle()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MovingTown]:
    folder = tmp_path_factory.mktemp("town")
    ahead = folder / "ahead"
    ahead.write_text("0")
    clock = offramp.clock.time
    offramp.clock.time = SimpleNamespace(  # type: ignore[assignment]  # for the module
        time=lambda: time.time() + float(ahead.read_text())
    )
    town = MovingTown(folder, ahead)
    try:
        town.join_all()
        yield town
    finally:
        town.stop()
        offramp.clock.time = clock


@pytest.mark.parametrize(
    ("language", "given_name", "family_name", "born"),
    [("en", "John", "Rael", "1984-02-29"), ("es", "María", "Luján Baca", "1990-04-17")],
)
def test_a_case_from_the_referral_to_the_exit(
    town: MovingTown,
    capsys: pytest.CaptureFixture[str],
    language: str,
    given_name: str,
    family_name: str,
    born: str,
) -> None:
    seed = int(os.environ.get("STORY_SEED", random.SystemRandom().randrange(2**32)))
    print(f"repeat this story with STORY_SEED={seed}")
    tell(Person(town, capsys, seed, language), given_name, family_name, born)


def tell(person: Person, given_name: str, family_name: str, born: str) -> None:
    town = person.town
    name = f"{given_name} {family_name}"
    # The officer makes the offer, and the person says yes.
    sent = person.asks(
        "refer",
        "police",
        *("--date", str(town.now().date()), "--route", "arrest", "--in-area", "yes"),
        *("--weapon", "no", "--overdose-help-sought", "no", "--booked", "no"),
        *("--drugs", "kind=opioid, grams=2.4, form=weighed", "--charges"),
        "conduct=possession, authority=state, violent=no",
        *("--amenable", "yes", "--above-subsistence", "no", "--exploits-others", "no"),
        *("--threat-of-harm", "no", "--given-name", given_name, "--family-name", family_name),
        *("--birth-date", born, "--phone", f"505-555-{born[:4]}", "--language", person.language),
        "--rest-unknown",
    )
    handle = re.findall(r"[0-9a-f]{32}", sent)[-1]
    case = handle[:8]
    assert "MAY OFFER" in person.says("decide", "police", case, "offer")
    person.settle()
    for agency in ("crossroads", "program", "prosecutor"):
        shown = person.says("case", agency, case, "--by", READERS[agency])
        # Only the agencies that are to reach the person get the name.
        assert (name in shown) is (agency != "prosecutor")
    person.asks("screen", "prosecutor", case, "--outcome", "proceed")
    # Nobody may be told what the rules say of eligibility before the person consents.
    refused = person.says("decide", "program", case, "eligibility", "--send", code=2)
    assert "nobody-to-tell" in refused
    # The case manager asks for consent. The person says no to one optional line.
    answers = [word for question in PERMITTED for word in ("--allow", question)]
    form = person.asks(
        "consent",
        "crossroads",
        case,
        *("--set", "hand_off", *answers, "--decline", "prosecutor_case", "--name", name),
        *("--by", READERS["crossroads"], "--place", "office", "--in-custody", "no"),
        *("--signed", "paper", "--time-to-think", "yes", "--copy-given", "yes"),
    )
    assert len(re.findall("^NO: ", form, re.MULTILINE)) == 2
    person.settle()
    person.says("represent", "defender", case, "--yes")
    interview = town.now().strftime("%Y-%m-%d %H:%M")
    person.asks("intake", "crossroads", case, "--intake-at", interview)
    person.everybody_reads(case)
    # The prosecutor decides, and the rules admit the person.
    for decision, outcome in (("eligibility", "eligible"), ("admission", "admitted")):
        person.says(
            *("determine", "prosecutor", case, decision, outcome, "--reason", "rules"),
            *("--by", READERS["prosecutor"], "--yes"),
        )
    person.everybody_reads(case)
    assert "ELIGIBLE" in person.says("decide", "program", case, "eligibility", "--send")
    assert "ADMITTED" in person.says("decide", "program", case, "admission")
    # The weight of the laboratory is another one: whoever decided looks again.
    person.asks("weigh", "police", case, "--drugs", "grams=2.9", "--rest-unknown")
    person.everybody_reads(case)
    tasks = person.says("tasks", "program")
    assert "corrected the drugs" in tasks and name in tasks
    # The status goes out as one word, never to police. What is in the way stays in care.
    status = person.asks(
        "report-status", "crossroads", case, "--engagement", "engaged", "--barriers", "housing"
    )
    assert not re.search(r"^  (told to|se dice a): .*police", status, re.MULTILINE)
    person.everybody_reads(case)
    board = person.says("meeting", "program", "--present", "defender")
    assert case in board
    # A later charge is told to counsel, and the person complains and leaves.
    person.asks("grievance", "defender", case, "--text", "The office was closed twice.")
    person.asks("exit", "crossroads", case, "--since", str(town.now().date()))
    person.everybody_reads(case)
    for agency in ("crossroads", "program"):
        assert case not in person.says("tasks", agency)
    # The person let nobody tell the prosecutor of it, so there the case goes on.
    assert case in person.says("tasks", "prosecutor")
    assert name in person.says("find", "police", family_name.split()[0])
    account = person.says("account", "defender", case, "--lang", person.language)
    assert "America/Denver" in account and len(account.splitlines()) <= 45
    told = "Nothing is missing" if person.language == "en" else "No falta nada"
    assert told in account
    backup = town.folder / f"crossroads.{person.language}.backup"
    person.says("backup", "crossroads", str(backup))
    assert "wrong" not in person.says("doctor", "crossroads")


def test_the_documentation_shows_every_command_of_the_story() -> None:
    pages = "\n".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    for command in (
        *("refer", "screen", "consent", "represent", "intake", "weigh", "report-status"),
        *("decide", "determine", "meeting", "tasks", "grievance", "exit", "find", "account"),
    ):
        assert f"offramp agency {command}" in pages or f"`{command} DIR" in pages, command
