"""A pack's consent set as a person reads it: questions, exact sentences, and what a no changes.

Pure: the pack of a day and the directory in, texts in English or Spanish out. Each question is
about one recipient and is answered by itself. Every sentence says who tells whom what, and for
what, in the words of the terms that are signed. What a no changes is worked out from the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType

from exchange.membership.directory import Directory
from exchange.records.statements import Grant
from offramp.agency.cases.consent_words import decision_words, say, spell_day
from offramp.agency.cases.plain_words import CATEGORIES, PURPOSES
from offramp.agency.errors import AgencyError
from rules.decide.consent import (
    ENTRY,
    STAYING,
    Passage,
    closure,
    depending,
    never_told,
    passages,
    permits,
    permitted_set,
    reads_no_consent,
)
from rules.decide.program import Program
from rules.errors import nearest
from rules.frozen import frozen
from rules.packs.consent_sets import MINIMUM, OPTIONAL
from rules.packs.pack import ConsentGrant, ConsentQuestion, ConsentSet

# The kinds of information of which a question says that the recipient is never told them.
_SENSITIVE = (
    "substance_use",
    "test_result",
    "treatment",
    "attendance",
    "health",
    "progress",
    "plan",
    "barriers",
    "encounter",
    "charge",
)
_COUNSEL = "defender"
# An answer to a question: yes, no, or the numbers of the lines with a yes, from 1. A question that
# has no answer was put off. It adds nothing, and ends nothing.
Answer = bool | tuple[int, ...]
Answers = Mapping[str, Answer]


@frozen
class Line:
    """One sentence of a question, with the terms that it states. `until` is the last day.

    `lead`, `kinds`, and `purpose` are the parts of `sentence`, for a page that lists the kinds.
    """

    discloser: str
    recipient: str
    categories: tuple[str, ...]
    purposes: tuple[str, ...]
    until: str
    lead: str
    kinds: tuple[str, ...]
    purpose: str
    refusal: str

    @property
    def sentence(self) -> str:
        """The exact sentence that is signed."""
        return f"{self.lead} {'; '.join(self.kinds)}. {self.purpose}"


@frozen
class Question:
    """A question of a consent set, in one language.

    `id` is that of the pack, with the agencies' ids after it where several have the role. `need` is
    `minimum` or `optional`, and `about_need` says what that means. `never` are kinds of information
    that the recipient is never told, whatever the answer. `if_no` says what a no changes: what the
    recipient isn't told, what `stays_open`, and what `stays` as it is. `before` says of counsel
    that a yes does nothing before it appears in the case, empty for others.
    """

    id: str
    recipient: str
    recipient_name: str
    need: str
    text: str
    about_need: str
    lines: tuple[Line, ...]
    until: str
    never: tuple[str, ...]
    not_told: str
    stays_open: tuple[str, ...]
    stays: tuple[str, ...]
    before: str = ""

    @property
    def if_no(self) -> tuple[str, ...]:
        """What a no changes, as far as the rules prove it."""
        return (self.not_told, *self.stays_open, *self.stays)


@frozen
class Form:
    """A consent set on a day, in one language. `missing` are roles that no agency has.

    `rights` are the statements that 42 CFR 2.31(a) and 45 CFR 164.508(c)(2) require, and the
    program's own. `care` is the one that treatment doesn't depend on the answers.
    """

    id: str
    label: str
    language: str
    day: date
    questions: tuple[Question, ...]
    missing: tuple[str, ...]
    rights: tuple[str, ...]
    care: str


@frozen
class Statement:
    """The exact text that a person signs.

    `version` is the first 20 digits of the SHA-256 of its lines, so that it names this very text.
    `agreed` are the lines with a yes. `head`, the texts of `answered` by question, and `rights` are
    the lines in their order.
    """

    set_id: str
    language: str
    head: tuple[str, ...]
    answered: tuple[tuple[str, tuple[str, ...]], ...]
    rights: tuple[str, ...]
    agreed: tuple[Line, ...]
    declined: tuple[Line, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The whole text, line by line."""
        return (*self.head, *(text for _, texts in self.answered for text in texts), *self.rights)

    @property
    def version(self) -> str:
        """The version of the text in the signed form."""
        return sha256("\n".join(self.lines).encode()).hexdigest()[:20]


