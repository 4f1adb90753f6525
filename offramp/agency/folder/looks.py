"""The journal of looks: who opened, listed, searched, printed, or was refused what, and from where.

Each look is chained to the one before by a MAC (HMAC-SHA256) under a key of the agency's own, so a
look that was removed, changed, or moved is found. The end of the chain is found by two anchors: the
newest look is stored once more under its own MAC, and each composed record commits to the chain of
its time. Where the gateway draws a record's id, the id itself is that commitment: the hub and the
witnesses have it, so nobody here can rewrite the looks before it. No look contains content: neither
names nor the words of a search. See docs/decisions/0067-journal-of-looks.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from exchange.errors import ExchangeError
from exchange.standards import base64, i_json
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Event, Journal
from offramp.agency.folder.keys import Keys
from offramp.agency.folder.stored_records import read_bundle
from rules.frozen import frozen

START = bytes(32)
_ID_BYTES = 16
_HEAD = "looks"


@frozen
class Look:
    """A look: its number, time, person, login, place, its kind, and the operation.

    `case`, `record`, and `part` are what was looked at, and `reason` is a code. `refused` is the
    code of a refusal. `outcome_of` is the number of the earlier look whose operation was refused
    so, and did nothing. `time` is in seconds since 1970.
    """

    number: int
    time: int
    person: str
    login: str
    origin: str
    kind: str
    operation: str
    case: str | None = None
    record: str | None = None
    part: str | None = None
    reason: str | None = None
    refused: str | None = None
    outcome_of: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the look's JSON in `offramp agency looks`."""
        return {"number": self.number, **_body(self)}


class Looks:
    """The chain of looks in an agency's journal. `keys` has the key of the chain."""

    def __init__(self, journal: Journal, keys: Keys, agency: str) -> None:
        self._journal = journal
        self._keys = keys
        self._kid = f"{agency}.looks"
        self._secret: bytes | None = None

    def add(self, look: Look) -> int:
        """Append a look, within a transaction of the journal. Return the number that it gets."""
        number, link = self._journal.last_look() or (0, START)
        text = i_json.write(_body(look))
        key = self._key(number)
        link = _link(key, link, number + 1, text)
        self._journal.add_look(number + 1, text, link)
        self._journal.put(
            _HEAD,
            {"size": number + 1, "mac": base64.encode_url(_mac(key, "head", number + 1, link))},
        )
        return number + 1

    def read(self, case: str | None = None, *, newest: int | None = None) -> Iterator[Look]:
        """Yield every look, or those at one case, the oldest first, as they are stored.

        With `newest`, only so many of the last ones.
        """
        for number, text, _ in self._journal.looks((case or "").encode(), newest):
            look = _look(number, text)
            if case in (None, look.case):
                yield look

    def anchor(self, random_id: bytes, jti: str | None) -> tuple[str, dict[str, Any]] | None:
        """Return the id of a record about to be composed, and its commitment to the looks so far.

        With `jti`, the record has that id. None where nobody has looked yet.
        """
        if (last := self._journal.last_look()) is None:
            return None
        number, link = last
        committed: dict[str, Any] = {"size": number}
        if jti is None:
            committed["nonce"] = base64.encode_url(random_id)
            jti = _committing_id(link, random_id)
        mac = _mac(self._key(number), f"record {jti}", number, link)
        return jti, {**committed, "mac": base64.encode_url(mac)}

    def faults(self, events: Iterator[Event]) -> Iterator[str]:
        """Yield a sentence for each fault of the chain and of its anchors.

        `events` are those of the agency's journal.
        """
        try:
            key = self._keys.looks(self._kid)
        except ExchangeError as error:
            if self._journal.last_look() is not None or self._journal.get(_HEAD) is not None:
                yield f"the journal of looks can't be examined: {error.message}"
            return
        links, link = [START], START
        for number, text, stored in self._journal.looks():
            if number != len(links):
                yield f"looks {len(links)} to {number - 1} were removed from the journal of looks"
                return
            link = _link(key, link, number, text)
            if not hmac.compare_digest(link, stored):
                yield f"look {number} was changed, moved, or put in the place of another"
                return
            links.append(link)
        yield from self._faults_at_end(key, links)
        yield from _faults_of_anchors(key, links, events)

    def _faults_at_end(self, key: bytes, links: list[bytes]) -> Iterator[str]:
        size, head = len(links) - 1, self._journal.get(_HEAD)
        if head is None:
            if size:
                yield "the mark of the newest look was removed"
            return
        mac = base64.decode_url(str(head["mac"]))
        if head["size"] > size:
            yield f"looks {size + 1} to {head['size']} were removed from the journal of looks"
        elif head["size"] < size or not hmac.compare_digest(
            mac, _mac(key, "head", size, links[size])
        ):
            yield "the mark of the newest look isn't what was written"

    def _key(self, looks: int) -> bytes:
        """Return the chain's key. It is made with the first look."""
        if self._secret is None:
            is_there = self._kid in self._keys.ids()
            if looks and not is_there:
                raise AgencyError(
                    "no-key-file",
                    f"the key `{self._kid}` of the journal of looks isn't there",
                    fix="restore it from the backup",
                )
            make_or_read = self._keys.looks if is_there else self._keys.make_looks
            self._secret = make_or_read(self._kid)
        return self._secret


