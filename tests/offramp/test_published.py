"""Published schemas: made from the readers' models, and a file's fault is named at its place."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.records.kinds import kinds
from offramp.cli import main
from offramp.published.kinds_page import kinds_page
from offramp.published.registry import published, schema_text
from offramp.published.validation import validate_file
from rules.errors import Refusal
from rules.shelf import jurisdictions, shipped, vocabulary
from tests.conftest import ROOT

SCHEMAS = ROOT / "schemas"
DRAFT: dict[str, Any] = {
    "parts": [
        {
            "category": "encounter",
            "content": {"facts": {"encounter.route": "arrest"}},
            "to": {"crossroads": {"purpose": "offer_and_hand_off", "basis": "offer_at_scene"}},
            "says": {"answer": "accepted"},
        }
    ]
}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main([*words])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


# The files are those that the models make


@pytest.mark.parametrize("name", [name for name, entry in published().items() if entry.file])
def test_each_published_file_is_current(name: str) -> None:
    entry = published()[name]
    assert entry.file is not None
    assert (SCHEMAS / entry.file).read_text(encoding="utf-8") == schema_text(entry), (
        "run `python -m offramp.published.registry schemas`"
    )


def test_no_file_is_stale_and_every_kind_has_a_schema() -> None:
    files = {path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.rglob("*.json")}
    assert files == {entry.file for entry in published().values()} - {None}
    assert {f"kind/{name}" for name in kinds()} <= set(published())


@pytest.mark.parametrize("name", published())
def test_each_schema_is_a_schema(name: str) -> None:
    schema = published()[name].schema_of()
    jsonschema.validators.validator_for(schema).check_schema(schema)


def test_the_page_of_kinds_is_current_and_names_every_role_kind_and_purpose() -> None:
    page = (ROOT / "docs" / "kinds.md").read_text(encoding="utf-8")
    assert page == kinds_page(), "run `python -m offramp.published.kinds_page docs/kinds.md`"
    words = vocabulary()
    for name in (*words.kinds, *words.purposes, *words.barred_purposes, *words.categories):
        assert f"`{name}`" in page, name


# The commands


def test_schemas_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run(capsys, "schema")
    assert code == 0 and all(name in printed for name in published())
    code, printed = run(capsys, "schema", "referral")
    assert code == 0 and json.loads(printed)["title"] == "A draft of the kind `referral`"
    code, printed = run(capsys, "schema", "pack")
    assert printed == (SCHEMAS / "pack.json").read_text(encoding="utf-8")
    code, printed = run(capsys, "schema", "reffral")
    assert code == 2 and "did you mean `referral`? [unknown-schema]" in printed


def test_every_shipped_file_fits_the_schema_that_it_shows_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    packs = [str(jurisdictions() / pack) for pack in shipped()]
    scenarios = [str(path) for path in jurisdictions().glob("*/scenarios.yaml")]
    cases = [str(path) for path in jurisdictions().glob("*/cases.yaml")]
    maps = [str(path) for path in jurisdictions().glob("maps/*.yaml")]
    facts = [str(ROOT / "examples" / "arrest.json")]
    code, printed = run(capsys, "validate", *packs, *scenarios, *cases, *maps, *facts)
    assert code == 0, printed
    for schema, count in (
        ("pack", packs),
        ("scenarios", scenarios),
        ("cases", cases),
        ("map", maps),
    ):
        assert printed.count(f"fits `{schema}`") == len(count)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (lambda part: part.update(category="encountr"), "parts[0].category", "`encounter`"),
        (lambda part: part.pop("to"), "parts[0]", "has no `to`"),
        (lambda part: part.update(sayz={}), "parts[0]", "no member `sayz`; did you mean `says`"),
        (lambda part: part["to"].update(clinic="healing"), "parts[0].to.clinic", "isn't allowed"),
        (lambda part: part.update(keep_until="2026-02-30"), "parts[0].keep_until", "no day"),
        (
            lambda part: part["content"]["facts"].update({"encounter.route": "walk"}),
            "parts[0].content.facts.encounter.route",
            "`walk`",
        ),
        (lambda part: part["content"].update(note="x"), "parts[0].content", "no member `note`"),
        (lambda part: part.update(says={"answer": "maybe"}), "parts[0].says.answer", "`maybe`"),
    ],
)
def test_a_draft_s_fault_is_named_at_its_place(
    change: Any, place: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = json.loads(json.dumps(DRAFT))
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(draft))
    assert run(capsys, "validate", str(file), "--as", "referral")[0] == 0
    change(draft["parts"][0])
    file.write_text(json.dumps(draft))
    code, printed = run(capsys, "validate", str(file), "--as", "referral")
    assert code == 1 and f"at {place}: " in printed and words in printed, printed


def test_a_fault_in_yaml_has_its_line_and_json_output_has_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my-map.yaml"
    file.write_text("title: t\nid: ID\nfacts:\n  encounter.route:\n    colum: ROUTE\n")
    code, printed = run(capsys, "validate", str(file))
    assert (code == 1 and printed.startswith("my-map.yaml:4")) or printed.startswith(
        "my-map.yaml:5"
    )
    assert "did you mean `column`?" in printed
    code, printed = run(capsys, "validate", str(file), "--json")
    assert json.loads(printed)["fits"] is False and json.loads(printed)["schema"] == "map"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not-json"),
        ("{", "not-json"),
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ("[" * 2000, "too-deep"),
        ("[]", "which-schema"),
        ("null", "which-schema"),
        ('{"type": ["exhibit"]}', "which-schema"),
        ('{"type": "poem"}', "which-schema"),
        ('{"x": "\\u202e"}', "which-schema"),
    ],
)
def test_what_can_t_be_read_is_one_sentence(
    text: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    ended, printed = run(capsys, "validate", str(file))
    assert ended == 2 and printed.rstrip().endswith(f"[{code}]"), printed
    ended, printed = run(capsys, "validate", str(tmp_path / "none.json"))
    assert ended == 2 and "[no-file]" in printed


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(["facts", "draft", "map", "exhibit", "referral", "pack"]), _JSON)
def test_any_json_fits_or_has_a_fault_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, schema: str, value: Any
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps(value))
    try:
        fault = validate_file(str(file), schema).fault
    except Refusal as refusal:
        assert refusal.code in ("too-deep", "wrong-value", "not-json", "hidden-character")
        return
    assert fault is None or "\n" not in str(fault)


def test_without_the_extra_the_command_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    imported = builtins.__import__

    def absent(name: str, *more: Any, **members: Any) -> Any:
        if name.partition(".")[0] == "jsonschema":
            raise ImportError(name)
        return imported(name, *more, **members)

    monkeypatch.setattr(builtins, "__import__", absent)
    code, printed = run(capsys, "validate", str(ROOT / "examples" / "arrest.json"))
    assert code == 2 and "pip install -c constraints.txt '.[validate]' [no-validator]" in printed
