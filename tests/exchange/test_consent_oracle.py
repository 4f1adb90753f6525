"""No permit without consent: thousands of random stories, judged again by an oracle of its own.

The oracle (`tests/support/consent_oracle.py`) is written from the table of EXCHANGE.md and shares
no code with the reduction or the rules of the pack. Wherever the product permits, it must too.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exchange.consent.disclosure import Judge
from exchange.consent.state import Committed, Passage, State
from exchange.records import statements
from exchange.records.label import Label
from rules.shelf import read_pack, vocabulary
from tests.conftest import ROOT
from tests.support.consent_oracle import DAY, Ask, Story, Told, may_pass

START = 1_793_700_000  # November 2026
AGENCIES = {
    "police": ("police", "no"),
    "prosecutor": ("prosecutor", "no"),
    "defender": ("defender", "no"),
    "program": ("program", "unknown"),
    "crossroads": ("case_management", "yes"),
    "clinic": ("treatment_provider", "yes"),
    "shelter": ("service_provider", "no"),
    "hospital": ("health_provider", "unknown"),
}
CATEGORIES = tuple(vocabulary().categories)
CONSENTED = tuple(sorted(statements.CATEGORIES))
USUAL = ("status", "enrollment", "contact", "encounter", "treatment", "counseling_note", "plan")
PURPOSES = (
    *("diversion_coordination", "treatment", "admission", "screening", "offer_and_hand_off"),
    *("legal_representation", "exchange_operation", "medical_emergency", "prosecution"),
)
KINDS = ("status", "answer", "question", "progress", "plan", "acknowledgement")
STORIES, ASKS = 3_000, 6


class Author:
    """Writes one random story. Few agencies and words, so that records often concern each other."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.index = 0
        self.time = START
        self.records: list[Told] = []
        self.parts = 0
        sender, recipient = random.sample(tuple(AGENCIES), 2)
        self.pair = sender, recipient

    def agency(self) -> str:
        return self.random.choice(tuple(AGENCIES))

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def a_pair(self) -> tuple[str, str]:
        """Usually the pair of the story, so that grants, changes, and questions meet."""
        if not self.chance(4):
            return self.pair
        sender, recipient = self.random.sample(tuple(AGENCIES), 2)
        return sender, recipient

    def words(self, usual: tuple[str, ...], all_words: tuple[str, ...]) -> list[str]:
        words = all_words if self.chance(4) else usual
        return self.random.sample(words, self.random.randint(1, min(3, len(words))))

    def day(self, around: int) -> str:
        from datetime import UTC, datetime, timedelta

        moment = datetime.fromtimestamp(self.time, UTC) + timedelta(days=around)
        return moment.date().isoformat()

    def story(self) -> Story:
        directories = [(0, dict(AGENCIES))]
        for _ in range(self.random.randint(3, 14)):
            self.index += self.random.randint(1, 3)
            self.time += self.random.choice((60, 3600, DAY, 5 * DAY, 31 * DAY))
            if self.chance(9):
                listed = dict(directories[-1][1])
                change = self.random.choice(tuple(AGENCIES))
                if listed.pop(change, None) is None or self.chance(3):
                    listed[change] = self.random.choice(tuple(AGENCIES.values()))
                directories.append((self.index, listed))
            self.records.append(self.record())
        return Story(self.records, directories)

    def record(self) -> Told:
        wanted = self.random.choice(
            ("consent",) * 6
            + ("consent_change",) * 4
            + ("referral", "referral", "offer", "representation", "exit", "emergency_disclosure")
            + ("status", "recall")
        )
        if wanted == "recall":
            return self.recall()
        issuer = {
            "referral": "police",
            "offer": "police",
            "representation": "defender",
            "emergency_disclosure": self.a_pair()[0],
        }.get(wanted, self.random.choice(("crossroads", "clinic", "defender", "crossroads")))
        if self.chance(8):
            issuer = self.agency()
        says = {self.part(): said for said in self.said(wanted)}
        to = {part: self.random.sample(tuple(AGENCIES), 2) for part in says or {self.part(): {}}}
        sound = not (wanted in ("consent", "referral") and self.chance(15))
        return Told(self.index, self.time, f"{self.index:032x}", issuer, wanted, says, to, sound)

    def recall(self) -> Told:
        """Ask back a referral or a representation, usually by its issuer from all who have it."""
        kinds = ("referral", "representation")
        recalled = [record for record in self.records if record.kind in kinds]
        about = self.random.choice(recalled or [self.decoy()])
        issuer = self.agency() if self.chance(6) else about.issuer
        says, to = {}, {}
        for part, recipients in about.to.items():
            own = self.part()
            says[own] = {"about": [about.id, part]}
            to[own] = recipients[:1] if self.chance(5) else recipients
        return Told(self.index, self.time, f"{self.index:032x}", issuer, "recall", says, to)

    def decoy(self) -> Told:
        """Write a record that nobody sent."""
        part = self.part()
        return Told(0, START, "f" * 32, "police", "referral", {}, {part: ["program"]})

    def part(self) -> str:
        self.parts += 1
        return f"{self.parts:016x}"

    def said(self, kind: str) -> list[dict[str, Any]]:
        if kind == "consent":
            return [self.grant() for _ in range(self.random.randint(1, 2))]
        if kind == "consent_change":
            return [self.change()]
        if kind in ("referral", "offer"):
            return [{"answer": self.random.choice(("accepted", "accepted", "declined"))}]
        if kind == "representation":
            return [{"agency": self.random.choice(("defender", "defender", self.agency()))}]
        if kind == "emergency_disclosure":
            form = self.random.choice((statements.EMERGENCY, statements.EMERGENCY[:2]))
            report = {
                "told": self.random.choice(("hospital", "hospital", self.agency())),
                "category": self.random.choice(("treatment", "substance_use", "contact")),
                "on": self.day(0),
                "form": list(form),
            }
            return [report if self.chance(4) else {**report, "countersigned": "a..b"}]
        return []

    def earlier(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (part, said)
            for record in self.records
            if record.kind == kind
            for part, said in record.says.items()
        ]

    def grant(self) -> dict[str, Any]:
        discloser, recipient = self.a_pair()
        is_note = self.chance(7)
        consented = tuple(each for each in CONSENTED if each != "counseling_note")
        usual = tuple(each for each in USUAL if each in consented)
        grants = self.earlier("consent")
        restrictions = [
            part for part, said in self.earlier("consent_change") if said["does"] == "restrict"
        ]
        terms: dict[str, Any] = {
            "id": grants[-1][1]["id"] if grants and self.chance(15) else f"9{self.parts:015x}",
            "discloser": discloser,
            "recipient": recipient,
            "categories": ["counseling_note"] if is_note else self.words(usual, consented),
            "purposes": self.words(PURPOSES[:5], tuple(sorted(statements.CONSENTED))),
            "type": "counseling_notes"
            if is_note
            else self.random.choice(("ordinary",) * 8 + ("conditional", "proceedings")),
            "from": self.day(self.random.choice((-40, -1, 0, 0, 2))),
            "form": list(statements.ATTESTED),
            "signer": "adult",
            "lifts": restrictions[-1:] if self.chance(3) else [],
        }
        terms["purposes"] = [
            each for each in terms["purposes"] if each in statements.CONSENTED
        ] or ["diversion_coordination"]
        self.parts += 1
        if "barriers" in terms["categories"]:  # a consent of its own
            terms["categories"] = ["barriers"]
        if self.chance(6):
            terms["certifier"] = self.agency()
        else:
            terms["expires"] = self.day(self.random.choice((3, 40, 365)))
        return terms

    def change(self) -> dict[str, Any]:
        """Write a change to an earlier grant, usually of what it grants."""
        grants = self.earlier("consent")
        does = self.random.choice(("end", "narrow", "narrow", "certify", "restrict", "restrict"))
        terms = self.random.choice(grants)[1] if grants else None
        categories = self.words(USUAL[:5], CONSENTED)
        if terms is not None and not self.chance(4):
            categories = terms["categories"][:1]
        if does == "restrict" or terms is None:
            is_granted = terms is not None and not self.chance(4)
            pair = (terms["discloser"], terms["recipient"]) if is_granted else self.a_pair()
            return {"does": "restrict", "pairs": [list(pair)], "categories": categories}
        change = {"does": does, "grant": terms["id"]}
        return change | ({"categories": categories} if does == "narrow" else {})

    def ask(self) -> Ask:
        """Ask about a new part, or about one of the story, at the end or in the middle."""
        record = self.random.choice(self.records)
        sender, recipient = self.a_pair()
        kind = self.random.choice(KINDS)
        categories = tuple(self.words(USUAL, CATEGORIES)[: self.random.choice((1, 1, 1, 2))])
        purpose, basis = self.random.choice(
            (
                (self.random.choice(PURPOSES[:5]), "consent"),
                (self.random.choice(PURPOSES[2:5]), "offer_at_scene"),
                ("exchange_operation", "operation"),
                ("medical_emergency", "none"),
                (
                    self.random.choice(PURPOSES),
                    self.random.choice(("consent", "none", "operation")),
                ),
            )
        )
        grants = self.earlier("consent")
        if basis == "consent" and grants and not self.chance(4):
            terms = self.random.choice(grants)[1]
            sender, recipient = terms["discloser"], terms["recipient"]
            purpose = self.random.choice(terms["purposes"])
            categories = tuple(terms["categories"][:1])
            if kind == "question":
                sender, recipient = recipient, sender
        if basis == "offer_at_scene" and not self.chance(3):
            sender = self.random.choice(("police", "police", "prosecutor"))
            recipient = self.random.choice(("program", "crossroads", "prosecutor", self.agency()))
            categories = (
                self.random.choice(("contact", "encounter", "charge", "screening_outcome")),
            )
        if basis == "operation" and not self.chance(3):
            categories = (self.random.choice(("operation", "consent_terms")),)
        reports = [each for each in self.records if each.kind == "emergency_disclosure"]
        is_emergency = purpose == "medical_emergency" and bool(reports) and not self.chance(4)
        if is_emergency:
            report = self.random.choice(reports)
            (said,) = report.says.values()
            sender, recipient, categories = report.issuer, said["told"], (said["category"],)
        if self.chance(8):
            kind = "premises_crime" if not self.chance(5) else kind
            basis = "premises_crime" if not self.chance(5) else basis
            purpose = "premises_crime" if not self.chance(5) else purpose
            recipient = "police" if not self.chance(5) else recipient
            sender = self.random.choice(("crossroads", "clinic", "shelter", "hospital", sender))
            categories = ("premises_crime",) if not self.chance(5) else categories
        is_itself = self.chance(3)
        index = record.index + 1 if self.chance(3) else self.index + 1
        says: dict[str, dict[str, Any]] = {}
        part = self.part()
        if basis == "operation" and record.says:
            about, said = self.random.choice(tuple(record.says.items()))
            is_terms = categories == ("consent_terms",) and record.kind.startswith("consent")
            says = {part: said} if is_terms else {part: {"about": [record.id, about]}}
            kind = record.kind if is_terms else "acknowledgement"
        about_it = Told(index, self.time, "f" * 32, sender, kind, says, {part: [recipient]})
        if is_itself and record.says and basis in ("operation", "offer_at_scene"):
            about_it, part = record, next(iter(record.says))
            index = self.random.choice((record.index, record.index + 1))
        time = self.time + self.random.choice((0, 0, 3600, 3600, 2 * DAY, 29 * DAY, 60 * DAY))
        if is_emergency:
            time = report.time + self.random.choice((60, 3600, DAY - 1, DAY, 2 * DAY))
        asked = Ask(
            index,
            time,
            about_it,
            part,
            recipient,
            purpose,
            basis,
            categories,
        )
        return replace(
            asked,
            sensitivity=self.random.choice(("plain", "plain", "health", "part2")),
            use="none" if self.chance(8) else "no_adverse_action",
            notice="none" if self.chance(8) else "own-1",
            keep_until=self.day(-1 if self.chance(8) else 400),
        )


