"""Every refusal of the exchange's half, one class a kind of thing refused.

Shape and tone are those of `rules.errors`: a stable code, one lower-case sentence with the thing in back-ticks, the fix. What
came from outside is shortened before it is shown. `docs/errors.md` lists every code.
"""

from __future__ import annotations

from rules.errors import Refusal


class ExchangeError(Refusal):
    """Base of every refusal of the exchange: something from outside isn't what it must be."""


class TextError(ExchangeError):
    """Base64, base64url or JSON that could be read in more than one way, or not at all."""


class KeyMaterialError(ExchangeError):
    """A key that may not be used here: another kind or curve, a wrong point, a private part where none belongs."""


class SignedTextError(ExchangeError):
    """A JWS that is malformed, says what it may not say, or doesn't hold under the key."""


class SealError(ExchangeError):
    """A sealed text that doesn't open with this key for this purpose, or doesn't hold what a sealed text holds."""


class DisclosureError(ExchangeError):
    """A disclosure that is malformed or that the signed payload doesn't call for."""


class TreeError(ExchangeError):
    """A Merkle tree, or a proof about one, that doesn't hold."""


class NoteError(ExchangeError):
    """A signed note or checkpoint that is malformed, or that too few of the right names have signed."""


class ContentError(ExchangeError):
    """A label, statement or content that isn't what its kind and categories say it must be."""


class RecordError(ExchangeError):
    """A record or bundle that doesn't hold together: what it names, carries, seals and signs don't agree."""


class DirectoryError(ExchangeError):
    """A directory, key or signature set that may not be followed."""


class LogError(ExchangeError):
    """A leaf, receipt, inbox line, account or exhibit that the log doesn't bear out."""


class StoreError(ExchangeError):
    """What is kept on the disk can't be read or added to."""


class RequestRefused(ExchangeError):
    """A request to the hub that nobody entitled signed, or not this one, or not now."""


class NotPassed(ExchangeError):
    """The one answer to whatever depends on a person or case: it says nothing about why."""


def shorten(text: object) -> str:
    """Something from outside, as a sentence shows it: on one line, at most 40 characters, no back-ticks."""
    plain = text if isinstance(text, str) else repr(text)
    clean = "".join(
        letter if letter.isprintable() and letter != "`" else "?" for letter in plain[:41]
    )
    return clean if len(clean) <= 40 else f"{clean[:40]}…"
