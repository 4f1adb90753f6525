"""Read a file of claims: invariants that somebody wants proved of a pack, and that aren't in it."""

from __future__ import annotations

from pathlib import Path

from rules.errors import RequestError
from rules.input.printing import printable
from rules.input.yaml import Node, empty_file_fix, read_file


def read_claims(path: Path) -> Node:
    """Return the list of claims in a file. Raises `RequestError` and `PackError`."""
    if path.is_dir():
        raise RequestError(
            "no-file",
            f"`{printable(str(path))}` is a folder, and claims are in a file",
            fix="name the file in it",
        )
    name = printable(path.name)
    if not path.exists():
        raise RequestError("no-file", f"there is no file `{name}`", fix="check the path")
    with empty_file_fix("write `invariants:` and what you claim"):
        top = read_file(path, name)
    claims = top.mapping("the claims", ("invariants",), ("invariants",))["invariants"]
    if not claims.items("`invariants`"):
        raise RequestError(
            "nothing-claimed",
            "the file claims nothing",
            at=claims.place,
            fix="write an invariant to prove",
        )
    return claims
