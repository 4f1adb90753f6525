"""A client of the hub's API: it signs each request by the hub's clock and parses each answer.

Nothing is believed here. The gateway verifies each answer.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from exchange.consent.account import Account, read_account
from exchange.errors import ExchangeError, shorten
from exchange.log.leaves import Leaf, parse_leaf
from exchange.models import WireModel, validate
from exchange.protocol import answers, request
from exchange.protocol.inbox import Inbox, read_inbox
from exchange.records.bundle import Bundle
from exchange.standards import base64, i_json
from exchange.standards.keys import PrivateKey
from exchange.standards.merkle import HASH_BYTES
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.clock import of_http_date
from rules.frozen import cached_property, frozen
from rules.input.printing import printable

G = TypeVar("G")
S = TypeVar("S", bound=WireModel)
T = TypeVar("T")

MOST_ENTRIES = 1024
LARGEST_ANSWER = 512 * 1024 * 1024
PATIENCE = 20.0
# A page doesn't wait long for a hub that is away.
SHORT_PATIENCE = 3.0
# How long a hub may take to prove a pack, in seconds.
PROVING = 300.0
_LONGEST_MESSAGE = 400  # letters of a sentence that the hub states
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@frozen
class Answer:
    """A hub's answer. `date` is its clock's time in seconds since 1970, where it gave one."""

    status: int
    body: bytes
    date: int | None


@frozen
class Served:
    """The members as a hub serves them, nothing of it verified.

    The directory's versions, the announced keys, and the log's generations, each with its leaf.
    `closed` is true where the hub was restored and waits for its members.
    """

    versions: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    generations: list[dict[str, Any]]
    closed: bool

    @cached_property
    def members(self) -> tuple[tuple[Leaf, dict[str, Any]], ...]:
        """All of them with their parsed leaves, by index. Raises `ContentError`."""
        served = [*self.versions, *self.keys, *self.generations]
        leaves = ((parse_leaf(member.get("leaf")), member) for member in served)
        return tuple(sorted(leaves, key=lambda member: member[0].index))


class Transport(Protocol):
    """A carrier of requests to a hub. Raises `HubAway`."""

    def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], patience: float
    ) -> Answer: ...


class _TimedResponse(http.client.HTTPResponse):
    """An answer with one deadline for all of it, its first byte and its last.

    A socket's own timeout starts anew with every byte. `deadline` is in seconds of
    `time.monotonic`.
    """

    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedReader(sock, deadline))


class _TimedReader(io.RawIOBase):
    """The bytes that a socket receives until a deadline. Raises `TimeoutError` after it."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline
        # The file keeps the socket open while it is read.
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Return True: the reader only reads."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Fill a buffer with the bytes that arrive before the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._socket.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Close the file, and with it a socket that nothing else uses."""
        self._file.close()
        super().close()


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
            deadline = time.monotonic() + patience
            # A class or what makes one.
            connection.response_class = partial(_TimedResponse, deadline=deadline)  # type: ignore[assignment]  # a partial in the place of a class
            connection.request(method, path, body or None, dict(headers))
            response = connection.getresponse()
            body_read = response.read(LARGEST_ANSWER + 1)
            if len(body_read) > LARGEST_ANSWER:
                raise HubAway(
                    "hub-away", "the hub's answer has no end", fix="ask whoever runs the hub"
                )
            return Answer(
                response.status, body_read, of_http_date(response.getheader("Date") or "")
            )
        except (OSError, http.client.HTTPException) as error:
            why = printable(_why_away(error))
            raise HubAway(
                "hub-away",
                f"the hub doesn't answer: {why}",
                fix="it is tried again; all that is local works",
            ) from None
        finally:
            connection.close()


