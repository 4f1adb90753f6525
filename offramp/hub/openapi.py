"""What the API's description says of each endpoint: what goes in, what comes out, and every status that it answers."""

from __future__ import annotations

from typing import Any

from exchange.protocol.pieces import Piece

_JSON, _TEXT = "application/json", "text/plain"
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fix"],
            "properties": {name: {"type": "string"} for name in ("code", "message", "fix")},
        }
    },
}
_OBJECT: dict[str, Any] = {"type": "object"}
_WHY = {
    401: "The request isn't signed by an agency in force, is another one, came too late or twice.",
    403: "It depends on a person or case, and no more is said.",
    404: "There is nothing here.",
    405: "Not with this method.",
    408: "The body came too slowly.",
    409: "Another statement under a used id; or the hub was restored and is closed.",
    413: "Too much at once.",
    422: "The form is wrong, and the answer says how.",
    507: "The hub's disk refuses. A record so refused may yet be there after a crash; sent again, it has one receipt.",
}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_NAMES: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_STRING, _NUMBER, _BOOL = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_LEAF = _object("index", "nonce", "body", index=_NUMBER, nonce=_STRING, body=_STRING)
_RECEIPT = _object(
    "index",
    "time",
    "number",
    "nonce",
    "number_nonce",
    index=_NUMBER,
    time=_NUMBER,
    number=_NUMBER,
    nonce=_STRING,
    number_nonce=_STRING,
)
_ANSWER = _object("status", status=_NUMBER, receipt=_RECEIPT, error=_OBJECT)
_BUNDLE = _object(
    "record",
    "labels",
    "sealed",
    "pads",
    record=_STRING,
    labels={"type": "array", "items": _STRING},
    sealed={"type": "array", "items": _OBJECT},
    pads={"type": "array", "items": _STRING},
)
_PACK = _object(
    "id", "files", id=_STRING, files={"type": "object", "additionalProperties": _STRING}
)
_DIRECTORY = _object("directory", directory=_STRING)


def _described(
    what: str,
    out: dict[str, Any] | str,
    *,
    into: dict[str, Any] | str | None = None,
    signed: bool = True,
    status: tuple[int, ...] = (200,),
    refuses: tuple[int, ...] = (),
) -> dict[str, Any]:
    answered = {_TEXT: {"schema": _STRING}} if isinstance(out, str) else {_JSON: {"schema": out}}
    responses: dict[int | str, dict[str, Any]] = {
        one: {"description": what, "content": answered} for one in status
    }
    wrong = sorted(
        {*refuses, 404, 405, 408, 413, 422, 507, *((401,) if signed else ())} - set(status)
    )
    for one in wrong:
        responses[one] = {"description": _WHY[one], "content": {_JSON: {"schema": _ERROR}}}
    extra: dict[str, Any] = {"security": [{"Offramp": []}] if signed else []}
    if into is not None:
        body = {_TEXT: {"schema": _STRING}} if isinstance(into, str) else {_JSON: {"schema": into}}
        extra["requestBody"] = {"required": True, "content": body}
    return {
        "summary": what,
        "responses": responses,
        "openapi_extra": extra,
        "status_code": status[0],
    }


