"""A draft in words, as a page shows it before it is sent: its statements and the rules' answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exchange.records.kinds import kinds
from offramp.agency.cases.after_exit import ENDS_WITH_EXIT
from offramp.agency.cases.form_parts import roles_under
from offramp.agency.cases.form_questions import own_facts_of
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.preliminary import Preliminary
from offramp.agency.cases.refusals import NOT_COVERED
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import CASES, needs
from offramp.agency.operations.decisions import DeterminationPreview
from offramp.agency.operations.telling import OpenedForm, PartPreview, Preview
from offramp.agency.operations.untold import TellingPreview
from offramp.agency.operations.value_words import ValueWords
from rules.frozen import field, frozen

# What an agency that was asked says of a fact that it doesn't know.
_NOT_KNOWN_HERE = "Not known here"


@frozen
class StatedLine:
    """One statement of a draft: its question or label, and its value in words.

    `path` is the question's. `category` is empty for what this agency keeps for itself.
    """

    category: str
    label: str
    value: str
    path: str


@frozen
class RulesLine:
    """What the rules say before a draft is sent. `kind` is `go`, `stop`, or `wait`."""

    kind: str
    subject: str
    text: str
    missing: tuple[str, ...] = ()


@frozen
class Told:
    """The recipients of a draft: the categories by agency's name.

    `because` says of each other agency why it gets nothing, in words, by its name. `may_be_asked`
    is true for facts that another agency may ask for later, and then gets if it may know them.
    `in_part` says of counsel that gets the notice of an exit what the hub stops, and why.
    """

    to: Mapping[str, tuple[str, ...]]
    because: Mapping[str, str]
    may_be_asked: bool = False
    in_part: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the agencies that get nothing."""
        return tuple(self.because)

    def as_json(self) -> dict[str, Any]:
        """Return the recipients' JSON."""
        return {"to": {name: list(kinds) for name, kinds in self.to.items()}, "not": self.others}


def told_by(preview: Preview | DeterminationPreview | TellingPreview) -> Told:
    """Return who gets which categories of a draft, and which agencies get nothing."""
    by_agency: dict[str, list[str]] = {}
    for part in preview.parts:
        for agency in part.part.to:
            by_agency.setdefault(agency, []).extend(part.part.category)
    names = preview.names
    because: dict[str, dict[str, None]] = {}
    for part in preview.parts:
        for refusal in part.refused:
            if refusal.agency not in by_agency:
                name = names.get(refusal.agency, refusal.agency)
                because.setdefault(name, {})[refusal.why] = None
    to = {
        names.get(agency, agency): tuple(dict.fromkeys(categories))
        for agency, categories in by_agency.items()
    }
    reasons = {name: " ".join(texts) for name, texts in sorted(because.items())}
    stopped = {
        names.get(refusal.agency, refusal.agency): (part.part.category, refusal.why)
        for part in preview.parts
        for refusal in part.refused
        if refusal.rule == ENDS_WITH_EXIT and refusal.agency in by_agency
    }
    return Told(dict(sorted(to.items())), reasons, _may_be_asked(preview.parts), stopped)


def _may_be_asked(parts: Iterable[PartPreview]) -> bool:
    """Report whether other agencies may ask for a fact of these parts, which is told them then."""
    categories = kinds()["question"].categories
    return any(
        category in categories and content.get("facts")
        for part in parts
        for category, content in part.part.content.items()
    )


def untold_by(opened: OpenedForm, preview: Preview) -> Mapping[str, str]:
    """Return why agencies get nothing of a draft, in words, by agency's name.

    The agencies of facts that are kept here, since nobody may be told them, are among them. What
    the form could have told besides gives no reason. Without a rule's own wording, a consent is
    missing.
    """
    told = told_by(preview)
    reasons = {name: {text: None} for name, text in told.because.items()}
    facts, members = preview.terms.facts, preview.draft.kept_members
    kept = [
        *(facts[path].category for path in preview.draft.kept),
        *(path.partition(".")[0] for path in members),
    ]
    for category in dict.fromkeys(kept):
        for refusal in opened.untold.get(category, ()):
            name = preview.names.get(refusal.agency, refusal.agency)
            if name not in told.to:
                reasons.setdefault(name, {})[refusal.why] = None
    return {name: " ".join(texts) for name, texts in reasons.items()}


def unnamed_to(preview: Preview) -> Mapping[str, str]:
    """Return why providers don't learn whom a draft is about, in words, by agency's name."""
    return {
        preview.names.get(agency, agency): because or NOT_COVERED[0]
        for agency, because in preview.unnamed.items()
    }


@needs(CASES)
def list_forms(office: Office) -> tuple[tuple[str, str], ...]:
    """Return the name and the title of each form about a case that this agency may fill in.

    The answers to other agencies' questions aren't among them.
    """
    working_set = office.working_set()
    role = working_set.gateway.history.newest.role(working_set.agency)
    pack = office.program(working_set).pack
    return tuple(
        (form.name, _capital(form.title["en"]))
        for form in form_terms().forms.values()
        if not form.begins
        and form.name != "answer"
        and role in roles_under(form, pack)
        and not (form.own and not any(own_facts_of(pack.vocabulary, str(role))))
    )


def title_of(opened: OpenedForm) -> str:
    """Return what a form does, as a heading."""
    return _capital(opened.form.title["en"])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def statement_of(preview: Preview) -> tuple[StatedLine, ...]:
    """Return each statement of a draft once, in the order of its parts, and what is kept here."""
    wording = ValueWords(preview.terms, preview.zone)
    lines = {
        line: None
        for part in preview.parts
        for category, content in part.part.content.items()
        for line in _lines_of(category, content, wording)
    }
    sent = {line.path for line in lines}
    # The day of a stated time is no statement of its own.
    derived = form_terms().derived
    lines = {line: None for line in lines if derived.get(line.path) not in sent}
    kept = {path: value for path, value in preview.draft.all_kept.items() if path not in sent}
    return (*lines, *_lines_of("", {"facts": kept}, wording))


def _lines_of(
    category: str, content: Mapping[str, Any], wording: ValueWords
) -> Iterator[StatedLine]:
    for name, value in content.items():
        if name == "facts":
            continue
        path = f"{category}.{name}"
        member = form_terms().members.get(path)
        label = member.texts["en"] if member is not None else name.replace("_", " ").capitalize()
        yield StatedLine(category, label, wording.text(path, value), path)
    for path, value in (content.get("facts") or {}).items():
        label = wording.terms.question(path, "en")
        text = _NOT_KNOWN_HERE if value is None else wording.text(path, value)
        yield StatedLine(category, label, text, path)


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
