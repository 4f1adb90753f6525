"""Read YAML text as nodes with positions: the first stage of a pack.

The document is one tree of mappings, lists, and scalars, each with its file, line, and column. It
has no tag, no alias, and no duplicate key. Every scalar is still the text that its author wrote
(`no`, `on`, and `3.10` too), and the reader of its key interprets it.

PyYAML's C parser finds the events. The tree is built here, with its positions, and with refusals of
duplicate keys and of depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NoReturn

from rules.errors import PackError, Place, nearest
from rules.input.characters import code_point, find_hidden
from rules.input.printing import printable

LARGEST = 2_000_000  # characters of YAML; the largest shipped pack has a twentieth of it
DEEPEST = 40


class Node:
    """A node of a YAML document.

    `value` is a text (scalar), a list of nodes, or a dict from key to node (mapping). `keys` has
    the node of each key. `verbatim` is a scalar on one line without escapes, whose text is in the
    file as it is. The readers return a Python value, or refuse it at the node's place. Their
    `subject` is the name of the value in messages, such as "the rule `young`".
    """

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
        self.verbatim = verbatim
        self.keys: dict[str, Node] = {}

    @property
    def place(self) -> Place:
        """The file, line, and column at which the node begins."""
        return Place(self.file, self.line, self.column)

    def fail(self, code: str, message: str, fix: str = "") -> NoReturn:
        """Refuse the node at its place."""
        raise PackError(code, message, at=self.place, fix=fix)

    def text(self, subject: str) -> str:
        """Read a text that is not empty."""
        if not isinstance(self.value, str):
            self.fail(
                "wrong-shape",
                f"{subject} is not a text",
                "write it after the colon, in quotes if it has brackets",
            )
        if not self.value.strip():
            self.fail("wrong-shape", f"{subject} is empty", "write it after the colon")
        return self.value.strip()

    def mapping(
        self, subject: str, allowed: tuple[str, ...] = (), required: tuple[str, ...] = ()
    ) -> dict[str, Node]:
        """Read a mapping. Without `allowed` keys, any key is allowed."""
        if not isinstance(self.value, dict):
            self.fail(
                "wrong-shape", f"{subject} is not a mapping", "write it as `key: value` lines"
            )
        fields: dict[str, Node] = self.value
        faults = [*self._unknown_keys(subject, allowed)] if allowed else []
        meant = "".join(fault.fix for fault in faults)
        for key in required:
            if key not in fields and f"did you mean `{key}`" not in meant:
                faults.append(self._missing_key(subject, key))
        if faults:
            first, *rest = faults
            first.others = tuple(rest)
            raise first
        return fields

    def _unknown_keys(self, subject: str, allowed: tuple[str, ...]) -> Iterator[PackError]:
        for key in self.value:
            if key not in allowed:
                if key == "<<":
                    fix = "write the keys out, for nothing is merged here"
                elif _KEY.fullmatch(key):
                    fix = nearest(key, allowed)
                else:
                    fix = "put the condition or the text in quotes: '…'"
                message = f"{subject} has no key `{key}`"
                yield PackError("unknown-key", message, at=self.keys[key].place, fix=fix)

    def _missing_key(self, subject: str, key: str) -> PackError:
        code = "no-source" if key == "source" else "missing-key"
        fix = "name the source it rests on" if key == "source" else f"add `{key}:`"
        return PackError(code, f"{subject} has no `{key}`", at=self.place, fix=fix)

    def items(self, subject: str) -> list[Node]:
        """Read a list."""
        if not isinstance(self.value, list):
            self.fail(
                "wrong-shape", f"{subject} is not a list", "write it as `- item` lines or `[a, b]`"
            )
        return list(self.value)

    def flag(self, subject: str) -> bool:
        """Read `true` or `false`."""
        if self.value not in ("true", "false"):
            self.fail(
                "wrong-shape", f"{subject} is neither `true` nor `false`", "write `true` or `false`"
            )
        return bool(self.value == "true")

    def data(self) -> Any:
        """Read the node as JSON: plain numbers, true, false, and null, and texts for the rest."""
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


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def read_file(
    path: Path, shown_as: str | None = None, open_file: Callable[[Path], IO[bytes]] = _open
) -> Node:
    """Read a YAML file. Errors call it `shown_as`, and `open_file` opens it. Raises `PackError`."""
    name = shown_as or str(path)
    try:
        with open_file(path) as file:
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
    """Read a YAML document from text. Errors call it `file`. Raises `PackError`."""
    import yaml

    if len(text) > LARGEST:
        raise _too_large(file)
    _refuse_depth(text, file)
    try:
        root = _compose(yaml.parse(text, Loader=yaml.CBaseLoader), file)
        _refuse_hidden(text, file)
        return root
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from None
    except yaml.YAMLError as error:
        problem = getattr(error, "reason", None) or "it can't be read"
        message = f"this is not YAML, {problem}"
        stray = re.search(_UNPRINTABLE, text)
        at = Place(file, text.count("\n", 0, stray.start()) + 1) if stray else Place(file)
        raise PackError("yaml-syntax", message, at=at, fix="save as plain UTF-8 text") from None


# Compiled only for a refusal: it takes a tenth of a cold start.
_BRACES_IN_TEXT = r": +[^\s\"'{},][^\"'{},]*\{[a-z0-9_]+\}"
_UNPRINTABLE = r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def _syntax_error(error: Any, text: str, file: str) -> PackError:
    """Return the refusal of text that is not YAML, with the fix for the usual mistakes."""
    mark = error.problem_mark or error.context_mark
    is_unclosed = error.context_mark is not None and "quoted" in str(error.context)
    if is_unclosed:
        mark = error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    whole = lines[line - 1] if line <= len(lines) else ""
    at_fault = printable(whole.strip())
    problem = (error.problem or error.context or "it can't be read").strip()
    fix = "check quotes, indentation and brackets near here"
    if is_unclosed:
        fix = "close the quote that opens here"
    elif "\t" in whole[:column]:
        fix = "indent with spaces, not tabs"
    elif re.search(_BRACES_IN_TEXT, whole[max(column - 200, 0) : column + 200]):
        fix = 'put the text with `{…}` in quotes: "…"'
    elif re.search(r"\b(when|always)\b", at_fault) or re.search(r"[=!<>]=|&&|\|\|", at_fault):
        fix = "put the condition in quotes: '…'"
    quote = f": `{at_fault[:60]}`" if at_fault else ""
    at = Place(file, line, column)
    return PackError("yaml-syntax", f"this is not YAML, {problem}{quote}", at=at, fix=fix)


def _refuse_depth(text: str, file: str) -> None:
    """Refuse deep flow collections before the YAML library refuses them itself.

    The library's scanner reads ahead of its events, and its limit and wording change between
    releases. The text up to the bracket that is one level too deep is composed alone. Brackets in
    quotes or comments are no levels. Then the composed part is sound, and the whole text is read.
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