class Client:
    """A client of the hub for one agency.

    `hub_name` returns the hub's name in the directory, and an empty text before the first version.
    `ahead` is how many seconds the hub's clock is ahead, None before its first answer.

    Raises `HubAway` where it doesn't answer as a hub does, `HubRefused` where it refuses.
    """

    def __init__(
        self,
        transport: Transport,
        signing: PrivateKey,
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        hub_name: Callable[[], str],
    ) -> None:
        self._transport = transport
        self._hub_name = hub_name
        self.signing = signing
        self._clock = clock
        self._random = random_bytes
        self.ahead: int | None = None
        # The last answer on the directory with what was read of it. It rarely changes.
        self._served: tuple[bytes, Served] | None = None
        # The longest wait for an answer, in seconds.
        self.patience = PATIENCE

    # Membership

    def join(self, request_body: Mapping[str, Any]) -> bytes:
        """Ask to be listed. Returns the draft of the directory with this agency in it."""
        body = i_json.write(dict(request_body))
        return _payload(self._shape(answers.Drafted, "POST", "/v1/join", body).directory)

    def draft(self) -> bytes:
        """Return the draft that waits for signatures."""
        return _payload(self._shape(answers.Drafts, "GET", "/v1/directory/draft").directory)

    def drafts(self) -> list[tuple[bytes, tuple[str, ...]]]:
        """Return every draft that waits, the oldest first, with its signatures so far."""
        try:
            value = self._shape(answers.Drafts, "GET", "/v1/directory/draft")
        except HubRefused as error:
            if error.hub_code != "no-draft":
                raise
            return []
        return [(_payload(draft.directory), draft.signatures) for draft in value.drafts]

    def propose(self, payload: bytes) -> None:
        """Propose the payload of a next version."""
        self._shape(answers.Drafted, "POST", "/v1/directory/draft", payload)

    def pack(self, digest: str) -> bytes:
        """Return the text of a pack and its parents, unchecked, as an agency sent it to the hub."""
        return self._ask("GET", f"/v1/packs/{digest}").body

    def memo(self, pack: str, digest: str) -> bytes:
        """Return the memo of the change to a pack, unchecked, as an agency sent it to the hub."""
        return self._ask("GET", f"/v1/memos/{pack}/{digest}").body

    def send_memo(self, data: bytes) -> None:
        """Send the memo of the change to a pack that the hub has."""
        self._shape(answers.PackDigest, "POST", "/v1/memos", data)

    def send_pack(self, data: bytes) -> None:
        """Send a pack to be adopted. The hub proves it first, which takes time."""
        self._shape(answers.PackDigest, "POST", "/v1/packs", data, patience=PROVING)

    def sign_draft(self, sha256: str, signature: str) -> None:
        """Send a signature under the draft of this digest."""
        self._shape(
            answers.InForce,
            "POST",
            "/v1/directory/signatures",
            i_json.write({"sha256": sha256, "signature": signature}),
        )

    def directory(self) -> Served:
        """Return the directory as the hub serves it."""
        body = self._ask("GET", "/v1/directory").body
        if self._served is None or self._served[0] != body:
            value = _validated(answers.DirectoryAnswer, _parsed(i_json.read, body)).model_dump()
            closed = value.pop("closed")
            served = {name: list(members) for name, members in value.items()}
            self._served = body, Served(**served, closed=closed)
        return self._served[1]

    def announce(self, announced: str) -> None:
        """Announce a key that opens seals, as a JWS."""
        self._shape(answers.KeyAnswer, "POST", "/v1/keys", i_json.write({"announced": announced}))

    # Records

    def submit(self, bundles: Sequence[Bundle]) -> list[dict[str, Any]]:
        """Submit records. Returns for each its `status`, and `receipt` or `error`."""
        body = b"[" + b",".join(item.write() for item in bundles) + b"]"
        response = self._ask("POST", "/v1/records", body)
        value = _parsed(i_json.read, response.body)
        if not isinstance(value, list) or len(value) != len(bundles):
            raise _no_hub("not as many answers as records")
        # INVARIANT: nothing of a refusal is stored or shown before it is made printable.
        return [
            _validated(answers.Submitted, _with_printable_error(item)).model_dump(exclude_none=True)
            for item in value
        ]

    def receipt(self, jti: str) -> dict[str, Any]:
        """Return the receipt of a record."""
        path = f"/v1/records/{jti}/receipt"
        return self._shape(answers.ReceiptAnswer, "GET", path).model_dump()

    def inbox(self, after: int, wait: int) -> Inbox:
        """Return the items after the first `after`, having waited `wait` seconds for more."""
        response = self._ask(
            "GET", f"/v1/inbox?after={after}&wait={wait}", patience=PATIENCE + wait
        )
        return _parsed(read_inbox, response.body)

    def done(self, after: int) -> None:
        """Tell the hub how many items are stored here."""
        self._shape(answers.Cursor, "POST", "/v1/inbox/done", i_json.write({"after": after}))

    # The log

    def checkpoint(self, *, witnessed: bool = False) -> bytes | None:
        """Return the newest checkpoint, signed afresh, or the newest that the witnesses signed.

        None where no checkpoint is witnessed yet.
        """
        try:
            return self._ask("GET", f"/v1/log/checkpoint{'?witnessed=1' if witnessed else ''}").body
        except HubRefused as error:
            if witnessed and error.status == 404:
                return None
            raise

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of size `second` grew out of that of size `first`."""
        return self._proof(f"/v1/log/consistency?first={first}&second={second}")

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that a leaf is in the tree of a size."""
        return self._proof(f"/v1/log/inclusion?index={index}&size={size}")

    def cosign(self, note: bytes) -> None:
        """Send a checkpoint with this agency's cosignature."""
        self._shape(answers.Witnessed, "POST", "/v1/log/cosignatures", note)

    def account(self, case: str) -> Account:
        """Return the account of a case, unverified."""
        return _parsed(read_account, self._ask("GET", f"/v1/accounting/{case}").body)

    def entries(self, start: int, end: int) -> bytes:
        """Return the log's blinded leaves from index `start` to before `end`, end to end."""
        entries = bytearray()
        while start < end:
            path = f"/v1/log/entries?start={start}&end={min(end, start + MOST_ENTRIES)}"
            batch = self._shape(answers.Entries, "GET", path)
            if batch.start != start or not 1 <= len(batch.entries) <= end - start:
                raise _no_hub("leaves are missing")
            for item in batch.entries:
                entry = _parsed(base64.decode_url, item)
                if len(entry) != HASH_BYTES:
                    raise _no_hub("a leaf has another length")
                entries += entry
            start += len(batch.entries)
        return bytes(entries)

    # After a restore

    def generation(self) -> dict[str, Any]:
        """Return what a restored hub waits for and must have signed. Others have no `closed`."""
        return self._shape(answers.RestoreState, "GET", "/v1/generation").model_dump(
            mode="json", exclude_none=True
        )

    def hold(self, piece: bytes) -> None:
        """Send one piece of what is stored here."""
        self._shape(answers.PieceAnswer, "POST", "/v1/generation/held", piece)

    def sign_generation(self, sha256: str, signature: str) -> bool:
        """Send a signature. Returns whether it completes the threshold, so that the log goes on."""
        return self._shape(
            answers.Begun,
            "POST",
            "/v1/generation/signatures",
            i_json.write({"sha256": sha256, "signature": signature}),
        ).begun

    # Asking

    def _shape(
        self,
        shape: type[S],
        method: str,
        path: str,
        body: bytes = b"",
        patience: float | None = None,
    ) -> S:
        """Ask, and read the answer by its closed shape."""
        return _validated(shape, _parsed(i_json.read, self._ask(method, path, body, patience).body))

    def _proof(self, path: str) -> tuple[bytes, ...]:
        proof = self._shape(answers.Proof, "GET", path).proof
        return tuple(bytes.fromhex(digest) for digest in proof)

    def _ask(
        self, method: str, path: str, body: bytes = b"", patience: float | None = None
    ) -> Answer:
        patience = self.patience if patience is None else patience
        response = self._once(method, path, body, patience)
        # The answer tells the clock of the hub: sign once more by it.
        if response.status == 401 and _error(response).get("code") == "out-of-time":
            response = self._once(method, path, body, patience)
        if response.status >= 400:
            error = _error(response)
            message = shorten(error.get("message"), _LONGEST_MESSAGE)
            sentence = f"the hub refuses: {message} [{shorten(error.get('code'))}]"
            code, fix = str(error.get("code")), str(error.get("fix") or "ask whoever runs the hub")
            if response.status in (408, 429) or response.status >= 500:
                raise HubAway(
                    "hub-away", sentence, fix="it is tried again; all that is local works"
                )
            raise HubRefused(response.status, code, sentence, fix=fix)
        return response

    def _once(self, method: str, path: str, body: bytes, patience: float) -> Answer:
        iat = self._clock() + (self.ahead or 0)
        signed = request.authorize(
            self.signing,
            method,
            path,
            body,
            hub=self._hub_name(),
            iat=iat,
            random_bytes=self._random,
        )
        headers = {
            "Authorization": signed,
            **({"Content-Type": "application/json"} if body else {}),
        }
        response = self._transport.ask(method, path, body, headers, patience)
        if response.date is not None:
            self.ahead = response.date - self._clock()
        return response


