"""The hub's API as a gateway asks it: each request signed, by the hub's clock, and each answer taken apart. Nothing is believed
here: what an answer is worth, the gateway says.
"""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from exchange.consent.account import Account, read_account
from exchange.errors import ExchangeError, shorten
from exchange.protocol import request
from exchange.protocol.inbox import Inbox, read_inbox
from exchange.records.bundle import Bundle
from exchange.standards import base64, i_json
from exchange.standards.keys import PrivateKey
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.clock import of_http_date
from rules.frozen import frozen

G = TypeVar("G")
T = TypeVar("T")

MOST_ENTRIES = 1024
LARGEST_ANSWER = 512 * 1024 * 1024
PATIENCE = 20.0
# Proving a pack takes a hub seconds, and a large one longer.
PROVING = 300.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@frozen
class Answer:
    """What a hub answered. `date` is its clock's time in seconds since 1970, where it gave one."""

    status: int
    body: bytes
    date: int | None


@frozen
class Served:
    """What a hub says of its members: the directory's versions, the announced keys and the log's generations, each with its
    leaf, nothing of it verified. `closed` where it was restored and waits for them.
    """

    versions: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    generations: list[dict[str, Any]]
    closed: bool


class Transport(Protocol):
    """What carries a request to a hub. Raises `HubAway`."""

    def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], patience: float
    ) -> Answer: ...


