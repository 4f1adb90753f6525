"""A digest of the code and words that work everything out: another version reads nothing kept."""

from __future__ import annotations

import sys
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import pydantic

import exchange
import offramp
import rules
from rules.shelf import jurisdictions


@lru_cache(maxsize=1)
def code_version() -> bytes:
    """Return a digest of Python, pydantic, all three packages, and the shared vocabulary."""
    hashed = sha256(f"{sys.version}\0{pydantic.VERSION}\0".encode())
    code = [
        path
        for package in (rules, exchange, offramp)
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py"))
    ]
    for path in (*code, *sorted(jurisdictions().glob("*.yaml"))):
        hashed.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.digest()
