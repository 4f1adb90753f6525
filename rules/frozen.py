"""Frozen records that cost little to define.

Defining a `dataclass(frozen=True, slots=True)` takes half a millisecond, and a decision from a cold
shell defines over a hundred records. Here a class gets shared functions for equality, hash, and
text, and its `__init__` is generated when the class is first called. The module `dataclasses` is
loaded only by code that asks it about a record: its `fields`, `replace`, and `is_dataclass` accept
records. `field`, `fields`, and `replace` of this module do the same without it.

INVARIANT: nothing assigns to a field after `__init__`. The type checker enforces it.
"""

from __future__ import annotations

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import MISSING as MISSING
    from dataclasses import field as field
    from dataclasses import fields as fields
    from dataclasses import replace as replace
    from functools import cached_property as cached_property
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_):
        """Return a decorator that changes nothing. Only type checkers read the original."""
        return lambda function: function

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

    class _Missing:
        def __repr__(self) -> str:
            return "MISSING"

    MISSING = _Missing()

    def field(*, default_factory=MISSING, compare=True):
        """Return a field's default as a call, and whether records are compared by it."""
        return _Field(MISSING, default_factory, compare)

    def fields(record):
        """Return the fields of a record or of its class, in order."""
        return tuple(_fields_of(record if isinstance(record, type) else record.__class__).values())

    def replace(record, /, **changes):
        """Return a record with other values in some fields."""
        for name in _fields_of(record.__class__):
            if name not in changes:
                changes[name] = getattr(record, name)
        return record.__class__(**changes)


class _Field:
    """A field of a record, with the attributes of `dataclasses.Field` that are used."""

    __slots__ = ("compare", "default", "default_factory", "kw_only", "name", "type")

    name: str
    type: str
    kw_only: bool

    def __init__(self, default: Any, default_factory: Any, compare: bool) -> None:
        self.default = default
        self.default_factory = default_factory
        self.compare = compare


def is_record(value: object) -> bool:
    """Return whether a value is a record."""
    return hasattr(value.__class__, _FIELDS)


_FIELDS = "_record_fields"


def _fields_of(kind: type) -> dict[str, Any]:
    record_fields: dict[str, Any] = getattr(kind, _FIELDS)
    return record_fields


# The names of the compared fields of a record, by class. Made at a class's first comparison, since
# most classes of a cold start have none.
_readers: dict[type, Callable[[Any], Any]] = {}


def _values(record: Any) -> Any:
    """Return the values that two records of one class are compared by."""
    reader = _readers.get(record.__class__)
    if reader is None:
        from operator import attrgetter

        names = [name for name, item in _fields_of(record.__class__).items() if item.compare]
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
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in _fields_of(self.__class__))
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
    own = cls.__dict__
    own_fields: dict[str, Any] = {}
    for base in cls.__mro__[-1:0:-1]:
        own_fields.update(base.__dict__.get(_FIELDS, ()))
    for name, kind in own.get("__annotations__", {}).items():
        default = own.get(name, MISSING)
        item = default if isinstance(default, _Field) else _Field(default, MISSING, True)
        if hasattr(item.default, "default_factory"):
            item = _of_dataclass(item.default)
        item.name, item.type, item.kw_only = name, kind, kw_only
        own_fields[name] = item
        if default is not MISSING and item.default is not default:
            delattr(cls, name)
    added = {
        _FIELDS: own_fields,
        "__eq__": _equal,
        "__hash__": _hash,
        "__repr__": _text,
        "__replace__": replace,
        "__init__": _first_init(cls),
        "__match_args__": tuple(name for name, item in own_fields.items() if not item.kw_only),
        "__dataclass_fields__": _OfDataclass(cls, "__dataclass_fields__"),
        "__dataclass_params__": _OfDataclass(cls, "__dataclass_params__"),
    }
    for name, value in added.items():
        setattr(cls, name, value)
    return cls


def _of_dataclass(item: Any) -> _Field:
    """Return a field of the module `dataclasses`, which its caller has loaded, as one of ours."""
    from dataclasses import MISSING as NO_DEFAULT

    default, factory = (
        MISSING if value is NO_DEFAULT else value for value in (item.default, item.default_factory)
    )
    return _Field(default, factory, item.compare)


def _first_init(cls: type) -> Callable[..., None]:
    """Return the `__init__` of a class until its first call, which puts the real one in place."""

    def __init__(self: Any, /, *values: Any, **named: Any) -> None:
        init = _init(cls)
        cls.__init__ = init  # type: ignore[misc]  # made at the first call
        init(self, *values, **named)

    return __init__


def _init(cls: type) -> Callable[..., None]:
    """Generate the function that sets each field of a class from its argument or its default."""
    names: dict[str, Any] = {"MISSING": MISSING}
    by_place, by_name, body = ["self"], list[str](), list[str]()
    for name, item in _fields_of(cls).items():
        value, argument = name, name
        if item.default is not MISSING:
            names[f"default_{name}"] = item.default
            argument = f"{name}=default_{name}"
        elif item.default_factory is not MISSING:
            names[f"make_{name}"] = item.default_factory
            argument = f"{name}=MISSING"
            value = f"make_{name}() if {name} is MISSING else {name}"
        (by_name if item.kw_only else by_place).append(argument)
        body.append(f"  self.{name} = {value}")
    arguments = ", ".join([*by_place, *(["*", *by_name] if by_name else [])])
    exec("\n".join([f"def __init__({arguments}):", *(body or ["  pass"])]), names)
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


class _OfDataclass:
    """An attribute that the module `dataclasses` reads of a class, made when it is first read."""

    def __init__(self, cls: type, name: str) -> None:
        self.cls = cls
        self.name = name

    def __get__(self, record: Any, owner: type) -> Any:
        import dataclasses

        namespace: dict[str, Any] = {"__annotations__": {}, "__module__": self.cls.__module__}
        for name, item in _fields_of(self.cls).items():
            options: dict[str, Any] = {"compare": item.compare, "kw_only": item.kw_only}
            for key in ("default", "default_factory"):
                if getattr(item, key) is not MISSING:
                    options[key] = getattr(item, key)
            namespace["__annotations__"][name] = item.type
            namespace[name] = dataclasses.field(**options)
        twin: type = dataclasses.dataclass(init=False, eq=False, repr=False)(
            type(self.cls.__name__, (), namespace)
        )
        for name in ("__dataclass_fields__", "__dataclass_params__"):
            setattr(self.cls, name, getattr(twin, name))
        return getattr(self.cls, self.name)
