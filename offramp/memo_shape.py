"""The shape of a memo's JSON: which parts it must have, and of which kind each is.

A memo travels between agencies, and signers read its words. So a part that is missing or of another
kind is refused before any word is made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from rules.frozen import frozen


@frozen
class Parts:
    """An object with these parts. A name that ends in `?` may be absent. Others are ignored."""

    parts: Mapping[str, Any]


@frozen
class ListOf:
    """A list whose entries have one shape. `least` is its least length."""

    shape: Any
    least: int = 0


@frozen
class MapOf:
    """An object whose values have one shape."""

    shape: Any


@frozen
class Either:
    """One of several shapes."""

    shapes: tuple[Any, ...]


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_digest(value: Any) -> bool:
    return (
        isinstance(value, str)
        and value.startswith("sha256:")
        and len(value) == 71
        and all(letter in "0123456789abcdef" for letter in value[7:])
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


TEXT, FLAG, OBJECT, ANY = str, bool, dict, object
MAYBE_TEXT = Either((TEXT, type(None)))
DAY, DIGEST, COUNT = _is_day, _is_digest, _is_count
MAYBE_DAY = Either((DAY, type(None)))
_SIDE = Parts(
    {
        "pack": TEXT,
        "title": TEXT,
        "day": DAY,
        "since?": MAYBE_DAY,
        "until?": MAYBE_DAY,
        "digest": DIGEST,
    }
)
_COVERS = Parts({"from": DAY, "until": MAYBE_DAY})
_DIFFERENCE = Parts({"what": TEXT, "how": TEXT, "before?": TEXT, "after?": TEXT})
_CHANGE = Parts(
    {
        **_DIFFERENCE.parts,
        "label?": TEXT,
        "source?": TEXT,
        "provisional?": TEXT,
        "source_before?": TEXT,
        "provisional_before?": TEXT,
        "because?": TEXT,
        "same_source?": FLAG,
        "times?": TEXT,
        "changes_no_answer?": FLAG,
    }
)
_PAIR = Parts(
    {
        "before": TEXT,
        "after": TEXT,
        "outcome?": TEXT,
        "regions": ListOf(
            Parts({"all": ListOf(OBJECT), "and_no_other_bar": FLAG, "reads": ListOf(TEXT)}), 1
        ),
        "regions_left_out": COUNT,
        "complete": FLAG,
        "example": Parts(
            {"facts": OBJECT, "rules": Parts({"before": ListOf(TEXT), "after": ListOf(TEXT)})}
        ),
    }
)
_ANSWER = Parts(
    {
        "bound": Parts({"complete": FLAG, "lists": MapOf(COUNT)}),
        "pairs": ListOf(_PAIR),
        "never": ListOf(Parts({"before": TEXT, "after": TEXT})),
        "open?": TEXT,
    }
)
_PART = {
    "redline": ListOf(_CHANGE),
    "sentences": ListOf(Parts({"rule": TEXT, "before": TEXT, "after": TEXT})),
    "decisions": MapOf(_ANSWER),
    "unchanged": ListOf(TEXT),
    "changed_only_through": MapOf(ListOf(TEXT)),
}
_SCENARIO = Parts(
    {"id": TEXT, "says": TEXT, "decision": TEXT, "as_of?": TEXT, "facts": OBJECT, "expect": OBJECT}
)
_SHOWN = Either((COUNT, Parts({"hidden": FLAG})))
_OWN = Parts(
    {
        "cases": _SHOWN,
        "decisions": ListOf(TEXT),
        "changed": ListOf(
            Parts({"decision": TEXT, "before": TEXT, "after": TEXT, "cases": _SHOWN})
        ),
    }
)
_BREAK_EVEN = Parts({"text": TEXT})
_PROGRAM = {
    "places": ListOf(Parts({"low": ANY, "high": ANY, "source": TEXT})),
    "break_even": ListOf(_BREAK_EVEN),
}
MEMO = Parts(
    {
        "old": _SIDE,
        "new": _SIDE,
        "of_decisions": ListOf(TEXT),
        "covers": Either((_COVERS, type(None))),
        "without_rules?": ListOf(
            Parts({"from": MAYBE_DAY, "until": MAYBE_DAY, "sides": ListOf(TEXT, 1)})
        ),
        "same_rules_since?": DAY,
        **_PART,
        "one_sided?": ListOf(
            Parts(
                {
                    "side": TEXT,
                    "covers": Parts({"from": MAYBE_DAY, "until": MAYBE_DAY}),
                    "rules_of": DAY,
                    "compared_with": DAY,
                    **_PART,
                }
            )
        ),
        "later": ListOf(Parts({"covers": _COVERS, **_PART})),
        "redline_other_days": ListOf(_DIFFERENCE),
        "differs_from": MAYBE_DAY,
        "scenarios": Parts(
            {
                "asked": COUNT,
                "list": ListOf(Parts({**_SCENARIO.parts, "of": TEXT})),
                "flips": ListOf(
                    Parts({"id": TEXT, "decision": TEXT, "before": TEXT, "after": TEXT})
                ),
                "unanswered?": ListOf(Parts({"id": TEXT, "decision": TEXT, "side": TEXT})),
                "failing?": ListOf(Parts({"id": TEXT, "why": TEXT})),
                "edges": ListOf(_SCENARIO),
                "uncovered?": ListOf(TEXT),
                "none_possible?": ListOf(TEXT),
            }
        ),
        "open_cases": Parts(
            {
                "says": MAYBE_TEXT,
                "decided_at_the_time": ListOf(TEXT),
                "perhaps_decided_at_the_time?": ListOf(TEXT),
                "clocks": ListOf(
                    Parts({"clock": TEXT, "before": MAYBE_TEXT, "after": MAYBE_TEXT, "from?": DAY})
                ),
                "own?": _OWN,
            }
        ),
        "program?": Parts({**_PROGRAM, "before?": Parts(_PROGRAM)}),
        "promises": Parts(
            {
                "proved": COUNT,
                "laws?": COUNT,
                "idle?": COUNT,
                "broken": ListOf(
                    Parts({"promise": TEXT, "decision": TEXT, "says": TEXT, "lifted": FLAG})
                ),
                "open": ListOf(Parts({"promise": TEXT, "says": TEXT, "why": TEXT})),
            }
        ),
        "findings": ListOf(TEXT),
        "sources": MapOf(Parts({"title": TEXT, "address": TEXT})),
        "cohort?": OBJECT,
        "repeat": Parts({"command?": TEXT, "engines": MapOf(TEXT)}),
    }
)


def first_wrong(value: Any, shape: Any, path: str = "memo") -> str | None:
    """Return the path of the first part that is missing or of another kind, None if all are right.

    A shape is a type, a test of one value, or one of the classes here.
    """
    match shape:
        case Parts(parts):
            if not isinstance(value, dict):
                return path
            wrongs = (
                first_wrong(value.get(name.rstrip("?")), part, f"{path}.{name.rstrip('?')}")
                for name, part in parts.items()
                if not name.endswith("?") or name.rstrip("?") in value
            )
        case MapOf(part):
            if not isinstance(value, dict):
                return path
            wrongs = (first_wrong(each, part, f"{path}.{name}") for name, each in value.items())
        case ListOf(part, least):
            if not isinstance(value, list) or len(value) < least:
                return path
            wrongs = (
                first_wrong(each, part, f"{path}[{place}]") for place, each in enumerate(value)
            )
        case Either(shapes):
            return path if all(first_wrong(value, each) for each in shapes) else None
        case type():
            return None if isinstance(value, shape) else path
        case _:
            return None if _test(shape)(value) else path
    return next((wrong for wrong in wrongs if wrong is not None), None)


def _test(shape: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return shape
