"""One strict reader for each kind of input: nothing is read differently on two routes."""

from __future__ import annotations

import json
import textwrap
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.errors import ContentError, ExchangeError
from exchange.models import PlainName, WireModel, validate
from exchange.records.content_checks import check_content
from exchange.standards import i_json
from offramp.agency.errors import AgencyError, refuse_hidden_name
from offramp.agency.hub_link.client import Answer, _error
from offramp.documents.markdown import escape_line
from offramp.documents.web_page import escape_html
from offramp.terminal import print_error, print_json, print_text, wrap_words
from rules.errors import FactsError, PackError, Refusal
from rules.input.characters import find_hidden, is_hidden, printable_lines
from rules.input.json_text import parse_json
from rules.input.printing import plain
from rules.input.toml_text import parse_toml
from tests.support.outside import MARKS
from tests.support.readers import DRAFT, READERS, read_draft, read_yaml

SLOW = 1.0  # seconds for a text of a few hundred bytes
HIDDEN = ["\x1b[2K", "\x00", "\x7f", "\x9b1A", "\x85", "\u202e", "\u2066", "\u200f", "\u2028"]
readers = pytest.mark.parametrize("name", READERS)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def accepted(read: Any, *arguments: Any) -> tuple[bool, Any]:
    try:
        return True, plain(read(*arguments))
    except (Refusal, ExchangeError):
        return False, None


# Every reader gives a value or a refusal


def gives_a_value_or_refuses(name: str, data: bytes) -> None:
    began = time.process_time()
    try:
        READERS[name][0](data)
    except Refusal as refusal:
        assert refusal.message.isprintable() and refusal.fix, refusal
    assert time.process_time() - began < SLOW


@readers
@given(data=st.binary(max_size=300) | st.text(max_size=150).map(lambda made: made.encode()))
@example(data=b"")
@example(data=b"\x1b[2K")
def test_any_bytes(name: str, data: bytes) -> None:
    gives_a_value_or_refuses(name, data)


@readers
@given(data=st.data())
def test_what_is_nearly_right(name: str, data: st.DataObject) -> None:
    changed = READERS[name][1]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(changed)))
        end = data.draw(st.integers(start, min(len(changed), start + 40)))
        piece = data.draw(st.binary(max_size=8) | st.sampled_from([*MARKS, changed[start:end] * 2]))
        changed = changed[:start] + piece + changed[end:]
    gives_a_value_or_refuses(name, changed)


@readers
def test_a_right_text_gives_a_value(name: str) -> None:
    parser, right = READERS[name]
    parser(right)


# The readers of JSON and YAML agree


@given(values)
def test_json_reads_back_on_every_route(value: Any) -> None:
    data = i_json.write(value)
    assert plain(parse_json(data.decode())) == i_json.read(data) == value


@given(st.text(max_size=60) | values.map(json.dumps))
@example('{"a":1,"a":2}')
@example("NaN")
@example('"\\ud800"')
@example("[" * 33 + "]" * 33)
@example("1e999")
@example("-0")
def test_no_two_readers_of_json_differ(text: str) -> None:
    is_wire, wire_value = accepted(i_json.read, text.encode())
    is_facts, facts_value = accepted(parse_json, text)
    if is_wire:
        assert is_facts and facts_value == wire_value


@given(values)
def test_yaml_reads_json_as_the_reader_of_json_does(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    is_accepted, read = accepted(read_yaml, text)
    if is_accepted:
        assert read == value


@pytest.mark.parametrize(
    "scalar",
    ["021", "0o17", "0x1F", "1_000", "no", "yes", "on", "Off", "True", "NO", "1:30", "٣", "+1"],
)
def test_what_yaml_reads_in_two_ways_is_a_text(scalar: str) -> None:
    assert read_yaml(f"a: {scalar}") == {"a": scalar}


# Settings


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=30))
def test_a_setting_reads_back_or_is_refused(text: str) -> None:
    line = f"name = {json.dumps(text, ensure_ascii=False)}\n"
    if find_hidden(text) is None:
        assert parse_toml(line.encode(), "`agency.toml`") == {"name": text}
    else:
        with pytest.raises(FactsError, match="hidden character"):
            parse_toml(line.encode(), "`agency.toml`")


