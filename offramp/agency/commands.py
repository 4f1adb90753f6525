"""`offramp agency …`: words to an office and its hub, and what came of it to words or JSON."""

from __future__ import annotations

import argparse
import gc
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exchange.agency.exhibits import decision_exhibit_of, exhibit_of
from exchange.consent.disclosure import day_of
from exchange.errors import ExchangeError, RecordError
from exchange.evidence.verify import verify_decision, verify_exhibit
from exchange.log.leaves import Leaf
from exchange.standards.notes import COSIGNATURE, derive_note_key, read_checkpoint, read_note
from offramp.agency.cases import casework, drafts
from offramp.agency.cases.account import sentences
from offramp.agency.cases.casework import Told, given
from offramp.agency.cases.decision_record import decision_in
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.keys import check_private, read_passphrase, write_private
from offramp.agency.folder.office import Office, init
from offramp.agency.folder.settings import read_settings, write_settings
from offramp.agency.hub_link.client import Client, Http
from offramp.agency.hub_link.schedule import Duty, Schedule
from offramp.agency.hub_link.sync import Sync, send_now, sync_of, why
from offramp.clock import Clock

POLL, WITNESS_EVERY, HOURLY, DIRECTORY_EVERY = 0.0, 10.0, 3600.0, 60.0
LONGEST_POLL = 10

Answer = Told


def run(options: argparse.Namespace) -> int:
    """Runs one command; prints what came of it. Raises what it refuses with."""
    if options.agency_command == "init":
        return _print(options, _init(options))
    with suppress(BrokenPipeError):
        office = opened(options)
        try:
            return _print(options, HANDLERS[options.agency_command](office, options))
        finally:
            office.close()
    return 141


def adopt(options: argparse.Namespace) -> int:
    """`offramp adopt`: a pack is proposed by an agency. Raises what it refuses with."""
    from offramp.agency.hub_link import membership

    office = opened(options)
    try:
        return _print(options, membership.adopt(sync_of(office), options.pack))
    finally:
        office.close()


def opened(options: argparse.Namespace) -> Office:
    """The office of a command's folder. Raises `AgencyError`: `no-demo` and as `Office`."""
    folder = Path(options.dir)
    settings = read_settings(folder)
    if options.clock and not settings.demo:
        raise AgencyError(
            "no-demo", "a clock in a file is for demonstrations", fix="leave `--clock` out"
        )
    named = options.passphrase_file or settings.passphrase_file
    if named is None:
        raise AgencyError(
            "no-passphrase", "the keys need a passphrase", fix="give one with `--passphrase-file`"
        )
    clock = Clock(Path(options.clock) if options.clock else None)
    return Office(folder, read_passphrase(Path(named)), clock.now)


def _print(options: argparse.Namespace, answer: Answer) -> int:
    value, lines, *code = answer
    if options.json:
        print(json.dumps(value, ensure_ascii=False))
    else:
        for line in lines:
            print(line)
    return int(code[0]) if code else 0


# Membership


def _init(options: argparse.Namespace) -> Answer:
    named = options.passphrase_file
    if named is None:
        raise AgencyError(
            "no-passphrase", "the keys need a passphrase", fix="give one with `--passphrase-file`"
        )
    passphrase = read_passphrase(Path(named))
    init(Path(options.dir), options.id, passphrase, demo=options.demo)
    return {"agency": options.id}, [
        f"`{options.dir}` is now the folder of `{options.id}`; keep the passphrase elsewhere"
    ]


def _join(office: Office, options: argparse.Namespace) -> Answer:
    transport = Http(options.url)
    client = Client(transport, office.signing, office.clock, office.random)
    witness = f"{office.agency}.w1"
    said = {
        "code": options.code,
        "agency": office.agency,
        "part2": options.part2,
        "custody": options.custody,
        "signing": office.signing.public.as_jwk(),
        "witness": derive_note_key(office.witness, witness, COSIGNATURE).vkey,
    }
    client.join(said)
    office.settings = office.settings.model_copy(update={"hub": options.url})
    write_settings(office.folder, office.settings)
    return {"joined": options.url}, [
        "asked to be listed; when all have joined, compare the draft's digest by voice and run `offramp agency approve`"
    ]


