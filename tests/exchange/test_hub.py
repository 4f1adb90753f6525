"""The hub commits, hands out, and withdraws, and some things must never happen in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange.consent.state import Committed
from exchange.errors import ExchangeError
from exchange.hub import quota
from exchange.hub.hub import Acceptance, Hub, Rejection
from exchange.log.leaves import HandoutBody, HandoutPart, Leaf, LeafBody, WithdrawalBody, write_body
from exchange.log.tree import Log
from tests.support.attack_stories import (
    TO_PROSECUTOR,
    emergency,
    send_status,
    status_grant,
    treatment_grant,
    under_way,
    with_second_key,
)
from tests.support.parties import after, signed
from tests.support.refused import refused
from tests.support.simulator import DAY, World, grant, leaves, part


class FullDisk(Exception):
    pass


def test_what_cannot_be_logged_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world, case = under_way()
    send_status(world, case)
    size = world.hub.log.size

    def full(body: LeafBody, random_bytes: object) -> Leaf:
        raise FullDisk

    monkeypatch.setattr(world.hub.log, "append", full)
    with pytest.raises(FullDisk):
        world.hub.inbox("prosecutor", world.clock, 1)
    monkeypatch.undo()
    assert world.hub.log.size == size
    # Nothing was half handed out: asked again, it is handed out once.
    (item,) = world.hub.inbox("prosecutor", world.clock, 1).items
    assert item.leaf.index == size and item.number == 2


def test_what_was_composed_and_never_sent_changes_nothing() -> None:
    world = World()
    case = world.enrolled()
    before = world.hub.log.size, world.at["crossroads"].state(case)
    world.compose("crossroads", "consent", world.terms("crossroads", status_grant()), case=case)
    assert (world.hub.log.size, world.at["crossroads"].state(case)) == before
    with refused("not-permitted"):
        world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)


# Quotas


def test_a_full_quota_stops_one_agency_in_one_case_for_one_day_and_never_a_revocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quota, "MOST_IN_CASE", 4)
    world, case = under_way()
    for _ in range(4):
        send_status(world, case)
    with refused("quota"):
        send_status(world, case)
    # The count is the store's: a hub that starts again knows it.
    world.hub._quota.forget()
    with pytest.raises(ExchangeError, match="has sent 4 records in this case today") as refusal:
        send_status(world, case)
    assert str(refusal.value.fix).startswith("send it after 2026-")
    # Others, another case, and what takes a permission away go on.
    assert world.refer(world.new_case())
    grants = world.hub.state(case).grants
    world.change(case, "end", agencies=["prosecutor"], grant=grants[0].grant.id)
    assert len(world.hub.state(case).changes) == 1
    monkeypatch.setattr(quota, "MOST_OF_AGENCY", 1)
    with refused("quota"):
        world.refer(world.new_case())
    world.clock += DAY
    assert world.refer(world.new_case())


# Before consent


def test_a_person_who_said_yes_at_the_scene_is_referred_and_one_who_said_no_is_not() -> None:
    world = World()
    assert world.refer(world.new_case())
    with refused("not-permitted"):
        world.refer(world.new_case(), answer="declined")


def test_the_offer_lasts_thirty_days_and_ends_with_an_exit() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    screening = part(
        "screening_outcome",
        {"outcome": "proceed"},
        to={"crossroads": ("screening", "offer_at_scene")},
        use="none",
    )
    world.clock += 30 * DAY
    world.send("police", "screening_outcome", screening, case=case)
    world.clock += 1
    with refused("not-permitted"):
        world.send("police", "screening_outcome", screening, case=case)


def test_before_consent_care_tells_police_and_prosecutor_nothing() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.settle()
    for to in ("police", "prosecutor"):
        for kind, category in (
            ("status", "status"),
            ("intake", "intake_status"),
            ("intake", "enrollment"),
        ):
            with refused("not-permitted"):
                basis = {to: ("diversion_coordination", "offer_at_scene")}
                world.compose("crossroads", kind, part(category, {}, to=basis), case=case)


def test_a_question_back_about_the_scene_is_asked_and_answered() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.settle()
    basis = {"police": ("screening", "offer_at_scene")}
    question = part(
        "encounter", {"asks": ["encounter.drugs"]}, to=basis, says={"for": "eligibility"}
    )
    asked = world.send("crossroads", "question", question, case=case)
    world.settle()
    reading = world.open("police", asked)
    assert reading.opened.content["encounter"]["asks"] == ["encounter.drugs"]
    drugs = [{"id": "0" * 16, "kind": "opioid", "grams": 2.4, "basis": "net"}]
    answer = part(
        "encounter",
        {"facts": {"encounter.drugs": drugs}},
        to={"crossroads": ("screening", "offer_at_scene")},
        says={"about": [asked, reading.opened.label.id]},
        use="none",
    )
    sent = world.send("police", "answer", answer, case=case)
    world.settle()
    assert (
        world.open("crossroads", sent).opened.content["encounter"]["facts"]["encounter.drugs"]
        == drugs
    )


# Consent


def test_each_agency_holds_just_the_consents_that_name_it() -> None:
    world, case = under_way()
    assert {name: len(world.at[name].received) for name in world.names} == {
        "police": 0,
        "prosecutor": 1,
        "defender": 0,
        "program": 0,
        "crossroads": 1,
        "clinic": 1,
        "hospital": 0,
    }
    assert len(world.hub.state(case).grants) == 2
    assert len(world.at["prosecutor"].state(case).grants) == 1


def test_a_record_of_which_one_part_passes_for_one_recipient_is_refused_as_a_whole() -> None:
    world, case = under_way()
    both = {
        "prosecutor": ("diversion_coordination", "consent"),
        "program": ("diversion_coordination", "consent"),
    }
    with refused("not-permitted"):
        world.compose("crossroads", "status", part("status", {}, to=both), case=case)


def test_partly_revoked_what_is_left_is_handed_out_and_the_rest_is_gone() -> None:
    world = World()
    case = world.enrolled(
        status_grant(id="1" * 16),
        grant("crossroads", "prosecutor", ["enrollment"], ["filing_status"], id="2" * 16),
    )
    parts = (
        part(
            "intake_status",
            {"done_on": "2026-11-02"},
            to={"prosecutor": ("diversion_coordination", "consent")},
        ),
        part("enrollment", {"enrolled": True}, to={"prosecutor": ("filing_status", "consent")}),
    )
    sent = world.send("crossroads", "intake", *parts, case=case)
    world.change(case, "end", agencies=["prosecutor"], grant="2" * 16)
    world.settle()
    received = world.at["prosecutor"].received["crossroads", sent]
    assert received.record is not None
    assert [label.category for label in received.record.labels.values()] == [("intake_status",)]
    (withdrawn,) = leaves(world, WithdrawalBody)
    assert isinstance(withdrawn.body, WithdrawalBody) and len(withdrawn.body.parts) == 1
    assert world.open("prosecutor", sent).opened.content == {
        "intake_status": {"done_on": "2026-11-02"}
    }


def test_a_consent_until_an_event_ends_when_its_certifier_says_so_and_by_nobody_else_s_word() -> (
    None
):
    world = World()
    case = world.enrolled(status_grant(id="1" * 16, expires=None, certifier="prosecutor"))
    with refused("not-admitted"):
        world.change(case, "certify", agencies=["prosecutor"], grant="1" * 16)
    with refused("not-passed"):
        world.change(case, "certify", agencies=["prosecutor"], grant="1" * 16, force=True)
    assert send_status(world, case)
    world.change(case, "certify", agencies=["crossroads"], grant="1" * 16, by="prosecutor")
    world.settle()
    with refused("not-permitted"):
        send_status(world, case)


def test_a_consent_between_agencies_that_nobody_lists_is_refused() -> None:
    world = World()
    case = world.enrolled()
    for name in ({"certifier": "nobody", "expires": None}, {"recipient": "nobody"}):
        terms = {**status_grant(), **name}
        terms = {key: value for key, value in terms.items() if value is not None}
        told = part(
            "consent_terms", to={"prosecutor": ("exchange_operation", "operation")}, says=terms
        )
        with refused("not-admitted"):
            world.send("crossroads", "consent", told, case=case)
        with refused("not-passed"):
            world.force("crossroads", "consent", told, case=case)


def test_police_certify_nothing() -> None:
    world = World()
    case = world.enrolled()
    told = world.terms("crossroads", status_grant(expires=None, certifier="police"))
    with refused("not-admitted"):
        world.send("crossroads", "consent", told, case=case)
    with refused("not-passed"):
        world.force("crossroads", "consent", told, case=case)


def test_an_agency_that_only_certifies_knows_the_consent_and_ends_it() -> None:
    world = World()
    case = world.enrolled(status_grant(id="1" * 16, expires=None, certifier="clinic"))
    assert len(world.at["clinic"].state(case).grants) == 1
    world.change(
        case, "certify", agencies=["crossroads", "prosecutor"], grant="1" * 16, by="clinic"
    )
    world.settle()
    with refused("not-permitted"):
        send_status(world, case)


def test_the_prosecutor_ends_and_restricts_nothing() -> None:
    world, case = under_way()
    terms = {"does": "end", "grant": world.hub.state(case).grants[0].grant.id}
    ended = part(
        "consent_terms",
        to={"crossroads": ("exchange_operation", "operation")},
        says=terms,
        use="none",
    )
    with refused("not-admitted"):
        world.send("prosecutor", "consent_change", ended, case=case)
    with refused("not-passed"):
        world.force("prosecutor", "consent_change", ended, case=case)


def test_the_defender_ends_a_consent_for_the_person() -> None:
    world = World()
    case = world.enrolled(
        status_grant(id="1" * 16),
        grant("crossroads", "defender", ["status"], ["legal_representation"], id="2" * 16),
    )
    world.change(case, "end", agencies=["crossroads"], grant="2" * 16, by="defender")
    world.settle()
    with refused("not-permitted"):
        basis = {"defender": ("legal_representation", "consent")}
        world.compose("crossroads", "status", part("status", {}, to=basis), case=case)


def test_expiry_cuts_what_waits() -> None:
    world = World()
    case = world.enrolled(status_grant(expires="2026-11-03"))
    sent = send_status(world, case)
    world.clock += 2 * DAY
    world.pull("prosecutor")
    assert sent not in world.got("prosecutor") and len(world.at["prosecutor"].undelivered) == 1


def test_counsel_is_told_only_once_it_has_said_whom_it_represents() -> None:
    world = World()
    case = world.enrolled(grant("crossroads", "defender", ["status"], ["legal_representation"]))
    status = part(
        "status", {"engagement": "engaged"}, to={"defender": ("legal_representation", "consent")}
    )
    with refused("not-permitted"):
        world.compose("crossroads", "status", status, case=case)
    world.represent(case)
    world.settle()
    assert world.send("crossroads", "status", status, case=case)
    world.settle()
    assert world.hub.account(case, "defender", world.witnessed(), world.clock).case == case


def test_counsel_needs_no_consent_to_say_so_and_says_it_to_no_provider_and_no_police() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    for to in ("crossroads", "program", "prosecutor"):
        assert world.represent(case, to)
    for to in ("police", "clinic", "hospital"):
        with refused("not-permitted"):
            world.represent(case, to)


def test_counsel_whom_no_consent_names_ends_one_once_it_has_taken_the_account() -> None:
    """The person revokes through the lawyer, and the lawyer's own inbox has no consent."""
    world = World()
    case = world.enrolled(status_grant(id="1" * 16))
    world.represent(case)
    world.settle()
    with refused("not-admitted"):
        world.change(
            case, "end", agencies=["crossroads", "prosecutor"], grant="1" * 16, by="defender"
        )
    account = world.hub.account(case, "defender", world.witnessed(), world.clock)
    world.at["defender"].learn_account(account)
    world.change(case, "end", agencies=["crossroads", "prosecutor"], grant="1" * 16, by="defender")
    world.settle()
    with refused("not-permitted"):
        send_status(world, case)


