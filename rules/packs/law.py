"""An offense table as a program reads it: the level and conduct of charges by section and day.

A charge has the rows of its own section or, if there are none, of the nearest section above it.
With them it has the rows below it, which it may mean. A field that the facts lack is filled where
all these rows agree. A field that the facts state against all of them is a contradiction: it is
unknown, and the rules ask which is right. `authority` comes from the system of the citation in the
same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from rules.frozen import frozen
from rules.input.citations import GivenCitation, Section
from rules.input.facts import Facts
from rules.input.vocabulary import Vocabulary
from rules.packs.offenses import NONE
from rules.packs.pack import Offense, Offenses, Source

CHARGES = "encounter.charges"
FILLED = ("level", "conduct")
AUTHORITY = "authority"


@frozen
class Statement:
    """A value that the law states for a field of a charge. `row` is None for `authority`."""

    value: str
    row: Offense | None


# The statements about a charge, by field. One statement fills its field, several leave it open.
Statements = Mapping[str, tuple[Statement, ...]]
# False if the table lacks the section and should have it, and the fields whose value changes.
Changes = tuple[bool, tuple[tuple[str, str | None], ...]]
_UNCHANGED: Changes = (True, ())
_MOST_CHANGES = 4096  # remembered, before all are forgotten


class Law:
    """The law of a pack, applied to the charges of cases.

    `as_of` is the day whose law applies, or None for the day of each encounter. Answers are cached.
    """

    def __init__(self, table: Offenses | None, vocabulary: Vocabulary, as_of: date | None) -> None:
        self.as_of = as_of
        self.table = table
        self.systems = vocabulary.citations
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

    def filled(self, facts: Facts) -> Facts:
        """Return the facts with missing fields filled in and contradicted ones left out.

        If that changes nothing, these are the same facts.
        """
        charges = facts.known.get(CHARGES)
        if not charges:
            return facts
        day = self.as_of or facts.known.get("encounter.date")
        records, is_changed = [], False
        for charge in charges:
            record = self._charge(charge, day)
            records.append(record)
            is_changed = is_changed or record is not charge
        if not is_changed:
            return facts
        return Facts({**facts.known, CHARGES: tuple(records)}, facts.attested, facts.doubtful)

    def _charge(self, charge: Mapping[str, Any], day: date | None) -> Mapping[str, Any]:
        """Return a charge as the rules read it, the same record if nothing changes."""
        citation: GivenCitation | None = charge.get("code")
        section = citation.section if citation is not None else None
        if citation is None or section is None:
            return charge
        get = charge.get
        # INVARIANT: a section's text names it alone. Its hash takes longer than all the rest.
        key = section.text, day, get("level"), get("conduct"), get(AUTHORITY)
        changes = self._changes.get(key)
        if changes is None:
            if len(self._changes) == _MOST_CHANGES:
                self._changes.clear()
            changes = self._changes[key] = self._find_changes(section, day, key[2:])
        if changes is _UNCHANGED:
            return charge
        is_recognized, fields = changes
        record = dict(charge)
        if not is_recognized:
            record["code"] = GivenCitation(citation.given, section, is_recognized=False)
        for name, value in fields:
            if value is None:
                record.pop(name, None)
            else:
                record[name] = value
        return charge if record == charge else record

    def _find_changes(
        self, section: Section, day: date | None, given: tuple[str | None, ...]
    ) -> Changes:
        """Return how the law changes a charge of the section with these words as given."""
        words = dict(zip((*FILLED, AUTHORITY), given, strict=True))
        merged = (
            (name, self._merged(name, words[name], statements))
            for name, statements in self._statements(section, day).items()
        )
        fields = tuple((name, value) for name, value in merged if value != words[name])
        is_recognized = self._is_recognized(section)
        return (is_recognized, fields) if fields or not is_recognized else _UNCHANGED

    def _merged(
        self, name: str, given: str | None, statements: tuple[Statement, ...]
    ) -> str | None:
        """Return a field's word by what is given and what the law states, None if unknown.

        Of a coarse word and a finer one below it, the finer one counts.
        """
        if given is not None and self._is_against(name, given, statements):
            return None
        if len(statements) > 1:
            return given
        (statement,) = statements
        is_finer = given is None or given in self._word_trees[name].above(statement.value)
        return statement.value if is_finer else given

    def _is_against(self, name: str, given: str, statements: tuple[Statement, ...]) -> bool:
        """Return whether a given word can't mean what any of the statements may mean."""
        words = self._word_trees[name]
        meant = words.finest_of(given)
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
        statements: dict[str, tuple[Statement, ...]] = {
            AUTHORITY: (Statement(self.systems[section.system].authority, None),)
        }
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
        for index, charge in enumerate(facts.known.get(CHARGES) or ()):
            for name, statements in self.stated(charge, day).items():
                given = charge.get(name)
                is_added = given is None and len(statements) == 1 and name != AUTHORITY
                is_contradicted = given is not None and self._is_against(name, given, statements)
                for statement in statements if is_added or is_contradicted else ():
                    row = statement.row
                    yield {
                        "fact": f"{CHARGES}[{index}].{name}",
                        "code": row.code if row is not None else charge["code"].section.text,
                        "table": statement.value,
                        "given": given,
                        "source": None if row is None else _cited(row, sources),
                        "provisional": None if row is None else row.provisional,
                    }


def _cited(row: Offense, sources: Mapping[str, Source]) -> dict[str, Any]:
    source = sources[row.source.id]
    return {
        "id": source.id,
        "title": source.title,
        "at": row.source.at,
        "confidence": source.confidence,
    }
