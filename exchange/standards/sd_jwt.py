"""SD-JWT (RFC 9901): a signed payload that holds digests of what it says, and disclosures that each open one of them.

Offramp's records use it twice over. `parts` is an array of digests, `{"...": digest}`, among decoys; the disclosure of one is
a part's label, which the hub sees. A label holds `_sd`, the digest of the part's content, whose disclosure is sealed to its
recipients. So each party holds a subset of the disclosures, and the signature holds for all of them.

The digest is over a disclosure's base64url text, not over what it decodes to (§4.2.3). Only SHA-256, salts of exactly 128 bits,
and no key binding: a presentation is no proof of who presents it.
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

# Disclosures nest: together they may be deeper than any one text, but not without end.
DEEPEST = 64

# 32 bytes of base64url: the last letter holds four bits.
_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_SD, _ELEMENT, _SD_ALG = "_sd", "...", "_sd_alg"


# Building


def disclose_element(value: Json, random_bytes: RandomBytes) -> str:
    """The disclosure of an array's element (§4.2.2), with a new salt."""
    _no_reserved_names(value)
    return _text([_salt(random_bytes), value])


def disclose_property(name: str, value: Json, random_bytes: RandomBytes) -> str:
    """The disclosure of an object's property (§4.2.1), with a new salt. Raises `DisclosureError` `reserved-name`."""
    if name in (_SD, _ELEMENT):
        raise _reserved(name)
    _no_reserved_names(value)
    return _text([_salt(random_bytes), name, value])


def digest(disclosure: str) -> str:
    """What stands for a disclosure in the payload: base64url of SHA-256 over its text (§4.2.3)."""
    return base64.encode_url(sha256(disclosure.encode("ascii")).digest())


def hide_properties(object_: dict[str, Json], disclosures: Iterable[str]) -> dict[str, Json]:
    """An object with the digests of its hidden properties under `_sd`, in alphabetical order so that theirs doesn't show."""
    return {**object_, _SD: sorted(digest(each) for each in disclosures)}


def hide_elements(disclosures: Sequence[str], random_bytes: RandomBytes) -> list[dict[str, str]]:
    """The digests of an array's hidden elements among decoys (§4.2.5), 8, 16 or 32 in all, shuffled.

    Raises `DisclosureError` `too-many`.
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
    listed = [*map(digest, disclosures), *decoys]
    order = sorted((random_bytes(SALT_BYTES), each) for each in listed)
    return [{_ELEMENT: each} for _, each in order]


def join(jws: str, disclosures: Iterable[str]) -> str:
    """The SD-JWT as one text: JWS and disclosures, each ended by a tilde (§4)."""
    return "".join(f"{each}~" for each in (jws, *disclosures))


def split(text: str) -> tuple[str, tuple[str, ...]]:
    """JWS and disclosures of an SD-JWT. Raises `DisclosureError` `not-an-sd-jwt`, also where a key binding follows."""
    jws, *rest = text.split("~")
    if not jws or not rest or rest[-1]:
        raise DisclosureError(
            "not-an-sd-jwt", "this is no SD-JWT without key binding", fix="end it with a tilde"
        )
    return jws, tuple(rest[:-1])


# Reading


@frozen
class Disclosure:
    """A disclosure taken apart. `name` is None where it discloses an array's element."""

    text: str
    digest: str
    name: str | None
    value: Json


@frozen
class DisclosedPayload:
    """A payload with what was disclosed in its place, the number of digests left closed (withheld, or decoys), and what was
    disclosed, in the order given.
    """

    payload: dict[str, Json]
    closed: int
    disclosed: tuple[Disclosure, ...]


def read(text: str) -> Disclosure:
    """One disclosure, well-formed. Raises `DisclosureError`: `too-large`, `not-a-disclosure`, `bad-salt`, `reserved-name`."""
    if len(text) > LARGEST:
        raise DisclosureError(
            "too-large",
            f"a disclosure has `{len(text)}` letters, and it's not read",
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
            "not-a-disclosure", "a disclosure isn't an array of two or three", fix=_AGAIN
        )
    salt, *name, value = content
    _check_salt(salt)
    if name and not isinstance(name[0], str):
        raise DisclosureError(
            "not-a-disclosure", f"`{shorten(name[0])}` is no property's name", fix=_AGAIN
        )
    if name and name[0] in (_SD, _ELEMENT):
        raise _reserved(name[0])
    return Disclosure(text, digest(text), name[0] if name else None, value)


