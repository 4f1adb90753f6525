"""An agency at work: its settings, keys and journal on the disk, and in memory the desk that follows from them.

Every change is made in one transaction of the journal: catch up with what other programs wrote, act, append. So two commands at
once, or a command beside `serve`, see each other's events, and what was interrupted has not happened.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from exchange.agency.gateway import Gateway
from exchange.agency.reading import Reading, acknowledgement
from exchange.consent.account import Account
from exchange.consent.accounting import AccountStatement
from exchange.consent.disclosure import Judge
from exchange.errors import ExchangeError
from exchange.log.signed_lines import InboxLine
from exchange.membership.directory import read_directory
from exchange.membership.signatures import read_signed_directory
from exchange.protocol.inbox import Inbox
from exchange.records.building import Part
from exchange.records.bundle import Bundle
from exchange.standards import base64
from offramp import adoption
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Event, Journal
from offramp.agency.folder.keys import Keys, check_private, write_private
from offramp.agency.folder.settings import Settings, read_settings, write_settings
from offramp.agency.folder.snapshot import EVERY, Snapshot
from offramp.agency.folder.working_set import (
    OutgoingRecord,
    WorkingSet,
    bundle_from,
    bundle_json,
    without,
)
from rules.decide.program import Program
from rules.packs.digest import digest as digest_of
from rules.packs.pack import Pack
from rules.shelf import read_pack, shipped

JOURNAL = "agency.db"
SNAPSHOT = "agency.snapshot"
SALT_BYTES = 32
KEYS = "keys"
PACKS = "packs"

Clock = Callable[[], int]


def init(
    folder: Path,
    agency: str,
    passphrase: bytes,
    *,
    demo: bool = False,
    passphrase_file: str | None = None,
) -> None:
    """A new agency's folder, with keys to sign and to witness. Raises `AgencyError` `already-there`, `no-room`."""
    if (folder / "agency.toml").exists():
        raise AgencyError(
            "already-there", f"`{folder}` is an agency's folder already", fix="take another folder"
        )
    settings = Settings(id=agency, demo=demo, passphrase_file=passphrase_file)
    try:
        (folder / KEYS).mkdir(parents=True, exist_ok=True, mode=0o700)
        for each in (folder, folder / KEYS):
            each.chmod(0o700)
    except OSError as error:
        raise AgencyError(
            "no-room",
            f"`{folder}` can't be made: {error.strerror}",
            fix="make room, then try again",
        ) from None
    keys = Keys(folder / KEYS, passphrase)
    keys.make_signing(f"{agency}.s1")
    keys.make_witness(f"{agency}.w1")
    Journal(folder / JOURNAL).close()
    # Last: whatever is interrupted before can be begun again.
    write_settings(folder, settings)


