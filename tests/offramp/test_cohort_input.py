"""Files that are counted: what can't be read is refused, or left out and named."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main
from rules import load
from tests.conftest import shared

MAP = """\
title: arrests
id: id
unit: arrest
unknown: [""]
groups:
  age_group: {column: age, patterns: [{is: '1\\d', to: teens}], else: others}
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.charges: {items: [{conduct: {value: possession}, violent: {value: false}}]}
  encounter.drugs: {items: [{kind: {value: opioid}, grams: {column: grams}}]}
"""
HEAD = "id,day,age,grams,place\n"


class Counts:
    """Runs `offramp decide … --by` on a made-up file, in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def run(self, table: str, *more: str, mapping: str = MAP, by: str = "place") -> tuple[int, str]:
        file, map_file = self.folder / "rows.csv", self.folder / "map.yaml"
        file.write_text(table)
        map_file.write_text(mapping)
        words = ["decide", "santa-fe", "eligibility", str(file), "--map", str(map_file)]
        code = main([*words, "--by", by, "--as-of", "2014-06-01", *more])
        printed = self.capsys.readouterr()
        if code:
            assert "cohort" not in printed.out and "How the rules" not in printed.out
        else:
            assert printed.err == "" or "for the owner of the file" in printed.err
        return code, printed.out + printed.err

    def report(self, table: str, *more: str, by: str = "place") -> dict[str, Any]:
        code, text = self.run(table, "--json", *more, by=by)
        assert code == 0, text
        cohort: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]["cohort"]
        return cohort


@pytest.fixture
def counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Counts:
    return Counts(tmp_path, capsys)


def rows(number: int = 30, start: int = 0, **cells: str) -> str:
    usual = {"day": "2014-05-01", "age": "30", "grams": "2", "place": "north"} | cells
    lines = [f"{start + index},{','.join(usual.values())}\n" for index in range(number)]
    return "".join(lines)


def group(report: dict[str, Any], name: str, pack: int = 0) -> dict[str, Any]:
    reached: dict[str, Any] = next(
        item for item in report["programs"][pack]["groups"] if item["group"] == name
    )
    return reached


CONTRACT = "contract/change-examples.jsonl"


