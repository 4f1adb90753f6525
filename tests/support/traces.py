"""Search the traces of a console and its browsers for the people of its agency (S4).

Each console of the suite is searched when it ends: its log, the addresses, titles, and cookies that
browsers and callers had from it, and the index beside the journal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from urllib.parse import unquote_plus, urlsplit

from offramp.agency import operations
from offramp.agency.cases.caseload import handles
from offramp.agency.cases.people import person_of
from offramp.agency.folder.office import INDEX
from rules.errors import Refusal

# By the host and port of a console: every address, title, and cookie of it.
_LEFT: dict[str, set[str]] = {}
# A shorter word may be part of an address or of random digits.
_SHORTEST, _SHORTEST_IN_BYTES = 4, 8
_RANDOM = re.compile(r"[\w-]{32,}")


def leave(address: str, *texts: str) -> None:
    """Note the texts that a browser or a caller had from an address."""
    _LEFT.setdefault(urlsplit(address).netloc, set()).update((address, *texts))


def details_of(folder: Path, passphrase: bytes) -> frozenset[str]:
    """Return the names, birth dates, and phone numbers that an agency knows, as people write them.

    A folder that can't be opened has none.
    """
    details: set[str] = set()
    with suppress(Refusal), closing(operations.open_office(folder, passphrase)) as office:
        working_set = office.working_set()
        for handle in handles(working_set):
            for described in person_of(working_set, handle).descriptions:
                name = (described.given_name, described.family_name, described.name)
                details.update(part for text in name if text for part in (text, *text.split()))
                if described.phone:
                    details.update((described.phone, re.sub(r"\D", "", described.phone)))
                if described.birth_date:
                    day = date.fromisoformat(described.birth_date)
                    us = f"{day.month}/{day.day}/{day.year}"
                    details.update((day.isoformat(), us, f"{day:%m/%d/%Y}", f"{day:%Y%m%d}"))
    return frozenset(text for text in details if len(text) >= _SHORTEST)


def found_in(details: Iterable[str], texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return each detail that a text has as a word of its own, with the text."""
    words = "|".join(sorted(map(re.escape, details), key=len, reverse=True))
    if not words:
        return []
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
    return [
        (match[0], text)
        for text in texts
        if (match := pattern.search(_RANDOM.sub("", unquote_plus(text)))) is not None
    ]


def look_over(folder: Path, passphrase: bytes, address: str, log: str) -> None:
    """Fail if a console that ended left anything of a person of its agency behind.

    `log` is all that it printed.
    """
    details = details_of(folder, passphrase)
    traces = [*_LEFT.pop(urlsplit(address).netloc, ()), *log.splitlines()]
    # The folder's own name may be a person's, since tests choose it.
    traces = [text for text in traces if not text.startswith("Console of ")]
    assert not (faults := found_in(details, traces)), faults
    index = folder / INDEX
    indexed = index.read_bytes() if index.exists() else b""
    long = [text for text in details if len(text) >= _SHORTEST_IN_BYTES]
    assert not [text for text in long if text.encode() in indexed], index