def _refuse_hidden(text: str, file: str) -> None:
    """Refuse hidden characters in comments. Those of texts and keys are refused at their nodes."""
    offset = None if text.isascii() else find_hidden(text.removeprefix("\ufeff"), "\n\r\t")
    if offset is not None:
        text = text.removeprefix("\ufeff")
        line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
        raise _hidden(text[offset], Place(file, line, column))


def _hidden(character: str, at: Place) -> PackError:
    return PackError(
        "hidden-character",
        f"the text contains the hidden character `{code_point(character)}`",
        at=at,
        fix="delete it, and type the text again",
    )


def _too_large(file: str) -> PackError:
    return PackError(
        "too-large", f"the file has over {LARGEST} characters", at=Place(file), fix="split it up"
    )


def _place(event: Any, file: str) -> Place:
    mark = event.start_mark
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)


def _compose(events: Iterator[Any], file: str) -> Node:
    """Build the root node from the parser's events, with a stack in place of recursion."""
    import yaml

    composer = _Composer(file)
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise PackError(
                "yaml-alias",
                f"the alias `*{printable(event.anchor)}` repeats another part of the file",
                at=_place(event, file),
                fix="write it out",
            )
        if isinstance(event, yaml.NodeEvent):
            if getattr(event, "tag", None) is not None:
                _refuse_tag(event, file)
            if isinstance(event, yaml.ScalarEvent):
                composer.add(_scalar(event, file))
            else:
                composer.open(_collection(event, file, yaml.SequenceStartEvent))
        elif isinstance(event, yaml.CollectionEndEvent):
            composer.close()
    if composer.root is None:
        raise PackError(
            "empty-file", "the file is empty", at=Place(file), fix="start from a shipped pack"
        )
    return composer.root