def test_whoever_leaves_before_any_consent_has_left_and_police_are_not_told() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.represent(case)
    world.settle()
    left = part(
        "operation",
        to={
            "program": ("exchange_operation", "operation"),
            "defender": ("exchange_operation", "operation"),
        },
    )
    for to in ("police", "prosecutor", "clinic"):
        with refused("not-permitted"):
            told = part("operation", to={to: ("exchange_operation", "operation")})
            world.send("crossroads", "exit", told, case=case)
    sent = world.send("crossroads", "exit", left, case=case)
    world.settle()
    assert {sent} <= world.got("program") & world.got("defender")
    outcome = part(
        "screening_outcome",
        {"outcome": "proceed"},
        to={"crossroads": ("screening", "offer_at_scene")},
        use="none",
    )
    with refused("not-passed"):
        world.force("police", "screening_outcome", outcome, case=case)


def test_who_was_put_out_keeps_counsel_and_counsel_the_account() -> None:
    world = World()
    case = world.enrolled(status_grant())
    world.represent(case)
    world.send(
        "crossroads",
        "exit",
        part("operation", to={"program": ("exchange_operation", "operation")}),
        case=case,
    )
    world.settle()
    assert world.hub.account(case, "defender", world.witnessed(), world.clock).case == case
    with refused("not-passed"):
        world.hub.account(case, "clinic", world.witnessed(), world.clock)


