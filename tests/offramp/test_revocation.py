"""A revocation ends every live grant, from any state, and closes its own gate first."""

from __future__ import annotations

from contextlib import closing, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.consent.reduction import ENDED, status_of_grant
from exchange.errors import ExchangeError, NotPassed
from exchange.hub.hub import Acceptance
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.revocation import MOST_PARTS, revocation_records
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import (
    LARGEST_REQUEST,
    MOST_BUNDLES,
    _next_request,
    send_outbox,
)
from offramp.agency.operations import revoke_consent
from tests.support.agencies import Town
from tests.support.refused import refused
from tests.support.running_agencies import Running, consent, told
from tests.support.simulator import DAY, FORM, KEEP, World, grant, part

COLLECTORS = ("crossroads", "clinic")
PAIRS = (
    ("police", "crossroads"),
    ("prosecutor", "crossroads"),
    ("clinic", "crossroads"),
    ("crossroads", "clinic"),
    ("crossroads", "prosecutor"),
    ("clinic", "hospital"),
)
CATEGORIES = ("status", "plan", "decision_outcome")
PURPOSE = "diversion_coordination"
LAST_DAYS = ("2026-11-02", "2026-11-04", "2027-11-01")
FIRST_DAYS = ("2026-11-01", "2026-11-10")

# A step of a story, as (task, collector, pair, category, days).
STEPS = st.tuples(
    st.sampled_from(["grant", "grant", "renew", "queue", "narrow", "restrict", "end", "wait"]),
    st.sampled_from(COLLECTORS),
    st.sampled_from(PAIRS),
    st.sampled_from(CATEGORIES),
    st.integers(0, 2),
)