class Http:
    """HTTPS to a hub, or HTTP where the hub is on this machine. Raises `AgencyError` `bad-url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            self._host = ""
        if (
            parts.scheme not in ("http", "https")
            or not self._host
            or parts.path.strip("/")
            or parts.query
        ):
            raise AgencyError(
                "bad-url",
                f"`{shorten(url)}` is no hub's address",
                fix="write https://, the host, and its port",
            )
        if parts.scheme == "http" and self._host not in LOOPBACK:
            raise AgencyError(
                "bad-url", f"`{shorten(url)}` would be asked in the clear", fix="write https://"
            )
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], patience: float
    ) -> Answer:
        connection = (
            http.client.HTTPSConnection(self._host, self._port, timeout=patience, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=patience)
        )
        try:
            connection.request(method, path, body or None, dict(headers))
            given = connection.getresponse()
            found = given.read(LARGEST_ANSWER + 1)
            if len(found) > LARGEST_ANSWER:
                raise HubAway(
                    "hub-away", "the hub's answer has no end", fix="ask whoever runs the hub"
                )
            return Answer(given.status, found, of_http_date(given.getheader("Date") or ""))
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            raise HubAway(
                "hub-away",
                f"the hub doesn't answer: {why}",
                fix="it is tried again; all that is local works",
            ) from None
        finally:
            connection.close()


class Client:
    """The hub, as one agency asks it. `ahead` is how far its clock is ahead of this one, None before its first answer.

    Raises `HubAway` where it doesn't answer as a hub does, `HubRefused` where it says no.
    """

    def __init__(
        self,
        transport: Transport,
        signing: PrivateKey,
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._transport = transport
        self.signing = signing
        self._clock = clock
        self._random = random_bytes
        self.ahead: int | None = None
        # How many seconds an answer is waited for.
        self.patience = PATIENCE

    # Membership

    def join(self, said: Mapping[str, Any]) -> bytes:
        """The draft of the directory with this agency in it."""
        return self._draft(self._json("POST", "/v1/join", i_json.write(dict(said))))

    def draft(self) -> bytes:
        """The draft that waits for signatures."""
        return self._draft(self._json("GET", "/v1/directory/draft"))

    def drafts(self) -> list[tuple[bytes, tuple[str, ...]]]:
        """Every draft that waits, the oldest first, each with its signatures so far; none where nothing is drafted."""
        try:
            value = self._json("GET", "/v1/directory/draft")
        except HubRefused as error:
            if error.hub_code != "no-draft":
                raise
            return []
        return [
            (self._draft(one), tuple(str(each) for each in one.get("signatures") or ()))
            for one in _list(value.get("drafts"))
        ]

    def propose(self, payload: bytes) -> None:
        """One more draft: the payload of a next version."""
        self._json("POST", "/v1/directory/draft", payload)

    def pack(self, digest: str) -> bytes:
        """The text of a pack and its parents, as somebody sent it to the hub: nothing of it is checked."""
        return self._ask("GET", f"/v1/packs/{digest}").body

    def send_pack(self, data: bytes) -> None:
        """A pack that is to be adopted. The hub proves it first, which takes its time."""
        self._ask("POST", "/v1/packs", data, patience=PROVING)

    def sign_draft(self, sha256: str, signature: str) -> None:
        self._json(
            "POST",
            "/v1/directory/signatures",
            i_json.write({"sha256": sha256, "signature": signature}),
        )

    def directory(self) -> Served:
        """The directory as the hub serves it."""
        value = self._json("GET", "/v1/directory")
        versions, keys, generations = (
            _list(value.get(name)) for name in ("versions", "keys", "generations")
        )
        return Served(versions, keys, generations, closed=value.get("closed") is True)

    def announce(self, announced: str) -> None:
        self._json("POST", "/v1/keys", i_json.write({"announced": announced}))

    # Records

    def submit(self, bundles: Sequence[Bundle]) -> list[dict[str, Any]]:
        """What became of each: `status`, and `receipt` or `error`."""
        body = b"[" + b",".join(each.write() for each in bundles) + b"]"
        given = self._ask("POST", "/v1/records", body)
        value = _parsed(i_json.read, given.body)
        answers = _list(value)
        if len(answers) != len(bundles) or not all(
            isinstance(one.get("status"), int) for one in answers
        ):
            raise _no_hub("not as many answers as records")
        return answers

    def receipt(self, jti: str) -> dict[str, Any]:
        return self._json("GET", f"/v1/records/{jti}/receipt")

    def inbox(self, after: int, wait: int) -> Inbox:
        """What is there after so many items, after waiting so many seconds for more."""
        given = self._ask("GET", f"/v1/inbox?after={after}&wait={wait}", patience=PATIENCE + wait)
        return _parsed(read_inbox, given.body)

    def done(self, after: int) -> None:
        """So many items are kept here."""
        self._json("POST", "/v1/inbox/done", i_json.write({"after": after}))

    # The log

    def checkpoint(self, *, witnessed: bool = False) -> bytes | None:
        """The newest tree signed afresh, or the newest that its witnesses signed; None where there is none yet."""
        try:
            return self._ask("GET", f"/v1/log/checkpoint{'?witnessed=1' if witnessed else ''}").body
        except HubRefused as error:
            if witnessed and error.status == 404:
                return None
            raise

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        return _proof(self._json("GET", f"/v1/log/consistency?first={first}&second={second}"))

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        return _proof(self._json("GET", f"/v1/log/inclusion?index={index}&size={size}"))

    def cosign(self, note: bytes) -> None:
        """Sends a checkpoint with this agency's cosignature."""
        self._ask("POST", "/v1/log/cosignatures", note)

    def account(self, case: str) -> Account:
        return _parsed(read_account, self._ask("GET", f"/v1/accounting/{case}").body)

    def entries(self, start: int, end: int) -> bytes:
        """The log's blinded leaves from one index up to another, end to end."""
        found = bytearray()
        while start < end:
            value = self._json(
                "GET", f"/v1/log/entries?start={start}&end={min(end, start + MOST_ENTRIES)}"
            )
            given = value.get("entries")
            if not isinstance(given, list) or not given:
                raise _no_hub("leaves are missing")
            for one in given:
                found += _parsed(base64.decode_url, str(one))
            start += len(given)
        return bytes(found)

    # After a restore

    def generation(self) -> dict[str, Any]:
        """What a restored hub waits for, and what is to be signed; `closed` is false of any other."""
        value = self._json("GET", "/v1/generation")
        if not isinstance(value.get("closed"), bool):
            raise _no_hub("it doesn't say whether it is closed")
        return value

    def hold(self, piece: bytes) -> None:
        """One piece of what is held here."""
        self._json("POST", "/v1/generation/held", piece)

    def sign_generation(self, sha256: str, signature: str) -> bool:
        """Whether with this signature the log goes on."""
        value = self._json(
            "POST",
            "/v1/generation/signatures",
            i_json.write({"sha256": sha256, "signature": signature}),
        )
        return value.get("begun") is True

    # Asking

    def _draft(self, value: Mapping[str, Any]) -> bytes:
        return _parsed(base64.decode_url, str(value.get("directory")))

    def _json(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        return _parsed(i_json.read_object, self._ask(method, path, body).body)

    def _ask(
        self, method: str, path: str, body: bytes = b"", patience: float | None = None
    ) -> Answer:
        patience = self.patience if patience is None else patience
        given = self._once(method, path, body, patience)
        # The hub's clock is learned from its answer: what was signed by a wrong one is signed once more.
        if given.status == 401 and _error(given).get("code") == "out-of-time":
            given = self._once(method, path, body, patience)
        if given.status >= 400:
            error = _error(given)
            sentence = (
                f"the hub refuses: {shorten(error.get('message'))} [{shorten(error.get('code'))}]"
            )
            code, fix = str(error.get("code")), str(error.get("fix") or "ask whoever runs the hub")
            if given.status in (408, 429) or given.status >= 500:
                raise HubAway(
                    "hub-away", sentence, fix="it is tried again; all that is local works"
                )
            raise HubRefused(given.status, code, sentence, fix=fix)
        return given

    def _once(self, method: str, path: str, body: bytes, patience: float) -> Answer:
        iat = self._clock() + (self.ahead or 0)
        signed = request.authorize(
            self.signing, method, path, body, iat=iat, random_bytes=self._random
        )
        headers = {
            "Authorization": signed,
            **({"Content-Type": "application/json"} if body else {}),
        }
        given = self._transport.ask(method, path, body, headers, patience)
        if given.date is not None:
            self.ahead = given.date - self._clock()
        return given


def _error(given: Answer) -> dict[str, Any]:
    try:
        error = i_json.read_object(given.body).get("error")
    except ExchangeError:
        error = None
    return (
        error
        if isinstance(error, dict)
        else {"code": str(given.status), "message": "no reason given"}
    )


def _parsed(read: Callable[[G], T], body: G) -> T:
    try:
        return read(body)
    except ExchangeError as error:
        raise _no_hub(error.message) from None


def _list(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _no_hub("a list is missing")
    return value


def _proof(value: Mapping[str, Any]) -> tuple[bytes, ...]:
    hashes = value.get("proof")
    if not isinstance(hashes, list):
        raise _no_hub("a proof is missing")
    # 64 letters are hexadecimal, 43 base64url.
    return tuple(
        bytes.fromhex(str(one))
        if re.fullmatch("[0-9a-f]{64}", str(one))
        else _parsed(base64.decode_url, str(one))
        for one in hashes
    )


def _no_hub(why: str) -> HubAway:
    return HubAway("hub-away", f"what answers is no hub: {why}", fix="check the hub's address")