@lru_cache(maxsize=16)
def asked_sets(program: Program) -> Mapping[str, ConsentSet]:
    """Return the consent sets that the rules of the program's day let an agency ask, by id."""
    sets = {
        name: permitted_set(program, consent_set)
        for name, consent_set in program.pack.consent_sets.items()
    }
    return MappingProxyType(
        {name: asked_set for name, asked_set in sets.items() if asked_set.questions}
    )


@lru_cache(maxsize=4_096)
def _decisions_of(program: Program, passage: Passage) -> tuple[str, ...]:
    """Return the decisions that depend on what a passage tells, worked out once for a program."""
    return depending(program.pack, passage)


@lru_cache(maxsize=16)
def _reads_no_consent(program: Program) -> bool:
    return reads_no_consent(program.pack)


def find_set(program: Program, set_id: str) -> ConsentSet:
    """Return a consent set of the pack. Raises `AgencyError` `no-consent-set`."""
    sets = asked_sets(program)
    if set_id not in sets:
        fix = nearest(set_id, tuple(sets)) if sets else "record the consent from a file"
        raise AgencyError(
            "no-consent-set", f"the rules have no consent set `{set_id[:40]}`", fix=fix
        )
    return sets[set_id]


def make_form(
    program: Program,
    consent_set: ConsentSet,
    directory: Directory,
    collector: str,
    today: date,
    lang: str,
) -> Form:
    """Return the form of a consent set, for the agencies of the directory.

    `program` is the pack in force on `today`, `collector` the agency that asks.
    """
    maker = _Maker(program, directory, collector, today, lang)
    questions = [
        made for question in consent_set.questions.values() for made in maker.questions(question)
    ]
    roles = {
        role
        for question in consent_set.questions.values()
        for role in (question.recipient, *(grant.sender for grant in question.grants))
    }
    missing = tuple(sorted(role for role in roles if not maker.agencies(role)))
    label = consent_set.label.text(lang)
    rights = tuple(maker.rights(consent_set))
    return Form(
        consent_set.id,
        label,
        lang,
        today,
        tuple(questions),
        missing,
        rights,
        say(lang, "care_stays"),
    )


