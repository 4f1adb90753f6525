"""Citations of law: one canonical form for the many spellings of a section.

`RCW 69.50.4013(2)(b)`, `r.c.w. § 69.50.4013 (2)(b).`, and `69.50.4013(2)(b) RCW` cite the same
section. The systems of citation are in the vocabulary, and a pack's offense table may add one, or
short spellings. A system is never guessed: `69.50.4013` alone cites nothing. A spelling that has no
clear meaning cites nothing either, so that the rules ask and never take one section for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rules.frozen import cached_property, frozen

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


LONGEST = 200  # characters of a citation
MOST_REMEMBERED = 8_192  # texts, before all are forgotten
MOST_MEANT = 4  # sections that are named where a system's name is cut short
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
# Marks that are not seen, apart from the format characters (category Cf): they are left out.
_INVISIBLE = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
)  # fmt: skip
# Compatibility forms that NFKC would turn into plain digits: a footnote mark, `½`, a circled 1.
_NOT_PLAIN = ("<super>", "<sub>", "<fraction>", "<circle>", "<square>", "<vertical>")
_SIGN = r"(?:(?:§+|\b(?:sections?|secs?|subds?|subdivisions?|subsections?)\b)[\s.,]*)*"
_TOKEN = r"[0-9]{1,5}[A-Z]{0,2}"  # a title, chapter, or article
# `RCW 69.50.4013`, `21 USC 841`, and `11377(a) HS`.
_SYSTEM_FIRST = rf"(?:({_TOKEN})[\s.,]*)?(SPELLINGS)[\s.,]*{_SIGN}(.*)"
_SYSTEM_LAST = rf"{_SIGN}([0-9].*?)[\s.,]*(?<![A-Za-z])(SPELLINGS)[\s.,]*"
_FEW_PATTERNS = 8  # of some spellings, before the patterns of all are compiled
_LAST = r"[0-9]+[A-Z]*(?:[.:/-][0-9A-Z]+)*"
_SUBSECTION = re.compile(r"\s*\(\s*([0-9A-Za-z]{1,8}(?:[.-][0-9A-Za-z]{1,8})*)\s*\)")
# `152.025, subd. 2` names the subsection without brackets.
_WORD_OF_PART = (
    r"[\s.,]*\b(?:subd|subdivision|subsec|subsection|para?|paragraph)\b[\s.]*\(?"
    r"([0-9A-Za-z]{1,8})\)?"
)


@frozen
class System:
    """A system of citation, such as `RCW`.

    `levels` name the parts of a section, outermost first, and `separators` are between them: the
    chapter of `RCW 69.50.4013` is `RCW 69.50`. With `title_first` the first level comes before the
    system's name: `21 USC 841`. `authority` is whose law it is, and `state` the state it is of, if
    any.
    """

    name: str
    authority: str
    spellings: tuple[str, ...] = ()
    levels: tuple[str, ...] = ("section",)
    separators: tuple[str, ...] = ()
    title_first: bool = False
    state: str | None = None


@frozen
class Section:
    """A section of law, one of its subsections, or a chapter.

    `path` has its parts, outermost first. `is_whole` is False for a chapter, which contains
    sections and is none.
    """

    system: str
    path: tuple[str, ...]
    text: str
    is_whole: bool = True

    def __str__(self) -> str:
        return self.text

    @cached_property
    def lineage(self) -> tuple[tuple[str, ...], ...]:
        """The keys of everything that contains the section, outermost first, its own key last."""
        return tuple((self.system, *self.path[:end]) for end in range(1, len(self.path) + 1))

    @property
    def key(self) -> tuple[str, ...]:
        """The system and the path: equal for equal sections."""
        return (self.system, *self.path)

    def contains(self, other: Section) -> bool:
        """Return whether `other` is this section or below it."""
        return self.key in other.lineage


@frozen
class GivenCitation:
    """A citation in facts: the text as given, and the section that it cites, None if it cites none.

    `is_recognized` is False for a section that the pack's offense table should have and lacks, and
    for one of another state that nobody has said is meant.
    """

    given: str
    section: Section | None
    is_recognized: bool = True


@frozen
class SectionSet:
    """Sections to look for a citation in. Made by `section_set`."""

    listed: frozenset[tuple[str, ...]]
    above: frozenset[tuple[str, ...]]

    def has(self, citation: GivenCitation | None) -> bool | None:
        """Return True for a listed section or one below it, and None if that can't be known.

        It can't be known of a citation that is unknown, cites nothing or a chapter alone, is above
        a listed section, or is not recognized.
        """
        if citation is None or citation.section is None:
            return None
        section = citation.section
        if self.has_section(section):
            return True
        is_open = not (citation.is_recognized and section.is_whole) or section.key in self.above
        return None if is_open else False

    def has_section(self, section: Section) -> bool:
        """Return whether a section is listed, or below one that is."""
        return not self.listed.isdisjoint(section.lineage)


@lru_cache(maxsize=1024)
def section_set(sections: tuple[Section, ...]) -> SectionSet:
    """Return a set of sections, and of everything that is above one of them."""
    above = {key for section in sections for key in section.lineage[:-1]}
    return SectionSet(frozenset(section.key for section in sections), frozenset(above))


class CitationReader:
    """Reads citations in the spellings of some systems. `short` maps other spellings to systems."""

    def __init__(self, systems: Mapping[str, System], short: Mapping[str, str]) -> None:
        self.systems = systems
        names = {
            _fold(spelling): system.name
            for system in systems.values()
            for spelling in (system.name, *system.spellings)
        } | {_fold(spelling): name for spelling, name in short.items()}
        self._names = names
        # INVARIANT: the longest spelling comes first, so that `NY PL` is never taken for less.
        self._spellings = tuple(sorted(names, key=len, reverse=True))
        self._patterns: dict[tuple[str, tuple[str, ...] | None], re.Pattern[str]] = {}
        self.read = lru_cache(maxsize=8192)(self._read)
        self.meant = lru_cache(maxsize=4096)(self._find_meant)
        self.remembered: dict[str, GivenCitation] = {}
        # What a bare name may lack: `CA` of `CA PC`, and `N.Y.` of `N.Y. Penal Law`.
        self._first_words = {
            (system.name, " ".join(words[:count])): None
            for system in systems.values()
            for words in map(str.split, (system.name, *system.spellings))
            for count in range(1, len(words))
        }

    def remember(self, text: str, citation: GivenCitation) -> None:
        """Remember what a text in facts cites. It depends on the text and the systems alone."""
        if len(self.remembered) >= MOST_REMEMBERED:
            self.remembered.clear()
        self.remembered[text] = citation

    def _read(self, text: str) -> Section | None:
        """Return the section that a text cites, or None."""
        plain = _plain(text)
        if plain is None:
            return None
        match = self._match(_SYSTEM_FIRST, plain)
        if match is not None:
            title, spelling, rest = match.groups()
            system = self.systems[self._names[_fold(spelling)]]
            if system.title_first == (title is not None):
                return _section(system, title, rest)
        return self._read_with_system_last(plain)

    def _match(self, layout: str, plain: str) -> re.Match[str] | None:
        """Match a whole text with a layout, in which `SPELLINGS` are those of the systems.

        Compiling all of them takes longer than the rest of a cold decision. So the first texts are
        matched with the spellings that they contain. No other one can match in them.
        """
        spellings: tuple[str, ...] | None = None
        if len(self._patterns) < _FEW_PATTERNS:
            folded = _fold(plain)
            spellings = tuple(
                name for name in self._spellings if name in folded or not name.isascii()
            )
            if not spellings:
                return None
        pattern = self._patterns.get((layout, spellings))
        if pattern is None:
            listed = self._spellings if spellings is None else spellings
            spelled = "|".join(map(_spelled, listed)) or "(?!)"
            pattern = re.compile(layout.replace("SPELLINGS", spelled), re.IGNORECASE | re.DOTALL)
            self._patterns[layout, spellings] = pattern
        return pattern.fullmatch(plain)

    def may_begin(self, start: str) -> bool:
        """Return whether a citation may begin with a text. `NIBRS ` begins none."""
        letters = re.match(r"[A-Za-z][A-Za-z\s.,]*", start)
        if letters is None:
            return True
        first = _fold(letters.group())
        return first.startswith(("sec", "sub")) or any(
            name.startswith(first) or first.startswith(name) for name in self._names
        )

    def _read_with_system_last(self, plain: str) -> Section | None:
        """Return the section of a text whose system comes after it: `11377(a) HS`."""
        match = self._match(_SYSTEM_LAST, plain)
        if match is None:
            return None
        rest, spelling = match.groups()
        system = self.systems[self._names[_fold(spelling)]]
        section = None if system.title_first else _section(system, None, rest)
        return section if section is not None and section.is_whole else None

    def _find_meant(self, text: str) -> tuple[str, ...]:
        """Return the sections that a text without a known system may mean.

        `PC 484` may mean `CA PC 484`: a known system ends with its name. Nothing is meant by a
        number alone, and the meaning is only asked for, never taken.
        """
        plain = _plain(text)
        if plain is None or self.read(text) is not None:
            return ()
        found: dict[str, None] = {}
        for system, words in self._first_words:
            section = self.read(f"{words} {plain}")
            if section is not None and section.system == system and section.is_whole:
                found[section.text] = None
        return tuple(found) if len(found) <= MOST_MEANT else ()


def how_to_cite(reader: CitationReader, text: str) -> str:
    """Return the fix for a text that cites no section of law."""
    meant = reader.meant(text)
    if not meant:
        return "write it with the name of its law, such as `21 USC 841`"
    return f"did you mean {' or '.join(f'`{section}`' for section in meant)}?"


def _section(system: System, title: str | None, rest: str) -> Section | None:
    """Return the section of a system whose title comes before its name, or is None."""
    head = re.match(r"[0-9A-Za-z.:/-]*", rest)
    number = head.group().rstrip(".:/-").upper() if head else ""
    own = _split(number, system.separators) if number else ()
    parts = [title.upper(), *own] if title is not None else [*own]
    depth = len(system.levels)
    subsections = _subsections(rest[len(head.group()) if head else 0 :])
    is_whole = len(parts) == depth and bool(number)
    if not parts or subsections is None or (subsections and not is_whole):
        return None
    outer = parts[:-1] if is_whole else parts
    if not all(re.fullmatch(_TOKEN, part) for part in outer):
        return None
    if is_whole and not (re.fullmatch(_LAST, parts[-1]) and _is_one_part(system, parts[-1])):
        return None
    before = f"{title.upper()} " if title is not None else ""
    main = f"{before}{system.name} {number}".rstrip()
    tail = "".join(f"({name})" for name in subsections)
    return Section(system.name, (*parts, *subsections), main + tail, is_whole)


def _is_one_part(system: System, last: str) -> bool:
    """Return False for a last part with a further part that the system's sections don't have.

    `ORS 164.043.1` and `ORS 164.043-1` mean a subsection, perhaps. Nobody can tell, so such a text
    cites nothing and is asked for. `NY PL 130.65-a` and `CA HSC 11364.5` are sections.
    """
    if any(mark in last for mark in (":", "/", *system.separators[-1:])):
        return False
    return not (system.separators[-1:] == (".",) and re.search("-[0-9]", last))


def _split(number: str, separators: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts of a number between the separators, as far as it has them in this order."""
    parts: list[str] = []
    for separator in separators:
        outer, found, inner = number.partition(separator)
        if not found:
            break
        parts.append(outer)
        number = inner
    return (*parts, number)


