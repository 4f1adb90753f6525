"""Who asks: the header with which an agency signs each request that it sends the hub.

`Authorization: Offramp <JWS>`, an ES256 text over method, path with query, the body's digest, a time and an id. So a request
can't be changed, sent elsewhere, sent later or sent twice. Its time is held to the hub's clock, which a gateway learns from the
`Date` of any answer; its id is remembered for as long as a repeat could still be in time.
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
# A request may be early and late by as much: past that, no repeat of it is in time.
REMEMBERED = 2 * CLOCKS_APART


class _Said(WireModel):
    iss: AgencyId
    method: Annotated[str, Field(pattern=r"^[A-Z]{1,16}$")]
    path: Annotated[str, Field(max_length=2048)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    iat: Annotated[int, Field(ge=0, le=2**53 - 1)]
    jti: Handle


@frozen
class Request:
    """A request that an agency signed: who, its id, to be remembered until `REMEMBERED` seconds after `iat`, and the key."""

    agency: str
    jti: str
    iat: int
    kid: str


def authorize(
    key: PrivateKey, method: str, path: str, body: bytes, *, iat: int, random_bytes: RandomBytes
) -> str:
    """The `Authorization` header of a request. `path` is with its query; `iat` by the hub's clock, in seconds since 1970."""
    said = {
        "iss": agency_of(key.public.kid),
        "method": method,
        "path": path,
        "sha256": sha256(body).hexdigest(),
        "iat": iat,
        "jti": new_id(random_bytes),
    }
    return f"{SCHEME} {jws.sign(i_json.write(said), key, typ=TYP)}"


def check_request(
    header: str, method: str, path: str, body: bytes, *, membership: Membership, now: int
) -> Request:
    """The agency that signed this very request, just now. Whether it was sent before is for who remembers ids.

    Raises `RequestRefused`: `not-signed`, `another-request`, `out-of-time`; `DirectoryError` `unknown-key`;
    `SignedTextError`; `TextError`; `ContentError`.
    """
    scheme, _, text = header.partition(" ")
    if scheme != SCHEME or not text:
        raise RequestRefused(
            "not-signed", "the request isn't signed", fix=f"send `Authorization: {SCHEME} …`"
        )
    unverified = jws.read(text, typ=TYP, at_most=8192)
    agency, key = membership.signer(unverified.kid)
    try:
        said = validate(
            _Said, i_json.read_object(unverified.payload(key)), "the request's signature"
        )
    except TextError as error:
        raise RequestRefused(
            "not-signed", f"the request's signature says nothing: {error.message}", fix=_AGAIN
        ) from None
    if (said.iss, said.method, said.path, said.sha256) != (
        agency.id,
        method,
        path,
        sha256(body).hexdigest(),
    ):
        raise RequestRefused(
            "another-request", "what was signed is another request than this", fix=_AGAIN
        )
    if abs(said.iat - now) > CLOCKS_APART:
        raise RequestRefused(
            "out-of-time",
            f"the request is `{now - said.iat}` seconds from the hub's clock",
            fix="go by the hub's `Date`",
        )
    return Request(agency.id, said.jti, said.iat, key.kid)


_AGAIN = "sign each request anew"
