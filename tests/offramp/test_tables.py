"""Tables through a map, by the command line: published files are read, and no row costs another."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from offramp.agency.cases.counted import CountKey
from offramp.agency.operations.reports import AgencyCounts, QuarterReport
from offramp.agency.report_view import report_csv
from offramp.cli import main
from offramp.policy.case_table import read_cases
from offramp.policy.table_map import read_map
from rules.errors import PackError
from tests.conftest import ROOT, shared
from tests.support.written import assembled

MAP = """\
title: t
id: id
facts:
  encounter.date: {column: day}
"""
GRAMS = """\
title: t
id: id
facts:
  encounter.date: {column: day}
  encounter.drugs: {items: [{kind: {value: opioid}, grams: CELL}]}
"""
NYPD = (
    "ARREST_KEY,ARREST_DATE,PD_CD,PD_DESC,KY_CD,OFNS_DESC,LAW_CODE,LAW_CAT_CD,ARREST_BORO,"
    "ARREST_PRECINCT,JURISDICTION_CODE,AGE_GROUP,PERP_SEX,PERP_RACE,X_COORD_CD,Y_COORD_CD,Latitude,"
    "Longitude,"
)
LAPD = (
    "Report ID,Report Type,Arrest Date,Time,Area ID,Area Name,Reporting District,Age,Sex Code,"
    "Descent Code,Charge Group Code,Charge Group Description,Arrest Type Code,Charge,"
    "Charge Description,Disposition Description,Address,Cross Street,LAT,LON,Location,Booking Date,"
    "Booking Time,Booking Location,Booking Location Code"
)
CHICAGO = ",".join(
    [
        "CB_NO,CASE NUMBER,ARREST DATE,RACE",
        *(
            f"CHARGE {number} {part}"
            for number in (1, 2, 3, 4)
            for part in ("STATUTE", "DESCRIPTION", "TYPE", "CLASS")
        ),
        "CHARGES STATUTE,CHARGES DESCRIPTION,CHARGES TYPE,CHARGES CLASS",
    ]
)


class Tables:
    """Runs `offramp decide` on a table, in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def run(self, pack: str, decision: str, table: Path, mapping: Path | str) -> tuple[int, str]:
        """Return the exit code and the output."""
        arguments = ["decide", pack, decision, str(table), "--map", str(mapping), "--considered"]
        code = main(arguments)
        printed = self.capsys.readouterr()
        assert printed.err == "" or code == 2
        return code, printed.out + printed.err

    def rows(
        self,
        table: str | bytes,
        mapping: str,
        pack: str = "santa-fe",
        decision: str = "eligibility",
    ) -> dict[str, dict[str, Any]]:
        """Return each row's answer by its id. A mapping with line breaks is a map's text."""
        path = self.folder / "table.csv"
        path.write_bytes(table.encode() if isinstance(table, str) else table)
        if "\n" in mapping:
            (self.folder / "map.yaml").write_text(mapping, encoding="utf-8")
            mapping = str(self.folder / "map.yaml")
        _, printed = self.run(pack, decision, path, mapping)
        lines = [json.loads(line) for line in printed.splitlines()]
        return {line["id"]: line for line in lines}

    def refusal(self, table: str | bytes, mapping: str) -> str:
        """Return the refusal of a whole table or of its map."""
        path = self.folder / "table.csv"
        path.write_bytes(table.encode() if isinstance(table, str) else table)
        (self.folder / "map.yaml").write_text(mapping, encoding="utf-8")
        code, printed = self.run("santa-fe", "eligibility", path, self.folder / "map.yaml")
        assert code == 2
        assert not printed.startswith('{"id"')
        return printed


@pytest.fixture
def tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tables:
    """Tables in a folder of their own."""
    return Tables(tmp_path, capsys)


