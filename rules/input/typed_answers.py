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
from rules.input.typed_days import fold, read_typed_day
from rules.unknown import UNKNOWN

LANGUAGES = ("en", "es")
# Answers are compared without capitals and accents.
NOT_KNOWN = (
    *("not known", "unknown", "not sure", "don't know", "do not know", "dont know", "?"),
    *("no se sabe", "no se", "desconocido", "desconocida", "no lo se"),
)
_YES = {"yes": True, "y": True, "true": True, "si": True}
_NO = {"no": False, "n": False, "false": False}
NONE = ("none", "no", "ninguno", "ninguna", "nada")
# Words that leave a text out. In quotes, each is the text itself: `"No"`.
_NO_TEXT = (
    *(*NONE, "n/a", "na", "n.a", "nothing", "nobody", "no one", "not applicable", "-", "--"),
    *("nadie", "no aplica", "no corresponde"),
)
_QUOTED = re.compile(r"[\"\u201c\u201d](.+)[\"\u201c\u201d]")
_LOCAL_TIME = re.compile(
    r"(.+?)(?:[ ,]+at[ ]+|[ T,]+)([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))? ?([ap])?\.?(?(5)m\.?)",
    re.IGNORECASE,
)
# A time of day without minutes behind a day, and one without a day.
_HOUR_ALONE = re.compile(
    r"(.+?)(?:[ ,]+at[ ]+|[ T,]+)([0-9]{1,2}) ?(?:([ap])\.?m\.?)?", re.IGNORECASE
)
_NO_DAY = re.compile(r"[0-9]{1,2}(:[0-9]{2}){0,2} ?([ap]\.?m\.?)?", re.IGNORECASE)
_WITH_ZONE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE)

ANY_SECTION = "21 USC 841"  # an example where no offense table is known

# The program's own words about answers, by language.
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "bool": "yes or no",
        "choice": "{choices}",
        "choices": "{choices}; several with commas, or none",
        "size": "how many, 0 for none",
        "date": "a day such as 2014-06-01 or 6/1/2014",
        "timestamp": "a time such as 2014-06-01 16:30 or 6/1/2014 4:30 pm",
        "number": "a number",
        "number_of": "a number of {unit}",
        "citation": "a section of law with the name of its law, such as {example}",
        "language": "a language by its name, such as Spanish",
        "did_you_mean": "did you mean {names}?",
        "text": "a short text",
        "or_unknown": "{how}; or not known",
        "or_empty": "{how}; or an empty line to leave it out",
        "empty_line": "an empty line",
        "no_answer": "{answer} is no answer to `{name}`",
        "no_answer_here": "{answer} is no answer here",
        "no_text": "{answer} isn't taken as a text",
        "no_text_fix": "write the text itself; if it really is this word, put it in quotes: "
        "{quoted}",
        "answer_so": "answer {how}",
        "whole": "write a whole number",
        "point": "write it with a point, such as {number}",
        "no_comma": "write it without the comma: {number}",
        "in_unit": "write the amount in {unit}, as a number",
        "in_full": "write the number in full, such as {number}",
        "alone": "write the number alone, such as {number}; or not known",
        "no_minutes": "`{answer}` has no minutes",
        "no_minutes_fix": "write the time with its minutes, such as {example}",
        "no_time": "`{answer}` has no time of day",
        "no_time_fix": "write the time too, such as {example}",
        "no_day": "`{answer}` has no day",
        "no_day_fix": "write the day too, such as 2014-06-01 16:30",
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
        "date": "un día, como 2014-06-01 o 1 de junio de 2014",
        "timestamp": "una hora, como 2014-06-01 16:30",
        "number": "un número",
        "number_of": "un número de {unit}",
        "citation": "una sección con el nombre de su ley, como {example}",
        "language": "un idioma por su nombre, como español",
        "did_you_mean": "¿quiso decir {names}?",
        "text": "un texto corto",
        "or_unknown": "{how}; o no se sabe",
        "or_empty": "{how}; o una línea vacía para dejarlo",
        "empty_line": "una línea vacía",
        "no_answer": "{answer} no es una respuesta a `{name}`",
        "no_answer_here": "{answer} no es una respuesta aquí",
        "no_text": "{answer} no se toma como texto",
        "no_text_fix": "escriba el texto mismo; si de verdad es esta palabra, póngala entre "
        "comillas: {quoted}",
        "answer_so": "responda {how}",
        "whole": "escriba un número entero",
        "point": "escríbalo con un punto, como {number}",
        "no_comma": "escríbalo sin la coma: {number}",
        "in_unit": "escriba la cantidad en {unit}, como un número",
        "in_full": "escriba el número completo, como {number}",
        "alone": "escriba solo el número, como {number}; o no se sabe",
        "no_minutes": "a `{answer}` le faltan los minutos",
        "no_minutes_fix": "escriba la hora con sus minutos, como {example}",
        "no_time": "a `{answer}` le falta la hora",
        "no_time_fix": "escriba también la hora, como {example}",
        "no_day": "a `{answer}` le falta el día",
        "no_day_fix": "escriba también el día, como 2014-06-01 16:30",
        "skipped": "`{answer}` no es una hora en `{zone}`: ese día los relojes la saltan",
        "skipped_fix": "mire el reloj, o escriba la hora con su zona, como {example}",
        "twice": "`{answer}` ocurre dos veces en `{zone}`: ese día los relojes se atrasan",
        "twice_fix": "escriba {first} para la primera, o {second} para la segunda",
    },
}