def test_a_no_after_the_yes_goes_where_the_yes_went_and_nothing_goes_after_it() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.settle()
    sent = world.refer(case, answer="declined")
    world.settle()
    assert world.open("crossroads", sent).opened.content == {"encounter": {}}
    outcome = part(
        "screening_outcome",
        {"outcome": "proceed"},
        to={"crossroads": ("screening", "offer_at_scene")},
        use="none",
    )
    with refused("not-permitted"):
        world.send("police", "screening_outcome", outcome, case=case)
    with refused("wrong-content"):
        told = part(
            "encounter",
            {"facts": {"encounter.route": "arrest"}},
            to={"crossroads": ("offer_and_hand_off", "offer_at_scene")},
            says={"answer": "declined"},
            use="none",
        )
        world.send("police", "referral", told, case=case)


def test_an_id_of_another_issuer_s_record_is_refused_in_the_same_case() -> None:
    """Or what names a record by its id could mean either."""
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    own = part(
        "charge",
        {},
        to={"crossroads": ("screening", "offer_at_scene")},
        says={"answer": "accepted"},
        use="none",
    )
    with refused("not-passed"):
        world.force("police", "referral", own, case=case, jti=sent)


# Emergencies and orders


def test_in_an_emergency_the_hospital_is_told_for_a_day_and_all_of_it_is_on_record() -> None:
    world = with_second_key()
    case = world.new_case()
    sent = emergency(world, case, "a" * 32, "b" * 16)
    world.settle()
    for second in (None, "A. Reader", "a. reader"):
        with refused("second-person"):
            world.open("hospital", sent, second=second)
    reading = world.open("hospital", sent, second="B. Reader")
    assert reading.opened.content == {"treatment": {"text": "naloxone twice"}}
    assert {"second_person", "tell_person_and_counsel", "redisclosure_notice"} <= set(
        reading.obligations
    )
    world.clock += DAY
    world.pull("hospital")
    with refused("not-permitted"):
        world.open("hospital", sent)


