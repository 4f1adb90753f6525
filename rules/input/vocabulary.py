"""The vocabulary: facts, roles, categories, decisions and obligations that all packs share.

Every fact has a type, a question, a role that knows it, and a category. Every decision has its
outcomes in order. Packs are checked against the vocabulary, and facts are read with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal

from rules.errors import nearest
from rules.frozen import cached_property, field, frozen, replace
from rules.input.citations import System, clashing
from rules.input.finer_words import WordTree

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from rules.input.yaml import Node

TYPES = ("bool", "int", "decimal", "text", "citation", "choice", "date", "timestamp", "list")
# People who answer an agency's question. They sign nothing and receive no part.
PERSONS = ("victim", "parent", "person")
KINDS = ("record", "measurement", "judgment", "event")
_PARTS = (
    "roles",
    "categories",
    "never_travels",
    "purposes",
    "barred_purposes",
    "kinds",
    "closed_words",
    "obligations",
    "decisions",
    "citations",
    "facts",
)
# Roles of a case that run no agency: they sign no record.
_NO_AGENCIES = ("hub", "person", "policy_group")
_FIELD = re.compile(r"[a-z][a-z0-9_]*")


# Categories that state terms and acts of the exchange, or that pass without a consent within limits
# that the law sets (42 CFR 2.12(c)(5)). No record has a fact of a pack's own in them.
CLOSED_TO_PACKS = (
    *("operation", "consent_terms", "consent_identity", "disclosure_account", "premises_crime"),
)


@frozen
class Fact:
    """A fact. `path` has no indices (`encounter.drugs.grams`). `of` is the list of a field.

    `says` is how documents refer to the fact, where `english.yaml` does not. `finer` has the words
    that a pack adds to `choices`, each with the word just above it. `asks` is the person who gives
    the answer to the agency that holds it. `cited` is the source of one that a pack adds, and the
    place in it.
    """

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
    says: str | tuple[str, str] | None = None
    finer: Mapping[str, str] = field(default_factory=dict)
    asks: str | None = None
    scene: bool = False
    cited: tuple[str, str | None] | None = None

    @property
    def range_text(self) -> str | None:
        """The range in words, such as `0 to 40 g`, None without one."""
        if self.low is None and self.high is None:
            return None
        low, high = (
            None if end is None else format(end.normalize(), "f") for end in (self.low, self.high)
        )
        unit = f" {self.unit}" if self.unit else ""
        if high is None:
            return f"at least {low}{unit}"
        return f"at most {high}{unit}" if low is None else f"{low} to {high}{unit}"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @cached_property
    def word_tree(self) -> WordTree:
        """The choices, with the finer words below the coarse ones."""
        return WordTree(self.choices, self.finer)


@frozen
class DecisionTerms:
    """The terms of a decision that the vocabulary fixes. `outcomes` are in order, highest first.

    `categories` is the category of an outcome as information. `reads` is what a decision of a
    pack's own reads besides facts. With `scene` it reads only facts that an officer can see or ask
    at the scene. `takes_if_known` lets its rules ask what is known by chance.
    """

    name: str
    asks: str
    decided_by: str
    governed_by: str
    outcomes: tuple[str, ...]
    collect: bool = False
    reads: tuple[str, ...] = ()
    takes_if_known: bool = False
    reads_criminal_history: bool = False
    keeps_its_needs: bool = False
    reads_clocks: bool = False
    tighten_only: tuple[str, ...] = ()
    categories: Mapping[str, str] = field(default_factory=dict)


@frozen
class RecordKind:
    """A kind of record that agencies exchange.

    `issuers` are the roles that send it, `categories` those of its parts. `says` is the statement
    that a label makes in clear, and `says_in` the category whose parts make it, or None if all do.
    `case` is False for a record that is about no case.
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
    """The whole vocabulary.

    `closed_words` has the words of each form's field, each in English and Spanish. `tree` has the
    facts again, nested by the parts of their paths. `citations` are the known systems of citing
    law. `short_citations` are further spellings, which the offense table of a pack adds, each with
    its system. `own` are the paths of the facts that packs added.
    """

    roles: Mapping[str, str]
    categories: Mapping[str, str]
    never_travels: tuple[str, ...]
    purposes: Mapping[str, str]
    barred_purposes: Mapping[str, str]
    kinds: Mapping[str, RecordKind]
    obligations: Mapping[str, str]
    decisions: Mapping[str, DecisionTerms]
    facts: Mapping[str, Fact]
    tree: Mapping[str, Any]
    closed_words: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    citations: Mapping[str, System] = field(default_factory=dict)
    short_citations: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    def extended(self, added: Mapping[str, Fact]) -> Vocabulary:
        """Return the vocabulary with more facts, or with facts in place of those of their paths."""
        facts = {**self.facts, **added}
        own = self.own | (added.keys() - self.facts.keys())
        return replace(self, facts=facts, tree=nested(facts), own=own)

    def fact_at(self, path: str) -> Fact | None:
        """Return the fact with this path, or the field of a list with it."""
        fact = self.facts.get(path)
        if fact is None:
            above, _, name = path.rpartition(".")
            fact = self.facts[above].fields.get(name) if above in self.facts else None
        return fact

    def with_fact(self, fact: Fact) -> Vocabulary:
        """Return the vocabulary with a fact or field in place of the one with its path."""
        if fact.of is None:
            return self.extended({fact.path: fact})
        over = self.facts[fact.of]
        return self.extended({over.path: replace(over, fields={**over.fields, fact.name: fact})})

    @cached_property
    def is_refined(self) -> bool:
        """True if a choice has finer words."""
        return any(
            entry.finer for fact in self.facts.values() for entry in (fact, *fact.fields.values())
        )