def with_outcomes(looks: Iterable[Look]) -> tuple[Look, ...]:
    """Return looks with each refused operation as one look, in the place of its try."""
    written = tuple(looks)
    outcomes = {look.outcome_of: look for look in written if look.outcome_of is not None}
    return tuple(
        replace(
            look,
            kind="refused",
            operation=outcomes[look.number].operation,
            refused=outcomes[look.number].refused,
        )
        if look.number in outcomes
        else look
        for look in written
        if look.outcome_of is None
    )


def _faults_of_anchors(key: bytes, links: list[bytes], events: Iterator[Event]) -> Iterator[str]:
    """Yield the first record whose commitment the chain contradicts.

    INVARIANT: after the first record with a commitment, every record has one.
    """
    is_anchored = False
    for event in events:
        if event.kind != "composed":
            continue
        committed, jti = event.body.get("looks"), _id_of(event)
        if committed is None:
            if is_anchored:
                yield f"record `{jti}` lost its commitment to the journal of looks"
                return
            continue
        is_anchored = True
        size = committed["size"]
        if size >= len(links):
            yield (
                f"looks {len(links)} to {size} were removed from the journal of looks: record "
                f"`{jti}` was composed after them"
            )
            return
        mac = base64.decode_url(committed["mac"])
        is_sound = hmac.compare_digest(mac, _mac(key, f"record {jti}", size, links[size]))
        if "nonce" in committed:
            nonce = base64.decode_url(committed["nonce"])
            is_sound = is_sound and _committing_id(links[size], nonce) == jti
        if not is_sound:
            yield f"the looks before record `{jti}` aren't those that it commits to"
            return


def _id_of(event: Event) -> str:
    return read_bundle(event.body["bundle"]).id


def _committing_id(link: bytes, nonce: bytes) -> str:
    return sha256(b"offramp/1/looks\0" + link + nonce).digest()[:_ID_BYTES].hex()


def _link(key: bytes, before: bytes, number: int, text: bytes) -> bytes:
    return hmac.digest(key, b"link\0" + before + number.to_bytes(8, "big") + text, "sha256")


def _mac(key: bytes, what: str, number: int, link: bytes) -> bytes:
    return hmac.digest(key, f"{what}\0{number}\0".encode() + link, "sha256")


def _body(look: Look) -> dict[str, Any]:
    body: dict[str, Any] = {
        "time": look.time,
        "by": look.person,
        "login": look.login,
        "from": look.origin,
        "kind": look.kind,
        "does": look.operation,
        "case": look.case,
        "record": look.record,
        "part": look.part,
        "reason": look.reason,
        "refused": look.refused,
        "outcome_of": look.outcome_of,
    }
    return {name: value for name, value in body.items() if value is not None}


def _look(number: int, text: bytes) -> Look:
    body: Mapping[str, Any] = i_json.read_object(text)
    return Look(
        number,
        body["time"],
        body["by"],
        body["login"],
        body["from"],
        body["kind"],
        body["does"],
        body.get("case"),
        body.get("record"),
        body.get("part"),
        body.get("reason"),
        body.get("refused"),
        body.get("outcome_of"),
    )
