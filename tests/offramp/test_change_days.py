"""Days on which a pack gives no answer, and how far away a change is: in the memo of a change.

A program that ends, that begins later, or that leaves a gap takes answers away. Each part of the
memo says so, and the rows of a file are counted by the old pack's rules of those days.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from offramp.adoption import collect_pack
from offramp.cli import main
from offramp.memo_file import digest_of, read_memo
from offramp.policy.memo_check import check_plain_parts
from rules.errors import RequestError
from tests.support.riverton import PACK, PROMISE, pack_in

pytest.importorskip("z3", reason="the solver isn't installed")

TODAY = ("--today", "2026-12-01")
ENDS = PACK.replace("from: 2020-01-01", "from: 2020-01-01, until: 2027-01-01")
LATE = PACK.replace("from: 2020-01-01", "from: 2027-03-01")
SCENARIO: dict[str, Any] = {
    "id": "under-the-cap",
    "says": "A case is within the cap.",
    "decision": "eligibility",
    "facts": {
        "person": {"age": 30},
        "encounter": {
            "date": "2026-12-01",
            "route": "arrest",
            "charges": [],
            "drugs": [{"kind": "opioid", "grams": 3}],
        },
        "judgment": {"amenable": True, "exploits_others": False},
        "decisions": {"screening": "proceed"},
    },
    "expect": {"outcome": "eligible"},
}
ENDED = "From January 1, 2027 on, the new pack gives no answer: its program has ended."


def text_of(page: Path) -> str:
    """Return the words of a page, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page.read_text())).split())


def changed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["change", *words, *TODAY]) == code
    return capsys.readouterr().out