def read_vocabulary(path: Path) -> Vocabulary:
    """Read `vocabulary.yaml`. Raises `PackError`."""
    from rules.input.yaml import read_file  # a ready pack has its vocabulary

    top = read_file(path).mapping("the vocabulary", _PARTS, required=_PARTS)
    texts = {
        part: {key: node.text(f"`{key}`") for key, node in top[part].mapping(f"`{part}`").items()}
        for part in ("roles", "categories", "purposes", "barred_purposes", "obligations")
    }
    facts = {
        name: read_fact(name, node, texts["roles"], texts["categories"])
        for name, node in top["facts"].mapping("`facts`").items()
    }
    decisions = {
        name: _read_decision(name, node, texts["roles"])
        for name, node in top["decisions"].mapping("`decisions`").items()
    }
    never = tuple(node.text("a category") for node in top["never_travels"].items("`never_travels`"))
    kinds = {
        name: _read_kind(name, node, texts["roles"], texts["categories"], never)
        for name, node in top["kinds"].mapping("`kinds`").items()
    }
    return Vocabulary(
        texts["roles"],
        texts["categories"],
        never,
        texts["purposes"],
        texts["barred_purposes"],
        kinds,
        texts["obligations"],
        decisions,
        facts,
        nested(facts),
        {
            name: _read_closed_words(name, node)
            for name, node in top["closed_words"].mapping("`closed_words`").items()
        },
        _read_systems(top["citations"]),
    )


def _read_systems(node: Node) -> dict[str, System]:
    """Read the systems of citing law, by name."""
    systems: dict[str, System] = {}
    for name, inner in node.mapping("`citations`").items():
        subject = f"the system `{name}`"
        entry = inner.mapping(
            subject, ("authority", "of", "levels", "spellings"), ("authority", "levels")
        )
        levels = entry["levels"].text(f"`levels` of {subject}")
        title, _, rest = levels.rpartition(" before ")
        spellings = entry["spellings"].items("`spellings`") if "spellings" in entry else []
        systems[name] = System(
            name,
            entry["authority"].text("`authority`"),
            tuple(spelling.text("a spelling") for spelling in spellings),
            (*([title] if title else []), *re.split("[.:/-]", rest)),
            tuple(re.findall("[.:/-]", rest)),
            bool(title),
            entry["of"].text(f"`of` of {subject}") if "of" in entry else None,
        )
    clash = clashing(systems.values(), {})
    if clash is not None:
        node.fail("name-clash", f"`{clash}` is a spelling of two systems", "leave it to one")
    return systems


