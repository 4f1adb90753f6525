"""Frozen records that cost little to define.

Defining a `dataclass(frozen=True, slots=True)` takes half a millisecond, and this package has over
fifty records. A decision from a cold shell would spend a third of its time there. Here only
`__init__` is generated, and equality, hash, and text are shared functions.

INVARIANT: nothing assigns to a field after `__init__`. The type checker enforces it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property as cached_property
else:

    class cached_property:
        """A property that is computed once, as `functools.cached_property` from Python 3.12 on.

        It takes no lock, as older Pythons do.
        """

        def __init__(self, work: Callable[[Any], Any]) -> None:
            self.work = work
            self.__doc__ = work.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, record: Any, owner: type | None = None) -> Any:
            if record is None:
                return self
            value = record.__dict__[self.name] = self.work(record)
            return value


T = TypeVar("T")


# What reads the compared fields of a record, by class. Made at a class's first comparison, since
# most classes of a cold start have none.
_readers: dict[type, Callable[[Any], Any]] = {}


def _values(record: Any) -> Any:
    """Return the values that two records of one class are compared by."""
    reader = _readers.get(record.__class__)
    if reader is None:
        names = [item.name for item in fields(record) if item.compare]
        reader = attrgetter(*names) if names else _nothing
        _readers[record.__class__] = reader
    return reader(record)


def _nothing(record: Any) -> tuple[()]:
    return ()


def _equal(self: Any, value: object) -> bool:
    return self.__class__ is value.__class__ and _values(self) == _values(value)


def _hash(self: Any) -> int:
    return hash((self.__class__, _values(self)))


def _text(self: Any) -> str:
    printed = (item for item in fields(self) if item.repr)
    values = ", ".join(f"{item.name}={getattr(self, item.name)!r}" for item in printed)
    return f"{self.__class__.__name__}({values})"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class a record whose fields are set once.

    It works with `dataclasses.replace`, `fields`, and pattern matching.
    """
    return _define(cls, kw_only=False)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen_by_name(cls: type[T]) -> type[T]:
    """Make a class such a record, with fields that are passed by name only."""
    return _define(cls, kw_only=True)


def _define(cls: type[T], *, kw_only: bool) -> type[T]:
    record = dataclass(eq=False, repr=False, kw_only=kw_only)(cls)
    for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _text)):
        setattr(record, name, method)
    return record
