"""Examine one agency's installation: what is wrong, and what its people must know."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from exchange.consent.state import COLLECTORS
from exchange.errors import ExchangeError
from exchange.log.leaves import KeyBody
from offramp.agency.errors import HubAway
from offramp.agency.folder.office import INDEX, JOURNAL, KEYS, SNAPSHOT, Office
from offramp.agency.folder.origin import NEWEST
from offramp.agency.folder.place import notice_copy
from offramp.agency.folder.settings import installed_notice
from offramp.agency.folder.sharing import PASSABLE
from offramp.agency.folder.staff import owners_without_login
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import link_of
from offramp.agency.hub_link.own_records import place_own_records
from offramp.agency.operations.access import ADMIN, needs
from offramp.agency.operations.accounts import who_signs_in
from offramp.agency.operations.confirmation import EVENT as CONFIRMED
from offramp.agency.operations.confirmation import kept_confirmation
from offramp.agency.operations.upkeep import (
    NOT_SENT_HERE_FIX,
    describe_elsewhere,
    describe_unknown,
)
from offramp.clock import utc_day
from offramp.policy.law_age import pack_warnings
from rules.author.spoken_dates import spoken_moment
from rules.decide.consent import ENTRY, STAYING, closure, reads_no_consent
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.pack import Item, Pack

# How far apart this machine's clock and the hub's may be, in seconds.
CLOCKS_APART = 30
BACKUP_EVERY = 7 * 24 * 3600
PROVED_WITHIN = 3600
FETCHED_WITHIN = 24 * 3600


@frozen
class Finding:
    """A finding of the examination.

    `wrong` must be fixed, `unknown` could not be examined yet, a `note` is for people to know.
    """

    level: Literal["wrong", "unknown", "note"]
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding's JSON in `offramp agency doctor`."""
        return {"level": self.level, "says": self.text}