@pytest.mark.parametrize("number", [0, 1])
def test_the_contract_s_bad_files_are_refused(
    number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = map(json.loads, shared(CONTRACT).read_text().splitlines())
    case = [item for item in cases if item["kind"] == "bad-input"][number]
    file = tmp_path / "rows.csv"
    file.write_text(case["content"])
    mapping = case.get("map", "nypd-arrests")
    by = "PERP_SEX" if number == 0 else "ARREST_DATE"
    words = ["decide", "nyc-violations", "eligibility", str(file), "--map", mapping, "--by", by]
    code = main(words)
    printed = capsys.readouterr()
    assert (code, printed.out) == (case["expect"]["exit"], "")
    assert case["expect"]["code"] in printed.err
    assert case["expect"].get("says", "") in printed.err
    for name in case["expect"].get("names", ()):
        assert f"`{name}`" in printed.err


def test_columns_of_filters_and_groups_are_missing_with_those_of_the_map(counts: Counts) -> None:
    code, text = counts.run("id,day,age\n1,2014-05-01,30\n", "--where", "sex=F")
    assert code == 2 and "no-column" in text
    assert all(f"`{name}`" in text for name in ("grams", "place", "sex"))
    # The columns that are there say if it is another file.
    assert "check the map: the table has `id`, `day`, `age` [no-column]" in text


@pytest.mark.parametrize("table", ["", HEAD])
def test_a_file_without_rows_is_refused(table: str, counts: Counts) -> None:
    code, text = counts.run(table)
    assert code == 2 and "the file has no rows" in text and "empty-cohort" in text


def test_a_filter_that_takes_no_row_is_refused(counts: Counts) -> None:
    code, text = counts.run(HEAD + rows(), "--where", "place=nowhere")
    assert code == 2 and "no row of the file is selected" in text


def test_cells_that_cannot_be_read_are_left_out_by_column_and_reason(counts: Counts) -> None:
    bad = (
        rows(7, 1100, day="2014-13-01")
        + rows(2, 1200, age="forty")
        + rows(1, 1300, grams="x")
        + rows(1, 1400, grams="1234567890123")
        + "1500,2014-05-01,30\n"
    )
    report = counts.report(HEAD + rows(200) + bad)
    assert (report["rows"], report["selected"], report["left_out_rows"]) == (212, 212, 12)
    left_out = {item["column"]: item for item in report["left_out"]}
    assert set(left_out) == {"day", "age", "grams", "(the whole row)"}
    # Each of these numbers is small, so the report has none of them, and no id.
    assert all(set(item) == {"column", "reason", "rows"} for item in left_out.values())
    assert all(item["rows"] == {"hidden": True} for item in left_out.values())
    assert left_out["grams"]["reason"] == "the cell is not a number"
    assert group(report, "ALL")["rows"] == 200
    # The owner of the file sees both on the terminal.
    _, text = counts.run(HEAD + rows(200) + bad)
    text = " ".join(text.split())
    assert "7 for day: " in text
    assert "(id 1100, 1101, 1102, 1103, 1104 and 2 more)" in text
    assert "2 for age: " in text and "(id 1200, 1201)" in text and "(id 1500)" in text
    # A record that is read only with a word in another column has its fault in its own cell.
    listed = MAP.replace("[{kind", "[{when: {column: place, is_not: ['']}, kind")
    table = HEAD + rows(200) + rows(3, 1600, grams="<1")
    code, text = counts.run(table, mapping=listed)
    assert code == 0 and "3 for grams: the cell is not a number" in text


def test_text_names_the_share_that_was_left_out(counts: Counts) -> None:
    code, text = counts.run(HEAD + rows(285) + rows(15, 300, age="forty"))
    assert code == 0
    assert "15 that can't be read, 5.0% of the rows" in text
    assert "15 for age: the cell is not a number (id 300, 301, 302, 303, 304 and 10 more)" in text


def test_few_rows_that_are_left_out_are_named_to_the_owner_alone(
    counts: Counts,
) -> None:
    table = HEAD + rows(95) + rows(1, 100, age="forty")
    report = counts.report(table)
    hidden = {"hidden": True}
    assert report["rows"] == report["selected"] == report["left_out_rows"] == hidden
    assert report["left_out"][0]["rows"] == hidden and group(report, "ALL")["rows"] == 95
    assert "100" not in json.dumps(report)
    _, text = counts.run(table)
    told = "rows that are left out, for the owner of the file."
    report_text = text.replace("\n", " ").partition(told)[0]
    assert told in text and "(id 100)" in text
    assert "a hidden number that can't be read" in report_text and "(id" not in report_text


def test_a_blank_stays_unknown_and_is_no_fault(counts: Counts) -> None:
    report = counts.report(HEAD + rows(20) + rows(15, 100, grams=""))
    assert report["left_out"] == []
    answers = group(report, "ALL")["answers"]
    assert answers == {"eligible": 20, "either": 15, "ineligible": 0}


def test_the_first_row_of_an_id_counts(counts: Counts) -> None:
    report = counts.report(HEAD + rows(40) + rows(3, grams="5"))
    assert report["left_out"] == [
        {
            "column": "id",
            "reason": "the id was in an earlier row",
            "rows": {"hidden": True},
        }
    ]
    assert group(report, "ALL")["answers"] == {"eligible": 40, "either": 0, "ineligible": 0}


def test_rows_that_are_left_out_are_told_by_the_kind_of_fault_and_by_their_id_or_line(
    counts: Counts, tmp_path: Path
) -> None:
    nameless = rows(1, day="2014-13-01").replace("0,", ",", 1)
    unread = nameless + rows(12, 500, day="2014-13-01")
    table = HEAD + rows(270) + rows(15, grams="5") + unread
    text = joined(counts.run(table)[1])
    kinds = "15 with an id of an earlier row and 13 that can't be read"
    assert f"Left out {kinds}, 9.4% of the rows" in text
    assert "13 for day: the cell is no day (id 500, 501, 502, 503; without an id line 287" in text
    assert "15 for id: the id was in an earlier row (id 0, 1, 2, 3, 4 and 10 more)" in text
    code, text = counts.run(table, "--strict")
    assert code == 2 and "of 298 rows, 28 are left out" in text
    # The memo and its page say the same.
    file, page = tmp_path / "rows.csv", tmp_path / "memo.html"
    words = ["--cohort", str(file), "--map", str(tmp_path / "map.yaml"), "--html", str(page)]
    sides = ["santa-fe@2014-04-01", "santa-fe@2018-10-01", "--decision", "eligibility"]
    assert main(["change", *sides, *words]) == 0
    assert f"some are left out: {kinds}, 9.4% of the rows." in counts.capsys.readouterr().out
    assert kinds.replace("'", "&#x27;") in page.read_text().replace("&#39;", "&#x27;")
    # With a small number of one kind, the kinds are named without numbers.
    text = joined(counts.run(HEAD + rows(270) + rows(15, grams="5") + nameless)[1])
    assert "Left out 16 with an id of an earlier row or that can't be read" in text


@pytest.mark.parametrize(
    "start", [b"PK\x03\x04", b"\x89PNG\r\n", b"%PDF-1.7\n", b"\x1f\x8b\x08", b"id,da\0y,age\n"]
)
def test_a_binary_file_is_called_no_text(start: bytes, counts: Counts) -> None:
    counts.run(HEAD + rows())  # writes the map
    file = counts.folder / "rows.csv"
    file.write_bytes(start + b"\ttab" * 40)
    words = ["decide", "santa-fe", "eligibility", str(file), "--map"]
    words.append(str(counts.folder / "map.yaml"))
    for more in ([], ["--by", "place"], ["--by", "place", "--as-of", "2014-06-01"]):
        assert main([*words, *more]) == 2
        message = counts.capsys.readouterr().err
        assert "the file is not text" in message and "not-text" in message
        assert "separator" not in message


def test_a_pack_without_rules_on_any_row_s_day_says_so_and_when_it_begins(
    counts: Counts,
) -> None:
    table = HEAD + rows(30, day="2013-05-01")
    counts.run(table)
    file, mapping = counts.folder / "rows.csv", counts.folder / "map.yaml"
    words = ["decide", "santa-fe,drug-court", "eligibility", str(file), "--map", str(mapping)]
    assert main([*words, "--by", "place"]) == 0
    text = joined(counts.capsys.readouterr().out)
    assert (
        "None of the 30 arrests is counted: the pack `santa-fe` has no rules on their days." in text
    )
    assert "begins on 2014-04-01. To count them by the rules of one day, add `--as-of" in text
    assert "ALL 30" in text, "the other program's table is there"


def test_over_a_tenth_left_out_is_refused_unless_it_is_allowed(counts: Counts) -> None:
    table = HEAD + rows(80) + rows(20, 100, age="forty")
    code, text = counts.run(table)
    assert code == 2 and "too-much-left-out" in text
    assert "of 100 rows, 20 can't be read, 20 of them for `age`" in text and "`100`" in text
    assert "other reasons" not in text
    _, text = counts.run(table + "x,y\n" + "x,,,,,,,,,,\n")
    assert "20 of them for `age`" in text and "; 2 for other reasons;" in text
    assert counts.report(table, "--allow-left-out", "20")["left_out"][0]["rows"] == 20
    assert counts.run(table, "--allow-left-out", "19")[0] == 2
    tenth = HEAD + rows(90) + rows(10, 100, age="forty")
    assert group(counts.report(tenth), "ALL")["rows"] == 90


@pytest.mark.parametrize("name", ["rows.csv", "rows.CSV.gz", "rows.tsv"])
def test_a_table_without_a_map_is_no_broken_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = tmp_path / name
    file.write_text(HEAD + rows(2))
    assert main(["decide", "santa-fe", "eligibility", str(file)]) == 2
    message = capsys.readouterr().err
    assert "is a table, and one case is a JSON file; add `--map MAP`" in message


def test_a_file_of_assumed_facts_is_named_where_it_can_t_be_read(counts: Counts) -> None:
    file = counts.folder / "assumed.json"
    for content, says in (("", "are empty"), ("{", "are not JSON")):
        file.write_text(content)
        code, text = counts.run(HEAD + rows(20), "--assume", str(file))
        assert code == 2 and f"the facts of `--assume {file}` {says}" in text


def test_strict_refuses_any_row_that_is_left_out(counts: Counts) -> None:
    code, text = counts.run(HEAD + rows(99) + rows(1, 100, age="forty"), "--strict")
    assert code == 2 and "too-much-left-out" in text
    assert counts.run(HEAD + rows(99), "--strict")[0] == 0


def test_a_column_with_over_fifty_values_is_no_grouping(counts: Counts) -> None:
    table = HEAD + "".join(rows(1, index, place=f"p{index}") for index in range(51))
    code, text = counts.run(table)
    assert code == 2 and "too-many-groups" in text and "`place`" in text
    assert counts.run(table, by="age_group")[0] == 0


def test_rows_are_counted_by_a_group_that_the_map_declares(counts: Counts) -> None:
    report = counts.report(HEAD + rows(20) + rows(12, 100, age="19"), by="age_group")
    sizes = {item["group"]: item["rows"] for item in report["programs"][0]["groups"]}
    assert sizes == {"ALL": 32, "others": 20, "teens": 12}


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        (["age=18.."], 30),
        (["age=..17"], 12),
        (["age=16..17"], 12),
        (["age=30", "age=17"], 42),
        (["age=18..", "place=south"], 0),
    ],
)
def test_filters_take_values_and_ranges(
    filters: Sequence[str], number: int, counts: Counts
) -> None:
    table = HEAD + rows(30) + rows(12, 100, age="17") + rows(11, 200, age="", place="south")
    words = [word for item in filters for word in ("--where", item)]
    if number:
        assert counts.report(table, *words)["selected"] == number
    else:
        assert counts.run(table, *words)[0] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--where", "age"], "names no column"),
        (["--where", "age=a.."], "no range"),
        (["--where", "age=.."], "no range"),
        (["--min-cell", "10"], "under 11"),
        (["--min-cell", "many"], "whole number"),
        (["--min-cell=-5"], "`-5` would show counts under 11; write 11 or more"),
        (["--allow-left-out", "101"], "from 0 to 100"),
        (["--lines"], "leave one out"),
        (["--jobs", "2"], "leave one out"),
        (["--assume", "no-such-file.json"], "no file"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    words: list[str], says: str, counts: Counts, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code, text = counts.run(HEAD + rows(), *words)
    except SystemExit as refusal:
        code, text = int(str(refusal.code)), capsys.readouterr().err
    assert code == 2 and says in text


@pytest.mark.parametrize("words", [["--where", "a=b"], ["--strict"], ["--assume", "nothing"]])
def test_words_of_counts_without_a_grouping_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decide", "santa-fe", "eligibility", "rows.csv", "--map", "m", *words]) == 2
    assert "`--by COL`" in capsys.readouterr().err


def test_a_decision_with_several_answers_at_once_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["decide", "santa-fe", "review", "x.csv", "--map", "nypd-arrests", "--by", "PERP_SEX"]
    assert main(words) == 2
    assert "several answers at once" in capsys.readouterr().err


def test_an_assumption_from_a_file_replaces_the_one_worked_out(
    counts: Counts, tmp_path: Path
) -> None:
    table = HEAD + rows(30)
    worked_out = counts.report(table)["assumed"]
    assert worked_out["judgment.amenable"] is True
    assert "encounter.charges.conduct" not in worked_out
    file = tmp_path / "assumed.json"
    file.write_text(json.dumps({"judgment": {"amenable": False}}))
    report = counts.report(table, "--assume", str(file))
    assert report["assumed"] == {"judgment.amenable": False}
    assert group(report, "ALL")["answers"] == {"eligible": 0, "either": 0, "ineligible": 30}
    nothing = counts.report(table, "--assume", "nothing")
    assert nothing["assumed"] == {}
    assert group(nothing, "ALL")["answers"] == {"eligible": 0, "either": 30, "ineligible": 0}


@pytest.mark.parametrize(
    ("assumed", "says"),
    [
        ({"judgment": {"amenabel": True}}, "there is no fact"),
        ({"judgment.amenable": "yes"}, "judgment.amenable"),
        ({"decisions.screening": "go"}, "no outcome"),
        ({"encounter.charges.shade": "red"}, "no field"),
        ({"encounter.drugs": [{"kind": "opioid"}]}, "list of records"),
        ([], "not an object"),
        ({"decisions.eligibility": "eligible"}, "is the answer that is counted"),
        ({"encounter.drugs[0].grams": 1}, "write `encounter.drugs.grams`, which is assumed of"),
        ({"encounter.drugs.0.grams": 1}, "write `encounter.drugs.grams`, which is assumed of"),
        ({"history.convictions.degree": 1}, 'nothing is listed: `"history.convictions": []`'),
        ({"encounter.charges.code": "NMSA 30-31-23"}, "such as `encounter.charges.level`"),
        ({"encounter.at": "2014-06-01T12:00:00Z"}, "leave `encounter.at` out"),
        ({"judgment": {"amenable": True}, "judgment.amenable": False}, "has two values"),
        ({"judgment": 1, "judgment.amenable": True}, "`judgment` has a value"),
    ],
)
def test_a_wrong_assumption_is_refused_before_any_row(
    assumed: Any, says: str, counts: Counts, tmp_path: Path
) -> None:
    file = tmp_path / "assumed.json"
    file.write_text(json.dumps(assumed))
    code, text = counts.run(HEAD + rows(), "--assume", str(file))
    assert code == 2 and says in text


LISTED = """\
title: arrests
id: id
unit: arrest
unknown: [""]
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.charges:
    split: {column: charges, by: "|", names: [level], empty: unknown}
    item: {level: {part: level, values: {F: felony}, else: unknown}, violent: {value: false}}
  encounter.drugs:
    split: {column: drugs, by: "|", parts: ":", names: [kind, grams], empty: unknown}
    item: {kind: {part: kind}, grams: {part: grams}}
  history.convictions: {count: {column: priors}}
"""
LISTS = "id,day,age,charges,drugs,priors,place\n" + "".join(
    f"{number},2014-05-01,{age},{charges},{drugs},{priors},north\n"
    for number, (age, charges, drugs, priors) in enumerate(
        12
        * [
            ("30", "F", "opioid:2", "0"),
            ("30", "F|?", "opioid:9", "2"),
            ("30", "?", "opioid:", ""),
            ("17", "", "opioid:2|:1", "1"),
            ("", "", "", ""),
        ]
    )
)


def assumptions() -> list[dict[str, Any]]:
    """Return a value of each fact that Santa Fe's rules know, and of each detail of a list."""
    vocabulary = load("santa-fe").pack.vocabulary
    values = {"bool": True, "int": 1, "decimal": 1, "text": "x", "list": []}
    values |= {"date": "2014-05-02", "timestamp": "2014-05-02T12:00:00Z"}
    values |= {"citation": "NMSA 30-31-23"}
    assumptions_of_facts = [
        {path: field.choices[0] if field.type == "choice" else values[field.type]}
        for whole in vocabulary.facts.values()
        for path, field in [
            (whole.path, whole),
            *((f"{whole.path}.{name}", inner) for name, inner in whole.fields.items()),
        ]
    ]
    decided = [("eligibility", "eligible"), ("screening", "proceed")]
    return assumptions_of_facts + [{f"decisions.{name}": outcome} for name, outcome in decided]


@pytest.mark.parametrize("as_of", [["--as-of", "2014-06-01"], []])
def test_no_assumption_drops_a_row_or_changes_what_one_says(
    as_of: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each answer that is sure without an assumption is sure with it, and no row is left out."""
    paths = {name: tmp_path / name for name in ("rows.csv", "map.yaml", "assumed.json")}
    paths["rows.csv"].write_text(LISTS)
    paths["map.yaml"].write_text(LISTED)
    words = ["decide", "santa-fe", "eligibility", str(paths["rows.csv"]), "--json"]
    words += ["--map", str(paths["map.yaml"]), "--by", "place", *as_of, "--assume"]

    def report(assume: str) -> dict[str, Any] | None:
        if main([*words, assume]):
            assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad-assumption"
            return None
        value: dict[str, Any] = json.loads(capsys.readouterr().out)["cohort"]
        assert value["left_out"] == [] and value["selected"] == 60
        return value

    plain = report("nothing")
    assert plain is not None
    sure = group(plain, "ALL")["answers"]
    assert sure == {"eligible": 0, "either": 36, "ineligible": 24}
    refused = set()
    for assumed in assumptions():
        paths["assumed.json"].write_text(json.dumps(assumed))
        reported = report(str(paths["assumed.json"]))
        if reported is None:
            refused |= set(assumed)
            continue
        answers = group(reported, "ALL")["answers"]
        for outcome in ("eligible", "ineligible"):
            assert answers[outcome] == {"hidden": True} or answers[outcome] >= sure[outcome]
    assert refused >= {"encounter.at", "encounter.charges.code", "decisions.eligibility"}
    assert refused.isdisjoint({"encounter.drugs.grams", "encounter.charges.level", "person.age"})


def test_a_detail_is_assumed_of_each_entry_that_lacks_it_and_of_no_other_row(
    counts: Counts, tmp_path: Path
) -> None:
    file = tmp_path / "assumed.json"
    complete = {"judgment.amenable": True, "judgment.exploits_others": False}
    complete |= {"decisions.screening": "proceed", "approval.prosecutor": "approved"}
    complete |= {"encounter.in_area": True, "encounter.charges.authority": "state"}
    complete |= {"encounter.charges.conduct": "possession"}
    cells = [("opioid:2", 20), ("opioid:9", 30), ("opioid:", 40), ("", 50)]
    table = "id,day,age,charges,drugs,priors,place\n" + "".join(
        f"{drugs} {number},2014-05-01,30,F,{drugs},0,north\n"
        for drugs, many in cells
        for number in range(many)
    )
    for detail, expected in (
        ({"encounter.drugs.grams": 1}, (60, 50, 30)),
        ({"encounter": {"drugs": {"grams": 9}}}, (20, 50, 70)),
    ):
        file.write_text(json.dumps(complete | detail))
        code, text = counts.run(table, "--json", "--assume", str(file), mapping=LISTED)
        assert code == 0, text
        report = json.loads(text)["cohort"]
        answers = group(report, "ALL")["answers"]
        counted = answers["eligible"], answers["either"], answers["ineligible"]
        assert counted == expected and report["left_out"] == []
    text = counts.run(table, "--assume", str(file), mapping=LISTED)[1]
    assert "assumed of each listed entry that doesn't say it, and not of arrests" in joined(text)


def joined(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())


def test_rows_before_the_program_began_are_apart_and_in_no_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    file.write_text(HEAD + rows(12, day="2014-03-31") + rows(15, 100, day="2014-04-01"))
    mapping.write_text(MAP)
    words = ["decide", "santa-fe", "eligibility", str(file), "--map", str(mapping)]
    assert main([*words, "--by", "place", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["cohort"]
    everyone = group(report, "ALL")
    assert (report["selected"], report["programs"][0]["not_running"]) == (27, 12)
    assert everyone["rows"] == 15
    assert everyone["answers"] == {"eligible": 15, "either": 0, "ineligible": 0}
    assert everyone["ranges"][0]["rate"] == [1.0, 1.0]
    assert main([*words, "--by", "place"]) == 0
    assert "in no rate: 12 on days on which the program did not run." in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--where", "place=south"]])
def test_a_few_selected_rows_are_told_nowhere(more: list[str], counts: Counts) -> None:
    table = HEAD + (rows(40) if more else "") + rows(7, 100, place="south")
    report = counts.report(table, *more)
    assert report["selected"] == {"hidden": True} == group(report, "ALL")["rows"]
    assert report["rows"] == (47 if more else {"hidden": True})
    text = counts.run(table, *more)[1]
    (line,) = [line for line in text.splitlines() if line.startswith("Rows")]
    assert "hidden" in line and not re.search(r"\b7\b", line)


def test_a_file_of_which_every_row_is_left_out_is_counted_as_none(counts: Counts) -> None:
    table = HEAD + rows(30, age="forty")
    report = counts.report(table, "--allow-left-out", "100")
    assert group(report, "ALL")["rows"] == 0
    assert "30 that can't be read, 100.0%" in counts.run(table, "--allow-left-out", "100")[1]
