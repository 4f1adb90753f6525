"""The vocabulary: facts, roles, categories, decisions and obligations that all packs share.

What holds afterwards: every fact has a type, a question, somebody who knows it and a category; every decision has its
outcomes in order. Packs are checked, and facts read, against this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rules.errors import nearest
from rules.frozen import frozen
from rules.input import keys
from rules.input.yaml import Node, read_file

TYPES = ("bool", "int", "decimal", "text", "choice", "date", "timestamp", "list")
KINDS = ("record", "measurement", "judgment", "event")
_PARTS = (
    "roles",
    "categories",
    "never_travels",
    "purposes",
    "barred_purposes",
    "kinds",
    "obligations",
    "decisions",
    "facts",
)
# Who belongs to a case but runs no agency: they sign no record.
_NO_AGENCIES = ("hub", "person", "policy_group")
_FIELD = re.compile(r"[a-z][a-z0-9_]*")


@frozen
class Fact:
    """One fact. `path` has no indices (`encounter.drugs.grams`); `of` is the list that a field belongs to."""

    path: str
    type: str
    question: str
    known_by: str
    category: str
    kind: str
    choices: tuple[str, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    unit: str | None = None
    of: str | None = None
    fields: Mapping[str, Fact] = field(default_factory=dict)
    says: str | tuple[str, str] | None = (
        None  # how documents speak of it, where `english.yaml` doesn't
    )

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


@frozen
class DecisionTerms:
    """What the vocabulary fixes of a decision. `outcomes` stand highest first."""

    name: str
    asks: str
    decided_by: str
    governed_by: str
    outcomes: tuple[str, ...]
    collect: bool = False
    reads_only: tuple[str, ...] = ()
    reads_criminal_history: bool = False
    keeps_its_needs: bool = False
    reads_clocks: bool = False
    tighten_only: tuple[str, ...] = ()
    categories: Mapping[str, str] = field(
        default_factory=dict
    )  # what an outcome tells whoever sees it


@frozen
class RecordKind:
    """A kind of record that agencies exchange: one line, who sends it, what its parts may hold, what a label says in clear.

    `says_in` is the category whose parts make the statement; None where all do. `case` is False for what is about no case.
    """

    name: str
    line: str
    issuers: tuple[str, ...]
    categories: tuple[str, ...]
    says: str | None = None
    says_in: str | None = None
    case: bool = True


@frozen
class Vocabulary:
    roles: Mapping[str, str]
    categories: Mapping[str, str]
    never_travels: tuple[str, ...]
    purposes: Mapping[str, str]
    barred_purposes: Mapping[str, str]
    kinds: Mapping[str, RecordKind]
    obligations: Mapping[str, str]
    decisions: Mapping[str, DecisionTerms]
    facts: Mapping[str, Fact]
    tree: Mapping[str, Any]  # the facts again, nested by the parts of their paths

    def extended(self, added: Mapping[str, Fact]) -> Vocabulary:
        facts = {**self.facts, **added}
        return replace(self, facts=facts, tree=nested(facts))


def read_vocabulary(path: Path) -> Vocabulary:
    """Reads `vocabulary.yaml`."""
    top = read_file(path).mapping("the vocabulary", _PARTS, required=_PARTS)
    words = {
        part: {key: node.text(f"`{key}`") for key, node in top[part].mapping(f"`{part}`").items()}
        for part in ("roles", "categories", "purposes", "barred_purposes", "obligations")
    }
    facts = {
        name: read_fact(name, node, words["roles"], words["categories"])
        for name, node in top["facts"].mapping("`facts`").items()
    }
    decisions = {
        name: _read_decision(name, node, words["roles"])
        for name, node in top["decisions"].mapping("`decisions`").items()
    }
    never = tuple(node.text("a category") for node in top["never_travels"].items("`never_travels`"))
    kinds = {
        name: _read_kind(name, node, words["roles"], words["categories"], never)
        for name, node in top["kinds"].mapping("`kinds`").items()
    }
    return Vocabulary(
        words["roles"],
        words["categories"],
        never,
        words["purposes"],
        words["barred_purposes"],
        kinds,
        words["obligations"],
        decisions,
        facts,
        nested(facts),
    )


def read_fact(
    path: str,
    node: Node,
    roles: Mapping[str, str],
    categories: Mapping[str, str],
    inherited: Fact | None = None,
) -> Fact:
    """Reads one declaration of a fact, of a list's field when `inherited` is the list."""
    what = f"the fact `{path}`"
    # The vocabulary's own facts are the project's words and have no source; a pack's are held to one by `assemble`.
    required = [key for key in (keys.FIELD if inherited else keys.FACT).required if key != "source"]
    entry = node.mapping(what, keys.FACT.names, tuple(required))

    def word(key: str, allowed: Any, default: str | None) -> str:
        if key not in entry:
            assert default is not None
            return default
        text = entry[key].text(f"`{key}` of {what}")
        if text not in allowed:
            code, named = (
                ("unknown-role", "role")
                if key == "known_by"
                else ("unknown-word", f"{key} of a fact")
            )
            entry[key].fail(code, f"`{text}` is no {named}", nearest(text, tuple(allowed)))
        return text

    type_name = word("type", TYPES, None)
    if inherited and type_name == "list":
        entry["type"].fail(
            "wrong-shape", f"{what} is a list inside a list", "make it a list of its own"
        )
    low = high = None
    if "range" in entry:
        ends = entry["range"].items(f"`range` of {what}")
        if len(ends) != 2:
            entry["range"].fail(
                "wrong-shape", f"`range` of {what} has not two ends", "write `[lowest, highest]`"
            )
        low, high = (_end(end, what) for end in ends)
        if low is not None and high is not None and low > high:
            entry["range"].fail(
                "wrong-shape",
                f"`range` of {what} ends before it begins",
                "write `[lowest, highest]`",
            )
    choices = (
        tuple(item.text("a choice") for item in entry["choices"].items("`choices`"))
        if "choices" in entry
        else ()
    )
    if (type_name == "choice") != bool(choices):
        node.fail(
            "wrong-shape",
            f"{what} needs `choices` exactly if it is a choice",
            "add or take away `choices`",
        )
    fact = Fact(
        path=path,
        type=type_name,
        question=entry["question"].text("the question"),
        known_by=word("known_by", roles, inherited.known_by if inherited else None),
        category=word("category", categories, inherited.category if inherited else None),
        kind=word("kind", KINDS, inherited.kind if inherited else None),
        choices=choices,
        low=low,
        high=high,
        unit=entry["unit"].text("the unit") if "unit" in entry else None,
        of=inherited.path if inherited else None,
        says=_phrase(entry["says"], what, type_name) if "says" in entry else None,
    )
    if type_name == "list":
        if "fields" not in entry:
            node.fail("missing-key", f"{what} has no `fields`", "say what its records hold")
        inner = entry["fields"].mapping(f"the fields of {what}")
        for key in inner:
            if not _FIELD.fullmatch(key):
                inner[key].fail(
                    "bad-id", f"`{key}` is no name", "use small letters, digits and underscores"
                )
        fields = {
            key: read_fact(f"{path}.{key}", sub, roles, categories, fact)
            for key, sub in inner.items()
        }
        fact = replace(fact, fields=fields)
    return fact