# The story as the product reads it


class Listed:
    """The directory in force at one index."""

    def __init__(self, story: Story, index: int) -> None:
        self._story, self._index = story, index

    def role(self, agency: str) -> str | None:
        listed = self._story.listed(agency, self._index)
        return listed[0] if listed else None

    def part2(self, agency: str) -> str:
        listed = self._story.listed(agency, self._index)
        return listed[1] if listed else "unknown"


def label_of(part: str, kind: str, said: dict[str, Any], categories: tuple[str, ...]) -> Label:
    model = {
        "consent": "grant",
        "consent_change": "change",
        "referral": "answer",
        "offer": "answer",
        "representation": "representation",
        "emergency_disclosure": "emergency",
    }.get(kind, "about")
    statement = statements.read_statement(model, said) if said else None
    return Label(part, categories, "plain", "none", "none", "2030-01-01", statement, "x")


def committed(story: Story, told: Told) -> Committed:
    categories = ("consent_terms",) if told.kind.startswith("consent") else ("operation",)
    listed = story.listed(told.issuer, told.index)
    return Committed(
        told.index,
        told.time,
        told.id,
        told.issuer,
        listed[0] if listed else None,
        told.kind,
        "c" * 32,
        {part: label_of(part, told.kind, told.says.get(part, {}), categories) for part in told.to},
        tuple(
            Passage(part, agency, "exchange_operation", "operation")
            for part, recipients in told.to.items()
            for agency in recipients
        ),
        told.sound,
    )


