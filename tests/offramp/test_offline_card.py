"""The card for phones says on every path what `decide` says, and opens without a network."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from offramp.cli import main
from offramp.documents.offline_card import MOST_BYTES, OfflineCard, card_of_tree
from offramp.documents.offline_pages import TURNS, AnswerScreen, QuestionScreen, Row, Screens
from offramp.documents.segments import segment_of
from rules.author.answer_tree import AnswerTree, Leaf, answer_tree
from rules.author.english import line
from rules.author.phrases import format_day, spell_name
from rules.author.scenarios import read_scenarios
from rules.decide.program import Program
from rules.errors import RequestError
from rules.input.facts import read_facts
from rules.shelf import find, read_pack, shipped
from tests.support import written
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.card_taps import taps_to_answer, usual_facts
from tests.support.parsed_page import ParsedPage

WITH_AN_OFFER = [
    name for name in shipped() if "offer" in segment_of(read_pack(name), None).decisions
]
SECTION = re.compile(r'<section id="s(\d+)".*?</section>', re.DOTALL)
LINK = re.compile(r'<li><a href="#s(\d+)">(.*?)<i>')
DAY = "encounter.date"


@cache
def card(name: str) -> OfflineCard:
    return card_of_tree(tree_of(name), segment_of(read_pack(name), None), date(2026, 12, 1))


@cache
def tree_of(name: str) -> AnswerTree:
    pack = read_pack(name)
    return answer_tree(Program(pack), "offer", segment_of(pack, None).day)


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def agree(leaf: Leaf, answer: Any) -> bool:
    """Return whether a leaf and a decision have one outcome, or the same possible ones."""
    return (leaf.outcome, list(leaf.possible)) == (answer.outcome, answer.possible)


def considered(tree: AnswerTree) -> Any:
    """Return the rules of a tree's offer with their texts."""
    return tree.decide({DAY: tree.day}).considered


def leads_to_its_answer(tree: AnswerTree, known: Any) -> bool:
    """Hold the leaf for known facts to their decision, and return whether it is decided.

    Where a second thing can't be told the path ends early, and what is known by chance may still
    add an outcome.
    """
    path, answer = tree.follow(known), tree.decide(known)
    assert path is not None, known
    if path.leaf.outcome is not None:
        assert path.leaf.outcome == answer.outcome, known
    elif not path.leaf.is_unfinished:
        assert set(answer.possible) <= set(path.leaf.possible), known
    return path.leaf.outcome is not None


# Every path


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_every_path_of_the_page_ends_in_what_decide_says(name: str) -> None:
    """Walk the links of the page beside the screens, and decide on the facts that a path states."""
    tree = tree_of(name)
    screens = Screens(tree, segment_of(read_pack(name), None))
    sections = {
        number: found for found in SECTION.finditer(card(name).html) for number in [found[1]]
    }
    everything = tuple(frozenset(range(len(thing.states))) for thing in tree.things)
    because = {entry["rule"]: " ".join(entry["text"].split()) for entry in considered(tree)}
    paths = reasons = 0
    answers, texts = set[str](), dict[str, str]()

    def narrowed(row: Row, left: Any, node: Any) -> Any:
        for option in row.options:
            thing = node.thing
            left = (*left[:thing], left[thing] & option.states, *left[thing + 1 :])
            node = option.then
        return left

    stack = [("1", tree.root, everything)]
    while stack:
        number, node, left = stack.pop()
        screen, html = screens.screen(node), sections[number][0]
        if isinstance(screen, QuestionScreen):
            rows = (*screen.rows, *screen.unsure)
            links = LINK.findall(html)
            assert [unescape(label) for _, label in links] == [row.label for row in rows]
            for (target, _), row in zip(links, rows, strict=True):
                stack.append((target, row.then, narrowed(row, left, node)))
            continue
        assert isinstance(node, Leaf) and isinstance(screen, AnswerScreen)
        answer = tree.decide(tree.stated(left))
        paths += 1
        assert agree(node, answer), (number, answer.outcome, answer.possible)
        shown = texts.setdefault(number, "") or text_of(html)
        texts[number] = shown
        if answer.status == "decided":
            answers.add(str(answer.outcome))
            assert f". {spell_name(str(answer.outcome)).upper()}" in shown
            for reason in answer.reasons:
                if reason["rule"] in node.rules:
                    reasons += 1
                    assert " ".join(reason["text"].split()) in shown
                    assert reason["source"]["title"] in shown
            assert {reason["rule"] for reason in answer.reasons} >= set(node.rules)
            turning = answer.would_bar if answer.outcome == "may_not_offer" else ()
            for bar in turning:
                assert TURNS in shown and because[bar["rule"]] in shown, (number, bar)
            step = answer.next
            assert step is None or " ".join(step["text"].split()) in shown
        else:
            assert all(spell_name(outcome) in shown for outcome in answer.possible)
            assert "This is not a no." in shown and "MAY OFFER" not in shown
            needed = {re.sub(r"\[\d+\].*", "", entry["fact"]) for entry in answer.needed}
            missing = {
                thing.paths[0] for thing in tree.things if set(thing.statements) & set(node.unknown)
            }
            # Of what nobody asked yet, the facts may have other parts than the screen names.
            assert missing and (missing & needed or node.is_unfinished)
    assert paths >= 8 and reasons >= 4
    assert {"may_offer", "may_not_offer", "already_enrolled"} <= answers


