"""Commands that tell other agencies something by a form: ask, show the statement, send.

The forms are data (`jurisdictions/forms.yaml`), and so are these commands: one for each form.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from exchange.records.content import MOST_ENTRIES
from exchange.records.kinds import kinds
from offramp.agency import operations
from offramp.agency.cases.draft import LARGEST
from offramp.agency.cases.form_questions import ABOUT, OWN_FLAG, SAME_ENCOUNTER, options_of
from offramp.agency.cases.form_terms import Form, form_terms
from offramp.agency.cases.moments import ODD_FLAG
from offramp.agency.cases.open_decisions import decide_it
from offramp.agency.cases.pack_terms import PackTerms
from offramp.agency.commands import form_text
from offramp.agency.commands.command import (
    CASE,
    AgencyCommand,
    Output,
    actor_of,
    acts_unless_shown,
    add_odd_flag,
)
from offramp.agency.commands.known_person import KnownPerson, add_option, ask_known_person
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.operations.telling import OpenedForm
from offramp.agency.short_handles import short
from offramp.arguments import add_language
from offramp.asking import UNKNOWN, AnswerForm, Dialog, collect_answers, confirm
from offramp.terminal import print_text
from offramp.user_files import read_named
from rules.errors import PackError, RequestError, nearest
from rules.input.printing import plain, printable
from rules.input.typed_answers import NOT_KNOWN
from rules.input.vocabulary import Fact
from rules.input.yaml import read_text
from rules.shelf import vocabulary

_DEST = "answer:"
BARRED_FLAG = "--although-barred"
_ENTRY = re.compile(r"\s*([a-z_]+)\s*=\s*([^,]*)(?:,|$)")
_NO_ENTRIES = ("none", "no", "0", "ninguno", "ninguna")
_OPENER = {
    "en": "Who opens the questions? Write your name.",
    "es": "¿Quién abre las preguntas? Escriba su nombre.",
}


def _run(form: Form, office: Office, options: argparse.Namespace) -> Output:
    """Ask a form's questions, show its statement, and send it."""
    opened = operations.open_form(office, form.name, options.case, language=options.lang)
    return _tell(office, opened, options)


def _tell(
    office: Office,
    opened: OpenedForm,
    options: argparse.Namespace,
    answered: Mapping[str, Any] | None = None,
) -> Output:
    """Ask, show, and send. `answered` are answers that the person gave before the case changed."""
    language, texts = options.lang, form_text.WORDS[options.lang]
    dialog = Dialog.at_terminal(language, opened.zone, as_json=options.json)
    if not options.json:
        for category in opened.left_out:
            text = form_text.category_text(category, language)
            print_text(texts["untold"].format(category=text))
    provided = _given(opened, options, texts) if answered is None else dict(answered)
    names = frozenset(provided)
    answers = collect_answers(
        lambda so_far: opened.questions(so_far, names),
        provided,
        dialog,
        () if options.yes or options.dry_run else ("--yes",),
        rest_unknown=options.rest_unknown,
        rest_open=options.rest_open,
    )
    known = KnownPerson()
    if opened.form.begins and opened.case is None:
        known = ask_known_person(office, answers, options, dialog)
    if known.is_here_already:
        return Output({"sent": False}, [texts["not_sent"]])
    draft = operations.draft_form(office, opened, answers, recipients=tuple(options.to))
    preview = operations.preview_draft(office, draft)
    lines = form_text.preview_lines(preview, language, dialog.zone)
    if known.case is not None:
        lines.append(texts["joined"].format(case=short(known.case)))
    if options.dry_run:
        return Output(preview.as_json(), [*lines, "", texts["dry"]])
    if not options.json:
        for line in lines:
            print_text(line)
        print_text()
    # INVARIANT: `--yes` alone sends nothing that the rules bar, and no day in an odd order. Without
    # a terminal it is refused.
    although_barred, although_odd = options.although_barred, options.although_odd
    is_confirmed = options.yes
    if preview.is_barred and not although_barred and dialog.is_terminal:
        although_barred = is_confirmed = confirm(dialog, texts["although"], flag=BARRED_FLAG)
        if not is_confirmed:
            return Output({"sent": False}, [texts["not_sent"]])
    if preview.odd and not although_odd and dialog.is_terminal:
        although_odd = is_confirmed = confirm(dialog, texts["although_odd"], flag=ODD_FLAG)
        if not is_confirmed:
            return Output({"sent": False}, [texts["not_sent"]])
    if not is_confirmed and not confirm(dialog, None if draft.parts else texts["keep_it"]):
        return Output({"sent": False}, [texts["not_sent"]])
    try:
        sent = operations.send_draft(
            office, draft, although_barred=although_barred, although_odd=although_odd
        )
    except AgencyError as error:
        if error.code != operations.CASE_CHANGED or not dialog.is_terminal or options.yes:
            raise
        print_text(f"\n{error.message}\n")
        again = operations.open_form(office, opened.form.name, opened.case, language=language)
        return _tell(office, again, options, _still_asked(again, answers))
    if known.case is not None:
        operations.note_same_person(office, sent.case, known.case)
    if known.others:
        operations.note_other_people(office, sent.case, known.others)
    value = {**sent.as_json(), "preview": preview.as_json()}
    return Output(value, form_text.sent_form_lines(sent, preview.names, language))