# An amount: a number, and what is written after it.
_AMOUNT = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]{1,3})?)\s*([^\W\d_][^\d]*?)?\.?")
# A number with a power of ten. People rarely mean one: `1e3` is more often a typing error.
_POWER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)[eE][+-]?[0-9]{1,3}")
# A number as people write it among other words, also with a comma in it.
_DIGITS = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
# The words for each unit, in English and Spanish. Nothing is converted: an amount in another unit
# is no answer. Nor is `gr`, which may be a grain.
_UNITS: Mapping[str, tuple[str, ...]] = {
    "g": ("gm", "gms", "gram", "grams", "gramo", "gramos"),
    "years": ("year", "yr", "yrs", "years old", "year old", "año", "años"),
    "days": ("day", "día", "días"),
    "hours": ("hour", "hr", "hrs", "h", "hora", "horas"),
    "dosage units": (
        *("dosage unit", "dose", "doses", "unit", "units", "dosis"),
        *("pill", "pills", "tablet", "tablets", "pastilla", "pastillas", "tableta", "tabletas"),
    ),
}


@frozen
class Choice:
    """A choice: its word in records, its label for people, and other words that mean it."""

    word: str
    label: str
    also: tuple[str, ...] = ()


@frozen
class AnswerForm:
    """The answers that a question allows.

    `type` is `bool`, `choice`, `choices` (several), `size` (the length of a list), `int`,
    `decimal`, `date`, `timestamp`, `citation`, `language`, or `text`. With `may_be_empty`, an empty
    line leaves the question out. `example` is a section of law for the instruction.
    """

    type: str
    choices: tuple[Choice, ...] = ()
    unit: str | None = None
    may_be_unknown: bool = True
    may_be_empty: bool = False
    example: str = ANY_SECTION

    def how(self, language: str = "en") -> str:
        """Return the instruction for an answer."""
        words = WORDS[language]
        listed = ", ".join(f"{number} {choice.label}" for number, choice in self._numbered())
        key = self.type if self.type in words else "text"
        if self.type in ("int", "decimal"):
            key = "number_of" if self.unit else "number"
        how = words[key].format(choices=listed, unit=self.unit, example=self.example)
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

    None is a question left out. `name` is the fact's path or the question's name, for refusals,
    and empty where the person has the question in sight. A time without a zone is in `time_zone`.
    Words such as "no" and "not known" are never a text, unless they are in quotes. Raises
    `FactsError` `no-answer`, `no-such-day`, `time-twice`.
    """
    text = " ".join(typed.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    folded = fold(text)
    if not text and form.may_be_empty:
        return None
    if form.may_be_unknown and folded in NOT_KNOWN:
        return UNKNOWN
    if form.type in ("text", "citation"):
        return _read_text(name, form, text, folded, language)
    value = _Reader(name, form, time_zone, language).read(text, folded)
    if value is None:
        fix = _number_fix(form, text, language) if form.type in ("int", "decimal") else ""
        _no_answer(name, form, text, language, fix)
    return value


def _number_fix(form: AnswerForm, text: str, language: str) -> str:
    """Return how to write an amount that people write otherwise, empty for what is none."""
    words, numbers = WORDS[language], _DIGITS.findall(text)
    if power := _POWER.match(text):
        number = read_number_text(power[0])
        if form.type == "int" or number is None:
            return words["whole"] if form.type == "int" else ""
        return words["in_full"].format(number=f"{number:f}")
    if len(numbers) != 1:
        return ""
    whole, comma, rest = numbers[0].partition(",")
    if comma:
        key = "no_comma" if len(rest) == 3 else "point"
        return words[key].format(number=f"{whole}{'' if key == 'no_comma' else '.'}{rest}")
    if form.unit and form.type == "decimal" and _AMOUNT.fullmatch(text):
        return words["in_unit"].format(unit=form.unit)
    return words["alone"].format(number=numbers[0]) if form.may_be_unknown else ""


def _read_text(name: str, form: AnswerForm, text: str, folded: str, language: str) -> Any:
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return quoted[1].strip() or _no_answer(name, form, text, language)
    if folded in (*NOT_KNOWN, *_NO_TEXT, *_YES):
        if form.may_be_empty and folded not in _YES:
            return None
        if form.may_be_unknown and folded not in _YES:
            return UNKNOWN
        words = WORDS[language]
        written = printable(text)
        raise FactsError(
            "no-answer",
            words["no_text"].format(answer=f"`{written}`"),
            at=_place(name),
            fix=words["no_text_fix"].format(quoted=f'"{written}"'),
        )
    return text or _no_answer(name, form, text, language)


def _place(name: str) -> Place | None:
    return Place(path=name) if name else None


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
                return self._day(text)
            case "timestamp":
                return self._time(text) if text else None
            case "language":
                return self._language(text) if text else None
        raise AssertionError(self.form.type)

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
            spellings = (choice.label, *choice.also)
            if _as_word(folded) == choice.word or folded in map(fold, spellings):
                return choice.word
        return None

    def _choices(self, text: str, folded: str) -> tuple[str, ...] | None:
        if folded in NONE:
            return ()
        parts = [part.strip() for part in text.replace(";", ",").split(",")]
        if len(parts) == 1 and re.fullmatch(r"[0-9]{1,3}( [0-9]{1,3})+", text):
            parts = text.split()
        chosen = dict.fromkeys(self._choice(part, fold(part)) for part in parts)
        return tuple(chosen)

    @staticmethod
    def _size(text: str, folded: str) -> int | None:
        if re.fullmatch(r"[0-9]{1,4}", text) and int(text) <= LONGEST_LIST:
            return int(text)
        return 0 if folded in NONE else None

    def _number(self, text: str) -> int | Decimal | None:
        """Return an amount. After the number may be its unit, as people write it, or nothing."""
        unit = self.form.unit
        amount = _AMOUNT.fullmatch(text)
        if amount is None or not unit:
            amount_text = text.removesuffix(unit).rstrip() if unit else text
            return None if _POWER.match(text) else read_number_text(amount_text)
        number, written_unit = amount.groups()
        if written_unit and fold(written_unit) not in map(fold, (unit, *_UNITS.get(unit, ()))):
            return None
        return None if _POWER.match(number) else read_number_text(number)

    def _language(self, text: str) -> str:
        """Return the code of a language that was named in English, in Spanish, or in itself."""
        from rules.input.language_names import read_language, similar_languages  # few are asked

        code = read_language(text)
        if code is None:
            listed = ", ".join(f"`{name}`" for name in similar_languages(text, self.language))
            meant = WORDS[self.language]["did_you_mean"].format(names=listed) if listed else ""
            _no_answer(self.name, self.form, text, self.language, meant)
        return code

    def _day(self, text: str) -> str | None:
        day = read_typed_day(text, language=self.language, name=self.name)
        return None if day is None else day.isoformat()

    def _time(self, text: str) -> str | None:
        """Return the instant that a local time names. A time with its zone stays as it is.

        A local time that clocks skip or repeat is refused, so that it is asked for again.
        """
        shape = None if _WITH_ZONE.fullmatch(text) else _LOCAL_TIME.fullmatch(text)
        if shape is None:
            if not _WITH_ZONE.fullmatch(text):
                self._refuse_half_a_time(text)
            return text
        typed_day, hour, minute, second, half = shape.groups()
        day, zone = self._day(typed_day), ZoneInfo(self.time_zone)
        if day is None:
            return None
        plain_time = f"{day}T{_hour(int(hour), half):02}:{minute}:{second or '00'}"
        try:
            local = datetime.fromisoformat(plain_time)
            instants = instants_of(local, zone)
        except (ValueError, OverflowError):
            return f"{plain_time}Z"  # no such hour: refused as that
        words, at = WORDS[self.language], _place(self.name)
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

    def _refuse_half_a_time(self, text: str) -> None:
        """Refuse a time without minutes, a day without a time, and a time without a day."""
        missing, example = "", ""
        if _NO_DAY.fullmatch(text):
            missing = "no_day"
        elif (hour := _HOUR_ALONE.fullmatch(text)) and (day := self._day(hour[1])):
            clock = _hour(int(hour[2]), hour[3])
            missing, example = "no_minutes", f"{day} {clock if clock < 24 else 16:02}:00"
        elif day := self._day(text):
            missing, example = "no_time", f"{day} 16:30"
        if missing:
            words = WORDS[self.language]
            raise FactsError(
                "no-answer",
                words[missing].format(answer=printable(text)[:40]),
                at=_place(self.name),
                fix=words[f"{missing}_fix"].format(example=example),
            )


def _hour(hour: int, half: str | None) -> int:
    """Return an hour of the day. `half` is `a` or `p` on a clock of twelve hours, or None.

    An hour that no clock shows becomes 99, which is refused.
    """
    if half is None:
        return hour if hour < 24 else 99  # newer Pythons read 24 as the next day
    if not 1 <= hour <= 12:
        return 99
    return hour % 12 + (12 if half.casefold() == "p" else 0)


def _as_word(folded: str) -> str:
    return folded.replace(" ", "_").replace("-", "_")


def _no_answer(name: str, form: AnswerForm, text: str, language: str, fix: str = "") -> NoReturn:
    words = WORDS[language]
    quoted = f"`{printable(text)[:40]}`" if text else words["empty_line"]
    raise FactsError(
        "no-answer",
        words["no_answer" if name else "no_answer_here"].format(answer=quoted, name=name),
        at=_place(name),
        fix=fix or words["answer_so"].format(how=form.how(language)),
    )