@frozen
class Examination:
    """The findings of one examination."""

    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """True if nothing is wrong, and everything could be examined."""
        return all(finding.level == "note" for finding in self.findings)

    @property
    def sentence(self) -> str:
        """The examination in a sentence."""
        if any(finding.level == "wrong" for finding in self.findings):
            return "something is wrong"
        return "all well" if self.is_well else "nothing wrong was found, and not all is known yet"

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency doctor`."""
        found = [finding.as_json() for finding in self.findings]
        return {"well": self.is_well, "found": found, "says": self.sentence}


def examine_files(folder: Path) -> tuple[Finding, ...]:
    """Find files that others than their owner may use.

    INVARIANT: called before the folder is opened, since opening takes those permissions away.
    """
    findings = []
    for path in (
        folder,
        folder / KEYS,
        *sorted((folder / KEYS).glob("*")),
        folder / JOURNAL,
        folder / SNAPSHOT,
        folder / INDEX,
    ):
        # Others may pass through the folder to the command server's socket, and not list it.
        permitted = PASSABLE if path == folder else 0o700
        with suppress(FileNotFoundError):
            if stat.S_IMODE(path.stat().st_mode) & ~permitted:
                findings.append(
                    _wrong(
                        f"users other than the owner can use `{path}`: remove their "
                        "permissions, and find out if anybody used it"
                    )
                )
    return tuple(findings)


@needs(ADMIN)
def examine(office: Office) -> tuple[Finding, ...]:
    """Examine settings, backup, journal, directory, pack, proofs, and hub.

    Asks the hub if another folder has taken over. Replays the whole journal, verifying every record
    again.
    """
    return tuple(_findings(office))


def _findings(office: Office) -> Iterator[Finding]:
    yield from _settings(office)
    notice_copy(office)
    if office.moved_at is not None:
        yield _wrong(
            "the agency moved out of this folder: work in the other one, and delete this one when "
            "`offramp agency doctor` says of the other one that it has taken over"
        )
        return
    try:
        working_set = office.replay()
    except Refusal as error:
        yield _wrong(f"the journal can't be replayed: {error}")
        return
    hub = tuple(_hub(office)) if working_set.gateway.history.size else ()
    working_set = office.working_set()  # with what the hub answered
    elsewhere = describe_elsewhere(office, working_set)
    if elsewhere is not None:
        yield from _elsewhere(working_set, elsewhere)
        return
    yield from _backup(office, working_set)
    yield from _restored(office)
    yield from _records(office, working_set)
    yield from _people(office, working_set)
    if not working_set.gateway.history.size:
        yield _wrong("no directory is in force here")
        return
    yield from _directory(office, working_set)
    yield from _proofs(office, working_set)
    yield from hub


def _settings(office: Office) -> Iterator[Finding]:
    settings = office.settings
    if installed_notice(office.folder, settings, settings.notice) is None:
        yield _wrong(
            f"the text of the redisclosure notice `{settings.notice}` isn't installed: name its "
            "file in `notice_file`, or set `notice` to `official-1`"
        )
    if settings.crypto != "validated":
        yield _note(
            "the cryptography uses approved algorithms; its module is not a validated one "
            "(FIPS 140)"
        )
    for path in office.keys.passphrases_beside():
        yield _wrong(
            f"the passphrase of the keys is beside them, in `{path}`: keep it elsewhere, or "
            "have the service manager give it (docs/for-it.md)"
        )
    if settings.demo:
        yield _wrong("`demo = true`: a file can set the time. Never use this with real people")
    yield _note(
        "the hub knows, for each handle, which agency may tell which agency what kind of "
        "information, and nothing else about a person"
    )
    yield _note(
        "opened content is readable in the journal: this agency must encrypt and protect the disk"
    )


def _elsewhere(working_set: WorkingSet, sentence: str) -> Iterator[Finding]:
    yield _wrong(sentence)
    waiting = len(working_set.to_send())
    if waiting:
        counted = "1 record waits" if waiting == 1 else f"{waiting} records wait"
        yield _wrong(
            f"{counted} here that the hub never got, and none is sent from here: look at "
            "`offramp agency status DIR`, and tell it again from the other folder"
        )


def _backup(office: Office, working_set: WorkingSet) -> Iterator[Finding]:
    backup = office.journal.get("backup")
    if backup is None:
        yield _wrong("there is no backup of the journal: run `offramp agency backup DIR FILE`")
        return
    if office.clock() - int(backup["time"]) > BACKUP_EVERY:
        yield _wrong(
            "the last backup of the journal is over a week old: run "
            "`offramp agency backup DIR FILE`"
        )
        return
    gateway = working_set.gateway
    announced = [
        leaf.body.time
        for leaf in gateway.members
        if isinstance(leaf.body, KeyBody) and leaf.body.agency == office.agency
    ]
    if announced and max(announced) > int(backup["time"]):
        key = gateway.history.membership_at(NEWEST).newest_key(office.agency).kid
        yield _note(
            f"the last backup lacks the key `{key}`, which opens what arrives now: run "
            "`offramp agency backup DIR FILE`"
        )


def _fetched(office: Office) -> Iterator[Finding]:
    """Say since when this folder doesn't know what arrived."""
    gateway = office.working_set().gateway
    if not gateway.history.size:
        return
    line = gateway.line
    if line is None or office.clock() - line.time > FETCHED_WITHIN:
        since = (
            f"since {spoken_moment(line.time, gateway.history.newest.zone)}" if line else "so far"
        )
        yield _unknown(
            f"nothing was fetched from the hub {since}, so what has arrived isn't known here: let "
            "`offramp agency serve DIR` run"
        )


def _restored(office: Office) -> Iterator[Finding]:
    """Say how far a restored folder has taken over, and what it can't know before."""
    origin = office.origin
    if origin is None:
        yield from _fetched(office)
        return
    history = office.working_set().gateway.history
    zone = history.newest.zone if history.size else ZoneInfo("UTC")
    time = spoken_moment(origin.written_at, zone)
    made = {
        "backup": f"restored from the backup of {time}",
        "move": f"restored from the move of {time}",
        "copy": f"copied, as was noticed {time},",
    }[origin.purpose]
    if origin.waits:
        before = {
            "backup": "a folder from before still acts, and ",
            "move": "",
            "copy": "the folder that it was copied from may still act, and ",
        }[origin.purpose]
        stop = "stop the gateway of the folder before, and " if before else ""
        yield _unknown(
            f"this folder was {made} and has not taken over yet: {before}what was "
            f"sent and received since isn't known here; {stop}run `offramp agency serve DIR`; the "
            "first command here that asks the hub, such as `refer`, takes over as well"
        )
    elif not origin.has_fetched:
        yield _unknown(
            f"this folder was {made} and has not fetched what arrived since: let "
            "`offramp agency serve DIR` run, and examine it again"
        )
    else:
        first = (
            "so tell anew what it sent since, which can be read only there, and then "
            if origin.purpose != "move"
            else "so "
        )
        yield _note(
            f"this folder was {made} and has taken over: a folder from before sends "
            f"nothing any more, {first}delete it"
        )
        yield from _fetched(office)


def _people(office: Office, working_set: WorkingSet) -> Iterator[Finding]:
    """Find faults of the journal of looks, and names that nobody listed."""
    for fault in office.looks.faults(office.journal.after(0)):
        yield _wrong(f"{fault}: find out who could write to `{office.folder}`")
    automatic = office.settings.automatic
    if automatic is not None and working_set.staff.find(automatic) is None:
        yield _note(
            f"the gateway opens and answers in the name of `{automatic}` (`automatic` in "
            "`agency.toml`), who isn't listed among the people of this agency"
        )
    for person, cases in owners_without_login(working_set.staff, who_signs_in(office)):
        yield _wrong(
            f"`{person}` owns {cases} {'case' if cases == 1 else 'cases'} and has no login and no "
            "account, so nobody opens their parts of care: run `offramp agency staff DIR logins "
            f'"{person}" --login LOGIN`, or hand the cases over'
        )
    yield from _confirmations(office)
    waiting = sum(access.reviewed_by is None for access in working_set.staff.extra.values())
    if waiting:
        yield _note(f"{waiting} accesses beyond a caseload wait for a review: see `staff list`")


