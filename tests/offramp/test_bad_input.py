"""Check the refusal of bad facts and bad questions.

A refusal is one sentence with a code, a location, and a fix. The exit code is 2, without a
traceback or partial output. A missing fact is not bad input.
"""

from __future__ import annotations

import copy
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from offramp.cli import main
from offramp.policy.decision_text import side_by_side
from rules import Refusal
from rules.input.json_text import parse_json
from tests.conftest import ROOT
from tests.support.interrupts import start_interruptible

PACK = str(ROOT / "tests" / "packs" / "good" / "every-kind-of-fact")
DECISIONS = ("offer", "screening", "eligibility", "filing", "review", "admission")
PROGRAM = rules.load(PACK)
BOMBS: dict[str, str | bytes] = {
    "empty": "",
    "only blanks": " \n\t ",
    "not JSON": "{person: {age: 29}}",
    "cut off": '{"person": {"age": 2',
    "two values": "{} {}",
    "NaN": '{"person": {"age": NaN}}',
    "Infinity": '{"encounter": {"drugs": [{"grams": Infinity}]}}',
    "minus Infinity": '{"encounter": {"drugs": [{"grams": -Infinity}]}}',
    "a key twice": '{"person": {"age": 29, "age": 17}}',
    "a group twice": '{"person": {"age": 29}, "person": {"age": 17}}',
    "5,000 digits": '{"person": {"age": ' + "9" * 5_000 + "}}",
    "5,000 digits after the point": '{"encounter": {"drugs": [{"grams": 0.' + "1" * 5_000 + "}]}}",
    "a huge exponent": '{"encounter": {"drugs": [{"grams": 1e400}]}}',
    "an absurd exponent": '{"encounter": {"drugs": [{"grams": 1e999999999999}]}}',
    "a tiny exponent": '{"encounter": {"drugs": [{"grams": 1e-400}]}}',
    "10,000 lists deep": "[" * 10_000 + "]" * 10_000,
    "10,000 objects deep": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "10,000 open brackets": "[" * 10_000,
    "as many brackets as fit": "[" * 499_999 + "]" * 499_999,
    "10 MB": '{"person": {"age": 29}, "x": "' + "x" * 10_000_000 + '"}',
    "a byte that is no UTF-8": b'{"person": {"age": "\xff"}}',
    "UTF-16": '{"person": {"age": 29}}'.encode("utf-16"),
    "a NUL": b'{"person": \x00}',
    "a binary file": bytes(range(256)) * 8,
}
# Facts as text, the code, the place and a word of the sentence.
FAULTS = {
    "a list for the facts": ("[]", "wrong-shape", None, "a list"),
    "null for the facts": ("null", "wrong-shape", None, "null"),
    "a text for the facts": ('"{}"', "wrong-shape", None, "`{}`"),
    "negative grams": (
        '{"encounter": {"drugs": [{"grams": -3}]}}',
        "out-of-range",
        "encounter.drugs[0].grams",
        "-3",
    ),
    "a person of 131": ('{"person": {"age": 131}}', "out-of-range", "person.age", "131"),
    "a bool for an int": ('{"person": {"age": true}}', "wrong-type", "person.age", "`true`"),
    "a text for an int": ('{"person": {"age": "29"}}', "wrong-type", "person.age", "`29`"),
    "half a year": ('{"person": {"age": 29.5}}', "wrong-type", "person.age", "29.5"),
    "an int for a bool": (
        '{"person": {"enrolled": 1}}',
        "wrong-type",
        "person.enrolled",
        "a number",
    ),
    "a text for a bool": (
        '{"person": {"enrolled": "yes"}}',
        "wrong-type",
        "person.enrolled",
        "`yes`",
    ),
    "a text for grams": (
        '{"encounter": {"drugs": [{"grams": "3 g"}]}}',
        "wrong-type",
        "encounter.drugs[0].grams",
        "`3 g`",
    ),
    "seven digits after the point": (
        '{"encounter": {"drugs": [{"grams": 0.1234567}]}}',
        "wrong-value",
        "encounter.drugs[0].grams",
        "digits",
    ),
    "thirteen digits": (
        '{"encounter": {"drugs": [{"units": 1000000000000}]}}',
        "wrong-value",
        "encounter.drugs[0].units",
        "12",
    ),
    "30 February": (
        '{"encounter": {"date": "2014-02-30"}}',
        "no-such-day",
        "encounter.date",
        "2014-02-30",
    ),
    "29 February 2015": (
        '{"encounter": {"date": "2015-02-29"}}',
        "no-such-day",
        "encounter.date",
        "2015-02-29",
    ),
    "month 13": (
        '{"encounter": {"date": "2014-13-01"}}',
        "no-such-day",
        "encounter.date",
        "2014-13-01",
    ),
    "the year 0": (
        '{"encounter": {"date": "0000-01-01"}}',
        "no-such-day",
        "encounter.date",
        "0000-01-01",
    ),
    "a day without dashes": (
        '{"encounter": {"date": "20140401"}}',
        "wrong-type",
        "encounter.date",
        "`20140401`",
    ),
    "a day of a week": (
        '{"encounter": {"date": "2014-W14-2"}}',
        "wrong-type",
        "encounter.date",
        "`2014-W14-2`",
    ),
    "a day with a time": (
        '{"encounter": {"date": "2014-04-01T00:00:00Z"}}',
        "wrong-type",
        "encounter.date",
        "not a day",
    ),
    "a day as a number": (
        '{"encounter": {"date": 20140401}}',
        "wrong-type",
        "encounter.date",
        "a number",
    ),
    "a day in other digits": (
        '{"encounter": {"date": "٢٠١٤-٠٤-٠١"}}',
        "wrong-type",
        "encounter.date",
        "not a day",
    ),
    "a time without a zone": ('{"now": "2014-07-02T23:10:00"}', "wrong-type", "now", "not a time"),
    "a time with a fraction": (
        '{"now": "2014-07-02T23:10:00.5Z"}',
        "wrong-type",
        "now",
        "not a time",
    ),
    "a time at 24 o'clock": ('{"now": "2014-07-02T24:00:00Z"}', "no-such-day", "now", "24:00:00"),
    "a leap second": ('{"now": "2014-07-02T23:59:60Z"}', "no-such-day", "now", "23:59:60"),
    "a zone 25 hours away": (
        '{"now": "2014-07-02T23:10:00+25:00"}',
        "no-such-day",
        "now",
        "+25:00",
    ),
    "a time before the calendar": (
        '{"now": "0001-01-01T00:00:00+05:00"}',
        "no-such-day",
        "now",
        "0001",
    ),
    "a time after the calendar": (
        '{"now": "9999-12-31T23:59:59-05:00"}',
        "no-such-day",
        "now",
        "9999",
    ),
    "a day for a time": ('{"now": "2014-07-02"}', "wrong-type", "now", "`2014-07-02`"),
    "a choice that there isn't": (
        '{"encounter": {"route": "arest"}}',
        "unknown-choice",
        "encounter.route",
        "`arest`",
    ),
    "a choice in capitals": (
        '{"encounter": {"route": "ARREST"}}',
        "unknown-choice",
        "encounter.route",
        "`ARREST`",
    ),
    "an empty choice": ('{"encounter": {"route": ""}}', "unknown-choice", "encounter.route", "``"),
    "a number for a choice": (
        '{"encounter": {"route": 1}}',
        "wrong-type",
        "encounter.route",
        "a number",
    ),
    "a fact that there isn't": (
        '{"person": {"agee": 29}}',
        "unknown-fact",
        "person.agee",
        "`person.agee`",
    ),
    "a group that there isn't": ('{"persn": {"age": 29}}', "unknown-fact", "persn", "`persn`"),
    "a group for a fact": (
        '{"person": {"age": {"years": 29}}}',
        "wrong-type",
        "person.age",
        "an object",
    ),
    "a fact for a group": ('{"person": 29}', "wrong-shape", "person", "a number"),
    "a list for a group": ('{"person": [29]}', "wrong-shape", "person", "a list"),
    "a path for a group": ('{"person.age": 29}', "unknown-fact", "person.age", "`person.age`"),
    "an object for a list": (
        '{"encounter": {"drugs": {"grams": 3}}}',
        "wrong-shape",
        "encounter.drugs",
        "an object",
    ),
    "a text for a list": (
        '{"encounter": {"drugs": "heroin"}}',
        "wrong-shape",
        "encounter.drugs",
        "`heroin`",
    ),
    "null in a list": (
        '{"encounter": {"drugs": [{"grams": 3}, null]}}',
        "wrong-shape",
        "encounter.drugs[1]",
        "null",
    ),
    "a number in a list": (
        '{"encounter": {"drugs": [3]}}',
        "wrong-shape",
        "encounter.drugs[0]",
        "a number",
    ),
    "a list in a list": (
        '{"encounter": {"drugs": [[]]}}',
        "wrong-shape",
        "encounter.drugs[0]",
        "a list",
    ),
    "a field that there isn't": (
        '{"encounter": {"drugs": [{"gram": 3}]}}',
        "unknown-fact",
        "encounter.drugs[0].gram",
        "`gram`",
    ),
    "1,001 drugs": (
        json.dumps({"encounter": {"drugs": [{}] * 1_001}}),
        "too-large",
        "encounter.drugs",
        "1000",
    ),
    "a text of 1,001 letters": (
        json.dumps({"encounter": {"charges": [{"code": "x" * 1_001}]}}),
        "wrong-value",
        "encounter.charges[0].code",
        "short",
    ),
    "a text of two lines": (
        '{"encounter": {"charges": [{"code": "a\\nb"}]}}',
        "wrong-value",
        "encounter.charges[0].code",
        "printed",
    ),
    "half a character": (
        '{"encounter": {"charges": [{"code": "\\ud800"}]}}',
        "wrong-value",
        "encounter.charges[0].code",
        "printed",
    ),
    "half a character as a choice": (
        '{"encounter": {"route": "\\udfff"}}',
        "unknown-choice",
        "encounter.route",
        "`\\udfff`",
    ),
    "half a character as a key": ('{"\\ud800": 1}', "unknown-fact", "\\ud800", "`\\ud800`"),
    "half a character as a field": (
        '{"encounter": {"drugs": [{"\\ud800": 1}]}}',
        "unknown-fact",
        "encounter.drugs[0].\\ud800",
        "`\\ud800`",
    ),
    "half a character twice as a key": (
        '{"\\ud800": 1, "\\ud800": 2}',
        "duplicate-key",
        "\\ud800",
        "twice",
    ),
    "half a character as a day": (
        '{"encounter": {"date": "\\ud800"}}',
        "wrong-type",
        "encounter.date",
        "`\\ud800`",
    ),
    "an answer that there isn't": (
        '{"decisions": {"screening": "go"}}',
        "unknown-outcome",
        "decisions.screening",
        "`go`",
    ),
    "an answer of another decision": (
        '{"decisions": {"screening": "eligible"}}',
        "unknown-outcome",
        "decisions.screening",
        "`eligible`",
    ),
    "an answer of two lines": (
        '{"decisions": {"screening": "a\\nb"}}',
        "unknown-outcome",
        "decisions.screening",
        "`a\\u000ab`",
    ),
    "an answer that is no text": (
        '{"decisions": {"screening": true}}',
        "wrong-type",
        "decisions.screening",
        "`true`",
    ),
    "an answer to what there isn't": (
        '{"decisions": {"screning": "stop"}}',
        "unknown-decision",
        "decisions.screning",
        "`screning`",
    ),
    "answers in a list": ('{"decisions": ["stop"]}', "wrong-shape", "decisions", "a list"),
}
# Arguments, the code and a word of the sentence. `FACTS` stands for a good file.
QUESTIONS = {
    "no arguments": ([], "usage", "COMMAND"),
    "no such command": (["decid"], "usage", "`decid`"),
    "no pack": (["decide"], "usage", "DECISION"),
    "no decision": (["decide", PACK], "usage", "DECISION"),
    "no such option": (["decide", PACK, "offer", "FACTS", "--jsn"], "usage", "--jsn"),
    "half an option": (["decide", PACK, "offer", "FACTS", "--con"], "usage", "--con"),
    "an option without its word": (
        ["decide", PACK, "offer", "FACTS", "--as-of"],
        "usage",
        "--as-of",
    ),
    "only a comma": (["decide", ",", "offer", "FACTS"], "usage", "no pack"),
    "a pack that there isn't": (
        ["decide", "santa-fee", "offer", "FACTS"],
        "unknown-pack",
        "`santa-fee`",
    ),
    "a pack on a day that there isn't": (
        ["decide", "santa-fe@2018-13-01", "offer", "FACTS"],
        "no-such-day",
        "`2018-13-01` is not a day",
    ),
    "a document of a pack on such a day": (
        ["show", "santa-fe@2018-13-01"],
        "no-such-day",
        "`2018-13-01` is not a day",
    ),
    "no pack on such a day": (
        ["decide", "santa-fee@2018-13-01", "offer", "FACTS"],
        "unknown-pack",
        "`santa-fee@2018-13-01`",
    ),
    "a shipped map with a typo": (
        ["decide", PACK, "offer", "FACTS", "--map", "nypd-arrest"],
        "no-file",
        "`nypd-arrest`",
    ),
    "the folder above": (["decide", "..", "offer", "FACTS"], "unknown-pack", "`..`"),
    "a folder without a pack": (
        ["decide", str(ROOT / "tests"), "offer", "FACTS"],
        "no-file",
        "`tests/pack.yaml`",
    ),
    "a way out of the folder": (
        ["decide", "lead/../../../../etc", "offer", "FACTS"],
        "unknown-pack",
        "/etc`",
    ),
    "a pack of 300 letters": (["decide", "x" * 300, "offer", "FACTS"], "unknown-pack", "`xxx"),
    "a pack of 100,000 letters": (
        ["decide", "x/" * 50_000, "offer", "FACTS"],
        "unknown-pack",
        "`x/x",
    ),
    "a pack of two lines": (["decide", "a\nb", "offer", "FACTS"], "unknown-pack", "`a\\u000ab`"),
    "a pack with a NUL": (["decide", "a\0b", "offer", "FACTS"], "unknown-pack", "`a\\u0000b`"),
    "half a character for a pack": (
        ["decide", "\udcff", "offer", "FACTS"],
        "unknown-pack",
        "`\\udcff`",
    ),
    "a decision that there isn't": (
        ["decide", PACK, "offr", "FACTS"],
        "unknown-decision",
        "`offr`",
    ),
    "a decision of two lines": (
        ["decide", PACK, "of\nfer", "FACTS"],
        "unknown-decision",
        "`of\\u000afer`",
    ),
    "a missing file": (["decide", PACK, "offer", "nowhere.json"], "no-file", "`nowhere.json`"),
    "a missing file of two lines": (
        ["decide", PACK, "offer", "no\nwhere"],
        "no-file",
        "`no\\u000awhere`",
    ),
    "a file with a NUL": (["decide", PACK, "offer", "no\0where"], "no-file", "`no\\u0000where`"),
    "a file of 5,000 letters": (["decide", PACK, "offer", "x" * 5_000], "no-file", "too long"),
    "a folder for the facts": (["decide", PACK, "offer", str(ROOT)], "no-file", "is a directory"),
    "a day that there isn't": (
        ["decide", PACK, "offer", "FACTS", "--as-of", "2014-02-30"],
        "no-such-day",
        "`2014-02-30`",
    ),
    "a day of a week": (
        ["decide", PACK, "offer", "FACTS", "--as-of", "2014-W14-2"],
        "no-such-day",
        "`2014-W14-2`",
    ),
    "a day in words": (
        ["decide", PACK, "offer", "FACTS", "--as-of", "today"],
        "no-such-day",
        "`today`",
    ),
    "an empty day": (["decide", PACK, "offer", "FACTS", "--as-of", ""], "no-such-day", "``"),
    "a day before the program": (
        ["decide", PACK, "offer", "FACTS", "--as-of", "2014-03-31"],
        "outside-program",
        "2014-04-01",
    ),
    "the day of the program's end": (
        ["decide", PACK, "offer", "FACTS", "--as-of", "2020-01-01"],
        "outside-program",
        "2019-12-31",
    ),
    "a map that there isn't": (
        ["decide", PACK, "offer", "FACTS", "--map", "nowhere"],
        "no-file",
        "`nowhere`",
    ),
}


