"""Packs with one fault each, in folders named for it, beside exactly the error that they must give.

`packs/bad/<fault>/pack.yaml` is the smallest pack that has the fault, and `expected.txt` the error
that the command line prints. A folder without `expected.txt` is a sound parent that others extend.
`packs/good` has packs that only look wrong.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rules.author.cases import read_cases, run_cases
from rules.author.retention_cover import refuse_unkept
from rules.author.scenarios import read_scenarios
from rules.decide.program import Program
from rules.errors import PackError
from rules.packs.faults import Faults
from rules.packs.pack import Pack
from rules.shelf import read_pack
from tests.conftest import ROOT
from tests.support.codes import raised

BAD = ROOT / "tests" / "packs" / "bad"
GOOD = ROOT / "tests" / "packs" / "good"
FAULTS = sorted(folder.parent.name for folder in BAD.glob("*/expected.txt"))
SOUND = sorted(folder.name for folder in GOOD.iterdir())
# `file:line:column: one sentence; its fix [code]`. A missing file has no place, and a file that
# can't be read has no column.
_ERROR = re.compile(
    r"(?:(?P<at>[^ :]+\.(?:yaml|csv)(?::\d+){0,2}): )?(?P<message>[a-z`].*?)"
    r"(?:; (?P<fix>.+))? \[(?P<code>[a-z0-9-]+)\]"
)


def read_whole(folder: Path) -> Pack:
    """Read a pack as `offramp check` and `offramp test` do."""
    pack = read_pack(folder, whole=True)
    faults = Faults()
    refuse_unkept(pack, faults)
    faults.raise_all()
    if (folder / "scenarios.yaml").exists():
        read_scenarios(folder)
    if (folder / "cases.yaml").exists():
        run_cases(Program(pack), read_cases(folder))
    return pack


def expected(fault: str) -> str:
    return (BAD / fault / "expected.txt").read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_pack_gives_exactly_its_error(fault: str) -> None:
    with pytest.raises(PackError) as refused:
        read_whole(BAD / fault)
    assert str(refused.value) == expected(fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_is_one_sentence_for_people(fault: str) -> None:
    shape = _ERROR.fullmatch(expected(fault))
    assert shape, "a place, one lower-case sentence on one line, a fix and a code"
    assert shape["fix"], "it says what to do about it"
    assert not shape["message"].endswith("."), "no full stop"
    words = re.sub(r"`[^`]*`", "", shape["message"])
    assert not re.search(
        r"\b(None|null|str|bool|int|dict|NoneType|Decimal|KeyError|object)\b", words
    ), "no word of the machine"


@pytest.mark.parametrize("name", SOUND)
def test_a_pack_that_only_looks_wrong_is_read(name: str) -> None:
    assert read_whole(GOOD / name).id == name


def test_every_code_that_a_pack_can_give_has_a_bad_pack() -> None:
    # The parser's own codes come through the checker as a pack's.
    codes = raised()["PackError"] | {"syntax", "too-long", "too-deep"}
    shown = {shape["code"] for fault in FAULTS if (shape := _ERROR.fullmatch(expected(fault)))}
    made_here = {"too-large"}
    assert codes - shown - made_here == set()
    assert shown - codes == set()


def test_a_file_too_large_to_be_a_pack_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text("# " + "x" * 2_000_000 + "\n")
    with pytest.raises(PackError) as refused:
        read_pack(tmp_path)
    assert refused.value.code == "too-large"


def test_a_file_a_hundred_times_too_large_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "pack.yaml").open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(PackError) as refused:
        read_pack(tmp_path)
    assert refused.value.code == "too-large"


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").mkdir()
    with pytest.raises(PackError) as refused:
        read_pack(tmp_path)
    assert refused.value.code == "no-file"
    assert refused.value.message == f"`{tmp_path.name}/pack.yaml` can't be read: is a directory"


def test_words_that_yaml_would_change_keep_their_text() -> None:
    pack = read_whole(GOOD / "words-keep-their-text")
    (paid,), (body,) = pack.program.funding, pack.program.bodies
    assert (pack.title, pack.program.note, paid.says, body.name, body.others) == (
        "no",
        "on",
        "1_000",
        "0o17",
        ("no",),
    )
    assert pack.sources["3.10"].title == "yes"
    assert pack.sources["3.10"].note == "~"
    (value,) = pack.parameters["listed_codes"].values
    assert value.value == ("no", "on", "3.10", "0x1F", "1e3", "12:30:45", "null")
    assert pack.decisions["eligibility"].rules["listed"].because == "true"


def test_values_whose_dates_touch_hold_one_after_the_other() -> None:
    from datetime import date

    cap = read_whole(GOOD / "dates-that-touch").parameters["quantity_cap"]
    before, after = cap.on(date(2018, 9, 30)), cap.on(date(2018, 10, 1))
    assert before and after
    assert (before.value, after.value) == (3, 6)


def test_a_month_or_a_year_alone_is_its_first_day() -> None:
    program = read_whole(GOOD / "a-month-or-a-year-alone").program
    assert (str(program.since), str(program.until)) == ("2014-01-01", "2017-04-01")


@pytest.mark.parametrize(
    "fault",
    [
        "fact-misspelled",
        "yaml-bomb",
        "not-utf-8",
        "deep-nesting",
        "extends-cycle",
        "floor-rule-removed",
        "no-pack-file",
    ],
)
def test_check_prints_the_error_on_one_line_and_exits_2(fault: str) -> None:
    command = [sys.executable, "-m", "offramp", "check", str(BAD / fault)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert ran.returncode == 2
    error = expected(fault)
    # A fault in a file names the file so that it opens from here.
    named = error if fault == "no-pack-file" else f"{BAD}/{error}"
    if not error.startswith(f"{fault}/"):  # such as a file of a pack that this one extends
        named = f"{BAD / fault}: {named}"
    assert ran.stdout + ran.stderr == f"{named}\n"
