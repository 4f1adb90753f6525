"""SHA-256 without OpenSSL, which takes longer to load than all hashes of one decision to make."""

from __future__ import annotations

from functools import cache
from importlib import import_module

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The interpreter's own code of Python 3.12 and later, that of 3.11, and the one with OpenSSL.
_MODULES = ("_sha2", "_sha256", "hashlib")

__all__ = ["hex_digest"]


def hex_digest(data: bytes) -> str:
    """Return the SHA-256 of bytes (FIPS 180-4) as hexadecimal digits."""
    digest: str = _find_hash()(data).hexdigest()
    return digest


@cache
def _find_hash() -> Any:
    """Return the constructor of the first module that this interpreter has."""
    for name in _MODULES[:-1]:
        try:
            return import_module(name).sha256
        except ImportError:
            continue
    return import_module(_MODULES[-1]).sha256
