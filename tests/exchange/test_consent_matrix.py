"""The 64 cases of `conformance/consent-matrix.yaml`, at each point with both agencies' records."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange.consent.admission import admits
from exchange.consent.disclosure import Judge
from exchange.consent.state import Committed, Passage, State
from exchange.records import statements
from exchange.records.bundle import check_bundle, read_bundle
from exchange.records.label import Label
from rules.shelf import read_pack
from tests.conftest import ROOT
from tests.support import forge
from tests.support.parties import ROLES, document, signed
from tests.support.refused import refused
from tests.support.simulator import World

Row = dict[str, Any]
ROWS: list[Row] = yaml.safe_load(
    (ROOT / "tests" / "conformance" / "consent-matrix.yaml").read_text(encoding="utf-8")
)
POINTS = ("issuer", "hub", "recipient")
CASE = "cd" * 16

DIRECTORY = World().hub.history.newest
MEMBERSHIP = World().hub.history.membership_at(10**6)


# The cases of the amendment: a pack that uses the report of a crime, beside one that does not.
REPORTS: list[Row] = yaml.safe_load(
    (ROOT / "tests" / "conformance" / "premises-crime.yaml").read_text(encoding="utf-8")
)
PACKS: dict[str, str | Path] = {
    "lead": "lead",
    "uses-report": ROOT / "tests" / "packs" / "good" / "a-program-that-reports-crimes",
}


@cache
def judge(knowing: tuple[str, ...] | None, name: str = "lead") -> Judge:
    pack = read_pack(PACKS[name])
    return Judge(pack) if knowing is None else Judge(pack, frozenset(knowing))


def scenes(row: Row) -> Iterator[Row]:
    """A row's own log and asks, and those that it adds."""
    if "asks" in row:
        yield row
    yield from row.get("and", ())


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


# A log from its rows

GRANT = {
    "discloser": "crossroads",
    "recipient": "prosecutor",
    "categories": ["status", "intake_status"],
    "purposes": ["diversion_coordination"],
    "type": "ordinary",
    "from": "2026-11-02",
    "expires": "2026-11-30",
    "form": list(statements.ATTESTED),
    "signer": "adult",
}
EMERGENCY = {
    "told": "hospital",
    "category": "treatment",
    "on": "2026-11-16",
    "form": list(statements.EMERGENCY),
    "countersigned": "header..signature",
}
COURT_ORDER = {
    "told": "prosecutor",
    "category": "treatment",
    "on": "2026-11-16",
    "order": "0" * 64,
    "process": "1" * 64,
}
SENT_AT = seconds("2026-11-16T12:00:00Z") - 3600


def changed(whole: Row, by: Row) -> Row:
    """Change these members. Null removes a member, and YAML's days become texts."""
    merged = {**whole, **by}
    return {
        name: str(value) if name in ("from", "expires") else value
        for name, value in merged.items()
        if value is not None
    }


class Written:
    """The log of a scene: its records, by case, with the names that the rows give them."""

    def __init__(self, rows: list[Row]) -> None:
        self.names: dict[str, str] = {}
        self.records: list[Committed] = []
        for index, row in enumerate(rows):
            self.records.append(self.committed(index, row))

    def committed(self, index: int, row: Row) -> Committed:
        kind, statement, by, to = self.statement(index, row)
        label_id = f"{index:016x}"
        self.names[row.get("as", f"#{index}")] = (
            statement.get("id", label_id) if isinstance(statement, dict) else label_id
        )
        said = statements.read_statement(kind, statement)
        category = "consent_terms" if kind in ("grant", "change") else "operation"
        label = Label(
            label_id,
            (category,),
            "plain",
            "none",
            "none",
            "2027-11-30",
            None if row.get("unreadable") else said,
            "x",
        )
        names = {
            "grant": "consent",
            "change": "consent_change",
            "emergency": "emergency_disclosure",
        }
        passages = tuple(Passage(label_id, each, "exchange_operation", "operation") for each in to)
        found = Committed(
            index,
            SENT_AT,
            f"{index:032x}",
            by,
            DIRECTORY.role(by),
            names.get(kind, kind),
            row.get("case", CASE),
            {label_id: label},
            passages,
            sound=not row.get("unsound"),
        )
        if not (row.get("unsound") or row.get("unreadable")):
            earlier = State(tuple(one for one in self.records if one.case == found.case))
            assert admits(earlier, found, DIRECTORY) is not row.get("not_admitted", False), row
        return found

    def statement(self, index: int, row: Row) -> tuple[str, Any, str, list[str]]:
        """Return a row's statement, its members, its signer, and its recipients."""
        by = row.get("by", "crossroads")
        if "grant" in row and isinstance(row["grant"], dict):
            lifts = [self.names[name] for name in row.get("lifts", ())]
            terms = changed(
                {**GRANT, "id": f"{index + 1:016x}", **({"lifts": lifts} if lifts else {})},
                row["grant"],
            )
            return (
                "grant",
                terms,
                by,
                [terms[one] for one in ("discloser", "recipient", "certifier") if terms.get(one)],
            )
        if "represents" in row:
            return (
                "representation",
                {"agency": row["represents"]},
                row["represents"],
                ["crossroads", "prosecutor"],
            )
        if "emergency" in row:
            return "emergency", changed(EMERGENCY, row["emergency"]), by, ["hospital"]
        does = next(name for name in ("end", "narrow", "restrict", "certify") if name in row)
        what = {"pairs": row[does]} if does == "restrict" else {"grant": self.names[row[does]]}
        categories = {"categories": row["categories"]} if "categories" in row else {}
        return "change", {"does": does, **what, **categories}, by, list(ROLES)

    def seen_at(self, point: str, sender: str, recipient: str) -> State:
        own = {"issuer": sender, "recipient": recipient}.get(point)
        return State(
            tuple(
                one
                for one in self.records
                if one.case == CASE and (own is None or own in one.parties())
            )
        )