@pytest.mark.parametrize(
    "more", [{"form": ["nature", "discloser"]}, {"countersigned": None}], ids=str
)
def test_without_each_mandatory_field_it_is_on_record_and_not_told(more: dict[str, object]) -> None:
    world = with_second_key()
    sent = emergency(world, world.new_case(), "a" * 32, "b" * 16, **more)
    world.settle()
    assert sent not in world.got("hospital") and len(leaves(world, WithdrawalBody)) == 1


def test_a_second_signature_over_another_report_is_refused() -> None:
    world = with_second_key()
    with refused("bad-countersignature"):
        emergency(world, world.new_case(), "a" * 32, "b" * 16, told="clinic")


def test_one_person_cannot_countersign_herself() -> None:
    from exchange.records.countersignature import countersign
    from tests.support.keys import key

    world = World()
    fields = {"told": "hospital", "category": "treatment", "on": "2026-11-02"}
    own = countersign(key("crossroads.s1"), jti="a" * 32, part="b" * 16, **fields)
    with refused("bad-countersignature"):
        emergency(world, world.new_case(), "a" * 32, "b" * 16, countersigned=own)


def test_a_report_is_never_refused_and_what_disclosure_says_of_it_stands_beside() -> None:
    world = World()
    case = world.new_case()
    said = {"told": "prosecutor", "category": "treatment", "on": "2026-11-02"}
    aloud = part("operation", {}, to={"program": ("exchange_operation", "operation")}, says=said)
    sent = world.send("crossroads", "oral_disclosure", aloud, case=case)
    world.settle()
    assert sent not in world.got("program") and len(leaves(world, WithdrawalBody)) == 1
    order = {**said, "order": "0" * 64, "process": "1" * 64}
    assert world.send("crossroads", "court_order_disclosure", replace(aloud, says=order), case=case)
    with refused("wrong-shape"):
        world.send(
            "crossroads",
            "court_order_disclosure",
            replace(aloud, says={**said, "order": "0" * 64}),
            case=case,
        )


