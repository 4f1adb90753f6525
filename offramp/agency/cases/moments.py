"""Moments that an agency states: what can't be is refused, and what is odd is confirmed. Pure.

Forms, corrections, notes, minutes, and records from files read their days and times here alone. A
deadline that counts from an impossible day may send a person to jail, so nothing states one:

- What has happened is not in the future. A stated time may be a minute ahead of the hub's clock.
- Nothing in a case is from before the program began, and nobody was born over 130 years ago.
- No event of a case is before the encounter that began it, and no birth is after it.

An event before the referral is odd: the officer may have written the referral down late, or the
year is wrong. A person confirms it. See docs/decisions/0088-moments.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from exchange.records.building import Part
from offramp.agency.cases.case import REFERRED
from offramp.agency.cases.caseload import case_of, utc
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.moment import Moment, encounter_of, read_moment
from offramp.agency.cases.odd_ages import OddAge
from offramp.agency.cases.odd_amounts import OddAmount, odd_amounts
from offramp.agency.cases.pack_terms import PackTerms, detail_names, terms_of
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Stating
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.scene_day import DAY, MOMENT
from rules.errors import FactsError, Place
from rules.frozen import frozen
from rules.input.printing import printable
from rules.input.values import iso_day
from rules.input.vocabulary import Fact
from rules.packs.pack import Pack

ODD_FLAG = "--although-odd"
_INTAKE, _PLAN, _BORN = "case.intake_at", "case.plan_at", "contact.birth_date"
_DONE_ON, _SINCE = "intake_status.done_on", "enrollment.since"
_TESTED, _CHARGED = "test_result.taken_on", "case.new_charges.date"
_PLACE = re.compile(r"\[[0-9]+\]")
# Members of contents that are days of the case, beside the events of the vocabulary.
_OF_CASE = (_DONE_ON, _SINCE, "charge_status.on")
# A charge may be held since the arrest, which is before the referral.
_MAY_PRECEDE_REFERRAL = (REFERRED, "charge_status.on")
_IN_PROGRAM = (*_OF_CASE, _TESTED, "premises_crime.on", DAY, MOMENT)
_OLDEST = 130  # years
# The hub's clock and a watch on the wall differ, and the hub's is rounded down to a second. Who
# states what happened just now is never told that it is yet to come.
_CLOCKS_DIFFER = timedelta(minutes=1)

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "future_day": "`{value}` is after today, `{bound}`",
        "future_time": "`{value}` is yet to come: it is `{bound}` now",
        "future_fix": "give the day on which it happened, or wait until it has",
        "program": "`{value}` is before the program began, on `{bound}`",
        "old": "`{value}` is over 130 years ago",
        "year_fix": "check the year",
        "encounter": "`{value}` is before the encounter, on `{bound}`",
        "born": "the birth, on `{value}`, is after the encounter, on `{bound}`",
        "referral": "the encounter, on `{value}`, is after the referral, on `{bound}`",
        "order_fix": "check the day and the year of both",
        "odd_referral": "{name} is `{value}`, before the referral, on `{bound}`",
        "odd_intake": "{name} is `{value}`, before the first interview, on `{bound}`",
        "odd_encounter": "{name} is `{value}`, before the encounter, on `{bound}`",
        "odd_later": "{name} is `{value}`, after the first interview, on `{bound}`",
    },
    "es": {
        "future_day": "`{value}` es después de hoy, `{bound}`",
        "future_time": "`{value}` aún no ha llegado: ahora es `{bound}`",
        "future_fix": "dé el día en que ocurrió, o espere hasta que ocurra",
        "program": "`{value}` es antes de que empezara el programa, el `{bound}`",
        "old": "`{value}` fue hace más de 130 años",
        "year_fix": "compruebe el año",
        "encounter": "`{value}` es antes del encuentro, el `{bound}`",
        "born": "el nacimiento, el `{value}`, es después del encuentro, el `{bound}`",
        "referral": "el encuentro, el `{value}`, es después de la derivación, el `{bound}`",
        "order_fix": "compruebe el día y el año de ambos",
        "odd_referral": "{name}: `{value}` es antes de la derivación, el `{bound}`",
        "odd_intake": "{name}: `{value}` es antes de la primera entrevista, el `{bound}`",
        "odd_encounter": "{name}: `{value}` es antes del encuentro, el `{bound}`",
        "odd_later": "{name}: `{value}` es después de la primera entrevista, el `{bound}`",
    },
}


@frozen
class OddMoment:
    """A stated moment in an order that is unusual and may be true.

    `names` are its detail in words, in English and Spanish.
    """

    names: tuple[str, str]
    key: str
    value: str
    bound: str

    def text(self, language: str) -> str:
        """Return the sentence that asks for a second look."""
        phrase = _WORDS[language][self.key]
        name = self.names[language == "es"]
        return phrase.format(name=name, value=self.value, bound=self.bound)


# What a person confirms before it is stated.
Odd = OddMoment | OddAge | OddAmount


@frozen
class CaseMoments:
    """The moments of one case, against which each new one is read.

    `now` is the hub's time in the program's zone. `began` is the program's first day, None if it
    hasn't come. `terms` are the words of the adopted pack. `known` are the case's facts by path.
    """

    now: datetime
    began: date | None
    terms: PackTerms
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, Fact]:
        """The facts of the adopted pack by path."""
        return self.terms.facts

    def beside(self, stated: Mapping[str, Any]) -> CaseMoments:
        """Return the moments with those that are stated at the same time, which count first."""
        texts = {path: value for path, value in stated.items() if isinstance(value, str)}
        return replace(self, known={**self.known, **texts})

    def refuse_impossible(self, name: str, value: Any, language: str = "en") -> None:
        """Refuse a moment that can't be, also in the entries of a list.

        What is no day passes, so check the type first. Raises `FactsError` `not-yet`,
        `wrong-year`, `out-of-order`.
        """
        for path, moment in self._moments(name, value):
            fault = self._fault(path, moment, language)
            if fault is not None:
                raise fault

    def odd_moments(self, stated: Iterable[tuple[str, Any]]) -> tuple[OddMoment, ...]:
        """Return the stated moments in an unusual order, which a person has to confirm."""
        odd_ones: dict[tuple[str, str], OddMoment] = {}
        for name, value in stated:
            for path, moment in self._moments(name, value):
                for key, bound in self._oddities(_PLACE.sub("", path), moment):
                    names = detail_names(path, self.terms)
                    odd = OddMoment(names, key, str(moment), str(bound))
                    odd_ones.setdefault((path, key), odd)
        return tuple(odd_ones.values())

    def odd_statements(self, stated: Iterable[tuple[str, Any]]) -> tuple[Odd, ...]:
        """Return the stated moments and amounts that a person has to confirm."""
        listed = tuple(stated)
        return (*self.odd_moments(listed), *odd_amounts(listed, self.terms))

    def _fault(self, name: str, moment: Moment, language: str) -> FactsError | None:
        """Return the refusal of a moment that can't be."""
        path, at, words = _PLACE.sub("", name), Place(path=printable(name)), _WORDS[language]

        def text(key: str, bound: object) -> str:
            return words[key].format(value=moment, bound=bound)

        if moment.is_after_time(self.now + _CLOCKS_DIFFER):
            is_today = moment.day == self.now.date()
            message = (
                text("future_time", f"{self.now:%Y-%m-%d %H:%M}")
                if is_today
                else text("future_day", self.now.date())
            )
            return FactsError("not-yet", message, at=at, fix=words["future_fix"])
        early = self._too_early(path, moment)
        if early is not None:
            return FactsError("wrong-year", text(*early), at=at, fix=words["year_fix"])
        reversed_order = self._reversed(path, moment)
        if reversed_order is not None:
            fix = words["order_fix"]
            return FactsError("out-of-order", text(*reversed_order), at=at, fix=fix)
        return None

    def _too_early(self, path: str, moment: Moment) -> tuple[str, object] | None:
        """Return the sentence and the bound for a moment in a year that can't be."""
        if moment.day.year < self.now.year - _OLDEST:
            return "old", None
        in_program = path in _IN_PROGRAM or self._is_event(path)
        if in_program and self.began is not None and moment.day < self.began:
            return "program", self.began
        return None

    def _reversed(self, path: str, moment: Moment) -> tuple[str, object] | None:
        """Return the sentence and the bound for a moment in an order that can't be."""
        encounter, referral = self._encounter(), self._known(REFERRED)
        if path == _BORN and encounter is not None and encounter.is_before(moment):
            return "born", encounter
        if path in (DAY, MOMENT) and referral is not None and referral.is_before(moment):
            return "referral", referral
        is_of_case = self._is_event(path) or path in _OF_CASE
        if is_of_case and encounter is not None and moment.is_before(encounter):
            return "encounter", encounter
        return None

    def _oddities(self, path: str, moment: Moment) -> Iterator[tuple[str, Moment]]:
        encounter, referral = self._encounter(), self._known(REFERRED)
        intake = self._known(_INTAKE)
        is_of_case = self._is_event(path) or path in (*_OF_CASE, _TESTED)
        is_late = is_of_case and path not in _MAY_PRECEDE_REFERRAL
        if is_late and referral is not None and moment.is_before(referral):
            yield "odd_referral", referral
        if path == _PLAN and intake is not None and moment.is_before(intake):
            yield "odd_intake", intake
        if path == _CHARGED and encounter is not None and moment.is_before(encounter):
            yield "odd_encounter", encounter
        if path in (DAY, MOMENT) and intake is not None and intake.is_before(moment):
            yield "odd_later", intake

    def _is_event(self, path: str) -> bool:
        fact = self.facts.get(path)
        return fact is not None and fact.kind == "event"

    def _encounter(self) -> Moment | None:
        return encounter_of(self.known, self.now.tzinfo)

    def _known(self, path: str) -> Moment | None:
        return read_moment(self.known.get(path), self.now.tzinfo)

    def _moments(self, name: str, value: Any) -> Iterator[tuple[str, Moment]]:
        if isinstance(value, list | tuple):
            for place, entry in enumerate(value):
                for member, inner in entry.items() if isinstance(entry, Mapping) else ():
                    yield from self._moments(f"{name}[{place}].{member}", inner)
        elif (moment := read_moment(value, self.now.tzinfo)) is not None:
            yield name, moment


