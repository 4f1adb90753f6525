"""The shapes of requests and answers, as models, and the description of each endpoint from them.

The endpoints read bodies with the exchange's own strict readers. These models are the API's
published description, and a test holds every endpoint to it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from exchange.protocol.answers import ErrorText, Submitted

TEXT = "text/plain"


class Model(BaseModel):
    """Base of the API's shapes: no member that is not listed."""

    model_config = ConfigDict(extra="forbid")


class ErrorAnswer(Model):
    """The answer to a refused request. `status` repeats the HTTP status for one record."""

    error: ErrorText
    status: int | None = None


class BundleModel(Model):
    """A record with its labels, sealed parts, and pads."""

    record: str
    labels: list[str]
    sealed: list[dict[str, Any]]
    pads: list[str]


class InboxAnswer(Model):
    """Items after the cursor, and the hub's signed line."""

    items: list[dict[str, Any]]
    line: str


class Signature(Model):
    """A detached signature of the draft with this digest."""

    sha256: str
    signature: str


class KeyRequest(Model):
    """A sealing key, signed by its agency."""

    announced: str


class PackText(Model):
    """The files of a pack and its parents, by path."""

    id: str
    files: dict[str, str]


class MemoText(BaseModel):
    """The memo of a rule change, as `offramp change --json` prints it. Its other parts may differ.

    `old` and `new` have the id, the title, the day, and the digest of a pack.
    """

    model_config = ConfigDict(extra="allow")

    old: dict[str, Any]
    new: dict[str, Any]
    redline: list[dict[str, Any]]
    decisions: dict[str, Any]
    unchanged: list[str]
    promises: dict[str, Any]
    findings: list[str]
    repeat: dict[str, Any]


class Health(Model):
    """The health of the hub, the size of its log, and its version."""

    status: str
    size: int | None
    version: str


AnyObject = dict[str, Any]
Bundles = BundleModel | Annotated[list[BundleModel], Field(max_length=100)]
SubmittedAnswer = Submitted | list[Submitted]

SECURITY = {
    "Offramp": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Offramp` and an ES256 JWS over issuer, method, raw target (path with "
        "query), hub, SHA-256 of the body, time, and id.",
    }
}
_REASONS = {
    401: "The signature is missing, wrong, late, or used before, or its agency is not in force.",
    403: "The answer depends on a person or case, and says no more.",
    404: "There is nothing here.",
    405: "This path has other methods.",
    400: "A parameter or the request itself has a wrong value.",
    408: "The body arrived too slowly.",
    409: "The id has another statement, or the hub was restored and is closed.",
    413: "The request is too large.",
    422: "The form is wrong, and the answer names the fault.",
    429: "Too much of this agency is in flight. `Retry-After` says when to send it again.",
    507: "The hub's disk refuses. The record may exist after a crash. Send it again: it gets one "
    "receipt.",
}
_REF = "#/components/schemas/{model}"
# The schemas that request bodies refer to. FastAPI adds those of the answers by itself.
BODY_SCHEMAS: dict[str, Any] = {}


def describe(
    summary: str,
    out: Any,
    *,
    body: Any = None,
    signed: bool = True,
    status: tuple[int, ...] = (200,),
    refuses: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Return the keyword arguments of a route: its summary, answers, body, and security.

    `out` and `body` are models, or `TEXT`. `refuses` adds statuses to those of every endpoint.
    """
    text = {"content": {TEXT: {"schema": {"type": "string"}}}}
    answered: dict[str, Any] = text if out == TEXT else {"model": out}
    responses: dict[int | str, dict[str, Any]] = {
        code: {"description": summary, **answered} for code in status
    }
    refused = {*refuses, 400, 404, 405, 408, 413, 422, 507, *((401, 429) if signed else ())}
    for code in sorted(refused - set(status)):
        responses[code] = {"description": _REASONS[code], "model": ErrorAnswer}
    extra: dict[str, Any] = {"security": [{"Offramp": []}] if signed else []}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": _content_of(body)}
    return {
        "summary": summary,
        "responses": responses,
        "openapi_extra": extra,
        "status_code": status[0],
        "response_class": Response,
    }


def _content_of(body: Any) -> dict[str, Any]:
    if body == TEXT:
        return {TEXT: {"schema": {"type": "string"}}}
    schema = TypeAdapter(body).json_schema(ref_template=_REF)
    BODY_SCHEMAS.update(schema.pop("$defs", {}))
    return {"application/json": {"schema": schema}}
