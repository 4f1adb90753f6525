"""Test citations of law: spellings, subsections, and sections that nobody recognizes."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rules
from rules.author.scenarios import read_scenarios
from rules.decide.program import Program
from rules.decide.walk import possible
from rules.input.citations import Section, another_section, reader_of, section_set
from rules.input.facts import read_facts
from rules.packs.law import HOMICIDE_SECTIONS
from rules.packs.pack import Pack
from rules.shelf import find, jurisdictions, shipped, vocabulary

READER = reader_of(vocabulary())
WITH_TABLES = tuple(name for name in shipped() if rules.load(name).pack.offenses is not None)
WITH_COVERED_CHAPTERS = tuple(
    name
    for name in WITH_TABLES
    if rules.load(name).pack.offenses.covers  # type: ignore[union-attr]  # it has a table
)
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
        # The system comes last, as California's police and courts write it.
        ("11377(a) CA HSC", "CA HSC 11377(a)"),
        ("§ 69.50.4013(2) R.C.W.", "RCW 69.50.4013(2)"),
    ],
)
def test_a_spelling_has_one_canonical_form(spelled: str, canonical: str) -> None:
    assert cited(spelled).text == canonical
    assert cited(canonical) == cited(spelled)


@pytest.mark.parametrize(
    "spelled",
    [
        "HS 11377(a)", "11377(a) HS", "H&S 11377(a)", "Health and Safety Code section 11377(a)",
        "HSC \u00a7 11377(a)", "11377(a)HS", "Cal. Health & Safety Code 11377, subd. (a)",
    ],
)  # fmt: skip
def test_california_s_short_spellings_count_in_its_packs(spelled: str) -> None:
    for name in ("california", "san-francisco"):
        section = reader_of(program(name).pack.vocabulary).read(spelled)
        assert section is not None and section.text == "CA HSC 11377(a)"
        penal = reader_of(program(name).pack.vocabulary).read("647(b) PC")
        assert penal is not None and penal.text == "CA PC 647(b)"


@pytest.mark.parametrize(
    "text",
    [
        # A chapter with its system last may be the end of something else.
        "69.50 RCW", "possession 11377(a) CA HSC", "11377(a) XCA HSC", "11377(a) HS",
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
    ("text", "meant"),
    [
        ("PC 484", ["CA PC 484"]),
        ("pc § 484(a)", ["CA PC 484(a)"]),
        ("Penal Code 484", ["CA PC 484"]),
        ("PL 221.05", ["NY PL 221.05"]),
        ("Stat. 893.13", ["Fla. Stat. 893.13", "Minn. Stat. 893.13", "ORS 893.13"]),
        ("Code 23152", ["CA BPC 23152", "CA HSC 23152", "CA PC 23152", "CA VC 23152"]),
        ("221.05", []),
        ("XPC 484", []),
        ("PC", []),
        ("CA PC 484", []),
    ],
)
def test_a_name_cut_short_is_answered_with_the_systems_that_end_with_it(
    text: str, meant: list[str]
) -> None:
    assert list(READER.meant(text)) == meant


def test_a_name_cut_short_is_asked_about_and_never_taken() -> None:
    """In facts and in an interview. In packs, the errors of `packs/bad` say the same."""
    facts = {"encounter": {"date": "2020-01-05", **charged("PC 484")["encounter"]}}
    answer = program("staten-island-hope").decide("offer", facts)
    (entry,) = [each for each in answer.needed if each["fact"].endswith(".code")]
    assert entry["question"] == "Which section is meant? Did you mean CA PC 484?"
    assert entry["given"] == "PC 484"
    with_system = program("staten-island-hope").decide("offer", with_code(facts, "CA PC 484"))
    assert set(with_system.possible) <= set(answer.possible)


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
    name = draw(st.sampled_from(shipped()))
    pack = program(name).pack
    table = list(pack.offenses.rows) if pack.offenses is not None else []
    others = [
        "CA HSC 11350",
        "CA PC 647",
        "CA PC 647(f)",
        "RCW 69.50.4013",
        "NY PL 165.15",
        "ORS 475.752",
    ]
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
            "charges": [draw(charges(code, is_homicide(pack, code)))],
        },
    }
    return name, draw(st.sampled_from(sorted(pack.decisions))), code, facts


def is_homicide(pack: Pack, code: str) -> bool:
    """Return whether a section is one of homicide, by the pack's table or its list."""
    rows = pack.offenses.rows.get(code, ()) if pack.offenses is not None else ()
    parameter, section = pack.parameters.get(HOMICIDE_SECTIONS), READER.read(code)
    listed = [value.value for value in parameter.values] if parameter is not None else []
    return any(row.homicide for row in rows) or any(
        section is not None and section_set(sections).has_section(section) for sections in listed
    )