def _confirmations(office: Office) -> Iterator[Finding]:
    """Find decisions whose confirmation doesn't fit, and count those without a passkey."""
    without_passkey = 0
    for event in office.journal.of_kind(CONFIRMED):
        kept = kept_confirmation(event)
        without_passkey += kept.confirmation.method == "password"
        if not kept.is_sound:
            yield _wrong(
                f"the confirmation by `{kept.confirmation.by}` in the case `{kept.case}` doesn't "
                f"fit: {kept.words}; find out who could write to `{office.folder}`"
            )
    if without_passkey:
        counted = "1 decision" if without_passkey == 1 else f"{without_passkey} decisions"
        yield _note(f"{counted} here: confirmed without passkey")


def _records(office: Office, working_set: WorkingSet) -> Iterator[Finding]:
    gateway = working_set.gateway
    if gateway.broken is not None:
        yield _wrong(f"the log is no longer trusted: {gateway.broken.message}")
    not_sent_here, since_backup = describe_unknown(office, working_set)
    for sentence in not_sent_here:
        yield _wrong(f"{sentence}: {NOT_SENT_HERE_FIX}")
    for sentence in since_backup:
        yield _note(f"{sentence}: what it said can't be restored, so tell it again if it matters")
    for received in gateway.faults:
        yield _wrong(f"a delivery has a fault: {received.fault}")
    refused = sum(
        1
        for outgoing in working_set.outbox.values()
        if outgoing.refused is not None and outgoing.replaced_by is None
    )
    if refused:
        yield _wrong(f"the hub refused {refused} records: see `offramp agency status`")


