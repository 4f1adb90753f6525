"""The agency's own sign-in as the console asks it (OpenID Connect Core 1.0, code flow).

Each sign-in has a state, a nonce, and a proof key (RFC 7636) of its own, kept in this process and
bound to the browser that began it. The provider must check the person anew, and its answer must
prove that: signed by its published keys, for this console, just now, and with two factors.
"""

from __future__ import annotations

import hmac
import http.client
import json
import secrets
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import (
    parse_authorization_code_response,
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from offramp.agency import operations
from rules.frozen import frozen

COOKIE = "__Host-offramp-oidc"
LASTS = 600.0
# A person may be slow at the provider, and clocks differ by a minute.
CHECKED_WITHIN, LEEWAY = 300, 60
# No `none`, and no algorithm whose key the provider shares with this console.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
_PATIENCE, _LARGEST, _MOST = 10.0, 256 * 1024, 2_000
_DISCOVERY = "/.well-known/openid-configuration"

NOT_STARTED = "This sign-in was started elsewhere, or too long ago. Start it again."
NOT_PROVED = (
    "The answer of your agency’s sign-in doesn’t prove who you are. Start again, and tell your IT "
    "if it happens twice."
)
ONE_FACTOR = (
    "Your agency’s sign-in doesn’t state that you used a second factor. Ask your IT to require one."
)
NOT_CHECKED = (
    "Your agency’s sign-in doesn’t state that it checked you just now. Ask your IT to send the "
    "time of the sign-in."
)
AWAY = "Your agency’s sign-in doesn’t answer. Try again, or use a passkey or your password."
REFUSED = "Your agency’s sign-in refused. Try again, or use a passkey or your password."


class NotSignedIn(Exception):
    """A sign-in that doesn't count. `sentence` is for the person, `code` for the look."""

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(code)
        self.sentence, self.code = sentence, code


@dataclass
class Pending:
    """A sign-in that was begun. `session` is the id of the session to unlock, None for a new one.

    `began` is by the console's clock, which never goes back. `to` is the page that was asked for, a
    checked address of the console, None for the person's first page.
    """

    state: str
    nonce: str
    verifier: str
    began: float
    session: str | None
    to: str | None = None


class PendingSignIns:
    """The sign-ins that browsers began, by the hash of their cookie. Each is good once."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: OrderedDict[str, Pending] = OrderedDict()

    def begin(self, session: str | None, to: str | None = None) -> tuple[str, Pending]:
        """Begin a sign-in, and return the text of the cookie."""
        token = secrets.token_urlsafe(32)
        state, nonce, verifier = (secrets.token_urlsafe(size) for size in (24, 24, 48))
        pending = Pending(state, nonce, verifier, self._now(), session, to)
        self._open[_hash(token)] = pending
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return token, pending

    def take(self, token: str | None) -> Pending | None:
        """Return a sign-in that this browser began lately, and forget it."""
        pending = self._open.pop(_hash(token), None) if token else None
        return pending if pending and self._now() - pending.began < LASTS else None


@frozen
class Endpoints:
    """The provider's addresses, and whether a client's secret travels in the form's body."""

    authorize: str
    token: str
    keys: str
    has_body_secret: bool


def find_endpoints(provider: operations.Provider) -> Endpoints:
    """Ask the provider for its addresses. Raises `NotSignedIn`."""
    metadata = _read(_ask(provider.issuer.rstrip("/") + _DISCOVERY))
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    addresses = [metadata.get(name) for name in names]
    is_sound = all(
        isinstance(address, str) and operations.is_safe_address(address.partition("?")[0])
        for address in addresses
    )
    if metadata.get("issuer") != provider.issuer or not is_sound:
        raise NotSignedIn(NOT_PROVED, "wrong-issuer")
    methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Endpoints(
        str(addresses[0]),
        str(addresses[1]),
        str(addresses[2]),
        isinstance(methods, list) and "client_secret_basic" not in methods,
    )


def address_to_sign_in(
    provider: operations.Provider, endpoints: Endpoints, pending: Pending, own_address: str
) -> str:
    """Return where the browser goes: the provider's page, which must ask the person anew."""
    address: str = prepare_grant_uri(
        endpoints.authorize,
        provider.client,
        "code",
        redirect_uri=own_address,
        scope="openid",
        state=pending.state,
        nonce=pending.nonce,
        code_challenge=create_s256_code_challenge(pending.verifier),
        code_challenge_method="S256",
        prompt="login",
        max_age="0",
        acr_values=" ".join(provider.acr) or None,
    )
    return address


def check_answer(
    provider: operations.Provider,
    endpoints: Endpoints,
    pending: Pending,
    answer: str,
    own_address: str,
    now: float,
) -> str:
    """Return the person's id at the provider, once its answer proves it.

    `answer` is the address with which the browser came back, and `now` in seconds since 1970.
    Raises `NotSignedIn`.
    """
    code = _code_of(provider, pending, answer)
    tokens = _exchange_code(provider, endpoints, pending, code, own_address)
    claims = _claims_of(provider, endpoints, pending, tokens, now)
    _check_person(provider, claims, now)
    return str(claims["sub"])


def _code_of(provider: operations.Provider, pending: Pending, answer: str) -> str:
    """Return the code of an answer to this sign-in. Raises `NotSignedIn`."""
    try:
        parameters = parse_authorization_code_response(answer)
    except AuthlibBaseError:
        raise NotSignedIn(REFUSED, "provider-refused") from None
    if not hmac.compare_digest(str(parameters.get("state", "")).encode(), pending.state.encode()):
        raise NotSignedIn(NOT_STARTED, "wrong-state")
    # A provider that names itself (RFC 9207) must be the one that was asked.
    if parameters.get("iss", provider.issuer) != provider.issuer:
        raise NotSignedIn(NOT_PROVED, "wrong-issuer")
    return str(parameters["code"])


def _exchange_code(
    provider: operations.Provider,
    endpoints: Endpoints,
    pending: Pending,
    code: str,
    own_address: str,
) -> Mapping[str, Any]:
    """Exchange a code for the provider's statement. Raises `NotSignedIn`."""
    body = prepare_token_request(
        "authorization_code",
        redirect_uri=own_address,
        code=code,
        code_verifier=pending.verifier,
    )
    method = "none"
    if provider.secret is not None:
        method = "client_secret_post" if endpoints.has_body_secret else "client_secret_basic"
    auth = ClientAuth(provider.client, provider.secret, method)
    form = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    address, headers, body = auth.prepare("POST", endpoints.token, form, body)
    return _read(_ask(address, body, headers))


def _claims_of(
    provider: operations.Provider,
    endpoints: Endpoints,
    pending: Pending,
    tokens: Mapping[str, Any],
    now: float,
) -> Mapping[str, Any]:
    """Return what the provider states, once its signature and terms are right.

    Raises `NotSignedIn`.
    """
    try:
        keys = KeySet.import_key_set(dict(_read(_ask(endpoints.keys))))  # type: ignore[arg-type]  # checked by joserfc
        token = jwt.decode(str(tokens.get("id_token")), keys, algorithms=list(ALGORITHMS))
        statement = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client},
                "sub": {"essential": True},
            },
            params={
                "nonce": pending.nonce,
                "client_id": provider.client,
                "access_token": tokens.get("access_token"),
            },
        )
        statement.validate(now=int(now), leeway=LEEWAY)
    except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError, AttributeError):
        raise NotSignedIn(NOT_PROVED, "not-proved") from None
    return dict(statement)


