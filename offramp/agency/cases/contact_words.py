"""Words on how to reach a person that have the right form and still can't be right. Pure.

A name without a letter reaches nobody, and a language that nobody speaks brings no interpreter.
The exchange's own patterns accept both, so forms ask again.
"""

from __future__ import annotations

from rules.input.language_names import read_language

LANGUAGE = "contact.language"
_NAMES = frozenset(
    (
        "contact.given_name",
        "contact.family_name",
        "case_manager_contact.name",
        "premises_crime.name",
    )
)


def is_plausible(path: str, text: str) -> bool:
    """Report whether a member of a content can be what it is about: a name, or a language."""
    if path in _NAMES:
        return any(letter.isalpha() for letter in text)
    if path == LANGUAGE:
        return read_language(text) is not None
    return True
