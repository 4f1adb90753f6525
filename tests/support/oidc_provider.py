"""An OpenID provider as a process of its own: `oidc-provider-mock`, which also checks proof keys.

What it states of a person is set by `PUT /users/ID`, and so are most lies: `iss`, `nonce`, `exp`,
`amr`. Two lies need another signature, and are told where the claim `lie` asks for it. Run it with
`python -m tests.support.oidc_provider PORT`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.conftest import ROOT

HAS_PROVIDER = find_spec("oidc_provider_mock") is not None
NO_PROVIDER = "oidc-provider-mock isn't installed"
CLIENT, SECRET = "offramp-console", "a secret of the client"

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Provider:
    """A running provider. `issuer` is its address."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def state(self, subject: str, **claims: Any) -> None:
        """Set what the provider states of a person. The sign-in is now, and with two factors."""
        stated = {"amr": ["pwd", "mfa"], "auth_time": int(time.time())} | claims
        kept = {name: value for name, value in stated.items() if value is not None}
        answer = httpx.put(f"{self.issuer}/users/{subject}", json=kept, verify=False)
        assert answer.status_code == 204, answer.text

    def agree(self, address: str, subject: str) -> str:
        """Sign a person in at the provider's page, and return where it leads."""
        answer = httpx.post(address, data={"sub": subject}, verify=False)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])


@contextmanager
def run_provider() -> Iterator[Provider]:
    """Run a provider until the block ends, on a free port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.support.oidc_provider", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            issuer = f"http://127.0.0.1:{port}"
            end = time.monotonic() + 30
            while True:
                try:
                    httpx.get(f"{issuer}/jwks", verify=False)
                    break
                except httpx.HTTPError:
                    assert time.monotonic() < end and process.poll() is None
                    time.sleep(0.05)
            yield Provider(issuer)
        finally:
            process.terminate()
            process.wait(10)


# The process


class CheckedProvider:
    """A provider that requires the proof key of each code, and can lie about signatures."""

    def __init__(self, inner: Wsgi) -> None:
        self._inner = inner
        self._challenges: dict[str, str] = {}

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        is_token = environ["PATH_INFO"] == "/oauth2/token"
        if is_token and not self._is_proved(parse_qs(body.decode())):
            start("400 Bad Request", [("content-type", "application/json")])
            return [b'{"error": "invalid_grant"}']
        kept: list[Any] = []
        text = b"".join(self._inner(environ, lambda *words: kept.extend(words)))
        status, headers = kept[0], kept[1]
        if environ["PATH_INFO"] == "/oauth2/authorize" and status.startswith("302"):
            asked, given = parse_qs(environ["QUERY_STRING"]), dict(headers).get("Location", "")
            code = parse_qs(urlsplit(given).query).get("code", [""])[0]
            assert asked.get("code_challenge_method") == ["S256"]
            self._challenges[code] = asked["code_challenge"][0]
        if is_token and status.startswith("200"):
            text = _told(json.loads(text))
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
        start(status, headers)
        return [text]

    def _is_proved(self, form: dict[str, list[str]]) -> bool:
        verifier = form.get("code_verifier", [""])[0]
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = self._challenges.pop(form.get("code", [""])[0], None)
        return challenge == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _told(given: dict[str, Any]) -> bytes:
    """Return a provider's answer, with another signature where a claim asks for that lie."""
    from joserfc import jwt
    from joserfc.jwk import OctKey, RSAKey

    header, claims, _ = given["id_token"].split(".")
    stated = json.loads(base64.urlsafe_b64decode(claims + "=="))
    lie = stated.get("lie")
    if lie == "none":
        bare = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
        given["id_token"] = f"{bare}.{claims}."
    if lie == "own key":
        given["id_token"] = jwt.encode({"alg": "RS256"}, stated, RSAKey.generate_key(2048))
    if lie == "shared key":
        key = OctKey.import_key(SECRET * 2)
        given["id_token"] = jwt.encode({"alg": "HS256"}, stated, key)
    if lie == "changed":
        changed = base64.urlsafe_b64encode(json.dumps(stated | {"sub": "rosa"}).encode())
        signature = given["id_token"].rpartition(".")[2]
        given["id_token"] = f"{header}.{changed.rstrip(b'=').decode()}.{signature}"
    return json.dumps(given).encode()


def main() -> None:
    """Serve until the process is ended."""
    import oidc_provider_mock
    import uvicorn

    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    app = CheckedProvider(oidc_provider_mock.app(require_nonce=True))
    uvicorn.run(app, interface="wsgi", port=int(sys.argv[1]), log_level="critical")  # type: ignore[arg-type]  # uvicorn types apps as ASGI


if __name__ == "__main__":
    main()
