"""The forms that agencies fill in, and their words: the data of `forms.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from rules.errors import RequestError, nearest
from rules.frozen import frozen
from rules.input.printing import printable
from rules.input.typed_answers import Choice
from rules.input.vocabulary import RecordKind
from rules.input.yaml import Node, read_file
from rules.shelf import choice_labels, jurisdictions, spanish, vocabulary

ANY = "any"
_LANGUAGES = ("en", "es")
_KEYS = (
    *(
        "kind",
        "from",
        "decides",
        "title",
        "parts",
        "chooses",
        "begins",
        "says",
        "for",
        "fixed",
        "derived",
        "own",
        "only",
        "only_to",
        "unasked",
    ),
)


@frozen
class Member:
    """A member of a content that is no fact: its question by language."""

    path: str
    texts: Mapping[str, str]
    is_optional: bool = False


@frozen
class Reach:
    """The roles that a part of a form is for, and why no other agency receives it."""

    roles: tuple[str, ...]
    because: Mapping[str, str]


@frozen
class Form:
    """A form: the kind of record, and what its questions and recipients follow from.

    `roles` are those that fill it in. `parts` are the categories to ask for, each a part of the
    record. With `chooses`, the person first chooses some of them. With `begins`, the form begins a
    case. `says` is the label's statement. `purposes` are tried in order, each for its roles, None
    for every role. `fixed` are members that the form sets, `derived` the members that are the day
    of a fact's time. With `own`, the form asks only the facts that the adopted pack adds and the
    agency's role knows. `only` are the fields of lists to ask, if not all: the form states earlier
    parts again. `only_to` has the roles of the parts that are for some roles alone. `instead` are
    other texts of its questions. `unasked` are parts that state what is known here. `decides` is
    the decision whose outcome it states: under a pack, the form is for the role that decides it.
    """

    name: str
    kind: RecordKind
    roles: tuple[str, ...]
    title: Mapping[str, str]
    parts: tuple[str, ...]
    purposes: tuple[tuple[str, tuple[str, ...] | None], ...]
    chooses: bool = False
    begins: bool = False
    says: Mapping[str, Any] | None = None
    fixed: Mapping[str, Any] | None = None
    derived: Mapping[str, str] | None = None
    only: tuple[str, ...] = ()
    only_to: Mapping[str, Reach] | None = None
    instead: Mapping[str, Mapping[str, str]] | None = None
    own: bool = False
    decides: str | None = None
    unasked: tuple[str, ...] = ()

    def purposes_for(self, role: str | None) -> tuple[str, ...]:
        """Return the purposes to try for a recipient of a role, in order."""
        return tuple(purpose for purpose, roles in self.purposes if roles is None or role in roles)


# The decisions whose choices speak as the person who makes one. Others read the answer's words.
_FIRST_PERSON = ("screening",)


@frozen
class FormTerms:
    """Every form, and the words of their questions and choices."""

    forms: Mapping[str, Form]
    members: Mapping[str, Member]
    labels: Mapping[str, Mapping[str, Mapping[str, str]]]

    @cached_property
    def derived(self) -> Mapping[str, str]:
        """The members that are the day of a fact's time, each with the fact."""
        return {
            path: fact
            for form in self.forms.values()
            for path, fact in (form.derived or {}).items()
        }

    def choices(self, path: str, words: tuple[str, ...], language: str) -> tuple[Choice, ...]:
        """Return the choices of a fact or member with their labels."""
        return tuple(Choice(word, self.label(path, word, language)) for word in words)

    def label(self, path: str, word: str, language: str) -> str:
        """Return the label of a choice, or of a `unit`. A word without one shows itself."""
        fact_label = choice_labels().get(path, {}).get(word)
        if fact_label is not None:
            return fact_label.text(language)
        label = self.labels.get(path, {}).get(word)
        return label[language] if label else word.replace("_", " ")

    def decided_label(self, decision: str, outcome: object, language: str) -> str:
        """Return a person's decision in the words of the choice that the person made.

        `outcome` is a word or several. The rules' words for it may be those of a permission.
        """
        words = outcome if isinstance(outcome, (list, tuple)) else (outcome,)
        texts = (self._decided_word(decision, str(word), language) for word in words)
        text = ", ".join(texts)
        return text[:1].upper() + text[1:]

    def _decided_word(self, decision: str, word: str, language: str) -> str:
        chosen = {} if decision in _FIRST_PERSON else self.labels.get(f"decide.{decision}", {})
        path = "decide" if word in chosen else "decisions"
        return self.label(f"{path}.{decision}", word, language)

    def officer_label(self, outcome: str, language: str) -> str:
        """Return the label of an offer's outcome as the asking officer reads it."""
        label = self.labels.get("officer.offer", {}).get(outcome)
        return label[language] if label else self.label("decisions.offer", outcome, language)


