"""The newest word on a charge that this agency has, its day, and if a newer one can arrive. Pure.

A word on a charge ages. Once the prosecutor may no longer tell this agency, the charge can be filed
without anybody here learning of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from exchange.consent.account_rows import WITHDRAWN, Row
from exchange.consent.disclosure import day_of
from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.positions import note_position
from offramp.agency.cases.stated import readable_contents, stated_contents
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

FILING = "filing"
# The kind of information that says how a charge stands, and its fact.
CHARGE_STATUS = "charge_status"
_CHARGE_HELD = "case.charge_held"
_PROSECUTOR = "prosecutor"
HELD, MAY_BE_FILED, FILED = "held", "may_be_filed", "filed"
NOTHING_HELD = "nothing_held"
# The prosecutor's words on a charge that no rule answers. A held one is answered by the rules too.
STANDINGS = (FILED, "not_filed", "dismissed", "sealed")
# The state by the rules' answer.
STATES_BY_OUTCOME = {
    "hold": HELD,
    "prosecutor_may_file": MAY_BE_FILED,
    NOTHING_HELD: NOTHING_HELD,
}
# By a prosecutor's decision, to whom the rules' permission to file is the choice to file.
_STATES_BY_DECISION = {**STATES_BY_OUTCOME, "prosecutor_may_file": FILED}


@frozen
class ChargeWord:
    """The state of a charge by the prosecutor's newest word, and its time.

    `time` is in seconds since 1970, None where nothing here says it.
    """

    state: str
    time: int | None


def newest_word(working_set: WorkingSet, handle: str, case: Case) -> ChargeWord | None:
    """Return the state that the prosecutor stated or decided last, as far as known here."""
    words: list[tuple[float, str, int | None]] = []
    directory = working_set.gateway.history.newest
    for stated in stated_contents(working_set, handle, case):
        standing = str((stated.content.get(CHARGE_STATUS) or {}).get("standing"))
        if standing in (*STANDINGS, HELD) and directory.role(stated.by) == _PROSECUTOR:
            words.append((stated.position, standing, stated.time))
    decided = case.determined.get(FILING)
    if decided is not None and decided.determined is not None and decided.role == _PROSECUTOR:
        outcome = str(decided.determined["outcome"])
        time = _time_of(working_set, handle, decided)
        words.append((decided.position, _STATES_BY_DECISION.get(outcome, outcome), time))
    if not words:
        return None
    _, state, time = max(words, key=lambda word: word[:2])
    return ChargeWord(state, time)


@frozen
class ChargeDay:
    """The day on which this agency was last told of a charge, and if it may have changed since.

    `on` is a local day, None where nothing here says it.
    """

    on: date | None
    may_have_changed: bool

    def as_json(self) -> dict[str, object]:
        """Return the member `charge` in the JSON of `offramp agency case`."""
        on = None if self.on is None else self.on.isoformat()
        return {"as_of": on, "may_have_changed": self.may_have_changed}


def charge_day(working_set: WorkingSet, handle: str, case: Case, now: int) -> ChargeDay | None:
    """Return the day of the newest word on a charge here, or of the fact that one is on hold.

    None at the prosecutor's, where the charge is decided, and where nothing of it is known.
    """
    directory = working_set.gateway.history.newest
    if directory.role(working_set.agency) == _PROSECUTOR:
        return None
    word = newest_word(working_set, handle, case)
    if word is None and _CHARGE_HELD not in case.known:
        return None
    time = word.time if word is not None else known_since(working_set, handle, case, ())
    on = None if time is None else day_of(time, directory.zone)
    return ChargeDay(on, not may_learn(working_set, handle, now))


def known_since(
    working_set: WorkingSet, handle: str, case: Case, reads: Iterable[str]
) -> int | None:
    """Return when this agency was last told of the charge, in seconds since 1970.

    It is the time of the fact that the charge is held, or of the newest fact of another agency
    among those that the rules read. None if nothing here says it.
    """
    held = case.known.get(_CHARGE_HELD)
    if held is not None:
        return _time_of(working_set, handle, held.entry)
    times = [
        _time_of(working_set, handle, source.entry)
        for path in reads
        if (source := case.known.get(path)) is not None and source.entry.by != working_set.agency
    ]
    return max((time for time in times if time is not None), default=None)


def may_learn(working_set: WorkingSet, handle: str, now: int) -> bool:
    """Report whether the prosecutor may tell this agency now how the charge stands.

    The prosecutor knows it in any case.
    """
    directory = working_set.gateway.history.newest
    if directory.role(working_set.agency) == _PROSECUTOR:
        return True
    return any(
        working_set.gateway.may_receive(agency, CHARGE_STATUS, case=handle, now=now)
        for agency in directory.with_role(_PROSECUTOR)
    )


def words_sent(working_set: WorkingSet, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the rows of an account by which the prosecutor told this agency of the charge."""
    directory = working_set.gateway.history.newest
    return tuple(
        row
        for row in rows
        if row.to == working_set.agency
        and row.category == CHARGE_STATUS
        and row.status != WITHDRAWN
        and row.recalled is None
        and directory.role(row.issuer) == _PROSECUTOR
    )


def _time_of(working_set: WorkingSet, handle: str, entry: CaseEntry) -> int | None:
    if entry.record is None:
        notes = working_set.cases.records(handle).notes
        return next(
            (note.time for note in notes if note_position(working_set, note) == entry.position),
            None,
        )
    key = (entry.by, entry.record, str(entry.part))
    stated = readable_contents(working_set, handle).get(key)
    return stated.time if stated is not None else None
