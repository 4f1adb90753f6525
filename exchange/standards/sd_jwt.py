"""SD-JWT (RFC 9901): a signed payload with digests, and disclosures that open one digest each.

Offramp's records use it at two levels. `parts` is an array of digests, `{"...": digest}`, among
decoys. Their disclosures are the parts' labels, which the hub sees. A label contains `_sd`, the
digest of the part's content. That disclosure is sealed to the recipients. So each party has a
subset of the disclosures, and the signature covers all of them.

The digest is over a disclosure's base64url text, not over its decoded value (§4.2.3). Only SHA-256
and salts of exactly 128 bits are allowed. There is no key binding: a presentation doesn't prove its
presenter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

from exchange.errors import DisclosureError, TextError, shorten
from exchange.standards import base64, i_json
from rules.frozen import frozen

Json = Any
RandomBytes = Callable[[int], bytes]

SALT_BYTES = 16
DIGEST_BYTES = 32
SIZES = (8, 16, 32)
HASH = "sha-256"
LARGEST = 384 * 1024
MOST = 256

# Disclosures nest. Together they may be deeper than a single text, up to this limit.
DEEPEST = 64

# 32 bytes of base64url: the last letter holds four bits.
DIGEST = r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
_DIGEST = re.compile(DIGEST)
_SD, _ELEMENT, _SD_ALG = "_sd", "...", "_sd_alg"
# The names of members that mean something to `process`.
RESERVED = frozenset((_SD, _ELEMENT, _SD_ALG))


# Building


def disclose_element(value: Json, random_bytes: RandomBytes) -> str:
    """Make the disclosure of an array's element, with a new salt (§4.2.2)."""
    _check_reserved_names(value)
    return _text([_salt(random_bytes), value])


def disclose_property(name: str, value: Json, random_bytes: RandomBytes) -> str:
    """Make the disclosure of an object's property, with a new salt (§4.2.1).

    Raises `DisclosureError` `reserved-name`.
    """
    if name in (_SD, _ELEMENT):
        raise _reserved(name)
    _check_reserved_names(value)
    return _text([_salt(random_bytes), name, value])


def digest(disclosure: str) -> str:
    """Return the digest of a disclosure: base64url of SHA-256 over its text (§4.2.3)."""
    return base64.encode_url(sha256(disclosure.encode("ascii")).digest())


def hide_properties(object_: dict[str, Json], disclosures: Iterable[str]) -> dict[str, Json]:
    """Return an object with the digests of its hidden properties under `_sd`.

    They are in alphabetical order, so that the order of the properties doesn't show.
    """
    return {**object_, _SD: sorted(digest(disclosure) for disclosure in disclosures)}


def hide_elements(disclosures: Sequence[str], random_bytes: RandomBytes) -> list[dict[str, str]]:
    """Return the digests of an array's hidden elements among decoys, shuffled (§4.2.5).

    There are 8, 16, or 32 in all. Raises `DisclosureError` `too-many`.
    """
    size = next((size for size in SIZES if len(disclosures) <= size), None)
    if size is None:
        raise DisclosureError(
            "too-many",
            f"`{len(disclosures)}` parts are too many for one record",
            fix="send several records",
        )
    decoys = [
        base64.encode_url(sha256(random_bytes(DIGEST_BYTES)).digest())
        for _ in range(size - len(disclosures))
    ]
    digests = [*map(digest, disclosures), *decoys]
    shuffled = sorted((random_bytes(SALT_BYTES), element_digest) for element_digest in digests)
    return [{_ELEMENT: element_digest} for _, element_digest in shuffled]


def join(jws: str, disclosures: Iterable[str]) -> str:
    """Join a JWS and its disclosures to an SD-JWT, each ended by a tilde (§4)."""
    return "".join(f"{part}~" for part in (jws, *disclosures))


