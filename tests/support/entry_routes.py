"""Every use of the outside in the sources, found in their syntax trees, by module and kind."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.conftest import ROOT

PACKAGES = ("rules", "exchange", "offramp")
PAGE = ROOT / "docs" / "entry-routes.md"

# A call whose dotted name ends so reads from outside. The longest ending decides the kind.
_CALLS = {
    "open": "file",
    "os.open": "file",
    "gzip.open": "file",
    "read_text": "file",
    "read_bytes": "file",
    "iterdir": "folder",
    "glob": "folder",
    "rglob": "folder",
    "os.listdir": "folder",
    "os.scandir": "folder",
    "os.walk": "folder",
    "input": "standard input",
    "getpass": "standard input",
    "json.load": "JSON",
    "json.loads": "JSON",
    "json.JSONDecoder": "JSON",
    "pickle.load": "pickle",
    "pickle.loads": "pickle",
    "tarfile.open": "archive",
    "zipfile.ZipFile": "archive",
    "tomllib.load": "TOML",
    "tomllib.loads": "TOML",
    "csv.reader": "CSV",
    "csv.DictReader": "CSV",
    "urlopen": "HTTP answer",
    "HTTPConnection": "HTTP answer",
    "HTTPSConnection": "HTTP answer",
    "sqlite3.connect": "database",
    "time.time": "clock",
    "datetime.now": "clock",
    "datetime.utcnow": "clock",
    "date.today": "clock",
    "datetime.today": "clock",
    "os.getenv": "environment",
    "parse_args": "arguments",
    "getresponse": "HTTP answer",
    "request.stream": "HTTP request",
    "request.body": "HTTP request",
    "request.json": "HTTP request",
    "request.form": "HTTP request",
}
_CALLS |= {
    f"yaml.{name}": "YAML"
    for name in (
        "load", "load_all", "safe_load", "safe_load_all", "full_load", "unsafe_load", "compose",
        "compose_all", "parse", "scan",
    )
}  # fmt: skip
# An attribute whose dotted name ends so, called or not.
_ATTRIBUTES = {
    "sys.stdin": "standard input",
    "sys.argv": "arguments",
    "os.environ": "environment",
    "request.headers": "HTTP request",
    "request.query_params": "HTTP request",
    "request.path_params": "HTTP request",
    "request.cookies": "HTTP request",
}
_WRITING = ("w", "wb", "a", "ab", "x", "xb")
# A method of these names on an object of our own opens no file.
_OWN = re.compile(r"(\bself|[a-z_]*gateway|office|folder|composer|SEALED|hub_folder)\.open$")


def uses() -> set[tuple[str, str]]:
    """Return `(module, kind)` for every module and the kinds of the outside that it reads."""
    found: set[tuple[str, str]] = set()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = path.relative_to(ROOT).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {(module, kind) for kind in uses_in(tree)}
    return found


def uses_in(tree: ast.Module) -> Iterator[str]:
    """Yield the kinds of the outside that a module reads."""
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func, aliases)
            kind = None if name.startswith(PACKAGES) else _kind(name, _CALLS)
            if kind and not _writes(node) and not _OWN.search(name):
                yield kind
        elif isinstance(node, ast.Attribute | ast.Name):
            kind = _kind(_name(node, aliases), _ATTRIBUTES)
            if kind:
                yield kind


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each imported name: `loads` from `json` is `json.loads`."""
    return {
        name.asname or name.name: name.name
        if isinstance(node, ast.Import)
        else f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }


def _name(node: ast.expr, aliases: dict[str, str]) -> str:
    """Return the dotted name of an expression. A part that is no name is `?`."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value, aliases)}.{node.attr}"
    return "?"


def _kind(name: str, kinds: dict[str, str]) -> str | None:
    parts = name.split(".")
    for start in range(len(parts)):
        kind = kinds.get(".".join(parts[start:]))
        if kind:
            return kind
    return None


def _writes(call: ast.Call) -> bool:
    """Return True for an opening that only writes, or only opens a folder."""
    place = 1 if isinstance(call.func, ast.Name) else 0  # `open(path, mode)`, `path.open(mode)`
    modes = [*call.args[place : place + 1], *(k.value for k in call.keywords if k.arg == "mode")]
    if any(isinstance(mode, ast.Constant) and mode.value in _WRITING for mode in modes):
        return True
    flags = {
        node.attr
        for item in call.args
        for node in ast.walk(item)
        if isinstance(node, ast.Attribute)
    }
    return "O_WRONLY" in flags or "O_DIRECTORY" in flags


def listed() -> list[tuple[str, str, str]]:
    """Return `(module, kind, reader)` for every row of the page."""
    row = re.compile(r"^\| `([a-z_/0-9]+\.py)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
    return [
        (module, kind.strip(), reader.strip())
        for module, kinds, _, reader in row.findall(PAGE.read_text(encoding="utf-8"))
        for kind in kinds.split(",")
    ]