def _approve(office: Office, options: argparse.Namespace) -> Answer:
    from offramp.agency.hub_link.membership import approve

    return approve(sync_of(office), options.digest, options.without)


def _spare(office: Office, options: argparse.Namespace) -> Answer:
    from offramp.agency.hub_link.membership import spare

    return spare(sync_of(office))


def _retire(office: Office, options: argparse.Namespace) -> Answer:
    from offramp.agency.hub_link.membership import retire

    return retire(sync_of(office), options.named)


def _propose(office: Office, options: argparse.Namespace) -> Answer:
    from offramp.agency.hub_link.membership import propose

    return propose(sync_of(office), Path(options.file))


# The hub


def _serve(office: Office, options: argparse.Namespace) -> Answer:
    sync = sync_of(office)
    if options.once:
        sync.everything()
        return _status(office, options)
    gc.enable()  # it lives long, unlike other commands
    stopping = []
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopping.append(True))
    schedule = Schedule(duties(sync), time.monotonic, random.SystemRandom().random)
    while not stopping:
        schedule.run((HubAway, HubRefused, ExchangeError), _told)
        time.sleep(min(schedule.next_in(), 1.0))
    return {"stopped": True}, ["stopped"]


def duties(sync: Sync) -> tuple[Duty, ...]:
    """Everything that is due now and then. What needs a directory does nothing before there is one, nor at a closed hub."""

    def founded(do: Callable[[], Any]) -> Callable[[], Any]:
        def done() -> Any:
            if sync.office.working_set().gateway.history.size and sync.restored is None:
                sync.take_up_key()  # another program may have learned that it is listed
                return do()
            return None

        return done

    return (
        Duty("directory", DIRECTORY_EVERY, sync.directory),
        Duty("keys", HOURLY, founded(sync.keys)),
        Duty("outbox", 1.0, founded(sync.outbox)),
        Duty("witness", WITNESS_EVERY, founded(sync.witness)),
        Duty("proofs", WITNESS_EVERY, founded(sync.proofs)),
        Duty("keep until", HOURLY, founded(sync.office.destroy_due)),
        Duty("cases", 1.0, founded(lambda: casework.automatic(sync.office) and sync.outbox())),
        Duty("inbox", 1.0, founded(lambda: sync.inbox(wait=1))),
    )


def _told(name: str, error: Exception) -> None:
    print(f"offramp: {name}: {error}", file=sys.stderr, flush=True)


# Looking


def _status(office: Office, options: argparse.Namespace) -> Answer:
    working_set = office.working_set()
    gateway = working_set.gateway
    founded = bool(gateway.history.size)
    rows = []
    for out in working_set.outbox.values():
        reason = why(out.refused) if out.refused is not None else ""
        if out.waits:
            reason = (
                "no directory is in force yet"
                if not founded
                else "not sent yet, or the hub didn't answer"
            )
        rows.append(
            {
                "id": out.jti,
                "kind": out.kind,
                "case": out.case,
                "state": out.state,
                "why": reason or None,
            }
        )
    unopened = sum(1 for each in gateway.received.values() if each.record and not each.opened)
    from offramp.agency.hub_link import membership

    waiting = membership.waiting(sync_of(office)) if office.settings.hub else ()
    owed = [
        {"record": one.record, "part": one.part, "by": one.issuer, "until": one.until}
        for one in gateway.pending_recalls()
    ]
    restored = office.journal.get("restored") or {}
    value = {
        "agency": office.agency,
        "directory": gateway.history.newest.version if founded else None,
        "items": gateway.cursor,
        "unopened": unopened,
        "faults": [each.fault for each in gateway.faults],
        "broken": str(gateway.broken) if gateway.broken else None,
        "restored": restored or None,
        "recalls": owed,
        "drafts": [membership.as_json(one) for one in waiting],
        "outbox": rows,
    }
    lines = [
        f"{office.agency}: directory {value['directory'] or 'none yet'}, {gateway.cursor} came, {unopened} unopened",
        *(f"NOT BELIEVED: {each.fault}" for each in gateway.faults),
        *([f"THE LOG IS BROKEN: {gateway.broken}"] if gateway.broken else []),
        *(_restored(restored) if restored else []),
        *(line for one in waiting for line in membership.lines(one)),
        *(
            f"recall of `{one['part']}` to answer by {_day(each.until)}"
            for one, each in zip(owed, gateway.pending_recalls(), strict=True)
        ),
        *(
            f"{one['state']:<10} {one['kind']:<20} {one['id']}{'  ' + str(one['why']) if one['why'] else ''}"
            for one in rows
        ),
    ]
    return value, lines


