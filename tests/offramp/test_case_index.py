"""Test the index by case: every list is as worked out anew, and nothing destroyed is left in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exchange.errors import ExchangeError
from exchange.records.ids import new_id
from offramp.agency.cases.caseload import utc
from offramp.agency.cases.people import person_name
from offramp.agency.folder import office as offices
from offramp.agency.folder.case_memory import CaseMemory
from offramp.agency.folder.office import INDEX, Office
from offramp.agency.hub_link import delivery
from offramp.agency.operations import (
    list_cases,
    list_inbox,
    list_tasks,
    list_today,
    note_facts,
    prepare_tasks,
    revoke_consent,
    show_agenda,
)
from offramp.agency.operations import records as record_operations
from rules.errors import Refusal
from tests.support.agencies import Town
from tests.support.simulator import DAY, FORM, HOUR, grant, part

OFFER = ("offer_and_hand_off", "offer_at_scene")
OPERATION = ("exchange_operation", "operation")
NAMES = ("crossroads", "police", "prosecutor")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with linked_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@contextmanager
def linked_town(folder: Path) -> Iterator[Town]:
    """A town in which one value is enough to write, and whose operations reach the hub."""
    town = Town(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offices, "ENOUGH", 1)
        for module in (delivery, record_operations):
            patch.setattr(module, "link_of", lambda office: town.link(office.agency))
        yield town


class Story:
    """One story of a town's cases. `random` chooses, so that a story can be repeated."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.random = Random(seed)
        self.cases: list[str] = []

    def bytes(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def case(self) -> str:
        return self.random.choice(self.cases)

    def refer(self) -> None:
        to = dict.fromkeys(("crossroads", "prosecutor"), OFFER)
        says = {"answer": "accepted"}
        case = new_id(self.bytes)
        contact = {"given_name": "Ana", "family_name": "Delgado"}
        parts = (
            part("contact", contact, to=to, says=says, use="none"),
            part(
                "encounter", {"facts": {"encounter.route": "arrest"}}, to=to, says=says, use="none"
            ),
        )
        self.town.at["police"].compose("referral", parts, case=case)
        self.cases.append(case)

    def settle(self) -> None:
        self.town.settle()

    def open(self) -> None:
        for name in NAMES:
            office = self.town.at[name]
            for record, part_id in office.working_set().closed_parts(self.case()):
                with suppress(ExchangeError):
                    office.open(record, part_id, by="Rosa Quintana")

    def consent(self) -> None:
        terms = [
            grant(
                *pair,
                [category],
                ["diversion_coordination"],
                id=self.bytes(8).hex(),
                expires=utc(self.town.hub.clock + self.random.randrange(3, 40) * DAY)[:10],
            )
            for pair in (("crossroads", "prosecutor"), ("crossroads", "police"))
            for category in ("status", "intake_status", "enrollment")
        ]
        parts = tuple(
            part("consent_terms", to={each["recipient"]: OPERATION}, says=each) for each in terms
        )
        self.town.at["crossroads"].compose("consent", parts, case=self.case(), form=FORM)

    def note(self) -> None:
        now = self.town.hub.clock
        events = {
            "intake_at": utc(now - self.random.randrange(0, 3 * DAY)),
            "plan_at": utc(now + self.random.randrange(-DAY, DAY)),
            "last_contact_at": utc(now - self.random.randrange(0, 9 * DAY)),
            "missed_contacts": self.random.randrange(3),
        }
        name = self.random.choice(list(events))
        note_facts(self.town.at["crossroads"], self.case(), {"case": {name: events[name]}})

    def revoke(self) -> None:
        revoke_consent(self.town.at["crossroads"], self.case())

    def exit(self) -> None:
        to = {"prosecutor": ("diversion_coordination", "consent")}
        self.town.at["crossroads"].compose(
            "exit", (part("enrollment", {"enrolled": False}, to=to),), case=self.case()
        )

    def wait(self) -> None:
        self.town.hub.clock += self.random.choice([59, HOUR, DAY, 7 * DAY, 31 * DAY])

    def tell(self, step: str) -> None:
        """Do one step. A step that the rules refuse changes nothing."""
        with suppress(Refusal):
            getattr(self, step)()


def shown(office: Office) -> tuple[Any, ...]:
    """Return everything that the lists show of an agency's cases."""
    handles = [summary.case for summary in list_cases(office)]
    return (
        [summary.as_json() for summary in list_cases(office)],
        [task.as_json() for task in list_tasks(office)],
        list_today(office, 7),
        show_agenda(office).as_json(),
        show_agenda(office, ("prosecutor",)).as_json(),
        list_inbox(office).as_json(),
        [person_name(office.working_set(), handle) for handle in handles],
    )


def shown_anew(office: Office) -> tuple[Any, ...]:
    """Return the same without anything that was remembered."""

    def forgetful(memory: CaseMemory, subject: Any, handle: str, now: int, work_out: Any) -> Any:
        return work_out()

    def listed_anew(memory: CaseMemory, name: Any, now: int, work_out: Any, key: Any) -> Any:
        rows = [
            row for handle in office.working_set().cases.handles() for row in work_out(handle)[0]
        ]
        return tuple(sorted(rows, key=key))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CaseMemory, "recall_with_end", forgetful)
        patch.setattr(CaseMemory, "recall_list", listed_anew)
        return shown(office)


STEPS = ("refer", "settle", "open", "consent", "note", "revoke", "exit", "wait", "wait", "wait")


