"""YAML text to nodes with positions; the first stage of a pack's way.

What holds afterwards: the document is one tree of mappings, lists and scalars, each with its file, line and column; no
tag, no alias, no duplicate key; and every scalar is still the text its author wrote (`no`, `on` and `3.10` included),
for the reader that knows what belongs there to interpret.

PyYAML's C parser finds the events; the tree is built here because positions, duplicate keys and depth are ours to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from rules.errors import PackError, Place, nearest

LARGEST = 2_000_000  # characters of YAML; the largest shipped pack has a twentieth of it
DEEPEST = 40


class Node:
    """One place in a YAML document. `value` is text (scalar), a list of nodes, or a dict from key to node (mapping)."""

    __slots__ = ("column", "file", "keys", "line", "quoted", "value", "verbatim")

    def __init__(
        self,
        file: str,
        line: int,
        column: int,
        value: Any,
        quoted: bool = False,
        verbatim: bool = False,
    ) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.value = value
        self.quoted = quoted
        self.verbatim = (
            verbatim  # a scalar on one line, without escapes: its text stands in the file as it is
        )
        self.keys: dict[str, Node] = {}

    @property
    def place(self) -> Place:
        return Place(self.file, self.line, self.column)

    def fail(self, code: str, message: str, fix: str = "") -> NoReturn:
        raise PackError(code, message, at=self.place, fix=fix)

    # Readers of one kind each: they return the Python value or refuse with the node's place.

    def text(self, what: str) -> str:
        if not isinstance(self.value, str):
            self.fail(
                "wrong-shape",
                f"{what} is not a text",
                "write it after the colon, in quotes if it has brackets",
            )
        if not self.value.strip():
            self.fail("wrong-shape", f"{what} is empty", "write it after the colon")
        return self.value.strip()

    def mapping(
        self, what: str, known: tuple[str, ...] = (), required: tuple[str, ...] = ()
    ) -> dict[str, Node]:
        if not isinstance(self.value, dict):
            self.fail("wrong-shape", f"{what} is not a mapping", "write it as `key: value` lines")
        fields: dict[str, Node] = self.value
        if known:
            for key in fields:
                if key not in known:
                    fix = (
                        nearest(key, known)
                        if _KEY.fullmatch(key)
                        else "put the condition or the text in quotes: '…'"
                    )
                    self.keys[key].fail("unknown-key", f"{what} has no key `{key}`", fix)
        for key in required:
            if key not in fields:
                code = "no-source" if key == "source" else "missing-key"
                fix = "name the source it rests on" if key == "source" else f"add `{key}:`"
                self.fail(code, f"{what} has no `{key}`", fix)
        return fields

    def items(self, what: str) -> list[Node]:
        if not isinstance(self.value, list):
            self.fail(
                "wrong-shape", f"{what} is not a list", "write it as `- item` lines or `[a, b]`"
            )
        return list(self.value)

    def flag(self, what: str) -> bool:
        if self.value not in ("true", "false"):
            self.fail(
                "wrong-shape", f"{what} is neither `true` nor `false`", "write `true` or `false`"
            )
        return bool(self.value == "true")

    def data(self) -> Any:
        """The node as what JSON would hold: plain numbers, true, false and null are read; everything else is text."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        if self.quoted:
            return self.value
        if self.value in ("", "~", "null"):
            return None
        if self.value in ("true", "false"):
            return self.value == "true"
        if _NUMBER.fullmatch(self.value):
            return int(self.value) if _WHOLE.fullmatch(self.value) else Decimal(self.value)
        return self.value


_KEY = re.compile(r"[\w.-]*")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,40})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")


def read_file(path: Path, shown_as: str | None = None) -> Node:
    """Reads one YAML file. `shown_as` is the name that errors give the file."""
    name = shown_as or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(4 * LARGEST + 1)
    except FileNotFoundError:
        raise PackError("no-file", f"there is no file `{name}`", fix="check the path") from None
    except OSError as error:
        reason = error.strerror or "it can't be opened"
        raise PackError(
            "no-file", f"`{name}` can't be read: {reason.lower()}", fix="check the path"
        ) from None
    if len(raw) > 4 * LARGEST:  # no character takes more than four bytes
        raise _too_large(name)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PackError(
            "not-utf-8", "this isn't UTF-8 text", at=Place(name, line), fix="save as UTF-8"
        ) from None
    return read_text(text, name)


