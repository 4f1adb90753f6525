"""Refusals of the exchange, a class for each kind of thing refused.

Form and tone are those of `rules.errors`: a stable code, one lower-case sentence with the thing at
fault in back-ticks, and the fix. Text from outside is shortened before a message shows it.
`docs/errors.md` lists every code.
"""

from __future__ import annotations

from rules.errors import Refusal


class ExchangeError(Refusal):
    """Base class of every refusal of the exchange: something from outside isn't as required."""


class TextError(ExchangeError):
    """Base64, base64url, or JSON that is malformed or could be read in more than one way."""


class KeyMaterialError(ExchangeError):
    """A key that may not be used here.

    Another kind or curve, a wrong point, or a private part where none belongs.
    """


class SignedTextError(ExchangeError):
    """A JWS that is malformed, has a forbidden header, or fails verification."""


class SealError(ExchangeError):
    """A sealed text that doesn't open with this key for this purpose, or is malformed inside."""


class DisclosureError(ExchangeError):
    """A disclosure that is malformed or that the signed payload doesn't name."""


class TreeError(ExchangeError):
    """A Merkle tree, or a proof about one, that is wrong."""


class NoteError(ExchangeError):
    """A signed note or checkpoint that is malformed or lacks a required signature."""


class ContentError(ExchangeError):
    """A label, statement, or content that doesn't match its kind and categories."""


class RecordError(ExchangeError):
    """A record or bundle with parts that contradict each other."""


class DirectoryError(ExchangeError):
    """A directory, key, or set of signatures that may not be followed."""


class LogError(ExchangeError):
    """A leaf, receipt, inbox line, account, or exhibit that the log doesn't prove."""


class StoreError(ExchangeError):
    """A store on disk that can't be read or added to."""


class RequestRefused(ExchangeError):
    """A request to the hub that no entitled agency signed, or that is late or repeated."""


class NotPassed(ExchangeError):
    """The single answer to anything that depends on a person or case. It gives no reason."""


def shorten(text: object, longest: int = 40) -> str:
    """Shorten outside text for a message: one line, at most `longest` letters, no back-ticks."""
    plain = text if isinstance(text, str) else repr(text)
    clean = "".join(
        letter if letter.isprintable() and letter != "`" else "?" for letter in plain[: longest + 1]
    )
    return clean if len(clean) <= longest else f"{clean[:longest]}…"
