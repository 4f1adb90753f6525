"""A draft in words, as a page shows it before it is sent: its statements and the rules' answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.pack_terms import PackTerms
from offramp.agency.cases.preliminary import Preliminary
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import CASES, needs
from offramp.agency.operations.telling import OpenedForm, Preview
from rules.author.spoken_dates import spoken_day
from rules.frozen import frozen
from rules.input.values import iso_day


@frozen
class StatedLine:
    """One statement of a draft: its category, its question or label, and its value in words."""

    category: str
    label: str
    value: str


@frozen
class RulesLine:
    """What the rules say before a draft is sent. `kind` is `go`, `stop`, or `wait`."""

    kind: str
    subject: str
    text: str
    missing: tuple[str, ...] = ()


@frozen
class Told:
    """The recipients of a draft: the categories by agency's name. `others` get nothing."""

    to: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the recipients' JSON."""
        return {"to": {name: list(kinds) for name, kinds in self.to.items()}, "not": self.others}


def told_by(preview: Preview) -> Told:
    """Return who gets which categories of a draft, and which agencies get nothing."""
    told: dict[str, list[str]] = {}
    for part in preview.parts:
        for agency in part.part.to:
            told.setdefault(agency, []).extend(part.part.category)
    refused = {refusal.agency for part in preview.parts for refusal in part.refused}
    names = preview.names
    to = {names.get(agency, agency): tuple(dict.fromkeys(told[agency])) for agency in told}
    others = (names.get(agency, agency) for agency in refused - set(told))
    return Told(dict(sorted(to.items())), tuple(sorted(others)))


@needs(CASES)
def list_forms(office: Office) -> tuple[tuple[str, str], ...]:
    """Return the name and the title of each form about a case that this agency may fill in.

    The answers to other agencies' questions aren't among them.
    """
    working_set = office.working_set()
    role = working_set.gateway.history.newest.role(working_set.agency)
    return tuple(
        (form.name, _capital(form.title["en"]))
        for form in form_terms().forms.values()
        if role in form.roles and not form.begins and form.name != "answer"
    )


def title_of(opened: OpenedForm) -> str:
    """Return what a form does, as a heading."""
    return _capital(opened.form.title["en"])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def statement_of(preview: Preview) -> tuple[StatedLine, ...]:
    """Return each statement of a draft once, in the order of its parts."""
    lines = {
        line: None
        for part in preview.parts
        for category, content in part.part.content.items()
        for line in _lines_of(category, content, preview.terms)
    }
    return tuple(lines)


def _lines_of(category: str, content: Mapping[str, Any], terms: PackTerms) -> Iterator[StatedLine]:
    for name, value in content.items():
        if name == "facts":
            continue
        path = f"{category}.{name}"
        member = form_terms().members.get(path)
        label = member.texts["en"] if member is not None else name.replace("_", " ").capitalize()
        yield StatedLine(category, label, _value(path, value, terms))
    for path, value in (content.get("facts") or {}).items():
        yield StatedLine(category, terms.question(path, "en"), _value(path, value, terms))


def _value(path: str, value: Any, terms: PackTerms) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, (list, tuple)):
        entries = [_entry(path, entry, terms) for entry in value]
        return "; ".join(entries) or "None"
    if isinstance(value, str):
        day = iso_day(value)
        return spoken_day(day, "en") if day is not None else terms.label(path, value, "en")
    fact = terms.fact(path)
    return f"{value} {fact.unit}" if fact is not None and fact.unit else str(value)


def _entry(path: str, entry: Any, terms: PackTerms) -> str:
    if not isinstance(entry, Mapping):
        return terms.label(path, str(entry), "en")
    said = [
        f"{name.replace('_', ' ')}: {'yes' if value else 'no'}"
        if isinstance(value, bool)
        else _value(f"{path}.{name}", value, terms)
        for name, value in entry.items()
        if name != "id"
    ]
    return ", ".join(said) or "Nothing more is known"


def rules_on(preview: Preview) -> tuple[RulesLine, ...]:
    """Return what the rules say of the person so far: bars, gaps, and whom to ask."""
    return tuple(_rules_line(answer) for answer in preview.answers)


def _rules_line(answer: Preliminary) -> RulesLine:
    terms = form_terms()
    decisions = f"decisions.{answer.decision}"
    if answer.asks is not None:
        subject = answer.asks.english.rstrip("?.:")
    else:
        subject = terms.label("decision", answer.decision, "en")
    if answer.refusal is not None:
        return RulesLine("wait", subject, f"The rules can’t tell: {answer.refusal}")
    because = " ".join(reason.english for reason in answer.reasons)
    if answer.outcome is not None:
        outcome = terms.label(decisions, answer.outcome, "en")
        text = f"{_capital(outcome)}. {because}".strip()
        return RulesLine("stop" if answer.bars else "go", subject, text)
    possible = " or ".join(terms.label(decisions, word, "en") for word in answer.possible)
    missing = tuple(
        f"Ask {terms.label('role', each.ask, 'en')}: {each.question.english}"
        for each in answer.missing
    )
    return RulesLine("wait", subject, f"Not known yet: {possible}", missing)