@pytest.mark.parametrize(("grams", "turns"), [(8, True), (5, False)])
def test_a_no_that_a_known_fact_could_turn_says_so(grams: int, turns: bool) -> None:
    """Help in an overdose makes immune also with more than the cap."""
    given_facts = {
        "encounter": {
            "route": "arrest",
            "charges": [{"conduct": "possession", "code": "NMSA 30-31-23", "violent": False}],
            "drugs": [{"kind": "opioid", "form": "weighed", "grams": grams}],
        },
        "person": {"age": 27},
    }
    facts = read_facts(given_facts, read_pack("santa-fe").vocabulary)
    path = tree_of("santa-fe").follow({**facts.known, DAY: tree_of("santa-fe").day})
    assert path is not None
    screen = Screens(tree_of("santa-fe"), segment_of(read_pack("santa-fe"), None)).screen(path.leaf)
    assert isinstance(screen, AnswerScreen)
    assert any("help in an overdose" in text for text in screen.could_turn) == turns


def scene_facts(name: str) -> Iterator[Any]:
    """Yield the facts of the pack's scenarios, on the day of the card."""
    for scenario in read_scenarios(find(name)):
        yield scenario.facts


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_the_scenarios_facts_lead_to_what_decide_says_of_them(name: str) -> None:
    """Also facts that the tree was not made from. Who can't tell twice stops before the end."""
    tree, pack = tree_of(name), read_pack(name)
    decided = 0
    for given_facts in scene_facts(name):
        known = read_facts(given_facts, pack.vocabulary).known
        known = {path: value for path, value in known.items() if path != "encounter.at"}
        known = {**known, DAY: tree.day}
        decided += leads_to_its_answer(tree, known)
    assert decided >= 10


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_longer_lists_than_the_tree_was_made_from_lead_to_their_answer_too(name: str) -> None:
    tree, chance = tree_of(name), random.Random(name)
    decided = 0
    for _ in range(120):
        known: dict[str, Any] = {DAY: tree.day}
        for thing in tree.things:
            for path, value in chance.choice(thing.states).known.items():
                known[path] = value
                if isinstance(value, tuple):
                    others = (chance.choice(thing.states).known.get(path, ()) for _ in range(3))
                    known[path] = value + tuple(record for other in others for record in other)
        decided += leads_to_its_answer(tree, known)
    assert decided >= 20


@settings(deadline=None, max_examples=25, phases=[Phase.generate])
@given(
    written.packs(("at_hand", "offer")),
    st.lists(written.complete().flatmap(written.holes_in), min_size=3, max_size=3),
)
def test_every_leaf_of_a_generated_pack_is_what_decide_says(
    pack: dict[str, Any], cases: list[Any]
) -> None:
    program = written.program(pack)
    day = date(2016, 2, 1)
    try:
        tree = answer_tree(program, "offer", day, most_nodes=150)
    except RequestError as refusal:
        assert refusal.code == "card-too-large"
        return
    for path in tree.paths(limit=60):
        assert agree(path.leaf, tree.decide(path.known))
    for case in cases:
        known = read_facts(written.nested(case), program.pack.vocabulary).known
        known = {path: value for path, value in known.items() if path != "encounter.at"} | {
            DAY: day
        }
        # A generated rule may count or add more records than the tree tries.
        if tree.follow(known) is not None:
            leads_to_its_answer(tree, known)


# Size, and taps


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_a_card_is_small_and_has_no_script_and_no_address(name: str) -> None:
    html = card(name).html
    assert len(html.encode()) <= MOST_BYTES == 200 * 1024
    page = ParsedPage(html)
    assert not page.all("script") and not page.all("img") and not page.all("iframe")
    assert page.all("link") == []
    assert not re.search(r"url\(|@import|https?:|javascript:| on[a-z]+=", html)
    targets = {attributes["id"] for attributes in page.all("section")}
    links = [str(attributes["href"]) for attributes in page.all("a")]
    assert links and all(link[1:] in targets or link.startswith("tel:") for link in links)
    # The first screen comes last: it shows until another one is chosen.
    assert page.all("section")[-1]["id"] == "s1"
    pack = read_pack(name)
    assert Program(pack).digest in html
    assert format_day(segment_of(pack, None).day) in html


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_the_usual_case_takes_six_taps_at_most(name: str) -> None:
    """O13: an adult arrested with some heroin, and any path on which everything is known."""
    pack, tree = read_pack(name), tree_of(name)
    known = {**usual_facts(pack.vocabulary), DAY: tree.day}
    assert 1 <= len(taps_to_answer(tree, segment_of(pack, None), known)) <= 6
    assert card(name).most_taps <= 6


