"""Logins of made-up people, which this machine has no accounts for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def any_login() -> Iterator[None]:
    """Take every login for an account of this machine, within the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("offramp.agency.operations.staff.login_exists", lambda login: True)
        yield