def moments_of(
    working_set: WorkingSet, pack: Pack | None, kind: str, handle: str | None, now: int
) -> CaseMoments:
    """Return the moments of a case, for a record of a kind. `now` is this machine's time.

    A referral is about an encounter of its own, whatever the case says of an earlier one.
    """
    gateway = working_set.gateway
    zone: ZoneInfo = gateway.history.newest.zone
    local = datetime.fromtimestamp(gateway.hub_time(now), UTC).astimezone(zone)
    known: Mapping[str, Any] = {}
    if kind not in ("referral", "offer") and handle is not None and handle in working_set.cases:
        sources = case_of(working_set, handle).known
        paths = (DAY, MOMENT, REFERRED, _INTAKE)
        known = {path: sources[path].value for path in paths if path in sources}
    began = pack.program.since if pack is not None else None
    if began is not None and began > local.date():
        began = None
    return CaseMoments(local, began, terms_of(working_set), known)


def stated_moments(
    contents: Iterable[Mapping[str, Any]], facts: Mapping[str, Fact]
) -> Iterator[tuple[str, Any]]:
    """Yield what contents of parts state of the past, by the name of each detail.

    The day of a meeting and the last day of a step are no such details.
    """
    for content in contents:
        for category, members in content.items():
            for path, value in (members.get("facts") or {}).items():
                yield path, value
            for member, value in members.items():
                name = f"{category}.{member}"
                if states_the_past(name, facts):
                    yield name, value


