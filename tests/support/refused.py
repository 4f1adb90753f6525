"""Checks of a refusal's code and of its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exchange.errors import ExchangeError


@contextmanager
def refused(*codes: str) -> Iterator[None]:
    """Check that the body is refused with one of these codes, in one readable sentence.

    Without codes, any refusal passes.
    """
    with pytest.raises(ExchangeError) as caught:
        yield
    error = caught.value
    assert not codes or error.code in codes, f"{error.code}, not {' or '.join(codes)}: {error}"
    reads_as_a_refusal(error)


def reads_as_a_refusal(error: ExchangeError) -> None:
    """One lower-case sentence on one line, without a full stop, with a fix."""
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", error.code)
    assert (
        error.message[0] in "`'"
        or error.message[0].islower()
        or error.message.startswith(("JWS", "HPKE"))
    ), error.message
    assert error.message.isprintable() and not error.message.endswith("."), error.message
    assert error.fix and len(error.message) < 250
