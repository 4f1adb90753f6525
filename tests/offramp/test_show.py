"""Pack pages say what runs, in each form, and so does the pocket card."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.cli import main
from offramp.documents.card import card_of, ranks_that_matter
from offramp.documents.comparison import side_by_side
from offramp.documents.document import (
    Bullets,
    Document,
    Heading,
    Notes,
    Statement,
    Table,
    Text,
    as_json,
)
from offramp.documents.markdown import escape_line, format_cell, markdown
from offramp.documents.pack_page import pack_page
from offramp.documents.plain_text import plain_text
from offramp.documents.segments import (
    PROMISES,
    PROVED,
    TRIED,
    invariant_status,
    last_change,
    segment_of,
)
from offramp.documents.show import pages
from offramp.documents.stylesheet import DARK, LIGHT, PRINT, STYLESHEET
from offramp.documents.timeline import timeline
from offramp.documents.web_page import as_html
from rules.author.english import Passage, passage, words_of
from rules.decide.wording import fill_in
from rules.language import tree
from rules.packs.pack import Item, Pack, Value
from rules.packs.resolve import Segment
from rules.shelf import english, read_pack, shipped
from tests.conftest import ROOT
from tests.support.english import Reader, meaning
from tests.support.parsed_page import ParsedPage
from tests.support.riverton import PACK, pack_in

LINES_OF_A_SIDE = 66
# Their offers read so much that the text fills a second side, from what the program checks later
# on: the state's law on minors and on overdoses, and homicide, are on each. As a page, each card is
# printed on one side.
ON_TWO_SIDES = (
    "bernalillo-nm",
    "california",
    "clackamas-or",
    "fayetteville-nc",
    "san-francisco",
    "santa-fe",
    "seattle",
    "wilmington-nc",
)
WITH_AN_OFFER = [name for name in shipped() if "offer" in read_pack(name).decisions]


# Every pack's page, made once.
all_pages = cache(pages)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def latest(name: str) -> Segment:
    return segment_of(read_pack(name), None)


# The pages of the shipped packs


def test_the_pages_in_the_documents_are_what_the_command_prints_now() -> None:
    folder = ROOT / "docs" / "packs"
    held = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    made = all_pages()
    assert sorted(held) == sorted(made), "run `python -m offramp.documents.show docs/packs`"
    for name, text in made.items():
        assert held[name] == text, (
            f"docs/packs/{name} is out of date: run `python -m offramp.documents.show docs/packs`"
        )


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, "show", "santa-fe") == (
        0,
        (ROOT / "docs" / "packs" / "santa-fe.md").read_text(encoding="utf-8"),
        "",
    )


def test_the_command_prints_a_shipped_map_to_read_and_to_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = ROOT / "jurisdictions" / "maps" / "louisiana-nibrs.yaml"
    code, out, _ = ran(capsys, "show", "--map", "louisiana-nibrs")
    assert code == 0 and out == shipped.read_text(encoding="utf-8")
    own = tmp_path / "my-map.yaml"
    own.write_text(out)
    assert ran(capsys, "show", "--map", str(own))[1] == out
    for words in (("santa-fe",), ("--json",), ("--html",), ("--as-of", "2020-01-01")):
        code, out, refusal = ran(capsys, "show", *words, "--map", "louisiana-nibrs")
        assert code == 2 and "keep `--map MAP` alone" in out + refusal
    code, _, refusal = ran(capsys, "show", "--map", "nypd-arrest")
    assert code == 2 and "did you mean `nypd-arrests`" in refusal
    own.write_text("title: no map\n")
    assert ran(capsys, "show", "--map", str(own))[0] == 2
    assert "no pack is named" in ran(capsys, "show")[2]


def nested(lines: list[str]) -> tuple[Passage, ...]:
    """Markdown's bullets as passages again."""
    found: list[Passage] = []
    while lines:
        depth = len(lines[0]) - len(lines[0].lstrip())
        below = lines[1:]
        end = next(
            (i for i, line in enumerate(below) if len(line) - len(line.lstrip()) <= depth),
            len(below),
        )
        text = re.sub(r"\\([*<\[\]\\])", r"\1", lines[0].strip().removeprefix("- "))
        found.append(Passage(text, nested(below[:end])))
        lines = below[end:]
    return tuple(found)


