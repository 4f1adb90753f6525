"""The memo of a rule change as a page: its order, its words, its charts, and how it looks."""

from __future__ import annotations

import base64
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main
from offramp.digest_words import digest_words
from offramp.documents.memo_page import memo_page, redlined
from offramp.policy.change_text import memo_lines
from offramp.policy.cohort.report import CohortRequest, CohortSource
from offramp.policy.operations import change_memo
from rules.input.printing import plain
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.made_up_arrests import ARRESTS, LONG, MAP
from tests.support.parsed_page import ParsedPage
from tests.support.riverton import PACK, PROMISE, pack_in

pytest.importorskip("z3", reason="the solver isn't installed")

SECTIONS = [
    "What changes",
    "Which cases change",
    "Do the scenarios notice?",
    "Open cases on the day",
    "Who is affected",
    "Places and money",
    "How to repeat it",
]
FORBIDDEN = (
    "would be eligible in",
    "savings",
    "people who use drugs",
    "you should",
    "p-value",
    "risk score",
)
SANTA_FE = ["santa-fe@2014-04-01", "santa-fe@2018-10-01", "--decision", "eligibility"]


def memo_of_cohort(folder: Path, *, by: tuple[str, ...] = ("race",)) -> dict[str, Any]:
    """Return the memo of Santa Fe's cap with the made-up file, as the command prints it."""
    (folder / "rows.csv").write_text(ARRESTS)
    (folder / "map.yaml").write_text(MAP)
    source = CohortSource(str(folder / "rows.csv"), str(folder / "map.yaml"), by)
    made = change_memo(
        *SANTA_FE[:2],
        today="2026-01-01",
        decisions=("eligibility",),
        cohort=CohortRequest(source, None),
    )
    return dict(plain(made.value))


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return memo_of_cohort(tmp_path_factory.mktemp("cohort"))


def text_of(page: str) -> str:
    """Return the text of a page as a person reads it."""
    body = re.sub(r"<(style|title)>.*?</\1>", " ", page, flags=re.DOTALL)
    parsed = ParsedPage(_without_shapes(body))
    return " ".join(" ".join(text for text, _ in parsed.texts).split())


def _without_shapes(page: str) -> str:
    return re.sub(r"<(path|rect|line) [^>]*/>", "", page)


