"""Signed requests: the header with which an agency signs each request to the hub.

`Authorization: Offramp <JWS>` is an ES256 text over the method, the raw target (path and query),
the body's digest, the name of the hub, a time, and an id. So a request can't be changed, sent to
another hub, sent later, or sent twice. The hub checks it before it reads the body, and then
compares the body's digest. Its time is compared with the hub's clock, which a gateway learns from
the `Date` of any answer. The hub remembers its id while a repetition could still be in time.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Annotated

from pydantic import Field

from exchange.errors import RequestRefused, TextError
from exchange.membership.history import Membership
from exchange.models import (
    AGENCY_ID,
    HANDLE,
    AgencyId,
    Handle,
    WireModel,
    agency_of,
    inner_pattern,
    validate,
)
from exchange.records.ids import new_id
from exchange.standards import i_json, jws
from exchange.standards.keys import PrivateKey
from exchange.standards.sd_jwt import RandomBytes
from rules.frozen import frozen

TYP = "offramp-request+jws"
SCHEME = "Offramp"
CLOCKS_APART = 5 * 60
# A request may be early or late by `CLOCKS_APART`. After that no repetition is in time.
REMEMBERED = 2 * CLOCKS_APART


class _Claims(WireModel):
    iss: AgencyId
    method: Annotated[str, Field(pattern=r"^[A-Z]{1,16}$")]
    # INVARIANT: nothing may follow a `#`, which a reader of targets would drop.
    path: Annotated[str, Field(max_length=2048, pattern=r"^/[^#\s]*$")]
    hub: Annotated[str, Field(max_length=200)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    iat: Annotated[int, Field(ge=0, le=2**53 - 1)]
    jti: Handle


# The claims as `authorize` writes them. INVARIANT: what this matches, `_Claims` reads as the same
# values. Anything else is left to it. A property test holds both together.
_USUAL = re.compile(
    rf'\{{"iss":"({inner_pattern(AGENCY_ID)})","method":"([A-Z]{{1,16}})",'
    # Printable ASCII without quotation mark, backslash, and for the path number sign.
    r'"path":"(/[!$-\[\]-~]{0,2047})","hub":"([ !#-\[\]-~]{0,200})",'
    r'"sha256":"([0-9a-f]{64})","iat":(0|[1-9][0-9]{0,14}),'
    rf'"jti":"({inner_pattern(HANDLE)})"\}}'
)


def _read_claims(payload: bytes) -> tuple[str, str, str, str, str, int, str]:
    """Return the claims in the order of `_Claims`. Raises `TextError`, `ContentError`."""
    usual = _USUAL.fullmatch(payload.decode("ascii")) if payload.isascii() else None
    if usual is not None:
        iss, method, path, hub, digest, iat, jti = usual.groups()
        return iss, method, path, hub, digest, int(iat), jti
    claims = validate(_Claims, i_json.read_object(payload), "the request's signature")
    return (
        claims.iss,
        claims.method,
        claims.path,
        claims.hub,
        claims.sha256,
        claims.iat,
        claims.jti,
    )


@frozen
class Request:
    """A request that an agency signed, with the id of its key and the digest of its body.

    Remember `jti` until `REMEMBERED` seconds after `iat`, to refuse a repetition.
    """

    agency: str
    jti: str
    iat: int
    kid: str
    sha256: str

    def check_body(self, body: bytes) -> None:
        """Refuse any body but the signed one. Raises `RequestRefused` `another-request`."""
        if sha256(body).hexdigest() != self.sha256:
            raise _another_request()


def authorize(
    key: PrivateKey,
    method: str,
    path: str,
    body: bytes,
    *,
    hub: str,
    iat: int,
    random_bytes: RandomBytes,
) -> str:
    """Return the `Authorization` header of a request.

    `path` includes the query. `hub` is the hub's name in the directory. `iat` is by the hub's
    clock, in seconds since 1970 (UTC).
    """
    claims = {
        "iss": agency_of(key.public.kid),
        "method": method,
        "path": path,
        "hub": hub,
        "sha256": sha256(body).hexdigest(),
        "iat": iat,
        "jti": new_id(random_bytes),
    }
    return f"{SCHEME} {jws.sign(i_json.write(claims), key, typ=TYP)}"


def check_head(
    header: str, method: str, path: str, *, hub: str, membership: Membership, now: int
) -> Request:
    """Return the request if an agency signed this head for this hub, just now.

    The caller checks that its id is new, and then its body. Raises `SignedTextError`, `TextError`,
    `ContentError`, `DirectoryError` `unknown-key`, and `RequestRefused`: `not-signed`,
    `another-request`, `another-hub`, `out-of-time`.
    """
    scheme, _, text = header.partition(" ")
    if scheme != SCHEME or not text:
        raise RequestRefused(
            "not-signed", "the request isn't signed", fix=f"send `Authorization: {SCHEME} …`"
        )
    unverified = jws.read(text, typ=TYP, at_most=8192)
    agency, key = membership.signer(unverified.kid)
    try:
        iss, signed_method, signed_path, for_hub, digest, iat, jti = _read_claims(
            unverified.payload(key)
        )
    except TextError as error:
        raise RequestRefused(
            "not-signed", f"the request's signature can't be read: {error.message}", fix=_AGAIN
        ) from None
    if (iss, signed_method, signed_path) != (agency.id, method, path):
        raise _another_request()
    if for_hub != hub:
        raise RequestRefused(
            "another-hub",
            f"the request is for the hub `{for_hub}`, and this is `{hub}`",
            fix="ask the hub for its directory, then sign for the hub that it names",
        )
    if abs(iat - now) > CLOCKS_APART:
        raise RequestRefused(
            "out-of-time",
            f"the request is `{now - iat}` seconds from the hub's clock",
            fix="use the hub's `Date`",
        )
    return Request(agency.id, jti, iat, key.kid, digest)


def _another_request() -> RequestRefused:
    return RequestRefused("another-request", "the signature is of another request", fix=_AGAIN)


_AGAIN = "sign every request separately"