def _restored(said: dict[str, Any]) -> list[str]:
    """What a restored hub was waiting for when it was last asked."""
    from offramp.restored import lines

    return lines(said)


def _inbox(office: Office, options: argparse.Namespace) -> Answer:
    working_set = office.working_set()
    found: list[dict[str, Any]] = []
    for number, ((issuer, jti), received) in enumerate(working_set.gateway.received.items(), 1):
        record = received.record
        assert record is not None, "what is listed was checked"
        parts = [
            {
                "id": part,
                "category": list(label.category),
                "sensitivity": label.sensitivity,
                "keep_until": label.keep_until,
                "state": "destroyed"
                if (issuer, jti, part) in working_set.destroyed
                else "opened"
                if part in received.opened
                else "closed",
            }
            for part, label in record.labels.items()
        ]
        found.append(
            {
                "n": number,
                "id": jti,
                "from": issuer,
                "kind": record.kind,
                "case": record.case,
                "parts": parts,
            }
        )
    lines = [
        f"{one['n']:>4}  {one['from']:<16} {one['kind']:<20} case {one['case'] or '-'}  "
        + "; ".join(
            f"{part['id']} {', '.join(part['category'])} ({part['state']})" for part in one["parts"]
        )
        for one in found
    ]
    return {"records": found, "gone": len(working_set.gateway.undelivered)}, lines


# Sending


def _compose(
    office: Office, kind: str, parts: Any, case: str | None, form: Mapping[str, Any] | None = None
) -> Answer:
    bundle = office.compose(kind, parts, case=case, form=form)
    state = send_now(office, bundle.id)
    return {"id": bundle.id, "case": case, "state": state}, [
        f"{kind} `{bundle.id}`{f' in case `{case}`' if case else ''}: {state}"
    ]


def _send(office: Office, options: argparse.Namespace) -> Answer:
    draft = drafts.read_draft(Path(options.file), given(office, office.working_set()))
    case = drafts.case_for(options.kind, options.case, office.random)
    return _compose(office, options.kind, draft.parts, case, draft.form)


def _consent(office: Office, options: argparse.Namespace) -> Answer:
    draft = drafts.read_draft(Path(options.file), given(office, office.working_set()))
    return _compose(office, "consent", draft.parts, options.case, draft.form)


def _revoke(office: Office, options: argparse.Namespace) -> Answer:
    working_set = office.working_set()
    parts = drafts.revocation(
        working_set, options.case, options.recipient, given(office, working_set)
    )
    value, lines, *_ = _compose(office, "consent_change", parts, options.case)
    if options.oral:
        # What the person said needs no paper to count; that it was said is for the file of whoever heard it.
        with office.transaction() as now:
            office.append(now, "oral", {"jti": value["id"], "case": options.case})
        return _aloud(office, options.case, value, lines)
    return value, lines


def _aloud(office: Office, case: str, value: dict[str, Any], lines: list[str]) -> Answer:
    """Tells who may know that it was said aloud, in a record of its own: the end is sent, and waits for no such thing."""
    working_set = office.working_set()
    today = day_of(
        working_set.gateway.hub_time(office.clock()), working_set.gateway.history.newest.zone
    ).isoformat()
    parts = drafts.said_aloud(working_set, case, today, given(office, working_set))
    told = sorted(agency for part in parts for agency in part.to)
    if parts:
        try:
            lines = lines + _compose(office, "consent_change", parts, case)[1]
        except RecordError as error:
            told, lines = [], [*lines, f"nobody is told that it was said aloud: {error.message}"]
    else:
        lines = [
            *lines,
            "that it was said aloud stands in this journal: no consent lets anybody else be told",
        ]
    return {**value, "aloud_told": told}, lines


def _retry(office: Office, options: argparse.Namespace) -> Answer:
    office.retry(options.record)
    state = send_now(office, options.record)
    return {"id": options.record, "state": state}, [f"`{options.record}`: {state}"]


