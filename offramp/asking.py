"""Ask a person for what a command needs, or take it from its flags or from a file of answers.

A command states its questions as data, and `collect_answers` returns the answers by name. A
question is answered by a flag, by the file of `--answers`, or at the terminal, where a bad answer
is asked for again with the reason. Without a terminal, one refusal names every flag that is
missing. Nothing is asked of a pipe. An interrupt or the end of the input keeps and sends nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import IO, Any, NoReturn
from zoneinfo import ZoneInfo

from offramp.terminal import print_error, print_text
from rules.author.spoken_dates import spoken_time
from rules.errors import FactsError, Place, Refusal, RequestError, nearest
from rules.frozen import frozen
from rules.input.amounts import fits
from rules.input.characters import refuse_hidden
from rules.input.printing import kind_of, printable
from rules.input.typed_answers import NONE, NOT_KNOWN, WORDS, AnswerForm, Choice, read_typed
from rules.input.typed_days import fold
from rules.input.values import iso_day, read_instant
from rules.unknown import UNKNOWN

__all__ = [
    "UNKNOWN",
    "AnswerForm",
    "Choice",
    "Dialog",
    "Question",
    "Stopped",
    "collect_answers",
    "confirm",
    "fault_text",
    "flag_of",
    "local_time",
    "read_answer",
    "read_line",
    "read_texts",
]

LONGEST_ANSWER = 4_000  # characters of one line
_LONGEST_LINE = LONGEST_ANSWER * 4  # bytes

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "stop": "Ctrl-C stops: nothing is kept or sent.",
        "stopped": "stopped: nothing was kept or sent",
        "send": "Send it?",
        "answer": "the answer to `{name}`",
        "answer_here": "this answer",
        "long": "the answer to `{name}` is over {most:,} characters",
        "long_here": "this answer is over {most:,} characters",
        "shorten": "shorten it",
        "two": "{first} and {second} are both given",
        "keep_one": "keep one of the two, and clear the other",
        "cant_tell": "“I can’t tell”",
    },
    "es": {
        "stop": "Ctrl-C termina: no se guarda ni se envía nada.",
        "stopped": "terminado: no se guardó ni se envió nada",
        "send": "¿Lo envía?",
        "answer": "la respuesta a `{name}`",
        "answer_here": "esta respuesta",
        "long": "la respuesta a `{name}` tiene más de {most:,} caracteres",
        "long_here": "esta respuesta tiene más de {most:,} caracteres",
        "shorten": "acórtela",
        "two": "dio {first} y también {second}",
        "keep_one": "deje una de las dos y borre la otra",
        "cant_tell": "“No lo sé”",
    },
}


class Stopped(KeyboardInterrupt):
    """The person stopped, and nothing was kept or sent. A command ends with exit code 130."""


@frozen
class Question:
    """A question of a command.

    `name` is its key in a file of answers. `text` and the labels of its choices are in the dialog's
    language. `help` is a line under it. `check` raises a `Refusal` for a value that isn't allowed.
    """

    name: str
    text: str
    form: AnswerForm
    help: str | None = None
    check: Callable[[Any], object] | None = None
    option: str | None = None

    @property
    def flag(self) -> str:
        """The flag that answers the question: `--encounter-date` for `encounter.date`."""
        return self.option or flag_of(self.name)


def flag_of(name: str) -> str:
    """Return the flag of a question: `--encounter-date` for `encounter.date`."""
    return "--" + name.replace(".", "-").replace("_", "-")


@frozen
class Dialog:
    """A dialog with the person at the terminal.

    `language` is `en` or `es`. A local time is in `time_zone`. With `is_terminal` false, nothing is
    asked.
    """

    language: str = "en"
    time_zone: str = "UTC"
    is_terminal: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The zone of local times."""
        return ZoneInfo(self.time_zone)

    @classmethod
    def at_terminal(cls, language: str, time_zone: str, *, as_json: bool = False) -> Dialog:
        """Return a dialog with the person at this process's terminal, if there is one.

        A command that prints JSON asks nothing, so that its output stays JSON.
        """
        streams = (sys.stdin, sys.stdout)
        is_terminal = not as_json and all(stream and stream.isatty() for stream in streams)
        return cls(language, time_zone, is_terminal)


