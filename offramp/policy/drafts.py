"""Edit a draft of a pack, and check it: its faults, examples, promises, and gaps.

A draft is a folder with a pack that isn't in force. Its text is saved as it was typed, also while
it can't be read: a draft may be wrong.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offramp.policy.change_text import change_notes
from offramp.policy.change_wording import READ_FIRST, findings_title
from offramp.policy.failing_text import FailingTogether, failing_together
from offramp.policy.operations import change_memo, note_doubts
from offramp.policy.pack_notes import pack_notes
from offramp.policy.scenario_files import replace_file
from rules.author.scenarios import FILE, read_scenarios, run
from rules.decide.program import Program
from rules.errors import PackError, Place, Refusal, RequestError
from rules.frozen import frozen
from rules.input.printing import plain, printable
from rules.shelf import read_pack

if TYPE_CHECKING:
    from offramp.policy.cohort.report import CohortRequest
    from rules.author.scenarios import Scenario
    from rules.packs.pack import Pack

__all__ = ["DraftCheck", "DraftFault", "DraftText", "check_draft", "read_draft", "save_draft"]

FILES = {"pack": "pack.yaml", "scenarios": FILE}
_IN_TICKS = re.compile(r"`([^`]+)`")
_BESIDE = 1  # lines that are quoted before and after the one at fault


@frozen
class DraftText:
    """The text of one file of a draft. `version` tells whether the file was changed since."""

    text: str
    version: str


@frozen
class DraftFault:
    """A fault with its place and its fix. `lines` are those around it, each with its number.

    `file` is the draft's `pack` or `scenarios`, None for a file of another folder.
    """

    message: str
    fix: str
    place: str
    lines: tuple[tuple[int, str], ...] = ()
    file: str | None = None


@frozen
class DraftFinding:
    """What is wrong with a change, and where: the line of a file of the draft, or the pack.

    `file` is the draft's `pack` or `scenarios`, None for what another pack has.
    """

    says: str
    place: str = ""
    file: str | None = None


@frozen
class DraftCheck:
    """What a draft gives. With `faults` it can't be read, and nothing else is there.

    `examples` counts the scenarios, and `failing` has each that fails with a sentence. `gaps` say
    what no scenario covers. `memo` is the memo of the change. `findings` are what is wrong with the
    change, and `findings_title` says how many there are of each kind. `notes` are what may be a
    slip.
    """

    faults: tuple[DraftFault, ...] = ()
    examples: int = 0
    failing: tuple[tuple[str, str], ...] = ()
    gaps: tuple[str, ...] = ()
    memo: Mapping[str, Any] | None = None
    findings: tuple[DraftFinding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def findings_title(self) -> str:
        """How many findings there are of each kind."""
        return findings_title(finding.says for finding in self.findings)

    @property
    def failing_together(self) -> list[FailingTogether]:
        """The scenarios that fail, those of one cause together."""
        return failing_together(self.failing)


def read_draft(folder: Path, file: str) -> DraftText:
    """Return the text of a draft's `pack` or `scenarios`, empty where there is no such file.

    Raises `RequestError` `no-file`.
    """
    path = folder / FILES[file]
    try:
        data = path.read_bytes() if path.exists() else b""
        return DraftText(data.decode("utf-8"), _version(data))
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            "no-file", f"`{printable(path.name)}` can't be read", fix="save it as UTF-8 text"
        ) from None


def save_draft(folder: Path, file: str, text: str, version: str) -> None:
    """Save the text of a draft's file as a form sent it, if the file is still of this version.

    Raises `RequestError` `draft-changed`, `empty-draft`; as `replace_file`.
    """
    if not text.strip():
        raise RequestError(
            "empty-draft", "an empty text isn't saved", fix="write the draft, or delete its file"
        )
    if read_draft(folder, file).version != version:
        raise RequestError(
            "draft-changed",
            f"`{FILES[file]}` was changed since this page was opened, so nothing was saved",
            fix="compare both texts, then save yours or keep the other",
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    replace_file(folder / FILES[file], lines if lines.endswith("\n") else f"{lines}\n")


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def check_draft(
    packs: Mapping[str, str | Path],
    folder: Path,
    today: date,
    cohort: CohortRequest | None = None,
) -> DraftCheck:
    """Check a draft, run its scenarios, and make the memo of its change. Raises no `Refusal`.

    `packs` are those in force by id: a draft changes the one with its own id, or the one that it
    extends.
    """
    try:
        pack = read_pack(folder, whole=False)
        before = packs.get(pack.id, pack.extends)
        if before is None:
            raise RequestError(
                "unknown-pack",
                f"no pack `{printable(pack.id)}` is served, and the draft extends none",
                fix="start the console with the pack that the draft changes",
            )
        scenarios = read_scenarios(folder) if (folder / FILE).exists() else []
        memo = plain(change_memo(str(before), str(folder), today=today, cohort=cohort).value)
    except PackError as error:
        return DraftCheck(tuple(_fault(folder, each) for each in error.all()))
    except Refusal as refusal:
        return DraftCheck((DraftFault(refusal.message, refusal.fix, ""),))
    report = run(Program(pack), scenarios)
    failing = tuple((failure.scenario.id, "; ".join(failure.what)) for failure in report.failures)
    gaps = tuple(_gaps(report.short_of, memo))
    findings = tuple(_finding(folder, sentence, pack, scenarios) for sentence in memo["findings"])
    notes = tuple(_notes(folder, pack, memo, today))
    return DraftCheck((), len(scenarios), failing, gaps, memo, findings, notes)


def _notes(folder: Path, pack: Pack, memo: Mapping[str, Any], today: date) -> Iterator[str]:
    """Yield the notes of the pack's check, then those of the change on other items."""
    of_check = list(pack_notes(note_doubts(pack, folder), today, str(folder)))
    yield from (note.replace(f"{folder}/", "") for note in of_check)
    of_change = dict.fromkeys(
        (change["what"], note)
        for part in (memo, *memo["later"])
        for change in part["redline"]
        for note in change_notes(change)
    )
    yield from (
        f"`{what}`: {note}"
        for what, note in of_change
        if not any(f"`{what}`" in listed for listed in of_check)
    )