# Reading


def _record(office: Office, named: str) -> str:
    """A record's id, given as it or as its number in the inbox. Raises `AgencyError` `not-here`."""
    held = [jti for _, jti in office.working_set().gateway.received]
    if named.isascii() and named.isdigit() and len(named) < 9 and 1 <= int(named) <= len(held):
        return held[int(named) - 1]
    if named in held:
        return named
    raise AgencyError(
        "not-here", f"no record `{named[:40]}` came here", fix="look at `offramp agency inbox`"
    )


def _open(office: Office, options: argparse.Namespace) -> Answer:
    jti = _record(office, options.record)
    reading = office.open(jti, options.part, by=options.by, second=options.second)
    label = reading.opened.label
    notice = notice_text(office) if "redisclosure_notice" in reading.obligations else None
    with suppress(HubAway, HubRefused, AgencyError):
        sync_of(office).outbox()
    value = {
        "id": jti,
        "part": label.id,
        "content": reading.opened.content,
        "obligations": list(reading.obligations),
        "use": label.use,
        "keep_until": label.keep_until,
        "notice": {"version": label.notice, "text": notice} if notice else None,
        "unwitnessed": reading.unwitnessed,
    }
    lines = [
        *(
            ["UNWITNESSED: the log's witnesses haven't signed this yet"]
            if reading.unwitnessed
            else []
        ),
        *([f"[notice {label.notice}] {notice}"] if notice else []),
        *(f"binds you: {one}" for one in reading.obligations),
        f"keep until {label.keep_until}; use: {label.use}",
        json.dumps(reading.opened.content, ensure_ascii=False, indent=2),
    ]
    return value, lines


OWN_NOTICE = (
    "42 CFR part 2 protects this record: tell nobody else unless the person's written consent or that part allows it, and "
    "never use it against the person. (Offramp's own words, NOT the official notice.)"
)