@pytest.mark.parametrize("text", ["a = 1\na = 2", "a = 021", 'a = "\\u001b"', 'a = "\u202e"'])
def test_settings_that_mislead_are_refused(text: str) -> None:
    with pytest.raises(FactsError):
        parse_toml(text.encode(), "`agency.toml`")


def test_a_number_of_a_setting_stays_exact() -> None:
    assert parse_toml(b"a = 0.1", "`agency.toml`") == {"a": Decimal("0.1")}


# Drafts


def test_an_age_with_a_leading_zero_is_no_number() -> None:
    draft = read_draft(DRAFT.replace("21}", "021}"))
    content = draft.parts[0].content
    assert content == {"contact": {"facts": {"person.age": "021"}}}
    with pytest.raises(ContentError, match=r"person\.age"):
        check_content("referral", ("contact",), content)


def test_a_recipient_block_that_appears_twice_is_refused() -> None:
    twice = DRAFT.replace("    says:", "    to: {prosecutor: {purpose: screening}}\n    says:")
    with pytest.raises(AgencyError, match=r"line 5: the key `to` appears twice"):
        read_draft(twice)


@pytest.mark.parametrize("text", HIDDEN)
def test_a_draft_with_a_hidden_character_is_refused(text: str) -> None:
    with pytest.raises(AgencyError):
        read_draft(DRAFT.replace("accepted", json.dumps(f"a{text}")))


# Hidden characters


class _Named(WireModel):
    name: PlainName


@pytest.mark.parametrize("text", HIDDEN)
def test_a_hidden_character_is_refused_on_every_route(text: str) -> None:
    escaped = json.dumps(f"a{text}b")
    with pytest.raises(PackError):
        read_yaml(f"because: {escaped}")
    with pytest.raises(AgencyError) as refused:
        refuse_hidden_name(f"Ana{text}")
    assert str(refused.value).isprintable()
    with pytest.raises(ContentError):
        validate(_Named, {"name": f"Ana{text}"}, "an agency")


@pytest.mark.parametrize("text", HIDDEN)
def test_output_is_printable_in_every_medium(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_text(f"a{text}b")
    print_error(f"a{text}b")
    print_json({"a": text})
    out, err = capsys.readouterr()
    for shown in (out, err, escape_html(text), escape_line(f"a{text}b")):
        assert not [sign for sign in shown if is_hidden(sign) and sign != "\n"]
    assert json.loads(out.splitlines()[1]) == {"a": text}


@given(st.text(max_size=60))
def test_printing_twice_changes_nothing(text: str) -> None:
    shown = printable_lines(text)
    assert find_hidden(shown, "\n\t") is None and printable_lines(shown) == shown
    if find_hidden(text, "\n\t") is None:
        assert shown == text


def test_a_refusal_of_the_hub_is_printable_where_it_is_stored() -> None:
    error = {"code": "x\x1b[2K", "message": "no\u202e\n\x9b1A", "fix": "\x1b]0;"}
    texts = _error(Answer(403, i_json.write({"error": error}), None)).values()
    assert all(text.isprintable() for text in texts)


@given(
    st.lists(st.sampled_from(["a", "to-be", "longest-of-words", "", "ñ", "x\ty", "\n", "é."])),
    st.integers(1, 30),
    st.booleans(),
)
def test_words_are_wrapped_as_textwrap_does(words: list[str], width: int, breaks: bool) -> None:
    text = " ".join(words)
    wanted = textwrap.wrap(text, width, break_long_words=breaks, break_on_hyphens=False)
    assert wrap_words(text, width, break_long_words=breaks) == wanted
