"""What a decision of a pack's own reads: records that never travel, clocks, or the scene alone.

A decision with `reads: [records]` answers a question about records with one of a few words. Others
read that word, and never the record.
"""

from __future__ import annotations

from typing import Any

from rules.errors import nearest
from rules.input.vocabulary import DecisionTerms, Fact
from rules.input.yaml import Node

RECORDS, CLOCKS, SCENE = "records", "clocks", "scene"
READS = (RECORDS, CLOCKS, SCENE)
MOST_OUTCOMES = 5  # more words would tell too much of a record


def read_reads(node: Node, name: str, governed_by: str) -> tuple[str, ...]:
    """Read `reads` of the decision `name`."""
    reads = []
    for item in node.items(f"`reads` of `{name}`"):
        kind = item.text("what it reads")
        if kind not in READS:
            item.fail("unknown-word", f"`{kind}` is nothing to read", nearest(kind, READS))
        if kind in reads:
            item.fail("duplicate-id", f"`{name}` reads `{kind}` twice", "leave one out")
        reads.append(kind)
    if CLOCKS in reads and governed_by != "now":
        node.fail(
            "not-now",
            f"`{name}` reads clocks, and `{governed_by}` governs it",
            "write `governed_by: now`: a clock is read at that moment",
        )
    if SCENE in reads and (len(reads) > 1 or governed_by != "encounter.date"):
        node.fail(
            "reads-too-much",
            f"`{name}` reads the scene, which has only its own facts and its own day",
            "write `reads: [scene]` alone, and `governed_by: encounter.date`",
        )
    return tuple(reads)


def own_reads(reads: tuple[str, ...]) -> dict[str, Any]:
    """Return the terms of a decision that follow from `reads`, by name."""
    is_of_records = RECORDS in reads
    return {
        "reads": reads,
        "reads_criminal_history": is_of_records,
        "keeps_its_needs": is_of_records,
        "reads_clocks": CLOCKS in reads,
    }


def refuse_telling_outcomes(terms: DecisionTerms, node: Node) -> None:
    """Refuse a decision on records with outcomes that tell too much of them."""
    if RECORDS not in terms.reads:
        return
    if terms.collect:
        node.fail(
            "too-telling",
            f"`{terms.name}` reads records, and collects many outcomes",
            "give it one outcome of a few",
        )
    if len(terms.outcomes) > MOST_OUTCOMES:
        node.fail(
            "too-telling",
            f"`{terms.name}` reads records, and has {len(terms.outcomes)} outcomes",
            f"use at most {MOST_OUTCOMES}",
        )


def refuse_other_office(terms: DecisionTerms, fact: Fact, node: Node, subject: str) -> None:
    """Refuse a record of another office than that of the decision's decider."""
    if RECORDS in terms.reads and fact.known_by != terms.decided_by:
        node.fail(
            "not-your-record",
            f"{subject} reads `{fact.path}`, which `{fact.known_by}` holds, and "
            f"`{terms.decided_by}` decides `{terms.name}`",
            "let each office decide on its own records",
        )
