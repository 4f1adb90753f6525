"""Amounts in packs: accepted exactly if they are in the range of their unit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.cli import main
from rules.decide.program import Program
from rules.errors import FactsError, PackError
from rules.packs.pack import Pack
from rules.packs.parameters import GREATEST, WHOLE_UNITS
from rules.shelf import read_pack
from tests.conftest import ROOT

PACK = """\
id: {id}
title: A program
time_zone: America/Denver
program: {{from: 2014-01-01, source: act}}
sources:
  act: {{title: The act, address: here, confidence: high}}
parameters:
  limit:
    label: limit
    unit: {unit}
    values:
      - {{value: {value}, source: act}}
decisions:
  eligibility:
    rules:
      - {{id: young, when: person.age < 18, then: ineligible, because: Too young., source: act}}
    otherwise: {{outcome: eligible, because: Nothing bars it., source: act}}
"""
NUMBERS = st.one_of(
    st.integers(-100, 2_000_000),
    st.decimals(-10, 2_000_000, places=3),
    st.sampled_from([edge + by for edge in GREATEST.values() for by in (-1, 0, 1)]),
    st.sampled_from([Decimal("-0.001"), Decimal("-0.0"), Decimal("2.50"), Decimal("2.0")]),
)


def written(folder: Path, unit: str, value: object) -> Path:
    """Write a pack with one parameter, and return its folder."""
    pack = folder / "town"
    pack.mkdir(exist_ok=True)
    (pack / "pack.yaml").write_text(PACK.format(id="town", unit=unit, value=value))
    return pack


@given(unit=st.sampled_from(list(GREATEST)), number=NUMBERS)
def test_an_amount_is_accepted_exactly_if_it_is_in_range(
    unit: str, number: int | Decimal, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("amounts")
    in_range = 0 <= number <= GREATEST[unit]
    is_too_fine = unit == "USD" and number != round(number, 2)
    is_permitted = (
        in_range and not is_too_fine and (unit not in WHOLE_UNITS or number == int(number))
    )
    pack = written(folder, unit, number)
    if is_permitted:
        (value,) = read_pack(pack, whole=False).parameters["limit"].values
        assert value.value == number and not str(value.value).startswith("-")
        return
    with pytest.raises(PackError) as refused:
        read_pack(pack, whole=False)
    error = refused.value
    code = "number-too-fine" if is_too_fine else "out-of-range"
    assert (error.code, error.at.line) == (code, 12)
    assert str(number) in error.message and "`limit`" in error.message and error.fix


@pytest.mark.parametrize("place", ["amount-negative", "clock-length-negative"])
def test_no_command_uses_a_negative_amount(
    place: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pack = str(ROOT / "tests" / "packs" / "bad" / place)
    facts = tmp_path / "facts.json"
    facts.write_text("{}")
    for command in (
        ["check", pack],
        ["test", pack],
        ["show", pack],
        ["decide", pack, "eligibility", str(facts)],
        ["interview", pack, "eligibility", str(facts)],
    ):
        assert main(command) == 2
        shown = capsys.readouterr()
        assert "[out-of-range]" in shown.out + shown.err


def test_a_scenario_with_a_negative_amount_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pack = written(tmp_path, "g", 3)
    text = (pack / "pack.yaml").read_text()
    reads = text.replace("person.age < 18", "'encounter.drugs.exists(d, d.grams > limit)'")
    (pack / "pack.yaml").write_text(reads)
    facts = {"encounter": {"drugs": [{"grams": -3}]}}
    (pack / "scenarios.yaml").write_text(
        "- id: a\n  says: A case.\n  decision: eligibility\n  as_of: 2015-01-01\n"
        f"  facts: {json.dumps(facts)}\n  expect: {{status: decided}}\n"
    )
    assert main(["test", str(pack)]) == 1
    assert "[out-of-range]" in capsys.readouterr().out
    assert main(["check", str(pack)]) == 2
    shown = capsys.readouterr().out
    assert "town/scenarios.yaml:1:3: the scenario `a` can't be decided" in shown
    assert "is -3" in shown and "[out-of-range]" in shown


FEE = """\
id: town
title: A program
time_zone: America/Denver
program: {{from: 2014-01-01, source: act}}
sources:
  act: {{title: The act, address: here, confidence: high}}
facts:
  case.fee: {{type: decimal, kind: record, known_by: program, category: status, unit: USD,
    range: {range}, question: "How much is owed?", source: act}}
parameters:
  limit: {{label: limit, unit: USD, range: {own_range}, values: [{{value: {value}, source: act}}]}}
  by_route:
    {{label: limits, unit: USD, by: encounter.route,
      values: [{{value: {{arrest: {row}, otherwise: 2}}, source: act}}]}}
decisions:
  eligibility:
    rules:
      - {{id: owes, when: '{when}', then: ineligible, because: Money is owed., source: act}}
    otherwise: {{outcome: eligible, because: Nothing bars it., source: act}}
"""
FINE = {
    "range": "[0, 100]",
    "own_range": "[0, 100]",
    "value": "40.01",
    "row": "40.01",
    "when": "case.fee > limit || case.fee > by_route[encounter.route] || case.fee == 40.01",
}


def with_fee(folder: Path, **changed: str) -> Pack:
    """Read a pack with amounts in dollars."""
    pack = folder / "town"
    pack.mkdir(exist_ok=True)
    (pack / "pack.yaml").write_text(FEE.format(**{**FINE, **changed}))
    return read_pack(pack, whole=False)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("range", "[0.001, 100]"),
        ("range", "[0, 100.001]"),
        ("own_range", "[0, 100.001]"),
        ("value", "40.001"),
        ("row", "40.001"),
        ("when", "case.fee > 40.001"),
        ("when", "40.001 < limit"),
        ("when", "case.fee - 0.001 > limit"),
        ("when", "case.fee in [40, 40.001]"),
        ("when", "case.fee > (person.enrolled ? 40.001 : 2)"),
    ],
)
def test_no_amount_in_dollars_is_finer_than_a_cent(place: str, text: str, tmp_path: Path) -> None:
    with_fee(tmp_path)
    with pytest.raises(PackError) as refused:
        with_fee(tmp_path, **{place: text})
    error = refused.value
    assert error.code == "number-too-fine", error
    assert "USD, with over 2 digits after the point" in error.message
    assert error.fix == "round it to cents"


def test_a_factor_of_dollars_may_be_finer_than_a_cent(tmp_path: Path) -> None:
    with_fee(tmp_path, when="case.fee * 1.0725 > limit")


@given(amount=st.one_of(st.decimals(0, 100, places=3), st.floats(0, 100), st.integers(0, 100)))
def test_a_fact_in_dollars_is_read_exactly_if_it_is_of_whole_cents(
    amount: Decimal | float | int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = Program(with_fee(tmp_path_factory.mktemp("fees")))
    exact = Decimal(str(amount))
    if exact == round(exact, 2):
        assert program.read({"case": {"fee": amount}}).known["case.fee"] == exact
        return
    with pytest.raises(FactsError) as refused:
        program.read({"case": {"fee": amount}})
    error = refused.value
    assert error.code == "wrong-value" and error.at is not None and error.at.path == "case.fee"