def read_text(text: str, file: str) -> Node:
    """Reads one YAML document from text; `file` is the name for its positions."""
    import yaml

    if len(text) > LARGEST:
        raise _too_large(file)
    _refuse_depth(text, file)
    try:
        return _compose(yaml.parse(text, Loader=yaml.CBaseLoader), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        unclosed = error.context_mark is not None and "quoted" in str(error.context)
        if unclosed:
            mark = error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        lines = text.splitlines()
        whole = lines[line - 1] if line <= len(lines) else ""
        at_fault = whole.strip()
        problem = (error.problem or error.context or "it can't be read").strip()
        fix = "check quotes, indentation and brackets near here"
        if unclosed:
            fix = "close the quote that opens here"
        elif "\t" in whole[:column]:
            fix = "indent with spaces, not tabs"
        elif re.search(r"\b(when|always)\b", at_fault) or re.search(r"[=!<>]=|&&|\|\|", at_fault):
            fix = "put the condition in quotes: '…'"
        shown = f": `{at_fault[:60]}`" if at_fault else ""
        raise PackError(
            "yaml-syntax",
            f"this is not YAML, {problem}{shown}",
            at=Place(file, line, column),
            fix=fix,
        ) from None
    except yaml.YAMLError as error:
        problem = getattr(error, "reason", None) or "it can't be read"
        message = f"this is not YAML, {problem}"
        stray = re.search(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
        at = Place(file, text.count("\n", 0, stray.start()) + 1) if stray else Place(file)
        raise PackError("yaml-syntax", message, at=at, fix="save as plain UTF-8 text") from None


def _refuse_depth(text: str, file: str) -> None:
    """Raise `too-deep` for flow collections before the YAML library looks so far ahead that its own limit answers.

    The library's scanner reads ahead of its events, and its limit and its wording change between releases. The text up
    to the bracket that is one level too deep is composed alone. Brackets in quotes or comments are no levels: then the
    composed part has nothing to refuse, and the whole text is read as usual.
    """
    import yaml

    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth = depth + 1 if bracket[0] in "[{" else max(0, depth - 1)
        if depth > DEEPEST:
            try:
                _compose(yaml.parse(text[: bracket.end()], Loader=yaml.CBaseLoader), file)
            except yaml.YAMLError:
                return
            except PackError as refusal:
                if refusal.code == "too-deep":
                    raise
            return


def _too_large(file: str) -> PackError:
    return PackError(
        "too-large", f"the file has over {LARGEST} characters", at=Place(file), fix="split it up"
    )


def _place(event: Any, file: str) -> Place:
    mark = event.start_mark
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)


def _compose(events: Iterator[Any], file: str) -> Node:
    """One node from the parser's events, with an explicit stack so that depth can't hurt."""
    import yaml

    root: Node | None = None
    stack: list[Node] = []
    waiting_key: list[Node | None] = []  # per open mapping: the key whose value comes next

    def place(node: Node) -> None:
        nonlocal root
        if not stack:
            if root is not None:
                node.fail(
                    "yaml-syntax", "the file has more than one document", "keep one document a file"
                )
            root = node
            return
        parent = stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
            return
        key = waiting_key[-1]
        if key is None:
            if not isinstance(node.value, str):
                node.fail("yaml-syntax", "a key is not a plain text", "write `key: value`")
            if node.value in parent.value:
                node.fail(
                    "duplicate-key", f"the key `{node.value}` stands twice", "keep one of them"
                )
            waiting_key[-1] = node
        else:
            if not isinstance(node.value, str):
                node.line, node.column = (
                    key.line,
                    key.column,
                )  # what it holds is declared where its name stands
            parent.value[key.value] = node
            parent.keys[key.value] = key
            waiting_key[-1] = None

    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise PackError(
                "yaml-alias",
                f"the alias `*{event.anchor}` repeats another part of the file",
                at=_place(event, file),
                fix="write it out",
            )
        if isinstance(event, yaml.NodeEvent):
            at = _place(event, file)
            line, column = at.line or 1, at.column or 1
            tag = getattr(event, "tag", None)
            if tag is not None:
                written = tag.replace("tag:yaml.org,2002:", "!!", 1)
                if written.startswith("!!"):
                    raise PackError(
                        "yaml-tag",
                        f"`{written[:60]}` is a YAML tag here",
                        at=at,
                        fix="leave the tag out",
                    )
                raise PackError(
                    "yaml-tag",
                    "the unquoted `!` is a YAML tag here",
                    at=at,
                    fix="put the condition in quotes: '…'",
                )
            if isinstance(event, yaml.ScalarEvent):
                quoted = event.style not in (None, "")
                start, end = event.start_mark, event.end_mark
                width = (
                    end.column - start.column if start and end and start.line == end.line else -1
                )
                place(
                    Node(
                        file,
                        line,
                        column,
                        event.value,
                        quoted,
                        width == len(event.value) + 2 * quoted,
                    )
                )
                continue
            node = Node(
                file, line, column, [] if isinstance(event, yaml.SequenceStartEvent) else {}
            )
            place(node)
            stack.append(node)
            waiting_key.append(None)
            if len(stack) > DEEPEST:
                node.fail("too-deep", f"the file nests more than {DEEPEST} levels", "flatten it")
        elif isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            waiting_key.pop()
    if root is None:
        raise PackError(
            "empty-file", "the file is empty", at=Place(file), fix="start from a shipped pack"
        )
    return root