@st.composite
def charges(draw: st.DrawFn, code: str, homicide: bool) -> dict[str, Any]:
    """Return a charge. A section of homicide decides against other words, so it has none."""
    fields: dict[str, Any] = (
        {
            "conduct": "other",
            "violent": True,
            "to_minor": False,
            "level": draw(st.sampled_from(["felony", "misdemeanor"])),
        }
        if homicide
        else {
            "violent": False,
            "to_minor": False,
            "conduct": draw(st.sampled_from(["possession", "sale"])),
            "level": draw(st.sampled_from(["felony", "misdemeanor", "violation"])),
        }
    )
    kept = draw(st.sets(st.sampled_from(sorted(fields))))
    if homicide:  # at the scene nothing else says so where the section can't be read
        kept |= {"conduct", "violent"}
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
    if before.status == after.status == "decided":
        assert after.outcome == before.outcome, (spelled, name, decision, facts)


@given(cases(), st.sampled_from(["(1)", "(a)", "(1)(b)", "(b)", "(2)"]))
def test_a_subsection_never_adds_an_outcome(
    case: tuple[str, str, str, dict[str, Any]], below: str
) -> None:
    name, decision, code, facts = case
    for field in ("level", "conduct"):  # a given value may contradict a finer row
        facts["encounter"]["charges"][0].pop(field, None)
    before = program(name).decide(decision, facts)
    after = program(name).decide(decision, with_code(facts, code + below))
    assert set(after.possible) <= set(before.possible)


def vaguer(code: str) -> list[str]:
    """Return what says less than a citation: the section above, its chapter, and nothing clear."""
    section = READER.read(code)
    if section is None:
        return []
    above, bracket, _ = section.text.rpartition("(")
    system = vocabulary().citations[section.system]
    chapter = ""
    if system.separators and not system.title_first:
        chapter, _, _ = section.text.partition("(")[0].rpartition(system.separators[-1])
    return [text for text in ((above if bracket else ""), chapter, "no citation") if text]


@pytest.mark.parametrize("name", shipped())
def test_a_vaguer_citation_leaves_what_the_scenario_expects_possible(name: str) -> None:
    """Also of a subsection that a list names: what is above it may be what is listed."""
    for scenario in read_scenarios(find(name)):
        chosen = program(name) if scenario.as_of is None else dated(name, scenario.as_of)
        listed = (scenario.facts.get("encounter") or {}).get("charges") or []
        if "error" in scenario.expect or not any(charge.get("code") for charge in listed):
            continue
        before = chosen.decide(scenario.decision, scenario.facts)
        if any("given" in entry for entry in before.needed):
            continue  # facts that contradict the table
        for index, charge in enumerate(listed):
            for text in vaguer(charge.get("code") or ""):
                altered = [*listed[:index], {**charge, "code": text}, *listed[index + 1 :]]
                encounter = {**scenario.facts["encounter"], "charges": altered}
                after = chosen.decide(scenario.decision, {**scenario.facts, "encounter": encounter})
                # What an offer knows by chance may be missing now, and is announced.
                announced = {entry["outcome"] for entry in after.would_bar}
                assert set(before.possible) <= {*after.possible, *announced}, (scenario.id, text)


@lru_cache(maxsize=64)
def dated(name: str, day: str) -> Program:
    return rules.load(name, as_of=day)


# Sections that nobody recognizes


def unlisted_sections(name: str) -> list[str]:
    """Return sections of the covered chapters that the table lacks: made up, or nearly listed."""
    table = program(name).pack.offenses
    assert table is not None and table.covers
    listed = [section for section in map(READER.read, table.rows) if section is not None]
    candidates = [
        another_below(chapter.text, mark) for chapter in table.covers for mark in ("999", "999a")
    ] + [near for text in table.rows for near in (f"{text}9", text[:-1]) if not text.endswith(")")]
    found = dict.fromkeys(section for section in map(READER.read, candidates) if section)
    return [
        section.text
        for section in found
        if section.is_whole
        and any(chapter.contains(section) for chapter in table.covers)
        and not any(row.contains(section) or section.contains(row) for row in listed)
    ]