# What a reader of the contract found


def test_a_question_asks_and_tells_nothing() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.settle()
    for content in (
        {"phone": "505 555 0100"},
        {"asks": ["person.age"], "given_name": "Ann"},
        {"asks": ["she_used_again"]},
        {},
    ):
        basis = {"police": ("offer_and_hand_off", "offer_at_scene")}
        with refused("wrong-content"):
            world.compose(
                "crossroads",
                "question",
                part("contact", content, to=basis, says={"for": "admission"}),
                case=case,
            )


def test_a_status_carries_no_decision_and_a_decision_no_step_of_another_category() -> None:
    world, case = under_way()
    answer = {
        "decision": "review",
        "status": "decided",
        "outcome": ["offer_treatment"],
        "pack": "lead",
        "digest": "sha256:" + "0" * 64,
    }
    for kind in ("status", "decision"):
        with refused("wrong-content"):
            world.compose(
                "crossroads",
                kind,
                part("status", {"decision": answer}, to=TO_PROSECUTOR),
                case=case,
            )


def test_a_revocation_that_does_not_go_to_both_is_refused() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.consent(case, status_grant(id="1" * 16), by="clinic")
    world.settle()
    with refused("not-admitted"):
        world.change(case, "end", agencies=["crossroads"], by="clinic", grant="1" * 16)
    with refused("not-passed"):
        world.change(case, "end", agencies=["crossroads"], by="clinic", grant="1" * 16, force=True)
    assert world.change(
        case, "end", agencies=["crossroads", "prosecutor"], by="clinic", grant="1" * 16
    )


def test_a_yes_to_something_else_or_one_that_ended_lifts_no_no() -> None:
    for lifting in ({"categories": ["intake_status"]}, {"end": True}):
        world = World()
        case = world.enrolled(status_grant(id="1" * 16))
        pair = [["crossroads", "prosecutor"]]
        world.change(
            case,
            "restrict",
            agencies=["prosecutor"],
            pairs=pair,
            categories=["status"],
            id="9" * 16,
        )
        ended = lifting.pop("end", None)
        later = {**status_grant(id="2" * 16), **lifting, "lifts": ["9" * 16]}
        world.consent(case, later)
        if ended:
            world.change(case, "end", agencies=["prosecutor"], grant="2" * 16)
        with refused("not-permitted"):
            send_status(world, case)


def test_a_no_is_told_to_those_whom_it_concerns_and_shows_no_other_couple() -> None:
    world, case = under_way()
    with refused("wrong-shape"):
        pairs = [["clinic", "hospital"], ["crossroads", "prosecutor"]]
        world.change(case, "restrict", agencies=["prosecutor"], pairs=pairs, categories=["status"])
    # Nothing was granted from clinic to police: police hear of no such no, and the clinic does.
    for agencies in (["police"], ["clinic", "police"]):
        for force, code in ((False, ("not-admitted", "not-permitted")), (True, ("not-passed",))):
            with refused(*code):
                what = {"pairs": [["clinic", "police"]], "categories": ["status"]}
                world.change(case, "restrict", agencies=agencies, force=force, **what)
    assert world.change(
        case, "restrict", agencies=["clinic"], pairs=[["clinic", "police"]], categories=["status"]
    )