def test_a_known_section_of_law_adds_no_taps_in_santa_fe() -> None:
    pack, tree = read_pack("santa-fe"), tree_of("santa-fe")
    for code in ("NMSA 30-31-23", "NMSA 30-31-25.1", "NMSA 30-16-1"):
        known = {**usual_facts(pack.vocabulary, code), DAY: tree.day}
        assert len(taps_to_answer(tree, segment_of(pack, None), known)) <= 6, code


# Words


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_a_card_says_choices_and_laws_in_plain_words(name: str) -> None:
    html = unescape(card(name).html)
    for word in ("lawmaker", "is other state", "its conduct is", "its kind is", "its level is"):
        # A list of conducts or levels has a name, which is quoted after these words.
        assert not re.search(rf"{word}(?! (on|not on) the list)", html), word
    if name == "santa-fe":
        assert "under federal or tribal law" in html and "under another state’s law" in html


@pytest.mark.parametrize("name", WITH_AN_OFFER)
def test_no_two_conditions_of_a_card_are_one_plain_sentence(name: str) -> None:
    segment = segment_of(read_pack(name), None)
    screens, exact = Screens(tree_of(name), segment), dict[str, str]()
    for statement in screens.tree.statements:
        sentence = line(statement, screens.terms)
        assert exact.setdefault(screens.sentence(statement, True), sentence) == sentence


# The command


def test_the_command_writes_one_file_and_keeps_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "card.html"
    assert main(["card", "lane-or", "--offline", str(file), "--today", "2026-12-01"]) == 0
    assert file.read_text(encoding="utf-8") == card("lane-or").html
    assert re.search(r"card\.html: \d+ screens, \d+ KB, at most \d taps", capsys.readouterr().out)
    assert main(["card", "lane-or", "--offline", str(file)]) == 2
    assert "[file-taken]" in capsys.readouterr().err
    assert main(["card", "lane-or", "--offline", str(file), "--force"]) == 0
    assert main(["card", "lane-or", "--offline", str(file), "--html"]) == 2
    assert main(["card", "drug-court", "--offline", str(tmp_path / "none.html")]) == 2
    assert "[no-card]" in capsys.readouterr().err
    assert not (tmp_path / "none.html").exists()


def test_an_offer_that_is_too_large_is_refused() -> None:
    pack = read_pack("santa-fe")
    with pytest.raises(RequestError) as refused:
        answer_tree(Program(pack), "offer", segment_of(pack, None).day, most_nodes=50)
    assert refused.value.code == "card-too-large"
    assert "without `--offline`" in str(refused.value.fix)


# In a browser


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
def test_a_browser_without_a_network_or_scripts_leads_to_the_answer(tmp_path: Path) -> None:
    file = tmp_path / "card.html"
    file.write_text(card("santa-fe").html, encoding="utf-8")
    shown = "[...document.querySelectorAll('section')].filter(s => s.offsetHeight).map(s => s.id)"
    # A step of the history takes as long as the machine needs. The test fails after ten seconds.
    until = (
        "(async () => {{for (let i = 0; i < 100 && !(("
        + shown
        + ")[0] {}); i++) await new Promise(done => setTimeout(done, 100))}})()"
    )
    with Browser(tmp_path / "profile") as browser:
        browser.show(width=390)
        browser.open(file.as_uri())
        assert browser.evaluate(shown) == ["s1"]
        browser.press("Tab")
        browser.press("Tab")
        assert browser.evaluate("document.activeElement.innerText") == "18 to 20"
        browser.press("Enter")
        second = browser.evaluate(shown)
        assert len(second) == 1 and second != ["s1"]
        assert browser.evaluate("document.activeElement.id") == second[0]
        browser.go("back")
        browser.evaluate(until.format("=== 's1'"))
        browser.click("#s1 a")
        browser.evaluate(until.format("!== 's1'"))
        third = browser.evaluate(shown)
        assert len(third) == 1 and third[0] not in ("s1", second[0])
        for width in (320, 390, 1280):
            browser.show(width=width, dark=width == 390)
            wide = browser.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
        small = browser.evaluate(
            "[...document.querySelectorAll('.rows a')].filter(a => a.offsetHeight)"
            ".filter(a => a.offsetHeight < 44).length"
        )
        assert small == 0
        assert browser.requests == [file.as_uri()] and browser.complaints == []