def another_below(chapter: str, mark: str) -> str:
    """Return a section of a chapter, in the way of its system."""
    system = cited(chapter).system
    separator = vocabulary().citations[system].separators[-1:]
    return f"{chapter}{separator[0] if separator else ''}{mark}"


def days_of(pack: Pack) -> list[date]:
    """Return each day on which something of a pack or its table changes, and the last one."""
    last = (pack.program.until or date(2026, 1, 1)) - timedelta(days=1)
    first = pack.program.since or date(2014, 1, 1)
    return sorted({first, *(day for day in pack.boundaries() if first <= day < last), last})


@pytest.mark.parametrize("name", WITH_COVERED_CHAPTERS)
def test_no_section_that_a_covered_chapter_lacks_is_decided_silently(name: str) -> None:
    """It says whose law it is, and no more than a charge without a section.

    So an answer that is decided is so whatever section was meant, and else the section is asked
    for. Each decision is tried on each day on which a rule or a row changes.
    """
    chosen = program(name)
    sections, asked = unlisted_sections(name), 0
    assert sections
    for number, code in enumerate(sections):
        authority = vocabulary().citations[cited(code).system].authority
        given = [{}, {"level": "misdemeanor", "conduct": "possession", "violent": False}]
        for day, decision in product(days_of(chosen.pack), chosen.pack.decisions):
            # With help sought, the immunity for an overdose reads the section, too.
            around = {"date": str(day), "overdose_help_sought": True}
            fields = given[number % 2]
            facts, without = (
                {"encounter": {**around, "charges": [{**own, **fields}]}}
                for own in ({"code": code}, {"authority": authority})
            )
            answer = chosen.decide(decision, facts)
            assert answer.possible == chosen.decide(decision, without).possible, (code, day)
            for entry in answer.needed:
                if entry["fact"] == "encounter.charges[0].code":
                    asked += 1
                    assert (entry["given"], entry["question"]) == (code, "Which section is meant?")
    assert asked


def chapters_of_no_table(name: str) -> list[str]:
    """Return chapters that no list and no table has, in each system that a pack's lists cite."""
    pack = program(name).pack
    assert pack.offenses is not None
    lists = [
        value.value
        for parameter in pack.parameters.values()
        if parameter.unit == "citations"
        for value in parameter.values
    ]
    listed = [*pack.offenses.sections.values(), *(section for each in lists for section in each)]
    found: dict[str, None] = {}
    for name_of_system in dict.fromkeys(section.system for section in listed):
        system = vocabulary().citations[name_of_system]
        text = another_section(system)
        for separator in reversed(() if system.title_first else system.separators):
            text, _, _ = text.rpartition(separator)
            found[text] = None
    return list(found)


@pytest.mark.parametrize("name", WITH_TABLES)
def test_a_chapter_alone_is_never_taken_for_another_section(name: str) -> None:
    """A chapter that is far from every list may still mean any section: it cites none.

    So it says whose law it is, no more, and each answer that turns on the section asks for it.
    """
    chosen, asked = program(name), set[str]()
    chapters = chapters_of_no_table(name)
    for code, day in product(chapters, days_of(chosen.pack)):
        section = cited(code)
        assert not section.is_whole
        authority = vocabulary().citations[section.system].authority
        around = {"date": str(day), "overdose_help_sought": True}
        for decision in chosen.pack.decisions:
            facts, without = (
                {"encounter": {**around, "charges": [own]}}
                for own in ({"code": code}, {"authority": authority})
            )
            answer = chosen.decide(decision, facts)
            assert answer.possible == chosen.decide(decision, without).possible, (code, decision)
            asked |= {entry["given"] for entry in answer.needed if "given" in entry}
    assert asked == set(chapters)


def test_shipped_packs_have_chapters_in_several_systems() -> None:
    chapters = [chapter for name in WITH_TABLES for chapter in chapters_of_no_table(name)]
    assert len({cited(chapter).system for chapter in chapters}) >= 3


def test_every_shipped_table_is_tried_by_a_pack_that_names_it() -> None:
    tables = {folder.parent.name for folder in jurisdictions().glob("law/*/offenses.csv")}
    named = {program(name).pack.offenses.id for name in WITH_TABLES}
    assert tables and tables <= named


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