def notice_text(office: Office) -> str:
    """The redisclosure notice that is installed, or Offramp's own words, which say that they aren't official."""
    if office.settings.notice_file is None:
        return OWN_NOTICE
    try:
        return (office.folder / office.settings.notice_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return OWN_NOTICE


# After a restore of the hub: what is lost may be of any case.
_MISSING = {
    "en": "MISSING: of {count} entries of the hub's log, in this case or others, nobody has all that stood there",
    "es": "FALTA: de {count} entradas del registro del centro, de este caso o de otros, nadie tiene todo lo que decían",
}


def _account(office: Office, options: argparse.Namespace) -> Answer:
    account = sync_of(office).client.account(options.case)
    statement = office.learn_account(account)
    directory = office.working_set().gateway.history.newest
    rows: list[dict[str, Any]] = [
        {
            "issuer": one.issuer,
            "kind": one.kind,
            "to": one.to,
            "category": one.category,
            "purpose": one.purpose,
            "basis": one.basis,
            "what": one.status,
            "at": one.at,
            "told_aloud": one.is_oral,
            "denied": None if one.denied is None else list(one.denied),
            "opened": one.opened,
            "recalled": one.recalled,
            "answered": one.answered,
        }
        for one in statement.rows
    ]
    lines = list(sentences(statement, directory, options.lang))
    if statement.missing:
        lines.append(_MISSING[options.lang].format(count=len(statement.missing)))
    return {
        "case": statement.case,
        "at": statement.at,
        "rows": rows,
        "missing": list(statement.missing),
    }, lines


def _export(office: Office, options: argparse.Namespace) -> Answer:
    """Everything of a record that was opened, with what proves it, verified before it is written."""
    working_set = office.working_set()
    gateway = working_set.gateway
    if options.replay:
        return _export_decision(office, options)
    jti = _record(office, options.record)
    received = next(each for (_, held), each in gateway.received.items() if held == jti)
    leaves = [leaf for leaf in (received.item.leaf, received.item.recorded) if leaf is not None]
    checkpoints, path = _proving(office, leaves, jti)
    exhibit = exhibit_of(
        gateway, received.item.issuer, jti, received.opened, checkpoints=checkpoints, path=path
    )
    verify_exhibit(exhibit)
    return _written(options, jti, exhibit.write(), "`offramp verify` proves it")


def _export_decision(office: Office, options: argparse.Namespace) -> Answer:
    """A decision, own or received, with the records that it rests on, as far as they are held here."""
    working_set = office.working_set()
    own = working_set.outbox.get(options.record)
    jti = own.jti if own is not None else _record(office, options.record)
    if own is not None:
        leaf, held = own.leaf(working_set.agency), [part["content"] for part in own.parts]
    else:
        received = next(each for (_, of), each in working_set.gateway.received.items() if of == jti)
        leaf, held = received.item.recorded, [opened.content for opened in received.opened.values()]
    decided = [found for content in held if (found := decision_in(content)) is not None]
    if leaf is None or not decided:
        raise AgencyError(
            "not-a-decision",
            f"`{jti}` is no decision that is logged and readable here",
            fix="open it first",
        )
    checkpoints, path = _proving(office, [leaf], jti)
    rests_on = [
        (one["record"], one["part"]) for each in decided for one in each.get("rests_on", ())
    ]
    exhibit = decision_exhibit_of(
        working_set.gateway, jti, rests_on, checkpoints=checkpoints, path=path
    )
    verify_decision(exhibit)
    return _written(options, jti, exhibit.write(), "`offramp replay` works it out again")


def _proving(
    office: Office, leaves: Sequence[Leaf], jti: str
) -> tuple[list[bytes], Callable[[Leaf], tuple[bytes, ...]]]:
    """The witnessed checkpoints around these leaves, the last over them all, and a way to each leaf's path under that last."""
    client = sync_of(office).client
    newest = client.checkpoint(witnessed=True)
    if newest is None or _size(newest) <= max(leaf.index for leaf in leaves):
        raise AgencyError(
            "unproved",
            f"no witnessed checkpoint holds the hand-out of `{jti}`",
            fix="wait for the witnesses",
        )
    kept = {_size(each): each for each in _checkpoints(office)}
    around = {_size(newest): newest}
    for leaf in leaves:
        before = [size for size in kept if size <= leaf.index]
        over = [size for size in kept if leaf.index < size < _size(newest)]
        around |= {size: kept[size] for size in (*before[-1:], *over[:1])}
    return [around[size] for size in sorted(around)], lambda leaf: client.inclusion(
        leaf.index, _size(newest)
    )


def _written(options: argparse.Namespace, jti: str, text: bytes, use: str) -> Answer:
    write_private(Path(options.file), text)
    return {"file": options.file}, [f"`{options.file}` holds `{jti}`, readable by you alone: {use}"]


def _checkpoints(office: Office) -> list[bytes]:
    """The witnessed checkpoints that are kept here, the smallest first."""
    found = [
        event.body["checkpoint"].encode()
        for event in office.journal.after(0)
        if event.kind == "proved"
    ]
    return sorted(found, key=_size)


def _size(note: bytes) -> int:
    return read_checkpoint(read_note(note).text).size


def _backup(office: Office, options: argparse.Namespace) -> Answer:
    target = Path(options.file)
    if target.exists():
        raise AgencyError("already-there", f"`{target}` is there already", fix="name another file")
    write_private(target, b"")
    office.journal.backup(target)
    check_private(target)
    with office.transaction():
        office.journal.put("backup", {"time": office.clock()})
    return {"file": str(target)}, [
        f"`{target}` holds the journal; the keys aren't in it, copy them apart from it"
    ]


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


HANDLERS: dict[str, Callable[[Office, argparse.Namespace], Answer]] = {
    "join": _join,
    "approve": _approve,
    "retire": _retire,
    "spare": _spare,
    "propose": _propose,
    "serve": _serve,
    "status": _status,
    "inbox": _inbox,
    "send": _send,
    "case": casework.show,
    "cases": casework.cases,
    "note": casework.note,
    "notice": casework.notice,
    "tasks": casework.to_do,
    "meeting": casework.meeting,
    "takeup": casework.takeup,
    "decide": casework.decide,
    "ask": casework.ask,
    "open": _open,
    "consent": _consent,
    "revoke": _revoke,
    "determine": casework.determine,
    "account": _account,
    "export": _export,
    "retry": _retry,
    "backup": _backup,
}