class Office:
    """One agency's folder, opened. Raises `AgencyError` as settings, keys and journal do."""

    def __init__(
        self,
        folder: Path,
        passphrase: bytes,
        clock: Clock,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.folder = folder
        self.settings = read_settings(folder)
        self.agency = self.settings.id
        self.clock = clock
        self.random = random_bytes
        check_private(folder / KEYS)
        self.keys = Keys(folder / KEYS, passphrase, random_bytes)
        self.journal = Journal(folder / JOURNAL)
        self.signing = self.keys.signing(self._signs())
        self.witness = self.keys.witness(self._newest("w"))
        self._working_set: WorkingSet | None = None
        self._at = 0
        # Where the journal stood when nothing was left to be done in the cases by itself.
        self.settled_at: int | None = None
        self._judge = cache(self._judge_of)
        self._packs: dict[str, Pack] = {}

    def close(self) -> None:
        self.journal.close()

    def numbered(self, letter: str) -> list[str]:
        """The keys here that sign (`s`) or witness (`w`), the oldest first."""
        start = f"{self.agency}.{letter}"
        found = [
            kid for kid in self.keys.ids() if kid.startswith(start) and kid[len(start) :].isdigit()
        ]
        return sorted(found, key=lambda kid: int(kid[len(start) :]))

    def _newest(self, letter: str) -> str:
        if not (found := self.numbered(letter)):
            raise AgencyError(
                "no-key-file",
                f"`{self.folder / KEYS}` lacks a key of `{self.agency}`",
                fix="restore a backup",
            )
        return found[-1]

    def _signs(self) -> str:
        """The newest key that the directory lists: what is to take a stolen one's place isn't, until enough have signed."""
        newest, several = self._newest("s"), self.numbered("s")
        if len(several) > 1:
            versions = [
                event.body["signed"] for event in self.journal.after(0) if event.kind == "directory"
            ]
            mine = (
                read_directory(read_signed_directory(versions[-1].encode()).payload).agencies.get(
                    self.agency
                )
                if versions
                else None
            )
            listed = [kid for kid in several if mine is not None and kid in mine.signing]
            return listed[-1] if listed else newest
        return newest

    def take_up_key(self) -> bool:
        """Signs from now on with the newest key that is here and that the directory lists; whether that is another one."""
        history = self.working_set().gateway.history
        mine = history.newest.agencies.get(self.agency) if history.size else None
        listed = [kid for kid in self.numbered("s") if mine is not None and kid in mine.signing]
        if not listed or listed[-1] == self.signing.public.kid:
            return False
        self.signing = self.keys.signing(listed[-1])
        self._working_set = None
        return True

    def _judge_of(self, digest: str) -> Judge:
        return Judge(self.pack(digest))

    def program(self, working_set: WorkingSet) -> Program:
        """The rules of live cases: the pack that the directory names. Raises `AgencyError` `unknown-pack`."""
        return Program(self.pack(working_set.gateway.history.newest.pack))

    def pack(self, digest: str) -> Pack:
        """The adopted pack of this digest, never the newest installed one. Raises `AgencyError` `unknown-pack`."""
        found = self._packs.get(digest)
        if found is None:
            found = self._packs[digest] = self._pack_of(digest)
        return found

    def _pack_of(self, digest: str) -> Pack:
        if (carried := adoption.kept(self.folder / PACKS, digest)) is not None and digest_of(
            pack := carried.pack()
        ) == digest:
            return pack
        for named in dict.fromkeys(
            one for one in (self.settings.pack, *shipped()) if one is not None
        ):
            if digest_of(read_pack(named)) == digest:
                # A later release may ship another pack under this id: what cases are judged by is kept.
                return self.keep_pack(adoption.carried(named), digest)
        raise AgencyError(
            "unknown-pack", f"the pack `{digest[:20]}…` isn't kept here", fix="let the gateway run"
        )

    def keeps(self, digest: str) -> bool:
        """Whether there is a kept pack of this digest."""
        return adoption.file_of(self.folder / PACKS, digest).exists()

    def keep_pack(self, carried: adoption.Carried, digest: str) -> Pack:
        """Proves a pack, and keeps it for ever. Raises as `adoption.taken`, and `AgencyError` `no-room`."""
        pack, _ = adoption.taken(carried, digest)
        folder = self.folder / PACKS
        folder.mkdir(mode=0o700, exist_ok=True)
        write_private(adoption.file_of(folder, digest), carried.write())
        return pack

    # The journal and the desk

    @contextmanager
    def transaction(self) -> Iterator[WorkingSet]:
        """The desk, caught up, in one transaction: all that is appended inside is on the disk afterwards, or nothing."""
        try:
            with self.journal.together():
                yield self._caught_up()
        except BaseException:
            # The desk may know what the disk doesn't.
            self._working_set = None
            raise

    @property
    def at(self) -> int:
        """How far in the journal the desk is."""
        return self._at

    def working_set(self) -> WorkingSet:
        """The desk, caught up, to read from."""
        with self.transaction() as working_set:
            return working_set

    def replay(self) -> WorkingSet:
        """The desk, from the journal alone, every record in it verified again. Raises as what it finds."""
        with self.journal.together():
            self.snapshot().forget()
            self._working_set = None
            return self._caught_up()

    def _caught_up(self) -> WorkingSet:
        working_set, fresh = self._working_set, self._working_set is None
        if working_set is None:
            keys = self.signing, self.witness, self._sealing()
            working_set = WorkingSet(self.agency, *keys, self._judge, self.random, self._salts())
            self._at = self.snapshot().read_into(working_set, self.journal.digest_of)
        before = working_set.records
        for event in self.journal.after(self._at):
            working_set.learn(event)
            self._at = event.at
        if fresh and working_set.records >= before + max(EVERY, before // 8):
            self._keep(working_set)
        self._working_set = working_set
        if working_set.gateway.sealing.keys() != set(self._months()):
            working_set.gateway.sealing.clear()
            working_set.gateway.sealing.update(self._sealing())
        self._recall_tree(working_set.gateway)
        return working_set

    def snapshot(self, *, anew: bool = False) -> Snapshot:
        """What is kept of the journal, within `together`. `anew`: under another salt, so that no copy of before opens."""
        held = self.journal.get("snapshot")
        if held is None or anew:
            held = {"salt": base64.encode_url(secrets.token_bytes(SALT_BYTES))}
            self.journal.put("snapshot", held)
        return Snapshot(self.folder / SNAPSHOT, self.signing, base64.decode_url(held["salt"]))

    def _keep(self, working_set: WorkingSet) -> None:
        digest = self.journal.digest_of(self._at)
        assert digest is not None, "it was read a moment ago"
        self.snapshot().write(working_set, self._at, digest)

    def _salts(self) -> Callable[[int], bytes] | None:
        """In a demo with a canary, salts that begin with it."""
        word = (self.settings.canary or "").encode()
        return (
            (lambda count: word + self.random(count - len(word)))
            if word and self.settings.demo
            else None
        )

    def _months(self) -> list[str]:
        return [
            kid
            for kid in self.keys.ids()
            if kid[len(self.agency) + 1 : len(self.agency) + 5].isdigit()
        ]

    def _sealing(self) -> dict[str, Any]:
        return {kid: self.keys.sealing(kid) for kid in self._months()}

    def _recall_tree(self, gateway: Gateway) -> None:
        """The last tree that this agency saw: what comes next must have grown out of it."""
        kept = self.journal.get("tree")
        if kept is None or gateway.watch is None:
            return
        if gateway.watch.last is None or gateway.watch.last.size < kept["size"]:
            gateway.watch.last = None
            gateway.watch.advance(kept["note"].encode(), ())

    def append(self, working_set: WorkingSet, kind: str, body: dict[str, Any]) -> Event:
        """An event of what the gateway has just done or taken."""
        event = self.journal.append(kind, self.clock(), body)
        self._at = event.at
        working_set.note(event)
        return event

    # What people do

    def compose(
        self,
        kind: str,
        parts: Iterable[Part],
        *,
        case: str | None,
        form: Mapping[str, Any] | None = None,
    ) -> Bundle:
        """A record, checked, and in the outbox. Raises as `Gateway.compose`."""
        with self.transaction() as working_set:
            return self.compose_in(working_set, kind, tuple(parts), case, form)

    def compose_in(
        self,
        working_set: WorkingSet,
        kind: str,
        parts: tuple[Part, ...],
        case: str | None,
        form: Mapping[str, Any] | None = None,
    ) -> Bundle:
        """The same, within `acting`."""
        bundle = working_set.gateway.compose(kind, parts, case=case, now=self.clock(), form=form)
        body = {
            "kind": kind,
            "case": case,
            "parts": [part_json(each) for each in parts],
            **({"form": dict(form)} if form is not None else {}),
            "bundle": bundle_json(bundle),
            "contents": dict(working_set.gateway.contents[bundle.id]),
        }
        self.append(working_set, "composed", body)
        return bundle

    def rebuild(self, jti: str) -> str:
        """The same parts under a new id, sealed to the newest keys. Raises as `compose`."""
        with self.transaction() as working_set:
            out = working_set.outbox[jti]
            parts = tuple(part_of(each) for each in out.parts)
            bundle = self.compose_in(working_set, out.kind, parts, out.case, out.form)
            self.append(working_set, "replaced", {"jti": jti, "by": bundle.id})
            return bundle.id

    def open(self, jti: str, part: str | None, *, by: str, second: str | None = None) -> Reading:
        """One part, for a named person: the acknowledgement that names the obligations is queued first.

        Raises as `Gateway.open`, and `AgencyError` `which-part`, `destroyed`; whatever keeps the acknowledgement from being
        composed keeps the part closed.
        """
        with self.transaction() as working_set:
            received = self._received(working_set, jti)
            assert received.record is not None, "what is listed was checked"
            chosen = part or _only(received.record.labels)
            issuer = received.record.issuer
            if (issuer, jti, chosen) in working_set.destroyed:
                raise AgencyError(
                    "destroyed",
                    f"`{chosen}` was destroyed when its time was up",
                    fix="ask its issuer again",
                )
            already = received.opened.get(chosen)
            reading = working_set.gateway.open(
                issuer, jti, chosen, by=by, now=self.clock(), second=second
            )
            keep = reading.opened.label.keep_until
            back = acknowledgement(received, reading, keep_until=keep)
            if already is None:
                self.compose_in(working_set, "acknowledgement", (back,), received.record.case, None)
            self.append(
                working_set,
                "opened",
                {
                    "issuer": issuer,
                    "jti": jti,
                    "part": chosen,
                    "by": by,
                    "second": second,
                    "obligations": list(reading.obligations),
                    "unwitnessed": reading.unwitnessed,
                    "notice": reading.opened.label.notice,
                    "disclosure": reading.opened.disclosure,
                },
            )
            return reading

    def _received(self, working_set: WorkingSet, jti: str) -> Any:
        for (_, held), received in working_set.gateway.received.items():
            if held == jti:
                return received
        raise AgencyError(
            "not-here", f"no record `{jti}` came here", fix="look at `offramp agency inbox`"
        )

    # What the hub says

    def take(self, answer: Inbox, after: int, line: InboxLine | None) -> int:
        """An answer to a pull after so many items, asked for when `line` was the hub's newest; how many were new. Where another
        program pulled meanwhile, none: beside what that one was told, a sound answer may look old.
        """
        with self.transaction() as working_set:
            if working_set.gateway.cursor != after or working_set.gateway.line != line:
                return 0
            taken = working_set.gateway.take(answer, self.clock())
            if answer.items:
                body = {
                    "items": [each.json() for each in answer.items],
                    "line": answer.line.decode(),
                }
                self.append(working_set, "inbox", body)
            else:
                self._refresh_line(working_set, answer.line)
            return len(taken)

    def _refresh_line(self, working_set: WorkingSet, line: bytes) -> None:
        """An answer without items says only how new the rest is: that is worth an event, but not one every poll."""
        last = self.journal.get("line")
        now = self.clock()
        if last is None or not 0 <= now - last["time"] < LINE_EVERY:
            self.append(working_set, "inbox", {"items": [], "line": line.decode()})
            self.journal.put("line", {"time": now})

    def receive(self, jti: str, receipt: Any) -> None:
        """The hub's receipt of a record."""
        with self.transaction() as working_set:
            if working_set.outbox[jti].receipt is None:
                working_set.gateway.sent(jti, receipt)
                self.append(working_set, "receipt", {"jti": jti, "receipt": receipt.json()})

    def refused(self, jti: str, status: int, error: Mapping[str, Any]) -> None:
        """The hub said no: a person looks at it."""
        with self.transaction() as working_set:
            if working_set.outbox[jti].waits:
                self.append(
                    working_set, "refused", {"jti": jti, "status": status, "error": dict(error)}
                )

    def retry(self, jti: str) -> None:
        """A person says that what was refused is to be sent again, as it is. Raises `AgencyError` `not-here`."""
        with self.transaction() as working_set:
            if jti not in working_set.outbox:
                raise AgencyError(
                    "not-here",
                    f"no record `{jti}` was composed here",
                    fix="look at `offramp agency status`",
                )
            self.append(working_set, "retry", {"jti": jti})

    def learn_account(self, account: Account) -> AccountStatement:
        """A case's account, verified and kept."""
        with self.transaction() as working_set:
            statement = working_set.gateway.learn_account(account)
            self.append(working_set, "account", {"account": account.write().decode()})
            return statement

    def broken(self, working_set: WorkingSet, error: ExchangeError) -> None:
        """A log that went back or split: believed no more, also after a restart."""
        self.append(
            working_set, "broken", {"code": error.code, "message": error.message, "fix": error.fix}
        )

    # What time does

    def destroy_due(self) -> int:
        """Destroys every content and note whose last day has passed, by the hub's time; how many."""
        with self.transaction() as working_set:
            gateway = working_set.gateway
            if gateway.line is None:
                return 0
            from exchange.consent.disclosure import day_of

            today = day_of(gateway.hub_time(self.clock()), gateway.history.newest.zone).isoformat()
            due: set[tuple[str, str, str]] = set()
            for (issuer, jti), received in gateway.received.items():
                if received.record is not None:
                    for part, label in received.record.labels.items():
                        if (
                            label.keep_until < today
                            and (issuer, jti, part) not in working_set.destroyed
                        ):
                            due.add((issuer, jti, part))
            for jti, out in working_set.outbox.items():
                if out.witnessed or out.replaced_by is not None:
                    for part, keep_until in own_parts(out):
                        if (
                            keep_until < today
                            and (self.agency, jti, part) not in working_set.destroyed
                        ):
                            due.add((self.agency, jti, part))
            stale = [
                event
                for event in working_set.noted
                if event.body["keep_until"] < today and event.body.get("facts")
            ]
            if due or stale:
                self.snapshot(anew=True).forget()
            for event in stale:
                self.journal.replace(event, {**event.body, "facts": {}})
            if due:
                self._destroy(working_set, due)
        if due or stale:
            # What was destroyed isn't left in memory, nor in the write-ahead log.
            self._working_set = None
            self.journal.write_back()
        return len(due) + len(stale)

    def _destroy(self, working_set: WorkingSet, due: set[tuple[str, str, str]]) -> None:
        parts = {(jti, part) for _, jti, part in due}
        for event in list(self.journal.after(0)):
            body = event.body
            if event.kind == "inbox" and any(
                _item_jti(each) in {jti for jti, _ in parts} for each in body["items"]
            ):
                items = [_item_without(each, parts) for each in body["items"]]
                self.journal.replace(event, {**body, "items": items})
            elif event.kind == "opened" and (body["jti"], body["part"]) in parts:
                self.journal.replace(
                    event, {name: one for name, one in body.items() if name != "disclosure"}
                )
            elif event.kind == "composed":
                jti = bundle_from(body["bundle"]).id
                mine = {part for of, part in parts if of == jti}
                if mine:
                    self.journal.replace(event, _composed_without(body, mine))
        for issuer, jti, part in sorted(due):
            self.append(working_set, "destroyed", {"issuer": issuer, "jti": jti, "part": part})


LINE_EVERY = 60


def part_json(part: Part) -> dict[str, Any]:
    """A part as the journal keeps it."""
    return {
        "category": list(part.category),
        "content": part.content,
        "to": {agency: list(each) for agency, each in part.to.items()},
        "keep_until": part.keep_until,
        "sensitivity": part.sensitivity,
        "use": part.use,
        "notice": part.notice,
        "says": dict(part.says) if part.says is not None else None,
        "id": part.id,
    }


def part_of(value: Mapping[str, Any]) -> Part:
    """A part that the journal kept."""
    members = dict(value)
    members["category"] = tuple(members["category"])
    members["to"] = {agency: (each[0], each[1]) for agency, each in members["to"].items()}
    return Part(**members)


def own_parts(out: OutgoingRecord) -> list[tuple[str, str]]:
    """Id and last day of each part of a record that was composed here."""
    from exchange.standards import sd_jwt

    values = [sd_jwt.read(text).value for text in out.bundle.labels]
    return [(str(value["id"]), str(value["keep_until"])) for value in values]


def _only(labels: Mapping[str, Any]) -> str:
    if len(labels) != 1:
        raise AgencyError(
            "which-part",
            f"the record has the parts {', '.join(f'`{one}`' for one in labels)}",
            fix="name one",
        )
    return next(iter(labels))


def _item_jti(item: dict[str, Any]) -> str:
    import json

    body = json.loads(item["leaf"]["body"])
    return str(body.get("record", ""))


def _item_without(item: dict[str, Any], parts: set[tuple[str, str]]) -> dict[str, Any]:
    if "delivery" not in item:
        return item
    jti = _item_jti(item)
    sealed = [
        without(each) if (jti, each["part"]) in parts else each
        for each in item["delivery"]["sealed"]
    ]
    return {**item, "delivery": {**item["delivery"], "sealed": sealed}}


def _composed_without(body: dict[str, Any], parts: set[str]) -> dict[str, Any]:
    from exchange.standards import sd_jwt

    ids = [sd_jwt.read(text).value["id"] for text in body["bundle"]["labels"]]
    kept = [
        {**part, "content": {}} if of in parts else part
        for of, part in zip(ids, body["parts"], strict=True)
    ]
    sealed = [without(each) if each["part"] in parts else each for each in body["bundle"]["sealed"]]
    contents = {part: text for part, text in body.get("contents", {}).items() if part not in parts}
    return {
        **body,
        "parts": kept,
        "bundle": {**body["bundle"], "sealed": sealed},
        "contents": contents,
    }