def _phrase(node: Node, what: str, type_name: str) -> str | tuple[str, str]:
    """A noun; of a yes or no the two clauses, of a list the name of one and of several."""
    if type_name not in ("bool", "list"):
        return node.text(f"`says` of {what}")
    texts = [item.text("a phrase") for item in node.items(f"`says` of {what}")]
    if len(texts) != 2:
        node.fail(
            "wrong-shape",
            f"`says` of {what} has not two phrases",
            "write both: `[there is one, there is none]`",
        )
    return texts[0], texts[1]


def _end(node: Node, what: str) -> Decimal | None:
    """One end of a range: a number, or `null` for none."""
    number = node.data()
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        node.fail(
            "wrong-shape",
            f"an end of the `range` of {what} is no number",
            "write a number, or `null` for no end",
        )
    return Decimal(number)


def _read_decision(name: str, node: Node, roles: Mapping[str, str]) -> DecisionTerms:
    entry = node.mapping(
        f"the decision `{name}`",
        (
            "asks",
            "decided_by",
            "governed_by",
            "outcomes",
            "collect",
            "reads_only",
            "reads_criminal_history",
            "keeps_its_needs",
            "reads_clocks",
            "tighten_only",
            "categories",
        ),
        ("asks", "decided_by", "governed_by", "outcomes"),
    )

    def texts(key: str) -> tuple[str, ...]:
        return (
            tuple(item.text(key) for item in entry[key].items(f"`{key}`")) if key in entry else ()
        )

    def flag(key: str) -> bool:
        return key in entry and entry[key].flag(f"`{key}`")

    decided_by = entry["decided_by"].text("`decided_by`")
    if decided_by not in roles:
        entry["decided_by"].fail(
            "unknown-role", f"`{decided_by}` is no role", nearest(decided_by, tuple(roles))
        )
    return DecisionTerms(
        name,
        entry["asks"].text("`asks`"),
        decided_by,
        entry["governed_by"].text("`governed_by`"),
        texts("outcomes"),
        flag("collect"),
        texts("reads_only"),
        flag("reads_criminal_history"),
        flag("keeps_its_needs"),
        flag("reads_clocks"),
        texts("tighten_only"),
        {
            key: node.text("a category")
            for key, node in entry["categories"].mapping("`categories`").items()
        }
        if "categories" in entry
        else {},
    )


def _read_kind(
    name: str,
    node: Node,
    roles: Mapping[str, str],
    categories: Mapping[str, str],
    never: tuple[str, ...],
) -> RecordKind:
    what = f"the kind `{name}`"
    entry = node.mapping(
        what, ("is", "from", "holds", "says", "says_in", "case"), ("is", "from", "holds")
    )

    def words(key: str, allowed: tuple[str, ...], named: str) -> tuple[str, ...]:
        found = []
        for item in entry[key].items(f"`{key}` of {what}"):
            text = item.text(named)
            if text not in allowed:
                item.fail(
                    "unknown-word", f"`{text}` is no {named} of a kind", nearest(text, allowed)
                )
            found.append(text)
        return tuple(found)

    agencies = tuple(role for role in roles if role not in _NO_AGENCIES)
    travel = tuple(category for category in categories if category not in never)
    return RecordKind(
        name,
        entry["is"].text(f"`is` of {what}"),
        agencies if entry["from"].data() == "any" else words("from", agencies, "role"),
        words("holds", travel, "category"),
        entry["says"].text("a statement") if "says" in entry else None,
        entry["says_in"].text("a category") if "says_in" in entry else None,
        entry["case"].flag("`case`") if "case" in entry else True,
    )


def nested(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What stands under dotted paths, as objects in objects."""
    tree: dict[str, Any] = {}
    for path, fact in facts.items():
        *groups, last = path.split(".")
        level = tree
        for group in groups:
            level = level.setdefault(group, {})
        level[last] = fact
    return tree