def _why_away(error: Exception) -> str:
    """Return why a hub doesn't answer, without the system's number of the error."""
    if isinstance(error, ssl.SSLError):
        return f"its certificate or its TLS isn't right ({error.reason or error})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error) or type(error).__name__


def _error(response: Answer) -> dict[str, Any]:
    try:
        error = i_json.read_object(response.body).get("error")
    except ExchangeError:
        error = None
    if not isinstance(error, dict):
        return {"code": str(response.status), "message": "no reason given"}
    return _printable_error(error)


def _printable_error(error: Any) -> dict[str, str]:
    """Return a refusal's code, sentence, and fix, each on one line without control characters."""
    members = error if isinstance(error, dict) else {"message": error}
    return {
        name: printable(members[name])
        for name in ("code", "message", "fix")
        if members.get(name) is not None
    }


def _with_printable_error(value: Any) -> Any:
    if isinstance(value, dict) and value.get("error"):
        return {**value, "error": {"fix": None, **_printable_error(value["error"])}}
    return value


def _validated(shape: type[S], value: Any) -> S:
    try:
        return validate(shape, value, "the answer")
    except ExchangeError as error:
        raise _no_hub(error.message) from None


def _payload(text: str) -> bytes:
    return _parsed(base64.decode_url, text)


def _parsed(read: Callable[[G], T], body: G) -> T:
    try:
        return read(body)
    except ExchangeError as error:
        raise _no_hub(error.message) from None


def _no_hub(why: str) -> HubAway:
    return HubAway("hub-away", f"what answers is no hub: {why}", fix="check the hub's address")


@contextmanager
def short_patience(client: Client) -> Iterator[Client]:
    """Wait for each answer within as long as a person waits for a page."""
    before, client.patience = client.patience, SHORT_PATIENCE
    try:
        yield client
    finally:
        client.patience = before