def split(text: str) -> tuple[str, tuple[str, ...]]:
    """Split an SD-JWT into its JWS and disclosures.

    Raises `DisclosureError` `not-an-sd-jwt`, also if a key binding follows.
    """
    jws, *rest = text.split("~")
    if not jws or not rest or rest[-1]:
        raise DisclosureError(
            "not-an-sd-jwt",
            "the text is not an SD-JWT without key binding",
            fix="end it with a tilde",
        )
    return jws, tuple(rest[:-1])


# Reading


@frozen
class Disclosure:
    """A parsed disclosure. `name` is None for an element of an array."""

    text: str
    digest: str
    name: str | None
    value: Json


@frozen
class DisclosedPayload:
    """A payload with the disclosed values in their places.

    `closed` is the number of digests without a disclosure: withheld values or decoys. `disclosed`
    are the disclosures, in the order of the input.
    """

    payload: dict[str, Json]
    closed: int
    disclosed: tuple[Disclosure, ...]


def read(text: str) -> Disclosure:
    """Parse a disclosure.

    Raises `DisclosureError`: `too-large`, `not-a-disclosure`, `bad-salt`, `reserved-name`.
    """
    if len(text) > LARGEST:
        raise DisclosureError(
            "too-large",
            f"a disclosure has `{len(text)}` letters, which is too many",
            fix="send less",
        )
    try:
        content = i_json.read(base64.decode_url(text))
    except TextError as error:
        raise DisclosureError(
            "not-a-disclosure", f"in a disclosure, {error.message}", fix=_AGAIN
        ) from None
    if not isinstance(content, list) or len(content) not in (2, 3):
        raise DisclosureError(
            "not-a-disclosure", "a disclosure isn't an array of two or three items", fix=_AGAIN
        )
    salt, *name, value = content
    _check_salt(salt)
    if name and not isinstance(name[0], str):
        raise DisclosureError(
            "not-a-disclosure", f"`{shorten(name[0])}` is not a property's name", fix=_AGAIN
        )
    if name and name[0] in (_SD, _ELEMENT):
        raise _reserved(name[0])
    return Disclosure(text, digest(text), name[0] if name else None, value)


def process(payload: dict[str, Json], disclosures: Sequence[str]) -> DisclosedPayload:
    """Put disclosures into the payload of a verified JWS, recursively (§7.1).

    Raises `DisclosureError`: as `read`, and `too-many`, `wrong-hash`, `digest-twice`,
    `disclosure-twice`, `unused`, `wrong-place` (an element's disclosure for a property, or the
    reverse), `name-taken`, `bad-digest`, `too-deep`.
    """
    if len(disclosures) > MOST:
        raise DisclosureError(
            "too-many", f"`{len(disclosures)}` disclosures are too many", fix="send several records"
        )
    if payload.get(_SD_ALG, HASH) != HASH:
        raise DisclosureError(
            "wrong-hash", f"`{shorten(payload[_SD_ALG])}` is not `{HASH}`", fix=f"use {HASH}"
        )
    parsed = [read(text) for text in disclosures]
    by_digest = {disclosure.digest: disclosure for disclosure in parsed}
    if len(by_digest) != len(parsed):
        raise DisclosureError(
            "disclosure-twice", "a disclosure is sent twice", fix="send each once"
        )
    processing = _Processing(by_digest)
    opened = processing.object(
        {name: value for name, value in payload.items() if name != _SD_ALG}, 1
    )
    if len(processing.used) != len(parsed):
        unused = next(
            disclosure for disclosure in parsed if disclosure.digest not in processing.used
        )
        label = f"of `{shorten(unused.name)}`" if unused.name else "of an element"
        raise DisclosureError(
            "unused",
            f"the disclosure {label} matches no digest in the signed payload",
            fix="leave it out",
        )
    return DisclosedPayload(opened, len(processing.seen) - len(processing.used), tuple(parsed))