def permits(judge: Judge, story: Story, ask: Ask) -> bool:
    record = committed(story, ask.record)
    label = replace(
        record.labels[ask.part],
        category=ask.categories,
        sensitivity=ask.sensitivity,
        use=ask.use,
        notice=ask.notice,
        keep_until=ask.keep_until,
    )
    record = replace(record, labels={**record.labels, ask.part: label})
    state = State(tuple(committed(story, told) for told in story.records))
    passage = Passage(ask.part, ask.recipient, ask.purpose, ask.basis)
    verdict = judge.passage(
        record,
        passage,
        state,
        Listed(story, ask.index),
        story.zone,
        index=ask.index,
        time=ask.time,
    )
    return verdict.permit


# A pack whose policy group chose the report of a crime on the premises (42 CFR 2.12(c)(5)).
USES_REPORT = ROOT / "tests" / "packs" / "good" / "a-program-that-reports-crimes"


@pytest.mark.parametrize("pack", ["lead", "santa-fe", USES_REPORT], ids=str)
def test_no_part_passes_that_the_contract_does_not_permit(pack: str | Path) -> None:
    judge = Judge(read_pack(pack))
    many = STORIES * (20 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 1)
    permitted: Counter[str] = Counter()
    agreed = denied = 0
    for seed in range(many // 2):
        author = Author(Random(seed))
        story = author.story()
        for _ in range(ASKS):
            ask = author.ask()
            is_permitted, is_allowed = permits(judge, story, ask), may_pass(story, ask)
            assert is_allowed or not is_permitted, f"story {seed}: {ask}\n{story.records}"
            # The contract permits the report. A pack that doesn't use it does not.
            is_left_out = ask.basis == "premises_crime" and pack != USES_REPORT
            assert not (is_left_out and is_permitted)
            agreed += is_left_out or is_permitted == is_allowed
            denied += not is_permitted
            if is_permitted:
                permitted[ask.basis] += 1
    # The stories reach every ground of a permit, and most of what the contract permits passes.
    assert all(permitted[basis] >= 20 for basis in ("consent", "offer_at_scene", "operation"))
    assert permitted["none"], "an emergency"
    assert permitted["premises_crime"] >= 20 or pack != USES_REPORT
    assert denied > permitted.total() and agreed > 0.99 * ASKS * (many // 2)