def question_text(english: str, language: str) -> str:
    """Return a fact's question in a language, in English if it has no translation."""
    text = " ".join(english.split())
    return text if language == "en" else spanish().get(text, text)


# The members whose choices are closed words of the vocabulary, each with the name of its words.
_CLOSED_WORDS = {
    "status.engagement": "engagement",
    "barriers.areas": "area_of_life",
    "barriers.goals": "area_of_life",
}


@cache
def form_terms() -> FormTerms:
    """Return the shipped forms and their words. Raises `PackError` for a fault in the files."""
    top = read_file(jurisdictions() / "forms.yaml").mapping(
        "the forms", ("forms", "members", "instead", "labels"), ("forms", "members", "labels")
    )
    instead = {
        form: {path: _texts(node) for path, node in texts.mapping(f"`{form}`").items()}
        for form, texts in top["instead"].mapping("`instead`").items()
    }
    return FormTerms(
        {
            name: _read_form(name, node, instead.get(name, {}))
            for name, node in top["forms"].mapping("`forms`").items()
        },
        {path: _read_member(path, node) for path, node in top["members"].mapping("them").items()},
        {
            path: {word: _texts(inner) for word, inner in node.mapping(f"`{path}`").items()}
            for path, node in top["labels"].mapping("`labels`").items()
        }
        | {path: _labels_of(name) for path, name in _CLOSED_WORDS.items()},
    )


def _labels_of(name: str) -> dict[str, dict[str, str]]:
    """Return closed words with their labels by language, each with a capital."""
    return {
        word: {
            language: text[:1].upper() + text[1:]
            for language, text in zip(_LANGUAGES, texts, strict=True)
        }
        for word, texts in vocabulary().closed_words[name].items()
    }


def find_form(name: str) -> Form:
    """Return a form by its name. Raises `RequestError` `unknown-form`."""
    forms = form_terms().forms
    if name not in forms:
        raise RequestError(
            "unknown-form", f"there is no form `{printable(name)}`", fix=nearest(name, [*forms])
        )
    return forms[name]


def _read_form(name: str, node: Node, instead: Mapping[str, Mapping[str, str]]) -> Form:
    entry = node.mapping(f"the form `{name}`", _KEYS, ("kind", "title", "parts", "for"))
    data = {key: value.data() for key, value in entry.items()}
    return Form(
        name,
        kind := vocabulary().kinds[data["kind"]],
        tuple(data.get("from", kind.issuers)),
        _texts(entry["title"]),
        tuple(data["parts"]),
        tuple(_purposes(data["for"])),
        bool(data.get("chooses")),
        bool(data.get("begins")),
        data.get("says"),
        data.get("fixed", {}),
        data.get("derived", {}),
        tuple(data.get("only", ())),
        _reaches(entry["only_to"]) if "only_to" in entry else {},
        instead,
        bool(data.get("own")),
        data.get("decides"),
        tuple(data.get("unasked", ())),
    )


def _purposes(stated: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    for purpose, roles in stated.items():
        yield purpose, None if roles == ANY else tuple(roles)


def _reaches(node: Node) -> dict[str, Reach]:
    reaches = {}
    for category, inner in node.mapping("`only_to`").items():
        entry = inner.mapping(f"`{category}`", ("roles", "because"), ("roles", "because"))
        reaches[category] = Reach(tuple(entry["roles"].data()), _texts(entry["because"]))
    return reaches


def _texts(node: Node) -> dict[str, str]:
    entry = node.mapping("the words", _LANGUAGES, _LANGUAGES)
    return {language: entry[language].text(f"`{language}`") for language in _LANGUAGES}


def _read_member(path: str, node: Node) -> Member:
    entry = node.mapping(f"the question of `{path}`", (*_LANGUAGES, "optional"), _LANGUAGES)
    texts = {language: entry[language].text(f"`{language}`") for language in _LANGUAGES}
    is_optional = "optional" in entry and entry["optional"].flag("`optional`")
    return Member(path, texts, is_optional)
