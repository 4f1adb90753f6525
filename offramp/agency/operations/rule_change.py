"""What a rule change does to the agency's own open cases: counted, with the handles kept here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exchange.standards import i_json
from offramp.agency.cases.rule_change import answers_of, decided_here, open_cases
from offramp.agency.errors import AgencyError
from offramp.agency.folder.keys import write_private
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import SUPERVISION, needs
from offramp.counts import LEAST
from rules.decide.program import Program
from rules.frozen import frozen
from rules.packs.pack import Pack

FILE = "cases-of-a-change.json"
HIDDEN = {"hidden": True}


@frozen
class ChangedCases:
    """The open cases whose answer changes, by decision, the answer before, and the one after.

    `cases` are all open cases. `changed` has their handles. `file` is where they are kept.
    """

    agency: str
    cases: int
    decisions: tuple[str, ...]
    changed: dict[tuple[str, str, str], tuple[str, ...]]
    file: str

    def as_json(self) -> dict[str, Any]:
        """Return the counts for a memo, which leaves the agency: small ones are hidden.

        Where a count of one decision is from 1 to 10, all of that decision are hidden, and so is
        the number of cases if it is small. The cases that keep their answer count too, though they
        are not shown: they are the rest.
        """
        counts = [
            {
                "decision": name,
                "before": pair[0],
                "after": pair[1],
                "cases": HIDDEN if self._is_hidden(name) else number,
            }
            for name in self.decisions
            for pair, number in self._counts(name).items()
        ]
        cases = HIDDEN if 0 < self.cases < LEAST else self.cases
        return {"cases": cases, "decisions": list(self.decisions), "changed": counts}

    def _counts(self, name: str) -> dict[tuple[str, str], int]:
        return {
            (before, after): len(handles)
            for (decision, before, after), handles in self.changed.items()
            if decision == name
        }

    def _is_hidden(self, name: str) -> bool:
        counts = self._counts(name)
        rest = self.cases - sum(counts.values())
        return any(0 < number < LEAST for number in (*counts.values(), rest))


@needs(SUPERVISION, look="list")
def compare_open_cases(
    office: Office, old: str, new: Pack, decisions: Sequence[str]
) -> ChangedCases:
    """Decide the agency's open cases by the pack in force and by a new one, and count the changes.

    `old` is the digest of the pack that the change is from, which must be in force. The handles
    are written to a file in the agency's folder, and nothing is sent. Raises `AgencyError`
    `not-in-force`.
    """
    working_set = office.working_set()
    in_force = office.program(working_set)
    if in_force.digest != old:
        raise AgencyError(
            "not-in-force",
            f"the pack in force here is `{in_force.pack.id}` ({in_force.digest[:19]}…), and not "
            "the one that the change is from",
            fix="compare with the pack that is in force",
        )
    program = Program(new)
    names = decided_here(working_set, iter(decisions), in_force)
    names = [name for name in names if name in new.decisions]
    changed: dict[tuple[str, str, str], list[str]] = {}
    number = 0
    for handle, case in open_cases(working_set):
        number += 1
        for name in names:
            before, after = answers_of(office, working_set, handle, case, name, program)
            if before != after:
                changed.setdefault((name, before, after), []).append(handle)
    sorted_changes = {key: tuple(changed[key]) for key in sorted(changed)}
    cases = ChangedCases(office.agency, number, tuple(names), sorted_changes, FILE)
    write_private(office.folder / FILE, _kept(cases, program))
    return cases


def _kept(cases: ChangedCases, program: Program) -> bytes:
    """Return the file that stays: exact counts, and the handles of each."""
    changed = [
        {"decision": name, "before": before, "after": after, "cases": list(handles)}
        for (name, before, after), handles in cases.changed.items()
    ]
    pack = {"id": program.pack.id, "digest": program.digest}
    return i_json.write({"pack": pack, "open": cases.cases, "changed": changed})