def offramp(
    *arguments: str, given: str | bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The real command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    raw = given if isinstance(given, bytes) else given.encode("utf-8", "surrogatepass")
    return subprocess.run(
        [sys.executable, "-m", "offramp", *arguments],
        input=raw,
        cwd=cwd,
        env=environment,
        capture_output=True,
        timeout=60,
    )


class Stdin(io.TextIOWrapper):
    """Standard input as the command sees it when something is piped in."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(io.BytesIO(raw))


def run_here(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
    given: str | bytes = b"",
) -> tuple[int, str, str]:
    """Run a command in this process, and return its exit code, stdout, and stderr."""
    raw = given if isinstance(given, bytes) else given.encode("utf-8", "surrogatepass")
    monkeypatch.setattr(sys, "stdin", Stdin(raw))
    code = main(arguments)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def is_a_good_error(error: dict[str, Any]) -> None:
    assert set(error) == {"code", "message", "at", "fix"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", error["code"])
    message = error["message"]
    assert message[0] == "`" or message[0].islower(), "one lower-case sentence"
    assert message.isprintable() and not message.endswith("."), "on one line, without a full stop"
    assert len(message) < 600
    assert error["fix"], "and what to do about it"
    ours = re.sub(r"`.*`", "", message)
    assert not re.search(r"Traceback|Error|object at 0x|Decimal\(|None\b", ours), (
        "no word of the machine"
    )


@pytest.mark.parametrize("fault", BOMBS)
def test_what_is_no_json_is_refused_in_one_sentence(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run_here(
        monkeypatch, capsys, "decide", PACK, "eligibility", "-", "--json", given=BOMBS[fault]
    )
    assert (code, err) == (2, "")
    answer = json.loads(out)
    assert set(answer) == {"error"}
    is_a_good_error(answer["error"])


@pytest.mark.parametrize(
    "fault", ["empty", "NaN", "10,000 lists deep", "10 MB", "5,000 digits", "a binary file"]
)
def test_the_real_command_refuses_it_too(fault: str) -> None:
    ran = offramp("decide", PACK, "eligibility", "--json", given=BOMBS[fault])
    assert (ran.returncode, ran.stderr) == (2, b"")
    is_a_good_error(json.loads(ran.stdout)["error"])
    ran = offramp("decide", PACK, "eligibility", given=BOMBS[fault])
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(b"offramp: ") and ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_facts_is_named_with_its_place(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    facts, code, place, word = FAULTS[fault]
    exit_code, out, err = run_here(
        monkeypatch, capsys, "decide", PACK, "eligibility", "-", "--json", given=facts
    )
    assert (exit_code, err) == (2, "")
    answer = json.loads(out)
    assert set(answer) == {"error"}
    error = answer["error"]
    is_a_good_error(error)
    assert (error["code"], error["at"]) == (code, place)
    assert word in error["message"]


@pytest.mark.parametrize("fault", FAULTS)
def test_without_json_it_is_one_line_on_stderr(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    facts, code, place, _ = FAULTS[fault]
    exit_code, out, err = run_here(
        monkeypatch, capsys, "decide", PACK, "eligibility", "-", given=facts
    )
    assert (exit_code, out) == (2, "")
    assert err.startswith(f"offramp: {place}: " if place else "offramp: ") and err.endswith(
        f" [{code}]\n"
    )
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "fault",
    ["negative grams", "30 February", "half a character as a key", "a fact that there isn't"],
)
def test_the_real_command_names_the_place_too(fault: str) -> None:
    facts, code, place, _ = FAULTS[fault]
    ran = offramp("decide", PACK, "eligibility", "--json", given=facts)
    assert (ran.returncode, ran.stderr) == (2, b"")
    error = json.loads(ran.stdout)["error"]
    assert (error["code"], error["at"]) == (code, place)


@pytest.mark.parametrize("fault", QUESTIONS)
def test_a_question_that_can_t_be_asked_is_refused(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments, code, word = QUESTIONS[fault]
    (tmp_path / "facts.json").write_text("{}")
    given = [str(tmp_path / "facts.json") if one == "FACTS" else one for one in arguments]
    exit_code, out, err = run_here(monkeypatch, capsys, *given, "--json")
    assert (exit_code, err) == (2, "")
    error = json.loads(out)["error"]
    is_a_good_error(error)
    assert error["code"] == code
    assert word in error["message"]


def test_a_pack_with_a_day_is_refused_with_the_option_that_gives_a_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["decide", "santa-fe@2014-04-01", "offer", "facts.json"]) == 2
    assert "name the pack `santa-fe`, and its day with `--as-of 2014-04-01` in `decide`" in (
        capsys.readouterr().err
    )


def test_the_real_command_without_arguments_says_what_it_needs() -> None:
    ran = offramp()
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert (
        ran.stderr
        == b"offramp: the following arguments are required: COMMAND; see `offramp --help` [usage]\n"
    )


@pytest.mark.parametrize("broken", ["not compressed at all", "cut off", "damaged inside"])
def test_a_compressed_file_that_is_not_whole_is_refused(broken: str, tmp_path: Path) -> None:
    whole = bytearray(
        gzip.compress(
            json.dumps({"encounter": {"drugs": [{"grams": n} for n in range(200)]}}).encode()
        )
    )
    damaged = bytes(whole[:30]) + bytes(byte ^ 0xFF for byte in whole[30:60]) + bytes(whole[60:])
    raw = {"not compressed at all": b"{}", "cut off": bytes(whole[:40]), "damaged inside": damaged}[
        broken
    ]
    (tmp_path / "facts.json.gz").write_bytes(raw)
    for more in ((), ("--lines",)):
        ran = offramp("decide", PACK, "offer", "facts.json.gz", *more, cwd=tmp_path)
        assert ran.returncode == 2
        assert b"Traceback" not in ran.stderr and b"can't be read" in ran.stderr + ran.stdout


@pytest.mark.parametrize("depth", [40, 49, 50, 51, 200, 400, 900, 980])
def test_no_depth_of_nesting_breaks_the_table_of_several_packs(
    depth: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for facts in ('{"a":' * depth + "1" + "}" * depth, '{"a":' + "[" * depth + "]" * depth + "}"):
        code, out, err = run_here(
            monkeypatch, capsys, "decide", f"{PACK},{PACK}", "offer", "-", given=facts
        )
        assert code == 2
        assert "NO ANSWER" in out or err.count("\n") == 1


# Where the answer goes


def shell(command: str) -> subprocess.CompletedProcess[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OFFRAMP": f"{sys.executable} -m offramp",
        "PACK": PACK,
    }
    return subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=60)


@pytest.mark.parametrize("option", ["", "--json", "--considered"])
def test_a_reader_that_goes_away_is_no_error_of_ours(option: str) -> None:
    ran = shell(f'echo "{{}}" | $OFFRAMP decide $PACK eligibility - {option} | head -c0')
    assert ran.stderr == b""


def test_a_reader_that_goes_away_ends_lines_as_well() -> None:
    ran = shell(
        "for i in $(seq 2000); do echo '{\"facts\":{}}'; done"
        " | $OFFRAMP decide $PACK offer - --lines | head -c1"
    )
    assert ran.stderr == b""


@pytest.mark.parametrize(
    "question", ["eligibility", "eligibility --json", "nothing", "nothing --json"]
)
def test_an_answer_that_can_t_be_written_is_an_error(question: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    ran = shell(
        f'echo "{{}}" | $OFFRAMP decide $PACK {question.replace(" ", " - ", 1)} > /dev/full'
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"offramp: ") and ran.stderr.count(b"\n") == 1


def test_no_place_for_the_answer_at_all_is_an_error() -> None:
    ran = shell('echo "{}" | $OFFRAMP decide $PACK eligibility - --json >&-')
    assert ran.returncode == 2
    assert (
        ran.stderr
        == b"offramp: standard output is closed; write the answer somewhere [no-output]\n"
    )
    assert shell("$OFFRAMP decide $PACK eligibility nowhere >&- 2>&-").returncode == 2


def test_no_standard_input_is_an_error() -> None:
    ran = shell("$OFFRAMP decide $PACK eligibility - <&-")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"[no-file]" in ran.stderr and ran.stderr.count(b"\n") == 1


def test_an_interrupt_ends_the_command_without_a_traceback() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "offramp", "decide", PACK, "offer", "-", "--lines"]
    with start_interruptible(command, environment) as process:
        assert process.stdin and process.stdout and process.stderr
        # So many answers that the first are written: then it is surely at work, waiting for more.
        process.stdin.write(b'{"facts":{}}\n' * 400)
        process.stdin.flush()
        assert process.stdout.read(1) == b"{"
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        process.stdout.read()
        assert process.wait(60) == 130
        assert process.stderr.read() == b""


# Lines


def lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: bytes
) -> tuple[int, list[Any]]:
    code, out, err = run_here(
        monkeypatch, capsys, "decide", PACK, "offer", "-", "--lines", given=given
    )
    assert err == ""
    return code, [json.loads(line) for line in out.splitlines()]


def test_a_bad_line_becomes_an_error_line_and_the_rest_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = b"\n".join(
        [
            b'{"id": 1, "facts": {"person": {"age": 30, "enrolled": true}, '
            b'"encounter": {"date": "2015-01-01", "charges": []}}}',
            b"not JSON",
            b"",
            b'{"id": "b", "facts": {"person": {"age": -1}}}',
            b'{"id": "c"}',
            b"[]",
            b'{"id": "d", "facts": {}, "more": 1}',
            b"\xff\xfe",
            b"[" * 5_000 + b"]" * 5_000,
            b'{"id": "e", "facts": {"encounter": {"date": "1999-01-01"}}}',
            b'{"id": {"an": "object"}, "facts": null}',
            b'{"id": 2, "id": 3, "facts": {}}',
            b'{"id": "\\ud800", "facts": {}}',
        ]
    )
    code, answers = lines(monkeypatch, capsys, given)
    assert code == 2
    assert [answer["id"] for answer in answers] == [
        1,
        None,
        "b",
        "c",
        None,
        "d",
        None,
        None,
        "e",
        None,
        None,
        "\\ud800",
    ]
    assert answers[0]["decision"]["outcome"] == "already_enrolled"
    assert answers[-1]["decision"]["status"] == "undetermined"
    errors = [answer["error"] for answer in answers[1:-1]]
    for error in errors:
        is_a_good_error(error)
    assert [error["code"] for error in errors] == [
        "not-json",
        "out-of-range",
        "wrong-shape",
        "wrong-shape",
        "wrong-shape",
        "not-utf-8",
        "too-deep",
        "outside-program",
        "wrong-shape",
        "duplicate-key",
    ]
    assert errors[0]["at"] == "line 2"


def test_a_line_that_is_too_long_is_one_error_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = (
        b'{"id": 1, "facts": {"x": "'
        + b"x" * 9_000_000
        + b'"}}\n{"id": 2, "facts": {}}\nnot JSON\n'
    )
    code, answers = lines(monkeypatch, capsys, given)
    assert code == 2
    assert [answer["id"] for answer in answers] == [None, 2, None]
    assert [answer["error"]["at"] for answer in answers if "error" in answer] == [
        "line 1",
        "line 3",
    ]


def test_good_lines_alone_exit_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answers = lines(
        monkeypatch, capsys, b'{"facts": {}}\r\n\r\n\xef\xbb\xbf{"id": "x", "facts": {}}'
    )
    assert code == 0
    assert [answer["id"] for answer in answers] == [None, "x"]


def test_a_question_that_no_line_could_answer_stops_before_the_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run_here(
        monkeypatch, capsys, "decide", PACK, "offr", "-", "--lines", given='{"facts": {}}\n'
    )
    assert (code, err) == (2, "")
    assert json.loads(out)["error"]["code"] == "unknown-decision"


# Unknown is never an error

WHOLE: dict[str, Any] = {
    "now": "2015-01-10T12:00:00Z",
    "person": {"age": 29, "enrolled": False, "open_warrant": False, "supervision": "none"},
    "encounter": {
        "date": "2015-01-01",
        "route": "arrest",
        "in_area": True,
        "charges": [
            {"code": "RCW 69.50.401", "level": "felony", "conduct": "possession", "violent": False},
            {"code": "NY PL 220.03", "level": "misdemeanor"},
        ],
        "drugs": [
            {"kind": "opioid", "grams": 2.5, "form": "weighed"},
            {"kind": "stimulant", "units": 2, "form": "pills"},
        ],
    },
    "history": {
        "convictions": [{"class": "violent", "degree": 2, "date": "2001-05-05"}],
        "treatment_court": False,
    },
    "case": {
        "intake_at": "2015-01-02T08:00:00Z",
        "plan_at": "2015-01-09T08:00:00Z",
        "missed_contacts": 1,
    },
}


def leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each part of the facts that can be unknown.

    A part is a fact, a list, a field of a list's record, or a group.
    """
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict):
            yield (*way, key)
        if isinstance(part, (dict, list)):
            yield from leaves(part, (*way, key))


