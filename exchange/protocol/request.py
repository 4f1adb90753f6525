"""Signed requests: the header with which an agency signs each request to the hub.

`Authorization: Offramp <JWS>` is an ES256 text over the method, the path with its query, the body's
digest, a time, and an id. So a request can't be changed, sent elsewhere, sent later, or sent twice.
Its time is compared with the hub's clock, which a gateway learns from the `Date` of any answer. The
hub remembers its id while a repetition could still be in time.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

from pydantic import Field

from exchange.errors import RequestRefused, TextError
from exchange.membership.history import Membership
from exchange.models import AgencyId, Handle, WireModel, agency_of, validate
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
    path: Annotated[str, Field(max_length=2048)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    iat: Annotated[int, Field(ge=0, le=2**53 - 1)]
    jti: Handle


@frozen
class Request:
    """A request that an agency signed, with the id of its key.

    Remember `jti` until `REMEMBERED` seconds after `iat`, to refuse a repetition.
    """

    agency: str
    jti: str
    iat: int
    kid: str


def authorize(
    key: PrivateKey, method: str, path: str, body: bytes, *, iat: int, random_bytes: RandomBytes
) -> str:
    """Return the `Authorization` header of a request.

    `path` includes the query. `iat` is by the hub's clock, in seconds since 1970 (UTC).
    """
    claims = {
        "iss": agency_of(key.public.kid),
        "method": method,
        "path": path,
        "sha256": sha256(body).hexdigest(),
        "iat": iat,
        "jti": new_id(random_bytes),
    }
    return f"{SCHEME} {jws.sign(i_json.write(claims), key, typ=TYP)}"


def check_request(
    header: str, method: str, path: str, body: bytes, *, membership: Membership, now: int
) -> Request:
    """Return the request if an agency signed exactly this one, just now.

    The caller checks that its id is new. Raises `SignedTextError`, `TextError`, `ContentError`,
    `DirectoryError` `unknown-key`, and `RequestRefused`: `not-signed`, `another-request`,
    `out-of-time`.
    """
    scheme, _, text = header.partition(" ")
    if scheme != SCHEME or not text:
        raise RequestRefused(
            "not-signed", "the request isn't signed", fix=f"send `Authorization: {SCHEME} …`"
        )
    unverified = jws.read(text, typ=TYP, at_most=8192)
    agency, key = membership.signer(unverified.kid)
    try:
        claims = validate(
            _Claims, i_json.read_object(unverified.payload(key)), "the request's signature"
        )
    except TextError as error:
        raise RequestRefused(
            "not-signed", f"the request's signature can't be read: {error.message}", fix=_AGAIN
        ) from None
    if (claims.iss, claims.method, claims.path, claims.sha256) != (
        agency.id,
        method,
        path,
        sha256(body).hexdigest(),
    ):
        raise RequestRefused("another-request", "the signature is of another request", fix=_AGAIN)
    if abs(claims.iat - now) > CLOCKS_APART:
        raise RequestRefused(
            "out-of-time",
            f"the request is `{now - claims.iat}` seconds from the hub's clock",
            fix="use the hub's `Date`",
        )
    return Request(agency.id, claims.jti, claims.iat, key.kid)


_AGAIN = "sign every request separately"
