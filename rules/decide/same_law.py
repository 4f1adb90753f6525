"""Whether two cases that differ in the day of the encounter alone get one answer.

They do if one law is in force on both days and no rule reads the day itself. Then only the day that
the answer names differs, and the digest of the facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rules.decide.compiled_pack import CompiledPack
from rules.decide.ruling import reads_clocks
from rules.decide.scene_day import DAY, MOMENT
from rules.language import tree
from rules.packs.pack import Decision, conditions


def law_changes(program: CompiledPack) -> tuple[date, ...]:
    """Return the days on which a rule, a value, a text, or a section of law begins or ends."""
    pack = program.pack
    days: set[date | None] = {*pack.boundaries(), pack.program.since, pack.program.until}
    if pack.offenses is not None:
        rows = [row for rows in pack.offenses.rows.values() for row in rows]
        days |= {day for row in rows for day in (row.since, row.until)}
    return tuple(sorted(day for day in days if day is not None))


def depends_on_law_alone(program: CompiledPack, name: str) -> bool:
    """Return True if the encounter's day matters to a decision only through the law in force."""
    decisions = program.pack.decisions
    seen: set[str] = set()
    still = [name]
    while still:
        inner = still.pop()
        if inner in seen or inner not in decisions:
            continue
        seen.add(inner)
        if reads_clocks(program.pack, inner):
            return False
        for condition in _conditions(decisions[inner]):
            if {DAY, MOMENT, "now"} & set(tree.facts_read(condition)):
                return False
            for part in tree.nodes(condition):
                if isinstance(part, tree.StatusOf):
                    return False
                if isinstance(part, tree.OutcomeOf):
                    still.append(part.decision)
    return True


def _conditions(decision: Decision) -> Iterator[tree.Tree]:
    for rule in decision.rules.values():
        yield from conditions(rule)
    for obligation in decision.obligations.values():
        yield obligation.when