def _subsections(text: str) -> tuple[str, ...] | None:
    """Return the names of subsections after a section, or None for any other text."""
    names: list[str] = []
    at = 0
    while at < len(text) and (match := _SUBSECTION.match(text, at) or _part(text, at)):
        names.append(match[1].lower())
        at = match.end()
    return tuple(names) if not text[at:].strip(" .,") else None


def _part(text: str, at: int) -> re.Match[str] | None:
    """Match a subsection without brackets. Compiled when first needed."""
    return re.compile(_WORD_OF_PART, re.IGNORECASE).match(text, at)


def clean(text: str) -> str:
    """Return a text without what nobody sees: invisible marks. Every blank is a plain one."""
    if text.isascii():
        return text
    import unicodedata

    return "".join(
        " " if unicodedata.category(character) == "Zs" else character
        for character in text
        if unicodedata.category(character) != "Cf" and not _is_invisible(character)
    )


def _plain(text: str) -> str | None:
    """Return a text in ASCII, or None if it has a character without a plain form."""
    if len(text) > LONGEST:
        return None
    if text.isascii():
        return text.strip()
    import unicodedata

    seen = clean(text)
    if any(unicodedata.decomposition(character).startswith(_NOT_PLAIN) for character in seen):
        return None
    plain = unicodedata.normalize("NFKC", seen).translate(_DASHES).strip()
    return plain if plain.replace("§", "").isascii() else None


