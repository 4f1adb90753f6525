"""Who is signed in: kept in this process's memory alone, and ended by its end.

A browser has a random token in a cookie. The process keeps the token's hash, and what a session
remembers of a case (a draft, the result of a search) sealed under a key from the token. So neither
the memory of a locked console nor its disk shows a case.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offramp.names import join_name

COOKIE = "__Host-offramp"
LONGEST = 12 * 3600.0
IDLE = 15 * 60.0
FIRST = "/"
_MOST_BOXES, _MOST_FORMS, _MOST_SESSIONS = 32, 256, 1000
_NONCE_BYTES = 12
_MARK = 8


@dataclass
class Session:
    """One sign-in of one person. `done` has where each sent form led, by the form's id.

    `boxes` are sealed values by name. `back_to` is the page to show after a lock. `method` is how
    the person signed in: `passkey`, `password`, `agency` (the agency's own sign-in), or `demo`.
    `device` names the browser in a few words. `handed` is the address of the form that a person
    fills in on this browser: while it is there, no other page is shown. It is empty while staff
    have the browser.
    """

    id: str
    person: str
    started: float
    seen: float
    token: str = ""
    method: str = "password"
    device: str = ""
    is_locked: bool = False
    back_to: str = FIRST
    handed: str = ""
    done: OrderedDict[str, str] = field(default_factory=OrderedDict)
    boxes: OrderedDict[str, bytes] = field(default_factory=OrderedDict)

    @property
    def mark(self) -> str:
        """The part of the id that the journal of looks states. It is no secret."""
        return self.id[:_MARK]


class Sessions:
    """The sessions of a console. `now` is a clock that never goes back, in seconds.

    `idle` is the time after which a session locks.
    """

    def __init__(self, now: Callable[[], float], idle: float = IDLE) -> None:
        self.now, self._idle = now, idle
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, person: str, method: str = "password", device: str = "") -> tuple[str, Session]:
        """Begin a session. Return the token for the cookie."""
        token, now = secrets.token_urlsafe(32), self.now()
        form_token = secrets.token_urlsafe(24)
        session = Session(_id_of(token), person, now, now, form_token, method, device)
        self._sessions[session.id] = session
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return token, session

    def find(self, token: str | None) -> Session | None:
        """Return the session of a token, locked if nobody used it for a while. None if it ended."""
        session = self._sessions.get(_id_of(token)) if token else None
        if session is None:
            return None
        now = self.now()
        if now - session.started > LONGEST:
            self.end(session)
            return None
        if now - session.seen > self._idle:
            session.is_locked = True
        if not session.is_locked:
            session.seen = now
        return session

    def of_id(self, id_: str) -> Session | None:
        """Return the session of an id, None if it ended."""
        session = self._sessions.get(id_)
        if session is not None and self.now() - session.started > LONGEST:
            self.end(session)
            return None
        return session

    def unlock(self, session: Session) -> str:
        """Unlock a session, and return the page to come back to."""
        session.is_locked, session.seen = False, self.now()
        back_to, session.back_to = session.back_to, FIRST
        return back_to

    def hand_over(self, session: Session, form: str) -> None:
        """Narrow a session to one form. Forms of pages that are open elsewhere are refused."""
        session.handed, session.token = form, secrets.token_urlsafe(24)

    def take_back(self, session: Session) -> None:
        """Give the whole session back to staff. The person's pages that are open are refused."""
        session.handed, session.token = "", secrets.token_urlsafe(24)

    def end(self, session: Session) -> None:
        """End a session, and forget what it kept."""
        self._sessions.pop(session.id, None)
        session.boxes.clear()

    def end_all_of(self, person: str, besides: Session | None = None) -> int:
        """End all sessions of a person but one. Return how many."""
        ended = [
            session
            for session in self._sessions.values()
            if session.person == person and session is not besides
        ]
        for session in ended:
            self.end(session)
        return len(ended)

    def of_person(self, person: str) -> tuple[Session, ...]:
        """Return the sessions of a person, the oldest first."""
        return tuple(each for each in self._sessions.values() if each.person == person)


class Box:
    """What one session keeps, sealed under its token."""

    def __init__(self, session: Session, token: str) -> None:
        self._session = session
        self._cipher = AESGCM(sha256(b"offramp console box\0" + token.encode()).digest())

    def put(self, name: str, value: dict[str, Any]) -> None:
        """Keep a value of JSON."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, json.dumps(value).encode(), name.encode())
        self._session.boxes[name] = nonce + sealed
        self._session.boxes.move_to_end(name)
        while len(self._session.boxes) > _MOST_BOXES:
            self._session.boxes.popitem(last=False)

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a kept value."""
        sealed = self._session.boxes.get(name)
        if sealed is None:
            return None
        try:
            text = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except InvalidTag:  # another token's, which can't be
            return None
        value: dict[str, Any] = json.loads(text)
        return value

    def drop(self, name: str) -> None:
        """Forget a value."""
        self._session.boxes.pop(name, None)

    def drop_under(self, name: str) -> None:
        """Forget a value, and those whose names go on after it with a slash."""
        for kept in list(self._session.boxes):
            if kept == name or kept.startswith(f"{name}/"):
                self.drop(kept)


def note_done(session: Session, form: str, location: str) -> None:
    """Note where a sent form led, so that the same form isn't sent twice."""
    session.done[form] = location
    while len(session.done) > _MOST_FORMS:
        session.done.popitem(last=False)


def is_token(session: Session, typed: str) -> bool:
    """Report whether a form came from a page of this session."""
    return hmac.compare_digest(session.token.encode(), typed.encode())


def _id_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


class Challenges:
    """Random challenges for passkeys. Each is good once, for five minutes."""

    LASTS = 300.0
    _MOST = 2_000

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: OrderedDict[bytes, float] = OrderedDict()

    def issue(self) -> bytes:
        """Return a new challenge."""
        challenge = secrets.token_bytes(32)
        self._open[challenge] = self._now()
        while len(self._open) > self._MOST:
            self._open.popitem(last=False)
        return challenge

    def take(self, typed: str) -> bytes | None:
        """Return an issued challenge that wasn't taken yet, given as hexadecimal digits."""
        try:
            challenge = bytes.fromhex(typed)
        except ValueError:
            return None
        issued = self._open.pop(challenge, None)
        return challenge if issued is not None and self._now() - issued < self.LASTS else None


class Attempts:
    """Counts failed sign-ins by name: five lock the name for 15 minutes, known or not."""

    MOST = 5
    LOCKED = 15 * 60.0
    _MOST_NAMES = 10_000

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._key = now, secrets.token_bytes(32)
        self._failed: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def is_locked(self, name: str) -> bool:
        """Report whether a name is locked."""
        count, last = self._failed.get(self._of(name), (0, 0.0))
        return count >= self.MOST and self._now() - last < self.LOCKED

    def fail(self, name: str) -> bool:
        """Count a failure. Return True if it locks the name."""
        key, now = self._of(name), self._now()
        count, last = self._failed.pop(key, (0, 0.0))
        count = 1 if now - last >= self.LOCKED else count + 1
        self._failed[key] = (count, now)
        while len(self._failed) > self._MOST_NAMES:
            self._failed.popitem(last=False)
        return count == self.MOST

    def forget(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failed.pop(self._of(name), None)

    def _of(self, name: str) -> bytes:
        return hmac.digest(self._key, join_name(name).encode(), "sha256")
