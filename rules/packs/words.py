"""Readers of the words of a pack: its `words`, and its Spanish texts in `spanish.csv`.

`spanish.csv` lies beside `pack.yaml` and has two columns: the English text exactly as the pack has
it, and the Spanish one. So an English text that changes loses its translation, and no reader is
shown one of an older text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from rules.errors import FactsError, PackError, Place, nearest
from rules.input import keys
from rules.input.characters import find_hidden
from rules.input.csv_text import Row, read_rows
from rules.input.vocabulary import Fact
from rules.input.yaml import Node
from rules.packs.consent_sets import read_in_both
from rules.packs.draft import Draft
from rules.packs.pack import Decision, InBoth, Invariant, PackWords, PhoneNumber, Spoken

SPANISH = "spanish.csv"
_COLUMNS = ["english", "spanish"]
_LARGEST = 1_000_000  # bytes
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{1,22}[0-9]")


def read_words(draft: Draft) -> PackWords:
    """Return the pack's words, with those of its parent that it doesn't replace.

    A program's phone number is its own: none is inherited.
    """
    inherited = draft.parent.words if draft.parent else PackWords()
    if "words" not in draft.entry:
        return PackWords(None, inherited.officer_says, inherited.choices)
    fields = draft.entry["words"].mapping("`words`", keys.WORDS.names)
    spoken = fields["officer_says"].mapping("`officer_says`") if "officer_says" in fields else {}
    labels = fields["choices"].mapping("`choices`") if "choices" in fields else {}
    choices = {path: dict(inner) for path, inner in inherited.choices.items()}
    for path, node in labels.items():
        choices.setdefault(path, {}).update(_read_labels(draft, path, node))
    return PackWords(
        _read_phone(draft, fields["phone"]) if "phone" in fields else None,
        {
            **inherited.officer_says,
            **{outcome: _read_spoken(draft, outcome, node) for outcome, node in spoken.items()},
        },
        choices,
    )


def _read_phone(draft: Draft, node: Node) -> PhoneNumber:
    fields = node.mapping("the phone number", keys.PHONE.names, keys.PHONE.required)
    number = fields["number"].text("the phone number")
    if not _NUMBER.fullmatch(number):
        fields["number"].fail(
            "wrong-shape", f"`{number}` is no phone number", "write it as 505-555-0100"
        )
    return PhoneNumber(number=number, **draft.read_item(node, fields, "the phone number"))


def _read_spoken(draft: Draft, outcome: str, node: Node) -> Spoken:
    subject = f"what the officer says at `{outcome}`"
    terms = draft.terms.get("offer") or draft.vocabulary.decisions.get("offer")
    outcomes = terms.outcomes if terms else ()
    if outcome not in outcomes:
        node.fail(
            "unknown-outcome", f"`{outcome}` is no outcome of `offer`", nearest(outcome, outcomes)
        )
    fields = node.mapping(subject, keys.OFFICER_SAYS.names, keys.OFFICER_SAYS.required)
    texts = {lang: " ".join(fields[lang].text(subject).split()) for lang in ("en", "es")}
    return Spoken(text=InBoth(**texts), **draft.read_item(node, fields, subject))


def _read_labels(draft: Draft, path: str, node: Node) -> dict[str, InBoth]:
    """Read the labels of a fact's choices, or of a field's."""
    fact = _fact(draft, path)
    if fact is None or not fact.choices:
        paths = tuple(name for name, entry in _entries(draft.vocabulary.facts) if entry.choices)
        node.fail("unknown-fact", f"`{path}` is no fact with choices", nearest(path, paths))
    labels = {}
    for choice, inner in node.mapping(f"the labels of `{path}`").items():
        if choice not in fact.choices:
            inner.fail(
                "unknown-choice",
                f"`{choice}` is no choice of `{path}`",
                nearest(choice, fact.choices),
            )
        labels[choice] = read_in_both(inner, f"the label of `{choice}`")
    return labels


def _fact(draft: Draft, path: str) -> Fact | None:
    return dict(_entries(draft.vocabulary.facts)).get(path)


def _entries(facts: Mapping[str, Fact]) -> Iterator[tuple[str, Fact]]:
    for fact in facts.values():
        yield fact.path, fact
        yield from ((field.path, field) for field in fact.fields.values())


# Spanish


def read_spanish(
    folder: Path, texts: frozenset[str], inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the Spanish of a pack's English texts, its parent's included.

    `texts` are the English texts of the pack. Raises `PackError` `stale-translation` for a row
    about none of them; `wrong-placeholder`; `duplicate-id`; and as a table does.
    """
    name = f"{folder.resolve().name}/{SPANISH}"
    path = folder / SPANISH
    spanish = {english: text for english, text in inherited.items() if english in texts}
    if not path.is_file():
        return spanish
    seen: set[str] = set()
    for place, english, translated in read_translations(path, name):
        if english in seen:
            _fail(place, "duplicate-id", f"`{_short(english)}` appears twice", "leave one row")
        if english not in texts:
            raise PackError(
                "stale-translation",
                f"the pack has no text `{_short(english)}`",
                at=place,
                fix="copy the English text as it is now, and translate it again",
            )
        seen.add(english)
        spanish[english] = translated
    return spanish