def test_a_recall_is_of_one_s_own_part_and_answered_by_whom_it_asked() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    (label,) = world.at["prosecutor"].received["crossroads", sent].record.labels
    about = {"about": [sent, label]}
    to_crossroads = {"crossroads": ("exchange_operation", "operation")}
    to_prosecutor = {"prosecutor": ("exchange_operation", "operation")}
    foreign = part("operation", to=to_crossroads, says=about, use="none")
    with refused("not-admitted"):
        world.send("prosecutor", "recall", foreign, case=case)
    with refused("not-passed"):
        world.force("prosecutor", "recall", foreign, case=case)
    recall = world.send(
        "crossroads", "recall", part("operation", to=to_prosecutor, says=about), case=case
    )
    world.settle()
    (asked,) = world.at["prosecutor"].received["crossroads", recall].record.labels
    (owed,) = world.at["prosecutor"].pending_recalls()
    assert (owed.record, owed.part, owed.until) == (sent, label, world.clock + 7 * DAY)
    deleted = part(
        "operation",
        {"answer": "deleted"},
        to=to_crossroads,
        says={"about": [recall, asked]},
        use="none",
    )
    with refused("not-admitted"):
        world.send("prosecutor", "recall_answer", replace(deleted, says=about), case=case)
    with refused("not-passed"):
        world.force("prosecutor", "recall_answer", replace(deleted, says=about), case=case)
    answer = world.send("prosecutor", "recall_answer", deleted, case=case)
    world.settle()
    assert world.open("crossroads", answer).opened.content == {"operation": {"answer": "deleted"}}
    assert world.at["prosecutor"].pending_recalls() == ()


def test_nobody_else_determines_what_is_the_prosecutor_s_alone() -> None:
    world = World()
    case = world.enrolled(
        grant("program", "crossroads", ["decision_outcome"], ["diversion_coordination"])
    )
    made = {
        "decision": "ejection",
        "outcome": "terminate",
        "by": "Pat Doe",
        "reason": "absent",
        "differs": True,
    }
    told = part(
        "decision_outcome",
        {"determination": made},
        to={"crossroads": ("diversion_coordination", "consent")},
    )
    with refused("wrong-content"):
        world.compose("program", "determination", told, case=case)
    admitted = {
        "decision_outcome": {
            "determination": {**made, "decision": "admission", "outcome": "admitted"}
        }
    }
    assert world.compose("program", "determination", replace(told, content=admitted), case=case)


def test_another_provider_gets_no_account() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.consent(case, status_grant(), by="hospital")
    world.settle()
    with refused("not-passed"):
        world.hub.account(case, "hospital", world.witnessed(), world.clock)


def test_a_log_that_split_is_believed_no_more() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    honest = world.hub.log
    world.hub.log = Log(world.hub.store)
    world.hub.log.tree.append(bytes(32))
    world.hub.log.tree.append(bytes(32))
    note, other = world.hub.checkpoint(world.clock), world.hub.log
    world.hub.log = honest
    send_status(world, case)
    world.witnessed()
    last = world.at["prosecutor"].watching.last
    assert last is not None
    with refused("split-view", "rolled-back"):
        world.at["prosecutor"].cosign(note, other.tree.consistency(14), world.clock)
    for act in (lambda: world.open("prosecutor", sent), lambda: world.pull("prosecutor")):
        with refused("split-view", "rolled-back"):
            act()


def test_a_covered_part_without_its_notice_and_one_whose_day_is_over_do_not_pass() -> None:
    world, case = under_way()
    basis = {"clinic": ("treatment", "consent")}
    with refused("not-permitted"):
        world.compose(
            "crossroads", "service_referral", part("treatment", {"text": "x"}, to=basis), case=case
        )
    with refused("not-permitted"):
        world.compose(
            "crossroads",
            "status",
            part("status", {}, to=TO_PROSECUTOR, keep_until="2026-11-01"),
            case=case,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"pack": "sha256:" + "0" * 64},
        {"to": "clinic"},
        {"issuer": "police"},
        {"number": 9},
        {"time": 0},
        {"parts": (HandoutPart(part="0" * 16, purpose="diversion_coordination", basis="consent"),)},
        {"parts": "another purpose"},
    ],
    ids=str,
)
def test_a_hand_out_that_its_leaf_does_not_bear_out_is_a_fault_and_never_opens(
    change: dict[str, object],
) -> None:
    world, case = under_way()
    sent = send_status(world, case)
    answer = world.inbox("prosecutor")
    body = answer.items[0].leaf.body
    assert isinstance(body, HandoutBody)
    if change.get("parts") == "another purpose":
        change = {
            "parts": tuple(
                one.model_copy(update={"purpose": "filing_status"}) for one in body.parts
            )
        }
    leaf = replace(answer.items[0].leaf, stored=write_body(body.model_copy(update=change)))
    (received,) = world.at["prosecutor"].take(
        replace(answer, items=(replace(answer.items[0], leaf=leaf),)), world.clock
    )
    assert received.fault is not None and received.record is None
    with refused("not-held"):
        world.at["prosecutor"].open("crossroads", sent, "0" * 16, by="A. Reader", now=world.clock)