def process(payload: dict[str, Json], disclosures: Sequence[str]) -> DisclosedPayload:
    """The payload of a verified JWS with these disclosures put in their places (§7.1), recursively.

    Raises `DisclosureError`: what `read` raises, `too-many`, `wrong-hash`, `digest-twice`, `disclosure-twice`, `unused`,
    `wrong-place` (an element's disclosure for a property, or the reverse), `name-taken`, `bad-digest`, `too-deep`.
    """
    if len(disclosures) > MOST:
        raise DisclosureError(
            "too-many", f"`{len(disclosures)}` disclosures are too many", fix="send several records"
        )
    if payload.get(_SD_ALG, HASH) != HASH:
        raise DisclosureError(
            "wrong-hash", f"`{shorten(payload[_SD_ALG])}` is not `{HASH}`", fix=f"use {HASH}"
        )
    held = [read(text) for text in disclosures]
    by_digest = {each.digest: each for each in held}
    if len(by_digest) != len(held):
        raise DisclosureError(
            "disclosure-twice", "a disclosure is given twice", fix="send each once"
        )
    work = _Processing(by_digest)
    opened = work.object({name: value for name, value in payload.items() if name != _SD_ALG}, 1)
    if len(work.used) != len(held):
        unused = next(each for each in held if each.digest not in work.used)
        what = f"of `{shorten(unused.name)}`" if unused.name else "of an element"
        raise DisclosureError(
            "unused", f"the disclosure {what} belongs to nothing signed here", fix="leave it out"
        )
    return DisclosedPayload(opened, len(work.seen) - len(work.used), tuple(held))


class _Processing:
    """One pass over one payload: which digests were met, and which of them were opened."""

    def __init__(self, disclosures: dict[str, Disclosure]) -> None:
        self.disclosures = disclosures
        self.seen: set[str] = set()
        self.used: set[str] = set()

    def value(self, value: Json, level: int) -> Json:
        if not isinstance(value, dict | list):
            return value
        if level > DEEPEST:
            raise DisclosureError(
                "too-deep", f"the disclosures nest more than {DEEPEST} levels", fix="flatten them"
            )
        return self.object(value, level) if isinstance(value, dict) else self.array(value, level)

    def object(self, given: dict[str, Json], level: int) -> dict[str, Json]:
        # A closed element's digest stands in an array alone; a hash is named at the top alone.
        for name in (_ELEMENT, _SD_ALG):
            if name in given:
                raise _reserved(name)
        found = {name: self.value(value, level + 1) for name, value in given.items() if name != _SD}
        digests = given.get(_SD, [])
        if not isinstance(digests, list):
            raise _bad_digest(digests)
        for each in digests:
            disclosure = self.opened(each)
            if disclosure is None:
                continue
            if disclosure.name is None:
                raise _wrong_place(disclosure)
            if disclosure.name in found:
                raise DisclosureError(
                    "name-taken",
                    f"`{shorten(disclosure.name)}` would stand twice in one object",
                    fix=_AGAIN,
                )
            found[disclosure.name] = self.value(disclosure.value, level + 1)
        return found

    def array(self, given: list[Json], level: int) -> list[Json]:
        found = []
        for item in given:
            if not isinstance(item, dict) or _ELEMENT not in item:
                found.append(self.value(item, level + 1))
                continue
            if len(item) != 1:
                raise _reserved(_ELEMENT)
            disclosure = self.opened(item[_ELEMENT])
            if disclosure is None:
                continue
            if disclosure.name is not None:
                raise _wrong_place(disclosure)
            found.append(self.value(disclosure.value, level + 1))
        return found

    def opened(self, each: Json) -> Disclosure | None:
        """The disclosure behind a digest, if it was given. A digest is met once or the payload is refused (§7.1 step 4)."""
        if not isinstance(each, str) or not _DIGEST.fullmatch(each):
            raise _bad_digest(each)
        if each in self.seen:
            raise DisclosureError("digest-twice", f"the digest `{each}` stands twice", fix=_AGAIN)
        self.seen.add(each)
        if each in self.disclosures:
            self.used.add(each)
        return self.disclosures.get(each)


_AGAIN = "ask the issuer for a new record"


def _salt(random_bytes: RandomBytes) -> str:
    return base64.encode_url(random_bytes(SALT_BYTES))


def _check_salt(salt: Json) -> None:
    try:
        if isinstance(salt, str) and len(base64.decode_url(salt)) == SALT_BYTES:
            return
    except TextError:
        pass
    raise DisclosureError("bad-salt", f"`{shorten(salt)}` is no salt of 128 bits", fix=_AGAIN)


def _text(content: list[Json]) -> str:
    return base64.encode_url(i_json.write(content))


def _no_reserved_names(value: Json) -> None:
    """What is disclosed may hold `_sd`, since disclosures nest, and closed elements, but those in an array alone."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in (_ELEMENT, _SD_ALG):
                raise _reserved(name)
            _no_reserved_names(inner)
    elif isinstance(value, list):
        for inner in value:
            if not (isinstance(inner, dict) and list(inner) == [_ELEMENT]):
                _no_reserved_names(inner)


def _reserved(name: str) -> DisclosureError:
    return DisclosureError(
        "reserved-name",
        f"the name `{name}` means something else at this place",
        fix="choose another name",
    )


def _bad_digest(each: Json) -> DisclosureError:
    return DisclosureError(
        "bad-digest", f"`{shorten(each)}` stands where a digest belongs", fix=_AGAIN
    )


def _wrong_place(disclosure: Disclosure) -> DisclosureError:
    what = "an element's" if disclosure.name is None else "a property's"
    return DisclosureError(
        "wrong-place", f"{what} disclosure stands for the other kind", fix=_AGAIN
    )