WAYS = tuple(leaves(WHOLE))


def without(ways: set[tuple[Any, ...]], *, absent: bool) -> dict[str, Any]:
    facts = copy.deepcopy(WHOLE)
    for way in sorted(ways, key=len, reverse=True):
        part: Any = facts
        for key in way[:-1]:
            part = part[key]
        if absent:
            del part[way[-1]]
        else:
            part[way[-1]] = None
    return facts


@given(st.sets(st.sampled_from(WAYS)), st.sampled_from(DECISIONS), st.booleans())
def test_facts_that_nobody_knows_are_never_an_error(
    ways: set[tuple[Any, ...]], name: str, absent: bool
) -> None:
    decision = PROGRAM.decide(name, without(ways, absent=absent))
    assert decision.status in ("decided", "undetermined")
    assert (decision.needed == []) == (decision.status == "decided")
    json.dumps(decision.as_json(considered=True))


@given(st.sets(st.sampled_from(WAYS)), st.sampled_from(DECISIONS))
def test_absent_and_null_are_the_same(ways: set[tuple[Any, ...]], name: str) -> None:
    absent, null = (
        PROGRAM.decide(name, without(ways, absent=one)).as_json(considered=True)
        for one in (True, False)
    )
    assert absent == null


@pytest.mark.parametrize("name", DECISIONS)
@pytest.mark.parametrize(
    "facts",
    ["{}", '{"person": {}}', '{"person": null, "encounter": {"drugs": null}, "decisions": null}'],
)
def test_knowing_nothing_is_no_error(name: str, facts: str) -> None:
    assert PROGRAM.decide(name, parse_json(facts)).possible


