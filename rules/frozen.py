"""Frozen records that cost little to define: a dataclass without the methods that a short-lived process never calls.

Defining a `dataclass(frozen=True, slots=True)` takes half a millisecond, and this package has over fifty of them; a decision
from a cold shell would spend a third of its time there. Here only `__init__` is generated. Equality, hash and text are shared
functions, and the type checker holds what is frozen: nothing may assign to a field after `__init__`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property

    kept = cached_property
else:

    class kept:
        """A property that is worked out once, as `functools.cached_property` does without its lock (as from Python 3.12 on)."""

        def __init__(self, work: Callable[[Any], Any]) -> None:
            self.work = work
            self.__doc__ = work.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, held: Any, owner: type | None = None) -> Any:
            if held is None:
                return self
            value = held.__dict__[self.name] = self.work(held)
            return value


T = TypeVar("T")


def _values(record: Any) -> tuple[Any, ...]:
    return tuple(getattr(record, one.name) for one in fields(record) if one.compare)


def _equal(self: Any, other: object) -> bool:
    return self.__class__ is other.__class__ and _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash((self.__class__, _values(self)))


def _text(self: Any) -> str:
    held = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{self.__class__.__name__}({held})"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """A record whose fields are set once. Works with `dataclasses.replace`, `fields` and pattern matching."""
    return _defined(cls, kw_only=False)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen_by_name(cls: type[T]) -> type[T]:
    """The same, its fields given by name only."""
    return _defined(cls, kw_only=True)


def _defined(cls: type[T], *, kw_only: bool) -> type[T]:
    made = dataclass(eq=False, repr=False, kw_only=kw_only)(cls)
    for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _text)):
        setattr(made, name, method)
    return made
