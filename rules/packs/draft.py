"""A pack while it is assembled, and the readers of the parts that many items have.

Messages name the item at fault by a `subject`, such as "the rule `young`".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rules.errors import PackError, nearest
from rules.input import keys
from rules.input.vocabulary import DecisionTerms, Vocabulary
from rules.input.yaml import Node
from rules.language.checker import Scope
from rules.language.tokens import KEYWORDS, RESERVED
from rules.packs.days import read_day, reversed_days
from rules.packs.faults import Faults, gather
from rules.packs.pack import Citation, Offenses, Other, Pack, Parameter, Source

if TYPE_CHECKING:
    from rules.packs.table_head import TableHead

_UNUSABLE = KEYWORDS | RESERVED | {"decisions", "clocks", "has", "size", "sum", "if_known"}
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PARAMETER_IN_TEXT = re.compile(r"\{([^{}]*)\}")
T = TypeVar("T")


class Find(Protocol):
    """A lookup of the folders that a pack names by id.

    Its methods raise `PackError` without a place.
    """

    def pack(self, pack_id: str, /) -> Path:
        """Return the folder of a pack."""

    def table(self, name: str, /) -> Path:
        """Return the folder of an offense table."""

    def beside(self, folder: Path, /) -> Find:
        """Return the lookup for what the pack in a folder names."""

    def replaces_shipped(self, folder: Path, /) -> bool:
        """Return whether a folder is a local one with the name of a shipped pack or table."""


class Draft:
    """A pack while it is assembled: its file, its parent, and the names that its items may use.

    The stages add to it in this order: sources, facts and spellings of citations (in `vocabulary`),
    parameters, offenses, the terms of decisions, and `scope`, which conditions are checked against.
    """

    scope: Scope

    def __init__(
        self,
        pack_id: str,
        top: Node,
        entry: Mapping[str, Node],
        parent: Pack | None,
        vocabulary: Vocabulary,
        find: Find,
        faults: Faults,
    ) -> None:
        self.faults = faults
        self.id = pack_id
        self.top = top
        self.entry = entry
        self.parent = parent
        self.find = find
        self.vocabulary = parent.vocabulary if parent else vocabulary
        self.shared_facts = vocabulary.facts
        self.sources: dict[str, Source] = dict(parent.sources) if parent else {}
        self.parameters: dict[str, Parameter] = dict(parent.parameters) if parent else {}
        self.offenses: Offenses | None = parent.offenses if parent else None
        self.table_head: TableHead | None = None
        self.terms: dict[str, DecisionTerms] = {}
        self.local: dict[str, str] = dict(parent.local) if parent else {}

    def section(self, key: str) -> dict[str, Node]:
        """Return the entries of a mapping at the top of the pack, or none if it is not there."""
        return self.entry[key].mapping(f"`{key}`") if key in self.entry else {}

    def overrides(self, key: str) -> dict[str, Node]:
        """Return the parent's parameters, clocks, or consent sets that the pack overrides."""
        if "override" not in self.entry:
            return {}
        fields = self.entry["override"].mapping("`override`", keys.OVERRIDE.names)
        return fields[key].mapping(f"`override.{key}`") if key in fields else {}

    def read_citation(self, node: Node, fields: Mapping[str, Node], subject: str) -> Citation:
        """Read `source`: the id of a source, or its id with a place in it."""
        if "source" not in fields:
            node.fail("no-source", f"{subject} has no `source`", "name the source it rests on")
        cited = fields["source"]
        at = None
        if isinstance(cited.value, dict):
            inner = cited.mapping(f"the source of {subject}", ("id", "at"), ("id",))
            at = inner["at"].text("`at`") if "at" in inner else None
            cited = inner["id"]
        name = cited.text(f"the source of {subject}")
        if name not in self.sources:
            cited.fail(
                "unknown-source", f"there is no source `{name}`", nearest(name, tuple(self.sources))
            )
        return Citation(name, at)

    def read_item(self, node: Node, fields: Mapping[str, Node], subject: str) -> dict[str, Any]:
        """Read the fields that every `Item` has, by name."""
        days = gather(
            {key: partial(read_day, fields[key]) for key in ("from", "until") if key in fields}
            | {"source": partial(self.read_citation, node, fields, subject)}
        )
        since, until = days.get("from"), days.get("until")
        source = days["source"]
        if since and until and until <= since:
            fields["until"].fail("dates-reversed", *reversed_days(subject, since, until))
        return {
            "source": source,
            "since": since,
            "until": until,
            "provisional": read_optional_text(fields, "provisional"),
            "other": tuple(self._read_other(inner) for inner in read_items(fields, "other")),
            "declared_in": self.id,
            "place": node.place,
        }

    def _read_other(self, node: Node) -> Other:
        fields = node.mapping("what another source says", keys.OTHER.names, keys.OTHER.required)
        statement = fields["says"].text("`says`")
        source = self.read_citation(node, fields, "the other value")
        return Other(statement, source, read_optional_text(fields, "why"))

    def read_role(self, node: Node) -> str:
        """Read the name of a role."""
        name = node.text("the role")
        if name not in self.vocabulary.roles:
            node.fail(
                "unknown-role",
                f"there is no role `{name}`",
                nearest(name, tuple(self.vocabulary.roles)),
            )
        return name

    def read_reviewer(self, fields: Mapping[str, Node]) -> str | None:
        """Read the role in `reviewable_by`, if there is one."""
        return self.read_role(fields["reviewable_by"]) if "reviewable_by" in fields else None

    def read_wording(self, node: Node) -> str:
        """Read a text that may name parameters in `{braces}`."""
        text = " ".join(node.text("the wording").split())
        names = _PARAMETER_IN_TEXT.findall(text)
        gather({name: partial(self._refuse_unknown, name, node) for name in names})
        return text

    def _refuse_unknown(self, name: str, node: Node) -> None:
        """Refuse the name of a parameter that the pack doesn't have."""
        if name not in self.parameters:
            node.fail(
                "unknown-parameter",
                f"there is no parameter `{name}`",
                nearest(name, tuple(self.parameters)),
            )


