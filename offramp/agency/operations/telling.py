"""Tell other agencies something by a form: open it, draft from answers, preview, and send.

`open_form` finds out what to ask. `OpenedForm.questions` lists the questions after any answers, for
a terminal or a page. `draft_form` makes a draft, which nothing keeps. `preview_draft` shows its
statement, its recipients, and why the other agencies receive nothing. `send_draft` sends exactly
that, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any
from zoneinfo import ZoneInfo

from exchange.consent.disclosure import day_of
from exchange.records.building import Part
from exchange.records.content_checks import check_part_content
from exchange.records.ids import new_id
from offramp.agency.cases.addressing import part_to_judge
from offramp.agency.cases.after_exit import check_may_be_told, not_past_exit
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.asked_again import CODE, contradictions
from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.caseload import (
    OpenQuestion,
    case_of,
    open_questions,
    own_facts,
    own_parts,
    recalled_parts,
    repeat_referral,
    utc,
)
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.ended_kinds import ended_kinds
from offramp.agency.cases.form_parts import (
    Addressed,
    address_part,
    contents_of,
    earlier_lists,
    left_out,
    may_be_addressed,
    part_of,
    roles_under,
)
from offramp.agency.cases.form_questions import STATED, Sheet, own_facts_of, paths_read
from offramp.agency.cases.form_terms import Form, find_form, form_terms
from offramp.agency.cases.list_changes import measured
from offramp.agency.cases.moments import (
    CaseMoments,
    Odd,
    check_confirmed,
    moments_of,
    refuse_odd,
    stated_moments,
)
from offramp.agency.cases.odd_ages import AGE, OddAge, odd_age, own_ages
from offramp.agency.cases.open_decisions import decide_it, decision_settling
from offramp.agency.cases.owed_corrections import (
    PROGRAM_FACTS,
    Holder,
    holders_of_earlier_facts,
    measured_parts,
)
from offramp.agency.cases.pack_terms import PackTerms, pack_terms, shared_terms, terms_of
from offramp.agency.cases.people import GIVEN_NAME, contact_on_forms, person_name
from offramp.agency.cases.preliminary import Preliminary, preliminary_answers
from offramp.agency.cases.questions import answer_parts, keep_entry_ids
from offramp.agency.cases.refusals import Refused, nobody_to_tell
from offramp.agency.cases.repair_tasks import HOUR
from offramp.agency.cases.told import recalled_as_wrong, told_details
from offramp.agency.cases.untold_facts import kept_members
from offramp.agency.errors import AgencyError
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import CASE, FORMS, OWN, form_about, needs, opens_care
from offramp.agency.operations.changes import refuse_changed
from offramp.agency.operations.mistakes import (
    ComposedCorrections,
    SentCorrection,
    changed_facts,
    changes_in_note,
    completed_lists,
    compose_owed_corrections,
    holders_of_old_values,
    keep_correction,
    list_changes_of,
    send_corrections,
)
from offramp.agency.operations.records import SentRecord
from offramp.asking import Question
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.values import read_instant
from rules.packs.pack import Pack

_SCREENING = "decisions.screening"
_CONTACT = "contact"


@frozen
class CaseAbout:
    """The person whom a form or a question is about, and the first digits of the case.

    `person` is the name as this agency knows it, None where it isn't known here. `contact` are the
    newest contact details by question, so that no form asks for them again.
    """

    person: str | None
    digits: str
    contact: Mapping[str, str] = field(default_factory=dict)


# The code of what a named person decides, and no answer states.
DECIDE_IT = "decide-it"


@frozen
class OpenedForm:
    """A form that is opened for a case, and ready to be asked.

    `case` is None where the form begins one. `untold` are the categories that no agency may
    receive, and why. Their facts are kept here, and with a fact also their texts. `seen_at` is
    the journal's last event when it was opened. `terms` are the words of the adopted pack. `about`
    is the person, None for a new case. `happened` are the moments that the form asks for and this
    agency told before, by fact: what happens once is not told twice by accident. `kept` are answers
    that were kept here and told to nobody, as they are typed. `sections` are the sections of
    charges to confirm or correct, by the name of their question. `decided` are facts that were
    asked for and that an open decision of this agency states, each with that decision: the form
    doesn't ask for them.
    """

    form: Form
    case: str | None
    sheets: tuple[Sheet, ...]
    untold: Mapping[str, tuple[Refused, ...]]
    zone: str
    seen_at: int | None = None
    terms: PackTerms = field(default_factory=shared_terms)
    about: CaseAbout | None = None
    happened: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    decided: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> frozenset[str]:
        """The facts and members that the form may ask for."""
        return frozenset(path for sheet in self.sheets for path in sheet.paths)

    @property
    def kept_moments(self) -> dict[str, str]:
        """The moments of the form's own event that were kept here and told to nobody, by fact."""
        own = (self.form.derived or {}).values()
        return {path: self.kept[path] for path in own if path in self.kept}

    def is_another_time(self, stated: Mapping[str, Any]) -> bool:
        """Report whether facts state another time of the form's event than was kept here."""
        return any(
            path in stated and read_instant(str(stated[path])) != read_instant(time)
            for path, time in self.kept_moments.items()
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """The untold categories of which something would be asked, if somebody may be told."""
        return tuple(
            category
            for category in self.untold
            if any(sheet.asks_of(category) for sheet in self.sheets)
        )

    @property
    def measured_lists(self) -> frozenset[str]:
        """The lists whose earlier entries get more fields, and no entry is added."""
        return frozenset(path.rpartition(".")[0] for sheet in self.sheets for path in sheet.only)

    def questions(
        self, answers: Mapping[str, Any], given: frozenset[str] = frozenset()
    ) -> tuple[Question, ...]:
        """Return the questions after some answers, in order. A `given` answer's is asked, too."""
        return tuple(
            question for sheet in self.sheets for question in sheet.questions(answers, given)
        )


@frozen
class FormDraft:
    """A record that isn't sent yet. `record` is its id, under which it is sent once.

    `kept` are facts that this agency notes for itself: nobody may be told, or it answers with them.
    `seen_at` is the journal's last event when the person read the case, None for a new case.
    `stated` are all facts that the form states, also those of parts that nobody may be told.
    `odd_age` is an age that the birth date contradicts, None if there is none. `kept_members` are
    the other answers that this agency keeps with `kept`, such as the text of a plan.
    """

    form: str
    kind: str
    case: str
    record: str
    parts: tuple[Part, ...]
    kept: Mapping[str, Any]
    seen_at: int | None = None
    stated: Mapping[str, Any] = field(default_factory=dict)
    odd_age: OddAge | None = None
    kept_members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def all_kept(self) -> dict[str, Any]:
        """Everything that this agency keeps for itself, by fact or member."""
        return {**self.kept_members, **self.kept}


@frozen
class PartPreview:
    """A part of a draft: its content, its recipients, and the agencies that don't receive it."""

    part: Part
    refused: tuple[Refused, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the part's JSON in a preview."""
        return {
            "category": list(self.part.category),
            "content": self.part.content,
            "to": {
                agency: {"purpose": purpose, "basis": basis}
                for agency, (purpose, basis) in self.part.to.items()
            },
            "not_to": {
                refused.agency: {"rule": refused.rule, "because": refused.because}
                for refused in self.refused
            },
            "sensitivity": self.part.sensitivity,
            "use": self.part.use,
            "notice": self.part.notice,
            "keep_until": self.part.keep_until,
            "says": dict(self.part.says) if self.part.says is not None else None,
        }


@frozen
class Preview:
    """What a draft tells, to whom, and to whom not. `names` are the agencies' names by id.

    `holders` are other agencies that have an older value of what is answered, and get a correction.
    `terms` are the words of the adopted pack, and `zone` is the program's. `answers` are what the
    rules say of the person before a referral is signed. `odd` are stated moments in an unusual
    order, and an age that the birth date contradicts, which a person confirms. `unnamed` are the
    providers that are told something and never the person's name, with the rule's words, None where
    only a consent is missing.
    """

    draft: FormDraft
    parts: tuple[PartPreview, ...]
    names: Mapping[str, str]
    holders: tuple[Holder, ...] = ()
    terms: PackTerms = field(default_factory=shared_terms)
    answers: tuple[Preliminary, ...] = ()
    odd: tuple[Odd, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    unnamed: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def is_barred(self) -> bool:
        """True if the rules say that the person can't be offered the program or enter it."""
        return any(answer.bars for answer in self.answers)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of a form's `--dry-run`."""
        return {
            "kind": self.draft.kind,
            "case": self.draft.case,
            "parts": [part.as_json() for part in self.parts],
            "kept": self.draft.all_kept,
            "holders": [holder.as_json() for holder in self.holders],
            "rules": [answer.as_json() for answer in self.answers],
            "odd": [moment.text("en") for moment in self.odd],
            "unnamed": sorted(self.unnamed),
        }


@frozen
class SentForm:
    """A form that was sent. `record` is None where nobody was told, and facts are kept alone.

    `corrections` went to the agencies with an older value, and `untold` can't be told.
    """

    case: str
    record: SentRecord | None
    recipients: tuple[str, ...]
    kept: Mapping[str, Any]
    corrections: tuple[SentCorrection, ...] = ()
    untold: tuple[Holder, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of a form's command."""
        record = self.record.as_json() if self.record else {"id": None, "state": "kept"}
        return {
            **record,
            "case": self.case,
            "to": list(self.recipients),
            "kept": dict(self.kept),
            "corrections": [correction.as_json() for correction in self.corrections],
            "untold": [holder.as_json() for holder in self.untold],
        }


# Opening


@needs(FORMS, variant=form_about, look="case")
def open_form(
    office: Office, name: str, case: str | None = None, *, language: str = "en"
) -> OpenedForm:
    """Open a form for a case, or for a new one where the form begins it.

    Raises `RequestError` `unknown-form`; `AgencyError` `no-directory`, `not-yours`,
    `name-the-case`, `no-such-case`, `case-ended`, `nobody-to-tell`, `nothing-to-tell`; `decide-it`
    if an open decision of this agency states all that was asked.
    """
    form = find_form(name)
    working_set = office.working_set()
    seen_at = office.at
    defaults = defaults_today(office, working_set)
    directory = working_set.gateway.history.newest
    role = directory.role(working_set.agency)
    pack = office.program(working_set).pack
    roles = roles_under(form, pack)
    if role is None or role not in roles:
        raise AgencyError(
            "not-yours",
            f"`{name}` isn't for `{role}`",
            fix=f"it is for {', '.join(roles)}",
        )
    if case is None and not form.begins:
        raise AgencyError(
            "name-the-case", f"a `{form.kind.name}` is about a case", fix="name it first"
        )
    check_may_be_told(working_set, form.kind.name, case)
    case_view = (
        case_of(working_set, case)
        if case is not None
        else Case((), terms_of(working_set).vocabulary, here=working_set.agency)
    )
    terms = pack_terms(pack)
    sheet = Sheet(
        form,
        role,
        form.parts,
        paths_read(pack),
        stated=frozenset(STATED.get(form.kind.name, ())),
        lists=earlier_lists(working_set, case_view, office.random),
        language=language,
        terms=terms,
        moments=moments_of(working_set, pack, form.kind.name, case, office.clock()),
    )
    if form.own and not any(any(sheet.facts_of(category)) for category in sheet.parts):
        raise _no_own_facts(role, pack)
    untold: dict[str, tuple[Refused, ...]] = {}
    decided: dict[str, str] = {}
    if form.name == "answer":
        questions = questions_here(office, working_set, str(case))
        decided = decided_facts(office, working_set, str(case), questions)
        questions = tuple(question for question in questions if question.path not in decided)
        if decided and not questions:
            raise decide_it(working_set.cases.digits(str(case)), *next(iter(decided.items())))
        sections = _sections_asked(office, working_set, case_view, questions)
        sheets = _answer_sheets(questions, sheet, sections)
    elif form.only:
        sheets = (_measuring_sheet(working_set, sheet, case_view),)
    else:
        if form.unasked and case is not None:
            sheet = replace(sheet, filled=_filled(working_set, form, case))
        sheet, untold = _reduced(office, working_set, sheet, defaults, case)
        if form.begins and case is not None:
            answers = _known_here(office, working_set, case_view, case)
            sheet = replace(sheet, lists={}, known=answers)
        sheets = (sheet,)
    about = about_case(working_set, case) if case is not None else None
    happened = _happened_before(working_set, form, case_view)
    zone = directory.zone.key
    opened = OpenedForm(form, case, sheets, untold, zone, seen_at, terms, about, happened)
    opened = replace(opened, sections=dict(_told_sections(sheets)), decided=decided)
    kept = _kept_before(working_set, case_view, opened.paths)
    if case is not None and opens_care(office, working_set, case, None):
        members = kept_members(working_set, case)
        kept |= {path: text for path, text in members.items() if path in opened.paths}
    return replace(opened, kept=kept)


def _told_sections(sheets: Iterable[Sheet]) -> Iterator[tuple[str, str]]:
    """Yield the section of each charge, by its question, where the section is asked again."""
    for sheet in sheets:
        for path in sheet.only:
            group, _, name = path.rpartition(".")
            for index, entry in enumerate((sheet.lists or {}).get(group, ())):
                if name == CODE and entry.get(CODE):
                    yield f"{group}[{index}].{CODE}", str(entry[CODE])


@needs(OWN)
def describe_about(office: Office, case: str) -> CaseAbout:
    """Return whom a case is about, for the head of a page."""
    return about_case(office.working_set(), case)


def about_case(working_set: WorkingSet, case: str) -> CaseAbout:
    """Return whom a case is about."""
    name, digits = person_name(working_set, case), working_set.cases.digits(case)
    return CaseAbout(name, digits, contact_on_forms(working_set, case))


def _happened_before(working_set: WorkingSet, form: Form, case_view: Case) -> dict[str, str]:
    """Return the moments of a form's own event that this agency stated before, by fact."""
    return {
        path: str(source.value)
        for path in (form.derived or {}).values()
        if (source := case_view.known.get(path)) is not None
        and source.entry.by == working_set.agency
        # What was only kept here was told to nobody.
        and source.entry.record is not None
        and source.value is not None
    }


def _kept_before(working_set: WorkingSet, case_view: Case, paths: Iterable[str]) -> dict[str, str]:
    """Return the answers that this agency kept and told nobody, as they are typed, by fact."""
    kept = {}
    for path in paths:
        source = case_view.known.get(path)
        if source is None or source.entry.by != working_set.agency or source.entry.record:
            continue
        value = source.value
        if isinstance(value, bool):
            kept[path] = "yes" if value else "no"
        elif isinstance(value, (str, int, float)):
            kept[path] = str(value)
    return kept


def _filled(working_set: WorkingSet, form: Form, case: str) -> dict[str, str]:
    """Return the members that a form states without a question. Without a name, there are none."""
    details = contact_on_forms(working_set, case)
    if GIVEN_NAME not in details:
        return {}
    return {path: text for path, text in details.items() if path.partition(".")[0] in form.unasked}


def _no_own_facts(role: str, pack: Pack) -> AgencyError:
    """Return the refusal to tell a program's own facts where its pack has none for a role."""
    others = [
        f"`{form.name}`"
        for form in form_terms().forms.values()
        if role in roles_under(form, pack) and form.kind.name not in (PROGRAM_FACTS, "answer")
    ]
    return AgencyError(
        "nothing-to-tell",
        f"the pack `{pack.id}` declares no facts of its own that `{role}` knows",
        fix=f"use the command for what you tell: {', '.join(others)}; or answer what was asked "
        "with `agency answer`",
    )


def _reduced(
    office: Office, working_set: WorkingSet, sheet: Sheet, defaults: Defaults, case: str | None
) -> tuple[Sheet, dict[str, tuple[Refused, ...]]]:
    """Leave out the parts that no agency may receive, except for facts to keep here.

    Raises `AgencyError` `nobody-to-tell` where nothing is left.
    """
    handle = case or new_id(office.random)
    pack = office.program(working_set).pack
    untold = {}
    for category in sheet.parts:
        part = part_of(working_set, sheet.form, category, {}, defaults)
        addressed = address_part(working_set, pack, sheet.form, part, handle, office.clock())
        if not addressed.part.to:
            untold[category] = addressed.refused
    parts = tuple(
        category
        for category in sheet.parts
        if category not in untold or any(_kept_facts(sheet, category))
    )
    is_told = any(category not in untold for category in sheet.parts)
    if not parts or (sheet.form.begins and not is_told):
        told_of = untold.values()
        raise nobody_to_tell(
            (refused for refusals in told_of for refused in refusals), agency_names(working_set)
        )
    silent = {category for category in untold if not _keeps_members(sheet, category)}
    members = tuple(path for path in form_terms().members if path.partition(".")[0] not in silent)
    return replace(sheet, parts=parts, members=members), untold


@needs(CASE)
def untellable_forms(office: Office, case: str) -> frozenset[str]:
    """Return the forms of this agency that would be refused in a case, since nobody may be told.

    INVARIANT: it only sorts a list of forms. Each form is judged anew when it is opened, and says
    why it is refused. So the answer may be an hour old, where only time has changed it.
    """
    working_set, now = office.working_set(), office.clock()
    program, history = office.program(working_set), working_set.gateway.history
    role = history.newest.role(working_set.agency) or ""
    forms = [
        form
        for form in form_terms().forms.values()
        if not form.begins
        and form.name != "answer"
        and role in roles_under(form, program.pack)
        and not (form.own and not any(own_facts_of(program.pack.vocabulary, role)))
    ]

    def work_out() -> tuple[frozenset[str], int]:
        """Return the forms, and when to judge them again."""
        refused = (form.name for form in forms if _is_untellable(office, working_set, form, case))
        return frozenset(refused), working_set.gateway.hub_time(now) + HOUR

    subject = Subject[frozenset[str]](f"untellable forms {program.digest} {history.size}")
    hub_time = working_set.gateway.hub_time(now)
    return working_set.memory.recall(subject, case, hub_time, work_out)


def _is_untellable(office: Office, working_set: WorkingSet, form: Form, case: str) -> bool:
    """Report whether `open_form` would refuse a form, without working out the reasons."""
    pack, now = office.program(working_set).pack, office.clock()
    sheet = Sheet(
        form,
        working_set.gateway.history.newest.role(working_set.agency) or "",
        form.parts,
        paths_read(pack),
        stated=frozenset(STATED.get(form.kind.name, ())),
        terms=pack_terms(pack),
    )
    try:
        check_may_be_told(working_set, form.kind.name, case)
        if form.only:
            case_view = case_of(working_set, case)
            lists = earlier_lists(working_set, case_view, office.random)
            _measuring_sheet(working_set, replace(sheet, lists=lists), case_view)
            return False
    except Refusal:
        return True
    if any(_kept_facts(sheet, category) for category in form.parts):
        return False  # it keeps at least those
    defaults = defaults_today(office, working_set)
    return not any(
        may_be_addressed(
            working_set, form, part_of(working_set, form, category, {}, defaults), case, now
        )
        for category in form.parts
    )


def _keeps_members(sheet: Sheet, category: str) -> bool:
    """Report whether a form keeps the other answers of a category that nobody may be told.

    It does where it keeps a fact of it, so that both are told later. A form that begins a case is
    told as a whole or not at all.
    """
    return not sheet.form.begins and any(_kept_facts(sheet, category))


def _kept_facts(sheet: Sheet, category: str) -> list[str]:
    """Return the facts of a category that this agency can note for itself."""
    return [
        fact.path
        for fact in sheet.facts_of(category)
        if fact.known_by == sheet.role and sheet.may_ask(fact)
    ]


def _known_here(office: Office, working_set: WorkingSet, known: Case, case: str) -> dict[str, Any]:
    """Return the answers that this agency's own records of a case contain, by question.

    INVARIANT: each entry of a list has an id, as records have it. A note has none, so its entries
    have those of the list that it corrects.
    """
    answers: dict[str, Any] = {}
    recalled = recalled_parts(working_set, case)
    for outgoing in working_set.outbox.values():
        is_told = outgoing.refused is None and outgoing.replaced_by is None
        if outgoing.case != case or not is_told:
            continue
        for part, _, contents in own_parts(outgoing):
            if (outgoing.jti, part) in recalled:
                continue  # it was about another person or case
            for category, content in contents.items():
                members = {name: value for name, value in content.items() if name != "facts"}
                answers |= {f"{category}.{name}": value for name, value in members.items()}
    raw: dict[str, Any] = {}
    for entry in known.entries:
        if entry.by == working_set.agency:
            raw |= {
                path: keep_entry_ids(value, raw.get(path), office.random)
                for path, value in entry.facts.items()
            }
    # What was recalled as wrong is asked anew, unless a new value was noted since.
    wrong = recalled_as_wrong(working_set, case)
    facts = {path: raw[path] for path in own_facts(working_set, known) if path in raw}
    members = {path: value for path, value in answers.items() if path in form_terms().members}
    return {
        path: value
        for path, value in (members | facts).items()
        if not any(same_value(value, each) for each in wrong.get(path, ()))
    }


def _measuring_sheet(working_set: WorkingSet, sheet: Sheet, case_view: Case) -> Sheet:
    lists = {path.rpartition(".")[0] for path in sheet.form.only}
    stated = {
        path
        for entry in case_view.entries
        if entry.by == working_set.agency and entry.record is not None
        for path in lists & set(entry.facts)
    }
    entries = {path: (sheet.lists or {}).get(path, ()) for path in sorted(stated)}
    if not any(entries.values()):
        raise AgencyError(
            "nothing-to-tell",
            "nothing that was sent in this case can be measured",
            fix="send it first, or answer what was asked with `agency answer`",
        )
    return replace(sheet, lists=entries, only=sheet.form.only)


def questions_here(office: Office, working_set: WorkingSet, case: str) -> tuple[OpenQuestion, ...]:
    """Return the open questions of a case, without those for what a cause has ended here.

    Nobody waits for an answer to a question that was asked before the person left.
    """
    pack, time = office.program(working_set).pack, working_set.gateway.hub_time(office.clock())
    ended_at = case_of(working_set, case).ended_at
    questions = open_questions(working_set, case, ended_kinds(working_set, pack, case, time))
    return tuple(question for question in questions if question.index > ended_at)


def decided_facts(
    office: Office, working_set: WorkingSet, case: str, questions: Iterable[OpenQuestion]
) -> dict[str, str]:
    """Return the facts asked for that an open decision of this agency states, with the decision."""
    program, now = office.program(working_set), office.clock()
    settled = {
        question.path: decision_settling(working_set, program, case, question.path, now)
        for question in questions
    }
    return {path: decision for path, decision in settled.items() if decision is not None}


def _sections_asked(
    office: Office, working_set: WorkingSet, case_view: Case, questions: Iterable[OpenQuestion]
) -> frozenset[str]:
    """Return the path of charges' sections if one contradicts what is asked: it may be wrong."""
    program, now = office.program(working_set), office.clock()
    return frozenset(
        f"{question.path.rpartition('.')[0]}.{CODE}"
        for question in questions
        if contradictions(working_set, program, case_view, question, now)
    )


def _answer_sheets(
    questions: Iterable[OpenQuestion], sheet: Sheet, also: frozenset[str] = frozenset()
) -> tuple[Sheet, ...]:
    """Return the sheets of open questions: of entries sent before, and of all other facts.

    `also` are asked beside them.
    """
    paths = {question.path for question in questions} | also
    if not paths:
        raise AgencyError(
            "nothing-to-tell",
            "no question waits for your office in this case",
            fix="it was answered, or nobody waits for it now: go back to the list of questions",
        )
    entries = sheet.lists or {}
    fields = tuple(path for path in sorted(paths) if entries.get(path.rpartition(".")[0]))
    rest = frozenset(paths - set(fields))
    lists = {path.rpartition(".")[0] for path in rest} & set(sheet.terms.facts)
    members = ("screening_outcome.outcome",) if _SCREENING in paths else ()
    return (
        replace(sheet, only=fields) if fields else replace(sheet, parts=()),
        replace(sheet, reads=rest | lists, lists={}, members=members),
    )


# Drafting


@needs(FORMS, variant=form_about)
def draft_form(
    office: Office,
    opened: OpenedForm,
    answers: Mapping[str, Any],
    *,
    recipients: tuple[str, ...] = (),
) -> FormDraft:
    """Draft the record of a form from its answers. Nothing is kept or sent.

    With `recipients`, only these agencies are told, of those that may be. Raises `AgencyError`
    `no-directory`, `unknown-agency`, `nothing-to-tell`, `nobody-to-tell`, `entries-left-out` of an
    answer; `ContentError` `wrong-content`.
    """
    working_set = office.working_set()
    _check_agencies(working_set, recipients)
    defaults = defaults_today(office, working_set)
    case = opened.case or new_id(office.random)
    zone = working_set.gateway.history.newest.zone
    contents: dict[str, dict[str, Any]] = {}
    for sheet in opened.sheets:
        for category, content in contents_of(sheet, answers, zone, office.random).items():
            merged = contents.setdefault(category, {})
            added = content.get("facts", {})
            if opened.form.name == "answer" and not sheet.only:
                added = completed_lists(office, working_set, case, added)
            facts = {**merged.get("facts", {}), **added}
            merged |= {**content, **({"facts": facts} if facts else {})}
    answered = {*contents} - {*opened.form.unasked}
    if not any(contents[category] for category in answered) and "operation" not in contents:
        raise AgencyError(
            "nothing-to-tell", "no answer says anything", fix="answer at least one question"
        )
    parts, kept, kept_members = _parts_of(office, working_set, opened, contents, defaults, case)
    if recipients:
        parts = tuple(_only(part, recipients) for part in parts)
    named = recipients
    reachable = tuple(part for part in parts if part.to)
    if not reachable and not kept and not kept_members:
        pack, form = office.program(working_set).pack, opened.form
        now = office.clock()
        raise nobody_to_tell(
            (
                refused
                for part in parts
                for refused in address_part(working_set, pack, form, part, case, now).refused
                if not named or refused.agency in named
            ),
            agency_names(working_set),
        )
    parts = reachable
    form = opened.form
    for part in parts:
        check_part_content(
            form.kind.name,
            opened.sheets[0].role,
            part.category,
            (part.says or {}).get("answer"),
            part.content,
        )
    seen_at = opened.seen_at if opened.case is not None else None
    stated = {
        path: value for each in contents.values() for path, value in each.get("facts", {}).items()
    }
    record = new_id(office.random)
    known = own_ages(working_set, opened.case)
    age = odd_age(answers.get(AGE), stated.get(AGE), known, answers)
    return FormDraft(
        form.name,
        form.kind.name,
        case,
        record,
        parts,
        kept,
        seen_at,
        stated,
        age,
        kept_members=kept_members,
    )


def _check_agencies(working_set: WorkingSet, recipients: tuple[str, ...]) -> None:
    directory = working_set.gateway.history.newest
    for agency in recipients:
        if directory.role(agency) is None or agency == working_set.agency:
            raise AgencyError(
                "unknown-agency",
                f"`{agency[:40]}` is no other agency of the directory",
                fix=f"it lists {', '.join(f'`{name}`' for name in sorted(directory.agencies))}",
            )


def _only(part: Part, recipients: tuple[str, ...]) -> Part:
    return replace(
        part, to={agency: way for agency, way in part.to.items() if agency in recipients}
    )


def _parts_of(
    office: Office,
    working_set: WorkingSet,
    opened: OpenedForm,
    contents: Mapping[str, dict[str, Any]],
    defaults: Defaults,
    case: str,
) -> tuple[tuple[Part, ...], dict[str, Any], dict[str, Any]]:
    """Return the addressed parts, and the facts and members that this agency keeps for itself."""
    form = opened.form
    facts = {
        path: value for one in contents.values() for path, value in one.get("facts", {}).items()
    }
    if form.name == "answer":
        return (*_answering_parts(office, working_set, contents, facts, defaults, case), {})
    if form.only:
        return (*_measuring_parts(office, working_set, opened, facts, case), {})
    addressed = _address(office, working_set, form, contents, defaults, case)
    sent = tuple(addressing.part for addressing in addressed if addressing.part.to)
    unsent = tuple(addressing.part for addressing in addressed if not addressing.part.to)
    role = opened.sheets[0].role
    kept = {
        path: value
        for addressing in addressed
        if not addressing.part.to
        for content in addressing.part.content.values()
        for path, value in content.get("facts", {}).items()
        if opened.terms.facts[path].known_by == role
    }
    parts = (*repeat_referral(working_set, form.kind.name, opened.case, sent), *unsent)
    by_itself = {*(form.fixed or {}), *(form.derived or {})}
    kept_members = {
        path: value
        for part in unsent
        for category, content in part.content.items()
        if _keeps_members(opened.sheets[0], category)
        for path, value in ((f"{category}.{name}", content[name]) for name in content)
        if path in form_terms().members and path not in by_itself
    }
    return parts, kept, kept_members


def _measuring_parts(
    office: Office,
    working_set: WorkingSet,
    opened: OpenedForm,
    facts: Mapping[str, Any],
    case: str,
) -> tuple[tuple[Part, ...], dict[str, Any]]:
    """Return the corrections that add measurements, and the lists that this agency keeps."""
    random_bytes, now = office.random, office.clock()
    zone = working_set.gateway.history.newest.zone
    today = day_of(working_set.gateway.hub_time(now), zone).isoformat()
    disclosed = told_details(working_set, case, today)
    parts: list[Part] = []
    for path, entries in facts.items():
        earlier = tuple((opened.sheets[0].lists or {}).get(path, ()))
        change = measured(earlier, entries)
        parts += measured_parts(
            working_set, case, disclosed.get(path, ()), change, random_bytes, now
        )
    kept = {
        path: [{name: entry[name] for name in entry if name != "id"} for entry in entries]
        for path, entries in facts.items()
    }
    return tuple(parts), kept if parts else {}


def _address(
    office: Office,
    working_set: WorkingSet,
    form: Form,
    contents: Mapping[str, Any],
    defaults: Defaults,
    case: str,
) -> list[Addressed]:
    """Address each part. The name goes only with another part, unless the form begins a case."""
    pack, now = office.program(working_set).pack, office.clock()
    addressed = [
        address_part(
            working_set,
            pack,
            form,
            part_of(working_set, form, category, content, defaults),
            case,
            now,
        )
        for category, content in contents.items()
    ]
    if form.begins or set(contents) <= {_CONTACT}:
        return addressed
    parts = [addressing.part for addressing in addressed]
    reached = {agency for part in parts if part.category != (_CONTACT,) for agency in part.to}
    return [
        replace(addressing, part=_only(addressing.part, tuple(reached)))
        if addressing.part.category == (_CONTACT,)
        else addressing
        for addressing in addressed
    ]


def _answering_parts(
    office: Office,
    working_set: WorkingSet,
    contents: Mapping[str, dict[str, Any]],
    facts: Mapping[str, Any],
    defaults: Defaults,
    case: str,
) -> tuple[tuple[Part, ...], dict[str, Any]]:
    now = office.clock()
    parts = list(
        answer_parts(working_set, case, case_of(working_set, case), defaults, now, added=facts)
    )
    outcome = contents.get("screening_outcome", {}).get("outcome")
    form = find_form("answer")
    for question in questions_here(office, working_set, case):
        if question.path == _SCREENING and outcome is not None:
            part = replace(
                part_of(working_set, form, "screening_outcome", {"outcome": outcome}, defaults),
                says={"about": [question.record, question.part]},
            )
            pack = office.program(working_set).pack
            only = (question.by,)
            parts.append(address_part(working_set, pack, form, part, case, now, only).part)
    kept = {path: _kept_value(value) for path, value in facts.items() if value is not None}
    return tuple(parts), kept


def _kept_value(value: Any) -> Any:
    """Return a fact as this agency notes it: no ids of entries, and nothing that isn't known."""
    if not isinstance(value, list):
        return value
    return [
        {name: member for name, member in entry.items() if name != "id" and member is not None}
        for entry in value
    ]


# Preview and send


@needs(FORMS, variant=form_about)
def preview_draft(office: Office, draft: FormDraft) -> Preview:
    """Show what a draft tells, to whom, and why the other agencies don't receive it."""
    working_set = office.working_set()
    form, pack = find_form(draft.form), office.program(working_set).pack
    parts = []
    for part in draft.parts:
        refused = address_part(
            working_set, pack, form, replace(part, to={}), draft.case, office.clock()
        ).refused
        stopped = not_past_exit(working_set, form.kind.name, part)
        getting = tuple(part.to.keys() - {refusal.agency for refusal in stopped})
        kept_from = (*left_out(working_set, form, part, refused), *stopped)
        parts.append(PartPreview(_only(part, getting), kept_from))
    corrected = _corrected_holders(office, working_set, draft)
    answers = _rules_before(office, working_set, draft)
    moments, stated = _moments_stated(office, working_set, draft)
    return Preview(
        draft,
        tuple(parts),
        agency_names(working_set),
        corrected,
        pack_terms(pack),
        answers,
        (
            *moments.beside(dict(stated)).odd_statements(stated),
            *((draft.odd_age,) if draft.odd_age is not None else ()),
        ),
        working_set.gateway.history.newest.zone,
        _unnamed(office, working_set, draft),
    )


def _unnamed(office: Office, working_set: WorkingSet, draft: FormDraft) -> Mapping[str, str | None]:
    """Return the providers that can't tell whom a draft is about, each with the reason.

    They are told something by a form that could name the person, and this agency never told them
    the name.
    """
    form, directory = find_form(draft.form), working_set.gateway.history.newest
    reach = (form.only_to or {}).get(_CONTACT)
    if reach is None or form.begins:
        return {}
    now = office.clock()
    today = day_of(working_set.gateway.hub_time(now), directory.zone).isoformat()
    informed = {
        holding.agency
        for holding in told_details(working_set, draft.case, today).get(GIVEN_NAME, ())
    }
    informed |= {
        agency for part in draft.parts if part.category == (_CONTACT,) for agency in part.to
    }
    recipients = {agency for part in draft.parts for agency in part.to} - informed
    providers = sorted(agency for agency in recipients if directory.role(agency) in reach.roles)
    if not providers:
        return {}
    part = part_to_judge(working_set, (_CONTACT,), {_CONTACT: {}})
    pack = office.program(working_set).pack
    refused = address_part(working_set, pack, form, part, draft.case, now).refused
    because = {refusal.agency: refusal.why for refusal in refused}
    return {agency: because.get(agency) for agency in providers}


def _moments_stated(
    office: Office, working_set: WorkingSet, draft: FormDraft
) -> tuple[CaseMoments, tuple[tuple[str, Any], ...]]:
    """Return the moments of a draft's case, and those that the draft states or keeps."""
    pack, now = office.program(working_set).pack, office.clock()
    moments = moments_of(working_set, pack, draft.kind, draft.case, now)
    contents = (part.content for part in draft.parts)
    return moments, (*stated_moments(contents, moments.facts), *draft.kept.items())


def _rules_before(
    office: Office, working_set: WorkingSet, draft: FormDraft
) -> tuple[Preliminary, ...]:
    """Return what the rules say of a person before a referral is signed, else nothing."""
    if not find_form(draft.form).begins:
        return ()
    known = (
        case_of(working_set, draft.case)
        if draft.case in working_set.cases
        else Case((), terms_of(working_set).vocabulary, here=working_set.agency)
    )
    now = utc(working_set.gateway.hub_time(office.clock()))
    return preliminary_answers(office.program(working_set), known, draft.stated, now)


def _corrected_holders(
    office: Office, working_set: WorkingSet, draft: FormDraft
) -> tuple[Holder, ...]:
    """Return the agencies that an answer corrects, without those that get the answer itself.

    Of a program's own facts, they are those that have an earlier value and can't be told.
    """
    if draft.kind == PROGRAM_FACTS:
        now = office.clock()
        zone = working_set.gateway.history.newest.zone
        today = day_of(working_set.gateway.hub_time(now), zone).isoformat()
        holders = holders_of_earlier_facts(working_set, draft.case, draft.stated, today, now)
        told = {agency for part in draft.parts for agency in part.to}
        return tuple(holder for holder in holders if holder.agency not in told)
    if draft.form != "answer":
        return ()
    answered = {
        (agency, path)
        for part in draft.parts
        for content in part.content.values()
        for path in content.get("facts") or {}
        for agency in part.to
    }
    holders = holders_of_old_values(office, working_set, draft.case, draft.kept)
    return tuple(each for each in holders if (each.agency, each.name) not in answered)


def agency_names(working_set: WorkingSet) -> dict[str, str]:
    """Return the agencies' names by id."""
    listed = working_set.gateway.history.newest.agencies
    return {agency: entry.name for agency, entry in listed.items()}


@needs(FORMS, variant=form_about, look="act", takes=True)
def send_draft(
    office: Office, draft: FormDraft, *, although_barred: bool = False, although_odd: bool = False
) -> SentForm:
    """Send a draft as it was shown, once: sent again, it is the same record.

    A referral that the rules bar is sent only with `although_barred`: a named human decides. Odd
    moments are sent only with `although_odd`: a person confirmed them.

    An answer with another value than other agencies have is also sent to them, as a correction.

    Raises as `exchange.agency.gateway.Gateway.compose`, so `RecordError` `not-permitted` where an
    agency may no longer receive a part; `AgencyError` `case-ended` after an exit, `case-changed`
    where the case changed since the form was opened, `rules-bar`, `odd-day`, `odd-amount`. Then
    nothing is kept or sent.
    """
    with office.transaction() as working_set:
        is_new = draft.record not in working_set.outbox and not any(
            event.body.get("draft") == draft.record for event in working_set.noted
        )
        changed = None
        if is_new:
            check_may_be_told(working_set, draft.kind, draft.case)
            changed = refuse_changed(office, working_set, draft.case, draft.seen_at)
            if not although_barred:
                _check_not_barred(_rules_before(office, working_set, draft))
            check_confirmed(*_moments_stated(office, working_set, draft), although_odd=although_odd)
            refuse_odd(() if although_odd or draft.odd_age is None else (draft.odd_age,))
        if is_new and draft.all_kept:
            _keep(office, working_set, draft)
        if is_new and draft.parts:
            office.compose_in(working_set, draft.kind, draft.parts, draft.case, jti=draft.record)
        if changed is not None:  # an end of a permission is named first, by its own refusal
            raise changed
        composed: ComposedCorrections = ()
        untold: tuple[Holder, ...] = ()
        if is_new and draft.form == "answer":
            composed, untold = compose_owed_corrections(office, working_set, draft.case)
    record = None
    if draft.parts:
        state = send_now(office, draft.record)
        record = SentRecord(draft.record, draft.kind, draft.case, state)
    recipients = tuple(sorted({agency for part in draft.parts for agency in part.to}))
    corrections = send_corrections(office, composed)
    return SentForm(draft.case, record, recipients, draft.all_kept, corrections, untold)


def _check_not_barred(answers: tuple[Preliminary, ...]) -> None:
    """Refuse what the rules bar. Raises `AgencyError` `rules-bar`."""
    for answer in answers:
        if answer.bars:
            because = " ".join(reason.english for reason in answer.reasons)
            raise AgencyError(
                "rules-bar",
                f"the rules answer `{answer.outcome}` on `{answer.decision}`: {because}",
                fix="don't send it, or confirm it with `--although-barred`",
            )


def _keep(office: Office, working_set: WorkingSet, draft: FormDraft) -> None:
    """Keep a draft's facts. An answer with a value that others hold otherwise is a correction."""
    changed: Mapping[str, Any] = {}
    if draft.form == "answer":
        changed = changed_facts(office, working_set, draft.case, draft.kept)
    if changed:
        changes = list_changes_of(office, working_set, draft.case, changed)
        keep_correction(
            office, working_set, draft.case, changed, None, draft=draft.record, changes=changes
        )
    kept = {path: value for path, value in draft.kept.items() if path not in changed}
    if not kept and not draft.kept_members:
        return
    line = working_set.gateway.line
    body = {
        "case": draft.case,
        "facts": kept,
        "draft": draft.record,
        "after": line.size if line else 0,
        "keep_until": defaults_today(office, working_set).keep_until,
        **({"members": dict(draft.kept_members)} if draft.kept_members else {}),
        **changes_in_note(list_changes_of(office, working_set, draft.case, kept)),
    }
    office.append(working_set, "noted", body)
