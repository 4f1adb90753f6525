"""Ids in JSON Lines: each comes out as it is written, or is refused."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.cli import main
from offramp.policy.case_input import id_as_json, read_case_lines
from rules.errors import Refusal


def decided(
    ids: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Decide a case for each id, and return the lines of the answer."""
    lines = "".join(f'{{"id": {text}, "facts": {{}}}}\n' for text in ids)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    main(["decide", "santa-fe", "offer", "--lines"])
    return capsys.readouterr().out.splitlines()


def test_an_id_comes_out_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = ['"007"', "1e3", "1E+3", "1.50", "-0", "0", "12345678901234567890123", '"1e3"', "null"]
    for text, line in zip(ids, decided(ids, monkeypatch, capsys), strict=True):
        assert line.startswith(f'{{"id":{text},"decision":')
        json.loads(line)


@pytest.mark.parametrize("text", ["true", "[1]", '{"a": 1}'])
def test_an_id_of_another_kind_is_refused_and_named(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = decided([text], monkeypatch, capsys)
    error = json.loads(line)["error"]
    assert error["code"] == "wrong-shape" and error["at"] == "line 1 at id" and error["fix"]


NUMBERS = st.from_regex(
    re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?", re.ASCII),
    fullmatch=True,
)


@given(text=NUMBERS | st.text(st.characters(codec="utf-8")).map(json.dumps))
def test_any_text_or_number_is_kept(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("ids") / "cases.jsonl"
    file.write_text(f'{{"id": {text}, "facts": {{}}}}\n')
    (case,) = read_case_lines(str(file))
    try:
        case.read_facts()
    except Refusal as refusal:
        assert refusal.code == "wrong-value" and len(text) > 40
        return
    written = id_as_json(case.id)
    assert written == text if not text.startswith('"') else json.loads(written) == json.loads(text)
