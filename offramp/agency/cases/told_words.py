"""The details that the parts of a case told, as far as this agency can read them, in plain words.

A part names whole categories in its label, and may state only some of their details. The account
names these details if this agency sent the part or opened it. Of every other part it claims no more
than the label does. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from exchange.consent.account_rows import Row
from exchange.records.statements import About
from offramp.agency.cases.account_words import SAID, SHORT_CATEGORIES
from offramp.agency.cases.caseload import own_parts
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.detail_words import DETAILS, FIELDS, OTHERS
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.list_changes import is_list
from offramp.agency.cases.pack_terms import PackTerms, terms_of
from offramp.agency.cases.plain_words import CATEGORIES
from offramp.agency.cases.stated import StatedContent, readable_contents
from offramp.agency.cases.told import Detail, details_of
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

Phrase = tuple[str, str]
# The issuer, the record, and the part.
PartKey = tuple[str, str, str]
_LANGUAGES = ("en", "es")
# Of more details than this, a sum has their number.
MOST_NAMED = 6
# A category of one thing, which is told as a whole.
_WHOLE = ("consent_identity", "disclosure_account")
# A sum names the details of these, whose short names would claim more than was told.
_NAMED = ("contact", "case_manager_contact", "decision_outcome", "barriers", "premises_crime")
_ORDER = {name: place for place, name in enumerate(DETAILS)}


@frozen
class ToldDetail:
    """A detail that a part states, in English and Spanish.

    `by_rules` is true for what a part says of the rules' answer, which states no detail itself.
    With `is_looked_at`, the rules looked at the information that the words name.
    """

    words: Phrase
    by_rules: bool = False
    is_looked_at: bool = False


@frozen
class ToldContents:
    """The details of each readable part, by its key and category, in English and Spanish.

    `corrected` has the details that a readable correction changed, if what it corrects is readable
    too.
    """

    details: Mapping[PartKey, Mapping[str, tuple[ToldDetail, ...]]] = field(default_factory=dict)
    corrected: Mapping[PartKey, tuple[Phrase, ...]] = field(default_factory=dict)

    def of(self, row: Row) -> tuple[ToldDetail, ...] | None:
        """Return the details of a row, None if they can't be read here."""
        if row.category in _WHOLE:
            return (ToldDetail(CATEGORIES[row.category]),)
        by_category = self.details.get((row.issuer, row.record, row.part))
        return None if by_category is None else by_category.get(row.category)


NOTHING_READABLE = ToldContents()


def told_contents(working_set: WorkingSet, case: str) -> ToldContents:
    """Return what the parts of a case state that this agency sent, or opened and still has."""
    terms = terms_of(working_set)
    contents = readable_contents(working_set, case)
    return ToldContents(
        {
            key: {
                category: tuple(dict.fromkeys(_stated(category, members or {}, terms)))
                for category, members in stated.content.items()
            }
            for key, stated in contents.items()
        },
        dict(_corrected(working_set, case, contents, terms)),
    )


def named(rows: Sequence[Row], contents: ToldContents, column: int) -> list[str]:
    """Return what was told with some texts: each detail, and the kinds of unreadable ones."""
    details = dict.fromkeys(detail for row in rows for detail in contents.of(row) or ())
    unread = [row.category for row in rows if contents.of(row) is None]
    key = "information" if any(row.is_oral for row in rows) else "unseen"
    return [*_phrases(details, column), *_information(key, unread, column)]


def summed(
    rows: Sequence[Row], contents: ToldContents, column: int, most: int | None = MOST_NAMED
) -> list[str]:
    """Return what was told with some texts in few words.

    It is the short name of each category, or its details where the name would claim more. More
    details than `most` are counted. What can't be read here is named as information on its
    categories.
    """
    by_category: dict[str, list[Row]] = {}
    for row in rows:
        by_category.setdefault(row.category, []).append(row)
    phrases: dict[str, None] = {}
    by_rules: dict[ToldDetail, None] = {}
    unread = []
    for category, texts in by_category.items():
        details = [contents.of(row) for row in texts]
        readable = dict.fromkeys(detail for text in details for detail in text or ())
        facts = [detail.words[column] for detail in readable if not detail.by_rules]
        short = SHORT_CATEGORIES[category][column]
        if most is not None and len(facts) > most:
            facts = [SAID["some_details"][column].format(category=short, count=len(facts))]
        is_short = bool(facts) and category not in _NAMED
        phrases |= dict.fromkeys([short] if is_short else facts)
        by_rules |= dict.fromkeys(detail for detail in readable if detail.by_rules)
        if None in details and not is_short:
            unread.append(category)
    rules = _phrases(by_rules, column)
    return [*phrases, *rules, *_information("information", unread, column)]


def _phrases(details: Iterable[ToldDetail], column: int) -> list[str]:
    """Return details in words, and in one phrase all that the rules looked at."""
    phrases: dict[str, None] = {}
    looked_at: dict[str, None] = {}
    for detail in details:
        (looked_at if detail.is_looked_at else phrases)[detail.words[column]] = None
    if looked_at:
        phrases[OTHERS["looked"][column].format(category=", ".join(looked_at))] = None
    return list(phrases)


