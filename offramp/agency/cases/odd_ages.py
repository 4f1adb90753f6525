"""An age that the birth date contradicts, so that nobody overlooks which one is told. Pure.

The age on the day of the encounter follows from the two days. An age that somebody stated before,
or states beside them, is an estimate or a mistake. Where a day isn't known, nothing is odd.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from offramp.agency.cases.caseload import case_of, own_facts
from offramp.agency.cases.people import person_of
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

BORN, MET, AGE = "contact.birth_date", "encounter.date", "person.age"
_OLDEST = 130

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "replaced": "the age `{stated}` doesn't fit the birth date, which makes `{by_birth}` on "
        "the day of the encounter: `{by_birth}` is told in its place",
        "told": "the age `{stated}` that you told before doesn't fit the birth date, which makes "
        "`{by_birth}` on the day of the encounter: correct the age with the agencies that have it",
        "kept": "the age `{stated}` doesn't fit the birth date, which makes `{by_birth}` on the "
        "day of the encounter: check both, and correct the one that is wrong",
    },
    "es": {
        "replaced": "la edad `{stated}` no corresponde a la fecha de nacimiento, según la cual son "
        "`{by_birth}` el día del encuentro: se comunica `{by_birth}` en su lugar",
        "told": "la edad `{stated}` que comunicó antes no corresponde a la fecha de nacimiento, "
        "según la cual son `{by_birth}` el día del encuentro: corrija la edad con las agencias que "
        "la tienen",
        "kept": "la edad `{stated}` no corresponde a la fecha de nacimiento, según la cual son "
        "`{by_birth}` el día del encuentro: compruebe ambas y corrija la que esté mal",
    },
}


@frozen
class OddAge:
    """An age that the birth date contradicts: the `stated` one, and that of the two days.

    `fate` is `replaced` where the other one is told in its place, `told` where it was told before,
    and `kept` where it stays as it is.
    """

    stated: int
    by_birth: int
    fate: str

    def text(self, language: str) -> str:
        """Return the sentence that asks for a second look."""
        phrase = _WORDS[language][self.fate]
        return phrase.format(stated=self.stated, by_birth=self.by_birth)


def age_at_encounter(answers: Mapping[str, Any]) -> int | None:
    """Return the person's age on the day of the encounter, if both days are known."""
    days = [answers.get(name) for name in (BORN, MET)]
    if not all(isinstance(day, str) for day in days):
        return None
    born, met = (date.fromisoformat(str(day)) for day in days)
    age = met.year - born.year - ((met.month, met.day) < (born.month, born.day))
    return age if 0 <= age <= _OLDEST else None


def odd_age(
    typed: Any, stated: Any, known: Mapping[str, Any], answers: Mapping[str, Any]
) -> OddAge | None:
    """Return what is odd about the age that a form states, None if nothing is.

    `typed` is the age as it was answered, `stated` what the form states. `known` is what this
    agency stated in the case before, and `answers` what is answered now.
    """
    if not isinstance(stated, int):
        return None
    if _is_age(typed) and typed != stated:
        return OddAge(typed, stated, "replaced")
    met_before = known.get(MET)
    same_day = met_before is not None and answers.get(MET, met_before) == met_before
    before = known.get(AGE)
    by_birth = age_at_encounter({**known, **_texts(answers)})
    if same_day and isinstance(before, int) and before != stated and by_birth == stated:
        return OddAge(before, stated, "told")
    if by_birth is not None and by_birth != stated:
        return OddAge(stated, by_birth, "kept")
    return None


def odd_correction(known: Mapping[str, Any], values: Mapping[str, Any]) -> OddAge | None:
    """Return how the age and the birth date differ after a correction, None if they don't.

    `known` is what this agency stated, and `values` what is corrected.
    """
    if {BORN, MET, AGE}.isdisjoint(values):
        return None
    right = {**known, **values}
    age, by_birth = right.get(AGE), age_at_encounter(right)
    if not isinstance(age, int) or by_birth is None or age == by_birth:
        return None
    return OddAge(age, by_birth, "kept" if AGE in values else "told")


def own_ages(working_set: WorkingSet, case: str | None) -> dict[str, Any]:
    """Return the age, the birth date, and the day of the encounter that this agency stated."""
    if case is None:
        return {}
    facts = own_facts(working_set, case_of(working_set, case))
    born = person_of(working_set, case).newest.birth_date
    known = {name: facts[name] for name in (AGE, MET) if name in facts}
    return known | ({BORN: born} if born is not None else {})


def _is_age(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _texts(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answers.items() if isinstance(value, str)}