def _directory(office: Office, working_set: WorkingSet) -> Iterator[Finding]:
    directory = working_set.gateway.history.newest
    listed = directory.agencies.get(office.agency)
    if listed is None or office.signing.public.kid not in listed.signing:
        yield _wrong(f"the directory doesn't list the key `{office.signing.public.kid}`")
    sole_role = directory.sole_signer_role(office.agency)
    if listed is not None and sole_role and len(listed.signing) < 2:
        yield _wrong(
            f"no other {sole_role.replace('_', ' ')} can sign the directory, and this one has a "
            "single key: if that key is stolen or lost, the directory can never change again; "
            "run `offramp agency spare`"
        )
    if listed is not None and listed.part2 == "unknown":
        yield _note(
            "this agency hasn't stated if 42 CFR Part 2 covers it: it is treated as covered"
        )
    with suppress(Refusal):
        pack = office.pack(directory.pack)
        provisional = sum(1 for _ in _provisional(pack))
        if provisional:
            yield _note(
                f"the pack `{pack.id}` has {provisional} provisional rules and values: "
                "counsel hasn't confirmed them"
            )
        for warning in pack_warnings(pack, utc_day(office.clock())):
            yield _note(f"the pack `{pack.id}` may be out of date: {warning}")
        if listed is not None and listed.role in COLLECTORS:
            yield from _consent_sets(pack)


def _consent_sets(pack: Pack) -> Iterator[Finding]:
    """Report what the consent forms of a collector can't say, and what counsel must read."""
    if not pack.consent_sets:
        yield _note(f"the pack `{pack.id}` has no consent sets: consents are recorded from files")
        return
    unsaid = [
        what
        for what, decisions in (("entering", ENTRY), ("staying in", STAYING))
        if not closure(pack, decisions)
    ]
    if unsaid or not reads_no_consent(pack):
        about = " and ".join(unsaid) or "any decision of"
        yield _note(
            f"the rules don't say what a no to consent changes about {about} the program, so the "
            "forms say nothing of it: have counsel read them"
        )
    yield _note("no court translator has read the consent forms in Spanish")


def _proofs(office: Office, working_set: WorkingSet) -> Iterator[Finding]:
    unproved = working_set.unproved()
    if unproved:
        oldest = min(leaf.body.time for leaf in unproved)
        if working_set.gateway.hub_time(office.clock()) - oldest > PROVED_WITHIN:
            yield _wrong(
                f"{len(unproved)} leaves have lacked their witnesses for over an hour: "
                "run `offramp agency serve`"
            )


def _hub(office: Office) -> Iterator[Finding]:
    try:
        link = link_of(office)
        learn_directory(link, proves=False)
        if link.restored is not None:
            from offramp.restored import lines

            yield _wrong("; ".join(lines(link.restored)))
        else:
            place_own_records(link)
    except HubAway as error:
        yield _wrong(error.message)
        yield _unknown(
            "without the hub it isn't known what has arrived, nor if the agency works in another "
            "folder"
        )
        return
    except ExchangeError as error:
        yield _wrong(error.message)
        return
    ahead = link.client.ahead
    if ahead is not None and abs(ahead) > CLOCKS_APART:
        direction = "behind" if ahead > 0 else "ahead of"
        yield _wrong(f"this clock is {abs(ahead)} seconds {direction} the hub's: set it")


def _provisional(pack: Pack) -> Iterator[Item]:
    """Yield each item that a pack marks as provisional, in rules, values, and next steps."""
    for parameter in pack.parameters.values():
        yield from (value for value in parameter.values if value.provisional)
    for decision in pack.decisions.values():
        for rule in decision.rules.values():
            yield from (item for item in (rule, *rule.unless) if item.provisional)
        waiting = (decision.while_waiting,) if decision.while_waiting is not None else ()
        others: tuple[Item, ...] = (
            decision.otherwise,
            *waiting,
            *decision.next.values(),
            *decision.obligations.values(),
        )
        yield from (item for item in others if item.provisional)


def _wrong(text: str) -> Finding:
    return Finding("wrong", text)


def _unknown(text: str) -> Finding:
    return Finding("unknown", text)


def _note(text: str) -> Finding:
    return Finding("note", text)
