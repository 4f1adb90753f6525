"""Test the difference of two packs in words, and the search for rules below the minimum."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.adoption import PackFiles, accept_pack, collect_pack, read_pack_files
from offramp.agency.cases.governing import SEVERITY, governing
from rules.author.difference import differences, loosened
from rules.errors import Refusal
from rules.packs.digest import digest
from rules.packs.pack import Pack
from rules.shelf import read_pack, shipped


@pytest.mark.parametrize("name", shipped())
def test_a_pack_differs_in_nothing_from_itself_and_holds_the_floor_and_travels(name: str) -> None:
    pack = read_pack(name)
    assert differences(pack, pack) == ()
    files = read_pack_files(collect_pack(name).write())
    assert accept_pack(files, digest(pack)) == (pack, digest(pack))


@pytest.mark.parametrize("name", [one for one in shipped() if one != "lead"])
def test_packs_with_two_digests_differ_in_something_and_the_other_way_round_what_came_went(
    name: str,
) -> None:
    there, back = (
        differences(read_pack("lead"), read_pack(name)),
        differences(read_pack(name), read_pack("lead")),
    )
    turned = {"came": "went", "went": "came", "changed": "changed"}
    assert there and {(turned[one.how], one.what) for one in there} == {
        (one.how, one.what) for one in back
    }


def test_the_words_name_what_came_went_and_changed() -> None:
    said = [str(one) for one in differences(read_pack("lead"), read_pack("santa-fe"))]
    assert any(
        one.startswith("rule offer.under-age came: may not offer when person.age < minimum_age: ")
        for one in said
    )
    assert any(one.startswith("parameter minimum_age came: ") for one in said)
    assert any(one.startswith("the program changed: from `LEAD, the model`") for one in said)


def changed_item(pack: Pack, group: str, name: str, **changes: object) -> Pack:
    """Return a pack in which one item of a group is another."""
    items = dict(getattr(pack, group))
    items[name] = replace(items[name], **changes)
    return replace(pack, **{group: items})  # type: ignore[arg-type]  # a group of items


@pytest.mark.parametrize(
    ("group", "name", "changes", "told"),
    [
        (
            "invariants",
            "minors-stay-out",
            {"when": None},
            'from of eligibility: when person.age < 18, always eligibility == "ineligible"',
        ),
        ("clocks", "plan", {"follows": "Nothing."}, "(what differs: follows)"),
        ("clocks", "plan", {"tolling": "case.pauses"}, "(what differs: tolling)"),
        ("parameters", "plan_hours", {"high": 100}, "(what differs: high)"),
        (
            "consent_sets",
            "plan",
            {"after": "case.plan_at"},
            "-- to when you make your plan, after case.plan_at",
        ),
        ("sources", "nation-2014", {"address": "elsewhere"}, "elsewhere"),
    ],
)
def test_a_change_that_no_sentence_shows_is_named(
    group: str, name: str, changes: dict[str, object], told: str
) -> None:
    """An agency that approves a pack must see that a promise is weaker, and not read `source`."""
    before = read_pack("santa-fe")
    after = changed_item(before, group, name, **changes)
    assert digest(before) != digest(after)
    (difference,) = differences(before, after)
    assert told in str(difference) and "how sure it is" not in str(difference)


def test_only_another_source_is_said_to_be_one() -> None:
    pack = read_pack("santa-fe")
    plan = pack.clocks["plan"]
    after = changed_item(pack, "clocks", "plan", source=replace(plan.source, at="page 9"))
    (difference,) = differences(pack, after)
    assert str(difference).endswith("(its source, or how sure it is, differs)")


def test_a_pack_on_the_base_lacks_what_lead_promises_and_asks() -> None:
    """A city that moves from `deflection` to `lead` reads what it gains, and the other way."""
    there = differences(read_pack("deflection"), read_pack("lead"))
    back = differences(read_pack("lead"), read_pack("deflection"))
    for name in ("never-egregious", "care-never-reaches-justice"):
        assert f"invariant {name}" in {one.what for one in there if one.how == "came"}
    asked = {one.what: one.after for one in there if one.what.startswith("consent ")}
    assert set(asked) == {"consent hand_off", "consent plan"}
    assert "case management may tell intake status for admission" in str(asked["consent hand_off"])
    assert {one.what for one in back if one.how == "went"} >= set(asked)
    assert "rule disclosure.police-ceiling" in {one.what for one in back if one.how == "went"}


def lead() -> Pack:
    return read_pack("lead")


def with_disclosure(**changes: object) -> Pack:
    pack = lead()
    return replace(
        pack,
        decisions={
            **pack.decisions,
            "disclosure": replace(pack.decisions["disclosure"], **changes),
        },
    )  # type: ignore[arg-type]  # changed values


@given(st.data())
def test_no_rule_obligation_or_invariant_of_the_floor_can_go_unseen(data: st.DataObject) -> None:
    disclosure = lead().decisions["disclosure"]
    denies = [one for one in disclosure.rules if disclosure.rules[one].then == "deny"]
    permits = [one for one in disclosure.rules if disclosure.rules[one].then == "permit"]
    gone, other = data.draw(st.sampled_from(denies)), data.draw(st.sampled_from(permits))
    rules = dict(disclosure.rules)
    match data.draw(st.sampled_from(["gone", "never", "wider", "obligation", "invariant"])):
        case "gone":
            del rules[gone]
            found = with_disclosure(rules=rules)
        case "never":
            # A day from which on it no longer holds.
            rules[gone] = replace(rules[gone], until=data.draw(st.dates()))
            found = with_disclosure(rules=rules)
        case "wider":
            rules["another"] = replace(
                rules[other],
                id="another",
                when=data.draw(st.sampled_from([one.when for one in rules.values()])),
            )
            found = with_disclosure(rules=rules)
        case "obligation":
            held = dict(disclosure.obligations)
            del held[data.draw(st.sampled_from(sorted(held)))]
            found = with_disclosure(obligations=held)
        case _:
            invariants = dict(lead().invariants)
            del invariants[data.draw(st.sampled_from(sorted(invariants)))]
            found = replace(lead(), invariants=invariants)
    assert loosened(lead(), found, invariants=True)


def test_a_rule_that_denies_more_tightens_and_is_no_lifting() -> None:
    rules = dict(lead().decisions["disclosure"].rules)
    rules["more"] = replace(rules["never-travels"], id="more")
    assert loosened(lead(), with_disclosure(rules=rules), invariants=True) == ()


def refused(files: object, pack_id: str = "lead", named: str | None = None) -> str:
    with pytest.raises(Refusal) as found:
        accept_pack(read_pack_files(json.dumps({"id": pack_id, "files": files}).encode()), named)
    return found.value.code


def test_a_base_that_was_edited_on_the_way_is_found_under_whatever_pack_it_lies() -> None:
    files = dict(collect_pack("santa-fe").files)
    for base, rule in (("deflection", "restricted"), ("lead", "whereabouts-from-care")):
        text = files[f"{base}/pack.yaml"]
        start = f"      - id: {rule}\n"
        edited = text.replace(start, f"{start}        until: 2020-01-01\n")
        assert edited != text
        assert refused({**files, f"{base}/pack.yaml": edited}, "santa-fe") == "floor-lifted"


def test_what_is_no_pack_is_refused_with_a_word(tmp_path: Path) -> None:
    files = dict(collect_pack("santa-fe").files)
    assert (
        refused({"lead/pack.yaml": files["lead/pack.yaml"]}, named="sha256:" + "0" * 64)
        == "not-a-pack"
    )
    assert refused({"santa-fe/pack.yaml": files["santa-fe/pack.yaml"]}, "santa-fe") == "not-a-pack"
    assert (
        refused({})
        == refused({"../lead/pack.yaml": "x"}, "../lead")
        == refused({"lead/pack.yaml": 3})
        == refused([])
        == "not-a-pack"
    )
    assert refused({"lead/pack.yaml": "nonsense: ["}) == "yaml-syntax"
    with pytest.raises(Refusal):
        read_pack_files(b"x" * 5_000_000)
    bases = {name: text for name, text in files.items() if name.startswith(("lead/", "defl"))}
    assert PackFiles("lead", bases).pack() == read_pack("lead")
    assert refused({"lead/pack.yaml": files["lead/pack.yaml"]}) == "not-a-pack", "no parent"


# Which pack counts for whom

PACKS = ("a", "b", "c", "d")


@given(st.data())
def test_later_rules_never_let_the_prosecutor_do_more_without_notice(data: st.DataObject) -> None:
    decision = data.draw(st.sampled_from(sorted(SEVERITY)))
    known = [*SEVERITY[decision], "a_city_s_own"]
    outcomes = {
        one: data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3)) for one in PACKS
    }
    noticed = data.draw(st.sets(st.sampled_from(PACKS[1:])))
    found = governing("a", PACKS[1:], decision, outcomes, noticed)

    def worst(one: str) -> int:
        return max(SEVERITY[decision].get(outcome, 99) for outcome in outcomes[one])

    last = max([0, *(PACKS.index(one) for one in noticed)])
    # Nothing has become worse since the enrollment or the last notice, and no change that had a
    # notice is skipped.
    assert worst(found.pack) <= worst(PACKS[last])
    assert PACKS.index(found.pack) >= last
    assert found.pack not in noticed or found.why == "the person was given notice of it"


@pytest.mark.parametrize(
    ("decision", "before", "after", "noticed", "counts"),
    [
        ("filing", "hold", "prosecutor_may_file", False, "old"),
        ("filing", "hold", "prosecutor_may_file", True, "new"),
        ("filing", "prosecutor_may_file", "hold", False, "new"),
        ("ejection", "retain", "terminate", False, "old"),
        ("ejection", "terminate", "sanction", False, "new"),
        # Nobody knows yet what the new rules will say: that may be worse.
        ("ejection", "prosecutor_may_eject", "retain terminate", False, "old"),
        ("ejection", "prosecutor_may_eject", "retain sanction", False, "new"),
        # Nobody knows what the old ones would have said: that may have been better.
        ("filing", "hold prosecutor_may_file", "prosecutor_may_file", False, "old"),
        ("review", "continue", "prosecutor_considers_filing", False, "new"),
    ],
)
def test_examples_of_what_counts(
    decision: str, before: str, after: str, noticed: bool, counts: str
) -> None:
    outcomes = {"old": before.split(), "new": after.split()}
    assert (
        governing("old", ["new"], decision, outcomes, {"new"} if noticed else set()).pack == counts
    )
    assert governing(None, ["old", "new"], decision, outcomes).pack == "new"


def test_a_new_fact_says_which_signed_consents_cover_it() -> None:
    """The approvers must see that a consent reaches further than when it was signed."""
    after = read_pack("santa-fe")
    name, fact = next((n, f) for n, f in after.vocabulary.facts.items() if f.category == "status")
    older = {path: held for path, held in after.vocabulary.facts.items() if path != name}
    before = replace(after, vocabulary=replace(after.vocabulary, facts=older))
    (difference,) = differences(before, after)
    assert str(difference).startswith(
        f"fact {name} came: {fact.question} (its category is `status`"
    )
    assert "by a consent signed before" in str(difference)
    (gone,) = differences(after, before)
    assert "signed before" not in str(gone)
