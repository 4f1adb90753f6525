"""`offramp doctor`: what is wrong, or not yet right, with one agency's installation. Exit 1 where something is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from exchange.errors import ExchangeError
from offramp.agency.commands import opened
from offramp.agency.errors import HubAway, HubRefused
from offramp.agency.folder.office import JOURNAL, KEYS, SNAPSHOT, Office
from offramp.agency.hub_link.sync import sync_of
from rules.errors import Refusal
from rules.packs.pack import Item, Pack

CLOCKS_APART = 30
BACKUP_EVERY = 7 * 24 * 3600


def doctor(options: argparse.Namespace) -> int:
    """Prints what was found: `wrong` must be fixed, `note` is to be known."""
    # First, since whatever opens the journal takes it from others.
    found = list(_files(Path(options.dir)))
    try:
        office = opened(options)
    except ExchangeError:
        if not found:
            raise
        found.append(("wrong", "nothing more can be looked at before that is fixed"))
    else:
        try:
            found += findings(office)
        finally:
            office.close()
    wrong = any(level == "wrong" for level, _ in found)
    if options.json:
        print(
            json.dumps(
                {
                    "well": not wrong,
                    "found": [{"level": level, "says": says} for level, says in found],
                }
            )
        )
    else:
        for level, says in found:
            print(f"{level}: {says}")
        print("something is wrong" if wrong else "all well")
    return 1 if wrong else 0


def findings(office: Office) -> Iterator[tuple[str, str]]:
    """Each finding with its level, `wrong` or `note`."""
    if (
        office.settings.notice_file is None
        or not (office.folder / office.settings.notice_file).is_file()
    ):
        yield (
            "wrong",
            "the redisclosure notice shown is Offramp's own wording: install the official words of 42 CFR 2.32",
        )
    if office.settings.crypto != "validated":
        yield (
            "note",
            "the cryptography uses approved algorithms; its module is not a validated one (FIPS 140)",
        )
    if office.settings.demo:
        yield "wrong", "`demo = true`: a file can say what time it is; never with real people"
    yield (
        "note",
        "the hub knows, for each handle, who may tell whom which kind of thing, and nothing else of a person",
    )
    yield (
        "note",
        "opened content stands readable in the journal: the disk is this agency's to encrypt and to protect",
    )
    backup = office.journal.get("backup")
    if backup is None:
        yield (
            "wrong",
            "there is no backup of the journal: run `offramp agency backup`, and copy the keys apart from it",
        )
    elif office.clock() - int(backup["time"]) > BACKUP_EVERY:
        yield "wrong", "the last backup of the journal is over a week old"
    try:
        working_set = office.replay()
    except Refusal as error:
        yield "wrong", f"the journal can't be replayed: {error}"
        return
    gateway = working_set.gateway
    if gateway.broken is not None:
        yield "wrong", f"the log is believed no more: {gateway.broken.message}"
    for received in gateway.faults:
        yield "wrong", f"a delivery isn't what it must be: {received.fault}"
    refused = sum(
        1
        for out in working_set.outbox.values()
        if out.refused is not None and out.replaced_by is None
    )
    if refused:
        yield "wrong", f"the hub refused {refused} records: see `offramp agency status`"
    if not gateway.history.size:
        yield "wrong", "no directory is in force here"
        return
    directory = gateway.history.newest
    mine = directory.agencies.get(office.agency)
    if mine is None or office.signing.public.kid not in mine.signing:
        yield "wrong", f"the directory doesn't list the key `{office.signing.public.kid}`"
    alone = directory.sole_signer_role(office.agency)
    if mine is not None and alone and len(mine.signing) < 2:
        yield (
            "wrong",
            f"no other {alone.replace('_', ' ')} can sign the directory, and this one has a single key: once that is stolen or "
            "lost, nothing in it can ever be changed again; run `offramp agency spare`",
        )
    if mine is not None and mine.part2 == "unknown":
        yield (
            "note",
            "nobody has said whether 42 CFR Part 2 covers this agency: it is treated as if it did",
        )
    with suppress(Refusal):
        pack = office.pack(directory.pack)
        provisional = sum(1 for _ in _provisional(pack))
        if provisional:
            yield (
                "note",
                f"the pack `{pack.id}` has {provisional} provisional rules and values: counsel hasn't confirmed them",
            )
    lacking = working_set.unproved()
    if lacking:
        oldest = min(leaf.body.time for leaf in lacking)
        if gateway.hub_time(office.clock()) - oldest > 3600:
            yield (
                "wrong",
                f"{len(lacking)} leaves have lacked their witnesses for over an hour: run `offramp agency serve`",
            )
    yield from _hub(office)


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in (
        folder,
        folder / KEYS,
        *sorted((folder / KEYS).glob("*")),
        folder / JOURNAL,
        folder / SNAPSHOT,
    ):
        with suppress(FileNotFoundError):
            if path.stat().st_mode & 0o077:
                yield (
                    "wrong",
                    f"others than its owner may use `{path}`: take that from them, and ask who did",
                )


def _hub(office: Office) -> Iterator[tuple[str, str]]:
    try:
        sync = sync_of(office)
        if sync.client.directory().closed:
            from offramp.restored import lines

            yield "wrong", "; ".join(lines(sync.client.generation()))
    except (HubAway, HubRefused) as error:
        yield "wrong", error.message
        return
    except ExchangeError as error:
        yield "wrong", error.message
        return
    ahead = sync.client.ahead
    if ahead is not None and abs(ahead) > CLOCKS_APART:
        yield (
            "wrong",
            f"this clock is {abs(ahead)} seconds {'behind' if ahead > 0 else 'ahead of'} the hub's: set it",
        )


def _provisional(pack: Pack) -> Iterator[Item]:
    """What of a pack its own authors call doubtful: rules, exemptions, defaults, obligations, next steps, and values."""
    for parameter in pack.parameters.values():
        yield from (value for value in parameter.values if value.provisional)
    for decision in pack.decisions.values():
        for rule in decision.rules.values():
            yield from (one for one in (rule, *rule.unless) if one.provisional)
        waiting = (decision.while_waiting,) if decision.while_waiting is not None else ()
        others: tuple[Item, ...] = (
            decision.otherwise,
            *waiting,
            *decision.next.values(),
            *decision.obligations.values(),
        )
        yield from (one for one in others if one.provisional)