@contextmanager
def empty_file_fix(fix: str) -> Iterator[None]:
    """Give the error for an empty file a fix that suits its kind."""
    try:
        yield
    except PackError as error:
        if error.code == "empty-file":
            error.fix = fix
        raise


def _refuse_tag(event: Any, file: str) -> NoReturn:
    written = printable(event.tag.replace("tag:yaml.org,2002:", "!!", 1))
    if written.startswith("!!"):
        message, fix = f"`{written[:60]}` is a YAML tag here", "leave the tag out"
    else:
        message = "the unquoted `!` is a YAML tag here"
        fix = "put the condition in quotes: '…'"
    raise PackError("yaml-tag", message, at=_place(event, file), fix=fix)


def _scalar(event: Any, file: str) -> Node:
    is_quoted = event.style not in (None, "")
    start, end = event.start_mark, event.end_mark
    hidden = find_hidden(event.value, "\n\t")
    if hidden is not None:  # an escape such as `\e` in double quotes
        raise _hidden(event.value[hidden], _place(event, file))
    width = end.column - start.column if start.line == end.line else -1
    is_verbatim = width == len(event.value) + 2 * is_quoted
    return Node(file, start.line + 1, start.column + 1, event.value, is_quoted, is_verbatim)


def _collection(event: Any, file: str, sequence: type) -> Node:
    start = event.start_mark
    value: Any = [] if isinstance(event, sequence) else {}
    return Node(file, start.line + 1, start.column + 1, value)


class _Composer:
    """A tree of nodes while it is built. `open_nodes` are the collections that are not closed yet.

    `keys` has, for each of them, the key whose value comes next.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.open_nodes: list[Node] = []
        self.keys: list[Node | None] = []

    def add(self, node: Node) -> None:
        """Add a node to the innermost open collection."""
        if not self.open_nodes:
            if self.root is not None:
                node.fail(
                    "yaml-syntax", "the file has more than one document", "keep one document a file"
                )
            self.root = node
            return
        parent = self.open_nodes[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif self.keys[-1] is None:
            self._add_key(parent, node)
        else:
            self._add_value(parent, self.keys[-1], node)

    def _add_key(self, parent: Node, node: Node) -> None:
        if not isinstance(node.value, str):
            node.fail("yaml-syntax", "a key is not a plain text", "write `key: value`")
        if node.value in parent.value:
            node.fail("duplicate-key", f"the key `{node.value}` appears twice", "keep one of them")
        self.keys[-1] = node

    def _add_value(self, parent: Node, key: Node, node: Node) -> None:
        if not isinstance(node.value, str):
            node.line, node.column = key.line, key.column  # an item is declared at its name
        parent.value[key.value] = node
        parent.keys[key.value] = key
        self.keys[-1] = None

    def open(self, node: Node) -> None:
        """Add a collection, to which the next nodes belong."""
        self.add(node)
        self.open_nodes.append(node)
        self.keys.append(None)
        if len(self.open_nodes) > DEEPEST:
            node.fail("too-deep", f"the file nests more than {DEEPEST} levels", "flatten it")

    def close(self) -> None:
        """Close the innermost open collection."""
        self.open_nodes.pop()
        self.keys.pop()