def _information(key: str, categories: Iterable[str], column: int) -> list[str]:
    """Return one phrase for texts that can't be read here, or none."""
    shorts = dict.fromkeys(SHORT_CATEGORIES[category][column] for category in categories)
    return [SAID[key][column].format(category=", ".join(shorts))] if shorts else []


def _stated(category: str, members: Mapping[str, Any], terms: PackTerms) -> Iterator[ToldDetail]:
    """Yield what a category of a content states."""
    if determination := members.get("determination"):
        decision = _decision(str(determination["decision"]))
        yield ToldDetail(_other("determined", decision=decision))
    if members.get("steps"):
        yield ToldDetail(OTHERS["steps"])
    if members.get("meeting_on"):
        yield ToldDetail(DETAILS["status.meeting_on"])
    for detail, value in sorted(
        details_of({category: members}), key=lambda pair: _ORDER.get(pair[0].name, len(_ORDER))
    ):
        yield ToldDetail(_detail(detail, value, terms))
    if answer := members.get("decision"):
        decision = _decision(str(answer["decision"]))
        has_outcome = answer.get("outcome") is not None
        if has_outcome or answer.get("status") == "undetermined":
            key = "answered" if has_outcome else "undetermined"
            yield ToldDetail(_other(key, decision=decision), by_rules=True)
        if not has_outcome:
            yield ToldDetail(SHORT_CATEGORIES[category], by_rules=True, is_looked_at=True)
        if answer.get("needed"):
            yield ToldDetail(OTHERS["needed"], by_rules=True)


def _detail(detail: Detail, value: Any, terms: PackTerms) -> Phrase:
    phrase = DETAILS.get(detail.name) or _asked("own_fact", detail.name, terms)
    if value is None:
        return _other("not_known", detail=phrase)
    fields = tuple(_fields(detail.name, value, terms)) if is_list(value) else ()
    if not fields:
        return phrase
    english, spanish = (
        f"{phrase[column]} ({', '.join(name[column] for name in fields)})" for column in range(2)
    )
    return english, spanish


def _fields(name: str, entries: Iterable[Mapping[str, Any]], terms: PackTerms) -> Iterator[Phrase]:
    """Yield the fields of a list that any of its entries states."""
    fact = terms.fact(name)
    for member in fact.fields if fact is not None else ():
        if any(entry.get(member) is not None for entry in entries):
            path = f"{name}.{member}"
            yield FIELDS.get(path) or _asked("own_field", path, terms)


def _asked(key: str, path: str, terms: PackTerms) -> Phrase:
    """Return a detail that only the program's pack has: it is named by its question."""
    english, spanish = (terms.question(path, language) for language in _LANGUAGES)
    return _other(key, question=(english, spanish))


def _decision(decision: str) -> Phrase:
    """Return the name of a decision in a sentence."""
    english, spanish = (
        form_terms().label("decision", decision, language) for language in _LANGUAGES
    )
    return english[:1].lower() + english[1:], spanish[:1].lower() + spanish[1:]


def _other(key: str, **words: Phrase) -> Phrase:
    english, spanish = (
        OTHERS[key][column].format(**{name: word[column] for name, word in words.items()})
        for column in range(2)
    )
    return english, spanish


def _corrected(
    working_set: WorkingSet,
    case: str,
    contents: Mapping[PartKey, StatedContent],
    terms: PackTerms,
) -> Iterator[tuple[PartKey, tuple[Phrase, ...]]]:
    """Yield each readable correction with the details that it changed."""
    corrects = _corrects(working_set, case)
    now: dict[PartKey, dict[Detail, Any]] = {}
    root: dict[PartKey, PartKey] = {}
    for key, stated in sorted(contents.items(), key=lambda pair: pair[1].position):
        details = dict(details_of(stated.content))
        corrected = corrects.get(key)
        if corrected is None:
            now[key] = details
            continue
        root[key] = root.get(corrected, corrected)
        before = now.get(root[key])
        if before is not None:
            changed = tuple(
                _detail(detail, value, terms)
                for detail, value in details.items()
                if before.get(detail) != value
            )
            before.update(details)
            yield key, changed


def _corrects(working_set: WorkingSet, case: str) -> Mapping[PartKey, PartKey]:
    """Return the part that each correction corrects."""
    records = working_set.cases.records(case)
    labels = [
        ((working_set.agency, sent.jti, part), label.statement)
        for sent in records.sent
        if sent.kind == CORRECTION
        for part, label, _ in own_parts(sent)
    ] + [
        ((received.record.issuer, received.record.jti, part), label.statement)
        for received in records.received.values()
        if received.record is not None and received.record.kind == CORRECTION
        for part, label in received.record.labels.items()
    ]
    return {key: (key[0], *about.about) for key, about in labels if isinstance(about, About)}