def codes(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the code of each refused row."""
    return {name: row["error"]["code"] for name, row in rows.items() if "error" in row}


def facts_read(row: dict[str, Any]) -> dict[str, Any]:
    """Return every known fact that settled a rule of a decision."""
    known: dict[str, Any] = {}
    for rule in row["decision"]["considered"]:
        known |= rule["settled_by"]
    return known


# The shown inputs


def shown(tables: Tables, table: str, mapping: str) -> dict[str, dict[str, Any]]:
    path, text = shared(f"cases/tables/{table}"), shared(f"cases/tables/{mapping}")
    _, printed = tables.run("santa-fe", "eligibility", path, text)
    return {line["id"]: line for line in map(json.loads, printed.splitlines())}


def test_a_stray_quote_costs_its_own_row(tables: Tables) -> None:
    rows = shown(tables, "strayquote.csv", "m.yaml")
    assert list(rows) == ["1", "line 3", "3", "4"]
    assert codes(rows) == {"line 3": "not-csv"}
    assert rows["line 3"]["error"]["at"] == "line 3"


def test_a_column_that_is_there_twice_is_refused(tables: Tables) -> None:
    table, mapping = shared("cases/tables/duphead.csv"), shared("cases/tables/m.yaml")
    code, printed = tables.run("santa-fe", "eligibility", table, mapping)
    assert code == 2
    assert "duplicate-column" in printed and "`age`" in printed


def test_only_plain_digits_are_a_number(tables: Tables) -> None:
    rows = shown(tables, "nums.csv", "m.yaml")
    refused = codes(rows)
    unmapped = {name for name, code in refused.items() if code == "unmapped-cell"}
    assert unmapped == set("abdehijklosvwyz")
    assert {name: refused[name] for name in "gqr"} == dict.fromkeys("gqr", "out-of-range")
    assert set(rows) - set(refused) == set("cfmnptux")


def test_an_unknown_unit_leaves_the_amount_out(tables: Tables) -> None:
    rows = shown(tables, "units.csv", "units.yaml")
    assert facts_read(rows["1"])["encounter.drugs[0].grams"] == 1.8
    assert "encounter.drugs[0].grams" not in facts_read(rows["2"])


def test_a_value_is_a_boolean_a_pattern_a_number_and_a_count_a_list(tables: Tables) -> None:
    assert codes(shown(tables, "bool.csv", "bool.yaml")) == {}
    assert facts_read(shown(tables, "num.csv", "num.yaml")["1"])["encounter.drugs[0].grams"] == 4.5
    table, mapping = shared("cases/tables/pri.csv"), shared("cases/tables/pri.yaml")
    _, printed = tables.run("santa-fe", "screening", table, mapping)
    assert facts_read(json.loads(printed))["history.convictions"] == []


# A bad row costs itself alone


def test_an_unclosed_quote_costs_one_row_of_many(tables: Tables) -> None:
    lines = [f"{number},2015-06-01" for number in range(2_000)]
    lines[700] = '700,"2015-06-01'
    rows = tables.rows("id,day\n" + "\n".join(lines), MAP)
    assert len(rows) == 2_000
    assert codes(rows) == {"line 702": "not-csv"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'2,"2015-06-01"x', "not-csv"),
        (b'2,2015"06-01', "not-csv"),
        (b'2,"2015-06-01', "not-csv"),
        (b"2,2015-06\r-01", "not-csv"),
        (b"2,2015-06-01\xff", "not-utf-8"),
        (b"2," + b"1" * 200_000, "too-large"),
        (b"2," + b"1" * 5_000_000, "too-large"),
        (b'2,"' + b"1\n" * 150_000 + b'"', "too-large"),
        (b"2,2015-06-01,3", "unmapped-cell"),
        (b"2", "unmapped-cell"),
    ],
)
def test_a_bad_row_names_its_line_and_the_others_go_on(
    line: bytes, code: str, tables: Tables
) -> None:
    table = b"\xef\xbb\xbfid,day\r\n1,2015-06-01\r\n\r\n" + line + b"\n3,2015-06-01\n"
    rows = tables.rows(table, MAP)
    assert next(iter(rows)) == "1" and list(rows)[-1] == "3" and len(rows) == 3
    (refused,) = [row["error"] for row in rows.values() if "error" in row]
    assert (refused["code"], refused["at"]) == (code, "line 4")


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("", "no-column"),
        ("id,dya\n", "no-column"),
        ("id;day\n1;2015-06-01\n", "no-column"),
        ('id,"day\n', "not-csv"),
        (b"id,day\xff\n", "not-utf-8"),
        ("id,day,day\n", "duplicate-column"),
        ("id,day,x,x\n", "duplicate-column"),
        ("id,Day,DAY\n", "duplicate-column"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(table: str | bytes, code: str, tables: Tables) -> None:
    assert code in tables.refusal(table, MAP)


def test_a_table_with_another_separator_and_encoding(tables: Tables) -> None:
    mapping = MAP + "  encounter.charges: {items: [{code: {column: section}}]}\n"
    mapping += 'separator: ";"\nencoding: windows-1252\n'
    table = "id;day;section\n1;2015-06-01;Ä 30-31-23; \n2;2015-06-01;§\n".encode("cp1252")
    rows = tables.rows(table, mapping, decision="offer")
    assert codes(rows) == {"1": "unmapped-cell"}
    assert tables.rows("id\tday\n1\t2015-06-01\n", MAP + "separator: tab\n")["1"]["decision"]


# Values


@pytest.mark.parametrize(
    ("written", "text", "day"),
    [
        ("", "2015-06-01", "2015-06-01"),
        ("", "2015-06-01T00:00:00.000", "2015-06-01"),
        ("", "2015-06-01 23:10", "2015-06-01"),
        ("", "2015-06-01T00:00:00Z", None),
        ("", "6/1/2015", None),
        ("", "20150601", None),
        ("date: MM/DD/YYYY", "06/01/2015", "2015-06-01"),
        ("date: MM/DD/YYYY", "6/1/2015", None),
        ("date: MM/DD/YYYY", "13/01/2015", None),
        ("date: MM/DD/YYYY", "2015-06-01", None),
        ("date: MM/DD/YYYY", "٠٦/01/2015", None),
        ("date: DD/MM/YYYY", "13/01/2015", "2015-01-13"),
        ("date: M/D/YYYY", "6/1/2015", "2015-06-01"),
        ("date: DD-MMM-YYYY", "01-JUN-2015", "2015-06-01"),
        ("date: 'MM/DD/YYYY hh:mm:ss AM'", "06/01/2015 12:00:00 AM", "2015-06-01"),
        ("date: 'MM/DD/YYYY hh:mm:ss AM'", "06/01/2015 25:00:00 AM", None),
        ("date: [MM/DD/YYYY, YYYY-MM-DD]", "2015-06-01", "2015-06-01"),
    ],
)
def test_a_day_is_read_in_the_formats_of_the_map_alone(
    written: str, text: str, day: str | None, tables: Tables
) -> None:
    cell = f"{{column: day, {written}}}" if written else "{column: day}"
    rows = tables.rows(f"id,day\n1,{text}\n", MAP.replace("{column: day}", cell))
    if day is None:
        assert rows["1"]["error"]["at"] == "encounter.date"
    else:
        assert rows["1"]["decision"]["pack"]["as_of"] == day


@pytest.mark.parametrize(
    ("cell", "text", "grams"),
    [
        ("{column: c}", "1,800", None),
        ("{column: c, thousands: ','}", '"1,800"', 1800),
        ("{column: c, thousands: ','}", '"1,80"', None),
        ("{column: c, thousands: ','}", '"1,800.5"', 1800.5),
        ("{column: c, thousands: '.', decimal: ','}", '"1.800,5"', 1800.5),
        ("{column: c, decimal: ','}", "1.8", None),
        ("{column: c, patterns: [{is: '(.+) oz', to: '\\1', times: 28}]}", "2 oz", 56),
        ("{column: c, patterns: [{is: '(.+) oz', to: '\\1', times: 28}]}", "٢ oz", None),
        ("{column: c, patterns: [{is: trace, to: 0}], else: as-is}", "2.5", 2.5),
        ("{column: c, times: 1000}", "0.5", 500),
        ("{column: c, times: unknown}", "0.5", "unknown"),
        ("{column: c, times: {column: u, values: {GM: 1}, else: 2}}", "0.5", 1),
        ("{column: c, values: {few: {between: [1, 2]}}}", "few", {"from": 1, "to": 2}),
        (
            "{column: c, patterns: [{is: '.* (\\d+)g><(\\d+)g', between: ['\\1', '\\2']}]}",
            "Oxycodone 4g><14g",
            {"from": 4, "to": 14},
        ),
        (
            "{column: c, patterns: [{is: '>(\\d+)g', between: ['\\1', null]}]}",
            ">28g",
            {"from": 28, "to": None},
        ),
        ("{column: c, patterns: [{is: '<(.+)', between: [0, '\\1']}]}", "<½", None),
        ("{column: c, patterns: [{is: '(.)-(.)', between: ['\\1', '\\2']}]}", "4-1", None),
        ("{column: c, patterns: [{is: '(.)-(.)', between: ['\\1', '\\2']}]}", "4-4", 4),
    ],
)
def test_an_amount(cell: str, text: str, grams: Any, tables: Tables) -> None:
    quoted = text if text.startswith('"') or "," not in text else f'"{text}"'
    rows = tables.rows(f"id,day,c,u\n1,2015-06-01,{quoted},OZ\n", GRAMS.replace("CELL", cell))
    if grams is None:
        assert codes(rows) == {"1": "unmapped-cell"}
    elif grams == "unknown":
        assert "encounter.drugs[0].grams" not in facts_read(rows["1"])
    else:
        assert facts_read(rows["1"])["encounter.drugs[0].grams"] == grams


def test_a_known_range_decides_what_all_its_amounts_agree_on(tables: Tables) -> None:
    cell = "{column: c, patterns: [{is: '(\\d+)g><(\\d+)g', between: ['\\1', '\\2']}]}"
    table = "id,day,c\n1,2015-06-01,4g><14g\n2,2015-06-01,1g><2g\n3,2015-06-01,2g><4g\n"
    rows = tables.rows(table, GRAMS.replace("CELL", cell))
    assert rows["1"]["decision"]["outcome"] == "ineligible"
    needs = {
        name: [entry["fact"] for entry in rows[name]["decision"]["needed"]] for name in ("2", "3")
    }
    assert "encounter.drugs[0].grams" not in needs["2"]
    assert "encounter.drugs[0].grams" in needs["3"]


def test_a_count_is_a_list_of_records_with_nothing_known(tables: Tables) -> None:
    mapping = MAP + "  history.convictions: {count: {column: priors}}\n"
    table = "id,day,priors\n0,2015-06-01,0\n1,2015-06-01,2\n2,2015-06-01,\n3,2015-06-01,-1\n"
    rows = tables.rows(table, mapping, decision="screening")
    assert facts_read(rows["0"])["history.convictions"] == []
    needs = [[entry["fact"] for entry in rows[name]["decision"]["needed"]] for name in "12"]
    assert any(fact.startswith("history.convictions[1].") for fact in needs[0])
    assert "history.convictions" in needs[1]
    assert codes(rows) == {"3": "unmapped-cell"}


def test_a_code_outside_both_lists_is_no_answer(tables: Tables) -> None:
    mapping = MAP + "  encounter.weapon:\n    {column: c, split: '|', any_of: [A], none_of: [B]}\n"
    table = "id,day,c\n1,2015-06-01,B|A\n2,2015-06-01,B|B\n3,2015-06-01,B|C\n4,2015-06-01,C|A\n"
    rows = tables.rows(table, mapping, pack="drug-court")
    read = {name: facts_read(row).get("encounter.weapon") for name, row in rows.items()}
    assert read == {"1": True, "2": False, "3": None, "4": True}


def test_an_unknown_mark_in_a_list_is_no_empty_list(tables: Tables) -> None:
    mapping = MAP.replace("facts:", "unknown: ['', UNK]\nfacts:") + (
        "  encounter.charges:\n    split: {column: c, by: '|', empty: none}\n"
        "    item: {code: {part: entry}}\n"
    )
    rows = tables.rows("id,day,c\n1,2015-06-01,UNK\n2,2015-06-01,\n", mapping, decision="offer")
    needs = [entry["fact"] for entry in rows["1"]["decision"]["needed"]]
    assert "encounter.charges" in needs
    assert rows["2"]["decision"]["outcome"] == "no_offense" or facts_read(rows["2"])


def test_an_attested_decision_and_a_fact_of_the_pack(tables: Tables, tmp_path: Path) -> None:
    mapping = MAP + "  decisions.screening: {column: s, values: {go: proceed}, else: unknown}\n"
    rows = tables.rows("id,day,s\n1,2015-06-01,go\n2,2015-06-01,x\n", mapping)
    needs = {
        name: [entry["fact"] for entry in row["decision"]["needed"]] for name, row in rows.items()
    }
    assert "decisions.screening" in needs["2"] and "decisions.screening" not in needs["1"]
    packs = [
        path.parent.name
        for path in sorted((ROOT / "jurisdictions").glob("*/pack.yaml"))
        if "\nfacts:" in path.read_text(encoding="utf-8")
    ]
    assert packs, "a shipped pack declares facts"
    from rules.shelf import load, vocabulary

    own = set(load(packs[0]).pack.vocabulary.facts) - set(vocabulary().facts)
    path = sorted(own)[0]
    mapping = MAP + f"  {path}: {{column: s, values: {{x: unknown}}}}\n"
    decision = next(iter(load(packs[0]).pack.decisions))
    rows = tables.rows("id,day,s\n1,2015-06-01,x\n", mapping, pack=packs[0], decision=decision)
    assert "unknown-fact" not in codes(rows).values()


def test_a_map_fills_the_fields_words_and_decisions_that_a_pack_adds(tmp_path: Path) -> None:
    pack = assembled(
        """
id: made-up
title: Made up
time_zone: America/Denver
program: {from: 2014-04-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
refine: {encounter.drugs.kind: {heroin: opioid, other_opioid: opioid}}
facts:
  encounter.drugs.hidden: {type: bool, question: Was it hidden?, source: act}
decisions:
  victim:
    asks: Does the victim agree?
    decided_by: police
    governed_by: encounter.date
    outcomes: [refuses, agrees]
    rules: [{id: hidden, when: 'encounter.drugs.exists(d, d.hidden)', then: refuses,
             because: Hidden., source: act}]
    otherwise: {outcome: agrees, because: Fine., source: act}
"""
    )
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        """
title: t
id: id
facts:
  encounter.drugs:
    items:
      - kind: {column: kind, values: {h: heroin, o: opioid}}
        hidden: {column: hidden, values: {y: true, n: false}}
  decisions.victim: {column: victim, values: {r: refuses}, else: unknown}
""",
        encoding="utf-8",
    )
    table = b"id,kind,hidden,victim\n1,h,y,r\n2,o,n,x\n"
    first, second = read_cases(read_map(str(mapping), pack), io.BytesIO(table))
    assert first.read_facts()["encounter"]["drugs"] == [{"kind": "heroin", "hidden": True}]
    assert first.read_facts()["decisions"] == {"victim": "refuses"}
    assert second.read_facts()["encounter"]["drugs"] == [{"kind": "opioid", "hidden": False}]
    for words in ("decisions.victin", "encounter.drug"):
        text = mapping.read_text().replace("decisions.victim", words)
        mapping.write_text(text, encoding="utf-8")
        with pytest.raises(PackError) as refused:
            read_map(str(mapping), pack)
        assert refused.value.code == "unknown-fact"


# What a map declares wrongly is refused when it is loaded


@pytest.mark.parametrize(
    "line",
    [
        "encounter.weapon: {column: day, values: {a: maybe}}",
        "encounter.weapon: {column: day, patterns: [{is: a, to: maybe}]}",
        "encounter.weapon: {column: day, else: maybe}",
        "encounter.weapon: {value: maybe}",
        "encounter.weapon: {column: day, any_of: [a], values: {a: true}}",
        "encounter.weapon: {column: day, split: '|'}",
        "encounter.weapon: {column: day, date: MM/DD/YYYY}",
        "encounter.route: {column: day, values: {a: arrested}}",
        "encounter.route: {column: day, part: entry}",
        "person.age: {column: day, values: {a: 200}}",
        "person.age: {column: day, values: {a: 20.5}}",
        "person.age: {column: day, values: {a: '20'}}",
        "person.age: {column: day, times: {column: day, values: {a: many}}}",
        "person.age: {column: day, times: 0}",
        "person.age: {column: day, patterns: [{is: '(', to: 1}]}",
        "person.age: {column: day, patterns: [{is: 'a', to: '\\1'}]}",
        "person.age: {column: day, patterns: [{is: 'a'}]}",
        "person.age: {column: day, patterns: [{is: 'a', between: [1]}]}",
        "person.age: {column: day, values: {a: {between: [5, 4]}}}",
        "person.age: {column: day, thousands: x}",
        "person.age: {column: day, when: {column: day}}",
        "encounter.route: {column: day, thousands: ','}",
        "case.intake_at: {column: day, date: MM/DD/YYYY}",
        "decisions.screening: {value: maybe}",
        "decisions.screned: {column: day}",
        "history.convictions: {column: day}",
        "history.convictions: {column: day, values: {a: 3}}",
        "history.convictions: {items: [], count: {column: day}}",
        "encounter.drugs: {split: {column: day, by: '|', names: [a, b]}, item: {}}",
        "encounter.drugs: {split: {column: day, by: '|', parts: ':', names: [a, a]}, item: {}}",
    ],
)
def test_a_wrong_map_is_refused_with_its_line_and_a_fix(line: str, tables: Tables) -> None:
    refusal = tables.refusal("id,day\n1,2015-06-01\n", f"{MAP}  {line}\n")
    assert "map.yaml:5:" in refusal
    assert "; " in refusal


@pytest.mark.parametrize(
    "line",
    ["separator: a", "separator: ''", "encoding: utf-16", "unknown: [[a]]", "columns: [a]"],
)
def test_a_wrong_setting_is_refused(line: str, tables: Tables) -> None:
    assert "map.yaml:5:" in tables.refusal("id,day\n1,2015-06-01\n", f"{MAP}{line}\n")


@pytest.mark.parametrize(
    "written", ["YYYY", "MM/DD/YY", "MM/DD/YYYY YYYY", "DD/DD/YYYY", "MM/DD/YYYY Z", "[]"]
)
def test_a_format_that_names_no_day_is_refused(written: str, tables: Tables) -> None:
    mapping = MAP.replace("{column: day}", f"{{column: day, date: {written}}}")
    assert "map.yaml:4:" in tables.refusal("id,day\n1,2015-06-01\n", mapping)


# Published files: made-up rows with the published heads and formats


@pytest.mark.parametrize("last", ["Lon_Lat", "New Georeferenced Column"])
@pytest.mark.parametrize("is_api", [False, True])
def test_new_york_s_arrests_as_published(last: str, is_api: bool, tables: Tables) -> None:
    day = "2020-11-19T00:00:00.000" if is_api else "11/19/2020"
    head = (NYPD + last).lower().replace(" ", "_") if is_api else NYPD + last
    place = "1013232,236725,40.816391847000034,-73.89529641399997,POINT (-73.89529641399997 40.8)"
    rows = tables.rows(
        f"{head}\n"
        f'1,{day},511,"CONTROLLED SUBSTANCE, POSSESSION 7",235,DANGEROUS DRUGS,PL 2200300,M,B,41,0,'
        f"18-24,M,BLACK,{place}\n"
        f"2,{day},(null),(null),(null),(null),PL 2650022,9,B,44,0,1052,M,BLACK,{place}\n"
        f"3,{day},566,MARIJUANA POSSESSION,678,MISCELLANEOUS PENAL LAW,PL 2210500,V,K,79,0,"
        f"<18,F,WHITE,{place}\n"
        f"4,yesterday,566,MARIJUANA POSSESSION,678,MISCELLANEOUS PENAL LAW,PL 2210500,V,K,79,0,"
        f"65+,F,WHITE,{place}\n"
        f"5,{day},566,MARIJUANA POSSESSION,678,MISCELLANEOUS PENAL LAW,PL 2210500,V,K,79,0,"
        f"18-24,F,WHITE,{place}\n",
        "nypd-arrests",
        pack="nyc-violations",
    )
    assert codes(rows) == {"4": "unmapped-cell"}
    assert {name: rows[name]["decision"]["outcome"] for name in "15"} == {
        "1": "ineligible",
        "5": "eligible",
    }
    assert rows["2"]["decision"]["status"] == "undetermined"
    # Under 18 may be under 16, who isn't criminally responsible (PL 30.00).
    assert [need["fact"] for need in rows["3"]["decision"]["needed"]] == ["person.age"]
    assert rows["1"]["decision"]["pack"]["as_of"] == "2020-11-19"


def test_los_angeles_arrests_as_published(tables: Tables) -> None:
    place = (
        "6300 HOLLYWOOD BL,,34.1,-118.3,POINT (-118.3 34.1),06/01/2018 12:00:00 AM,0130,HOLLYWOOD,1"
    )

    def row(number: int, age: str, group: str, level: str, charge: str) -> str:
        return (
            f"{number},BOOKING,06/01/2018 12:00:00 AM,2320,06,Hollywood,0646,{age},M,W,16,"
            f'{group},{level},{charge},"DESCRIPTION, ANY",MISDEMEANOR COMPLAINT FILED,{place}\n'
        )

    table = f"{LAPD}\n" + row(1, "31", "Narcotic Drug Laws", "M", "11350(A)HS")
    table += row(2, "40", "Aggravated Assault", "F", "245(A)(1)PC")
    table += row(3, "0", "Something New", "O", "999XX")
    rows = tables.rows(table, "lapd-arrests", pack="drug-court")
    assert codes(rows) == {}
    assert facts_read(rows["1"])["encounter.charges[0].violent"] is False
    assert facts_read(rows["2"])["encounter.charges[0].violent"] is True
    assert "encounter.charges[0].violent" not in facts_read(rows["3"])
    assert rows["3"]["decision"]["status"] == "undetermined"


@pytest.mark.parametrize(
    ("charge", "code", "conduct"),
    [
        ("11350(A)HS", "CA HSC 11350", "possession"),
        ("11377(A)(1)HS", "CA HSC 11377", "possession"),
        ("11378HS", "CA HSC 11378", "intent_to_sell"),
        ("11352(A)HS", "CA HSC 11352", "sale"),
        ("11364.1(A)HS", "CA HSC 11364.1", "paraphernalia"),
        ("11550(A)HS", "CA HSC 11550", None),
        ("647(F)PC", "CA PC 647(f)", None),
        ("647(B)PC", "CA PC 647(b)", "prostitution"),
        ("602PC", "CA PC 602", "trespass"),
        ("245(A)(1)PC", "CA PC 245(a)", None),
        ("41.27CLAMC", "41.27CLAMC", None),
        ("999XX", None, None),
    ],
)
def test_a_charge_of_los_angeles(charge: str, code: str | None, conduct: str | None) -> None:
    row = dict.fromkeys(LAPD.split(","), "x")
    row |= {"Charge": charge, "Age": "30", "Arrest Date": "06/01/2018"}
    table = f"{LAPD}\n{','.join(row.values())}\n"
    (case,) = read_cases(read_map("lapd-arrests"), io.BytesIO(table.encode()))
    (read,) = case.read_facts()["encounter"]["charges"]
    assert (read.get("code"), read.get("conduct")) == (code, conduct)


def test_chicago_s_arrests_as_published(tables: Tables) -> None:
    first = "720 ILCS 570.0/402-C,PCS - POSSESSION - POSS AMT CON SUB EXCEPT (A)(D),F,4"
    second = "720 ILCS 5.0/12-3.2-A-1,DOMESTIC BATTERY - BODILY HARM,M,A"
    joined = "720 ILCS 570.0/402-C | ,PCS | ,F | ,4 | "
    table = (
        f"{CHICAGO}\n"
        f"1,JA100001,01/02/2017 11:45:00 PM,BLACK,{first},,,,,,,,,,,,,{joined}\n"
        f"2,JA100002,01/02/2017 11:45:00 PM,WHITE,{first},{second},,,,,,,,,{joined}\n"
        f"3,,01/02/2017 11:45:00 PM,WHITE,8-4-010,NEW,,,,,,,,,,,,,,,{joined}\n"
    )
    rows = tables.rows(table, "chicago-arrests", pack="drug-court")
    assert codes(rows) == {}
    assert "encounter.charges[1].violent" not in facts_read(rows["1"])
    assert facts_read(rows["1"])["encounter.charges[0].violent"] is False
    assert rows["2"]["decision"]["outcome"] == "ineligible"
    assert "encounter.charges[0].violent" not in facts_read(rows["3"])


@pytest.mark.parametrize(
    ("name", "mapping", "pack"),
    [
        ("nypd_arrests_2017-12.csv.gz", "nypd-arrests", "nyc-violations"),
        ("la_nibrs_arrestees_2010_2020.csv.gz", "louisiana-nibrs", "drug-court"),
    ],
)
def test_a_real_file_has_no_refused_row(name: str, mapping: str, pack: str, tables: Tables) -> None:
    with gzip.open(shared(f"data/{name}")) as file:
        lines = file.read(600_000).splitlines(keepends=True)[:-1]
    rows = tables.rows(b"".join(lines), mapping, pack=pack)
    assert len(rows) > 3_000
    assert codes(rows) == {}


def test_a_formula_stays_inside_json(tables: Tables) -> None:
    """No command writes a table's cells as CSV. A quarter's report does, and holds no formula."""
    rows = tables.rows('id,day\n"=cmd|\' /C calc\'!A0",2015-06-01\n"+1\t",2015-06-01\n', MAP)
    assert set(rows) == {"=cmd|' /C calc'!A0", "+1\t"}
    writers = [
        str(path.relative_to(ROOT))
        for folder in ("rules", "exchange", "offramp", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if any(
            word in path.read_text(encoding="utf-8")
            for word in ("csv.writer", "DictWriter", "text/csv", "to_csv")
        )
    ]
    assert writers == ["offramp/agency/report_view.py"]
    counts = AgencyCounts("=agency", "police", 1, ((CountKey("offers", None, "+reason"), 12),), ())
    report = QuarterReport("2026Q3", "=agency", "@program", {}, (counts,), (), 0, None, None)
    lines = list(csv.reader(io.StringIO(report_csv(report))))
    assert any("'+reason" in line for line in lines)
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)