def _is_invisible(character: str) -> bool:
    number = ord(character)
    return any(first <= number <= last for first, last in _INVISIBLE)


def _spelled(name: str) -> str:
    """Return the pattern of a folded spelling. `RCW` is not in `RCWA`, nor 1978 in 19784."""
    end = "(?![0-9])" if name[-1].isdigit() else "(?![A-Za-z])"
    return r"[\s.,]*".join(map(re.escape, name)) + end


def _fold(spelling: str) -> str:
    """Return a system's spelling without what does not count: points, commas, blanks, and case."""
    return re.sub(r"[\s.,]", "", spelling).casefold()


def another_section(system: System) -> str:
    """Return a citation of a section that no list and no table has."""
    levels = ["99999"] * len(system.levels)
    number = "".join(map("".join, zip(levels, (*system.separators, ""), strict=True)))
    return f"{system.name} {number}"


def section_within(system: System, chapter: Section) -> str:
    """Return a citation of a section of the chapter that no list and no table has."""
    if system.title_first:
        return f"{chapter.text} 99999"
    return chapter.text + "".join(
        f"{mark}99999" for mark in system.separators[len(chapter.path) - 1 :]
    )


def clashing(systems: Iterable[System], short: Mapping[str, str]) -> str | None:
    """Return a spelling that means two systems, or None."""
    names: dict[str, str] = {}
    spellings = [
        (spelling, system.name)
        for system in systems
        for spelling in (system.name, *system.spellings)
    ]
    for spelling, name in (*spellings, *short.items()):
        if names.setdefault(_fold(spelling), name) != name:
            return spelling
    return None


def reader_of(vocabulary: Any) -> CitationReader:
    """Return the reader of a vocabulary's citations, made once."""
    reader: CitationReader | None = vocabulary.__dict__.get("_citations")
    if reader is None:
        reader = CitationReader(vocabulary.citations, vocabulary.short_citations)
        vocabulary.__dict__["_citations"] = reader
    return reader
