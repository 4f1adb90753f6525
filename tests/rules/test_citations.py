"""Test citations of law: spellings, subsections, and sections that nobody recognizes."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rules
from rules.decide.program import Program
from rules.decide.walk import possible
from rules.input.citations import Section, reader_of, section_set
from rules.input.facts import read_facts
from rules.language import tree
from rules.shelf import jurisdictions, shipped, vocabulary

READER = reader_of(vocabulary())
WITH_TABLES = tuple(name for name in shipped() if rules.load(name).pack.offenses is not None)
FULL_WIDTH = {ord(digit): 0xFF10 + index for index, digit in enumerate("0123456789")}
OTHER_SCRIPTS = {ord(digit): 0x0660 + index for index, digit in enumerate("0123456789")}
INVISIBLE = "\u200b\u200d\u00ad\ufeff\u2060\u202e\u200f\ufe0f\u034f"


def cited(text: str) -> Section:
    section = READER.read(text)
    assert section is not None, text
    return section


@lru_cache(maxsize=32)
def program(name: str) -> Program:
    return rules.load(name)


# Spellings


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("r.c.w. § 69.50.4013 (2) (B).", "RCW 69.50.4013(2)(b)"),
        ("Wash. Rev. Code 69.50.4013", "RCW 69.50.4013"),
        ("NMSA 1978, Section 30\u201331\u201323(A)", "NMSA 30-31-23(a)"),
        ("21 U.S.C. § 841(b)(1)(A)", "21 USC 841(b)(1)(a)"),
        ("N.Y.\u00a0Penal Law §221.05", "NY PL 221.05"),
        ("NYPL221.05", "NY PL 221.05"),
        ("Minn. Stat. § 152.025, subd. 2(a)", "Minn. Stat. 152.025(2)(a)"),
        ("N.J.S.A. 2C:35-10a", "NJSA 2C:35-10A"),
        ("720 ILCS 570/402(c)", "720 ILCS 570/402(c)"),
        ("RCW 69.50", "RCW 69.50"),
    ],
)
def test_a_spelling_has_one_canonical_form(spelled: str, canonical: str) -> None:
    assert cited(spelled).text == canonical
    assert cited(canonical) == cited(spelled)


@pytest.mark.parametrize(
    "text",
    [
        "69.50.4013", "RCW", "", "RCWA 69.50.4013", "RCW 69-50-4013", "RCW 69.50.4013 possession",
        "RCW 69.50.4013, 69.50.4014", "RCW 69.50.4013\u00b2", "RCW 69.50.\u0664013",
        "RCW 69.50.4013 - 69.50.4015", "RCW 69.50.4013()", "PL 221.05", "841(a)", "USC 841",
        "RCW 69.50.401\u00bd", "R\u0421W 69.50.4013", "RCW 69.50.(2)", "RCW " + "1" * 5000,
        # A subsection after a mark that the system's sections don't have.
        "ORS 164.043.1", "ORS 164.043-1", "ORS 164.043/1", "ORS 164.043:1", "RCW 69.50.4013.2",
        "CA HSC 11364/5", "NMSA 30-31-27-1", "720 ILCS 570/402/2",
    ],
)  # fmt: skip
def test_what_has_no_clear_meaning_cites_nothing(text: str) -> None:
    assert READER.read(text) is None


@pytest.mark.parametrize(
    "text",
    ["NY PL 130.65-A", "CA HSC 11364.5", "NMSA 30-31-27.1", "42 USC 290DD-2", "720 ILCS 5/12-3.2"],
)
def test_a_mark_that_a_system_s_sections_have_belongs_to_the_number(text: str) -> None:
    assert str(READER.read(text)) == text


def test_zeros_stay_and_a_suffix_is_another_section() -> None:
    assert cited("NY PL 221.5") != cited("NY PL 221.05")
    listed = section_set((cited("NY PL 265.01"), cited("NMSA 30-31-27")))
    for text in ("NY PL 265.01-a", "NMSA 30-31-27.1", "NY PL 265.011"):
        assert (
            listed.has(read_facts(charged(text), vocabulary()).known[CHARGES][0]["code"]) is False
        )


CHARGES = "encounter.charges"


def charged(code: str, **fields: Any) -> dict[str, Any]:
    return {"encounter": {"charges": [{"code": code, **fields}]}}


@st.composite
def respelled(draw: st.DrawFn, text: str) -> str:
    """Spell a citation as people do: case, points, blanks, invisible marks, other digits."""
    system, _, rest = text.rpartition(" ")
    if draw(st.booleans()):
        system = draw(st.sampled_from([system.lower(), system.title(), ".".join(system) + "."]))
    system = draw(st.sampled_from([system, f"{system} §", f"{system}, Section", f"{system}\u00a0"]))
    ending = draw(st.sampled_from(["", ".", " ", "(1)", "(1)(a)", "(2)", " (A)", ", subd. 2"]))
    spelled = f"{system} {rest}{ending}"
    if draw(st.booleans()):
        spelled = spelled.translate(draw(st.sampled_from([FULL_WIDTH, OTHER_SCRIPTS])))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(spelled)))
        spelled = spelled[:at] + draw(st.sampled_from(INVISIBLE)) + spelled[at:]
    return spelled.replace("-", draw(st.sampled_from("-\u2011\u2013\u2212")))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, str, dict[str, Any]]:
    """Return a program with a table, a section of it or another, and a case on a day."""
    name = draw(st.sampled_from([*WITH_TABLES, "california", "drug-court"]))
    pack = program(name).pack
    table = list(pack.offenses.rows) if pack.offenses is not None else []
    others = ["CA HSC 11350", "CA PC 647(f)", "RCW 69.50.4013", "NY PL 165.15", "ORS 475.752"]
    code = draw(st.sampled_from([*table, *others]))
    first = pack.program.since or date(2014, 1, 1)
    last = min((pack.program.until or date(2026, 1, 2)), date(2026, 1, 2)) - timedelta(days=1)
    facts = {
        "person": {"age": 30, "enrolled": False},
        "encounter": {
            "date": draw(st.dates(first, max(first, last))).isoformat(),
            "route": "arrest",
            "in_area": True,
            "drugs": [],
            "charges": [draw(charges(code))],
        },
    }
    return name, draw(st.sampled_from(["offer", "eligibility"])), code, facts


@st.composite
def charges(draw: st.DrawFn, code: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "violent": False,
        "to_minor": False,
        "conduct": draw(st.sampled_from(["possession", "sale"])),
        "level": draw(st.sampled_from(["felony", "misdemeanor", "violation"])),
    }
    kept = draw(st.sets(st.sampled_from(sorted(fields))))
    return {"code": code, **{name: fields[name] for name in sorted(kept)}}


def with_code(facts: dict[str, Any], code: str) -> dict[str, Any]:
    (charge,) = facts["encounter"]["charges"]
    return {**facts, "encounter": {**facts["encounter"], "charges": [{**charge, "code": code}]}}


@given(cases(), st.data())
def test_a_spelling_never_changes_a_decided_answer_to_another(
    case: tuple[str, str, str, dict[str, Any]], data: Any
) -> None:
    """A subsection may refine a section, and what nobody can read is unknown. Neither flips it."""
    name, decision, code, facts = case
    spelled = data.draw(respelled(code))
    before = program(name).decide(decision, facts)
    after = program(name).decide(decision, with_code(facts, spelled))
    if "(" not in spelled.replace(code, "") and READER.read(spelled) == READER.read(code):
        assert (after.status, after.possible) == (before.status, before.possible)
    given_level = "level" in facts["encounter"]["charges"][0]
    if before.status == after.status == "decided" and not given_level:
        assert after.outcome == before.outcome, spelled


@given(cases(), st.sampled_from(["(1)", "(a)", "(1)(b)"]))
def test_a_subsection_never_adds_an_outcome(
    case: tuple[str, str, str, dict[str, Any]], below: str
) -> None:
    name, decision, code, facts = case
    for field in ("level", "conduct"):  # a given value may contradict a finer row
        facts["encounter"]["charges"][0].pop(field, None)
    before = program(name).decide(decision, facts)
    after = program(name).decide(decision, with_code(facts, code + below))
    assert set(after.possible) <= set(before.possible)


# Sections that nobody recognizes


@pytest.mark.parametrize("name", WITH_TABLES)
def test_no_section_that_a_covered_chapter_lacks_is_decided_silently(name: str) -> None:
    """Try a made-up section of every covered chapter on the first and the last day."""
    chosen = program(name)
    pack = chosen.pack
    assert pack.offenses is not None and pack.offenses.covers
    last = (pack.program.until or date(2026, 1, 1)) - timedelta(days=1)
    for chapter in pack.offenses.covers:
        separator = "-" if "-" in chapter.text else "."
        code = f"{chapter.text}{separator}999"
        assert cited(code).is_whole and code not in pack.offenses.rows
        for day in (pack.program.since, last):
            for decision in ("offer", "eligibility"):
                # With help sought, the immunity for an overdose reads the section, too.
                encounter = {"overdose_help_sought": True, **charged(code)["encounter"]}
                facts = {"encounter": {"date": str(day), **encounter}}
                answer = chosen.decide(decision, facts)
                reads_code = any(
                    isinstance(part, tree.Cited)
                    for rule in answer.rules_in_force.rules
                    for part in tree.nodes(rule.condition)
                )
                asked = {entry["fact"]: entry for entry in answer.needed}
                if reads_code and answer.status == "undetermined":
                    entry = asked["encounter.charges[0].code"]
                    assert (entry["given"], entry["question"]) == (code, "Which section is meant?")
                if reads_code:
                    assert answer.outcome != "no_offense"


def test_another_law_is_another_section_and_asks_nothing() -> None:
    facts = {"encounter": {"date": "2021-03-05", **charged("RCW 9A.56.030")["encounter"]}}
    answer = program("seattle").decide("offer", facts)
    assert "no_offense" not in answer.possible


def test_an_unknown_section_asks_and_its_chapter_too() -> None:
    for code in ("RCW 69.50", "RCW 69.50.413", "possession", "RCW 69.50.4013 or so"):
        facts = {"encounter": {"date": "2021-03-05", **charged(code)["encounter"]}}
        answer = program("seattle").decide("offer", facts)
        assert "no_offense" in answer.possible and answer.status == "undetermined", code
        (entry,) = [one for one in answer.needed if one["fact"].endswith(".code")]
        assert entry["given"] == code


# Contradictions


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"level": "misdemeanor"}, "level"),
        ({"level": "violation", "authority": "federal"}, "authority"),
    ],
)
def test_a_value_against_the_law_is_unknown(fields: dict[str, Any], asked: str) -> None:
    facts = charged("NY PL 221.05", **fields)
    read = program("nyc-violations").law.filled(
        program("nyc-violations").read(
            {**facts, "encounter": {**facts["encounter"], "date": "2015-02-01"}}
        )
    )
    (charge,) = read.known[CHARGES]
    assert asked not in charge
    assert charge["conduct"] == "possession"


def test_the_authority_is_that_of_the_citation() -> None:
    for code, authority in (("21 USC 844", "federal"), ("SMC 12A.09.020", "city")):
        read = program("lead").read(charged(code))
        assert program("lead").law.filled(read).known[CHARGES][0]["authority"] == authority


# All engines


@given(cases(), st.data())
def test_the_tree_walk_and_the_compiled_rules_agree_on_every_spelling(
    case: tuple[str, str, str, dict[str, Any]], data: Any
) -> None:
    name, decision, code, facts = case
    answer = program(name).decide(decision, with_code(facts, data.draw(respelled(code))))
    assume(answer.in_force is not None)
    assert possible(answer.rules_in_force, answer.world) == answer.possible


def test_the_names_of_tables_are_no_packs() -> None:
    tables = {path.parent.name for path in jurisdictions().glob("law/*/table.yaml")}
    assert tables and not tables & set(shipped())