Questions = Sequence[Question] | Callable[[Mapping[str, Any]], Sequence[Question]]


def collect_answers(
    questions: Questions,
    given: Mapping[str, Any],
    dialog: Dialog,
    also_missing: Sequence[str] = (),
    *,
    rest_unknown: bool = False,
    rest_open: bool = False,
) -> dict[str, Any]:
    """Return the answer to each question by name: `given`, or asked for at the terminal.

    `questions` may depend on the answers so far. `given` has texts as they would be typed, or
    values of JSON. The result has values as JSON holds them, `UNKNOWN` where the person doesn't
    know, and None where a question was left out. `also_missing` are flags that a refusal names
    too. With `rest_unknown`, every question without an answer that may be unknown is unknown. With
    `rest_open`, every question without an answer is left out.

    Raises `RequestError` `answers-missing`, `unknown-question`; `Refusal` for a given answer that
    is none; `Stopped`.
    """
    answers: dict[str, Any] = {}
    missing: list[Question] = []
    has_begun = False
    while (question := _next_question(questions, answers)) is not None:
        name, form = question.name, question.form
        if name in given:
            answers[name] = read_given(question, given[name], dialog)
        elif rest_open:
            answers[name] = None
        elif rest_unknown and form.may_be_unknown:
            answers[name] = UNKNOWN
        elif dialog.is_terminal:
            if not has_begun:
                print_text(_WORDS[dialog.language]["stop"], flush=True)
            has_begun = True
            answers[name] = _ask(question, dialog)
        elif form.may_be_empty:
            answers[name] = None
        else:  # as if it were not known, or left out, to find the others that are missing
            missing.append(question)
            answers[name] = UNKNOWN if form.may_be_unknown else None
    if missing:
        raise _missing(missing, also_missing)
    _refuse_unknown(questions, answers, given)
    return answers


def _listed(questions: Questions, answers: Mapping[str, Any]) -> Sequence[Question]:
    return questions(answers) if callable(questions) else questions


def _next_question(questions: Questions, answers: Mapping[str, Any]) -> Question | None:
    unanswered = (one for one in _listed(questions, answers) if one.name not in answers)
    return next(unanswered, None)


def _missing(missing: Sequence[Question], also_missing: Sequence[str]) -> RequestError:
    flags = dict.fromkeys((*(question.flag for question in missing), *also_missing))
    named = ", ".join(f"`{question.name}`" for question in missing)
    return RequestError(
        "answers-missing",
        f"there is no terminal to ask at, and no answer to {named}",
        fix=f"give {', '.join(f'`{flag}`' for flag in flags)}, or `--answers FILE`",
    )


