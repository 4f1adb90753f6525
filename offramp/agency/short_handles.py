"""The digits by which the lines of a command name a case, so that they can be typed again.

A line has the first 8 digits of a handle. Where two cases of the agency begin with them, as after
a mistyped `represent`, it has as many as tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from offramp.agency.folder.case_index import first_digits

_digits: ContextVar[Callable[[str], str]] = ContextVar("digits", default=first_digits)


def short(handle: str) -> str:
    """Return the digits of a handle that tell its case apart at the agency that prints them."""
    return _digits.get()(handle)


@contextmanager
def naming_cases(digits: Callable[[str], str]) -> Iterator[None]:
    """Print the handles within by these digits: those of one agency's index."""
    token = _digits.set(digits)
    try:
        yield
    finally:
        _digits.reset(token)
