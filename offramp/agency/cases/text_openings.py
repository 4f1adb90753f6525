"""Tell a text that a person opened from one that a gateway may have used by itself. Pure.

A gateway that acts automatically opens the questions of others, the answers to its own, and the
corrections of both. Its acknowledgment looks like that of a person who opens a part. So of such a
text other agencies know that it was used, and not that a person opened it. The agency itself knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from exchange.consent.account_rows import Row
from exchange.consent.state import Committed, State
from exchange.records.statements import About, Statement
from offramp.agency.cases.corrections import CORRECTION

# The kinds of records that a gateway opens, beside corrections of them.
AUTOMATIC_KINDS = ("question", "answer")
# Opened by a person, used by a gateway, or one of the two.
OpenedBy = Literal["person", "gateway", "either"]
# The issuer, the record, and the part.
_PartKey = tuple[str, str, str]


def root_of(state: State, statement: Statement | None) -> tuple[Committed, str] | None:
    """Return the record and the part that a correction corrects, through earlier corrections.

    None for another statement, and where the record isn't known here.
    """
    while isinstance(statement, About):
        subject = state.subject(statement)
        if subject is None:
            return None
        part = statement.about[1]
        if subject.kind != CORRECTION:
            return subject, part
        statement = subject.labels[part].statement
    return None


class TextOpenings:
    """Who opened each text of a case, as far as this agency can know it.

    `records` are those of the case. `opened_here` says of the parts that were opened at `agency`,
    this one, whether its gateway opened them by itself.
    """

    def __init__(
        self,
        records: Iterable[Committed],
        agency: str | None = None,
        opened_here: Mapping[_PartKey, bool] = MappingProxyType({}),
    ) -> None:
        self._state = State(tuple(records))
        self._by_key = {(record.issuer, record.jti): record for record in self._state.records}
        self._asked = {
            (record.issuer, passage.to)
            for record in self._state.kind("question")
            for passage in record.passages
        }
        self._agency, self._here = agency, opened_here

    def of(self, row: Row) -> OpenedBy | None:
        """Return who opened a text. None if nobody did, or if it was told aloud."""
        if row.opened is None:
            return None
        key = (row.issuer, row.record, row.part)
        if row.to == self._agency and key in self._here:
            return "gateway" if self._here[key] else "person"
        return "either" if self._may_be_automatic(row) else "person"

    def _may_be_automatic(self, row: Row) -> bool:
        if row.kind in AUTOMATIC_KINDS:
            return True
        if row.kind != CORRECTION:
            return False
        record = self._by_key.get((row.issuer, row.record))
        label = record.labels.get(row.part) if record is not None else None
        root = root_of(self._state, label.statement) if label is not None else None
        if root is None:
            return True  # what it corrects isn't known here
        subject, _ = root
        return subject.kind == "answer" or (row.to, subject.issuer) in self._asked
