"""An offense table as a program reads it: the level and conduct of charges by section and day.

A charge has the rows of its own section or, if there are none, of the nearest section above it.
With them it has the rows below it, which it may mean. A field that the facts lack is filled where
all these rows agree. A field that the facts state against all of them is a contradiction: it is
unknown, and the rules ask which is right. `authority` comes from the system of the citation in the
same way.

A section of another state can't be charged here. Its `authority` is `other_state`, and the section
is not recognized: the rules ask which one is meant. A charge that is said to be of another state is
taken for that.

A charge under a section that was void or repealed on the day is no charge for any rule, as long as
another charge is left. Of charges that are all so, the pack's own rules say what follows.

A section of homicide decides by itself: its charge is violent and of no other kind, whatever else
was given. The table has such sections, and so has a pack's parameter `homicide_sections`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

from rules.frozen import frozen
from rules.input.citations import GivenCitation, Section, reader_of, section_set
from rules.input.facts import Facts
from rules.input.kept_records import KeptRecords
from rules.input.vocabulary import Vocabulary
from rules.packs.offenses import NONE
from rules.packs.pack import Offense, Offenses, Parameter, Source

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
else:
    Any = object  # for aliases

CHARGES = "encounter.charges"
LEVEL = "level"
FILLED = (LEVEL, "conduct")
AUTHORITY = "authority"
OTHER_STATE = "other_state"
ELSEWHERE = (OTHER_STATE, "federal", "tribal")  # no charge of a local prosecutor
CONDUCT, VIOLENT = "conduct", "violent"
READ = (*FILLED, AUTHORITY, VIOLENT)  # the fields of a charge that decide what the law changes
HOMICIDE: Mapping[str, Any] = {CONDUCT: "other", VIOLENT: True}  # what a section of homicide states
NO_CRIME = ("violation", "infraction")  # levels that homicide never has
HOMICIDE_SECTIONS = "homicide_sections"  # the parameter of a pack that lists more of them


@frozen
class Statement:
    """A value that the law states for a field of a charge. `row` is None for `authority`."""

    value: str
    row: Offense | None


# The statements about a charge, by field. One statement fills its field, several leave it open.
Statements = Mapping[str, tuple[Statement, ...]]
# False if the table lacks the section and should have it, the fields whose value changes, and the
# row by which the section is no offense.
Changes = tuple[bool, tuple[tuple[str, Any], ...], Offense | None]
_UNCHANGED: Changes = (True, (), None)
_MOST_CHANGES = 4096  # remembered, before all are forgotten


class Law:
    """The law of a pack, applied to the charges of cases.

    `as_of` is the day whose law applies, or None for the day of each encounter. `homicide` lists
    sections of homicide beside the table's. Answers are cached.
    """

    def __init__(
        self,
        table: Offenses | None,
        vocabulary: Vocabulary,
        as_of: date | None,
        homicide: Parameter | None = None,
    ) -> None:
        self.as_of = as_of
        self.homicide = homicide
        self.table = table
        self.systems = vocabulary.citations
        self.state = state_of(table, vocabulary)
        fields = vocabulary.facts[CHARGES].fields
        self._word_trees = {name: fields[name].word_tree for name in (*FILLED, AUTHORITY)}
        self._own: dict[tuple[str, ...], list[Offense]] = {}
        self._below: dict[tuple[str, ...], list[Offense]] = {}
        for code, rows in table.rows.items() if table is not None else ():
            lineage = table.sections[code].lineage if table is not None else ()
            self._own.setdefault(lineage[-1], []).extend(rows)
            for key in lineage[:-1]:
                self._below.setdefault(key, []).extend(rows)
        self._statements = lru_cache(maxsize=4096)(self._find_statements)
        self._is_recognized = lru_cache(maxsize=4096)(self._find_recognized)
        self._changes: dict[tuple[Any, ...], Changes] = {}
        self._void_row = lru_cache(maxsize=4096)(self._find_void_row)
        self._homicide_row = lru_cache(maxsize=4096)(self._find_homicide_row)
        self._is_homicide = lru_cache(maxsize=4096)(self._find_homicide)
        self._read = reader_of(vocabulary).read
        self._may_be_homicide = lru_cache(maxsize=4096)(self._find_may_be_homicide)

    def filled(self, facts: Facts) -> Facts:
        """Return the facts with missing fields filled in and contradicted ones left out.

        Charges that are no offense are left out beside others. If nothing changes, these are the
        same facts.
        """
        charges = facts.known.get(CHARGES)
        if not charges:
            return facts
        kept = self.filled_charges(charges, self.as_of or facts.known.get("encounter.date"))
        if kept is charges:
            return facts
        return Facts({**facts.known, CHARGES: kept}, facts.attested, facts.doubtful)

    def filled_charges(
        self, charges: tuple[Mapping[str, Any], ...], day: date | None
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the charges as the rules read them on a day, the same ones if nothing changes."""
        changes_of = self._changes.get
        try:
            for charge in charges:
                # INVARIANT: a section's text names it alone. Its hash takes longer than the rest.
                key = (
                    charge["code"].section.text,
                    day,
                    charge["level"],
                    charge["conduct"],
                    charge["authority"],
                    charge["violent"],
                )
                if changes_of(key) is not _UNCHANGED:
                    break
            else:
                return charges
        except (KeyError, AttributeError):  # a field that isn't known, or a code that cites nothing
            pass
        return self._fill_charges(charges, day)

    def _fill_charges(
        self, charges: tuple[Mapping[str, Any], ...], day: date | None
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the charges as `filled_charges` does, one by one."""
        changed: dict[int, Mapping[str, Any]] = {}
        void: dict[int, Offense] = {}
        for place, charge in enumerate(charges):
            citation: GivenCitation | None = charge.get("code")
            if citation is None:
                continue
            section = citation.section
            if section is None:
                record = self._unread(charge, citation.given, day) if day is not None else charge
            else:
                get = charge.get
                stated = get("level"), get("conduct"), get("authority"), get("violent")
                changes = self.changes_of(section, day, stated)
                if changes is _UNCHANGED:
                    continue
                record = _changed(charge, citation, changes)
                if changes[2] is not None:
                    void[place] = changes[2]
            if record is not charge:
                changed[place] = record
        if not changed and not void:
            return charges
        records = [changed.get(place, charge) for place, charge in enumerate(charges)]
        if 0 < len(void) < len(records):
            return KeptRecords.without(records, void)
        return tuple(records) if changed else charges

    def changes_of(self, section: Section, day: date | None, stated: tuple[Any, ...]) -> Changes:
        """Return how the law changes a charge of a section with these values of `READ`."""
        key = (section.text, day, *stated)
        changes = self._changes.get(key)
        if changes is None:
            if len(self._changes) == _MOST_CHANGES:
                self._changes.clear()
            changes = self._changes[key] = self._find_changes(section, day, stated)
        return changes

    def reads_alike(self, section: Section, day: date | None) -> tuple[Any, ...]:
        """Return all of a section on which `changes_of` depends. Equal ones are read alike."""
        statements = self._statements(section, day)
        return (
            *(
                (name, *(statement.value for statement in statements[name]))
                for name in sorted(statements)
            ),
            self.other_state(section) is not None,
            self.may_be_elsewhere(section),
            self._is_recognized(section),
            day is not None and self._is_homicide(section, day),
            day is not None and self._void_row(section, day) is not None,
        )

    def has_row(self, section: Section, day: date) -> bool:
        """Return whether the table has a section on a day."""
        return self.other_state(section) is None and bool(self._rows(section, day))

    def is_homicide(self, section: Section, day: date) -> bool:
        """Return whether a section is one of homicide on a day, by the table or the pack's list."""
        return self._is_homicide(section, day)

    def is_clear(self, section: Section, day: date) -> bool:
        """Return whether a section is of law here, recognized, and an offense on a day."""
        is_here = self.state is None or self.systems[section.system].authority not in ELSEWHERE
        is_known = is_here and self.other_state(section) is None and self._is_recognized(section)
        return is_known and self._void_row(section, day) is None

    def _void_beside_others(
        self, charges: Sequence[Mapping[str, Any]], day: date | None
    ) -> dict[int, Offense]:
        """Return the row of each charge that was no offense on the day, by its place.

        There are none if no other charge is left.
        """
        if day is None or len(charges) < 2:
            return {}
        void: dict[int, Offense] = {}
        for place, charge in enumerate(charges):
            citation: GivenCitation | None = charge.get("code")
            if citation is not None and citation.section is not None:
                row = self._void_row(citation.section, day)
                if row is not None:
                    void[place] = row
        return void if len(void) < len(charges) else {}

    def is_void(self, section: Section, day: date) -> bool:
        """Return whether a section was no offense on a day."""
        return self._void_row(section, day) is not None

    def _find_void_row(self, section: Section, day: date) -> Offense | None:
        """Return the row by which a section, or one that it is in, was no offense on a day."""
        for key in section.lineage:
            for row in self._own.get(key, ()):
                if row.level == NONE and row.in_force(day):
                    return row
        return None

    def _find_homicide_row(self, section: Section, day: date) -> Offense | None:
        """Return a row of a section on a day if all its rows are of homicide."""
        rows = self._rows(section, day)
        return rows[0] if rows and all(row.homicide for row in rows) else None

    def _find_homicide(self, section: Section, day: date) -> bool:
        """Return whether a section is one of homicide on a day, by the table or the pack's list."""
        if self._homicide_row(section, day) is not None:
            return True
        values = self.homicide.values if self.homicide is not None else ()
        listed = [value.value for value in values if value.in_force(day)]
        return any(section_set(sections).has_section(section) for sections in listed)

    def _unread(self, charge: Mapping[str, Any], given: str, day: date) -> Mapping[str, Any]:
        """Return a charge whose code names no system.

        If it may be a section of homicide here, its stated conduct doesn't count: the section
        would decide alone, and is asked for.
        """
        if not self._may_be_homicide(given, day):
            return charge
        return {name: value for name, value in charge.items() if name not in HOMICIDE}

    def _find_may_be_homicide(self, given: str, day: date) -> bool:
        """Return whether a number without its system is one of homicide in this state's law."""
        sections = (
            self._read(f"{system.name} {given}")
            for system in self.systems.values()
            if not system.title_first and (self.state is None or system.state == self.state)
        )
        return any(section is not None and self._is_homicide(section, day) for section in sections)

    def _find_changes(self, section: Section, day: date | None, stated: tuple[Any, ...]) -> Changes:
        """Return how the law changes a charge with these values of `READ`."""
        charge = dict(zip(READ, stated, strict=True))
        is_misplaced = self._is_misplaced(section, charge)
        record = dict(charge)
        for name, statements in self._statements(section, day).items():
            if name != AUTHORITY or not self._is_elsewhere(section, charge):
                record[name] = self._merged(name, charge[name], statements)
        if is_misplaced:
            record[AUTHORITY] = OTHER_STATE
        if day is not None and self._is_homicide(section, day):
            record |= HOMICIDE
            if record["level"] in NO_CRIME:
                record["level"] = None
        fields = tuple((name, value) for name, value in record.items() if value != charge[name])
        is_recognized = self._is_recognized(section) and not is_misplaced
        void = self._void_row(section, day) if day is not None else None
        is_same = is_recognized and not fields and void is None
        return _UNCHANGED if is_same else (is_recognized, fields, void)

    def _is_misplaced(self, section: Section, charge: Mapping[str, Any]) -> bool:
        """Return whether another state's section is given for a charge here."""
        return self.other_state(section) is not None and charge.get(AUTHORITY) not in ELSEWHERE

    def _is_elsewhere(self, section: Section, charge: Mapping[str, Any]) -> bool:
        """Return whether a charge is said to be no charge here, and its section may be so too."""
        authority = charge.get(AUTHORITY)
        if self.state is None:
            return authority == OTHER_STATE and self.may_be_elsewhere(section)
        return authority in ELSEWHERE and self.other_state(section) is not None

    def may_be_elsewhere(self, section: Section) -> bool:
        """Return whether a section may be another state's, since this pack's state isn't known."""
        return self.state is None and self.systems[section.system].state is not None

    def other_state(self, section: Section) -> str | None:
        """Return the state whose law a section is, None if it is this one's or not known."""
        state = self.systems[section.system].state
        return None if self.state is None or state == self.state else state

    def _merged(self, name: str, word: str | None, statements: tuple[Statement, ...]) -> str | None:
        """Return a field's word by what is given and what the law states, None if unknown.

        Of a coarse word and a finer one below it, the finer one counts.
        """
        if word is not None and self._is_against(name, word, statements):
            return None
        if len(statements) > 1:
            return word
        (statement,) = statements
        is_finer = word is None or word in self._word_trees[name].above(statement.value)
        return statement.value if is_finer else word

    def _is_against(self, name: str, word: str, statements: tuple[Statement, ...]) -> bool:
        """Return whether a given word can't mean what any of the statements may mean."""
        words = self._word_trees[name]
        meant = words.finest_of(word)
        return not any(meant & words.finest_of(statement.value) for statement in statements)

    def _find_recognized(self, section: Section) -> bool:
        """Return False if a covered chapter has the section, and the table has not."""
        if self.table is None or not any(
            chapter.contains(section) for chapter in self.table.covers
        ):
            return True
        return any(key in self._own for key in section.lineage)

    def _find_statements(self, section: Section, day: date | None) -> Statements:
        """Return what the law states about a section on a day, None for a day not known."""
        authority = self.systems[section.system].authority
        if self.other_state(section) is not None:
            authority = OTHER_STATE
        statements: dict[str, tuple[Statement, ...]] = {AUTHORITY: (Statement(authority, None),)}
        rows = self._rows(section, day) if day is not None else []
        # The level of a section that was no offense is none, and so it has none to state.
        if rows and all(row.level != NONE for row in rows):
            for name in FILLED:
                by_value = {str(getattr(row, name)): row for row in reversed(rows)}
                statements[name] = tuple(Statement(value, row) for value, row in by_value.items())
        return statements

    def _rows(self, section: Section, day: date) -> list[Offense]:
        """Return the rows that a section may have on a day.

        Rows below a section that has none itself state nothing: it may be another subsection.
        """
        own: list[Offense] = []
        for key in reversed(section.lineage):
            own = [row for row in self._own.get(key, ()) if row.in_force(day)]
            if own:
                break
        below = self._below.get(section.key, ()) if own else ()
        return own + [row for row in below if row.in_force(day)]

    def stated(self, charge: Mapping[str, Any], day: date | None) -> Statements:
        """Return what the law states about a charge, by field."""
        citation: GivenCitation | None = charge.get("code")
        if citation is None or citation.section is None:
            return {}
        return self._statements(citation.section, day)

    def differences(self, facts: Facts, sources: Mapping[str, Source]) -> list[dict[str, Any]]:
        """Return the values that the law adds to these facts or that contradict them, as JSON.

        Each has `fact`, `code`, `table`, `given` (null if added), `source` (null for `authority`),
        and `provisional`.
        """
        return list(self._differences(facts, sources))

    def _differences(self, facts: Facts, sources: Mapping[str, Source]) -> Iterator[dict[str, Any]]:
        day = self.as_of or facts.known.get("encounter.date")
        charges = facts.known.get(CHARGES) or ()
        void = self._void_beside_others(charges, day)
        for index, charge in enumerate(charges):
            yield from self._homicide_differences(index, charge, day, sources)
            if index in void:
                yield _entry(index, "level", NONE, charge, void[index], sources)
                continue
            for name, statements in self.stated(charge, day).items():
                section = charge["code"].section
                # The section of another state is asked for, and so is not shown as a contradiction.
                if name == AUTHORITY and (
                    self._is_elsewhere(section, charge) or self._is_misplaced(section, charge)
                ):
                    continue
                word = charge.get(name)
                is_added = word is None and len(statements) == 1 and name != AUTHORITY
                is_contradicted = word is not None and self._is_against(name, word, statements)
                for statement in statements if is_added or is_contradicted else ():
                    yield _entry(index, name, statement.value, charge, statement.row, sources)

    def _homicide_differences(
        self,
        index: int,
        charge: Mapping[str, Any],
        day: date | None,
        sources: Mapping[str, Source],
    ) -> Iterator[dict[str, Any]]:
        """Yield what a section of homicide states otherwise than the facts."""
        citation: GivenCitation | None = charge.get("code")
        section = citation.section if citation is not None else None
        if day is None or section is None or not self._is_homicide(section, day):
            return
        row = self._homicide_row(section, day)
        for name, value in HOMICIDE.items():
            # The rows state the conduct too, and the level.
            if charge.get(name) != value and (name == VIOLENT or row is None):
                yield _entry(index, name, value, charge, row, sources)


def _changed(
    charge: Mapping[str, Any], citation: GivenCitation, changes: Changes
) -> Mapping[str, Any]:
    """Return a charge with what the law changes, the same record if nothing changes."""
    is_recognized, fields, _ = changes
    record = dict(charge)
    if not is_recognized:
        record["code"] = GivenCitation(citation.given, citation.section, is_recognized=False)
    for name, value in fields:
        if value is None:
            record.pop(name, None)
        else:
            record[name] = value
    return charge if record == charge else record


def state_of(table: Offenses | None, vocabulary: Vocabulary) -> str | None:
    """Return the state whose law a table has, None without a table or for a system of its own."""
    sections = table.sections.values() if table is not None else ()
    states = {vocabulary.citations[section.system].state for section in sections}
    return states.pop() if len(states) == 1 else None


def _entry(
    index: int,
    name: str,
    value: str | bool,
    charge: Mapping[str, Any],
    row: Offense | None,
    sources: Mapping[str, Source],
) -> dict[str, Any]:
    """Return what the law states about a field of a charge, as JSON."""
    stated = charge.get(name)
    if name == VIOLENT:
        value, stated = _violence(value), None if stated is None else _violence(stated)
    return {
        "fact": f"{CHARGES}[{index}].{name}",
        "code": row.code if row is not None else charge["code"].section.text,
        "table": value,
        "given": stated,
        "source": None if row is None else _cited(row, sources),
        "provisional": None if row is None else row.provisional,
    }


def _violence(is_violent: object) -> str:
    return "violent" if is_violent else "not violent"


def _cited(row: Offense, sources: Mapping[str, Source]) -> dict[str, Any]:
    source = sources[row.source.id]
    return {
        "id": source.id,
        "title": source.title,
        "at": row.source.at,
        "confidence": source.confidence,
    }