# Anything at all

NUMBERS = (
    st.integers()
    | st.floats()
    | st.decimals()
    | st.sampled_from([10**4_000, -(10**400), 0.1 + 0.2, 1e-7, True])
)
TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(
    [
        "arrest",
        "2014-04-01",
        "2014-02-30",
        "2014-07-02T23:10:00Z",
        "possession",
        "opioid",
        "stop",
        "\ud800",
        "",
        "x" * 2_000,
    ]
)
KEYS = TEXTS | st.sampled_from(
    [
        "person",
        "encounter",
        "history",
        "decisions",
        "now",
        "case",
        "offer",
        "age",
        "enrolled",
        "date",
        "route",
        "charges",
        "drugs",
        "grams",
        "kind",
        "code",
        "screening",
        "convictions",
        "new_charges",
        "progress",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
PATHS = [path.split(".") for path in PROGRAM.pack.vocabulary.facts]


@st.composite
def nearly_facts(draw: st.DrawFn) -> dict[str, Any]:
    """Anything at all at the places where facts belong."""
    facts: dict[str, Any] = {}
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=4)):
        level = facts
        for group in path[:-1]:
            level = level.setdefault(group, {})
        level[path[-1]] = draw(ANYTHING)
    return facts


def decides_or_refuses(facts: Any, name: str) -> None:
    try:
        decision = PROGRAM.decide(name, facts)
    except Refusal as refusal:
        is_a_good_error(refusal.as_json())
        json.dumps(refusal.as_json()).encode()
        return
    shown = decision.as_json(considered=True)
    json.dumps(shown, ensure_ascii=False).encode()
    assert shown["possible"] and shown["status"] in ("decided", "undetermined")


