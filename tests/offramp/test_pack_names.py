"""Names of packs on the command line: paths, shipped ids, and local packs of a shipped name."""

from __future__ import annotations

import io
import json
import shlex
import shutil
from pathlib import Path

import jsonschema
import pytest

from offramp.cli import main
from rules.packs.digest import digest
from rules.shelf import TABLE, find, jurisdictions, read_pack, shipped
from tests.conftest import ROOT

TABLES = sorted(
    table.parent.name
    for table in jurisdictions().glob(f"law/*/{TABLE}")
    if table.parent.name not in shipped()
)
CHILD = """\
id: town
title: A town
extends: lead
time_zone: America/Denver
program: {from: 2015-01-01, source: act}
sources:
  act: {title: The act, address: here, confidence: high}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copied(pack_id: str, folder: Path) -> Path:
    """Copy a shipped pack, with another title, into a folder."""
    copy = folder / pack_id
    shutil.copytree(jurisdictions() / pack_id, copy)
    text = (copy / "pack.yaml").read_text()
    title = next(line for line in text.splitlines() if line.startswith("title:"))
    (copy / "pack.yaml").write_text(text.replace(title, "title: A local pack", 1))
    return copy


def town(folder: Path) -> Path:
    """Write a pack that extends `lead` into a folder."""
    pack = folder / "town"
    pack.mkdir()
    (pack / "pack.yaml").write_text(CHILD)
    return pack


@pytest.mark.parametrize("name", [".", "./", "pack.yaml", "../town", "../town/pack.yaml"])
def test_a_pack_is_checked_from_inside_its_folder(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(town(here))
    assert main(["check", name]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: sound")


def test_a_fault_in_the_folder_itself_names_the_pack(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(town(here))
    Path("pack.yaml").write_text(CHILD.replace("title: A town\n", ""))
    assert main(["check", "."]) == 2
    assert capsys.readouterr().out.startswith(".: pack.yaml:1:1: the pack has no `title`")


@pytest.mark.parametrize("name", ["town", "sub/folder/town", "sub/folder/../folder/town"])
def test_a_place_in_a_pack_opens_from_the_current_folder(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault in the pack, and a scenario that fails, of a pack that is named by its path."""
    Path("sub/folder").mkdir(parents=True)
    folder = town(Path(name).parent)
    scenario = "- {id: a, says: A., decision: eligibility, facts: {}, expect: {status: decided}}\n"
    (folder / "scenarios.yaml").write_text(scenario)
    assert main(["test", name]) == 1
    assert opened(capsys.readouterr().out.splitlines()[0]) == scenario
    pack = CHILD.replace("title: A town\n", "title: A town\ncolor: red\n")
    (folder / "pack.yaml").write_text(pack)
    for words in (["check", name], ["test", name], ["decide", name, "eligibility", "none.json"]):
        Path("none.json").write_text("{}")
        assert main(words) == 2
        printed = capsys.readouterr()
        line = (printed.out or printed.err).splitlines()[0]
        assert opened(line.removeprefix(f"{name}: ").removeprefix("offramp: ")) == "color: red\n"
    assert main(["check", name, "--json"]) == 2
    at = json.loads(capsys.readouterr().out)[name]["error"]["at"]
    assert opened(f"{at}: ") == "color: red\n"


def opened(line: str) -> str:
    """Return the line of the file at the place that a printed line begins with."""
    file, number, _ = line.split(":", 2)
    return Path(file).read_text().splitlines(keepends=True)[int(number) - 1]


@pytest.mark.parametrize("name", [*TABLES, "sub folder/las-cruces"])
def test_the_commands_that_new_prints_work(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert TABLES, "there are tables without a pack"
    (here / "sub folder").mkdir()
    assert main(["new", name, "--from", "nyc-violations"]) == 0
    commands = capsys.readouterr().out.split("`")[1::2]
    assert len(commands) == 2
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "offramp"
        assert main(words) == 0, command


def test_an_id_without_a_path_is_the_shipped_pack(here: Path) -> None:
    copied("santa-fe", here)
    assert find("santa-fe") == jurisdictions() / "santa-fe"
    assert find("./santa-fe").resolve() == here / "santa-fe"
    assert read_pack("santa-fe").local == {}


def test_extends_takes_the_pack_beside(here: Path) -> None:
    pack = town(here)
    by_shipped = read_pack(pack, whole=False)
    assert by_shipped.local == {}
    copied("lead", here)
    by_local = read_pack(pack, whole=False)
    assert by_local.local == {"lead": "pack"}


def test_where_a_pack_lies_is_no_part_of_its_digest(here: Path) -> None:
    shutil.copytree(jurisdictions() / "lead", here / "lead")
    assert digest(read_pack(here / "lead", whole=False)) == digest(read_pack("lead"))


@pytest.mark.parametrize("is_local", [True, False])
def test_every_answer_says_in_one_line_that_a_local_pack_is_used(
    is_local: bool,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pack = str(town(here))
    if is_local:
        copied("lead", here)
    Path("facts.json").write_text("{}")
    note = "the pack `lead` is a local one, used in place of the shipped one of that name"
    for words in (
        ["check", pack],
        ["decide", pack, "eligibility", "facts.json"],
        ["decide", f"{pack},lead", "eligibility", "facts.json"],
        ["interview", pack, "eligibility"],
        ["show", pack],
        ["card", pack],
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        assert main(words) in (0, 3), words
        shown = capsys.readouterr()
        lines = [line for line in (shown.out + shown.err).splitlines() if note in line]
        assert len(lines) == is_local, words


def test_json_has_an_optional_member_for_local_packs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = json.loads((ROOT / "schemas" / "decision.json").read_text())
    pack = str(town(here))
    Path("facts.json").write_text("{}")
    main(["decide", pack, "eligibility", "facts.json", "--json"])
    assert "local" not in json.loads(capsys.readouterr().out)
    copied("lead", here)
    main(["decide", pack, "eligibility", "facts.json", "--json"])
    answer = json.loads(capsys.readouterr().out)
    jsonschema.validate(answer, schema)
    assert answer["local"] == [{"kind": "pack", "id": "lead"}]
    main(["check", pack, "--json"])
    assert json.loads(capsys.readouterr().out)[pack]["local"] == answer["local"]


def test_a_local_offense_table_is_named_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(jurisdictions() / "law" / "new-mexico", here / "new-mexico")
    pack = town(here)
    (pack / "pack.yaml").write_text(CHILD + "offenses: new-mexico\n")
    assert main(["check", str(pack)]) == 0
    assert "the offense table `new-mexico` is a local one" in capsys.readouterr().out


def test_a_folder_or_file_that_is_no_pack_is_told_from_a_wrong_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drafts" / "eastside").mkdir(parents=True)
    (tmp_path / "drafts" / "eastside" / "pack.yaml").write_text("id: eastside")
    (tmp_path / "empty").mkdir()
    (tmp_path / "arrests.csv").write_text("id")
    monkeypatch.chdir(tmp_path)
    for name, fix in (
        ("empty", "it is a folder without `pack.yaml`; name the folder that has a `pack.yaml`"),
        ("drafts", "it is a folder without `pack.yaml`; name a pack in it, such as `drafts/east"),
        ("arrests.csv", "it is a file, and a pack is a folder; name the folder that has"),
        ("santa-fee", "did you mean `santa-fe`?"),
    ):
        assert main(["check", name]) == 2
        assert f"there is no pack `{name}`; {fix}" in capsys.readouterr().out