def _check_person(provider: operations.Provider, claims: Mapping[str, Any], now: float) -> None:
    """Check that the provider checked the person just now, with two factors.

    Raises `NotSignedIn`.
    """
    methods = claims.get("amr")
    has_method = isinstance(methods, list) and any(method in provider.amr for method in methods)
    if not has_method and claims.get("acr") not in provider.acr:
        raise NotSignedIn(ONE_FACTOR, "one-factor")
    slack = CHECKED_WITHIN + LEEWAY
    checked: Any = claims.get("auth_time")
    is_time = isinstance(checked, (int, float)) and not isinstance(checked, bool)
    # Compared as it is: a number can be too long to compute with, or none at all.
    if not is_time or not now - slack <= checked <= now + slack:
        raise NotSignedIn(NOT_CHECKED, "not-checked-now")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise NotSignedIn(NOT_PROVED, "not-proved")


def _ask(address: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the provider's answer to one request. It follows nowhere. Raises `NotSignedIn`."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        trusted = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=trusted)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        with closing(connection):
            connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read(_LARGEST + 1)
    except (OSError, http.client.HTTPException):
        raise NotSignedIn(AWAY, "provider-away") from None
    if answer.status >= 500:
        raise NotSignedIn(AWAY, "provider-away")
    if answer.status != 200 or len(text) > _LARGEST:
        raise NotSignedIn(REFUSED, "provider-refused")
    return text


def _read(text: bytes) -> dict[str, Any]:
    """Return an object of JSON. Raises `NotSignedIn`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise NotSignedIn(NOT_PROVED, "not-proved")
    return value


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