def memo_of(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    memo: dict[str, Any] = json.loads(changed(capsys, *words, "--json", code=code))
    return memo


@pytest.fixture(params=["riverton", "another"])
def ending(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Return a pack, and one that ends: a version of it, or another program."""
    old = pack_in(tmp_path / "old", PACK, [SCENARIO])
    if request.param == "riverton":
        return old, pack_in(tmp_path / "new", ENDS, [SCENARIO])
    new = Path(pack_in(tmp_path / "new", ENDS.replace("id: riverton", "id: another"), [SCENARIO]))
    return old, str(new.rename(new.with_name("another")))


def test_a_program_that_ends_is_said_in_each_part_of_the_memo(
    ending: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "memo.html"
    text = changed(capsys, *ending, "--html", str(page))
    head, changes, cases, _ = text.split("\n\n", 3)
    assert f"{ENDED} The old pack gives answers." in head.splitlines()
    assert "   From January 1, 2027 on:\n   - the new pack gives no answer" in changes
    until = "from December 1, 2026 to December 31, 2026 are compared. No later days are compared."
    assert until in cases and "   From December 1, 2026 to December 31, 2026:\n" in cases
    assert "- Every case goes from its answer to no answer (`outside-program`)." in cases
    assert "after it, on the days on which the new pack gives answers." in cases
    html = page.read_text()
    for sentence in (
        ENDED,
        "Every case goes from its answer to no answer",
        "days on which the new",
    ):
        assert sentence in html
    memo = memo_of(capsys, *ending)
    days = [{"from": "2027-01-01", "until": None, "sides": ["new"]}]
    assert memo["without_rules"] == days and memo["covers"]["until"] == "2027-01-01"


def test_strict_wants_a_scenario_that_says_that_a_program_ends(
    ending: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "from January 1, 2027 on the new pack gives no answer, and no scenario says so"
    findings = memo_of(capsys, *ending, "--strict", code=1)["findings"]
    assert findings[0] == sentence
    assert "no scenario says that the new pack gives no answer" in findings[1]
    changed(capsys, *ending, "--write-scenarios")
    assert memo_of(capsys, *ending, "--strict")["findings"] == []
    assert main(["test", ending[1]]) == 0


def test_a_signer_s_check_misses_days_without_answers_that_were_cut_out(
    ending: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memo = memo_of(capsys, *ending)
    packs = collect_pack(ending[0]), collect_pack(ending[1])
    check_plain_parts(read_memo(json.dumps(memo).encode()), *packs)
    body = {name: part for name, part in memo.items() if name not in ("memo", "without_rules")}
    edited = {"memo": digest_of(body), **body}
    with pytest.raises(RequestError) as refused:
        check_plain_parts(read_memo(json.dumps(edited).encode()), *packs)
    assert "without_rules" in refused.value.message


def test_a_program_that_began_where_the_old_one_had_ended_takes_nothing_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pack_in(tmp_path / "old", ENDS), pack_in(tmp_path / "new")
    text = changed(capsys, old, new)
    sentence = (
        "From January 1, 2027 on, only the new pack gives answers: the old pack's program has"
    )
    assert sentence in text and "the new pack gives no answer" not in text
    assert "the days on which the new pack gives answers" not in text
    strict = memo_of(capsys, old, new, "--strict")
    assert strict["findings"] == []


def test_a_gap_between_two_programs_is_named_with_the_days_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pack_in(tmp_path / "old", ENDS), pack_in(tmp_path / "new", LATE)
    assert main(["change", old, new, *TODAY]) == 2
    days = (f"{old}@2026-12-31", f"{new}@2027-03-01")
    message = capsys.readouterr().err
    assert "name days on which both have rules, such as `" + " ".join(days) + "`" in message
    lines = changed(capsys, *days).splitlines()
    assert "From January 1, 2027 to February 28, 2027, neither pack gives an answer." in lines
    assert any("to December 31, 2026, the new pack gives no answer" in line for line in lines)
    assert any(line.startswith("From March 1, 2027 on, only the new pack") for line in lines)


def test_two_days_of_one_pack_have_no_days_without_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "without_rules" not in memo_of(
        capsys, "santa-fe@2014-04-01", "santa-fe@2018-10-01", "--decision", "screening"
    )


# The first day on which an answer differs

EXTENDED = PACK.replace("from: 2020-01-01", "from: 2020-01-01, until: 2027-04-01")
EARLIER = PACK.replace("from: 2020-01-01", "from: 2019-06-01")


@pytest.mark.parametrize(
    ("texts", "says", "on_the_page"),
    [
        (
            (PACK, ENDS),
            "Takes effect on January 1, 2027, in 1 month.",
            "Takes effect on January 1, 2027.",
        ),
        (
            (ENDS, EXTENDED),
            "Takes effect on January 1, 2027, in 1 month.",
            "Takes effect on January 1, 2027.",
        ),
        (
            (PACK, EARLIER),
            "Takes effect on June 1, 2019, the first day of the new pack's program. Ends on "
            "January 1, 2020: the rules are those of the old pack from then on. These days are "
            "past.",
            "Takes effect on June 1, 2019, the first day of the new pack's program. Ends on "
            "January 1, 2020: the rules are those of the old pack from then on.",
        ),
        (
            (PACK, LATE),
            "Takes effect at once. Ends on March 1, 2027, in 3 months: the rules are those of the "
            "old pack from then on. Answers differ on days since January 1, 2020, so it also "
            "decides cases of days since then.",
            "Takes effect on January 1, 2020. Ends on March 1, 2027: the rules are those of the "
            "old pack from then on.",
        ),
        (
            (PACK, PACK.replace("value: 4", "value: 6")),
            "Takes effect at once. Answers differ on days since July 1, 2023, so it also decides "
            "cases of days since then. Days before July 1, 2023 are not compared.",
            "Takes effect on December 1, 2026, the compared day. Answers differ on days since July "
            "1, 2023, so it also decides cases of days since then.",
        ),
        (
            (PACK, PACK.replace("person.age < 18", "person.age < 18 || person.age < 5")),
            "No answer differs on the days that are compared.",
            "No answer differs on the days that are compared.",
        ),
    ],
    ids=["ends", "is extended", "begins earlier", "begins later", "a number", "only a text"],
)
def test_the_headline_has_the_first_day_on_which_an_answer_differs(
    texts: tuple[str, str],
    says: str,
    on_the_page: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, new = pack_in(tmp_path / "old", texts[0]), pack_in(tmp_path / "new", texts[1])
    page = tmp_path / "memo.html"
    words = ("--decision", "eligibility", "--html", str(page))
    text = changed(capsys, old, new, *words)
    assert text.splitlines()[1] == says and "The packs differ since" not in text
    assert f"<p>{on_the_page}" in page.read_text()


def test_rules_that_hold_only_on_the_days_of_one_pack_are_worked_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", ENDS)
    more = "{value: 4, until: 2027-02-01, source: own}, {value: 6, from: 2027-02-01, source: own}"
    new = pack_in(tmp_path / "new", EXTENDED.replace("{value: 4, source: own}", more))
    page = tmp_path / "memo.html"
    memo = memo_of(capsys, old, new)
    first, second = memo["one_sided"]
    assert first["redline"] == [] and first["decisions"] == {} and first["side"] == "new"
    assert second["covers"] == {"from": "2027-02-01", "until": "2027-04-01"}
    assert (second["rules_of"], second["compared_with"]) == ("2027-02-01", "2026-12-31")
    (pair,) = second["decisions"]["eligibility"]["pairs"]
    assert (pair["before"], pair["after"]) == ("ineligible", "eligible")
    assert not any("cap" in item["what"] for item in memo["redline_other_days"])
    text = changed(capsys, old, new, "--html", str(page))
    beside = "Compared with the new pack's rules of December 31, 2026:"
    lines = text.splitlines()
    assert lines.count(f"   From February 1, 2027 to March 31, 2027: {beside}") == 2
    assert "   - parameter cap changes: 4 g -> 6 g" in lines
    assert "From ineligible to eligible" in text
    assert text_of(page).count(beside) == 2
    # A signer's check misses them where they were cut out, or changed.
    packs = collect_pack(old), collect_pack(new)
    check_plain_parts(read_memo(json.dumps(memo).encode()), *packs)
    for cut in ("one_sided", "same_rules_since"):
        body = {name: part for name, part in memo.items() if name not in ("memo", cut)}
        edited = {"memo": digest_of(body), **body}
        with pytest.raises(RequestError) as refused:
            check_plain_parts(read_memo(json.dumps(edited).encode()), *packs)
        assert cut in refused.value.message


def test_a_promise_is_tried_on_the_days_that_only_the_new_pack_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", ENDS + PROMISE)
    rule = "        when: person.age < 18\n"
    young = rule.replace("18", "12") + "        from: 2027-02-01\n"
    ends = rule + "        until: 2027-02-01\n"
    (before, after) = EXTENDED.split("      - id: under-age\n")
    text = before + "      - id: under-age\n" + after.replace(rule, ends)
    text += "      - id: under-12\n" + after.replace(rule, young)
    new = pack_in(tmp_path / "new", text)
    (broken,) = memo_of(capsys, old, new, "--decision", "eligibility", code=1)["promises"]["broken"]
    assert (broken["promise"], broken["day"]) == ("no-minors", "2027-02-01")


def test_the_advised_days_can_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", PACK.replace("value: 4", "value: 3"))
    past = "{value: 5, until: 2022-01-01, source: own}, {value: 4, from: 2022-01-01, source: own}"
    earlier = pack_in(tmp_path / "earlier", EARLIER.replace("{value: 4, source: own}", past))
    text = " ".join(changed(capsys, old, earlier).split())
    assert "Name both sides with `@2020-01-01` to compare them." in text
    text = changed(capsys, f"{old}@2020-01-01", f"{earlier}@2020-01-01")
    assert "From June 1, 2019 to December 31, 2019, only the new pack gives answers" in text
    # Both programs begin later.
    late = pack_in(tmp_path / "late", LATE)
    later = pack_in(tmp_path / "later", LATE.replace("2027-03-01", "2027-06-01"))
    for words in ((later, late), (late, later)):
        assert "From March 1, 2027 to May 31, 2027" in changed(capsys, *words)
    # A program that has ended is extended.
    ended = pack_in(tmp_path / "ended", ENDS.replace("2027-01-01", "2026-11-01"))
    extended = pack_in(tmp_path / "extended", EXTENDED)
    assert main(["change", ended, extended, *TODAY]) == 2
    error = capsys.readouterr().err
    assert "the last day of `riverton` is 2026-10-31, and 2026-12-01 is later" in error
    advised = error.split("such as `")[1].split("`")[0].split()
    assert advised == [f"{ended}@2026-10-31", f"{extended}@2026-10-31"]
    assert "From November 1, 2026 to March 31, 2027, only the new" in changed(capsys, *advised)


def test_scenarios_that_lose_or_get_an_answer_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = deepcopy(SCENARIO) | {"id": "late"}
    late["facts"]["encounter"]["date"] = "2027-02-01"
    refused = deepcopy(late) | {"expect": {"error": "outside-program"}}
    old = pack_in(tmp_path / "old", PACK, [SCENARIO, late])
    new = pack_in(tmp_path / "new", ENDS, [SCENARIO, refused])
    page = tmp_path / "memo.html"
    text = changed(capsys, old, new, "--html", str(page))
    says = "`late` goes from an answer to no answer (`outside-program`)"
    assert f"   - {says}" in text.splitlines() and "None of 2 scenarios" not in text
    assert f"{says.replace('`', '')}." in text_of(page)
    memo = memo_of(capsys, old, new)
    assert memo["scenarios"]["unanswered"] == [
        {"id": "late", "decision": "eligibility", "side": "new"}
    ]
    assert memo["scenarios"]["flips"] == []
    text = changed(capsys, new, old)
    assert "`late` goes from no answer to an answer" in text


def test_the_page_says_that_scenarios_are_missing_and_not_that_something_breaks(
    ending: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "memo.html"
    changed(capsys, *ending, "--strict", "--html", str(page), code=1)
    title = re.search(
        r">This change needs work: (\d+) scenarios are missing</h2>", page.read_text()
    )
    assert title is not None and int(title[1]) > 1
    assert "breaks something" not in page.read_text()


# Counted rows

MAP = """\
title: arrests
id: id
unit: arrest
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.charges: {items: []}
  encounter.drugs: {items: [{kind: {value: opioid}, grams: {column: grams}}]}
"""


@pytest.mark.parametrize(
    ("pack", "days", "rules_of"),
    [
        (ENDS, "From January 1, 2027 on", "January 1, 2027"),
        (LATE, "From January 1, 2020 to February 28, 2027", "February 28, 2027"),
    ],
    ids=["ends", "begins later"],
)
def test_rows_that_get_no_answer_are_counted_by_the_old_pack_s_rules(
    pack: str, days: str, rules_of: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pack_in(tmp_path / "old"), pack_in(tmp_path / "new", pack)
    table, mapping, page = (tmp_path / name for name in ("rows.csv", "map.yaml", "memo.html"))
    rows = [(30, 2)] * 40 + [(30, 9)] * 30 + [(17, 2)] * 20
    lines = [f"{at},2024-05-01,{age},{grams}" for at, (age, grams) in enumerate(rows)]
    table.write_text("\n".join(["id,day,age,grams", *lines, ""]))
    mapping.write_text(MAP)
    cohort = ("--cohort", str(table), "--map", str(mapping), "--decision", "eligibility")
    memo = memo_of(capsys, old, new, *cohort)
    (days_away,) = memo["cohort"]["without_rules"]
    assert days_away["rows"] == 90 and days_away["sides"] == ["new"]
    assert days_away["answers"] == {"eligible": 40, "either": 0, "ineligible": 50}
    text = " ".join(changed(capsys, old, new, *cohort, "--html", str(page)).split())
    sentence = (
        f"{days}, the new pack gives no answer to any of these 90 arrests. By the old pack's rules "
        f"of {rules_of} they are: 40 eligible, 50 ineligible, and 0 that depend on what nobody"
    )
    assert sentence in text and sentence.replace("'", "&#x27;") in page.read_text().replace(
        "&#39;", "&#x27;"
    )
    none = (
        "No answer changes for any of these arrests on the days on which both packs give answers."
    )
    assert none in text and none in page.read_text()


def test_rows_that_only_the_new_pack_answers_are_counted_by_its_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    rows = [(30, 2)] * 40 + [(30, 5)] * 30 + [(17, 2)] * 20
    lines = [f"{at},2024-05-01,{age},{grams}" for at, (age, grams) in enumerate(rows)]
    table.write_text("\n".join(["id,day,age,grams", *lines, ""]))
    mapping.write_text(MAP)
    cohort = ("--cohort", str(table), "--map", str(mapping), "--decision", "eligibility")
    cap = "{value: 4, until: 2027-01-01, source: own}, {value: 6, from: 2027-01-01, source: own}"
    later = EXTENDED.replace("{value: 4, source: own}", cap)
    for number, (texts, days, day, eligible) in enumerate(
        (
            ((ENDS, later), "From January 1, 2027 to March 31, 2027", "January 1, 2027", 70),
            ((PACK, EARLIER), "From June 1, 2019 to December 31, 2019", "December 31, 2019", 40),
        )
    ):
        old, new = (
            pack_in(tmp_path / f"{number}-{name}", text)
            for name, text in zip(("old", "new"), texts, strict=True)
        )
        (item,) = memo_of(capsys, old, new, *cohort)["cohort"]["without_rules"]
        assert item["sides"] == ["old"]
        assert item["answers"] == {"eligible": eligible, "either": 0, "ineligible": 90 - eligible}
        text = " ".join(changed(capsys, old, new, *cohort).split())
        assert (
            f"{days}, the old pack gives no answer to any of these 90 arrests. By the new pack's "
            f"rules of {day} they are: {eligible} eligible" in text
        )
        assert "arrests on the days on which both packs give answers." in text


def test_small_counts_of_days_without_answers_are_hidden(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pack_in(tmp_path / "old"), pack_in(tmp_path / "new", ENDS)
    table, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    rows = [(30, 2)] * 4 + [(30, 9)] * 60
    lines = [f"{at},2024-05-01,{age},{grams}" for at, (age, grams) in enumerate(rows)]
    table.write_text("\n".join(["id,day,age,grams", *lines, ""]))
    mapping.write_text(MAP)
    cohort = ("--cohort", str(table), "--map", str(mapping), "--decision", "eligibility")
    (days_away,) = memo_of(capsys, old, new, *cohort)["cohort"]["without_rules"]
    assert (
        days_away["answers"]["eligible"] == {"hidden": True} == days_away["answers"]["ineligible"]
    )


# How far away


def test_days_are_counted_from_today_in_the_program_s_zone_and_not_from_the_compared_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = PACK.replace(
        "values: [{value: 4, source: own}]",
        "values: [{value: 4, until: 2027-03-01, source: own}, "
        "{value: 6, from: 2027-03-01, source: own}]",
    )
    old, new = pack_in(tmp_path / "old"), pack_in(tmp_path / "new", later)
    clock = tmp_path / "clock"
    words = [f"{old}@2027-02-20", f"{new}@2027-02-20", "--clock", str(clock)]
    # In Denver it is still the day before.
    for moment, sentence in (
        ("2027-02-27T03:00:00Z", "Takes effect on March 1, 2027, in 3 days."),
        ("2027-02-27T12:00:00Z", "Takes effect on March 1, 2027, in 2 days."),
        ("2026-12-01T12:00:00Z", "Takes effect on March 1, 2027, in 3 months."),
        ("2027-04-01T12:00:00Z", "Takes effect on March 1, 2027."),
    ):
        clock.write_text(moment)
        assert main(["change", *words]) == 0
        assert capsys.readouterr().out.splitlines()[1] == sentence
    assert main(["change", *words, "--today", "2026-12-01"]) == 0
    assert "March 1, 2027, in 3 months." in capsys.readouterr().out
    # A change that is not yet in force on the compared day isn't called in force at once.
    far = pack_in(tmp_path / "far", PACK.replace("value: 4", "value: 6"))
    assert main(["change", f"{old}@2027-06-01", f"{far}@2027-06-01", *TODAY]) == 0
    effect = capsys.readouterr().out.splitlines()[1]
    assert effect.startswith("Takes effect on June 1, 2027, in 6 months, the compared day.")


# What scenarios cover

FOR_A_TIME = PACK.replace(
    "values: [{value: 4, source: own}]",
    "values: [{value: 4, until: 2027-03-01, source: own}, {value: 6, from: 2027-03-01, "
    "until: 2027-06-01, source: own}, {value: 4, from: 2027-06-01, source: own}]",
)


def sides_of(capsys: pytest.CaptureFixture[str], pack: str) -> dict[str, Any]:
    capsys.readouterr()
    main(["test", pack, "--json"])
    run: dict[str, Any] = json.loads(capsys.readouterr().out)
    return run[pack] if pack in run else next(iter(run.values()))


def test_after_the_offered_scenarios_the_tests_of_the_pack_find_each_side_covered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = deepcopy(SCENARIO) | {"id": "over-the-cap", "expect": {"outcome": "ineligible"}}
    over["facts"]["encounter"]["drugs"] = [{"kind": "opioid", "grams": 5}]
    young = deepcopy(SCENARIO) | {"id": "under-age", "expect": {"outcome": "ineligible"}}
    young["facts"]["person"]["age"] = 17
    scenarios = [SCENARIO, over, young]
    old = pack_in(tmp_path / "old", PACK, scenarios)
    new = pack_in(tmp_path / "new", FOR_A_TIME, scenarios)
    assert sides_of(capsys, old)["coverage"]["values"] == 100
    assert sides_of(capsys, new)["coverage"]["values"] < 100
    assert memo_of(capsys, old, new, "--strict", code=1)["findings"]
    changed(capsys, old, new, "--write-scenarios")
    run = sides_of(capsys, new)
    assert run["passed"] and run["coverage"]["values"] == 100
    assert run["sides"]["lacking"] == []
    assert run["days"]["lacking"] == sides_of(capsys, old)["days"]["lacking"]
    memo = memo_of(capsys, old, new, "--strict")
    assert memo["findings"] == [] and "uncovered" not in memo["scenarios"]


RAISED = "{value: 4, source: own}, {from: DAY, value: 6, source: {id: own, at: item 2}}"


@pytest.mark.parametrize(
    ("first", "old_edit", "day"),
    [
        ("2027-05-01", ("from: 2020-01-01", "from: 2020-01-01, until: 2027-01-01"), "2027-05-01"),
        ("2027-01-01", ("from: 2020-01-01", "from: 2020-01-01, until: 2027-01-01"), "2027-01-01"),
        ("2020-06-01", ("from: 2020-01-01", "from: 2021-01-01"), "2020-06-01"),
        ("2021-01-01", ("from: 2020-01-01", "from: 2021-01-01"), "2021-01-01"),
    ],
)
def test_rules_that_change_on_a_day_of_one_pack_alone_get_a_ready_scenario_of_each_side(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    first: str,
    old_edit: tuple[str, str],
    day: str,
) -> None:
    raised = PACK.replace("{value: 4, source: own}", RAISED.replace("DAY", first))
    old = pack_in(tmp_path / "old", PACK.replace(*old_edit))
    new = pack_in(tmp_path / "new", raised)
    scenarios = memo_of(capsys, old, new)["scenarios"]
    assert "none_possible" not in scenarios
    edges = {edge["id"]: edge for edge in scenarios["edges"]}
    eve = edges[f"change-eligibility-before-{day}"]
    after = edges[f"change-eligibility-from-{day}"]
    assert eve["expect"] == {"outcome": "ineligible"} and eve["facts"] == after["facts"]
    assert after["expect"] == {"outcome": "eligible"} and after["as_of"] == day
    changed(capsys, old, new, "--write-scenarios")
    assert main(["test", new]) == 0
    left = memo_of(capsys, old, new)["scenarios"]["edges"]
    assert not [edge["id"] for edge in left if day in edge["id"]]


def test_a_day_of_change_that_no_scenario_can_show_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raised = PACK.replace("{value: 4, source: own}", RAISED.replace("DAY", "2027-05-01"))
    ends = pack_in(tmp_path / "ends", ENDS)
    words = pack_in(tmp_path / "old", raised), ends
    sentence = (
        "2027-05-01: the old pack's rules change, and the new pack gives no answer on this day, so "
        "no scenario of it can show them"
    )
    memo = memo_of(capsys, *words)
    assert memo["scenarios"]["none_possible"] == [sentence]
    page = tmp_path / "memo.html"
    assert f"- {sentence}" in changed(capsys, *words, "--html", str(page))
    assert sentence in text_of(page)
    # The rules change, and no case can tell.
    idle = PACK.replace("person.age < 18", "person.age < 18 || person.age < 5")
    since = idle.replace(
        "      - id: under-age\n", "      - id: under-age\n        from: 2027-05-01\n"
    )
    before = "      - id: younger\n        until: 2027-05-01\n        when: person.age < 18\n"
    rest = "        then: ineligible\n        because: Nobody under 18.\n        source: own\n"
    same = pack_in(tmp_path / "same", since + before + rest)
    (text,) = memo_of(capsys, ends, same)["scenarios"]["none_possible"]
    assert text.startswith("2027-05-01: the new pack's rules change, and no case was found")


def test_tests_and_a_strict_change_count_the_same_days_of_a_program_that_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, until in (("near", "2027-01-01"), ("past", "2026-06-01")):
        own = deepcopy(SCENARIO)
        own["facts"]["encounter"]["date"] = "2026-05-01"
        old = pack_in(tmp_path / name / "old", PACK, [own])
        ends = PACK.replace("from: 2020-01-01", f"from: 2020-01-01, until: {until}")
        new = pack_in(tmp_path / name / "new", ends, [own])
        days = f"{old}@2026-05-01", f"{new}@2026-05-01"
        before, run = sides_of(capsys, old)["days"], sides_of(capsys, new)
        lacking = [text for text in run["days"]["lacking"] if text not in before["lacking"]]
        assert (run["days"]["of"], len(lacking)) == (before["of"] + 1, 4)
        memo = memo_of(capsys, *days, "--strict", code=1)
        of_days = [edge for edge in memo["scenarios"]["edges"] if edge["id"][-10:-8] == "20"]
        assert len(of_days) == len(lacking)
        changed(capsys, *days, "--write-scenarios")
        run = sides_of(capsys, new)
        assert run["days"]["reached"] == before["reached"] + 1 and run["passed"]
        assert run["days"]["lacking"] == before["lacking"]
        left = memo_of(capsys, *days)["scenarios"]
        assert not [edge for edge in left["edges"] if edge["id"][-10:-8] == "20"]
        assert not [text for text in left.get("uncovered", ()) if text.startswith("20")]


def test_a_side_that_no_scenario_can_be_moved_to_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part of a condition that changes no answer has no case that the solver looks for."""
    old = pack_in(tmp_path / "old", PACK, [SCENARIO])
    rule = PACK.replace("person.age < 18", "person.age < 18 || person.age < 5")
    new = pack_in(tmp_path / "new", rule, [SCENARIO])
    sentence = "`under-age` of `eligibility`: `person.age < 5` is never true"
    findings = memo_of(capsys, old, new, "--strict", code=1)["findings"]
    assert f"no scenario covers a side: {sentence}" in findings
    assert sentence in changed(capsys, old, new)
    assert sentence in " ".join(sides_of(capsys, new)["sides"]["lacking"])


# Failures of one cause


def test_scenarios_of_days_without_rules_fail_as_one_with_what_mends_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [deepcopy(SCENARIO) | {"id": f"case-{number}"} for number in range(12)]
    old, new = pack_in(tmp_path / "old", PACK, many), pack_in(tmp_path / "new", LATE, many)
    text = changed(capsys, old, new, code=1)
    cause = "the program begins on 2027-03-01, and their days are 2026-12-01, without an answer"
    mend = "In `scenarios.yaml`, write a day from 2027-03-01 on there"
    named = "12 scenarios (`case-0`, `case-1`, `case-2` and 9 more)"
    assert [line for line in text.splitlines() if line.startswith("FINDING")] == [
        f"FINDING: 12 scenarios of the new pack fail for one cause: {cause}. {mend}, and move "
        "times such as `now` along."
    ]
    assert f"- {named} fail after the change: {cause}. {mend}" in text
    assert main(["test", new]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"{named} fail for one cause" in lines[0] and cause in lines[1] and mend in lines[1]
    assert not any("is never" in line for line in lines) and "0 of 12 scenarios hold" in lines[-1]
    # The offered scenarios are of days on which the pack decides, or says that it doesn't.
    changed(capsys, old, new, "--write-scenarios", code=1)
    assert main(["test", new]) == 1
    failing = sides_of(capsys, new)["failures"]
    assert set(failing) == {scenario["id"] for scenario in many}
    file = Path(new, "scenarios.yaml")
    moved = file.read_text().replace("'2026-12-01'", "'2027-03-01'")
    file.write_text(moved)
    assert sides_of(capsys, new)["failures"] == {}
