"""Write the answers to many cases as JSON, a line for each, and decide equal rows once.

Two rows of a table whose cells differ in the day alone have one answer if one law is in force on
both days and no rule reads the day. Then the answer differs in the day that it names and in the
digest of the facts. Nothing is remembered after the run. Of a row that was refused, it is only
remembered that the program did not run on its day.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from datetime import date
from typing import TYPE_CHECKING, Any

import rules
from offramp.policy.answer_json import answer_as_json
from offramp.policy.case_input import AnswerLine, CaseInput, RowKey, id_as_json
from rules.decide.same_law import depends_on_law_alone, law_changes
from rules.decide.scene_day import DAY
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.facts import Facts, digest_of

if TYPE_CHECKING:
    from offramp.policy.second_engine import SecondEngine

_ENCODER = json.JSONEncoder(separators=(",", ":"))
_KEPT = 128_000_000  # characters of answers that are remembered at a time
# Marks of the day and the digest in a remembered answer. No text of a pack or fact has this sign.
_DAY_MARK, _DIGEST_MARK = "\0day", "\0digest"

_Key = tuple[tuple[str, ...], int | None]  # the cells, and the stretch of days with one law


@frozen
class _Remembered:
    """An answer's JSON and its facts' canonical form, cut where the day and the digest stand."""

    before: str
    between: str
    after: str
    facts: tuple[str, ...]
    names_day: bool

    def text(self, day: date | None) -> str:
        """Return the answer on the same facts of another day under the same law."""
        return self.with_digest(day, digest_of(f'"{day}"'.join(self.facts)))

    def with_digest(self, day: date | None, digest: str) -> str:
        """Return the answer on the facts with this digest."""
        as_of = f'"{day}"' if self.names_day else ""
        return f'{self.before}{as_of}{self.between}"{digest}"{self.after}'


class LineWriter:
    """Writes the answers to one question by one program."""

    def __init__(
        self,
        program: rules.Program,
        decision: str,
        *,
        today: date,
        considered: bool = False,
        second: SecondEngine | None = None,
    ) -> None:
        self.program = program
        self.decision = decision
        self.today = today
        self.considered = considered
        self.second = second
        self._law_changes = law_changes(program)
        # A second engine confirms each row.
        self._remembers = second is None and depends_on_law_alone(program, decision)
        self._remembered: dict[_Key, _Remembered] = {}
        self._outside: set[_Key] = set()  # refused, since the program did not run on the day
        self._size = 0

    def answer(self, case: CaseInput) -> AnswerLine:
        """Answer one case."""
        start = f'{{"id":{id_as_json(case.id)},'
        key = self._key(case.key) if self._remembers and case.key is not None else None
        remembered = self._remembered.get(key) if key is not None else None
        if remembered is not None and case.key is not None:
            return AnswerLine(f'{start}"decision":{remembered.text(case.key.day)}}}', False)
        try:
            if key in self._outside and case.key is not None and case.key.day is not None:
                self.program.refuse_day_outside(case.key.day, DAY)
            decision = self.program.decide(self.decision, case.read_facts())
            if self.second is not None:
                self.second.confirm(decision)
            answer = answer_as_json(decision, self.today, considered=self.considered)
        except Refusal as refusal:
            self._remember_refusal(key, refusal)
            return AnswerLine(f'{start}"error":{_text(refusal.as_json())}}}', True)
        text = _text(answer) if key is None else self._remember(key, decision, answer)
        return AnswerLine(f'{start}"decision":{text}}}', False)

    def _key(self, row: RowKey) -> _Key:
        """Return what decides the answer: the cells, and the stretch of days with one law."""
        return row.cells, None if row.day is None else bisect_right(self._law_changes, row.day)

    def _make_room(self, size: int) -> None:
        """Count so many characters as remembered. Forget all others if there are too many."""
        if self._size > _KEPT:
            self._remembered.clear()
            self._outside.clear()
            self._size = 0
        self._size += size

    def _remember_refusal(self, key: _Key | None, refusal: Refusal) -> None:
        """Remember that the program did not run, if the encounter's day is refused for that."""
        is_outside = refusal.code == "outside-program" and refusal.at.path == DAY
        if is_outside and key is not None and key not in self._outside:
            self._make_room(len(refusal.message))
            self._outside.add(key)

    def _remember(self, key: _Key, decision: rules.Decision, answer: Any) -> str:
        """Remember an answer, and return its text."""
        names_day = decision.as_of is not None and decision.as_of_from == DAY
        day = _DAY_MARK if names_day else answer["pack"]["as_of"]
        marked = {**answer, "pack": {**answer["pack"], "as_of": day}, "facts_digest": _DIGEST_MARK}
        before, mark, rest = _text(marked).partition(_text(_DAY_MARK))
        if not mark:
            before, rest = "", before
        between, _, after = rest.partition(_text(_DIGEST_MARK))
        self._make_room(len(before) + len(between) + len(after))
        remembered = self._remembered[key] = _Remembered(
            before, between, after, _cut_at_day(decision.case.original), names_day
        )
        return remembered.with_digest(decision.as_of, answer["facts_digest"])


def _cut_at_day(facts: Facts) -> tuple[str, ...]:
    """Return the canonical form of facts before and after the day, or whole if it isn't known."""
    text, day = facts.canonical(), facts.known.get(DAY)
    if day is None:
        return (text,)
    # INVARIANT: no field has a dot in its name, and a quote inside a text is escaped. So the day is
    # the one place that reads so.
    before, _, after = text.partition(f'"{DAY}":"{day}"')
    return f'{before}"{DAY}":', after


def _text(value: Any) -> str:
    return _ENCODER.encode(value)
