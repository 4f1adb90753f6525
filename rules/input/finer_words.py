"""Finer words: the words that a pack adds below the words of a choice that all packs share.

A finer word counts as each word above it: `fentanyl` below `opioid` is an opioid. So a coarse word
is partial knowledge. It stands for the finest words below it, and which of them is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from rules.frozen import cached_property, frozen


@frozen
class WordTree:
    """The words of a choice. `parents` has, for each finer word, the word just above it.

    A text that is no word of the choice means itself alone.
    """

    choices: tuple[str, ...] = ()
    parents: Mapping[str, str] | None = None

    @cached_property
    def _finest(self) -> dict[str, frozenset[str]]:
        """The finest words that each coarse word may mean."""
        coarse = set((self.parents or {}).values())
        finest: dict[str, set[str]] = {choice: set() for choice in coarse}
        for choice in self.parents or {}:
            if choice not in coarse:
                for above in self.above(choice):
                    finest[above].add(choice)
        return {choice: frozenset(below) for choice, below in finest.items()}

    def above(self, choice: str) -> tuple[str, ...]:
        """Return the words above a word, the nearest first."""
        parents = self.parents or {}
        chain: list[str] = []
        while choice in parents:
            choice = parents[choice]
            chain.append(choice)
        return tuple(chain)

    def finest_of(self, choice: str) -> frozenset[str]:
        """Return the finest words that a word may mean: itself, if none is below it."""
        return self._finest.get(choice) or frozenset((choice,))

    @cached_property
    def finest(self) -> tuple[str, ...]:
        """The words without a word below them, in their order."""
        return tuple(choice for choice in self.choices if choice not in self._finest)

    def is_coarse(self, choice: object) -> bool:
        """Return True if there are words below a word."""
        return choice in self._finest

    def below(self, choice: str) -> tuple[str, ...]:
        """Return all words below a word, in their order."""
        return tuple(finer for finer in self.choices if choice in self.above(finer))

    def shared(self, choice: str) -> str:
        """Return the word at the top: the one that all packs share."""
        return (choice, *self.above(choice))[-1]

    # Three-valued comparison

    def is_one(self, choice: str | None, of: Collection[str]) -> bool | None:
        """Return whether a word is one of the words `of`, or below one. None is unknown."""
        sought = frozenset[str]().union(*map(self.finest_of, of))
        if choice is None:
            return None if of else False
        meant = self.finest_of(choice)
        if meant <= sought:
            return True
        return None if meant & sought else False

    def split(self, of: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the words that are surely, and those that are perhaps, one of the words `of`."""
        listed = tuple(of)
        every = dict.fromkeys((*self.choices, *listed))
        answers = {choice: self.is_one(choice, listed) for choice in every}
        return (
            frozenset(choice for choice, answer in answers.items() if answer),
            frozenset(choice for choice, answer in answers.items() if answer is None),
        )

    def are_alike(self, first: str | None, second: str | None) -> bool | None:
        """Return whether two words mean the same. Two equal coarse words may mean different."""
        if first is None or second is None:
            return None
        left, right = self.finest_of(first), self.finest_of(second)
        if not left & right:
            return False
        return True if len(left) == len(right) == 1 else None
