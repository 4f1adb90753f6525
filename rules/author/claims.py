"""Read a file of claims: invariants that somebody wants proved of a pack, and that aren't in it."""

from __future__ import annotations

from pathlib import Path

from rules.errors import RequestError
from rules.input.printing import printable
from rules.input.yaml import Node, read_file


def read_claims(path: Path) -> Node:
    """Return the list of claims in a file. Raises `RequestError` and `PackError`."""
    if not path.is_file():
        raise RequestError(
            "no-file", f"there is no file `{printable(path.name)}`", fix="check the path"
        )
    entry = read_file(path, path.name).mapping("the claims", ("invariants",), ("invariants",))
    return entry["invariants"]