def read_translations(path: Path, name: str) -> Iterator[tuple[Place, str, str]]:
    """Yield the rows of a table of translations: place, English, Spanish. Raises `PackError`."""
    raw = path.read_bytes()
    if len(raw) > _LARGEST:
        _fail(Place(name), "too-large", f"`{name}` has over {_LARGEST} bytes", "split it up")
    rows = read_rows(io.BytesIO(raw))
    head = next(rows, None)
    if not isinstance(head, Row) or head.cells != _COLUMNS:
        _fail(
            Place(name, 1),
            "wrong-shape",
            "the columns are not those of such a table",
            f"write `{','.join(_COLUMNS)}`",
        )
    for row in rows:
        place = Place(name, row.line if isinstance(row, Row) else row.at.line)
        if isinstance(row, FactsError):
            _fail(place, "wrong-shape", f"the row breaks off: {row.message}", row.fix)
        if len(row.cells) != len(_COLUMNS) or not all(cell.strip() for cell in row.cells):
            _fail(
                place,
                "wrong-shape",
                "the row has not two texts",
                "write the English and the Spanish text, in quotes if they have commas",
            )
        english, spanish = (" ".join(cell.split()) for cell in row.cells)
        if find_hidden(english + spanish) is not None:
            _fail(place, "hidden-character", "the row has a hidden character", "retype the row")
        if sorted(_PLACEHOLDER.findall(english)) != sorted(_PLACEHOLDER.findall(spanish)):
            raise PackError(
                "wrong-placeholder",
                f"the Spanish of `{_short(english)}` has other names in braces",
                at=place,
                fix="keep each name in braces as it is",
            )
        yield place, english, spanish


def texts_of(
    decisions: Mapping[str, Decision],
    invariants: Mapping[str, Invariant],
    facts: Mapping[str, Fact],
) -> frozenset[str]:
    """Return the English texts of a pack that a person may read: reasons, steps, and questions."""
    texts: list[str] = []
    for decision in decisions.values():
        texts += [decision.asks, decision.otherwise.because]
        for rule in (*decision.rules.values(), *decision.optional.values()):
            texts += [rule.because, *(exemption.because for exemption in rule.unless)]
        texts += [step.text for step in decision.next.values()]
        texts += [decision.while_waiting.text] if decision.while_waiting else []
    texts += [invariant.because for invariant in invariants.values() if invariant.because]
    texts += [entry.question for _, entry in _entries(facts)]
    return frozenset(" ".join(text.split()) for text in texts)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


def _fail(place: Place, code: str, message: str, fix: str) -> NoReturn:
    raise PackError(code, message, at=place, fix=fix)
