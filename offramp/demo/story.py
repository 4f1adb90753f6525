"""The demo's story: three people's cases, step by step through the agencies' operations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError
from exchange.records.ids import new_id, new_short_id
from offramp.agency import operations
from offramp.agency.errors import HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.client import Client, Http
from offramp.demo.town import Agency, Town, stuck
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.json_text import parse_json

START = datetime(2026, 6, 2, 18, 0, tzinfo=UTC)
TODAY = "2026-06-02"

SCENE = ("offer_and_hand_off", "offer_at_scene")
SCREENING = ("screening", "offer_at_scene")
OPERATION = ("exchange_operation", "operation")
TOGETHER, CARE, LEGAL = "diversion_coordination", "treatment", "legal_representation"


@frozen
class Step:
    """A step of the story: when, at which agency, and a sentence about it.

    `command` is the same task on the command line. `disclosures` list the recipients of each part,
    and why the other agencies get nothing. `answer` is the operation's result.
    """

    at: datetime
    person: str
    agency: str
    summary: str
    command: str
    disclosures: tuple[Mapping[str, Any], ...]
    answer: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "person": self.person,
            "agency": self.agency,
            "what": self.summary,
            "command": self.command,
            "told": [dict(charge) for charge in self.disclosures],
            "answer": dict(self.answer),
        }


class Story:
    """The story in a town. Each scene is a method, and leaves the town as the next one needs it.

    `on_step` is called with each step once it is done.
    """

    def __init__(self, town: Town, on_step: Callable[[Step], None] | None = None) -> None:
        self.town = town
        self._on_step = on_step
        self.steps: list[Step] = []
        self.cases: dict[str, str] = {}
        self._drafts = town.folder / "drafts"
        self._drafts.mkdir()

    def at(self, name: str) -> Agency:
        return self.town.agencies[name]

    def later(self, **more: int) -> None:
        """Move the clock, and have every agency ask the hub at the new time."""
        self.town.set(self.town.now + timedelta(**more))
        for member in self.town.agencies.values():
            member.pull()

    # Steps

    def step(
        self,
        agency: str,
        person: str,
        summary: str,
        command: str,
        operation: Callable[[Office], operations.Result],
        disclosures: Iterable[Any] = (),
    ) -> dict[str, Any]:
        """Perform one operation at an agency, and record the step; its result as JSON.

        `command` is the same task on the command line, without `offramp agency`.
        """
        acting = self.at(agency)
        acting.pull()
        answer = _plain(operation(acting.office).as_json())
        if str(answer.get("state", "")).startswith("refused"):
            raise stuck(f"`{agency}` was refused: {answer['state']}")
        disclosures = tuple(disclosures) or _told_in(acting, answer)
        name, _, rest = command.partition(" ")
        shown = f"offramp agency {name} DIR/{agency} {rest}".rstrip()
        self.add(Step(self.town.now, person, agency, summary, shown, disclosures, answer))
        return answer

    def add(self, step: Step) -> None:
        """Record a step that is done, and tell of it."""
        self.steps.append(step)
        if self._on_step is not None:
            self._on_step(step)

    def sends(
        self,
        agency: str,
        person: str,
        summary: str,
        kind: str,
        parts: list[dict[str, Any]],
        **more: Any,
    ) -> str:
        """Send a record from a draft that is kept beside the folders; its id."""
        members = {"parts": parts, **more}
        path = self._keep(kind, members)
        case = self.cases.get(person)
        draft = operations.build_draft(self.at(agency).office, members)
        disclosures = self._told(agency, kind, draft, case)
        command = f"send {kind} {path}" + (f" --case {case}" if case else "")
        answer = self.step(
            agency,
            person,
            summary,
            command,
            lambda office: operations.send_record(office, kind, draft, case),
            disclosures,
        )
        self.cases.setdefault(person, str(answer["case"]))
        return str(answer["id"])

    def opens(self, agency: str, person: str, summary: str) -> dict[str, Any]:
        """Open everything of the case that this agency's person may read; what is known of it."""
        case, actor = self.cases[person], self.at(agency).person
        return self.step(
            agency,
            person,
            summary,
            f'case {case} --by "{actor}"',
            lambda office: operations.open_case(office, actor, case),
        )

    def decides(
        self,
        agency: str,
        person: str,
        summary: str,
        decision: str,
        *,
        send: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask the rules, with `facts` of the agency's own records, and `send` their answer."""
        case = self.cases[person]
        command = f"decide {case} {decision}" + (" --send" if send else "")
        if facts is not None:
            command += f" --facts {self._keep('history', facts)}"

        def decide(office: Office) -> operations.CaseAnswer:
            own = None if facts is None else parse_json(json.dumps(facts))
            answered = operations.decide(office, case, decision, facts=own)
            return operations.send_answer(office, answered) if send else answered

        return self.step(agency, person, summary, command, decide)

    def determines(
        self, agency: str, person: str, summary: str, decision: str, outcome: str, reason: str
    ) -> dict[str, Any]:
        """Record the decision of this agency's person."""
        case, actor = self.cases[person], self.at(agency).person
        return self.step(
            agency,
            person,
            summary,
            f'determine {case} {decision} {outcome} --reason {reason} --by "{actor}"',
            lambda office: operations.determine(office, actor, case, decision, outcome, reason),
        )

    def notes(
        self, agency: str, person: str, summary: str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Note facts that the agency knows itself."""
        case = self.cases[person]
        return self.step(
            agency,
            person,
            summary,
            f"note {case} {self._keep('facts', facts)}",
            lambda office: operations.note_facts(office, case, parse_json(json.dumps(facts))),
        )

    def _keep(self, name: str, value: Any) -> Path:
        """Keep a draft or facts as a file, so that a reader can repeat the step."""
        path = self._drafts / f"{len(self.steps) + 1:02}-{name}.json"
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
        return path

    def waits(
        self,
        agency: str,
        person: str,
        is_known: Callable[[operations.CaseView], bool],
        summary: str,
    ) -> None:
        """Wait until an agency knows something: the gateways' processes act by themselves."""
        waiting, case = self.at(agency), self.cases[person]
        waiting.until(lambda: is_known(operations.read_case(waiting.office, case)), summary)

    # Disclosures

    def _told(
        self, agency: str, kind: str, draft: operations.Draft, case: str | None
    ) -> list[dict[str, Any]]:
        """List each part of a draft: its categories, its recipients, and why others get nothing."""
        sender = self.at(agency)
        working_set = sender.office.working_set()
        rules = sender.office.program(working_set).pack.decisions["disclosure"].rules
        rows = []
        for part in draft.parts:
            if set(part.category) <= {"consent_terms", "operation"}:
                continue
            way = next(iter(part.to.values()))
            kept_from = {}
            for other in self.town.agencies:
                if other != agency and other not in part.to and case is not None:
                    verdict = working_set.gateway.judge_part(
                        kind, part, other, way, case=case, now=sender.office.clock()
                    )
                    if not verdict.permit:
                        kept_from[other] = _why(verdict.reasons, rules)
            rows.append(
                {"category": list(part.category), "to": sorted(part.to), "kept_from": kept_from}
            )
        return rows

    # Parts

    def part(
        self,
        category: str,
        content: Mapping[str, Any],
        to: Mapping[str, tuple[str, str]],
        **more: Any,
    ) -> dict[str, Any]:
        ways = {
            agency: {"purpose": purpose, "basis": basis} for agency, (purpose, basis) in to.items()
        }
        return {"category": category, "content": dict(content), "to": ways, **more}

    def from_care(
        self, category: str, content: Mapping[str, Any], to: Mapping[str, tuple[str, str]]
    ) -> dict[str, Any]:
        return self.part(category, content, to, sensitivity="part2")

    def id(self) -> str:
        return new_short_id(self.at("police").office.random)

    # The scenes

    def refers(
        self,
        person: str,
        summary: str,
        encounter: dict[str, Any],
        charges: list[dict[str, Any]],
        name: str,
        age: int,
    ) -> None:
        """The officer offers, the person accepts, and a referral goes out before any consent."""
        given_name, _, family = name.partition(" ")
        charged = [{"id": self.id(), **charge} for charge in charges]
        scene = {"program": SCENE, "case-management": SCENE, "prosecutor": SCREENING}
        yes = {"answer": "accepted"}
        parts = [
            self.part("encounter", {"facts": encounter}, scene, says=yes),
            self.part("charge", {"facts": {"encounter.charges": charged}}, scene, says=yes),
            self.part(
                "contact",
                {"given_name": given_name, "family_name": family, "facts": {"person.age": age}},
                {"program": SCENE, "case-management": SCENE},
                says=yes,
            ),
        ]
        self.sends("police", person, summary, "referral", parts)

    def consents(
        self, person: str, name: str, summary: str, set_id: str, *, declines: tuple[str, ...] = ()
    ) -> None:
        """Ask the questions of the pack's consent set in Spanish, and record the answers.

        The person says no to `declines`, and yes to all others.
        """
        case, collector = self.cases[person], self.at("case-management")
        form = operations.open_consent_form(collector.office, set_id, "es")
        answers = {question.id: question.id not in declines for question in form.questions}
        signature = operations.Signature(
            name=name,
            method="paper",
            place="Crossroads",
            in_custody=False,
            time_to_think=True,
            copy_given=True,
        )
        details = {
            "name": name,
            "by": collector.person,
            "place": "Crossroads",
            "in_custody": "no",
            "signed": "paper",
            "time_to_think": "yes",
            "copy_given": "yes",
            "answers": {name: "yes" if answer else "no" for name, answer in answers.items()},
        }
        path = self._keep("consent", details)
        self.step(
            "case-management",
            person,
            summary,
            f"consent {case} --set {set_id} --lang es --answers {path} --yes",
            lambda office: operations.record_answers(
                office, collector.person, case, set_id, answers, name, signature, "es"
            ),
        )
        for member in self.town.agencies.values():
            member.pull()

    def represented(self, person: str) -> None:
        disclosures = dict.fromkeys(("program", "case-management", "prosecutor"), OPERATION)
        parts = [self.part("operation", {}, disclosures, says={"agency": "defender"})]
        self.sends(
            "defender", person, "Counsel says that it acts for the person.", "representation", parts
        )
        for member in self.town.agencies.values():
            member.pull()

    def screened(self, person: str, history: list[dict[str, Any]]) -> None:
        """The prosecutor reads records that never leave the office, and answers stop or proceed."""
        self.opens("prosecutor", person, "The prosecutor opens the referral.")
        own = {"history": {"convictions": history, "treatment_court": False}}
        answer = self.decides(
            "prosecutor",
            person,
            "The prosecutor reads the criminal record, and the rules answer.",
            "screening",
            facts=own,
        )
        if answer["outcome"] != "proceed":
            raise stuck(f"screening came out as {answer['outcome']}")
        self.determines(
            "prosecutor",
            person,
            "One word leaves the office, not the record.",
            "screening",
            "proceed",
            "rules",
        )

    def person_a(self) -> None:
        """Person A: opiates, an accepted offer, intake, plan, relapse, a new arrest, retained."""
        person = "A"
        scene = {
            "encounter.date": TODAY,
            "encounter.route": "arrest",
            "encounter.in_area": True,
            "encounter.weapon": False,
            "encounter.drugs": [{"id": self.id(), "kind": "opioid", "form": "weighed"}],
            "judgment.amenable": True,
            "judgment.exploits_others": False,
        }
        charges = [
            {"conduct": "possession", "authority": "state", "level": "felony", "violent": False}
        ]
        self.refers(
            person,
            "An officer offers the program instead of booking. A says yes.",
            scene,
            charges,
            "Ana Delgado",
            27,
        )
        self.screened(person, [{"class": "other", "date": "2019-03-04"}])
        self.opens("program", person, "The program opens the referral.")
        first = self.decides(
            "program",
            person,
            "Is A eligible? The rules can't tell: nobody has weighed.",
            "eligibility",
        )
        if first["status"] != "undetermined":
            raise stuck("eligibility was decided without the weight")
        self.town.agencies["police"].until(
            lambda: "encounter.drugs.grams" in self._asked("police", person),
            "the question",
        )
        weighed = [{"kind": "opioid", "form": "weighed", "grams": 2.4, "basis": "net"}]
        self.notes(
            "police",
            person,
            "The program's gateway asks police, and the officer weighs 2.4 g.",
            {"encounter": {"drugs": weighed}},
        )
        self.waits(
            "program",
            person,
            lambda view: "grams" in str(_value(view, "encounter.drugs")),
            "the answer",
        )
        self.later(minutes=25)
        self.consents(
            person,
            "Ana Delgado",
            "The case manager comes, asks question by question, and A signs.",
            "hand_off",
        )
        self.represented(person)
        self.decides(
            "program",
            person,
            "Now they can: eligible. Each agency gets the parts of the reasons that it may have.",
            "eligibility",
            send=True,
        )
        self.opens("case-management", person, "The case manager reads the referral and the answer.")
        self.later(days=1, hours=15)
        intake_at = (self.town.now - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        to = {
            "program": ("admission", "consent"),
            "prosecutor": ("filing_status", "consent"),
            "defender": (LEGAL, "consent"),
        }
        parts = [
            self.part(
                "intake_status",
                {"done_on": intake_at[:10], "facts": {"case.intake_at": intake_at}},
                to,
            )
        ]
        self.sends(
            "case-management",
            person,
            "Intake, two days after the referral. The limit is 30 days.",
            "intake",
            parts,
        )
        self.opens("program", person, "The program reads that the intake is done.")
        self.notes("program", person, "There is room.", {"program": {"places_free": 4}})
        self.town.agencies["prosecutor"].until(
            lambda: "approval.prosecutor" in self._asked("prosecutor", person),
            "the question",
        )
        self.determines(
            "prosecutor",
            person,
            "The program's gateway asks the prosecutor, and the prosecutor does not object.",
            "admission",
            "admitted",
            "rules",
        )
        self.opens("program", person, "The program reads that.")
        answer = self.decides("program", person, "Is A in? By the rules, yes.", "admission")
        if answer["outcome"] != "admitted":
            raise stuck(f"admission came out as {answer['outcome']}")
        self.determines(
            "program",
            person,
            "A named person decides, not a machine.",
            "admission",
            "admitted",
            "rules",
        )
        self.opens("prosecutor", person, "The prosecutor reads that A is in.")
        self.notes(
            "prosecutor", person, "The charge is held, not filed.", {"case": {"charge_held": True}}
        )
        self.decides(
            "prosecutor", person, "May the held charge be filed? No: it rests.", "filing", send=True
        )
        self.later(days=1)
        self.consents(
            person,
            "Ana Delgado",
            "With the plan, A answers each question by itself, and says no to two of them.",
            "plan",
            declines=("police_enrollment", "prosecutor_barriers"),
        )
        ways = {"program": (TOGETHER, "consent"), "defender": (LEGAL, "consent")}
        plan = self.town.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        content = {
            "text": "A room first, then an identity card; methadone at Mesa Clinic.",
            "facts": {"case.plan_at": plan},
        }
        self.sends(
            "case-management",
            person,
            "The plan, within 72 hours of the intake.",
            "plan",
            [self.from_care("plan", content, ways)],
        )
        self.later(days=12)
        status = {"engagement": "engaged"}
        barriers = {"areas": ["housing", "id_documents"]}
        ways = {
            "program": (TOGETHER, "consent"),
            "prosecutor": (TOGETHER, "consent"),
            "police": (TOGETHER, "consent"),
        }
        self.sends(
            "case-management",
            person,
            "Before the two-week meeting: progress, in fixed terms.",
            "status",
            [
                self.part("status", status, ways),
                self.from_care("barriers", barriers, {"program": (TOGETHER, "consent")}),
            ],
        )
        use = {
            "text": "Used twice this week, came to say so; dose raised.",
            "facts": {"case.relapses": 2},
        }
        missed = {"facts": {"case.missed_contacts": 1}}
        self.cases["A: relapse"] = self.sends(
            "treatment",
            person,
            "A relapse: the clinic tells the case manager alone.",
            "progress",
            [
                self.from_care("substance_use", use, {"case-management": (CARE, "consent")}),
                self.from_care("attendance", missed, {"case-management": (CARE, "consent")}),
            ],
        )
        self.opens("case-management", person, "The case manager reads it.")
        answer = self.decides(
            "case-management",
            person,
            "What next for A? Help, never a sanction.",
            "review",
            send=True,
        )
        if "offer_treatment" not in answer["possible"]:
            raise stuck("the review doesn't name treatment")
        self.later(days=3)
        charge = {
            "id": self.id(),
            "level": "felony",
            "conduct": "possession",
            "violent": False,
            "date": self.town.now.date().isoformat(),
            "egregious": False,
            "evidence_origin": "independent",
        }
        new = {"facts": {"case.new_charges": [charge]}}
        self.sends(
            "prosecutor",
            person,
            "A new arrest, for possession. Counsel is told.",
            "new_charge",
            [self.part("new_charge", new, {"defender": (LEGAL, "consent")})],
        )
        answer = self.decides(
            "prosecutor",
            person,
            "May the prosecutor end A's place? The rules: retained.",
            "ejection",
            send=True,
        )
        if answer["outcome"] != "retain":
            raise stuck(f"ejection came out as {answer['outcome']}")
        self.determines(
            "prosecutor",
            person,
            "And the prosecutor, who alone could, agrees.",
            "ejection",
            "retain",
            "rules",
        )

    def _asked(self, agency: str, person: str) -> list[str]:
        """The facts that an agency is asked for in a case, once its gateway has opened that."""
        tasks = operations.list_tasks(self.at(agency).office)
        return [task.asks for task in tasks if task.case == self.cases[person] and task.asks]

    def person_b(self) -> None:
        """Person B: over the cap, so the ordinary process. Later, an offer without an arrest."""
        person = "B"
        self.later(hours=2)
        today = self.town.now.date().isoformat()
        scene = {
            "encounter.date": today,
            "encounter.route": "arrest",
            "encounter.in_area": True,
            "encounter.weapon": False,
            "encounter.drugs": [
                {"id": self.id(), "kind": "opioid", "form": "weighed", "grams": 9.1, "basis": "net"}
            ],
            "judgment.amenable": True,
            "judgment.exploits_others": False,
        }
        charges = [
            {"conduct": "possession", "authority": "state", "level": "felony", "violent": False}
        ]
        self.refers(
            person,
            "B had 9.1 g. The offer needn't wait for a scale. B says yes.",
            scene,
            charges,
            "Ben Archuleta",
            34,
        )
        self.screened(person, [])
        self.opens("program", person, "The program opens the referral.")
        self.consents(person, "Ben Archuleta", "B is asked too, and signs.", "hand_off")
        self.represented(person)
        answer = self.decides(
            "program",
            person,
            "Over the cap: not eligible, and the rule is named.",
            "eligibility",
            send=True,
        )
        if answer["outcome"] != "ineligible":
            raise stuck("B came out as eligible")
        self.opens("prosecutor", person, "The prosecutor reads the answer.")
        self.determines(
            "prosecutor",
            person,
            "The ordinary process: the prosecutor files.",
            "filing",
            "prosecutor_may_file",
            "seriousness",
        )
        self.later(days=9)
        person = "B, later"
        scene |= {
            "encounter.date": self.town.now.date().isoformat(),
            "encounter.route": "social_contact",
            "encounter.drugs": [],
        }
        self.refers(
            person,
            "Later, an officer offers B the program again, without an arrest.",
            scene,
            [],
            "Ben Archuleta",
            34,
        )
        self.screened(person, [])
        self.opens("program", person, "The program opens the referral.")
        answer = self.decides("program", person, "A social contact: eligible.", "eligibility")
        if answer["outcome"] != "eligible":
            raise stuck("B's social contact isn't eligible")

    def person_c(self) -> None:
        """Person C: a charge of violence. The prosecutor declines, and counsel answers."""
        person = "C"
        self.later(hours=3)
        today = self.town.now.date().isoformat()
        scene = {
            "encounter.date": today,
            "encounter.route": "arrest",
            "encounter.in_area": True,
            "encounter.weapon": False,
            "encounter.drugs": [
                {"id": self.id(), "kind": "opioid", "form": "weighed", "grams": 0.8, "basis": "net"}
            ],
            "judgment.amenable": True,
            "judgment.exploits_others": False,
        }
        charges = [
            {"conduct": "possession", "authority": "state", "level": "felony", "violent": False},
            {"conduct": "other", "authority": "state", "level": "misdemeanor", "violent": True},
        ]
        self.refers(
            person,
            "C pushed an officer. The referral includes the violent charge.",
            scene,
            charges,
            "Carl Montoya",
            41,
        )
        self.screened(person, [])
        self.opens("program", person, "The program opens the referral.")
        self.consents(person, "Carl Montoya", "C is asked, and signs.", "hand_off")
        self.represented(person)
        self.town.agencies["prosecutor"].until(
            lambda: "approval.prosecutor" in self._asked("prosecutor", person),
            "the question",
        )
        self.determines(
            "prosecutor",
            person,
            "The program's gateway asks the prosecutor, who declines: a person, by name.",
            "eligibility",
            "ineligible",
            "safety",
        )
        self.opens("program", person, "The program reads it.")
        self.decides(
            "program", person, "The rules leave it to the prosecutor.", "eligibility", send=True
        )
        self.opens("defender", person, "Counsel reads the answer and each ground of it.")
        text = "The push was a stumble, on video. We ask the prosecutor to look again."
        self.sends(
            "defender",
            person,
            "Counsel answers.",
            "grievance",
            [self.part("grievance", {"text": text}, {"program": (TOGETHER, "consent")})],
        )

    def takes_back(self) -> None:
        """A ends a part of the consent. The clinic recalls what it sent, and it is deleted."""
        person = "A"
        self.later(days=1)
        case = self.cases[person]
        self.step(
            "case-management",
            person,
            "A orally ends the consent to inform the case managers. The rest stays in force.",
            f"revoke {case} --recipient case-management --oral",
            lambda office: operations.revoke_consent(
                office, case, recipient="case-management", oral=True
            ),
        )
        for member in self.town.agencies.values():
            member.pull()
        record = self.cases["A: relapse"]
        working_set = self.at("treatment").office.working_set()
        labels = [json_id for json_id, _ in _parts_of(working_set, record)]
        recalls = [
            self.part(
                "operation", {}, {"case-management": OPERATION}, says={"about": [record, part]}
            )
            for part in labels
        ]
        recall = self.sends(
            "treatment", person, "The clinic recalls what it sent.", "recall", recalls
        )
        self.at("case-management").pull()
        asked = (
            self.at("case-management").office.working_set().gateway.received["treatment", recall]
        )
        assert asked.record is not None, "it was pulled and checked"
        answers = [
            self.part(
                "operation",
                {"answer": "deleted"},
                {"treatment": OPERATION},
                says={"about": [recall, part]},
            )
            for part in asked.record.labels
        ]
        self.sends(
            "case-management",
            person,
            "The case manager deletes it and confirms that.",
            "recall_answer",
            answers,
        )
        late = self.from_care(
            "attendance",
            {"facts": {"case.missed_contacts": 2}},
            {"case-management": (CARE, "consent")},
        )
        try:
            self._keep("late", {"parts": [late]})
            office = self.at("treatment").office
            draft = operations.build_draft(office, {"parts": [late]})
            operations.send_record(office, "progress", draft, case)
        except ExchangeError as error:
            answer = {"refused": error.message}
        else:
            raise stuck("something passed after the person had ended it")
        self.add(
            Step(
                self.town.now,
                person,
                "treatment",
                "From then on the clinic can't, not even by mistake.",
                f"offramp agency send DIR/treatment progress FILE --case {self.cases[person]}",
                (),
                answer,
            )
        )

    def looks_up(self) -> None:
        """Police ask the hub about a person, and about nobody: the two answers are the same."""
        answers = []
        for case in (self.cases["A"], new_id(self.at("police").office.random)):
            try:
                operations.fetch_account(self.at("police").office, case)
            except HubRefused as error:
                answers.append((error.status, error.hub_code, error.message))
            else:
                raise stuck("police were given an account")
        if len(set(answers)) != 1:
            raise stuck("the hub's two answers differ")
        self.add(
            Step(
                self.town.now,
                "A",
                "police",
                "Police ask for A's account, then for that of no real case. The answers match.",
                f"offramp agency account DIR/police {self.cases['A']}",
                (),
                {"refused": answers[0][2]},
            )
        )

    def stolen(self) -> None:
        """A police key is stolen. They retire it at once, and the threshold lists a new one."""
        police = self.at("police")
        thief = Client(
            Http(self.town.url),
            police.office.signing,
            police.office.clock,
            police.office.random,
            police.office.hub_name,
        )
        stolen = police.office.signing.public.kid
        retirement = self.step(
            "police",
            "A key",
            "A thief has the signing key of police. Police retire it, alone and at once.",
            f"retire {stolen}",
            lambda office: operations.retire(office, stolen),
        )
        try:
            thief.inbox(0, 0)
        except HubRefused as error:
            answer = {"refused": f"the hub takes nothing that this key signs [{error.hub_code}]"}
        else:
            raise stuck("the thief's request was answered")
        summary = "A minute later, the thief asks for the inbox of police."
        self.add(Step(self.town.now, "A key", "police", summary, "GET /v1/inbox", (), answer))
        for name, sentence in (
            ("defender", "The others compare the new key's digest by voice, and sign: counsel,"),
            ("treatment", "the clinic,"),
            ("program", "and the program. The new key is in force."),
        ):
            self.step(
                name,
                "A key",
                sentence,
                f"approve {retirement['draft']}",
                lambda office: operations.approve_draft(office, retirement["draft"]),
            )
        police.pull()
        if police.office.signing.public.kid != retirement["new_key"]:
            raise stuck("the police don't sign with the new key")
        case = self.cases["B, later"]
        facts = {"encounter": {"weapon": False}}
        self.step(
            "police",
            "A key",
            "Police continue with the new key.",
            f"note {case} {self._keep('facts', facts)}",
            lambda office: operations.note_facts(office, case, facts),
        )

    def tell(self) -> None:
        """Tell the whole story. Raises `RequestError` `demo-stuck` where a step fails."""
        try:
            self.person_a()
            self.person_b()
            self.person_c()
            self.takes_back()
            self.looks_up()
            self.stolen()
        except Refusal as refusal:
            if refusal.code == "demo-stuck":
                raise
            raise stuck(f"{refusal.message} [{refusal.code}]") from refusal


def _parts_of(working_set: Any, jti: str) -> list[tuple[str, Any]]:
    from offramp.agency.cases.caseload import own_parts

    return [(part, content) for part, _, content in own_parts(working_set.outbox[jti])]


def _told_in(acting: Agency, answer: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return what the record of an answer told to whom, by recipients."""
    record = acting.office.working_set().outbox.get(str(answer.get("id")))
    by_recipients: dict[tuple[str, ...], list[str]] = {}
    for part in record.parts if record is not None else ():
        categories = [
            name for name in part["category"] if name not in ("consent_terms", "operation")
        ]
        by_recipients.setdefault(tuple(sorted(part["to"])), []).extend(categories)
    return tuple(
        {"category": list(dict.fromkeys(categories)), "to": list(recipients), "kept_from": {}}
        for recipients, categories in by_recipients.items()
        if categories
    )


def _why(reasons: tuple[str, ...], rules: Mapping[str, Any]) -> str:
    """Return one reason of several, in the pack's words.

    A reason that no consent could lift comes first. A missing consent comes last.
    """
    codes = [reason for reason in reasons if reason in rules]
    firm = [
        reason
        for reason in codes
        if "ceiling" in reason or "whereabouts" in reason or "never" in reason
    ]
    others = [reason for reason in codes if reason != "counsel-unnamed"]
    chosen = next(iter((*firm, *others)), None)
    return str(rules[chosen].because) if chosen else "no consent covers it"


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result as JSON gives it back: lists for tuples."""
    plain: dict[str, Any] = json.loads(json.dumps(value))
    return plain


def _value(view: operations.CaseView, path: str) -> Any:
    fact = view.facts.get(path)
    return "" if fact is None else fact.value