def _still_asked(opened: OpenedForm, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers to the questions that a form still asks, as they are given to it."""
    asked = {each.name: each.form for each in opened.questions(answers, frozenset(answers))}
    return {
        name: _as_typed(asked[name], answer) for name, answer in answers.items() if name in asked
    }


def _as_typed(form: AnswerForm, answer: Any) -> Any:
    """Return an answer as it is given to a question. A text is in quotes: a name may be `No`."""
    if answer is UNKNOWN:
        return NOT_KNOWN[0]
    return f'"{answer}"' if form.type == "text" and isinstance(answer, str) else answer


def _answer(form: Form, office: Office, options: argparse.Namespace) -> Output:
    """List the questions that wait, and ask each case's in turn.

    What a named person decides is listed with its command, and isn't asked. Raises `AgencyError`
    `decide-it` where nothing else waits.
    """
    language = options.lang
    _open_questions(office, options)
    waiting = operations.waiting_questions(office, options.case, language=language)
    stated = [question.case for question in waiting if question.decided_in is None]
    if waiting and not stated:
        operations.open_form(office, form.name, waiting[0].case, language=language)
    cases = list(dict.fromkeys(stated))
    outputs = []
    if not options.json:
        for line in form_text.deciding_lines(waiting, language):
            print_text(line)
    for case in cases:
        if not options.json:
            of_case = tuple(
                question
                for question in waiting
                if question.case == case and question.decided_in is None
            )
            for line in form_text.waiting_lines(of_case, language):
                print_text(line)
        opened = operations.open_form(office, form.name, case, language=language)
        outputs.append(_answer_one(office, opened, options))
        if not options.json and case != cases[-1]:
            for line in outputs[-1].lines:
                print_text(line)
    if not outputs:
        return Output({"answers": []}, form_text.waiting_lines((), language))
    return Output({"answers": [output.json for output in outputs]}, outputs[-1].lines)


def _answer_one(office: Office, opened: OpenedForm, options: argparse.Namespace) -> Output:
    """Ask one case's questions. With `--rest-open`, a case without an answer is left as it is."""
    try:
        return _tell(office, opened, options)
    except AgencyError as refusal:
        if not options.rest_open or refusal.code != "nothing-to-tell":
            raise
    return Output(
        {"case": opened.case, "sent": False}, [form_text.WORDS[options.lang]["left_open"]]
    )


def _open_questions(office: Office, options: argparse.Namespace) -> None:
    """Open the questions that are closed, in a person's name."""
    if not operations.closed_questions(office, options.case):
        return
    operations.open_questions_as(office, actor_of(office), options.case)


# Answers from flags and files


def _given(
    opened: OpenedForm, options: argparse.Namespace, texts: Mapping[str, str]
) -> dict[str, Any]:
    """Return the answers of the flags, over those of the files.

    Facts that the form doesn't tell are left out, and said so. Raises `RequestError`
    `unknown-question`; `AgencyError` `decide-it` for what a named person decides.
    """
    provided: dict[str, Any] = {}
    if getattr(options, "facts", None):
        facts = _flat(read_answers_file(options.facts))
        askable = {path: value for path, value in facts.items() if path in opened.paths}
        ignored = sorted(set(facts) - set(askable) - {"now"})
        if ignored and not options.json:
            print_text(texts["ignored"].format(names=", ".join(map(printable, ignored))))
        provided |= askable
    if options.answers:
        provided |= _flat(read_answers_file(options.answers))
    flags = {
        name.removeprefix(_DEST): value
        for name, value in vars(options).items()
        if name.startswith(_DEST) and value is not None
    }
    provided |= _named_answers(options.answer, flags) | flags
    if SAME_ENCOUNTER in provided and not any(sheet.known for sheet in opened.sheets):
        raise _no_earlier_encounter(opened.case)
    names = {*options_of(opened.form.name), *opened.paths, ABOUT, SAME_ENCOUNTER}
    for name in provided:
        if name in opened.decided:
            digits = opened.about.digits if opened.about is not None else "CASE"
            raise decide_it(digits, name, opened.decided[name])
        if name not in names:
            own = opened.terms.facts.get(name) if opened.form.own else None
            if own is not None:
                raise _not_told_here(own, opened)
            raise RequestError(
                "unknown-question",
                f"`{printable(name)}` isn't asked here",
                fix=nearest(name, sorted(names)),
            )
    answers = {name: value for name, value in provided.items() if not _is_untold(opened, name)}
    return dict(_with_entries(answers, opened.measured_lists, opened.terms))


def _not_told_here(fact: Fact, opened: OpenedForm) -> RequestError:
    """Return the refusal of a fact that `tell` doesn't ask of this role."""
    name, role = printable(fact.path), opened.sheets[0].role
    if fact.known_by != role:
        return RequestError(
            "unknown-question",
            f"`{name}` isn't for `{role}` to tell: the pack says that `{fact.known_by}` knows it",
            fix=f"`{fact.known_by}` tells it",
        )
    return RequestError(
        "unknown-question",
        f"`{name}` isn't among the facts that only this program has, so `{opened.form.name}` "
        "doesn't ask for it",
        fix="use the command for what you tell, see `offramp agency --help`",
    )


def _no_earlier_encounter(case: str | None) -> RequestError:
    """Return the refusal of `same_encounter` where no earlier referral is at hand."""
    if case is not None:
        return RequestError(
            "unknown-question",
            f"`{SAME_ENCOUNTER}` isn't asked here: nothing that you sent in this case still stands",
            fix="leave it out, and answer the questions about the encounter",
        )
    return RequestError(
        "unknown-question",
        f"`{SAME_ENCOUNTER}` isn't asked here: without `--case`, a new case begins",
        fix="name the case with `--case CASE` to refer the person in it again, or leave "
        "`--same-encounter` out",
    )


def _named_answers(texts: Iterable[str], flags: Mapping[str, Any]) -> dict[str, str]:
    """Read each `--answer`. Raises `AgencyError` `not-answers`, also for a second answer."""
    answers: dict[str, str] = {}
    for text in texts:
        name, answer = _named_answer(text)
        if name in answers or name in flags:
            raise AgencyError(
                "not-answers",
                f"`{printable(name)}` is answered twice in the command",
                fix=f"give one answer, such as `{OWN_FLAG} {printable(name)}={printable(answer)}`",
            )
        answers[name] = answer
    return answers


def _named_answer(text: str) -> tuple[str, str]:
    """Read `encounter.park=yes`. Raises `AgencyError` `not-answers`."""
    name, equals, answer = text.partition("=")
    if not equals or not name.strip() or not answer.strip():
        raise _not_answers(text[:60], "it isn't the name of a question, `=`, and its answer")
    return name.strip(), answer.strip()


def _is_untold(opened: OpenedForm, name: str) -> bool:
    """Return True for an answer of a part that no agency may receive, which isn't asked either."""
    fact = opened.terms.facts.get(name)
    category = fact.category if fact else name.partition(".")[0]
    return category in opened.untold and name not in opened.paths


def read_answers_file(name: str) -> Any:
    """Read answers or facts from YAML or JSON. Raises `AgencyError` `not-answers`."""
    try:
        raw = read_named(name, LARGEST)
        if len(raw) > LARGEST:
            raise _not_answers(name, "it is over 1 MiB")
        value = plain(read_text(raw.decode("utf-8"), "the answers").data())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise _not_answers(name, why.lower()) from None
    except PackError as error:
        line = f"line {error.at.line}: " if error.at.line else ""
        raise _not_answers(name, f"{line}{error.message}") from None
    if not isinstance(value, dict):
        raise _not_answers(name, "it isn't a mapping of questions to answers")
    return value


def _not_answers(name: str, why: str) -> AgencyError:
    return AgencyError(
        "not-answers",
        f"`{printable(name)}` can't be read as answers: {why}",
        fix="write a line such as `encounter.date: 2026-06-12` for each answer",
    )


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return answers by path. A mapping in a mapping continues the path."""
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        path = f"{prefix}{name}"
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{path}.")
        else:
            flat[path] = inner
    return flat


def _with_entries(
    provided: Mapping[str, Any], measured: frozenset[str], terms: PackTerms
) -> Iterator[tuple[str, Any]]:
    """Yield the answers, a list as its length and the answers of its entries.

    The entries of a `measured` list are those that were sent before, in their order.
    """
    for name, value in provided.items():
        fact = terms.facts.get(name)
        if fact is None or fact.type != "list" or not isinstance(value, list):
            yield name, value
            continue
        entries = [] if len(value) == 1 and _is_none(value[0]) else value
        if len(entries) > MOST_ENTRIES:
            raise _not_answers(name, f"it has over {MOST_ENTRIES} entries")
        if name not in measured:
            yield name, len(entries)
        for index, entry in enumerate(entries):
            for field, answer in _fields(name, entry, terms.facts[name].fields).items():
                if field != "id":
                    yield f"{name}[{index}].{field}", answer


def _is_none(entry: Any) -> bool:
    return isinstance(entry, str) and entry.strip().casefold() in _NO_ENTRIES


def _fields(name: str, entry: Any, fields: Mapping[str, Fact]) -> Mapping[str, Any]:
    """Return the fields of an entry, from a mapping or from `kind=opioid, grams=2.4`."""
    if isinstance(entry, str):
        pairs = dict(_ENTRY.findall(entry))
        if not pairs or _ENTRY.sub("", entry).strip():
            raise _not_answers(
                name, f"`{printable(entry)[:40]}` isn't `field=answer, field=answer`"
            )
        entry = {field: answer.strip() for field, answer in pairs.items()}
    if not isinstance(entry, dict):
        raise _not_answers(name, "an entry isn't a mapping of its fields")
    for field in entry:
        if field != "id" and field not in fields:
            raise RequestError(
                "unknown-question",
                f"`{printable(name)}` has no `{printable(field)}`",
                fix=nearest(str(field), [*fields]),
            )
    return entry


# The words


def _options(form: Form, parser: argparse.ArgumentParser) -> None:
    """Add a flag for each question that the form may ask, and those of every form."""
    parser.add_argument(
        "--answers", metavar="FILE", help="a YAML or JSON file with answers by the question's name"
    )
    parser.set_defaults(although_barred=False)
    if form.begins:
        parser.add_argument(
            BARRED_FLAG, action="store_true", help="send it although the rules bar the person"
        )
        parser.add_argument(
            "--case",
            metavar="CASE",
            help="refer the person again in this case, to one more agency or after another "
            "encounter. Without it, a new case begins",
        )
        parser.add_argument(
            "--facts", metavar="FILE", help="facts that `offramp interview --save` wrote"
        )
        add_option(parser)
    if form.name == "answer":
        parser.add_argument("--case", metavar="CASE", help="one case only. Default: every case")
    parser.add_argument(
        "--to",
        metavar="AGENCY",
        action="append",
        default=[],
        help="tell only this agency, of those that may be told (repeatable)",
    )
    parser.add_argument("--yes", action="store_true", help="send without the last question")
    add_odd_flag(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be told, and keep and send nothing"
    )
    rest = parser.add_mutually_exclusive_group()
    rest.add_argument(
        "--rest-unknown", action="store_true", help="facts without an answer are not known"
    )
    parser.set_defaults(rest_open=False)
    if form.name == "answer":
        rest.add_argument(
            "--rest-open",
            action="store_true",
            help="questions without an answer stay asked, and nothing is told about them",
        )
    add_language(parser, "the language to ask in")
    parser.add_argument(
        OWN_FLAG,
        metavar="NAME=ANSWER",
        action="append",
        default=[],
        help="the answer to a question that only your program asks, such as encounter.park=yes "
        "(repeatable)",
    )
    group = parser.add_argument_group(
        "answers", "each answers one question, which is then not asked"
    )
    _question_options(form, group)


def _question_options(form: Form, group: Any) -> None:
    terms, facts = form_terms(), vocabulary().facts
    if form.chooses:
        group.add_argument("--about", dest=f"{_DEST}{ABOUT}", metavar="ANSWER", help="what to tell")
    if form.begins:
        group.add_argument(
            "--same-encounter",
            dest=f"{_DEST}{SAME_ENCOUNTER}",
            metavar="ANSWER",
            help="only with `--case`: yes, if the new referral is about the encounter that you "
            "told of before, so that its answers are filled in; no for another encounter",
        )
    for path, flag in options_of(form.name).items():
        fact, member = facts.get(path), terms.members.get(path)
        text = member.texts["en"] if member else fact.question if fact else path
        if fact is not None and fact.type == "list":
            fields = ", ".join(f"{name}=…" for name in fact.fields)
            text += f' Write "{fields}", once for each, or "none".'
            group.add_argument(
                flag, dest=f"{_DEST}{path}", metavar="ENTRY", action="append", help=text
            )
        else:
            group.add_argument(flag, dest=f"{_DEST}{path}", metavar="ANSWER", help=text)


def _command(form: Form) -> AgencyCommand:
    run = _answer if form.name == "answer" else _run
    return AgencyCommand(
        form.name,
        f"{form.title['en']} (for {_roles_text(form.roles)})",
        run=partial(run, form),
        words=() if form.begins or form.name == "answer" else (CASE,),
        options=partial(_options, form),
        act=acts_unless_shown("send_draft"),
    )


def _roles_text(roles: tuple[str, ...]) -> str:
    """Return the roles in words: all of them, or each."""
    return "every agency" if roles == kinds()["answer"].issuers else ", ".join(roles)


COMMANDS = tuple(_command(form) for form in form_terms().forms.values())