def _finding(folder: Path, sentence: str, pack: Pack, scenarios: list[Scenario]) -> DraftFinding:
    """Return a finding with the place of the scenario, invariant, or rule that it names."""
    ids = set(_IN_TICKS.findall(sentence))
    places = [scenario.place for scenario in scenarios if scenario.id in ids]
    places += [item.place for item in pack.invariants.values() if item.id in ids]
    places += [
        rule.place
        for decision in pack.decisions.values()
        if decision.name in ids
        for rule in decision.rules.values()
        if rule.id in ids
    ]
    for place in places:
        file = _own_file(folder, place)
        if file is not None and place.line is not None:
            return DraftFinding(sentence, f"{FILES[file]}, line {place.line}", file)
    return DraftFinding(sentence)


def _own_file(folder: Path, place: Place) -> str | None:
    """Return which file of a draft a place is in, None for one of another folder, or for none."""
    path = Path(place.file or "")
    is_own = path.parent == folder or str(path.parent) == folder.resolve().name
    return next((key for key, name in FILES.items() if is_own and name == path.name), None)


def _gaps(short_of: list[str], memo: Mapping[str, Any]) -> Iterator[str]:
    yield from short_of
    for edge in memo["scenarios"]["edges"]:
        says = edge["says"].removesuffix(READ_FIRST).rstrip()
        yield f"No scenario is like `{edge['id']}`. {says}"


def _fault(folder: Path, error: PackError) -> DraftFault:
    """Return a fault with the lines around its place, if that is in a file of the draft."""
    file = _own_file(folder, error.at)
    name = FILES[file] if file is not None else error.at.file or ""
    if error.at.line is None:
        return DraftFault(error.message, error.fix, name, (), file)
    lines: tuple[tuple[int, str], ...] = ()
    if file is not None:
        with suppress(OSError, UnicodeDecodeError):
            text = (folder / name).read_text("utf-8").splitlines()
            first = max(error.at.line - 1 - _BESIDE, 0)
            around = text[first : error.at.line + _BESIDE]
            lines = tuple(enumerate(around, start=first + 1))
    return DraftFault(error.message, error.fix, f"{name}, line {error.at.line}", lines, file)
