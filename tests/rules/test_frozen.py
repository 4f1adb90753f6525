"""A record of `rules.frozen` is what `dataclasses` would make of its class, at less cost."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping

import pytest

from rules import frozen as module
from rules.frozen import field, frozen, frozen_by_name


@frozen
class Point:
    """A record by place, with each kind of default."""

    x: int
    y: int = 2
    tags: Mapping[str, int] = field(default_factory=dict)
    note: str = dataclasses.field(default_factory=str, compare=False)


@frozen_by_name
class Named:
    """A record by name."""

    source: str
    until: int | None = None


@frozen_by_name
class Inner(Named):
    """A record that adds fields to another one."""

    id: str


@frozen
class Late:
    """A record whose class is asked by `dataclasses` before it was ever called."""

    only: int


def test_defaults_are_those_of_the_class_and_never_shared() -> None:
    first, second = Point(1), Point(1, 2, {}, "other")
    assert (first.x, first.y, first.tags, first.note) == (1, 2, {}, "")
    assert first.tags is not Point(1).tags
    assert first == second and hash(Inner(source="a", id="b")) == hash(Inner(id="b", source="a"))
    assert first != Point(3) and first != (1, 2, {}, "")
    assert repr(first) == "Point(x=1, y=2, tags={}, note='')"


def test_a_wrong_call_is_refused_as_of_any_function() -> None:
    for call in (lambda: Point(), lambda: Point(1, 2, {}, "", 5), lambda: Point(1, z=3)):  # type: ignore[call-arg]  # wrong on purpose
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError):
        Inner("a", "b")  # type: ignore[misc]  # wrong on purpose


def test_dataclasses_takes_it_for_its_own() -> None:
    assert dataclasses.is_dataclass(Late) and dataclasses.is_dataclass(Point(1))
    assert [item.name for item in dataclasses.fields(Late)] == ["only"]
    inner = Inner(source="a", id="b")
    assert [item.name for item in dataclasses.fields(inner)] == ["source", "until", "id"]
    assert all(item.kw_only for item in dataclasses.fields(inner))
    assert dataclasses.replace(inner, id="c") == Inner(source="a", id="c")
    assert module.replace(Point(1), x=5) == Point(5)
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 2, "tags": {}, "note": ""}
    assert [item.name for item in module.fields(Point)] == ["x", "y", "tags", "note"]
    assert not dataclasses.fields(Point)[3].compare


def test_patterns_match_by_place_and_by_name() -> None:
    match Point(7, 8):
        case Point(x, y):
            assert (x, y) == (7, 8)
    match Inner(source="a", id="b"):
        case Inner(id=name):
            assert name == "b"
    assert Inner.__match_args__ == ()  # type: ignore[attr-defined]  # not in the stubs


def test_defining_a_record_compiles_nothing_and_a_first_call_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defined = list[type]()
    generate = module._init
    monkeypatch.setattr(module, "_init", lambda cls: defined.append(cls) or generate(cls))

    @frozen
    class Fresh:
        x: int

    assert defined == []
    assert Fresh(1).x == 1 and Fresh(2).x == 2
    assert defined == [Fresh]
    assert list(inspect.signature(Fresh).parameters) == ["x"]