def statements_on(part: str) -> Iterator[tuple[str, tuple[Passage, ...]]]:
    """Name and bullets of each statement in a part of a page."""
    for statement in re.finditer(
        r"^(?![-#*|]).* `([a-z0-9-]+)`\n\n((?:^ *- .*\n)+)", part, flags=re.MULTILINE
    ):
        yield statement[1], nested(statement[2].rstrip("\n").split("\n"))


def rules_on(page: str) -> Iterator[tuple[str, str, Passage]]:
    """Decision, rule and condition, read off a page."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        decision = part.partition(":")[0].lower().replace(" ", "_")
        for name, items in statements_on(part):
            if items[0].text.startswith("if "):
                first = items[0]
                yield decision, name, Passage(first.text.removeprefix("if "), first.items)


@pytest.mark.parametrize("name", shipped())
def test_every_condition_is_read_back_from_the_published_page(name: str) -> None:
    segment = latest(name)
    reader = Reader(words_of(segment, english()), segment.pack.vocabulary.facts)
    page = (ROOT / "docs" / "packs" / f"{name}.md").read_text(encoding="utf-8")
    on_page = {(decision, rule): said for decision, rule, said in rules_on(page)}
    run = {
        (name, one.rule.id): one.rule.when
        for name, held in segment.decisions.items()
        for one in held.rules
    }
    # The page also has the rules that this program may use, and doesn't.
    run |= {
        (name, rule.id): rule.when
        for name, held in segment.decisions.items()
        for rule in held.decision.optional.values()
        if rule.id not in held.decision.rules
    }
    assert set(on_page) == set(run)
    for key, when in run.items():
        found = {repr(meaning(node)) for node in reader.passage(on_page[key])}
        assert found == {repr(meaning(when))}, key


@pytest.mark.parametrize("name", shipped())
def test_every_exception_floor_and_obligation_is_read_back_from_the_published_page(
    name: str,
) -> None:
    segment = latest(name)
    reader = Reader(words_of(segment, english()), segment.pack.vocabulary.facts)
    page = (ROOT / "docs" / "packs" / f"{name}.md").read_text(encoding="utf-8")
    leads = (
        "not if ",
        "whenever ",
        "it is certain that ",
        *(f"{one}, if " for one in segment.pack.vocabulary.obligations.values()),
    )
    read = []
    for block in re.findall(r"(?:^ *- .*\n)+", page, flags=re.MULTILINE):
        for said in every_passage(nested(block.rstrip("\n").split("\n"))):
            for lead in leads:
                if said.text.startswith(lead):
                    text = re.sub(r" \[\d+(, in doubt)?\]$", "", said.text)
                    (found,) = {
                        repr(meaning(node))
                        for node in reader.passage(Passage(text.removeprefix(lead), said.items))
                    }
                    read.append(found)
    trees = [
        one.when
        for held in segment.decisions.values()
        for rule in held.rules
        for one in rule.unless
    ]
    trees += [one.when for held in segment.decisions.values() for one in held.obligations]
    held = [one for one in segment.pack.invariants.values() if one.in_force(segment.day)]
    trees += [node for one in held for node in (one.when, one.always) if node is not None]
    assert sorted(read) == sorted(repr(meaning(node)) for node in trees)


def every_passage(items: tuple[Passage, ...]) -> Iterator[Passage]:
    for item in items:
        yield item
        yield from every_passage(item.items)


def in_force(segment: Segment) -> Iterator[Item]:
    yield segment.pack.program
    for held in segment.decisions.values():
        yield held.otherwise
        for rule in held.rules:
            yield rule.rule
            yield from rule.unless
    yield from segment.values.values()
    yield from (one for one in segment.pack.invariants.values() if one.in_force(segment.day))


@pytest.mark.parametrize("name", shipped())
def test_a_page_holds_every_reason_source_doubt_and_what_other_sources_say(name: str) -> None:
    segment = latest(name)
    page = all_pages()[f"{name}.md"]

    def on_page(text: str) -> bool:
        return escape_line(text) in page or format_cell(text) in page

    for item in in_force(segment):
        because = getattr(item, "because", None)
        assert because is None or on_page(fill_in(segment, because)) or on_page(because.rstrip("."))
        assert item.provisional is None or on_page(item.provisional.rstrip("."))
        assert on_page(segment.pack.sources[item.source.id].title)
        assert all(on_page(other.says) for other in item.other)
    for source in segment.pack.sources.values():
        assert on_page(source.address)


def test_a_page_says_who_knows_each_fact_that_a_rule_reads() -> None:
    segment = latest("santa-fe")
    page = all_pages()["santa-fe.md"]
    for held in segment.decisions.values():
        for rule in held.rules:
            for path, fact in tree.facts_read(rule.condition).items():
                if fact.type != "list":
                    (row,) = [
                        line
                        for line in page.splitlines()
                        if f"`{path}`" in line and line.startswith("| ")
                    ]
                    assert fact.known_by.replace("_", " ") in row
                    assert ("never sent" in row) == (
                        fact.category in segment.pack.vocabulary.never_travels
                    )


def test_a_page_says_what_can_be_answered_and_what_never() -> None:
    question = "May the prosecutor end this person's participation in the program?"
    rows = {
        line.split(" | ")[0].removeprefix("| "): line.split(" | ")[1:]
        for line in all_pages()["lead.md"].splitlines()
    }
    decider, can, never = rows[question]
    assert decider == "prosecutor" and can == "prosecutor may eject, retain"
    assert never.removesuffix(" |") == "terminate, sanction"
    court = {
        line.split(" | ")[0].removeprefix("| "): line.split(" | ")[1:]
        for line in all_pages()["drug-court.md"].splitlines()
    }
    assert "sanction" in court[question][1]


@pytest.mark.parametrize("name", shipped())
def test_a_page_leads_with_the_answer_and_ends_with_the_sources(name: str) -> None:
    sections = re.findall(r"^## (.*)$", all_pages()[f"{name}.md"], flags=re.MULTILINE)
    assert sections[:2] == ["What the program takes", "Who decides"]
    assert sections[-3:] == ["The facts that the rules read", "About the program", "Sources"]


@pytest.mark.parametrize("name", shipped())
def test_every_mark_of_a_page_leads_to_a_note_of_its_section(name: str) -> None:
    marks_seen = 0
    for part in re.split(r"^## ", all_pages()[f"{name}.md"], flags=re.MULTILINE)[1:]:
        text, _, notes = part.partition("\nNotes:\n")
        marks = {int(number) for number in re.findall(r" \[(\d+)(?:, in doubt)?\]", text)}
        numbers = [int(number) for number in re.findall(r"^(\d+)\. ", notes, flags=re.MULTILINE)]
        assert marks == set(numbers) and numbers == list(range(1, len(numbers) + 1))
        doubtful = re.findall(r"^(\d+)\. .*In doubt: ", notes, flags=re.MULTILINE)
        assert set(doubtful) == set(re.findall(r" \[(\d+), in doubt\]", text))
        marks_seen += len(marks)
    assert marks_seen > 5


@pytest.mark.parametrize("name", shipped())
def test_proved_and_tried_invariants_are_told_apart_on_pages_and_cards(name: str) -> None:
    segment = latest(name)
    held = [one for one in segment.pack.invariants.values() if one.in_force(segment.day)]
    proved = {one.id for one in held if invariant_status(segment, one.id) == PROVED}
    tried = {one.id for one in held if invariant_status(segment, one.id) == TRIED}
    assert proved | tried == {one.id for one in held} and not proved & tried
    page = all_pages()[f"{name}.md"]
    parts = {
        part.partition(":")[0]: {name for name, _ in statements_on(part)}
        for part in re.split(r"^### ", page, flags=re.MULTILINE)[1:]
        if part.startswith(("Proved:", "Tried:"))
    }
    wanted = {"Proved": proved, "Tried": tried}
    assert parts == {label: ids for label, ids in wanted.items() if ids}
    assert all(one.because.startswith("The rules ") for one in held)
    assert PROMISES in page and "A person can decide otherwise, and the record says so." in PROMISES
    if name in WITH_AN_OFFER:
        made = " ".join(plain_text(card_of(segment), 96).split())
        _, _, below = made.partition("Tried, not proved:")
        for one in held:
            if one.decision != "disclosure":
                assert (one.because in below) == (one.id in tried)


# Days


def test_the_day_that_is_asked_about_decides_what_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, early, _ = ran(capsys, "show", "santa-fe", "--as-of", "2014-06-01")
    assert code == 0 and "(3 g)" in early and "(6 g)" not in early and "June 1, 2014" in early
    _, late, _ = ran(capsys, "show", "santa-fe", "--as-of", "2019-06-01")
    assert "(6 g)" in late and "(3 g)" not in late


def test_without_a_day_the_rules_after_the_last_change_are_shown() -> None:
    pack = read_pack("seattle")
    assert last_change(pack) == max(pack.boundaries())
    assert segment_of(pack, None).day == last_change(pack)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "santa-fe", "--as-of", "2014-03-31"], "outside-program"),
        (["show", "santa-fe", "--as-of", "2014-02-30"], "no-such-day"),
        (["show", "santa-fee"], "unknown-pack"),
        (["show", ","], "usage"),
        (["show", "santa-fe", "--html", "--json"], "usage"),
        (["show", "santa-fe,lead", "--timeline"], "usage"),
        (["show", "santa-fe", "--timeline", "--as-of", "2014-06-01"], "usage"),
        (["card", "drug-court"], "no-card"),
        (["card", "santa-fee"], "unknown-pack"),
        (["card", "santa-fe", "--html", "--json"], "usage"),
        (["card", "santa-fe", "--as-of", "2014-03-31"], "outside-program"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_fix(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    exit_code, out, err = ran(capsys, *arguments)
    assert exit_code == 2
    if "--json" in arguments:
        error = json.loads(out)["error"]
        assert error["code"] == code and error["fix"]
    else:
        assert (
            out == ""
            and err.startswith("offramp: ")
            and "; " in err
            and err.endswith(f"[{code}]\n")
        )


def test_the_timeline_has_every_day_on_which_something_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, shown, _ = ran(capsys, "show", "--timeline", "santa-fe")
    pack = read_pack("santa-fe")
    days = [
        row.split("|")[1].strip()
        for row in shown.splitlines()
        if re.match(r"\| [A-Z][a-z]+ \d", row)
    ]
    assert {f"{one:%B} {one.day}, {one.year}" for one in pack.boundaries()} <= set(days)
    assert "opiate limit: 6 g" in shown and "rule `intent-to-sell` of `eligibility`" in shown
    for name, item in pack.items():
        named = pack.parameters[name.split("`")[1]].label if isinstance(item, Value) else name
        assert (item.since is None and item.until is None) or named in shown, name


@pytest.mark.parametrize("until", ["2027-03-01", "2023-07-01", "2029-01-01"])
def test_the_days_of_a_timeline_are_in_order_and_each_is_there_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], until: str
) -> None:
    """Rules of the parent begin before the program, on its first day, and on its last."""
    dates = f"from: 2020-01-01, until: {until}"
    dated = "from: 2020-01-01, until: 2027-03-01, value: 4"
    text = PACK.replace("from: 2020-01-01", dates).replace("value: 4", dated)
    text = text.replace(
        "source: own}]}", "source: own}, {from: 2027-03-01, value: 6, source: own}]}"
    )
    _, shown, _ = ran(capsys, "show", "--timeline", pack_in(tmp_path, text))
    table = shown.split("\n## ")[0]
    days = [
        datetime.strptime(match, "%B %d, %Y").date()
        for match in re.findall(r"^\| ([A-Z][a-z]+ \d+, \d+) \|", table, re.MULTILINE)
    ]
    assert days == sorted(set(days)) and {date(2020, 1, 1), date(2027, 3, 1)} <= set(days)
    (first,) = re.findall(r"^\| January 1, 2020 \|.*", table, re.MULTILINE)
    assert "the program begins" in first and "largest amount: 4 g" in first
    (last,) = [line for line in table.splitlines() if "the program |" in f"{line}"]
    end = date.fromisoformat(until)
    assert last.startswith(f"| {end:%B} {end.day}, {end.year} |")


def test_programs_stand_side_by_side_with_their_own_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, shown, _ = ran(capsys, "show", "santa-fe,nyc-violations,drug-court")
    tables = [line for line in shown.splitlines() if line.startswith("| ")]
    assert all(line.count(" | ") == 3 for line in tables), "a column each"
    (offer,) = [part for part in shown.split("\n## ") if part.startswith("Offer:")]
    assert "not part of this program" in offer
    for name in ("santa-fe", "nyc-violations", "drug-court"):
        segment = latest(name)
        for held in segment.decisions.values():
            for rule in held.rules:
                assert escape_line(fill_in(segment, rule.rule.because)) in shown


def test_json_holds_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    _, shown, _ = ran(capsys, "show", "santa-fe", "--json")
    found = json.loads(shown)
    assert found["pack"] == "santa-fe" and found["digest"].startswith("sha256:")
    headings = [block["heading"] for block in found["blocks"] if "heading" in block]
    assert [
        re.sub(r"^#+ ", "", line)
        for line in all_pages()["santa-fe.md"].splitlines()
        if line.startswith("#")
    ] == headings


# HTML


def page_of_pack(name: str) -> Document:
    return pack_page(latest(name))


def card_of_pack(name: str) -> Document:
    return card_of(latest(name))


# Made when they are tested: importing this file took 3 s with all of them.
DOCUMENTS: dict[str, Callable[[], Document]] = {
    **{f"pack {name}": partial(page_of_pack, name) for name in shipped()},
    "side by side": lambda: side_by_side([latest("santa-fe"), latest("drug-court")]),
    "timeline": lambda: timeline(latest("santa-fe").pack),
    **{f"card {name}": partial(card_of_pack, name) for name in WITH_AN_OFFER},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_html_stands_alone_and_has_what_a_screen_reader_goes_by(name: str) -> None:
    text = as_html(DOCUMENTS[name](), "Foot")
    seen = ParsedPage(text)
    assert text.startswith("<!DOCTYPE html>")
    assert seen.all("html") == [{"lang": "en"}]
    for tag in ("title", "header", "main", "h1", "footer"):
        assert len(seen.all(tag)) == 1, tag
    assert not any(seen.all(tag) for tag in ("script", "link", "img", "iframe", "object", "form"))
    assert not re.search(r"url\(|@import|src=| on[a-z]+=| style=", text)
    levels = [int(tag[1]) for tag, _, _ in seen.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(later - before <= 1 for before, later in pairwise(levels))
    ids = [attributes["id"] for _, attributes, _ in seen.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    inside = [str(one["href"])[1:] for one in seen.all("a") if str(one["href"]).startswith("#")]
    assert set(inside) <= set(ids)
    first = next(
        attributes for tag, attributes, around in seen.elements if around[-1:] == ("body",)
    )
    assert first.get("class") == "skip", "the first thing to reach is the way past the navigation"
    for tag, attributes, around in seen.elements:
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")
        if tag == "li":
            assert around[-1] in ("ul", "ol")
    assert len(seen.all("caption")) == len(seen.all("table"))
    loose = [
        text
        for text, around in seen.texts
        if not {"header", "nav", "main", "footer", "a", "head"} & set(around)
    ]
    assert loose == [], "all that is said stands in a landmark"
    assert all(attributes.get("aria-label") for tag, attributes, _ in seen.elements if tag == "nav")


def luminance(color: str) -> float:
    parts = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast ratio of two colors."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colors_have_the_contrast_that_wcag_asks() -> None:
    assert (
        round(contrast("#000000", "#ffffff"), 2) == 21
        and round(contrast("#777777", "#ffffff"), 2) == 4.48
    )
    for theme in (LIGHT, DARK, PRINT):
        for ground in (theme.paper, theme.surface):
            for text in (theme.ink, theme.soft, theme.link):
                assert contrast(text, ground) >= 4.5
            assert contrast(theme.line, ground) >= 3
        assert contrast(theme.on_brand, theme.brand) >= 4.5
    used = set(re.findall(r"#[0-9a-f]{3,8}\b", STYLESHEET))
    known = {color for theme in (LIGHT, DARK, PRINT) for color in vars(theme).values()}
    assert used == known, "every color is one of those measured here"
    for form in (pack_page(latest("lead")), card_of(latest("lead"))):
        assert STYLESHEET in as_html(form), "one stylesheet for every document"


def test_what_a_pack_says_cannot_become_markup(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "jurisdictions" / "nyc-violations", tmp_path / "nyc")
    path = tmp_path / "nyc" / "pack.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "New York City plan of 2014", '<script>alert("1")</script> & [x](y) | **z**', 1
    )
    path.write_text(text.replace("id: nyc-violations", "id: nyc", 1), encoding="utf-8")
    made = pack_page(segment_of(read_pack(tmp_path / "nyc"), None))
    assert "<script" not in as_html(made) and "&lt;script&gt;" in as_html(made)
    assert "\\<script>" in markdown(made) and "\\[x\\](y)" in markdown(made)


@given(st.text(st.sampled_from("ab `<>&\"'*[]()#-.1\\|\n"), min_size=1, max_size=30))
def test_no_text_of_a_pack_closes_or_opens_anything(text: str) -> None:
    blocks = (
        Heading(1, "T", "t"),
        Text(text, "L:"),
        Bullets((Passage(text, (Passage(text),)),)),
        Statement(text, "name", "s", (Passage(text),)),
        Notes((text,)),
        Table(text, ("a", text), ((text, (text,)),)),
    )
    made = Document(text, "en", blocks)
    seen = ParsedPage(as_html(made))
    assert {tag for tag, _, _ in seen.elements} <= KNOWN_TAGS
    shown = "".join(said for said, around in seen.texts if "p" in around)
    assert text.count("`") % 2 == 0 or "".join(text.split()) in "".join(shown.split())
    lines = markdown(Document(text, "en", (Text(text),))).splitlines()
    assert len(lines) <= 1 and not re.match(r"#|[-+>]( |$)|\d+[.)]( |$)|[*<\[]", "".join(lines))


KNOWN_TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "h1",
        "main",
        "p",
        "span",
        "ul",
        "ol",
        "li",
        "br",
        "code",
    ),
    *("div", "table", "caption", "thead", "tbody", "tr", "th", "td"),
}


def test_the_page_about_documents_shows_what_is_so(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")
    segment = latest("santa-fe")
    (rule,) = [
        one.rule for one in segment.decisions["eligibility"].rules if one.rule.id == "over-the-cap"
    ]
    assert f"`{tree.text(rule.when)}` reads" in page
    assert f"> {passage(rule.when, words_of(segment, english())).text}\n" in page
    commands = re.findall(r"^offramp ((?:show|card) .*?) *(?:#.*)?$", page, flags=re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        assert ran(capsys, *command.split())[0] == 0


# The card


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_the_card_is_one_sheet_with_every_rule_of_the_offer(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, shown, _ = ran(capsys, "card", name)
    front, later, back = shown.partition("The program checks these later")
    sides = [front, later + back] if name in ON_TWO_SIDES else [shown]
    assert code == 0 and max(map(len, shown.splitlines())) <= 96
    assert all(1 < len(side.splitlines()) <= LINES_OF_A_SIDE for side in sides)
    segment = latest(name)
    flat = " ".join(shown.split())
    for floor in segment.pack.invariants.values():
        assert (
            not floor.in_force(segment.day)
            or floor.decision == "disclosure"
            or floor.because in flat
        )
    listed = json.loads(ran(capsys, "card", name, "--json")[1])["blocks"]
    reader = Reader(words_of(segment, english()), segment.pack.vocabulary.facts)
    lists = [
        _one_rule_as_list(before.get("text", ""), block["list"])
        for before, block in pairwise(listed)
        if "list" in block
    ]
    ranks = ranks_that_matter(segment.decisions["offer"])
    left_out = segment.decisions["offer"].ranks[len(ranks) :]
    assert {outcome for outcome, _ in left_out} <= {segment.decisions["offer"].otherwise.outcome}
    for (_, rules), items in zip(ranks, lists[: len(ranks)], strict=True):
        read = [{repr(meaning(node)) for node in reader.passage(_passage(one))} for one in items]
        assert read == [{repr(meaning(rule.rule.when))} for rule in rules]


def _one_rule_as_list(
    lead: str, items: list[str | dict[str, list[object]]]
) -> list[str | dict[str, list[object]]]:
    """Return the rules of an outcome. The lines of a single compound rule follow its lead."""
    several = ("if any of these is true:", "if this is true:")
    if lead in several or not lead.startswith("if "):
        return items
    return [{lead.removeprefix("if "): items}]


def _passage(given: str | dict[str, list[object]]) -> Passage:
    if isinstance(given, str):
        return Passage(given)
    ((text, items),) = given.items()
    # A page as parsed.
    return Passage(text, tuple(_passage(one) for one in items))  # type: ignore[arg-type]  # a page as parsed


def test_the_card_tells_the_officer_of_bars_with_what_lifts_them() -> None:
    made = plain_text(card_of(latest("santa-fe")), 96)
    assert "Except: Prescription opiate pills have no limit" in " ".join(made.split())
    assert "The attorney's answer from the record is stop" not in " ".join(made.split()), (
        "the officer doesn't know records"
    )


def test_the_card_names_the_exceptions_of_the_offer_s_rules_and_their_order() -> None:
    segment = segment_of(read_pack("seattle"), "2022-01-01")
    words = words_of(segment, english())
    reader = Reader(words, segment.pack.vocabulary.facts)
    lists = [
        tuple(_passage(one) for one in _one_rule_as_list(before.get("text", ""), block["list"]))
        for before, block in pairwise(as_json(card_of(segment))["blocks"])
        if "list" in block
    ]
    excepted = 0
    for (_, rules), items in zip(
        ranks_that_matter(segment.decisions["offer"]), lists, strict=False
    ):
        for rule, said in zip(rules, items, strict=True):
            parts = said.items if rule.unless else (said,)
            plain = [Passage(one.text.removeprefix("but not if "), one.items) for one in parts]
            read = [{repr(meaning(node)) for node in reader.passage(one)} for one in plain]
            assert read == [
                {repr(meaning(node))}
                for node in (rule.rule.when, *(one.when for one in rule.unless))
            ]
            excepted += len(rule.unless)
    assert excepted > 0
    made = " ".join(plain_text(card_of(segment), 96).split())
    assert "Take the first of these that is true." in made
    assert (
        made.index("MAY NOT OFFER if")
        < made.index("MUST OFFER if")
        < made.index("Otherwise MAY OFFER.")
    )


def test_the_card_of_a_draft_says_that_nobody_adopted_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = str(tmp_path / "rio-verde")
    assert ran(capsys, "new", draft, "--from", "santa-fe")[0] == 0
    assert "In doubt: A draft that nobody has adopted yet." in ran(capsys, "card", draft)[1]
    page = tmp_path / "card.html"
    assert ran(capsys, "card", draft, "--offline", str(page))[0] == 0
    assert "A draft that nobody has adopted yet." in page.read_text(encoding="utf-8")
    assert "Thrive" in ran(capsys, "card", "santa-fe")[1]


BROWSER = next(
    (
        found
        for name in ("chromium-headless-shell", "chromium", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)


@pytest.mark.skipif(BROWSER is None, reason="no browser is at hand to print with")
@pytest.mark.parametrize(
    ("name", "spacing"),
    [*((name, "0.06em") for name in WITH_AN_OFFER), ("santa-fe", "normal")],
)
def test_the_card_prints_on_one_page(tmp_path: Path, name: str, spacing: str) -> None:
    """Also where the fonts at hand are an eighth wider, as DejaVu Sans is.

    A card that fits with wide letters fits with its own, so one shows those.
    """
    page = as_html(card_of(latest(name)), "Foot")
    wide = f"<style>* {{ letter-spacing: {spacing} }}</style></head>"
    assert page.count("</head>") == 1
    (tmp_path / "card.html").write_text(page.replace("</head>", wide), encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        f"--print-to-pdf={tmp_path / 'card.pdf'}",
    ]
    command = [
        str(BROWSER),
        *options,
        f"--user-data-dir={tmp_path / 'profile'}",
        (tmp_path / "card.html").as_uri(),
    ]
    subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert re.findall(
        rb"/Type\s*/Pages\b[^>]*?/Count (\d+)|/Count (\d+)", (tmp_path / "card.pdf").read_bytes()
    )[0] in (
        (b"1", b""),
        (b"", b"1"),
    )


def test_a_pack_of_the_caller_s_own_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    folder = ROOT / "tests" / "packs" / "good" / "every-kind-of-fact"
    code, shown, _ = ran(capsys, "show", str(folder))
    assert code == 0 and shown.startswith("# ")
    pack: Pack = read_pack(folder)
    segment = segment_of(pack, None)
    reader = Reader(words_of(segment, english()), pack.vocabulary.facts)
    run = {
        (name, one.rule.id): one.rule.when
        for name, held in segment.decisions.items()
        for one in held.rules
    }
    on_page = {(decision, rule): said for decision, rule, said in rules_on(shown)}
    assert {
        key: {repr(meaning(one)) for one in reader.passage(said)} for key, said in on_page.items()
    } == {key: {repr(meaning(when))} for key, when in run.items()}


def test_a_program_that_has_not_begun_is_in_force_from_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mytown", "--from", "santa-fe", "--starts", "2091-03-01"]) == 0
    capsys.readouterr()
    assert main(["show", "mytown"]) == 0
    printed = capsys.readouterr().out
    assert "In force from March 1, 2091." in printed and "In force since" not in printed


def test_a_new_pack_has_sources_without_a_day_and_no_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mytown", "--from", "santa-fe"]) == 0
    capsys.readouterr()
    assert main(["card", "mytown"]) == 0
    card = " ".join(capsys.readouterr().out.split())
    assert "Not checked yet. No day is recorded on which somebody checked these sources: " in card
    assert "for a year" not in card


def test_a_copy_of_a_folder_is_refused_with_the_rule_of_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mytown", "--from", "santa-fe"]) == 0
    shutil.copytree("mytown", "old")
    shutil.copytree("mytown", "earlier/mytown")
    capsys.readouterr()
    assert main(["check", "old"]) == 2
    assert "or keep another version as `another/mytown` [bad-id]" in capsys.readouterr().out
    assert main(["check", "earlier/mytown"]) == 0


def test_an_empty_file_is_refused_with_a_fix_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mytown", "--from", "santa-fe"]) == 0
    (tmp_path / "mytown" / "scenarios.yaml").write_text("")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    (tmp_path / "rows.csv").write_text("id\n1\n")
    words = ["decide", "santa-fe", "eligibility", "rows.csv", "--map"]
    for command, fix in (
        (["test", "mytown"], "or `[]` for none [empty-file]"),
        ([*words, "empty.yaml"], "start from a shipped map, as docs/maps.md shows [empty-file]"),
        ([*words, ""], "`--map` names no map; name a shipped map, or a file"),
    ):
        capsys.readouterr()
        assert main(command) == 2
        printed = capsys.readouterr()
        assert fix in printed.out + printed.err, command