def said_moments(part: Part) -> Iterator[tuple[str, Any]]:
    """Yield what a part's label states of the past."""
    says = part.says or {}
    if isinstance(time := says.get("referred_at"), int) and not isinstance(time, bool):
        yield REFERRED, utc(time)
    if isinstance(day := says.get("on"), str):
        yield "on", day


def states_the_past(name: str, facts: Mapping[str, Fact]) -> bool:
    """Return True for a detail of what happened: a fact, or a member that forms ask for."""
    return name in facts or name in form_terms().members


def check_moments(working_set: WorkingSet, pack: Pack | None, stating: Stating, now: int) -> None:
    """Refuse a record or a note that states a moment which can't be. Raises `FactsError`."""
    facts = terms_of(working_set).facts
    stated = [
        *stated_moments((part.content for part in stating.parts), facts),
        *(moment for part in stating.parts for moment in said_moments(part)),
        *((name, value) for name, value in stating.details.items() if states_the_past(name, facts)),
        *((name, day) for name, day in stating.form.items() if name == "signed_on"),
    ]
    if stated:
        moments = moments_of(working_set, pack, stating.kind or "note", stating.case, now)
        beside = moments.beside(dict(stated))
        for name, value in stated:
            beside.refuse_impossible(name, value)


def check_confirmed(
    moments: CaseMoments, stated: Iterable[tuple[str, Any]], *, although_odd: bool
) -> None:
    """Check that a person confirmed what is odd. Raises `AgencyError` `odd-day`, `odd-amount`."""
    listed = tuple(stated)
    refuse_odd(() if although_odd else moments.beside(dict(listed)).odd_statements(listed))


def refuse_odd(odd: tuple[Odd, ...]) -> None:
    """Refuse what is odd and nobody confirmed.

    Raises `AgencyError` `odd-amount` if all of it are amounts, else `odd-day`.
    """
    if not odd:
        return
    text = "; ".join(statement.text("en") for statement in odd)
    if all(isinstance(statement, OddAmount) for statement in odd):
        raise AgencyError(
            "odd-amount",
            text,
            fix=f"check the number and its unit, and if it is right, confirm with `{ODD_FLAG}`",
        )
    raise AgencyError(
        "odd-day",
        text,
        fix=f"check the day and the year, and if they are right, confirm with `{ODD_FLAG}`",
    )


def check_last_day(name: str, value: str, today: date) -> None:
    """Check the last day of something that is still to be done.

    Raises `AgencyError` `no-such-day` for what is no day, `day-over` for a day before today.
    """
    day = iso_day(value)
    if day is None:
        raise AgencyError(
            "no-such-day",
            f"`{name}` is `{printable(value)[:40]}`, which is no day",
            fix="write a day such as `2026-06-30`",
        )
    if day < today:
        raise AgencyError(
            "day-over",
            f"`{name}` is `{day}`, before today, `{today}`",
            fix="give the last day on which it can be done",
        )