DESCRIBED: dict[str, dict[str, Any]] = {
    "submit": _described(
        "Takes a record, or up to 100 of them, answered one by one.",
        {"anyOf": [_ANSWER, {"type": "array", "items": _ANSWER}]},
        into={"anyOf": [_BUNDLE, {"type": "array", "items": _BUNDLE, "maxItems": 100}]},
        status=(201, 200),
        refuses=(403, 409),
    ),
    "receipt": _described(
        "The receipt of a record of one's own.",
        _object("receipt", "sha256", receipt=_RECEIPT, sha256=_STRING),
    ),
    "inbox": _described(
        "What came after the first `after` items, waiting up to `wait` seconds, at most 30, for something new.",
        _object("items", "line", items={"type": "array", "items": _OBJECT}, line=_STRING),
        refuses=(409,),
    ),
    "done": _described(
        "Says how many items the gateway has kept.",
        _object("after", after=_NUMBER),
        into=_object("after", after=_NUMBER),
    ),
    "checkpoint": _described(
        "The open checkpoint, signed afresh; or the newest that has its witnesses.",
        _TEXT,
        refuses=(409,),
    ),
    "cosignatures": _described(
        "Takes a witness's cosignature: the checkpoint with it.",
        _object("witnessed", witnessed=_BOOL),
        into=_TEXT,
        refuses=(409,),
    ),
    "entries": _described(
        "Blinded leaves, at most 1,024.",
        _object("start", "entries", start=_NUMBER, entries={"type": "array", "items": _STRING}),
    ),
    "inclusion": _described(
        "That a leaf is in the tree of a size.",
        _object("proof", proof={"type": "array", "items": _STRING}),
    ),
    "consistency": _described(
        "That one tree is the beginning of another.",
        _object("proof", proof={"type": "array", "items": _STRING}),
    ),
    "directory": _described(
        "Every version of the directory, key to seal to and generation of the log, with its leaf; whether the hub is closed.",
        _object(
            "versions",
            "keys",
            "generations",
            "closed",
            versions={
                "type": "array",
                "items": _object("leaf", "signed", leaf=_LEAF, signed=_OBJECT),
            },
            keys={
                "type": "array",
                "items": _object("leaf", "announced", leaf=_LEAF, announced=_STRING),
            },
            generations={
                "type": "array",
                "items": _object("leaf", "generation", leaf=_LEAF, generation=_OBJECT),
            },
            closed=_BOOL,
        ),
        signed=False,
    ),
    "draft": _described(
        "The newest draft of a next version, and all that wait for signatures.",
        _object(
            "directory", "drafts", directory=_STRING, drafts={"type": "array", "items": _OBJECT}
        ),
        signed=False,
    ),
    "propose": _described(
        "Proposes the next version whole: a draft beside those of others.",
        _DIRECTORY,
        into=_OBJECT,
        refuses=(409,),
    ),
    "signatures": _described(
        "Takes a signature of the draft.",
        _object("in_force", in_force=_BOOL),
        into=_object("sha256", "signature", sha256=_STRING, signature=_STRING),
        signed=False,
        refuses=(401, 409),
    ),
    "join": _described(
        "Adds an invited agency to the draft.",
        _DIRECTORY,
        into=_object(
            "code",
            "agency",
            "part2",
            "signing",
            "witness",
            code=_STRING,
            agency=_STRING,
            part2=_STRING,
            custody=_STRING,
            signing=_OBJECT,
            witness=_STRING,
        ),
        signed=False,
        refuses=(403, 409),
    ),
    "keys": _described(
        "Takes an agency's next key to seal to.",
        _object("leaf", leaf=_LEAF),
        into=_object("announced", announced=_STRING),
        status=(201,),
        refuses=(403, 409),
    ),
    "generation": _described(
        "What a restored hub waits for: whom it has heard and whom not, and what the threshold is to sign.",
        _object(
            "closed",
            "generation",
            closed=_BOOL,
            generation=_NUMBER,
            size=_NUMBER,
            root=_STRING,
            items=_NUMBER,
            heard=_NAMES,
            waits=_NAMES,
            aside=_NAMES,
            lacks=_object("code", "message", "fix", code=_STRING, message=_STRING, fix=_STRING),
            draft=_STRING,
            sha256=_STRING,
            signed=_NAMES,
            threshold=_object("signatures", "of", signatures=_NUMBER, of=_NAMES),
        ),
    ),
    "held": _described(
        "Takes one piece of what an agency holds of the log beyond a restored hub's.",
        _object("n", n=_NUMBER),
        into=Piece.model_json_schema(),
    ),
    "generation signatures": _described(
        "Takes an agency's signature of the log's next generation.",
        _object("begun", begun=_BOOL),
        into=_object("sha256", "signature", sha256=_STRING, signature=_STRING),
        refuses=(401,),
    ),
    "pack": _described("The text of the pack of a digest, with its parents'.", _PACK, signed=False),
    "packs": _described(
        "Takes a pack that is to be adopted: read, proved, and held to the floor.",
        _object("digest", digest=_STRING),
        into=_PACK,
        status=(201,),
    ),
    "accounting": _described(
        "The account of a case, for counsel and case managers.", _OBJECT, refuses=(403, 409)
    ),
    "health": _described("That it runs; from this machine only.", _OBJECT, signed=False),
    "metrics": _described(
        "Counts, none of them about a case; from this machine only.", _TEXT, signed=False
    ),
}

SECURITY = {
    "Offramp": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Offramp` and an ES256 JWS over issuer, method, path with query, SHA-256 of the body, time and id.",
    }
}
