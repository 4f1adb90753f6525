"""Commands that ask a person for consent by the pack's form, and that take consent back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from offramp.agency import operations, wording
from offramp.agency.cases.consent_form import Answer, Form
from offramp.agency.cases.consent_form import Question as PersonQuestion
from offramp.agency.cases.consent_words import NOT_SIGNED, SIGNED, circumstances, say
from offramp.agency.commands.command import CASE, AgencyCommand, Output, actor_of, acts_unless_shown
from offramp.agency.commands.records import read_draft
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.operations import ConsentSetSummary, Signature
from offramp.arguments import add_language
from offramp.asking import (
    AnswerForm,
    Choice,
    Dialog,
    Question,
    collect_answers,
    confirm,
    flag_of,
    read_given,
)
from offramp.names import is_same_name
from offramp.terminal import print_text
from offramp.user_files import open_named
from rules.errors import RequestError, nearest
from rules.input.printing import plain
from rules.input.yaml import read_file

YES, NO, EACH, LATER = "yes", "no", "each", "later"
# Other words for these answers, in both languages.
_EACH_WORDS = ("one by one", "line by line", "cada línea", "línea por línea", "una por una")
_LATER_WORDS = ("not now", "luego", "después", "más tarde", "ahora no")
METHODS = ("typed", "drawn", "paper", "mark")
# What an answers file may have beside the answers, and the flag of each.
DETAILS = {
    "name": "the person's name, as on the form",
    "by": "the staff member that explains the form",
    "place": "where it is explained and signed",
    "in_custody": "whether the person is in custody",
    "interpreter": "the interpreter's name",
    "signed": f"how the person signed: {', '.join(METHODS)}, or {NOT_SIGNED}",
    "time_to_think": "whether the person had time to think",
    "copy_given": "whether the person got a copy",
    "witness": "a witness of the signature",
    "representative": "the name of a representative that signs for the person",
    "authority": "what allows the representative to sign",
}
_SIGN = {
    "en": "How does the person sign?",
    "es": "¿Cómo firma la persona?",
}
_TYPED_NAME = {
    "en": "To sign, the person types the name: {name}",
    "es": "Para firmar, la persona escribe su nombre: {name}",
}


def _consent(office: Office, options: argparse.Namespace) -> Output:
    """Record a consent from a file, or walk through a consent set of the pack."""
    if options.file is not None and options.case is not None:
        record = operations.record_consent(
            office, options.case, read_draft(office, Path(options.file))
        )
        return Output(record.as_json(), wording.sent_lines(record))
    if options.file is None and options.case is None:
        raise RequestError("usage", "no case is named", fix="name one by its handle")
    case = options.case or operations.find_case(office, options.file)
    sets = operations.list_consent_sets(office, case, options.lang)
    if options.list:
        value = {"sets": [summary.as_json() for summary in sets]}
        return Output(value, wording.consent_sets_lines(sets))
    return _walk(office, case, sets, options)


def _walk(
    office: Office, case: str, sets: Sequence[ConsentSetSummary], options: argparse.Namespace
) -> Output:
    """Ask a consent set at the terminal, or take the answers from flags and a file."""
    supplied = _given(options)
    if "by" in supplied:
        operations.sign_in(office, by=str(supplied["by"]))
    supplied["by"] = actor_of(office)
    chosen_answers = supplied.pop("answers", {})
    zone = office.working_set().gateway.history.newest.zone.key
    seen_at = office.at
    staff = Dialog.at_terminal("en", zone, as_json=options.json)
    person = Dialog(options.lang, zone, staff.is_terminal)
    set_id = _choose_set(sets, options.set, staff)
    known_name = operations.person_name(office, case)
    if known_name is not None:
        supplied.setdefault("name", known_name)
    form = operations.open_consent_form(office, set_id, options.lang)
    _print_missing(form, staff)
    details = _details(
        supplied,
        staff,
        ("by", "place", "in_custody", "interpreter", "name"),
        _flags_missing(supplied, chosen_answers, options),
    )
    for member in ("representative", "authority"):
        if member in supplied:
            operations.check_form_member(member, supplied[member])
    answers = _ask_person(form, chosen_answers, person)
    name = str(details["name"])
    statement = operations.write_statement(office, set_id, answers, name, options.lang)
    if staff.is_terminal:
        print_text("\n" + "\n".join(statement.lines))
    signature = _sign(details, supplied, staff, person) if statement.agreed else None
    circumstances = _circumstances(details, signature, options.lang)
    if staff.is_terminal:
        print_text("\n" + "\n".join(circumstances))
        if signature is not None and signature.method == "typed" and "signed" not in supplied:
            _type_name(signature, person)
    while True:
        if not options.yes and not confirm(staff, "Record it?"):
            _stop()
        try:
            recorded = operations.record_answers(
                office,
                str(details["by"]),
                case,
                set_id,
                answers,
                name,
                signature,
                options.lang,
                version=statement.version,
                seen_at=seen_at,
            )
            break
        except AgencyError as error:
            if error.code != operations.CASE_CHANGED or not staff.is_terminal or options.yes:
                raise
            seen_at = office.at
            _show_grants(office, case, error.message)
    lines = wording.recorded_consent_lines(recorded, staff.is_terminal)
    return Output(recorded.as_json(), lines if staff.is_terminal else [*circumstances, *lines])


def _show_grants(office: Office, case: str, why: str) -> None:
    """Say that the consents of a case changed, and list those in force now."""
    print_text(f"\n{why}\nWhat the person allows now:")
    for grant in operations.list_standing_grants(office, case):
        print_text(f"  {grant.sentence}")
    print_text("Ask the person if the answers still hold.")


def _stop() -> NoReturn:
    raise RequestError("not-recorded", "nothing was recorded", fix="ask again at any time")


def _choose_set(sets: Sequence[ConsentSetSummary], named: str | None, dialog: Dialog) -> str:
    """Return the set to ask: the named one, the only one that is due, or the one chosen."""
    if named is not None:
        return named
    due = [summary.id for summary in sets if summary.is_due and not summary.asked]
    if len(due) == 1:
        return due[0]
    if not sets:
        raise AgencyError(
            "no-consent-set",
            "the rules in force have no consent set",
            fix="record the consent from a file",
        )
    choices = tuple(Choice(summary.id, summary.label) for summary in sets)
    form = AnswerForm("choice", choices, may_be_unknown=False)
    answer = collect_answers([Question("set", "Which consent is asked?", form)], {}, dialog)
    return str(answer["set"])


def _print_missing(form: Form, dialog: Dialog) -> None:
    if form.missing and dialog.is_terminal:
        roles = ", ".join(role.replace("_", " ") for role in form.missing)
        print_text(f"Not asked, because no agency in the directory has the role: {roles}")


# The staff's details


def _details(
    supplied: Mapping[str, Any],
    dialog: Dialog,
    names: Sequence[str],
    also_missing: Sequence[str] = (),
) -> dict[str, Any]:
    answered = {name: supplied[name] for name in names if name in supplied}
    return collect_answers([_detail(name) for name in names], answered, dialog, also_missing)


def _flags_missing(
    supplied: Mapping[str, Any], answers: Mapping[str, Any], options: argparse.Namespace
) -> tuple[str, ...]:
    """Return the flags that a script has to give after the details, so that one refusal names all.

    The flags of the signature are needed only for a yes.
    """
    names = ("signed", "time_to_think", "copy_given") if options.allow or not answers else ()
    flags = [flag_of(name) for name in names if name not in supplied]
    if not answers:
        flags = ["--allow", "--decline", *flags]
    return (*flags, *(() if options.yes else ("--yes",)))


def _detail(name: str) -> Question:
    texts = {
        "by": "Who explains the form? (your name)",
        "place": "Where are you?",
        "in_custody": "Is the person in custody?",
        "interpreter": "Who interprets?",
        "name": "What is the person's name?",
        "time_to_think": "Did the person have time to think?",
        "copy_given": "Does the person have a copy?",
        "witness": "Who witnesses the signature?",
    }
    is_flag = name in ("in_custody", "time_to_think", "copy_given")
    may_be_empty = name in ("interpreter", "witness")
    form = AnswerForm(
        "bool" if is_flag else "text", may_be_unknown=False, may_be_empty=may_be_empty
    )
    member = {"by": "explained_by"}.get(name, name)
    return Question(name, texts[name], form, check=partial(operations.check_form_member, member))


# The person's answers


def _ask_person(form: Form, chosen: Mapping[str, Any], dialog: Dialog) -> dict[str, Answer]:
    """Return the person's answers. A question that is put off has none."""
    answers = _chosen_answers(form, chosen, dialog)
    unanswered = [question for question in form.questions if question.id not in answers]
    if not dialog.is_terminal:
        if not answers:
            raise RequestError(
                "answers-missing",
                "there is no terminal to ask at, and no answer to "
                + ", ".join(f"`{question.id}`" for question in form.questions),
                fix="give `--allow`, `--decline`, or `--answers FILE`",
            )
        return answers

    def questions(so_far: Mapping[str, Any]) -> list[Question]:
        questions_so_far = []
        for number, question in enumerate(unanswered, 1):
            asked_question = _person_question(question, number, len(unanswered), dialog.language)
            questions_so_far.append(asked_question)
            if so_far.get(question.id) == EACH:
                questions_so_far += _line_questions(question, dialog.language)
        return questions_so_far

    typed = collect_answers(questions, {}, dialog)
    for question in unanswered:
        answer = typed[question.id]
        if answer == EACH:
            numbers = range(1, len(question.lines) + 1)
            answers[question.id] = tuple(
                number for number in numbers if typed[f"{question.id}.{number}"]
            )
        elif answer != LATER:
            answers[question.id] = answer == YES
    return answers


