"""Assemble a pack: read `pack.yaml`, add it to its parents, and check every condition.

An assembled pack has these properties: every word is known, every item has its source, every
condition its typed tree, and each change of a parent's item is permitted. Faults of the pack as a
whole (gaps between dates, rules without effect, broken invariants) are found by `soundness`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rules.input import keys
from rules.input.vocabulary import Fact, Vocabulary
from rules.input.yaml import Node, read_file
from rules.language.checker import Scope
from rules.packs.consent_sets import read_consent_sets
from rules.packs.decisions import read_decision, read_terms, refuse_clashes
from rules.packs.draft import Draft, Find, find_folder, refuse_bad_id
from rules.packs.faults import Faults
from rules.packs.finer import read_finer_words
from rules.packs.groups import read_groups
from rules.packs.head import (
    read_coverage,
    read_facts,
    read_program,
    read_sources,
    read_time_zone,
)
from rules.packs.invariants import read_invariants
from rules.packs.pack import Decision, Pack
from rules.packs.parameters import (
    read_clocks,
    read_offense_table,
    read_parameters,
    read_spellings,
)
from rules.packs.retention import read_retention
from rules.packs.words import read_spanish, read_words, texts_of


def assemble(
    folder: Path,
    vocabulary: Vocabulary,
    find: Find,
    children: tuple[str, ...] = (),
    claims: Node | None = None,
) -> Pack:
    """Read the pack in `folder`, and its parents and its offense table with `find`.

    `children` are the ids of the packs that lead here by `extends`. `claims` is a list of more
    invariants. Raises `PackError`.
    """
    top = read_file(folder / "pack.yaml", f"{folder.resolve().name}/pack.yaml")
    faults = Faults()
    entry = top.mapping("the pack")
    with faults.collect():
        top.mapping("the pack", keys.PACK.names, keys.PACK.required)
    # What is below a key that isn't known is missing elsewhere, which is no fault of its own.
    unknown = (node.value for key, node in entry.items() if key not in keys.PACK.names)
    faults.refuse_names(name for value in unknown if isinstance(value, dict) for name in value)
    if "sources" not in entry:
        faults.ignore("unknown-source")
    pack_id = folder.resolve().name
    if "id" in entry:
        with faults.collect():
            _refuse_other_id(pack_id, entry["id"])
    parent = None
    if "extends" in entry:
        parent_id = entry["extends"].text("`extends`")
        if parent_id in (*children, pack_id):
            way = " -> ".join([*children, pack_id, parent_id])
            entry["extends"].fail(
                "extends-cycle", f"`{parent_id}` extends itself: {way}", "extend one base"
            )
        parent_folder = find_folder(find.pack, entry["extends"], parent_id)
        beside = find.beside(parent_folder)
        parent = assemble(parent_folder, vocabulary, beside, (*children, pack_id))
    if claims is not None:
        entry = {**entry, "invariants": _joined(entry.get("invariants"), claims)}
    draft = Draft(pack_id, top, entry, parent, vocabulary, find, faults)
    if find.replaces_shipped(folder):
        draft.local[pack_id] = "pack"
    return _assembled(draft, folder)


def _joined(own: Node | None, claims: Node) -> Node:
    """Return the pack's own invariants with those of another file, each at its place."""
    items = [*(own.items("`invariants`") if own is not None else ()), *claims.items("`invariants`")]
    return Node(claims.file, claims.line, claims.column, items)


def _refuse_other_id(folder_name: str, node: Node) -> None:
    """Refuse an id that is not the name of the pack's folder."""
    pack_id = node.text("`id`")
    refuse_bad_id(pack_id, node)
    if pack_id != folder_name:
        node.fail(
            "bad-id",
            f"the pack `{pack_id}` is in the folder `{folder_name}`",
            f"give folder and id the same name, or keep another version as `another/{pack_id}`",
        )


def _assembled(draft: Draft, folder: Path) -> Pack:
    """Read every part of the pack, each after those that it may name.

    Raises `PackError` with the faults of all parts.
    """
    faults = draft.faults
    parts: dict[str, Any] = {}
    decision_nodes: dict[str, Node] = {}
    with faults.collect():
        read_sources(draft)
    if "program" in draft.entry:
        with faults.collect():
            parts["program"] = read_program(draft)
    for read in (
        read_facts,
        read_finer_words,
        read_spellings,
        read_parameters,
        read_offense_table,
    ):
        with faults.collect():
            read(draft)
    decisions: dict[str, Decision] = dict(draft.parent.decisions) if draft.parent else {}
    with faults.collect():
        decision_nodes = draft.section("decisions")
    read_terms(draft, decision_nodes)
    refuse_clashes(draft, decision_nodes)
    draft.scope = _scope(draft)
    with faults.collect():
        parts["clocks"] = read_clocks(draft)
    for name, node in decision_nodes.items():
        if name in draft.terms:
            with faults.collect(name):
                decisions[name] = read_decision(draft, name, node, decisions.get(name))
    for key, read_section in (
        ("invariants", read_invariants),
        ("consent_sets", read_consent_sets),
        ("words", read_words),
        ("groups", read_groups),
        ("retention", read_retention),
    ):
        with faults.collect():
            parts[key] = read_section(draft)
    if not decisions and not faults.errors:
        draft.top.fail("missing-key", "the pack decides nothing", "add `decisions:` or `extends:`")
    for key, read_part in (
        ("title", lambda: draft.entry["title"].text("`title`")),
        ("time_zone", lambda: read_time_zone(draft)),
        ("coverage", lambda: read_coverage(draft)),
    ):
        if key in draft.entry or key == "coverage":
            with faults.collect():
                parts[key] = read_part()
    faults.raise_all()
    texts = texts_of(decisions, parts["invariants"], _own_facts(draft))
    inherited = draft.parent.spanish if draft.parent else {}
    parts["spanish"] = read_spanish(folder, texts, inherited)
    return Pack(
        id=draft.id,
        extends=draft.parent.id if draft.parent else None,
        sources=draft.sources,
        parameters=draft.parameters,
        decisions=decisions,
        vocabulary=draft.vocabulary,
        place=draft.top.place,
        offenses=draft.offenses,
        local=draft.local,
        **parts,
    )


def _scope(draft: Draft) -> Scope:
    """Return the names that conditions may use, with the clocks that are still to be read."""
    parent_clocks = draft.parent.clocks if draft.parent else {}
    return Scope(
        draft.vocabulary,
        {name: parameter.unit for name, parameter in draft.parameters.items()},
        {name: terms.outcomes for name, terms in draft.terms.items()},
        tuple(dict.fromkeys([*parent_clocks, *_clock_names(draft)])),
        tuple(name for name, terms in draft.terms.items() if terms.collect),
        {name: part.by for name, part in draft.parameters.items() if part.by is not None},
    )


def _clock_names(draft: Draft) -> tuple[str, ...]:
    """Return the names of the pack's clocks. A section of another shape is refused later."""
    node = draft.entry.get("clocks")
    return tuple(node.value) if node is not None and isinstance(node.value, dict) else ()


def _own_facts(draft: Draft) -> dict[str, Fact]:
    """Return the facts that the vocabulary lacks by path, with the fields added to shared lists."""
    facts: dict[str, Fact] = {}
    for path, fact in draft.vocabulary.facts.items():
        shared = draft.shared_facts.get(path)
        if shared is None:
            facts[path] = fact
        else:
            added = (field for name, field in fact.fields.items() if name not in shared.fields)
            facts.update({field.path: field for field in added})
    return facts
