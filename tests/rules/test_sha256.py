"""The digest of facts and packs is SHA-256, whichever module of the interpreter makes it."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from hypothesis import example, given
from hypothesis import strategies as st

from rules.sha256 import hex_digest


@given(st.binary(max_size=300))
@example(b"a" * 55)
@example(b"a" * 56)
@example(b"a" * 64)
@example(bytes(1 << 20))
def test_it_is_the_hash_of_the_standard_library(data: bytes) -> None:
    assert hex_digest(data) == hashlib.sha256(data).hexdigest()


def test_an_interpreter_without_own_code_has_the_same_hash() -> None:
    program = (
        "import sys\n"
        "sys.modules['_sha2'] = sys.modules['_sha256'] = None\n"
        "from rules.sha256 import hex_digest\n"
        "print(hex_digest(b'abc'))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert printed.stdout.strip() == expected