def _chosen_answers(form: Form, chosen: Mapping[str, Any], dialog: Dialog) -> dict[str, Answer]:
    """Return the answers that flags and a file give."""
    questions = {question.id: question for question in form.questions}
    answers: dict[str, Answer] = {}
    for name, value in chosen.items():
        if name not in questions:
            raise AgencyError(
                "no-such-answer",
                f"`{name[:40]}` is no question of `{form.id}`",
                fix=nearest(name, tuple(questions)),
            )
        if isinstance(value, list):
            answers[name] = tuple(_line_number(number) for number in value)
            continue
        word = {True: YES, False: NO}.get(value, value)
        question = _person_question(questions[name], 1, 1, "en")
        answer = read_given(question, word, Dialog("en", dialog.time_zone))
        if answer == EACH:
            raise AgencyError(
                "no-such-answer",
                f"`{name}` is answered line by line, and no line is named",
                fix="write the numbers of the lines with a yes, such as [1, 3]",
            )
        if answer != LATER:
            answers[name] = answer == YES
    return answers


def _line_number(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _person_question(question: PersonQuestion, number: int, count: int, lang: str) -> Question:
    """Return a question with its exact sentences. Yes and no are the first two choices."""
    numbered = [f"   {at}. {line.sentence}" for at, line in enumerate(question.lines, 1)]
    lines = [
        say(lang, "number", number=str(number), count=str(count)),
        question.text,
        *numbered,
        question.until,
        *filter(None, (question.before,)),
        question.about_need,
    ]
    if question.never:
        never = say(lang, "never", recipient=question.recipient_name)
        lines.append(f"{never} {'; '.join(question.never)}.")
    lines.append(" ".join([say(lang, "if_no"), *question.if_no]))
    choices = [
        Choice(YES, say(lang, "choose_yes"), ("yes", "y", "si")),
        Choice(NO, say(lang, "choose_no"), ("n",)),
    ]
    if len(question.lines) > 1:
        choices.append(Choice(EACH, say(lang, "choose_each"), _EACH_WORDS))
    choices.append(Choice(LATER, say(lang, "choose_later"), _LATER_WORDS))
    form = AnswerForm("choice", tuple(choices), may_be_unknown=False)
    return Question(question.id, "\n".join(lines), form, option="--answers")


def _line_questions(question: PersonQuestion, lang: str) -> list[Question]:
    form = AnswerForm("bool", may_be_unknown=False)
    return [
        Question(f"{question.id}.{number}", line.sentence, form)
        for number, line in enumerate(question.lines, 1)
    ]


# The signature


def _sign(
    details: Mapping[str, Any], supplied: Mapping[str, Any], staff: Dialog, person: Dialog
) -> Signature | None:
    """Return how the person signed, or None if the person doesn't sign."""
    lang = person.language
    column = 1 if lang == "es" else 0
    form = AnswerForm(
        "choice",
        tuple(Choice(word, labels[column]) for word, labels in SIGNED.items()),
        may_be_unknown=False,
    )
    answered = {"signed": supplied["signed"]} if "signed" in supplied else {}
    method = collect_answers([Question("signed", _SIGN[lang], form)], answered, person)["signed"]
    if method == NOT_SIGNED:
        return None
    rest = _details(supplied, staff, ("time_to_think", "copy_given", "witness"))
    return Signature(
        name=str(details["name"]),
        method=method,
        place=str(details["place"]),
        in_custody=details["in_custody"],
        time_to_think=rest["time_to_think"],
        copy_given=rest["copy_given"],
        witness=rest["witness"],
        interpreter=details["interpreter"],
        representative=supplied.get("representative"),
        authority=supplied.get("authority"),
    )


def _circumstances(details: Mapping[str, Any], signature: Signature | None, lang: str) -> list[str]:
    """Return how the form is explained and signed, to read before anything is recorded."""
    known = {name: details[name] for name in ("place", "interpreter", "in_custody")}
    known["explained_by"] = str(details["by"])
    known["method"] = signature.method if signature else NOT_SIGNED
    if signature is not None:
        for name in ("time_to_think", "copy_given", "witness", "representative", "authority"):
            known[name] = getattr(signature, name)
    lines = circumstances(lang, known)
    return [say(lang, "signed_so"), *(f"   {line}" for line in lines)]


def _type_name(signature: Signature, person: Dialog) -> None:
    """Have the person sign by typing the name, which has to be the one on the form."""
    name, lang = signature.representative or signature.name, person.language

    def check(typed: str) -> None:
        if not is_same_name(typed, name):
            raise RequestError(
                "other-name",
                say(lang, "other_name", typed=typed[:40]),
                fix=say(lang, "type_name", name=name),
            )

    form = AnswerForm("text", may_be_unknown=False)
    text = _TYPED_NAME[lang].format(name=name)
    collect_answers([Question("typed_name", text, form, check=check)], {}, person)


# What flags and files give


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the flags and the file of answers give, by name. A flag wins over the file."""
    supplied = _read_answers(options.answers) if options.answers else {}
    answers = dict(supplied.get("answers", {}))
    for flags, word in ((options.allow, YES), (options.decline, NO)):
        for name in flags:
            if name in (options.decline if word == YES else options.allow):
                raise RequestError("usage", f"`{name}` has a yes and a no", fix="give one of them")
            answers[name] = word
    flags_given = {
        name: getattr(options, name) for name in DETAILS if getattr(options, name) is not None
    }
    return {**supplied, **flags_given, "answers": answers}


def _read_answers(file: str) -> dict[str, Any]:
    value = plain(read_file(Path(file), file, open_named).data())
    allowed = (*DETAILS, "answers")
    if not isinstance(value, dict) or not isinstance(value.get("answers", {}), dict):
        raise RequestError(
            "unknown-question",
            f"`{file}` has no answers by name",
            fix="write `answers:` with each question's id and yes, no, or its lines",
        )
    for name in value:
        if name not in allowed:
            raise RequestError(
                "unknown-question",
                f"`{name[:40]}` isn't asked here",
                fix=nearest(name, allowed),
            )
    return value


def _consent_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="CASE",
        nargs="?",
        help="the case's handle, to ask by the pack's form. With `--case`, a YAML or JSON file "
        "with the consent's parts",
    )
    parser.add_argument("--case", metavar="HANDLE", help="the case, if a file is named")
    parser.add_argument("--list", action="store_true", help="list the consent sets, and stop")
    parser.add_argument("--set", metavar="SET", help="the consent set, such as hand_off")
    add_language(parser, "the language of the person's form")
    parser.add_argument(
        "--answers", metavar="FILE", help="a YAML or JSON file with answers and details"
    )
    for flag, word in (("--allow", "a yes"), ("--decline", "a no")):
        parser.add_argument(
            flag,
            metavar="QUESTION",
            action="append",
            default=[],
            help=f"{word} to this question (repeatable)",
        )
    for name, about in DETAILS.items():
        if name == "by":
            continue  # every command has it
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT", help=about)
    parser.add_argument("--yes", action="store_true", help="record without asking once more")


# Taking back


def _revoke(office: Office, options: argparse.Namespace) -> Output:
    if options.list:
        standing = operations.list_standing_grants(office, options.case, options.lang)
        value = {"grants": [grant.as_json() for grant in standing]}
        return Output(value, wording.standing_lines(standing))
    grants: Sequence[str] | None = options.grant or None
    zone = office.working_set().gateway.history.newest.zone.key
    dialog = Dialog.at_terminal(options.lang, zone, as_json=options.json)
    if grants is None and options.recipient is None and not options.all and dialog.is_terminal:
        grants = _choose_grants(office, options.case, dialog)
    revocation = operations.revoke_consent(
        office, options.case, recipient=options.recipient, grants=grants, oral=options.oral
    )
    return Output(revocation.as_json(), wording.revocation_lines(revocation))


def _choose_grants(office: Office, case: str, dialog: Dialog) -> Sequence[str] | None:
    """Ask which grants the person takes back. Returns None for all of them."""
    standing = operations.list_standing_grants(office, case, dialog.language)
    if not standing:
        return None
    lines = [f"   {number}. {grant.sentence}" for number, grant in enumerate(standing, 2)]
    every = say(dialog.language, "take_back_all")
    text = "\n".join([say(dialog.language, "take_back_what"), f"   1. {every}", *lines])
    choices = (
        Choice("all", every),
        *(Choice(grant.id, grant.recipient) for grant in standing),
    )
    question = Question(
        "grants", text, AnswerForm("choices", choices, may_be_unknown=False), option="--grant"
    )
    chosen = collect_answers([question], {}, dialog)["grants"]
    if not chosen:
        _stop()
    return None if "all" in chosen else chosen


def _revoke_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recipient", metavar="AGENCY", help="end only what this agency may receive"
    )
    parser.add_argument(
        "--grant",
        metavar="ID",
        action="append",
        default=[],
        help="end only this grant of `--list` (repeatable)",
    )
    parser.add_argument(
        "--all", action="store_true", help="end every grant, and ask nothing at a terminal"
    )
    parser.add_argument("--list", action="store_true", help="list what is in force, and stop")
    parser.add_argument("--oral", action="store_true", help="the person revoked orally")
    add_language(parser, "the language of the list")


COMMANDS = (
    AgencyCommand(
        "consent",
        "ask a person for consent by the pack's form, or record one from a file",
        run=_consent,
        options=_consent_options,
        act=acts_unless_shown("record_answers"),
    ),
    AgencyCommand(
        "revoke",
        "end a person's consent, or a part of it",
        run=_revoke,
        words=(CASE,),
        options=_revoke_options,
        act=acts_unless_shown("revoke_consent"),
    ),
)