@given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=9), st.integers(0, 2**32))
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_every_list_is_as_it_would_be_worked_out_anew(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], seed: int
) -> None:
    # A story may wait past the month of the keys, so each has a town of its own.
    with linked_town(tmp_path_factory.mktemp("town")) as town:
        check_lists(town, steps, seed)


def check_lists(town: Town, steps: list[str], seed: int) -> None:
    story = Story(town, seed)
    for number, step in enumerate(("refer", "refer", "settle", "open", *steps)):
        story.tell(step)
        office = town.at[NAMES[number % len(NAMES)]]
        assert shown(office) == shown_anew(office), (office.agency, step)
    for name in NAMES:
        assert shown(town.at[name]) == shown_anew(town.at[name]), name
    with closing(town.office("crossroads")) as office:
        assert shown(office) == shown_anew(town.at["crossroads"]), "the next program"


def _worked_out(office: Office) -> int:
    """Count the cases whose tasks are worked out for a list."""
    count = 0
    recall = CaseMemory.recall_with_end

    def counted(memory: CaseMemory, subject: Any, handle: str, now: int, work_out: Any) -> Any:
        def counting() -> Any:
            nonlocal count
            count += subject.name == "tasks"
            return work_out()

        return recall(memory, subject, handle, now, counting)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CaseMemory, "recall_with_end", counted)
        list_tasks(office)
    return count


@pytest.fixture
def told(town: Town) -> Story:
    return begun(town)


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Town]:
    """A town for a test that moves the clock past the month of its keys."""
    with linked_town(tmp_path) as town:
        yield town


def begun(town: Town) -> Story:
    story = Story(town, len(town.at["police"].working_set().outbox))
    for step in ("refer", "refer", "refer", "settle", "open"):
        story.tell(step)
    return story


def test_a_case_is_worked_out_once_until_it_changes(town: Town, told: Story) -> None:
    office = town.at["crossroads"]
    town.settle()
    list_tasks(office)
    assert _worked_out(office) == 0
    note_facts(office, told.cases[0], {"case": {"missed_contacts": 1}})
    assert _worked_out(office) == 1
    with closing(town.office("crossroads")) as another:
        assert _worked_out(another) == 0, "the index file keeps it for the next program"


def test_a_prepared_case_is_not_worked_out_for_the_first_look(town: Town, told: Story) -> None:
    town.settle()
    with closing(town.office("crossroads")) as office:
        (office.folder / INDEX).unlink(missing_ok=True)
        count = len(office.working_set().cases.handles())
        done = 0
        while left := prepare_tasks(office, done, 2):
            done += 2
            assert left == count - done
        assert _worked_out(office) == 0


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _altered(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE remembered SET sealed = zeroblob(64)")


def _swapped(path: Path) -> None:
    """Give every row the content of another."""
    with closing(sqlite3.connect(path)) as database, database:
        rows = database.execute("SELECT name, sealed FROM remembered ORDER BY name").fetchall()
        for (name, _), (_, sealed) in zip(rows, rows[1:] + rows[:1], strict=True):
            database.execute("UPDATE remembered SET sealed = ? WHERE name = ?", (sealed, name))


def _another_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript("DROP TABLE remembered; CREATE TABLE remembered(x);")


def _foreign(path: Path) -> None:
    path.write_bytes((path.parent.parent / "police" / INDEX).read_bytes())


def _text(path: Path) -> None:
    path.write_text("not a database at all")


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage", [_cut, _altered, _swapped, _another_schema, _foreign, _text, _a_folder]
)
def test_whatever_else_lies_there_is_worked_out_again_and_no_error(
    town: Town, told: Story, damage: Callable[[Path], object]
) -> None:
    path = town.folder / "crossroads" / INDEX
    for name in ("crossroads", "police"):
        note_facts(town.at["crossroads"], told.cases[0], {"case": {"missed_contacts": 2}})
        shown(town.at[name])
    damage(path)
    with closing(town.office("crossroads")) as office:
        assert shown(office) == shown_anew(town.at["crossroads"])
    if path.is_dir():
        path.rmdir()


def test_it_is_for_its_owner_alone_and_shows_no_case(town: Town, told: Story) -> None:
    office = town.at["crossroads"]
    shown(office)
    path = town.folder / "crossroads" / INDEX
    content = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600 and content
    for text in ("Delgado", "missed", "tasks", told.cases[0]):
        assert text.encode() not in content


def test_a_row_of_an_earlier_state_of_a_case_counts_no_more(town: Town, told: Story) -> None:
    office = town.at["crossroads"]
    shown(office)
    earlier = (town.folder / "crossroads" / INDEX).read_bytes()
    note_facts(office, told.cases[0], {"case": {"missed_contacts": 2}})
    (town.folder / "crossroads" / INDEX).write_bytes(earlier)
    with closing(town.office("crossroads")) as another:
        assert shown(another) == shown_anew(office)


def test_what_is_destroyed_is_left_in_no_file_and_no_memory(own_town: Town) -> None:
    town = own_town
    begun(town)
    office = town.at["crossroads"]
    assert "Ana Delgado" in str(shown(office))
    path = town.folder / "crossroads" / INDEX
    copy = path.read_bytes()
    with closing(town.office("crossroads")) as beside:
        assert "Ana Delgado" in str(shown(beside))
        town.hub.clock += 4000 * DAY
        town.settle()
        path.write_bytes(copy)
        # The program that was open meanwhile forgets too, and a copy of the file opens no more.
        for each in (beside, office):
            assert "Delgado" not in str(shown(each))
            assert shown(each) == shown_anew(office)
        with closing(town.office("crossroads")) as later:
            assert "Delgado" not in str(shown(later))
