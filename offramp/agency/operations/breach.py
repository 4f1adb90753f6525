"""Assess the breach that a stolen key is, and write a letter to each person."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from exchange.consent.disclosure import day_of
from offramp.agency.cases.breach import Breach, assess_breach, part_json
from offramp.agency.cases.breach_letter import breach_letter
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import SUPERVISION, needs
from offramp.output_file import check_output, write_output
from rules.frozen import frozen
from rules.input.values import iso_day

LANGUAGES = ("en", "es")


@frozen
class BreachReport:
    """What the thief of a key could have read, and the letters that were written."""

    breach: Breach
    letters: tuple[Path, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency breach`."""
        breach = self.breach
        return {
            "key": breach.key,
            "agency": breach.agency,
            "opens_parts": breach.opens_parts,
            "since": breach.since,
            "discovered": breach.discovered.isoformat(),
            "tell_by": breach.tell_by.isoformat(),
            "report_by": breach.report_by.isoformat(),
            "cases": [
                {
                    "case": case.case,
                    "name": case.name,
                    "categories": list(case.categories),
                    "label_categories": list(case.label_categories),
                    "parts": [part_json(part) for part in case.parts],
                }
                for case in breach.cases
            ],
            "without_case": [part_json(part) for part in breach.without_case],
            "letters": [str(path) for path in self.letters],
        }


@needs(SUPERVISION, look="print")
def report_breach(
    office: Office,
    key: str,
    since: int,
    *,
    discovered: str | None = None,
    letters: Path | None = None,
    contact: str | None = None,
) -> BreachReport:
    """Return what the thief of a key could have read since an index of the log.

    `discovered` is the day on which the agency learned of it, today if left out. With `letters`, a
    folder, a letter to each person is written there in English and Spanish, with the agency's
    `contact`. Nothing is sent. Raises `AgencyError` `unknown-key`, `no-contact`, `bad-day`;
    `RequestError` `file-taken`, `no-output`.
    """
    working_set = office.working_set()
    history = working_set.gateway.history
    if not history.size:
        raise AgencyError("unknown-key", "no directory is in force here", fix="let the gateway run")
    today = day_of(office.clock(), history.newest.zone)
    breach = assess_breach(working_set, key, since, _day(discovered, today))
    if letters is None:
        return BreachReport(breach)
    if not contact:
        raise AgencyError(
            "no-contact",
            "a letter must say whom the person can ask",
            fix="give `--contact` with a free telephone number, an e-mail, or an address",
        )
    sender = history.newest.agencies[office.agency].name
    digits = office.working_set().cases.digits
    texts = {
        letters / f"{digits(case.case)}.{language}.txt": breach_letter(
            breach, case, sender, contact, history.newest.zone, language
        )
        for case in breach.cases
        for language in LANGUAGES
    }
    for path in texts:
        check_output(path, force=False)
    for path, text in texts.items():
        write_output(path, text, force=False)
    return BreachReport(breach, tuple(texts))


def _day(text: str | None, today: date) -> date:
    if text is None:
        return today
    day = iso_day(text)
    if day is None or day > today:
        raise AgencyError(
            "bad-day",
            f"`{text}` is no day up to today",
            fix="write it as 2026-11-28",
        )
    return day
