"""Find words of a list that no fact can have: a rule that looks for them would never find one."""

from __future__ import annotations

from collections.abc import Iterator

from rules.errors import PackError, nearest
from rules.language import tree
from rules.packs.faults import Faults
from rules.packs.pack import Pack, conditions


def refuse_unknown_words(pack: Pack, faults: Faults) -> None:
    """Add a fault for each word of a `codes` parameter that its choice lacks."""
    for name, choices in _lists_read(pack):
        parameter = pack.parameters.get(name)
        for value in parameter.values if parameter else ():
            for listed_code in value.value if isinstance(value.value, tuple) else ():
                if isinstance(listed_code, str) and listed_code not in choices:
                    faults.add(
                        PackError(
                            "unknown-choice",
                            f"`{listed_code}` in the list `{name}` is none of the choices that a "
                            "condition looks for there",
                            at=value.place,
                            fix=nearest(listed_code, choices),
                        )
                    )


def _lists_read(pack: Pack) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return each list that a condition looks a choice up in, with the choices."""
    for decision in pack.decisions.values():
        for rule in decision.rules.values():
            for condition in conditions(rule):
                for part in tree.nodes(condition):
                    match part:
                        case tree.Member(item, tree.ParameterOf(name)) | tree.IsOne(
                            item, tree.ParameterOf(name)
                        ):
                            choices = _choices_of(item)
                            if choices:
                                yield name, choices


def _choices_of(item: tree.Tree) -> tuple[str, ...]:
    match item:
        case tree.FactOf(fact) | tree.FieldOf(_, fact):
            return (*fact.choices, *fact.finer) if fact.choices else ()
        case tree.PartOf("weekday"):
            return tree.WEEKDAYS
    return ()
