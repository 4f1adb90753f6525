"""Assemble a pack: read `pack.yaml`, add it to its parents, and check every condition.

An assembled pack has these properties: every word is known, every item has its source, every
condition its typed tree, and each change of a parent's item is permitted. Faults of the pack as a
whole (gaps between dates, rules without effect, broken invariants) are found by `soundness`.
"""

from __future__ import annotations

from pathlib import Path

from rules.input import keys
from rules.input.vocabulary import Vocabulary
from rules.input.yaml import Node, read_file
from rules.language.checker import Scope
from rules.packs.decisions import read_decision, read_terms, refuse_clashes
from rules.packs.draft import Draft, Find, find_folder, refuse_bad_id
from rules.packs.head import (
    read_coverage,
    read_facts,
    read_program,
    read_sources,
    read_time_zone,
)
from rules.packs.invariants import read_invariants
from rules.packs.pack import Decision, Pack
from rules.packs.parameters import read_clocks, read_offense_table, read_parameters


def assemble(
    folder: Path, vocabulary: Vocabulary, find: Find, children: tuple[str, ...] = ()
) -> Pack:
    """Read the pack in `folder`, and its parents and its offense table with `find`.

    `children` are the ids of the packs that lead here by `extends`. Raises `PackError`.
    """
    top = read_file(folder / "pack.yaml", f"{folder.resolve().name}/pack.yaml")
    entry = top.mapping("the pack", keys.PACK.names, keys.PACK.required)
    pack_id = _read_pack_id(folder, entry["id"])
    parent = None
    if "extends" in entry:
        parent_id = entry["extends"].text("`extends`")
        if parent_id in (*children, pack_id):
            way = " -> ".join([*children, pack_id, parent_id])
            entry["extends"].fail(
                "extends-cycle", f"`{parent_id}` extends itself: {way}", "extend one base"
            )
        parent_folder = find_folder(find.pack, entry["extends"], parent_id)
        parent = assemble(parent_folder, vocabulary, find, (*children, pack_id))
    draft = Draft(pack_id, top, entry, parent, vocabulary, find)
    if find.replaces_shipped(folder):
        draft.local[pack_id] = "pack"
    return _assembled(draft)


def _read_pack_id(folder: Path, node: Node) -> str:
    """Read the pack's id, which is the name of its folder."""
    pack_id = node.text("`id`")
    refuse_bad_id(pack_id, node)
    if pack_id != folder.resolve().name:
        node.fail(
            "bad-id",
            f"the pack `{pack_id}` is in the folder `{folder.resolve().name}`",
            "give folder and id the same name",
        )
    return pack_id


def _assembled(draft: Draft) -> Pack:
    """Read every part of the pack, each after those that it may name."""
    read_sources(draft)
    program = read_program(draft)
    read_facts(draft)
    read_parameters(draft)
    read_offense_table(draft)
    decision_nodes = draft.section("decisions")
    read_terms(draft, decision_nodes)
    refuse_clashes(draft, decision_nodes)
    draft.scope = _scope(draft)
    clocks = read_clocks(draft)
    decisions: dict[str, Decision] = dict(draft.parent.decisions) if draft.parent else {}
    for name, node in decision_nodes.items():
        decisions[name] = read_decision(draft, name, node, decisions.get(name))
    invariants = read_invariants(draft)
    if not decisions:
        draft.top.fail("missing-key", "the pack decides nothing", "add `decisions:` or `extends:`")
    return Pack(
        draft.id,
        draft.entry["title"].text("`title`"),
        draft.parent.id if draft.parent else None,
        read_time_zone(draft),
        program,
        draft.sources,
        draft.parameters,
        decisions,
        clocks,
        invariants,
        draft.vocabulary,
        read_coverage(draft),
        draft.top.place,
        draft.offenses,
        draft.local,
    )


def _scope(draft: Draft) -> Scope:
    """Return the names that conditions may use, with the clocks that are still to be read."""
    parent_clocks = draft.parent.clocks if draft.parent else {}
    return Scope(
        draft.vocabulary,
        {name: parameter.unit for name, parameter in draft.parameters.items()},
        {name: terms.outcomes for name, terms in draft.terms.items()},
        tuple(dict.fromkeys([*parent_clocks, *draft.section("clocks")])),
        tuple(name for name, terms in draft.terms.items() if terms.collect),
    )