def read_fact(
    path: str,
    node: Node,
    roles: Mapping[str, str],
    categories: Mapping[str, str],
    parent: Fact | None = None,
) -> Fact:
    """Read the declaration of a fact, or of a field of the list `parent`.

    A field has the role, category, and kind of its list unless it has its own.
    """
    from rules.input import keys

    subject = f"the fact `{path}`"
    # The vocabulary's own facts have no source. `head` requires one of a fact that a pack adds.
    required = (*keys.FIELD.required, *(() if parent else keys.OF_ITS_OWN))
    entry = node.mapping(subject, keys.FACT.names, required)
    type_name = _read_word(entry, "type", TYPES, subject)
    if parent and type_name == "list":
        entry["type"].fail(
            "wrong-shape", f"{subject} is a list inside a list", "make it a list of its own"
        )
    unit = entry["unit"].text("the unit") if "unit" in entry else None
    low, high = read_range(entry["range"], subject, unit) if "range" in entry else (None, None)
    choices = (
        tuple(item.text("a choice") for item in entry["choices"].items("`choices`"))
        if "choices" in entry
        else ()
    )
    if (type_name == "choice") != bool(choices):
        node.fail(
            "wrong-shape",
            f"{subject} needs `choices` exactly if it is a choice",
            "add or take away `choices`",
        )
    fact = Fact(
        path=path,
        type=type_name,
        question=entry["question"].text("the question"),
        known_by=_read_word(entry, "known_by", roles, subject, parent.known_by if parent else None),
        category=_read_word(
            entry, "category", categories, subject, parent.category if parent else None
        ),
        kind=_read_word(entry, "kind", KINDS, subject, parent.kind if parent else None),
        choices=choices,
        low=low,
        high=high,
        unit=unit,
        of=parent.path if parent else None,
        says=_read_phrase(entry["says"], subject, type_name) if "says" in entry else None,
        asks=_read_word(entry, "asks", PERSONS, subject) if "asks" in entry else None,
        scene=_read_scene(entry, parent),
    )
    if type_name != "list":
        return fact
    if "fields" not in entry:
        node.fail("missing-key", f"{subject} has no `fields`", "say what its records hold")
    return replace(fact, fields=_read_fields(fact, entry["fields"], roles, categories))


def _read_scene(entry: Mapping[str, Node], parent: Fact | None) -> bool:
    """Read `scene`: whether an officer can see or ask it at the scene."""
    return "scene" in entry and entry["scene"].flag("`scene`")


def _read_word(
    entry: Mapping[str, Node],
    key: str,
    allowed: Collection[str],
    subject: str,
    inherited: str | None = None,
) -> str:
    """Read a word of a closed list, or return the inherited one if there is none."""
    if key not in entry:
        assert inherited is not None  # the key is required of a fact without a parent
        return inherited
    text = entry[key].text(f"`{key}` of {subject}")
    if text not in allowed:
        code, noun = {
            "known_by": ("unknown-role", "role"),
            "asks": ("unknown-word", "person whom an agency asks"),
        }.get(key, ("unknown-word", f"{key} of a fact"))
        entry[key].fail(code, f"`{text}` is no {noun}", nearest(text, tuple(allowed)))
    return text


def read_range(node: Node, subject: str, unit: str | None) -> tuple[Decimal | None, Decimal | None]:
    """Read the lowest and the highest value, of which each may be null."""
    ends = node.items(f"`range` of {subject}")
    if len(ends) != 2:
        node.fail(
            "wrong-shape", f"`range` of {subject} has not two ends", "write `[lowest, highest]`"
        )
    low, high = (_read_end(end, subject, unit) for end in ends)
    if low is not None and high is not None and low > high:
        node.fail(
            "wrong-shape",
            f"`range` of {subject} ends before it begins",
            "write `[lowest, highest]`",
        )
    return low, high


def _read_end(node: Node, subject: str, unit: str | None) -> Decimal | None:
    from rules.input.amounts import fault_of, fits

    number = node.data()
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        node.fail(
            "wrong-shape",
            f"an end of the `range` of {subject} is no number",
            "write a number, or `null` for no end",
        )
    if not fits(number, unit):
        fault, fix = fault_of(number, unit)
        node.fail("number-too-fine", f"an end of the `range` of {subject} {fault}", fix)
    return Decimal(number)


