"""Check the public names of `exchange`, and that the package alone loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import exchange


def test_every_public_name_exists() -> None:
    missing = [name for name in exchange.__all__ if not hasattr(exchange, name)]
    assert missing == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(exchange, "gossip")


def test_the_package_alone_loads_no_module() -> None:
    program = "import exchange, sys; print([m for m in sys.modules if m.startswith('exchange.')])"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"