def asked(scene: Row, ask: Row, point: str) -> tuple[bool, tuple[str, ...]]:
    sender, recipient = ask.get("from", "crossroads"), ask.get("to", "prosecutor")
    log = Written(scene.get("log", []))
    label = Label(
        "f" * 16,
        (ask.get("category", "status"),),
        ask.get("sensitivity", "plain"),
        ask.get("use", "no_adverse_action"),
        "own-1",
        "2029-11-30",
        None,
        "x",
    )
    passage = Passage(
        label.id,
        recipient,
        ask.get("purpose", "diversion_coordination"),
        ask.get("basis", "consent"),
    )
    index = ask.get("before", 100)
    this = Committed(
        index,
        SENT_AT,
        "e" * 32,
        sender,
        DIRECTORY.role(sender),
        ask.get("kind", "status"),
        CASE,
        {label.id: label},
        (passage,),
    )
    knowing = tuple(ask["knowing"]) if "knowing" in ask else None
    time = seconds(ask.get("at", "2026-11-16T12:00:00Z"))
    state = log.seen_at(point, sender, recipient)
    verdict = judge(knowing, ask.get("pack", "lead")).passage(
        this, passage, state, DIRECTORY, DIRECTORY.zone, index=index, time=time
    )
    return verdict.permit, verdict.reasons


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    "row",
    [row for row in ROWS + REPORTS if list(scenes(row))],
    ids=lambda row: f"{row['id']}: {row['says']}",
)
def test_an_answer_is_as_it_must_be(row: Row, point: str) -> None:
    for scene in scenes(row):
        for ask in scene["asks"]:
            permit, reasons = asked(scene, ask, point)
            assert permit is ask.get("permit", False), (ask, reasons)
            assert permit or ask["deny"] in reasons, (ask, reasons)


FORMS = [
    (row, form)
    for row in ROWS + REPORTS
    for form in [*([row["form"]] if "form" in row else []), *row.get("forms", ())]
]


@pytest.mark.parametrize(("row", "form"), FORMS, ids=lambda each: str(each.get("id", "")))
def test_a_form_is_refused(row: Row, form: Row) -> None:
    with refused(form["refused"]):
        if "grant" in form:
            statements.read_statement("grant", changed({**GRANT, "id": "1" * 16}, form["grant"]))
        elif "court_order" in form:
            statements.read_statement("court_order", changed(COURT_ORDER, form["court_order"]))
        elif "label" in form:
            check_bundle(forge.bundle(forge.label(**form["label"])), MEMBERSHIP)
        elif "typ" in form:
            check_bundle(forge.bundle(typ=form["typ"]), MEMBERSHIP)
        elif form["entry"]["purpose"] is None:
            whole = forge.bundle().write().replace(b'"purpose":"diversion_coordination",', b"")
            check_bundle(read_bundle(whole), MEMBERSHIP)
        else:
            check_bundle(forge.bundle(entry=form["entry"]), MEMBERSHIP)


def test_the_forms_are_right_but_for_what_is_wrong() -> None:
    assert statements.read_statement(
        "grant", {**GRANT, "id": "1" * 16}
    ) and statements.read_statement("court_order", COURT_ORDER)
    assert check_bundle(forge.bundle(), MEMBERSHIP) and signed(document())


def test_there_are_sixty_four_and_each_is_held_somewhere() -> None:
    assert [row["id"] for row in ROWS] == [f"C{number:02}" for number in range(1, 65)]
    for row in ROWS:
        assert list(scenes(row)) or "form" in row or "forms" in row or "held_by" in row, row["id"]
        for place in row.get("held_by", ()):
            path, _, name = place.partition("::")
            functions = {
                one.name
                for one in ast.walk(ast.parse((ROOT / path).read_text()))
                if isinstance(one, ast.FunctionDef)
            }
            assert name in functions, place