@frozen
class Consequences:
    """What follows if grants to one recipient end, as far as the rules prove it.

    `not_told` says that the recipient is told none of it through the senders, None if the recipient
    or all of them left the directory.
    `stays_open` are answers that the rules may then lack, and `stays` what doesn't depend on it.
    """

    not_told: str | None
    stays_open: tuple[str, ...]
    stays: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every sentence, as after a no in a form."""
        not_told = () if self.not_told is None else (self.not_told,)
        return (*not_told, *self.stays_open, *self.stays)


def what_follows(
    program: Program,
    directory: Directory,
    collector: str,
    today: date,
    lang: str,
    recipient: str,
    grants: Iterable[Grant],
) -> Consequences:
    """Return what follows if these grants to one recipient end: the sentences of a no.

    Empty for a recipient that left the directory. A grant of a sender that left changes nothing.
    """
    role = directory.role(recipient)
    if role is None:
        return Consequences(None, (), ())
    known = [grant for grant in grants if directory.role(grant.discloser) is not None]
    terms = [
        ConsentGrant(
            str(directory.role(grant.discloser)), tuple(grant.categories), tuple(grant.purposes)
        )
        for grant in known
    ]
    maker = _Maker(program, directory, collector, today, lang)
    senders = dict.fromkeys(grant.discloser for grant in known)
    if not senders:
        return Consequences(None, (), tuple(maker.stays(())))
    return Consequences(*maker.if_no(role, recipient, terms, senders))


def kind_words(categories: Iterable[str], lang: str) -> tuple[str, ...]:
    """Return kinds of information as a form lists them."""
    column = 1 if lang == "es" else 0
    return tuple(CATEGORIES[category][column] for category in categories)


def sentence_around(
    sender: str, recipient: str, purposes: Iterable[str], lang: str
) -> tuple[str, str]:
    """Return what a line says before its kinds, and after them. The agencies are names."""
    text = say(
        lang,
        "may_tell",
        sender=sender,
        recipient=recipient,
        categories="\0",
        purposes=_purpose_words(purposes, lang),
    )
    lead, _, purpose = text.partition(" \0. ")
    return lead, purpose


def _purpose_words(purposes: Iterable[str], lang: str) -> str:
    column = 1 if lang == "es" else 0
    return say(lang, "and").join(PURPOSES[purpose][column] for purpose in purposes)


class _Maker:
    """Makes the questions of one form."""

    def __init__(
        self, program: Program, directory: Directory, collector: str, today: date, lang: str
    ) -> None:
        self.program = program
        self.pack = program.pack
        self.directory = directory
        self.collector = collector
        self.today = today
        self.lang = lang
        self.column = 1 if lang == "es" else 0
        self._never: dict[str, tuple[str, ...]] = {}

    def agencies(self, role: str) -> tuple[str, ...]:
        """Return the agencies of a role. Of the collector's own role, only the collector."""
        if self.directory.role(self.collector) == role:
            return (self.collector,)
        return tuple(sorted(self.directory.with_role(role)))

    def questions(self, question: ConsentQuestion) -> Iterator[Question]:
        """Yield a question for each recipient, and for each of several senders of one role.

        So nobody has to allow one clinic in order to allow another.
        """
        for recipient in self.agencies(question.recipient):
            grouped: dict[str, list[tuple[str, ConsentGrant]]] = {}
            for grant in question.grants:
                senders = self.agencies(grant.sender)
                for sender in senders:
                    several = sender if len(senders) > 1 else ""
                    grouped.setdefault(several, []).append((sender, grant))
            for several, pairs in grouped.items():
                is_one = len(self.agencies(question.recipient)) == 1
                parts = (question.id, "" if is_one else recipient, several)
                name = ":".join(part for part in parts if part)
                yield self.question(name, question, recipient, pairs)

    def question(
        self,
        name: str,
        question: ConsentQuestion,
        recipient: str,
        pairs: list[tuple[str, ConsentGrant]],
    ) -> Question:
        """Return one question with its lines."""
        last_day = self.today + timedelta(days=question.days - 1)
        lines = tuple(self.line(sender, recipient, grant, last_day) for sender, grant in pairs)
        text = (
            question.asks.text(self.lang)
            if question.asks
            else self.say("question", recipient=self.name(recipient))
        )
        # A city's rules may not read what the model's do. Then nothing needs it.
        grants = [grant for _, grant in pairs]
        is_minimum = question.need == MINIMUM and bool(self.decisions(question.recipient, grants))
        return Question(
            name,
            recipient,
            self.name(recipient),
            MINIMUM if is_minimum else OPTIONAL,
            text,
            self.say("minimum" if is_minimum else "optional"),
            lines,
            self.say("until", day=spell_day(last_day, self.lang)),
            self.never(question.recipient),
            *self.if_no(
                question.recipient, recipient, grants, dict.fromkeys(sender for sender, _ in pairs)
            ),
            before=self.say("counsel_first", recipient=self.name(recipient))
            if question.recipient == _COUNSEL
            else "",
        )

    def line(self, sender: str, recipient: str, grant: ConsentGrant, last_day: date) -> Line:
        """Return the exact sentence of a grant. The pack's own sentence stands before the list."""
        kinds = kind_words(grant.categories, self.lang)
        names = self.name(sender), self.name(recipient)
        introduction = f"{grant.says.text(self.lang)} " if grant.says else ""
        lead, purpose = sentence_around(*names, grant.purposes, self.lang)
        return Line(
            sender,
            recipient,
            grant.categories,
            grant.purposes,
            last_day.isoformat(),
            introduction + lead,
            kinds,
            purpose,
            self.say(
                "not_allowed",
                sender=names[0],
                recipient=names[1],
                categories="; ".join(kinds),
                purposes=_purpose_words(grant.purposes, self.lang),
            ),
        )

    def never(self, role: str) -> tuple[str, ...]:
        """Return what no consent lets anyone tell a role, in plain words."""
        if role not in self._never:
            categories = never_told(self.program, role, _SENSITIVE)
            self._never[role] = tuple(CATEGORIES[category][self.column] for category in categories)
        return self._never[role]

    def decisions(self, role: str, grants: Iterable[ConsentGrant]) -> tuple[str, ...]:
        """Return the decisions that depend on what the grants let a role know."""
        return tuple(
            dict.fromkeys(
                decision
                for grant in grants
                for passage in passages(grant, role)
                for decision in _decisions_of(self.program, passage)
            )
        )

    def if_no(
        self,
        role: str,
        recipient: str,
        grants: Iterable[ConsentGrant],
        senders: Iterable[str],
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """Return what a no changes, as far as the rules prove it, and nothing else.

        It is what isn't told, what stays open, and what stays as it is. `senders` are the agencies
        that a yes would let tell it. INVARIANT: a no says nothing of other agencies, which may have
        told the recipient the same before, as the law lets them.
        """
        name = self.name(recipient)
        decisions = self.decisions(role, grants)
        stays_open = tuple(
            self.say("open", recipient=name, decision=decision_words(self.pack, each, self.lang))
            for each in decisions
        )
        stays = tuple(self.stays(decisions))
        through = self.say("or").join(map(self.name, senders))
        return self.say("not_told", recipient=name, senders=through), stays_open, stays

    def stays(self, decisions: Iterable[str]) -> Iterator[str]:
        """Yield what doesn't depend on the facts that these decisions read."""
        for decided, key in ((ENTRY, "entry_same"), (STAYING, "staying_same")):
            names = closure(self.pack, decided)
            # INVARIANT: this is said only where no decision about it reads what would be told.
            if names and not names & set(decisions):
                yield self.say(key)
        if _reads_no_consent(self.program):
            yield self.say("no_rule_reads")

    def rights(self, consent_set: ConsentSet) -> Iterator[str]:
        """Yield the statements about the person's rights. No pack can leave one out."""
        collector = self.name(self.collector)
        yield self.say("no_need_to_sign")
        if _reads_no_consent(self.program):
            yield self.say("no_rule_reads")
        decisions = dict.fromkeys(
            decision_words(self.pack, decision, self.lang)
            for question in consent_set.questions.values()
            for decision in self.decisions(question.recipient, question.grants)
        )
        if decisions:
            yield self.say("open_if_no", decisions="; ".join(decisions))
        yield self.say("care_stays")
        yield self.say("take_back", collector=collector)
        yield self.say("passed_on")
        yield self.say("part2")
        role = self.directory.role(self.collector) or ""
        passage = Passage(role, "defender", "status", "legal_representation")
        if permits(self.program, passage) and not permits(self.program, passage, use="none"):
            yield self.say("limit", collector=collector)
        yield self.say("copy")

    def name(self, agency: str) -> str:
        """Return an agency's name from the directory."""
        return self.directory.agencies[agency].name

    def say(self, key: str, **terms: str) -> str:
        """Return a fixed sentence in the form's language."""
        return say(self.lang, key, **terms)


def make_statement(form: Form, answers: Answers, person: str, program_title: str) -> Statement:
    """Return the exact text to sign: each sentence with its answer, and the person's rights.

    A question without an answer is not in it. Raises `AgencyError` `no-such-answer`.
    """
    check_answers(form, answers)
    agreed: list[Line] = []
    declined: list[Line] = []
    answered: list[tuple[str, tuple[str, ...]]] = []
    for question in form.questions:
        if question.id not in answers:
            continue
        answer = answers[question.id]
        sentences: list[str] = []
        for number, line in enumerate(question.lines, 1):
            is_yes = answer if isinstance(answer, bool) else number in answer
            (agreed if is_yes else declined).append(line)
            mark = say(form.language, "yes" if is_yes else "no")
            sentences.append(f"{mark}: {line.sentence if is_yes else line.refusal}")
            if is_yes:
                sentences.append(f"   {question.until}")
        if question.before and any(line in agreed for line in question.lines):
            sentences.append(question.before)
        answered.append((question.id, tuple(sentences)))
    day = spell_day(form.day, form.language)
    head = say(form.language, "head", program=program_title, person=person, day=day)
    counts = say(form.language, "counts", agreed=str(len(agreed)), declined=str(len(declined)))
    return Statement(
        form.id,
        form.language,
        (head, counts),
        tuple(answered),
        form.rights,
        tuple(agreed),
        tuple(declined),
    )


def check_answers(form: Form, answers: Answers) -> None:
    """Check that each answer is to a question and a line of the form.

    Raises `AgencyError` `no-such-answer`.
    """
    questions = {question.id: question for question in form.questions}
    for name, answer in answers.items():
        if name not in questions:
            raise AgencyError(
                "no-such-answer",
                f"`{name[:40]}` is no question of `{form.id}`",
                fix=nearest(name, tuple(questions)),
            )
        count = len(questions[name].lines)
        if not isinstance(answer, bool) and not all(1 <= number <= count for number in answer):
            raise AgencyError(
                "no-such-answer",
                f"`{name}` has {count} lines, and the answer names another",
                fix=f"name lines from 1 to {count}",
            )