def find_folder(lookup: Callable[[str], Path], node: Node, name: str) -> Path:
    """Look up a folder. An error gets the place of the node that names it."""
    try:
        return lookup(name)
    except PackError as error:
        raise PackError(error.code, error.message, at=node.place, fix=error.fix) from None


def merge_items(
    noun: str,
    parents: Mapping[str, T],
    added: Mapping[str, Node],
    replaced: Mapping[str, Node],
    read: Callable[[str, Node], T],
    faults: Faults,
) -> dict[str, T]:
    """Return the parent's items with some replaced and others added, by name.

    The faults of items are collected.
    """
    result = dict(parents)
    for name, node in replaced.items():
        with faults.collect(name):
            if name not in parents:
                node.fail(
                    "override-of-nothing",
                    f"there is no {noun} `{name}` to override",
                    nearest(name, tuple(parents)),
                )
            result[name] = read(name, node)
    for name, node in added.items():
        with faults.collect(name):
            if name in parents:
                node.fail(
                    "duplicate-id",
                    f"the {noun} `{name}` is in the parent already",
                    "override it, or rename it",
                )
            result[name] = read(name, node)
    return result


def read_items(fields: Mapping[str, Node], key: str) -> list[Node]:
    """Return the items of a list, or none if it is not there."""
    return fields[key].items(f"`{key}`") if key in fields else []


def read_optional_text(fields: Mapping[str, Node], key: str) -> str | None:
    """Read a text that may be left out."""
    return fields[key].text(f"`{key}`") if key in fields else None


def read_id(node: Node) -> str:
    """Read `id`: small letters, digits, and hyphens."""
    name = node.text("`id`")
    refuse_bad_id(name, node)
    return name


def refuse_bad_id(name: str, node: Node) -> None:
    """Refuse an id of other characters than small letters, digits, and hyphens."""
    if not _ID.fullmatch(name):
        node.fail("bad-id", f"`{name}` is no id", "use small letters, digits and hyphens")


def refuse_unusable(name: str, node: Node) -> None:
    """Refuse a name of a parameter, decision, or clock that no condition could write."""
    if not _NAME.fullmatch(name):
        node.fail("bad-id", f"`{name}` is no name", "use small letters, digits and underscores")
    if name in _UNUSABLE:
        node.fail("bad-id", f"`{name}` is a word of the language", "choose another name")
