"""Typed answers: one reader for an interview, for a command's questions, and for their flags.

Each type of answer has one form: a choice by its number or its word, yes or no, a number with its
unit, a day, a local time, a text, or several choices. "Not known" is an answer where the question
allows it. Ranges, digits, and the calendar are checked by the reader of the fact or content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from rules.errors import FactsError, Place, nearest
from rules.frozen import frozen
from rules.input.facts import LONGEST_LIST
from rules.input.local_time import instants_of, written, written_in
from rules.input.number_text import read_number_text
from rules.input.printing import printable
from rules.unknown import UNKNOWN

LANGUAGES = ("en", "es")
NOT_KNOWN = (
    *("not known", "unknown", "not sure", "don't know", "do not know", "?"),
    *("no se sabe", "no sé", "no se", "desconocido", "no lo sé", "no lo se"),
)
_YES = {"yes": True, "y": True, "true": True, "sí": True, "si": True}
_NO = {"no": False, "n": False, "false": False}
_NONE = ("none", "no", "ninguno", "ninguna", "nada")
_LOCAL_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2})(:[0-9]{2})?")

# The program's own words about answers, by language.
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "bool": "yes or no",
        "choice": "{choices}",
        "choices": "{choices}; several with commas, or none",
        "size": "how many, 0 for none",
        "date": "a day such as 2014-06-01",
        "timestamp": "a time such as 2014-06-01 16:30",
        "number": "a number",
        "number_of": "a number of {unit}",
        "citation": "a section of law such as RCW 69.50.4013",
        "text": "a short text",
        "or_unknown": "{how}; or not known",
        "or_empty": "{how}; or an empty line to leave it out",
        "empty_line": "an empty line",
        "no_answer": "{answer} is no answer to `{name}`",
        "answer_so": "answer {how}",
        "skipped": "`{answer}` is no time in `{zone}`: clocks skip it on that day",
        "skipped_fix": "check the clock, or write the time with its zone, such as {example}",
        "twice": "`{answer}` comes twice in `{zone}`: clocks go back on that day",
        "twice_fix": "write {first} for the first, or {second} for the second",
    },
    "es": {
        "bool": "sí o no",
        "choice": "{choices}",
        "choices": "{choices}; varias con comas, o ninguna",
        "size": "cuántos, 0 si no hay",
        "date": "un día, como 2014-06-01",
        "timestamp": "una hora, como 2014-06-01 16:30",
        "number": "un número",
        "number_of": "un número de {unit}",
        "citation": "una sección de la ley, como RCW 69.50.4013",
        "text": "un texto corto",
        "or_unknown": "{how}; o no se sabe",
        "or_empty": "{how}; o una línea vacía para dejarlo",
        "empty_line": "una línea vacía",
        "no_answer": "{answer} no es una respuesta a `{name}`",
        "answer_so": "responda {how}",
        "skipped": "`{answer}` no es una hora en `{zone}`: ese día los relojes la saltan",
        "skipped_fix": "mire el reloj, o escriba la hora con su zona, como {example}",
        "twice": "`{answer}` ocurre dos veces en `{zone}`: ese día los relojes se atrasan",
        "twice_fix": "escriba {first} para la primera, o {second} para la segunda",
    },
}


@frozen
class Choice:
    """A choice: its word in records, and its label for people."""

    word: str
    label: str


@frozen
class AnswerForm:
    """The answers that a question allows.

    `type` is `bool`, `choice`, `choices` (several), `size` (the length of a list), `int`,
    `decimal`, `date`, `timestamp`, or `text`. With `may_be_empty`, an empty line leaves the
    question out.
    """

    type: str
    choices: tuple[Choice, ...] = ()
    unit: str | None = None
    may_be_unknown: bool = True
    may_be_empty: bool = False

    def how(self, language: str = "en") -> str:
        """Return the instruction for an answer."""
        words = WORDS[language]
        listed = ", ".join(f"{number} {choice.label}" for number, choice in self._numbered())
        key = self.type if self.type in words else "text"
        if self.type in ("int", "decimal"):
            key = "number_of" if self.unit else "number"
        how = words[key].format(choices=listed, unit=self.unit)
        if self.may_be_unknown:
            how = words["or_unknown"].format(how=how)
        return words["or_empty"].format(how=how) if self.may_be_empty else how

    def _numbered(self) -> enumerate[Choice]:
        return enumerate(self.choices, 1)


def choices_of(words: tuple[str, ...]) -> tuple[Choice, ...]:
    """Return choices whose labels are their words, with spaces."""
    return tuple(Choice(word, word.replace("_", " ")) for word in words)


def read_typed(
    name: str, form: AnswerForm, typed: str, time_zone: str, language: str = "en"
) -> Any:
    """Return a typed answer as JSON would hold it, `UNKNOWN` for "not known".

    None is a question left out. `name` is the fact's path or the question's name, for refusals. A
    time without a zone is in `time_zone`. Raises `FactsError` `no-answer`, `no-such-day`,
    `time-twice`.
    """
    text = " ".join(typed.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    folded = text.casefold().rstrip(".")
    if not text and form.may_be_empty:
        return None
    if form.may_be_unknown and (folded in NOT_KNOWN or text == "?"):
        return UNKNOWN
    value = _Reader(name, form, time_zone, language).read(text, folded)
    if value is None:
        _no_answer(name, form, text, language)
    return value


@frozen
class _Reader:
    """A reader of one answer. Each method returns None for a text that is none."""

    name: str
    form: AnswerForm
    time_zone: str
    language: str

    def read(self, text: str, folded: str) -> Any:
        match self.form.type:
            case "bool":
                return {**_YES, **_NO}.get(folded)
            case "choice":
                return self._choice(text, folded)
            case "choices":
                return self._choices(text, folded)
            case "size":
                return self._size(text, folded)
            case "int" | "decimal":
                return self._number(text)
            case "date":
                return text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
            case "timestamp":
                return self._time(text)
        return text or None

    def _choice(self, text: str, folded: str) -> str:
        chosen = self._find_choice(text, folded)
        if chosen is None:
            word = _as_word(folded)
            near = nearest(word, [choice.word for choice in self.form.choices]) if word else ""
            fix = near if near.startswith("did you") and self.language == "en" else ""
            _no_answer(self.name, self.form, text, self.language, fix)
        return chosen

    def _find_choice(self, text: str, folded: str) -> str | None:
        choices = self.form.choices
        if re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= len(choices):
            return choices[int(text) - 1].word
        for choice in choices:
            if _as_word(folded) == choice.word or folded == choice.label.casefold():
                return choice.word
        return None

    def _choices(self, text: str, folded: str) -> tuple[str, ...] | None:
        if folded in _NONE:
            return ()
        parts = [part.strip() for part in text.replace(";", ",").split(",")]
        if len(parts) == 1 and re.fullmatch(r"[0-9]{1,3}( [0-9]{1,3})+", text):
            parts = text.split()
        chosen = dict.fromkeys(self._choice(part, part.casefold()) for part in parts)
        return tuple(chosen)

    @staticmethod
    def _size(text: str, folded: str) -> int | None:
        if re.fullmatch(r"[0-9]{1,4}", text) and int(text) <= LONGEST_LIST:
            return int(text)
        return 0 if folded in _NONE else None

    def _number(self, text: str) -> int | Decimal | None:
        unit = self.form.unit
        return read_number_text(text.removesuffix(unit).rstrip() if unit else text)

    def _time(self, text: str) -> str:
        """Return the instant that a local time names. A time with its zone stays as it is.

        A local time that clocks skip or repeat is refused, so that it is asked for again.
        """
        shape = _LOCAL_TIME.fullmatch(text)
        if shape is None:
            return text
        plain_time = f"{shape[1]}T{shape[2]}{shape[3] or ':00'}"
        zone = ZoneInfo(self.time_zone)
        try:
            if shape[2].startswith("24"):  # newer Pythons read it as the next day
                raise ValueError
            local = datetime.fromisoformat(plain_time)
            instants = instants_of(local, zone)
        except (ValueError, OverflowError):
            return f"{plain_time}Z"  # no such day or hour: refused as that
        words, at = WORDS[self.language], Place(path=self.name)
        if not instants:
            raise FactsError(
                "no-such-day",
                words["skipped"].format(answer=text, zone=self.time_zone),
                at=at,
                fix=words["skipped_fix"].format(example=written(local.replace(tzinfo=zone))),
            )
        if len(instants) > 1:
            first, second = (written_in(instant, zone) for instant in instants)
            raise FactsError(
                "time-twice",
                words["twice"].format(answer=text, zone=self.time_zone),
                at=at,
                fix=words["twice_fix"].format(first=first, second=second),
            )
        return written_in(instants[0], zone)


def _as_word(folded: str) -> str:
    return folded.replace(" ", "_").replace("-", "_")


def _no_answer(name: str, form: AnswerForm, text: str, language: str, fix: str = "") -> NoReturn:
    words = WORDS[language]
    quoted = f"`{printable(text)[:40]}`" if text else words["empty_line"]
    raise FactsError(
        "no-answer",
        words["no_answer"].format(answer=quoted, name=name),
        at=Place(path=name),
        fix=fix or words["answer_so"].format(how=form.how(language)),
    )