def test_after_the_grace_the_directory_s_own_leaves_must_be_witnessed_too() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    gateway = world.at["prosecutor"]
    founding = gateway.members[0].index
    del gateway.log_view.proved[founding]
    assert world.open("prosecutor", sent).unwitnessed
    world.clock += DAY + 1
    world.pull("prosecutor")
    with refused("unwitnessed"):
        world.open("prosecutor", sent)


def test_what_was_withdrawn_must_be_so_in_the_log() -> None:
    world, case = under_way()
    send_status(world, case)
    answer = world.inbox("prosecutor")
    swallowed = replace(answer.items[0], leaf=world.hub.log.leaves[0], recorded=None, delivery=None)
    with refused("wrong-leaf"):
        world.at["prosecutor"].take(replace(answer, items=(swallowed,)), world.clock)


# Clocks


@pytest.mark.parametrize("skew", [-DAY, DAY])
def test_a_constant_day_of_skew_changes_no_decision_and_stops_the_witness(skew: int) -> None:
    world = World()
    case = world.enrolled(status_grant(expires="2026-11-02"))
    gateway = world.at["crossroads"]
    reader = world.at["prosecutor"]
    for one in (gateway, reader):
        one.take(world.hub.inbox(one.agency, world.clock + 60, one.cursor), world.clock + 60 + skew)
    # By the agency's own clock the consent has ended, or not begun.
    status = part("status", {}, to=TO_PROSECUTOR)
    bundle = gateway.compose("status", [status], case=case, now=world.clock + 60 + skew)
    (taken,) = world.submit(bundle)
    assert isinstance(taken, Acceptance)
    reader.take(
        world.hub.inbox("prosecutor", world.clock + 120, reader.cursor), world.clock + 120 + skew
    )
    (label,) = reader.received["crossroads", bundle.id].record.labels
    assert reader.open("crossroads", bundle.id, label, by="A. Reader", now=world.clock + 130 + skew)
    last = reader.watching.last
    assert last is not None
    proof = world.hub.log.tree.consistency(last.size)
    with refused("clocks-apart"):
        reader.cosign(world.hub.checkpoint(world.clock + 120), proof, world.clock + 120 + skew)


def test_a_hub_that_repeats_one_line_for_a_day_opens_nothing_any_more() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.pull("prosecutor")
    frozen = world.inbox("prosecutor")
    for _ in range(3):
        world.clock += DAY // 2
        world.at["prosecutor"].take(frozen, world.clock)
    with refused("stale-line", "unwitnessed"):
        world.open("prosecutor", sent)


# Membership


def test_what_is_about_no_case_reaches_every_member() -> None:
    world = World()
    adopted = {"operation": {"digest": "0" * 64}}
    to = {name: ("exchange_operation", "operation") for name in world.names if name != "program"}
    notice = part("operation", adopted["operation"], to=to, use="none")
    sent = world.send("program", "pack_adoption", notice, case=None)
    world.settle()
    assert all(sent in world.got(name) for name in to)
    assert world.open("police", sent).opened.content == adopted


def test_an_agency_that_left_gets_nothing_more() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    newest = after(world.hub.history)
    left = [one for one in newest["agencies"] if one["id"] != "prosecutor"]
    threshold = {"signatures": 3, "of": ["defender", "program", "clinic"]}
    gone = newest | {"agencies": left, "threshold": threshold}
    world.names = tuple(name for name in world.names if name != "prosecutor")
    world.change_directory(signed(gone, ("defender", "program", "clinic")))
    (item,) = world.hub.inbox("prosecutor", world.clock, 1).items
    assert (
        item.delivery is None
        and isinstance(item.leaf.body, WithdrawalBody)
        and item.leaf.body.record == sent
    )


