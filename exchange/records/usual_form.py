"""Read a record's signed texts in the form that every gateway writes, by one match for each text.

`building` always writes the same members in the same order, without blanks and escapes. An
expression that fixes every byte between the values finds the values, checks the form of each, and
leaves no room for a name that occurs twice or is unknown. So it replaces a parser and a model, at a
tenth of their time.

INVARIANT: what is read here, the complete readers (`i_json`, `sd_jwt.process`, and the models of
`record`) read as the same values. Anything else is left to them, and so is every refusal. A
property test holds both together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from exchange.errors import TextError
from exchange.models import (
    AGENCY_ID,
    HANDLE,
    MOST_LISTED,
    SHORT_ID,
    TERM,
    inner_pattern,
    is_day,
)
from exchange.standards import base64, i_json, sd_jwt
from rules.frozen import frozen

# Deeper statements are left to the complete readers.
MOST_BRACKETS = 16


_DIGEST = inner_pattern(sd_jwt.DIGEST)
_PART = rf'\{{"\.\.\.":"{_DIGEST}"\}}'
_PAYLOAD = re.compile(
    rf'\{{"iss":"({inner_pattern(AGENCY_ID)})","jti":"({inner_pattern(HANDLE)})",'
    # Fifteen digits are fewer than an integer may have, whatever they are.
    rf'"iat":(?:0|[1-9][0-9]{{0,14}}),(?:"case":"({inner_pattern(HANDLE)})",)?"kind":"({inner_pattern(TERM)})",'
    rf'"parts":\[((?:{_PART},){{{sd_jwt.SIZES[0] - 1},{sd_jwt.SIZES[-1] - 1}}}{_PART})\],'
    r'"manifest":"([A-Za-z0-9_-]{43})","_sd_alg":"sha-256"\}'
)
# The letters from the start of a part's digest to the start of the next, and before the first.
_STEP, _BEFORE, _DIGEST_LETTERS = 54, 8, 43

_CATEGORY = f'"{inner_pattern(TERM)}"'
_LABEL = re.compile(
    rf'\["[A-Za-z0-9_-]{{21}}[AQgw]",\{{"id":"({inner_pattern(SHORT_ID)})",'
    rf'"category":\[({_CATEGORY}(?:,{_CATEGORY}){{0,{MOST_LISTED - 1}}})\],'
    r'"sensitivity":"(plain|health|part2)","use":"(none|no_adverse_action)",'
    r'"notice":"(none|(?:official|own)-[0-9]{1,4})","keep_until":"([0-9-]{10})",'
    # Printable ASCII without the backslash.
    rf'(?:"says":(\{{[ -\[\]-~]*\}}),)?"_sd":\["({_DIGEST})"\]\}}\]'
)


@frozen
class Claims:
    """The claims of a payload. `parts` are the digests of the parts, in their order."""

    iss: str
    jti: str
    case: str | None
    kind: str
    manifest: str
    parts: tuple[str, ...] = ()


@frozen
class LabelForm:
    """The members of a label. `says` is the JSON value of its statement, None without one."""

    id: str
    category: tuple[str, ...]
    sensitivity: str
    use: str
    notice: str
    keep_until: str
    says: Any
    content_digest: str


def read_claims(payload: bytes) -> Claims | None:
    """Read the payload of a record, or return None if it has another form than the usual."""
    try:
        match = _PAYLOAD.fullmatch(payload.decode("ascii"))
    except UnicodeDecodeError:
        return None
    if match is None:
        return None
    iss, jti, case, kind, parts, manifest = match.groups()
    starts = range(_BEFORE, len(parts), _STEP)
    digests = tuple([parts[start : start + _DIGEST_LETTERS] for start in starts])
    return Claims(iss, jti, case, kind, manifest, digests)


def read_labels(claims: Claims, disclosures: Sequence[str]) -> list[LabelForm] | None:
    """Read the labels among a record's parts, if there is nothing else among the disclosures.

    None means that `sd_jwt.process` must look at them.
    """
    parts = set(claims.parts)
    labels: list[LabelForm] = []
    opened: list[str] = []
    for text in disclosures:
        digest = sd_jwt.digest(text) if text.isascii() else ""
        label = read_label(text) if digest in parts else None
        if label is None:
            return None
        opened.append(digest)
        labels.append(label)
    # A disclosure is sent once, and no digest occurs twice, wherever in the record it is.
    contents = {label.content_digest for label in labels}
    is_sound = (
        len(set(opened)) == len(contents) == len(labels)
        and len(parts) == len(claims.parts)
        and parts.isdisjoint(contents)
    )
    return labels if is_sound else None


def read_label(disclosure: str) -> LabelForm | None:
    """Read the disclosure of a label, or return None if it has another form than the usual."""
    if len(disclosure) > sd_jwt.LARGEST:
        return None
    try:
        match = _LABEL.fullmatch(base64.decode_url(disclosure).decode("ascii"))
        if match is None:
            return None
        id_, category, sensitivity, use, notice, keep_until, says, content_digest = match.groups()
        statement = None if says is None else _read_statement(says)
    except (TextError, UnicodeDecodeError):
        return None
    if not _is_day(keep_until) or (says is not None and statement is None):
        return None
    return LabelForm(
        id_,
        tuple(category[1:-1].split('","')),
        sensitivity,
        use,
        notice,
        keep_until,
        statement,
        content_digest,
    )


def _read_statement(says: str) -> Any:
    """Read a statement. Return None if it nests deeply, or has a name that SD-JWT reserves.

    Raises `TextError`.
    """
    brackets = says.count("{") + says.count("[")
    if brackets > MOST_BRACKETS or any(f'"{name}"' in says for name in sd_jwt.RESERVED):
        return None
    return i_json.read_object(says.encode("ascii"))


_is_day = lru_cache(maxsize=4096)(is_day)
