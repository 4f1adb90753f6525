"""Hold a file against its published schema, and name the fault at its place.

The package jsonschema is in an extra and imported when a file is held against a schema. A schema
sees only the shape: `check`, `decide`, `send`, and `verify` examine the meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offramp.policy.input_files import read_text
from offramp.published.registry import EVIDENCE, Published, find_schema
from rules.errors import Place, RequestError, nearest
from rules.frozen import frozen
from rules.input.json_text import parse_json
from rules.input.printing import kind_of, plain, printable
from rules.input.values import iso_day, read_instant
from rules.input.yaml import Node, read_file
from rules.input.yaml import read_text as read_yaml

if TYPE_CHECKING:
    from jsonschema import ValidationError

_BY_FILE = {
    "pack.yaml": "pack",
    "scenarios.yaml": "scenarios",
    "scenarios.auto.yaml": "scenarios",
    "cases.yaml": "cases",
}
_MOST_LISTED = 8


@frozen
class Fault:
    """A fault of a file: its place, one sentence, and the fix."""

    at: Place
    message: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.at}: " if str(self.at) else ""
        return f"{where}{self.message}; {self.fix}"

    def as_json(self) -> dict[str, str]:
        """Return the fault's JSON in `offramp validate`."""
        return {"at": str(self.at), "message": self.message, "fix": self.fix}


@frozen
class Validation:
    """A file, the schema that it was held against, and its fault, None if it fits."""

    file: str
    schema: str
    fault: Fault | None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp validate`."""
        fault = self.fault.as_json() if self.fault else None
        return {"file": self.file, "schema": self.schema, "fits": fault is None, "fault": fault}


def validate_file(name: str, schema: str | None = None) -> Validation:
    """Hold a YAML or JSON file against a schema, or against the one that the file shows it is.

    Raises `RequestError` `no-file`, `unknown-schema`, `which-schema`, `no-validator`; `FactsError`
    and `PackError` for a file that can't be read.
    """
    path = Path(name)
    if path.is_dir():
        path = path / "pack.yaml"
    value, node = _read(path, name)
    published = find_schema(schema) if schema else find_schema(_guess(path.name, value, name))
    return Validation(name, published.name, _fault(published, value, node, path.name))


def _read(path: Path, name: str) -> tuple[Any, Node | None]:
    """Return the value of a file, and its nodes with their places if it is YAML."""
    if path.suffix in (".yaml", ".yml"):
        node = read_file(path) if path.is_file() else read_yaml(read_text(str(path)), path.name)
        return plain(node.data()), node
    return plain(parse_json(read_text(str(path) if path.is_file() else name), "the contents")), None


def _guess(file: str, value: Any, name: str) -> str:
    """Return the schema that a file's name or its members show. Raises `which-schema`."""
    if file in _BY_FILE:
        return _BY_FILE[file]
    members = set(value) if isinstance(value, dict) else set()
    kind = value.get("type") if "type" in members else None
    if isinstance(kind, str) and kind in (*EVIDENCE, "decision"):
        return "decision-exhibit" if kind == "decision" else kind
    for schema, shown in (
        ("draft", {"parts"}),
        ("decision", {"decision", "status"}),
        ("pack", {"sources", "program"}),
        ("scenarios", {"scenarios"}),
        ("map", {"title", "id", "facts"}),
    ):
        if shown <= members:
            return schema
    groups = {path.partition(".")[0] for path in _fact_paths()}
    if members and members <= groups | {"now", "decisions"}:
        return "facts"
    raise RequestError(
        "which-schema",
        f"`{printable(name)}` doesn't show which kind of file it is",
        fix="name its schema with `--as`, one of `offramp schema`",
    )


def _fact_paths() -> Iterable[str]:
    from rules.shelf import vocabulary

    return vocabulary().facts


# Faults


def _fault(published: Published, value: Any, node: Node | None, file: str) -> Fault | None:
    try:
        from jsonschema import FormatChecker
        from jsonschema.exceptions import best_match
        from jsonschema.validators import validator_for
    except ImportError:
        raise RequestError(
            "no-validator",
            "the package that holds a file against a schema isn't installed",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[validate]'",
        ) from None
    checker = FormatChecker(formats=())
    checker.checks("date")(lambda text: not isinstance(text, str) or iso_day(text) is not None)
    checker.checks("date-time")(
        lambda text: not isinstance(text, str) or read_instant(text) is not None
    )
    schema = published.schema_of()
    validator = validator_for(schema)(schema, format_checker=checker)
    error = best_match(validator.iter_errors(value))
    if error is None:
        return None
    message, fix = _sentence(error)
    return Fault(_place(error, node, file), message, fix)


def _place(error: ValidationError, node: Node | None, file: str) -> Place:
    steps = list(error.absolute_path)
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{printable(step)}" if path else step
    for step in steps:
        node = _inner(node, step)
    at = node.place if node is not None else Place(file=file)
    return Place(file=file, line=at.line, column=at.column, path=printable(path) or None)


def _inner(node: Node | None, step: str | int) -> Node | None:
    """Return the node of a member, or the node itself where it has none of that name."""
    value = node.value if node is not None else None
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, node)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        inner: Node = value[step]
        return inner
    return node


def _sentence(error: ValidationError) -> tuple[str, str]:
    """Return the fault and the fix, in words of the file."""
    value: Any = error.instance
    wanted: Any = error.validator_value
    schema: Any = error.schema
    keyword = str(error.validator)
    name = _name(error)
    if keyword == "required":
        missing = next((key for key in wanted if key not in value), "a member")
        return f"{name} has no `{missing}`", f"add `{missing}`"
    if keyword == "additionalProperties" and isinstance(value, Mapping):
        known = schema.get("properties", {})
        unknown = next((key for key in value if key not in known), "")
        return f"{name} has no member `{printable(unknown)}`", nearest(str(unknown), [*known])
    if keyword in ("enum", "const"):
        allowed = [str(word) for word in (wanted if keyword == "enum" else [wanted])]
        listed = ", ".join(allowed[:_MOST_LISTED]) + (" …" if len(allowed) > _MOST_LISTED else "")
        near = nearest(str(value), allowed) if isinstance(value, str) else f"one of {listed}"
        return f"{name} is {kind_of(value)}, which isn't allowed here", near
    if keyword == "type":
        types = [wanted] if isinstance(wanted, str) else wanted
        expected = " or ".join(_TYPES.get(str(one), str(one)) for one in types)
        return f"{name} is {kind_of(value)}, not {expected}", f"write {expected}"
    if keyword == "format":
        return f"{name} is {kind_of(value)}, which is no {_FORMATS[str(wanted)]}", "check it"
    if keyword == "pattern":
        return f"{name} is {kind_of(value)}, which doesn't have the right form", f"match {wanted}"
    if value is not None and schema is False:
        return f"{name} isn't allowed here", "leave it out"
    return f"{name} doesn't fit its schema at `{keyword}`", "compare it with the schema"


_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
_FORMATS = {"date": "day such as 2026-06-12", "date-time": "time such as 2026-06-12T16:10:00Z"}


def _name(error: ValidationError) -> str:
    last = error.absolute_path[-1] if error.absolute_path else None
    if last is None:
        return "the file"
    return f"entry {last + 1}" if isinstance(last, int) else f"`{printable(last)}`"