def _refuse_unknown(
    questions: Questions, answers: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    names = [question.name for question in _listed(questions, answers)]
    for name in given:
        if name not in names:
            raise RequestError(
                "unknown-question",
                f"`{printable(name)}` isn't asked here",
                fix=nearest(name, names),
            )


# Answers


def read_given(question: Question, value: Any, dialog: Dialog) -> Any:
    """Return the answer that a flag or a file gives. Raises a `Refusal` that names the question.

    A text is read as if it were typed. Other values have the type of the answer.
    """
    form = question.form
    if value is None:
        if form.may_be_empty:
            return None
        value = NOT_KNOWN[0]
    if isinstance(value, str):
        return _read(question, value, dialog)
    types: tuple[type, ...] = {
        "bool": (bool,),
        "size": (int,),
        "int": (int,),
        "decimal": (int, float, Decimal),
        "choices": (list, tuple),
    }.get(form.type, ())
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise FactsError(
            "no-answer",
            f"{kind_of(value)} is no answer to `{question.name}`",
            at=Place(path=question.name),
            fix=WORDS[dialog.language]["answer_so"].format(how=form.how(dialog.language)),
        )
    if isinstance(value, (list, tuple)):
        if not all(isinstance(word, str) for word in value):
            return read_given(question, {}, dialog)
        return _read(question, ", ".join(value) or "none", dialog)
    _check(question, value, dialog, question.name)
    return value


def _read(question: Question, typed: str, dialog: Dialog, *, in_sight: bool = False) -> Any:
    """Return a typed answer. A refusal names the question, unless it is in the person's sight."""
    name, words = question.name, _WORDS[dialog.language]
    refuse_hidden(typed, words["answer_here" if in_sight else "answer"].format(name=name))
    if len(typed) > LONGEST_ANSWER:
        raise FactsError(
            "no-answer",
            words["long_here" if in_sight else "long"].format(name=name, most=LONGEST_ANSWER),
            at=Place(path=name),
            fix=words["shorten"],
        )
    shown = "" if in_sight else name
    value = read_typed(shown, question.form, typed, dialog.time_zone, dialog.language)
    if value is not UNKNOWN and value is not None:
        _check(question, value, dialog, shown, typed.strip())
    return value


def read_answer(question: Question, typed: str, dialog: Dialog) -> Any:
    """Return an answer that was typed in a form, where the person has the question in sight.

    The value is as `collect_answers` returns it. Raises `Refusal` for what is no answer.
    """
    return _read(question, typed, dialog, in_sight=True)


def read_texts(question: Question, texts: Sequence[str], dialog: Dialog) -> Any:
    """Return the answer to a question of a form, from all that was ticked and typed for it.

    Of several choices, "not known" beside others is one more that can't be named: its word is
    `UNKNOWN`, behind the others. Nothing else is both given and not known. Without a text, an
    answer of several choices is none of them, or not known where it may be. Raises `Refusal` for
    what is no answer, and for two answers of which one would be lost.
    """
    form = question.form
    given = [text.strip() for text in texts if text.strip()]
    known = [text for text in given if fold(text) not in NOT_KNOWN]
    is_list, is_unknown = form.type == "choices", len(known) < len(given)
    none = next((text for text in known if fold(text) in NONE), None) if is_list else None
    if none is not None and len(given) > 1:
        _refuse_both(question, none, next(text for text in given if text != none), dialog)
    if known and is_unknown and not (is_list and form.may_be_unknown):
        _refuse_both(question, known[0], NOT_KNOWN[0], dialog)
    if len(known) > 1 and not is_list:
        _refuse_both(question, known[0], known[1], dialog)
    if not known and is_list:
        known = [NOT_KNOWN[0] if is_unknown or form.may_be_unknown else NONE[0]]
        is_unknown = False
    typed = ", ".join(known) if known else "".join(given[:1])
    value = read_answer(question, typed, dialog)
    return (*value, UNKNOWN) if is_list and is_unknown else value


def local_time(question: Question, text: str, dialog: Dialog) -> str:
    """Return an instant such as `2026-06-30T14:27:00Z` as a person types it, in local words.

    Any other text stays, and so does an instant that the words don't name, such as an hour that
    comes twice.
    """
    instant = read_instant(text)
    if instant is None:
        return text
    at = instant.astimezone(dialog.zone)
    spoken = spoken_time(at, dialog.language)
    if at.second:
        spoken = spoken.replace(f":{at:%M} ", f":{at:%M:%S} ")
    try:
        again = read_answer(question, spoken, dialog)
    except Refusal:
        return text
    return spoken if read_instant(str(again)) == instant else text


def fault_text(refusal: Refusal, in_words: Callable[[str], str] = str) -> str:
    """Return what is wrong with an answer and how to fix it, as a field shows it.

    `in_words` puts the paths of a sentence into words.
    """
    return in_words(f"{refusal.message}: {refusal.fix}").replace("`", "")


def _refuse_both(question: Question, first: str, second: str, dialog: Dialog) -> NoReturn:
    """Refuse two answers, in the words that the person chose. Raises `FactsError`."""
    words = _WORDS[dialog.language]
    labels = {choice.word: f"`{choice.label}`" for choice in question.form.choices}
    labels |= dict.fromkeys(NOT_KNOWN, words["cant_tell"])
    named = [labels.get(fold(text)) or f"`{printable(text)[:40]}`" for text in (first, second)]
    raise FactsError(
        "no-answer",
        words["two"].format(first=named[0], second=named[1]),
        at=Place(path=question.name),
        fix=words["keep_one"],
    )


def _check(
    question: Question, value: Any, dialog: Dialog, shown: str, typed: str | None = None
) -> None:
    """Refuse a day in no calendar, a number with too many digits, and what `check` refuses.

    `typed` is the answer as it was typed, None for a value of JSON.
    """
    form = question.form
    is_wrong = (
        (form.type == "date" and iso_day(value) is None)
        or (form.type == "timestamp" and read_instant(value) is None)
        or (form.type == "int" and not isinstance(value, int))
        or (form.type in ("int", "decimal") and not _is_number(value))
    )
    if is_wrong:
        words = WORDS[dialog.language]
        raise FactsError(
            "no-answer",
            words["no_answer" if shown else "no_answer_here"].format(
                answer=f"`{printable(value if typed is None else typed)[:40]}`", name=shown
            ),
            at=Place(path=question.name),
            fix=words["whole"]
            if form.type == "int" and _is_number(value)
            else words["answer_so"].format(how=form.how(dialog.language)),
        )
    if question.check is not None:
        question.check(value)


def _is_number(value: int | float | Decimal) -> bool:
    number = Decimal(str(value))
    return number.is_finite() and fits(number)


# At the terminal


def _ask(question: Question, dialog: Dialog) -> Any:
    """Ask until there is an answer. Raises `Stopped`."""
    how = question.form.how(dialog.language)
    print_text(f"\n{question.text}", flush=True)
    for line in (question.help, how):
        if line:
            print_text(f"   {line}")
    while True:
        try:
            print_text("> ", end="", flush=True)
            line = read_line()
        except KeyboardInterrupt:
            line = None
        if line is None:
            print_text()
            print_error(f"offramp: {_WORDS[dialog.language]['stopped']}")
            raise Stopped
        try:
            return _read(question, line, dialog, in_sight=True)
        except Refusal as refusal:
            print_text(f"   {refusal.message}; {refusal.fix}", flush=True)


def confirm(dialog: Dialog, text: str | None = None, *, flag: str = "--yes") -> bool:
    """Ask whether to send. Return the answer, which has no default.

    Raises `RequestError` `answers-missing` without a terminal; `Stopped`.
    """
    text = text or _WORDS[dialog.language]["send"]
    question = Question("yes", text, AnswerForm("bool", may_be_unknown=False), option=flag)
    if not dialog.is_terminal:
        raise RequestError(
            "answers-missing",
            f"there is no terminal to ask at: {text.rstrip('.')}",
            fix=f"give `{flag}`",
        )
    return bool(_ask(question, dialog))


def read_line() -> str | None:
    """Return the next line of standard input, cut one character after the longest answer.

    None at the end of the input.
    """
    stream: IO[bytes] | None = sys.stdin.buffer if sys.stdin is not None else None
    raw = stream.readline(_LONGEST_LINE) if stream is not None else b""
    if not raw:
        return None
    rest = raw
    while not rest.endswith(b"\n") and len(rest) == _LONGEST_LINE:  # skip the rest of the line
        assert stream is not None
        rest = stream.readline(_LONGEST_LINE)
    return raw.decode("utf-8", "replace").strip()[: LONGEST_ANSWER + 1]