def without_crossroads(world: World) -> None:
    """The threshold puts the case managers out of the directory."""
    newest = after(world.hub.history)
    left = [one for one in newest["agencies"] if one["id"] != "crossroads"]
    world.names = tuple(name for name in world.names if name != "crossroads")
    world.change_directory(
        signed(newest | {"agencies": left}, ("defender", "program", "clinic", "prosecutor"))
    )


def test_a_part_of_an_agency_that_left_is_withdrawn_and_not_handed_out() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    without_crossroads(world)
    # A withdrawal.
    assert leaves(world, WithdrawalBody)[-1].body.record == sent  # type: ignore[attr-defined]  # a withdrawal has one
    world.pull("prosecutor")
    assert sent not in world.got("prosecutor")


def test_a_part_of_an_agency_that_left_opens_no_more() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    assert world.open("prosecutor", sent).opened.content
    without_crossroads(world)
    world.settle()
    with refused("not-permitted"):
        world.open("prosecutor", sent)


class HandsOutAll(Hub):
    """A hub that asks no rules at a hand-out."""

    def _permitted(
        self, committed: Committed, agency: str, parts: frozenset[str], time: int
    ) -> frozenset[str]:
        return parts


def test_a_part_that_a_hub_hands_out_after_its_sender_left_stays_closed() -> None:
    world, case = under_way(World(HandsOutAll))
    sent = send_status(world, case)
    without_crossroads(world)
    world.settle()
    assert sent in world.got("prosecutor")
    with refused("not-permitted"):
        world.open("prosecutor", sent)


def test_batches_are_answered_one_by_one() -> None:
    world, case = under_way()
    good = world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
    other = world.compose(
        "crossroads",
        "status",
        part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR),
        case=case,
    )
    from tests.support import forge

    answers = world.submit(good, forge.bundle(by="stranger.s1"), other, good)
    assert [type(answer) for answer in answers] == [Acceptance, Rejection, Acceptance, Acceptance]
    first, _, third, again = answers
    assert (
        isinstance(first, Acceptance)
        and isinstance(third, Acceptance)
        and isinstance(again, Acceptance)
    )
    assert (
        again.is_repeat
        and again.receipt == first.receipt
        and third.receipt.time == first.receipt.time
    )
    assert third.receipt.index == first.receipt.index + 1


def test_treatment_reaches_the_clinic_with_its_notice_and_nobody_else() -> None:
    world = World()
    case = world.enrolled(treatment_grant())
    told = part(
        "treatment",
        {"text": "asks for methadone"},
        to={"clinic": ("treatment", "consent")},
        sensitivity="part2",
    )
    with refused("notice-missing"):
        world.compose("crossroads", "service_referral", told, case=case)
    sent = world.send("crossroads", "service_referral", replace(told, notice="own-1"), case=case)
    world.settle()
    assert "redisclosure_notice" in world.open("clinic", sent).obligations
    assert [name for name in world.names if sent in world.got(name)] == ["clinic"]


def test_who_is_to_certify_an_event_may_be_told_of_the_end_and_of_no_narrowing() -> None:
    world = World()
    case = world.enrolled(status_grant(id="1" * 16, expires=None, certifier="clinic"))
    with refused("not-permitted"):
        world.change(
            case, "narrow", agencies=["prosecutor", "clinic"], grant="1" * 16, categories=["status"]
        )
    other = world.fork()
    ended = world.change(case, "end", agencies=["prosecutor", "clinic"], grant="1" * 16)
    world.settle()
    assert ended in world.got("clinic") and ended in world.got("prosecutor")
    # An end waits for nobody who only certifies, and leaves out nobody whom it binds.
    with refused("not-admitted"):
        other.change(case, "end", agencies=["clinic"], grant="1" * 16)
    other.change(case, "end", agencies=["prosecutor"], grant="1" * 16)
    with refused("not-permitted"):
        send_status(other, case)
