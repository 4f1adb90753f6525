"""Check the pages for readers: links, anchors, commands, test files, and the glossary's order."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = next(
    folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file()
)
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
READER_PAGES = [
    DOCS / name
    for name in (
        "adopting.md",
        "faq.md",
        "for-coordinators.md",
        "for-counsel.md",
        "for-engineers.md",
        "for-it.md",
        "for-participants.es.md",
        "for-participants.md",
        "glossary.md",
        "golden-rule.md",
        "limits.md",
        "privacy-law.md",
    )
]
GROUPS = ("agency", "hub")

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[`/ ])offramp ([a-z]+)(?: ([a-z]+))?")
_TEST_FILE = re.compile(r"\btest_[a-z0-9_]+\.py\b")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, spelled as GitHub spells them."""
    slugs: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while (unique := slug if not number else f"{slug}-{number}") in slugs:
            number += 1
        slugs.add(unique)
    return slugs


@cache
def listed_commands(group: str | None) -> frozenset[str]:
    """Return the names that the help of `offramp` or of one of its groups lists."""
    arguments = [sys.executable, "-m", "offramp", *([group] if group else []), "--help"]
    text = subprocess.run(
        arguments, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    return frozenset(re.findall(r"^\s+([a-z]+)\b", text, re.MULTILINE))


def named_commands(page: Path) -> set[tuple[str, str]]:
    """Return each command that a page writes in code, as (group or empty, name)."""
    text = page.read_text(encoding="utf-8")
    code = _FENCE.findall(text) + re.findall(r"`[^`\n]+`", _FENCE.sub("", text))
    commands = set()
    for snippet in code:
        for first, second in _COMMAND.findall(snippet):
            if first in GROUPS:
                commands.add((first, second))
            else:
                commands.add(("", first))
    return commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_and_anchor_resolves(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to `{link}`, which does not exist"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), (
                f"{page.name} links to `{link}`, but {target.name} has no such heading"
            )


@pytest.mark.parametrize("page", READER_PAGES, ids=lambda page: page.name)
def test_every_command_on_a_reader_page_is_in_the_help(page: Path) -> None:
    for group, name in sorted(named_commands(page)):
        assert name in listed_commands(group or None), (
            f"{page.name} names `offramp {group} {name}`, which no help lists"
        )


@pytest.mark.parametrize("page", READER_PAGES, ids=lambda page: page.name)
def test_every_test_file_on_a_reader_page_exists(page: Path) -> None:
    existing = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    missing = sorted(set(_TEST_FILE.findall(page.read_text(encoding="utf-8"))) - existing)
    assert not missing, f"{page.name} names tests that do not exist: {', '.join(missing)}"


def test_the_threat_model_names_every_attack_test() -> None:
    attacks = {path.name for path in (ROOT / "tests").rglob("test_t[0-9][0-9]_*.py")}
    assert attacks, "no attack tests were found"
    missing = sorted(
        attacks - set(_TEST_FILE.findall((DOCS / "for-engineers.md").read_text(encoding="utf-8")))
    )
    assert not missing, f"for-engineers.md leaves out {', '.join(missing)}"


def test_the_page_about_the_tests_names_every_test_file_and_no_other() -> None:
    page = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    files = (ROOT / "tests").rglob("test_*.py")
    existing = {path.name for path in files if path.parent.name != "attacks"}
    named = set(_TEST_FILE.findall(page))
    assert not existing - named, f"add a row for {', '.join(sorted(existing - named))}"
    assert not named - existing, f"no such test: {', '.join(sorted(named - existing))}"


def test_the_glossary_is_alphabetical_and_defines_each_term_once() -> None:
    terms = re.findall(
        r"^## (.+)$", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(terms) > 50
    assert terms == sorted(terms, key=str.casefold)
    assert len({term.casefold() for term in terms}) == len(terms)


def test_every_reader_page_with_names_says_that_the_agency_vouches_for_them() -> None:
    for name in (
        "adopting.md",
        "faq.md",
        "for-coordinators.md",
        "for-counsel.md",
        "for-engineers.md",
        "for-it.md",
        "limits.md",
    ):
        text = " ".join((DOCS / name).read_text(encoding="utf-8").split()).lower()
        assert "agency vouches for" in text, (
            f"{name} does not say that the agency vouches for names"
        )