@pytest.mark.parametrize("path", [".".join(path) for path in PATHS])
def test_a_number_too_long_for_python_to_print_is_refused_like_any_other(path: str) -> None:
    facts: Any = 10**5_000
    for key in reversed(path.split(".")):
        facts = {key: facts}
    decides_or_refuses(facts, "offer")


@given(ANYTHING, st.sampled_from(DECISIONS))
def test_anything_for_facts_is_decided_or_refused(facts: Any, name: str) -> None:
    decides_or_refuses(facts, name)


@given(nearly_facts(), st.sampled_from(DECISIONS))
def test_anything_for_a_fact_is_decided_or_refused(facts: dict[str, Any], name: str) -> None:
    decides_or_refuses(facts, name)


@given(st.text(max_size=60) | st.text('{}[]":,0123456789eE+-. \\untrfals', max_size=60))
def test_any_text_is_json_or_refused(text: str) -> None:
    try:
        decides_or_refuses(parse_json(text), "offer")
    except Refusal as refusal:
        is_a_good_error(refusal.as_json())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_table_of_several_packs_shows_anything_that_json_can_hold(given: Any) -> None:
    facts = parse_json(json.dumps(given))
    try:
        answer: rules.Decision | Refusal = PROGRAM.decide("offer", facts)
    except Refusal as refusal:
        answer = refusal
    assert side_by_side("offer", facts, [(PACK, answer), ("short", answer)]).startswith(
        "One case under 2 programs"
    )


@given(st.text(max_size=30))
def test_any_name_for_a_pack_a_decision_or_a_day_is_found_or_refused(name: str) -> None:
    for asked in (
        lambda: rules.load(f"{name}/"),
        lambda: PROGRAM.decide(name, {}),
        lambda: rules.load(PACK, name),
    ):
        try:
            asked()
        except Refusal as refusal:
            is_a_good_error(refusal.as_json())