def _read_fields(
    parent: Fact, node: Node, roles: Mapping[str, str], categories: Mapping[str, str]
) -> dict[str, Fact]:
    """Read the fields of a list's records, by name."""
    entry = node.mapping(f"the fields of the fact `{parent.path}`")
    for name, inner in entry.items():
        if not _FIELD.fullmatch(name):
            inner.fail(
                "bad-id", f"`{name}` is no name", "use small letters, digits and underscores"
            )
    return {
        name: read_fact(f"{parent.path}.{name}", inner, roles, categories, parent)
        for name, inner in entry.items()
    }


def _read_phrase(node: Node, subject: str, type_name: str) -> str | tuple[str, str]:
    """Read a noun, or two phrases: clauses for yes and no, or a list's singular and plural."""
    if type_name not in ("bool", "list"):
        return node.text(f"`says` of {subject}")
    texts = [item.text("a phrase") for item in node.items(f"`says` of {subject}")]
    if len(texts) != 2:
        node.fail(
            "wrong-shape",
            f"`says` of {subject} has not two phrases",
            "write both: `[there is one, there is none]`",
        )
    return texts[0], texts[1]


def _read_decision(name: str, node: Node, roles: Mapping[str, str]) -> DecisionTerms:
    entry = node.mapping(
        f"the decision `{name}`",
        (
            "asks",
            "decided_by",
            "governed_by",
            "outcomes",
            "collect",
            "reads",
            "takes_if_known",
            "reads_criminal_history",
            "keeps_its_needs",
            "reads_clocks",
            "tighten_only",
            "categories",
        ),
        ("asks", "decided_by", "governed_by", "outcomes"),
    )

    def texts(key: str) -> tuple[str, ...]:
        """Read a list of texts that may be left out."""
        return (
            tuple(item.text(key) for item in entry[key].items(f"`{key}`")) if key in entry else ()
        )

    def flag(key: str) -> bool:
        """Read a flag that is false if it is left out."""
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
        texts("reads"),
        flag("takes_if_known"),
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
    subject = f"the kind `{name}`"
    entry = node.mapping(
        subject, ("is", "from", "holds", "says", "says_in", "case"), ("is", "from", "holds")
    )

    def read_words(key: str, allowed: tuple[str, ...], noun: str) -> tuple[str, ...]:
        """Read a list of words of a closed list."""
        texts = []
        for item in entry[key].items(f"`{key}` of {subject}"):
            text = item.text(noun)
            if text not in allowed:
                item.fail(
                    "unknown-word", f"`{text}` is no {noun} of a kind", nearest(text, allowed)
                )
            texts.append(text)
        return tuple(texts)

    agencies = tuple(role for role in roles if role not in _NO_AGENCIES)
    travel = tuple(category for category in categories if category not in never)
    return RecordKind(
        name,
        entry["is"].text(f"`is` of {subject}"),
        agencies if entry["from"].data() == "any" else read_words("from", agencies, "role"),
        read_words("holds", travel, "category"),
        entry["says"].text("a statement") if "says" in entry else None,
        entry["says_in"].text("a category") if "says_in" in entry else None,
        entry["case"].flag("`case`") if "case" in entry else True,
    )


def _read_closed_words(name: str, node: Node) -> dict[str, tuple[str, str]]:
    """Read the words of one field, each with what people read in English and in Spanish."""
    words = {}
    for word, texts in node.mapping(f"the words of `{name}`").items():
        entry = texts.mapping(f"the word `{word}`", ("en", "es"), ("en", "es"))
        words[word] = entry["en"].text("the English"), entry["es"].text("the Spanish")
    return words


def nested(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Nest values by the parts of their dotted paths."""
    tree: dict[str, Any] = {}
    for path, fact in facts.items():
        *groups, last = path.split(".")
        level = tree
        for group in groups:
            level = level.setdefault(group, {})
        level[last] = fact
    return tree
