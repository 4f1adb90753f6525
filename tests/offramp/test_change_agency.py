"""`change --agency`: the agency's own open cases, counted, and their handles in its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from offramp.agency import operations
from offramp.agency.operations.rule_change import FILE, ChangedCases
from offramp.cli import main
from offramp.policy.change_text import open_case_sentences
from tests.support.agencies import part
from tests.support.running_agencies import SIX_ROLES, Running, serve_joined, told
from tests.support.staff import founder_of

pytest.importorskip("z3", reason="the solver isn't installed")

STRICTER = """
id: our-city
title: Our city
extends: lead
time_zone: America/Los_Angeles
program: {from: 2020-01-01, source: {id: ordinance}}
sources:
  ordinance: {title: Ordinance 7, address: "https://city.example/7", confidence: high}
decisions:
  eligibility:
    rules:
      - id: no-arrests
        when: 'encounter.route == "arrest"'
        then: ineligible
        because: The program is for people who were not arrested.
        source: {id: ordinance}
"""


@pytest.fixture
def six(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Running]:
    with serve_joined(tmp_path, SIX_ROLES) as found:
        capsys.readouterr()
        yield found


def refer(running: Running, numbers: range) -> None:
    """Refer a person who was arrested, once for each number, and have the program open it."""
    to = dict.fromkeys(("program", "prosecutor"), ("offer_and_hand_off", "offer_at_scene"))
    facts = {"facts": {"encounter.route": "arrest", "encounter.date": "2024-06-03"}}
    with closing(running.office("police")) as office:
        for number in numbers:
            parts = (part("encounter", facts, to=to, says={"answer": "accepted"}, use="none"),)
            office.compose("referral", parts, case=f"{number:032x}")
    running.settle()
    # What isn't opened isn't known.
    with closing(running.office("program")) as office:
        operations.sign_in(office)
        for number in numbers:
            operations.open_case(office, founder_of("program"), f"{number:032x}")


def memo_of(running: Running, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    pack = running.folder / "packs" / "our-city"
    pack.mkdir(parents=True, exist_ok=True)
    (pack / "pack.yaml").write_text(STRICTER)
    capsys.readouterr()
    code = main(
        [
            *("change", "lead", str(pack), "--decision", "eligibility", "--json"),
            *("--agency", str(running.folder / "program"), *words),
            *("--passphrase-file", str(running.passphrase)),
        ]
    )
    printed = capsys.readouterr()
    assert code == 0, printed.err
    memo: dict[str, Any] = json.loads(printed.out)
    return memo


def test_own_open_cases_are_counted_and_their_handles_stay(
    six: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    refer(six, range(1, 4))
    own = memo_of(six, capsys)["open_cases"]["own"]
    # Three cases: the memo that leaves doesn't say how many.
    change = {"decision": "eligibility", "before": "undetermined", "after": "ineligible"}
    assert own == {
        "cases": {"hidden": True},
        "decisions": ["eligibility"],
        "changed": [{**change, "cases": {"hidden": True}}],
    }
    refer(six, range(4, 13))
    memo = memo_of(six, capsys)
    own = memo["open_cases"]["own"]
    assert own["cases"] == 12 and own["changed"] == [{**change, "cases": 12}]
    # What begins later isn't in numbers by the rules of today, and the section says so.
    later = [{"covers": {"from": "2027-03-01", "until": None}, "redline": memo["redline"]}]
    *_, last = open_case_sentences({**memo, "later": later})
    assert last.endswith("What changes from March 1, 2027 on isn't in these numbers.")
    # What leaves has no handle, and the agency's folder has them all.
    file = six.folder / "program" / FILE
    kept = json.loads(file.read_bytes())
    (row,) = kept["changed"]
    assert kept["open"] == 12 and row["cases"] == [f"{number:032x}" for number in range(1, 13)]
    assert file.stat().st_mode & 0o077 == 0
    assert not any(handle in json.dumps(memo) for handle in row["cases"])
    # A person who is already in keeps the answer of the way in, which the later rule doesn't reach.
    with closing(six.office("program")) as office:
        operations.sign_in(office)
        by, handle = founder_of("program"), f"{12:032x}"
        operations.determine(office, by, handle, "admission", "admitted", "discretion")
    memo_of(six, capsys)
    kept = json.loads(file.read_bytes())
    assert kept["changed"][0]["cases"] == [f"{number:032x}" for number in range(1, 12)]
    # Who counted them is a look.
    looks = told(six, capsys, "looks", "program")
    assert "compare_open_cases" in json.dumps(looks)
    # The pack that the change is from must be in force here.
    words = ["--agency", str(six.folder / "program"), "--passphrase-file", str(six.passphrase)]
    assert main(["change", "deflection", "lead", "--decision", "disclosure", *words]) == 2
    assert "[not-in-force]" in capsys.readouterr().err
    # A person who isn't listed counts nothing.
    person = ["--person", "Nobody Known"]
    assert main(["change", "lead", "lead", "--decision", "filing", *words, *person]) == 2
    assert "[unlisted-person]" in capsys.readouterr().err
    assert main(["change", "lead", "lead", *person]) == 2
    assert "`--person`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cases", "counts", "shown"),
    [
        (40, {"a": 12, "b": 15}, {"a": 12, "b": 15}),
        (40, {"a": 12, "b": 3}, {}),
        (40, {"a": 29}, {"a": 29}),
        (40, {"a": 30}, {}),  # ten cases keep their answer
        (12, {"a": 12}, {"a": 12}),
        (9, {"a": 9}, {}),
    ],
)
def test_a_small_count_hides_the_others_of_its_decision(
    cases: int, counts: dict[str, int], shown: dict[str, int]
) -> None:
    changed = {
        ("eligibility", "before", after): tuple(map(str, range(number)))
        for after, number in counts.items()
    }
    own = ChangedCases("program", cases, ("eligibility",), changed, FILE).as_json()
    assert own["cases"] == (cases if cases > 10 else {"hidden": True})
    seen = {
        row["after"]: row["cases"] for row in own["changed"] if row["cases"] != {"hidden": True}
    }
    assert seen == shown