class Story:
    """A case in which collectors record and change consents at random."""

    def __init__(self) -> None:
        self.world = World()
        self.case = self.world.new_case()
        self.terms: list[dict[str, Any]] = []
        self.queued: list[tuple[str, Any]] = []
        self.queued_terms: list[dict[str, Any]] = []

    def tell(self, step: tuple[str, str, tuple[str, str], str, int]) -> None:
        task, collector, pair, category, number = step
        with suppress(ExchangeError, IndexError):
            getattr(self, task)(collector, pair, category, number)
        for name in COLLECTORS:
            self.world.pull(name)

    def grant(self, collector: str, pair: tuple[str, str], category: str, number: int) -> None:
        self.world.consent(self.case, self._terms(pair, category, number), by=collector)

    def renew(self, collector: str, pair: tuple[str, str], category: str, number: int) -> None:
        """Record forty grants at once, as two yearly renewals of a form would."""
        for start in (0, 20):
            forms = [self._terms(pair, category, number) for _ in range(start, start + 20)]
            self.world.consent(self.case, *forms, by=collector)

    def queue(self, collector: str, pair: tuple[str, str], category: str, number: int) -> None:
        """Compose a consent that the hub gets together with the revocation."""
        terms = self.world.terms(collector, self._terms(pair, category, number))
        bundle = self.world.compose(collector, "consent", terms, case=self.case)
        self.queued.append((collector, bundle))
        self.queued_terms.append(self.terms[-1])

    def narrow(self, collector: str, pair: tuple[str, str], category: str, number: int) -> None:
        terms = self._sent_terms(number)
        agencies = (terms["discloser"], terms["recipient"])
        self.world.change(
            self.case, "narrow", agencies=agencies, by=collector, grant=terms["id"],
            categories=[category],
        )  # fmt: skip

    def restrict(self, collector: str, pair: tuple[str, str], category: str, number: int) -> None:
        self.world.change(
            self.case, "restrict", agencies=pair, by=collector, pairs=[list(pair)],
            categories=[category],
        )  # fmt: skip

    def end(self, collector: str, pair: tuple[str, str], category: str, number: int) -> None:
        terms = self._sent_terms(number)
        agencies = (terms["discloser"], terms["recipient"])
        self.world.change(self.case, "end", agencies=agencies, by=collector, grant=terms["id"])

    def wait(self, collector: str, pair: tuple[str, str], category: str, number: int) -> None:
        self.world.clock += (number + 1) * DAY

    def _sent_terms(self, number: int) -> dict[str, Any]:
        """Return the terms of a sent consent. An outbox sends no change before its consent."""
        return [terms for terms in self.terms if terms not in self.queued_terms][number]

    def _terms(self, pair: tuple[str, str], category: str, number: int) -> dict[str, Any]:
        terms = grant(*pair, [category], [PURPOSE])
        terms["id"] = f"{len(self.terms):016x}"
        terms["expires"] = LAST_DAYS[number]
        terms["from"] = FIRST_DAYS[number // 2]
        self.terms.append(terms)
        return terms

    def revoke(self, collector: str) -> None:
        """Revoke as `offramp agency revoke` does, then send all that is queued as one list."""
        gateway = self.world.at[collector]
        working_set = cast(WorkingSet, SimpleNamespace(gateway=gateway, agency=collector))
        defaults = Defaults(KEEP, "no_adverse_action", "own-1", self.world.random)
        bundles = [bundle for name, bundle in self.queued if name == collector]
        grants_of = {
            bundle.id: {terms["id"]}
            for (_, bundle), terms in zip(self.queued, self.queued_terms, strict=True)
        }
        with suppress(AgencyError):
            for ends in revocation_records(working_set, self.case, None, defaults):
                bundle = self.world.compose(collector, "consent_change", *ends, case=self.case)
                grants_of[bundle.id] = {end.says["grant"] for end in ends}
                bundles.append(bundle)
        assert gateway.unended_grants(self.case) == ()
        for bundle, answer in zip(bundles, self.world.submit(*bundles), strict=True):
            if isinstance(answer, Acceptance):
                gateway.sent(bundle.id, answer.receipt)
                continue
            # The hub refuses a consent that a restriction contradicts, and the ends of its grants
            # with it: it has committed none of these grants.
            assert isinstance(answer.error, NotPassed), answer
            committed = {logged.grant.id for logged in self.world.hub.state(self.case).grants}
            assert not committed & grants_of[bundle.id], answer


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_from_any_state_a_revocation_ends_every_live_grant(
    steps: list[tuple[str, str, tuple[str, str], str, int]],
) -> None:
    story = Story()
    for step in steps:
        story.tell(step)
    for collector in COLLECTORS:
        story.world.pull(collector)
        story.revoke(collector)
    world = story.world
    state = world.hub.state(story.case)
    zone = world.hub.history.newest.zone
    assert all(
        status_of_grant(state, logged, world.clock, zone) == ENDED for logged in state.grants
    )


def test_an_expired_grant_needs_no_end() -> None:
    story = Story()
    story.grant("crossroads", PAIRS[0], "status", 0)
    story.grant("crossroads", PAIRS[0], "status", 2)
    story.world.clock += 5 * DAY
    story.world.pull("crossroads")
    (logged,) = story.world.at["crossroads"].unended_grants(story.case)
    assert logged.grant.id == story.terms[1]["id"]


def test_the_own_gate_closes_before_the_network_is_tried(tmp_path: Any) -> None:
    town = Town(tmp_path)
    crossroads = town.at["crossroads"]
    case = "7" * 32
    terms = grant("crossroads", "clinic", ["status"], [PURPOSE])
    to = {"clinic": ("exchange_operation", "operation")}
    given_terms = part("consent_terms", to=to, says=terms)
    crossroads.compose("consent", (given_terms,), case=case, form=FORM)
    send_outbox(town.link("crossroads"))
    status = part("status", {"engagement": "engaged"}, to={"clinic": (PURPOSE, "consent")})
    town.hub.away = True
    assert revoke_consent(crossroads, case).record.state.startswith("queued")
    with refused("not-permitted"):
        crossroads.compose("status", (status,), case=case)
    # Another program that opens the folder finds the gate closed too.
    with closing(town.office("crossroads")) as again, refused("not-permitted"):
        again.compose("status", (status,), case=case)
    for office in town.at.values():
        office.close()


def test_an_end_that_the_hub_refused_before_its_consent_is_sent_again(tmp_path: Any) -> None:
    town = Town(tmp_path)
    crossroads, case = town.at["crossroads"], "8" * 32
    terms = part(
        "consent_terms",
        to={"clinic": ("exchange_operation", "operation")},
        says=grant("crossroads", "clinic", ["status"], [PURPOSE]),
    )
    town.hub.away = True
    crossroads.compose("consent", (terms,), case=case, form=FORM)
    early = revoke_consent(crossroads, case).record
    crossroads.refused(early.id, 403, {})
    town.hub.away = False
    send_outbox(town.link("crossroads"))
    status = part("status", {"engagement": "engaged"}, to={"clinic": (PURPOSE, "consent")})
    # The consent is in force at the hub. This agency's own gate stays closed.
    assert len(crossroads.working_set().gateway.unended_grants(case)) == 1
    with refused("not-permitted"):
        crossroads.compose("status", (status,), case=case)
    revoke_consent(crossroads, case)
    send_outbox(town.link("crossroads"))
    state = town.hub.hub.state(case)
    assert [logged.change.does for logged in state.changes] == ["end"]
    assert crossroads.working_set().gateway.unended_grants(case) == ()
    for office in town.at.values():
        office.close()


def test_a_consent_of_eleven_grants_renewed_twice_ends_in_one_list(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three years of a form with eleven grants are 33 grants, one more than a record may end."""
    case = "3" * 32
    for year in range(3):
        for number in range(11):
            consent(running, capsys, case, 100 * year + number)
    sent = told(running, capsys, "revoke", "crossroads", case)
    assert len(sent["records"]) == 2 and sent["state"] == "sent"
    assert {record["state"] for record in sent["records"]} == {"sent"}
    with closing(running.office("crossroads")) as office:
        receipts = [office.working_set().outbox[one["id"]].receipt for one in sent["records"]]
        indices = [receipt.index for receipt in receipts if receipt is not None]
        assert indices == [indices[0], indices[0] + 1]
        assert office.working_set().gateway.unended_grants(case) == ()
    assert running.agency("revoke", "crossroads", case) == 2


def test_a_batch_is_never_cut(tmp_path: Any) -> None:
    small = SimpleNamespace(write=lambda: b"{}")
    queued: Any = [
        SimpleNamespace(jti=f"{number}", batch=None, bundle=small) for number in range(25)
    ]
    batch: Any = [
        SimpleNamespace(jti=f"b{number}", batch="b0" if number else None, bundle=small)
        for number in range(30)
    ]
    large: Any = SimpleNamespace(
        jti="l", batch=None, bundle=SimpleNamespace(write=lambda: bytes(LARGEST_REQUEST))
    )
    assert _next_request([queued[0], large, queued[1]]) == [queued[0]]
    assert _next_request([large, queued[0]]) == [large]
    assert len(_next_request(queued)) == MOST_BUNDLES
    assert _next_request(queued[:3] + batch) == queued[:3]
    assert _next_request(batch + queued) == batch
    assert MOST_PARTS == 32