def test_the_command_writes_the_page_and_prints_the_memo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "memo.html"
    assert main(["change", *SANTA_FE, "--html", str(file), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    page = file.read_text(encoding="utf-8")
    assert page == memo_page(value)
    parsed = ParsedPage(_without_shapes(page))
    titles = [text for text, around in parsed.texts if around[-1] == "h2"]
    assert titles == SECTIONS
    assert "<script" not in page and "http-equiv" not in page and not parsed.all("link")
    shown = text_of(page)
    assert "The program does not take more than removed: 3 added: 6 g of opiates." in shown
    assert "Proved: no case goes from eligible to ineligible." in shown
    assert "grams 4" in shown and "LEAD Santa Fe, Referral Process" in shown
    assert "In doubt: the page is undated" in shown
    # Without a file nobody is counted, and the page says so.
    assert "there are no charts" in shown and not parsed.all("svg")
    # A page that is there is kept.
    assert main(["change", *SANTA_FE, "--html", str(file)]) == 2
    assert "[file-taken]" in capsys.readouterr().err
    assert main(["change", *SANTA_FE, "--html", str(file), "--force"]) == 0


def test_the_charts_have_tables_and_draw_no_hidden_number(counted: dict[str, Any]) -> None:
    page = memo_page(counted)
    shown = text_of(page)
    charts = re.findall(r"<figure>(.*?)</figure>", page, re.DOTALL)
    tables = re.findall(r"<caption>(.*?)</caption>", page)
    assert tables[:2] == [
        "Answers for these arrests, before and after",
        "Arrests that go from ineligible to eligible",
    ]
    groups = {group["group"]: group for group in counted["cohort"]["groups"]}
    everyone, small = groups["ALL"], groups[LONG]
    first, second = (text_of(chart) for chart in charts[:2])
    for side in ("before", "after"):
        for outcome in ("eligible", "either"):
            assert f"{everyone[side][outcome]:,}" in first
    # The width is all rows, with an axis, so a small share is a short bar.
    assert "25 % 50 % (817) 75 % 100 % (1,634)" in first
    widths = re.findall(r'class="sure" x="0.00%" y="\d+" width="([\d.]+)%"', charts[0])
    assert [float(width) for width in widths] == [
        pytest.approx(100 * everyone[side]["eligible"] / 1634, abs=0.01)
        for side in ("before", "after")
    ]
    (change,) = everyone["flips"]
    assert f"ALL: {change['surely']:,} to {change['at_most']:,} of 1,634" in second
    # A range is drawn if both its ends are known. A hidden end has no mark.
    flips = [group["flips"][0] for group in groups.values()]
    ends = [end for each in flips for end in each["rate"]]
    assert small["flips"][0]["surely"] == {"hidden": True} and None in ends
    assert charts[1].count('class="sure"') == sum(end is not None for end in ends)
    drawn = sum(None not in each["rate"] for each in flips)
    assert charts[1].count('class="may"') == charts[1].count('class="chance"') == drawn
    assert "hidden" in shown and "Left out: a hidden number" in shown and "age: " in shown


def test_what_decides_is_the_third_chart(counted: dict[str, Any]) -> None:
    page = memo_page(counted)
    charts = re.findall(r"<figure>(.*?)</figure>", page, re.DOTALL)
    assert len(charts) == 3 and "What decides these arrests for certain, in numbers" in page
    third = text_of(charts[2])
    counts = {
        side: {item.get("rule"): item["rows"] for item in counted["cohort"]["rules"][side]}
        for side in ("before", "after")
    }
    for side in ("before", "after"):
        assert f"{counts[side]['over-the-cap']:,}" in third
    assert counts["before"]["over-the-cap"] != counts["after"]["over-the-cap"]
    assert "Decided before by over-the-cap ." in text_of(page)
    # The reason has each side's number.
    reason = "Before: The program does not take more than 3 g of opiates."
    assert reason in text_of(page)
    assert "After: The program does not take more than 6 g of opiates." in text_of(page)


def test_the_words_are_those_that_are_required_and_none_that_is_forbidden(
    counted: dict[str, Any],
) -> None:
    shown = text_of(memo_page(counted))
    lines = " ".join(" ".join(memo_lines(counted)).split())
    for text in (shown, lines):
        assert "How the rule treats these arrests" in text
        assert "not a person" in text and "as if the years were a sample" in text
        assert (
            "Two reports of one file can tell together what each hides, also with the same" in text
        )
        for forbidden in FORBIDDEN:
            assert forbidden not in text.casefold(), forbidden


def test_nobody_is_moved_also_at_most(counted: dict[str, Any]) -> None:
    value = copy.deepcopy(counted)
    nothing = {"surely": 0, "at_most": 0, "sharp": True, "rate": [0, 0], "interval": [0, 0.01]}
    for group in value["cohort"]["groups"]:
        group["flips"] = [{"before": "ineligible", "after": "eligible", **nothing}]
    shown = text_of(memo_page(value))
    assert "None of these arrests goes from ineligible to eligible, also at most." in shown


def test_a_memo_from_a_file_has_the_counts_in_words(counted: dict[str, Any]) -> None:
    lines = "\n".join(memo_lines(json.loads(json.dumps(counted))))
    (change,) = counted["cohort"]["groups"][0]["flips"]
    row = rf"ALL +1,634 +{change['surely']:,} +{change['at_most']:,} "
    assert re.search(row, lines) and "left out: hidden for age" in lines
    assert re.search(rf"{LONG} +34 +hidden", lines)
    # The columns and the tables of the report that was made here.
    assert lines.count("eligible of 1,000") == 2
    differences = [each["range"] != [None, None] for each in counted["cohort"]["differences"]]
    assert ("one group less another:" in lines) is any(differences)
    rates = counted["cohort"]["groups"][0]["rates"]["after"]
    low, high = (f"{end * 1000:.1f}" for end in rates["rate"])
    assert re.search(rf"ALL +1,634 .* {low} to {high} ", lines)


def test_a_change_that_breaks_a_promise_says_so_first_with_the_smallest_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """W2."""
    old = pack_in(tmp_path / "old", PACK + PROMISE)
    new = pack_in(tmp_path / "new", PACK.replace("person.age < 18", "person.age < 17"))
    file = tmp_path / "memo.html"
    words = ["--decision", "eligibility", "--today", "2026-01-01", "--html", str(file)]
    assert main(["change", old, new, *words, "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    (broken,) = value["promises"]["broken"]
    assert (broken["promise"], broken["outcome"]) == ("no-minors", "eligible")
    assert broken["facts"]["person"] == {"age": 17} and broken["lifted"] is True
    page = file.read_text(encoding="utf-8")
    shown = text_of(page)
    titles = [text for text, around in ParsedPage(page).texts if around[-1] == "h2"]
    assert titles[0] == "This change breaks something: 1 invariant is removed"
    assert shown.index("The smallest case that breaks it") < shown.index("What changes")
    assert re.search(r"person age 17 .*The rules say: eligible", shown)
    # Nobody reads the words of such a memo to others.
    assert "eight words" not in shown
    assert main(["change", old, new, *words, "--force"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("  Broken: `no-minors`: The program is for adults.")


def test_a_redline_is_one_sentence() -> None:
    assert redlined("More than 3 g <b>.", "More than 6 g <b>.") == (
        'More than <del><span class="vh">removed: </span>3</del> '
        '<ins><span class="vh">added: </span>6</ins> g &lt;b&gt;.'
    )
    assert redlined("a b", "a") == 'a <del><span class="vh">removed: </span>b</del>'


def test_text_of_a_pack_is_never_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "<script>alert(1)</script> & `x"
    text = PACK.replace("title: Riverton", f"title: {json.dumps(hostile)}")
    text = text.replace("largest amount", "<img src=x>").replace("Nobody under 18.", "</p><svg>.")
    old, new = (
        pack_in(tmp_path / "old", text),
        pack_in(
            tmp_path / "new", text.replace("value: 4", "value: 5").replace("</p><svg>", "</main>")
        ),
    )
    file = tmp_path / "memo.html"
    words = ["--decision", "eligibility", "--today", "2026-01-01", "--html", str(file)]
    assert main(["change", old, new, *words]) == 0
    page = file.read_text(encoding="utf-8")
    assert "<script" not in page and "<img" not in page
    ParsedPage(page)


def test_the_digest_is_read_as_eight_words_and_one_changed_byte_gives_others() -> None:
    """W5."""
    digest = "sha256:" + "7c" * 32
    words = digest_words(digest)
    assert len(words) == 8 and all(re.fullmatch("[a-z]{3,8}", word) for word in words)
    assert digest_words(digest) == words
    for place in range(32):
        changed = bytearray(b"\x7c" * 32)
        changed[place] ^= 1
        assert digest_words(f"sha256:{changed.hex()}") != words


# In a browser


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
def test_the_page_fits_each_width_in_light_and_dark_and_prints_on_three_sheets(
    counted: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "memo.html"
    file.write_text(memo_page(counted), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        browser.forbid_scripts()
        for width in (320, 390, 820, 1280):
            for dark in (False, True):
                browser.show(width=width, dark=dark)
                browser.open(file.as_uri())
                assert browser.evaluate("document.documentElement.scrollWidth") <= width
                assert browser.complaints == [] and browser.requests == [file.as_uri()]
                ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (ground == "rgb(16, 24, 26)") is dark
        printed = browser.call("Page.printToPDF", preferCSSPageSize=True)["data"]
        sheets = re.findall(rb"/Type\s*/Page[^s]", base64.b64decode(printed))
        assert len(sheets) <= 3


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_has_no_fault_that_axe_finds(
    counted: dict[str, Any], dark: bool, tmp_path: Path
) -> None:
    file = tmp_path / "memo.html"
    file.write_text(memo_page(counted), encoding="utf-8")
    broken = copy.deepcopy(counted)
    promise = {
        "promise": "p",
        "says": "S.",
        "facts": {"person": {"age": 17}},
        "outcome": "eligible",
    }
    broken["findings"] = ["the invariant `p` is broken"]
    broken["promises"]["broken"] = [
        {**promise, "facts": {"person": {"age": 17}}, "rules": ["otherwise"]}
    ]
    stopped = tmp_path / "stopped.html"
    stopped.write_text(memo_page(broken), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        for page in (file, stopped):
            for width in (320, 390, 820, 1280):
                browser.show(width=width, dark=dark)
                browser.open(page.as_uri())
                assert axe_violations(browser) == [], width


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
def test_axe_finds_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<html><body><img src=x><p style='color:#aaa'>pale</p></body></html>")
    with Browser(tmp_path / "profile") as browser:
        browser.open(file.as_uri())
        found = " ".join(axe_violations(browser))
    assert "image-alt" in found and "color-contrast" in found and "html-has-lang" in found