class _Processing:
    """A pass over one payload, with the digests seen and the digests opened."""

    def __init__(self, disclosures: dict[str, Disclosure]) -> None:
        self.disclosures = disclosures
        self.seen: set[str] = set()
        self.used: set[str] = set()

    def value(self, value: Json, level: int) -> Json:
        """Process a value of any kind."""
        if not isinstance(value, dict | list):
            return value
        if level > DEEPEST:
            raise DisclosureError(
                "too-deep", f"the disclosures nest more than {DEEPEST} levels", fix="flatten them"
            )
        return self.object(value, level) if isinstance(value, dict) else self.array(value, level)

    def object(self, members: dict[str, Json], level: int) -> dict[str, Json]:
        # A closed element's digest may only be in an array, and `_sd_alg` only at the top.
        """Process an object: its members and its `_sd`."""
        for name in (_ELEMENT, _SD_ALG):
            if name in members:
                raise _reserved(name)
        opened = {
            name: self.value(value, level + 1) for name, value in members.items() if name != _SD
        }
        digests = members.get(_SD, [])
        if not isinstance(digests, list):
            raise _bad_digest(digests)
        for element_digest in digests:
            disclosure = self.opened(element_digest)
            if disclosure is None:
                continue
            if disclosure.name is None:
                raise _wrong_place(disclosure)
            if disclosure.name in opened:
                raise DisclosureError(
                    "name-taken",
                    f"`{shorten(disclosure.name)}` would occur twice in one object",
                    fix=_AGAIN,
                )
            opened[disclosure.name] = self.value(disclosure.value, level + 1)
        return opened

    def array(self, items: list[Json], level: int) -> list[Json]:
        """Process an array: its items and its hidden elements."""
        opened = []
        for item in items:
            if not isinstance(item, dict) or _ELEMENT not in item:
                opened.append(self.value(item, level + 1))
                continue
            if len(item) != 1:
                raise _reserved(_ELEMENT)
            disclosure = self.opened(item[_ELEMENT])
            if disclosure is None:
                continue
            if disclosure.name is not None:
                raise _wrong_place(disclosure)
            opened.append(self.value(disclosure.value, level + 1))
        return opened

    def opened(self, element_digest: Json) -> Disclosure | None:
        """Return the disclosure of a digest, if there is one.

        A digest that occurs twice refuses the payload (§7.1 step 4).
        """
        if not isinstance(element_digest, str) or not _DIGEST.fullmatch(element_digest):
            raise _bad_digest(element_digest)
        if element_digest in self.seen:
            raise DisclosureError(
                "digest-twice", f"the digest `{element_digest}` occurs twice", fix=_AGAIN
            )
        self.seen.add(element_digest)
        if element_digest in self.disclosures:
            self.used.add(element_digest)
        return self.disclosures.get(element_digest)


_AGAIN = "ask the issuer for a new record"


def _salt(random_bytes: RandomBytes) -> str:
    return base64.encode_url(random_bytes(SALT_BYTES))


def _check_salt(salt: Json) -> None:
    try:
        if isinstance(salt, str) and len(base64.decode_url(salt)) == SALT_BYTES:
            return
    except TextError:
        pass
    raise DisclosureError("bad-salt", f"`{shorten(salt)}` is not a salt of 128 bits", fix=_AGAIN)


def _text(content: list[Json]) -> str:
    return base64.encode_url(i_json.write(content))


def _check_reserved_names(value: Json) -> None:
    """Check a value to be disclosed for reserved names.

    It may contain `_sd`, since disclosures nest, and closed elements, but those only in an array.
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in (_ELEMENT, _SD_ALG):
                raise _reserved(name)
            _check_reserved_names(inner)
    elif isinstance(value, list):
        for inner in value:
            if not (isinstance(inner, dict) and list(inner) == [_ELEMENT]):
                _check_reserved_names(inner)


def _reserved(name: str) -> DisclosureError:
    return DisclosureError(
        "reserved-name",
        f"the name `{name}` is reserved at this place",
        fix="choose another name",
    )


def _bad_digest(value: Json) -> DisclosureError:
    return DisclosureError("bad-digest", f"`{shorten(value)}` is not a digest", fix=_AGAIN)


def _wrong_place(disclosure: Disclosure) -> DisclosureError:
    kind = "an element's" if disclosure.name is None else "a property's"
    return DisclosureError(
        "wrong-place", f"{kind} disclosure is used for the other kind", fix=_AGAIN
    )
