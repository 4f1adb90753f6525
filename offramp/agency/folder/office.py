"""An agency's office: settings, keys and journal on the disk, and in memory the working set.

Every change is one transaction of the journal: catch up with what other programs wrote, act,
append. So two commands at once, or a command beside `serve`, see each other's events. An
interrupted change has not happened.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from exchange.agency.gateway import Gateway
from exchange.agency.reading import Reading, acknowledgement
from exchange.consent.account import Account
from exchange.consent.accounting import AccountStatement
from exchange.consent.disclosure import Judge, day_of
from exchange.errors import ExchangeError
from exchange.log.signed_lines import InboxLine
from exchange.membership.directory import read_directory
from exchange.membership.signatures import read_signed_directory
from exchange.protocol.inbox import Inbox
from exchange.records.building import Part
from exchange.records.bundle import Bundle
from exchange.records.record import Record
from exchange.standards import base64
from offramp import adoption
from offramp.agency.errors import AgencyError, refuse_hidden_name
from offramp.agency.folder.accounts import Accounts
from offramp.agency.folder.case_memory import CaseMemory
from offramp.agency.folder.destruction import (
    PartKey,
    destroy_note,
    destroy_parts,
    destroy_statement,
)
from offramp.agency.folder.index_file import ENOUGH, IndexFile
from offramp.agency.folder.journal import Event, Journal
from offramp.agency.folder.keys import Keys, Stretch, check_private, write_private
from offramp.agency.folder.looks import Looks
from offramp.agency.folder.origin import Origin, key_of_another_folder, read_origin
from offramp.agency.folder.person_codes import PersonCodes
from offramp.agency.folder.sealed_values import SealedValues
from offramp.agency.folder.settings import Settings, read_settings, write_settings
from offramp.agency.folder.snapshot import EVERY, Snapshot
from offramp.agency.folder.staff import Session
from offramp.agency.folder.stored_records import bundle_json, part_json, read_part
from offramp.agency.folder.working_set import WorkingSet
from offramp.memo_file import MemoFile, read_memo
from offramp.pack_trial import examine_pack
from rules.decide.program import Program
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.digest import digest as digest_of
from rules.packs.pack import Pack
from rules.shelf import read_pack, shipped

JOURNAL = "agency.db"
SNAPSHOT = "agency.snapshot"
INDEX = "agency.index"
SALT_BYTES = 32
KEYS = "keys"
PACKS = "packs"
MEMOS = "memos"
_DESTROYING = "destroying"
# How often an empty answer of the hub is worth an event, in seconds.
LINE_EVERY = 60

Clock = Callable[[], int]

_LOOKS_KEPT = 64
# The codes of the refusals by a folder that the agency doesn't work in any more.
LEFT = ("moved", "works-elsewhere")
# The events that such a folder still learns from the log.
_LEARNED = ("directory", "key", "generation", "broken")


@frozen
class Stating:
    """A record that is about to be composed, or a note that is about to be kept.

    `kind` and `parts` are the record's, and so is the signed `form` of a consent. A note has
    neither kind nor parts, and `details` by name.
    """

    kind: str | None
    case: str | None
    parts: tuple[Part, ...] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


def init(
    folder: Path,
    agency: str,
    passphrase: bytes,
    *,
    demo: bool = False,
    passphrase_file: str | None = None,
) -> None:
    """Create an agency's folder with keys to sign and to witness.

    Raises `AgencyError` `already-there`, `no-room`.
    """
    check_unused(folder)
    settings = Settings(id=agency, demo=demo, passphrase_file=passphrase_file)
    try:
        (folder / KEYS).mkdir(parents=True, exist_ok=True, mode=0o700)
        for private in (folder, folder / KEYS):
            private.chmod(0o700)
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
    write_settings(folder, settings)


def check_unused(folder: Path) -> None:
    """Check that nothing in a folder can be of an agency. Raises `AgencyError` `already-there`.

    INVARIANT: no command writes an agency's files over others, so no key is ever lost to one.
    """
    if (folder / "agency.toml").exists():
        raise AgencyError(
            "already-there", f"`{folder}` is an agency's folder already", fix="take another folder"
        )
    for path in (folder / JOURNAL, *sorted((folder / KEYS).glob("*"))):
        if path.exists():
            raise AgencyError(
                "already-there",
                f"`{path}` is of an agency, and nothing is written over it",
                fix="keep this folder, and restore a backup into a new one with "
                "`offramp agency restore FOLDER FILE`",
            )


class Office:
    """One agency's opened folder. Raises `AgencyError` as settings, keys and journal do."""

    def __init__(
        self,
        folder: Path,
        passphrase: bytes | Stretch,
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
        if not (folder / JOURNAL).exists():
            raise AgencyError(
                "damaged",
                f"`{folder}` has no journal (`{JOURNAL}`)",
                fix="restore a backup into a new folder with `offramp agency restore FOLDER FILE`",
            )
        self.journal = Journal(folder / JOURNAL)
        self.looks = Looks(self.journal, self.keys, self.agency)
        sealed_values = SealedValues(self.journal, self.keys, self.agency)
        self.accounts = Accounts(sealed_values)
        self.person_codes = PersonCodes(sealed_values)
        self.signing = self.keys.signing(self._signs())
        self.witness = self.keys.witness(self._newest("w"))
        self._working_set: WorkingSet | None = None
        self._hub_name = ""
        # The salt of the files derived from the journal when the working set was built.
        self._built_with = b""
        self._at = 0
        # The state of the journal's file that the working set was last caught up with.
        self._caught_up_with: tuple[int, int] | None = None
        # The journal's last event when no automatic act was left to do.
        self.settled_at: int | None = None
        # The person for whom operations are called. None until one signs in.
        self.session: Session | None = None
        # The person of the operation that runs now. None for the gateway.
        self.acting: Session | None = None
        self.is_in_operation = False
        # The operation that the running command is for, if it is known. A refusal on the way to it
        # is a look at that act. The last refusal that was written as a look.
        self.command_act: str | None = None
        self.refusal_written: Exception | None = None
        # The case of each of the last looks that this office wrote, None for a look at no case.
        self.looked_at: deque[str | None] = deque(maxlen=_LOOKS_KEPT)
        # What an operation asks before it states anything: see `offramp.agency.operations.access`.
        self.before_stating: Callable[[WorkingSet, Stating], None] | None = None
        # The records that were composed or sent again since this office was opened, and those of
        # them that the hub refused.
        self._sent_here: set[str] = set()
        self.refused_here: list[str] = []
        # When this program last asked the hub if another folder took over.
        self.asked_hub_at: int | None = None
        self._judge = cache(self._judge_of)
        self._packs: dict[str, Pack] = {}
        self._programs: dict[str, Program] = {}

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()

    def numbered(self, letter: str) -> list[str]:
        """Return the ids of the keys here that sign (`s`) or witness (`w`), the oldest first."""
        start = f"{self.agency}.{letter}"
        kids = [
            kid for kid in self.keys.ids() if kid.startswith(start) and kid[len(start) :].isdigit()
        ]
        return sorted(kids, key=lambda kid: int(kid[len(start) :]))

    def _newest(self, letter: str) -> str:
        if not (kids := self.numbered(letter)):
            raise AgencyError(
                "no-key-file",
                f"`{self.folder / KEYS}` lacks a key of `{self.agency}`",
                fix="restore a backup",
            )
        return kids[-1]

    def _signs(self) -> str:
        """Return the newest key that the directory lists.

        The successor of a stolen key isn't listed until enough agencies have signed.
        """
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
        """Sign from now on with the newest listed key. Returns whether it is another one."""
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
        """Return the rules of live cases: the pack that the directory names.

        Raises `AgencyError` `unknown-pack`.
        """
        digest = working_set.gateway.history.newest.pack
        if digest not in self._programs:
            self._programs[digest] = Program(self.pack(digest))
        return self._programs[digest]

    def pack(self, digest: str) -> Pack:
        """Return the adopted pack of this digest, never the newest installed one.

        Raises `AgencyError` `unknown-pack`.
        """
        pack = self._packs.get(digest)
        if pack is None:
            pack = self._packs[digest] = self._pack_of(digest)
        return pack

    def _pack_of(self, digest: str) -> Pack:
        if (files := adoption.stored_pack(self.folder / PACKS, digest)) is not None and digest_of(
            pack := files.pack()
        ) == digest:
            return pack
        own = (self.settings.pack,) if self.settings.pack is not None else ()
        for name in dict.fromkeys((*own, *shipped())):
            found = (
                adoption.shipped_digest(name) if name in shipped() else digest_of(read_pack(name))
            )
            if found == digest:
                # A later release may ship another pack under this id. Keep the text that judges.
                return self.keep_pack(adoption.collect_pack(name), digest)
        raise AgencyError(
            "unknown-pack", f"the pack `{digest[:20]}…` isn't kept here", fix="let the gateway run"
        )

    def keeps(self, digest: str) -> bool:
        """Report whether a pack of this digest is kept here."""
        return adoption.path_of(self.folder / PACKS, digest).exists()

    def keep_pack(self, files: adoption.PackFiles, digest: str) -> Pack:
        """Prove a pack and keep it for ever.

        A pack that isn't shipped is proved in a process of its own, so call it outside every
        transaction. Raises `AgencyError` `no-room`; as `examine_pack`.
        """
        examine_pack(files, digest)
        pack = files.pack()
        folder = self.folder / PACKS
        folder.mkdir(mode=0o700, exist_ok=True)
        write_private(adoption.path_of(folder, digest), files.write())
        return pack

    def keep_memo(self, memo: MemoFile, checked: str) -> None:
        """Keep a memo that was checked against both packs, and what was checked, in a sentence.

        Raises `AgencyError` `no-room`.
        """
        file = self._memo_path(memo.digest)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        write_private(file, memo.text)
        write_private(file.with_suffix(".txt"), checked.encode())

    def kept_memo(self, digest: str) -> tuple[MemoFile, str] | None:
        """Return a memo that was checked here, and what was checked. None if it isn't kept.

        INVARIANT: the sentence is written last, so a memo with one was checked.
        """
        file = self._memo_path(digest)
        try:
            return read_memo(file.read_bytes(), digest), file.with_suffix(".txt").read_text("utf-8")
        except (OSError, Refusal):
            return None

    def _memo_path(self, digest: str) -> Path:
        return self.folder / MEMOS / f"{digest.removeprefix('sha256:')}.json"

    def pack_files(self, digest: str) -> adoption.PackFiles:
        """Return the files of a pack that is kept here. Raises `AgencyError` `unknown-pack`."""
        self.pack(digest)
        files = adoption.stored_pack(self.folder / PACKS, digest)
        assert files is not None, "a pack that was read is kept"
        return files

    # The journal and the working set

    @contextmanager
    def transaction(self) -> Iterator[WorkingSet]:
        """Yield the working set, caught up, in one transaction of the journal.

        Everything appended inside is on the disk afterwards, or nothing is.
        """
        try:
            with self.journal.together():
                yield self._caught_up()
        except BaseException:
            # The working set may contain events that the disk doesn't.
            self._working_set = None
            raise

    @property
    def at(self) -> int:
        """The journal's last event that the working set contains."""
        return self._at

    def working_set(self) -> WorkingSet:
        """Return the working set, caught up, to read from."""
        if self._is_caught_up():
            working_set = self._working_set
            assert working_set is not None, "it was caught up"
            self._take_up_sealing(working_set)
            return working_set
        with self.transaction() as working_set:
            return working_set

    def _is_caught_up(self) -> bool:
        """Report whether no program has changed the journal since the last catching up.

        INVARIANT: a destruction by another program changes it too, so nothing destroyed is kept.
        """
        return self._working_set is not None and self._caught_up_with == self.journal.state()

    def hub_name(self) -> str:
        """Return the hub's permanent name in the directory, empty before the first version."""
        if not self._hub_name:
            history = self.working_set().gateway.history
            self._hub_name = history.newest.log.name if history.size else ""
        return self._hub_name

    def replay(self) -> WorkingSet:
        """Rebuild the working set from the journal alone, verifying every record again.

        Raises the refusal of the first event that fails.
        """
        with self.journal.together():
            self._forget_derived()
            self._working_set = None
            return self._caught_up()

    def _caught_up(self) -> WorkingSet:
        """Return the working set, caught up, within a transaction."""
        if not self._is_caught_up():
            self._catch_up()
            self._caught_up_with = self.journal.state()
        working_set = self._working_set
        assert working_set is not None, "it was caught up"
        self._take_up_sealing(working_set)
        return working_set

    def _catch_up(self) -> None:
        if self._built_with != (salt := self._salt()):
            # INVARIANT: what another program destroyed stays in no memory either.
            self._working_set, self._built_with = None, salt
        working_set, fresh = self._working_set, self._working_set is None
        if working_set is None:
            keys = self.signing, self.witness, self._sealing()
            working_set = WorkingSet(self.agency, *keys, self._judge, self.random, self._salts())
            self._at = self.snapshot().read_into(working_set, self.journal.digest_of)
            working_set.memory.fill = self._fill_memory
        before = working_set.records
        for event in self.journal.after(self._at):
            working_set.learn(event)
            self._at = event.at
        if fresh and working_set.records >= before + max(EVERY, before // 8):
            self._keep(working_set)
        self._working_set = working_set
        self._recall_tree(working_set.gateway)

    def _take_up_sealing(self, working_set: WorkingSet) -> None:
        """Hold the sealing keys that are in the folder now, and no others."""
        sealing = working_set.gateway.sealing
        if sealing.keys() != set(self._months()):
            sealing.clear()
            sealing.update(self._sealing())

    def snapshot(self, *, anew: bool = False) -> Snapshot:
        """Return the snapshot file, within a transaction.

        With `anew`, under another salt, so that no earlier copy opens.
        """
        return Snapshot(self.folder / SNAPSHOT, self.signing, self._salt(anew=anew))

    def _salt(self, *, anew: bool = False) -> bytes:
        """Return the salt of everything derived that is kept, within a transaction."""
        stored = self.journal.get("snapshot")
        if stored is None or anew:
            stored = {"salt": base64.encode_url(secrets.token_bytes(SALT_BYTES))}
            self.journal.put("snapshot", stored)
        return base64.decode_url(stored["salt"])

    def _forget_derived(self, *, anew: bool = False) -> None:
        """Forget snapshot and index, within a transaction. With `anew`, no earlier copy opens."""
        self.snapshot(anew=anew).forget()
        self._index().forget()

    def _index(self) -> IndexFile:
        return IndexFile(self.folder / INDEX, self.signing, self._built_with)

    def _fill_memory(self, memory: CaseMemory) -> None:
        """Add to a memory what an earlier program worked out."""
        self._index().read_into(memory, self.journal.digests())

    def keep_memory(self, working_set: WorkingSet) -> None:
        """Write what was worked out of the cases to the index file, if it is worth a write."""
        if len(working_set.memory.unsaved) >= ENOUGH:
            self._index().write(working_set.memory, self.journal.digests())

    def _keep(self, working_set: WorkingSet) -> None:
        digest = self.journal.digest_of(self._at)
        assert digest is not None, "it was read a moment ago"
        self.snapshot().write(working_set, self._at, digest)

    def _salts(self) -> Callable[[int], bytes] | None:
        """Return salts that begin with the canary, in a demonstration that has one."""
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
        """Recall the last tree that this agency saw: the next must have grown out of it."""
        kept = self.journal.get("tree")
        if kept is None or gateway.watch is None:
            return
        if gateway.watch.last is None or gateway.watch.last.size < kept["size"]:
            gateway.watch.last = None
            gateway.watch.advance(kept["note"].encode(), ())

    def append(self, working_set: WorkingSet, kind: str, body: dict[str, Any]) -> Event:
        """Append an event of the gateway's last act, within a transaction.

        Raises `AgencyError` as `check_works_here`; `hidden-character` for such a name of a person.
        """
        refuse_hidden_name(body.get("by"))
        # INVARIANT: nothing is added after a move, so the moved file has everything. A folder that
        # another one took over from only learns what the log says.
        self.check_not_moved()
        if kind not in _LEARNED:
            self.check_works_here(working_set)
        if kind == "noted" and self.before_stating is not None:
            details = {**body.get("facts", {}), **body.get("members", {})}
            self.before_stating(working_set, Stating(None, body["case"], details=details))
        event = self.journal.append(kind, self.clock(), body)
        self._at = event.at
        working_set.note(event)
        return event

    @property
    def moved_at(self) -> int | None:
        """The time when the agency moved from this folder, in seconds since 1970, or None."""
        moved = self.journal.get("moved")
        return None if moved is None else int(moved["time"])

    def check_not_moved(self) -> None:
        """Check that the agency still is in this folder. Raises `AgencyError` `moved`."""
        if self.moved_at is not None:
            raise AgencyError(
                "moved",
                f"`{self.agency}` moved out of `{self.folder}`, which can only be read now",
                fix="work in the folder that `offramp agency restore FOLDER FILE` made",
            )

    @property
    def origin(self) -> Origin | None:
        """The file that this folder was restored from, None if it never was."""
        return read_origin(self.journal)

    def key_elsewhere(self, working_set: WorkingSet) -> str | None:
        """Return the key that shows that the agency works in another folder, None if it doesn't."""
        return key_of_another_folder(working_set.gateway, self.numbered("s"), self.origin)

    @property
    def is_left(self) -> bool:
        """True if the agency works in another folder, so that this one can only be read."""
        return self.moved_at is not None or self.key_elsewhere(self.working_set()) is not None

    def check_works_here(self, working_set: WorkingSet | None = None) -> None:
        """Check that the agency works in this folder, as far as the log is known here.

        Raises `AgencyError` `moved`, `works-elsewhere`.
        """
        self.check_not_moved()
        working_set = working_set or self.working_set()
        kid = self.key_elsewhere(working_set)
        if kid is None:
            return
        if kid in working_set.gateway.history.signing_kids():
            raise AgencyError(
                "works-elsewhere",
                f"`{self.agency}` signs with the key `{kid}` now, which isn't in `{self.folder}`",
                fix="work in the folder that has the key, or restore a backup that has it; without "
                "one, call the other agencies",
            )
        raise AgencyError(
            "works-elsewhere",
            f"another folder of `{self.agency}` took over with the key `{kid}`, so "
            f"`{self.folder}` can only be read",
            fix="work in the other folder, tell anew there what only this one has, and delete this "
            "one; if nobody restored or copied "
            f"this agency, its key is stolen: retire it (`offramp agency retire DIR {kid}`)",
        )

    # Acts of people

    def compose(
        self,
        kind: str,
        parts: Iterable[Part],
        *,
        case: str | None,
        form: Mapping[str, Any] | None = None,
    ) -> Bundle:
        """Compose a record, checked, into the outbox. Raises as `Gateway.compose`."""
        with self.transaction() as working_set:
            return self.compose_in(working_set, kind, tuple(parts), case, form)

    def compose_together(
        self, working_set: WorkingSet, kind: str, records: Iterable[tuple[Part, ...]], case: str
    ) -> tuple[Bundle, ...]:
        """Compose records that the hub commits together, within a transaction.

        Raises as `Gateway.compose`. Then none of them is composed.
        """
        bundles: list[Bundle] = []
        for parts in records:
            batch = bundles[0].id if bundles else None
            bundles.append(self.compose_in(working_set, kind, parts, case, batch=batch))
        return tuple(bundles)

    def compose_in(
        self,
        working_set: WorkingSet,
        kind: str,
        parts: tuple[Part, ...],
        case: str | None,
        form: Mapping[str, Any] | None = None,
        batch: str | None = None,
        jti: str | None = None,
    ) -> Bundle:
        """Compose a record within a transaction. Raises as `Gateway.compose` and the check before.

        `batch` is the id of an earlier record, to be committed together with this one. `jti` is
        the record's own id. Without it, one is drawn.
        """
        if self.before_stating is not None:
            self.before_stating(working_set, Stating(kind, case, parts, form or {}))
        return self._compose_in(working_set, kind, parts, case, form, batch, jti)

    def _compose_in(
        self,
        working_set: WorkingSet,
        kind: str,
        parts: tuple[Part, ...],
        case: str | None,
        form: Mapping[str, Any] | None = None,
        batch: str | None = None,
        jti: str | None = None,
    ) -> Bundle:
        anchor = self.looks.anchor(self.random(16), jti)
        if anchor is not None:
            jti = anchor[0]
        bundle = working_set.gateway.compose(
            kind, parts, case=case, now=self.clock(), jti=jti, form=form
        )
        line = working_set.gateway.line
        body = {
            "kind": kind,
            "case": case,
            "seen": line.size if line else 0,
            "parts": [part_json(part) for part in parts],
            **({"form": dict(form)} if form is not None else {}),
            **({"batch": batch} if batch is not None else {}),
            **({"looks": anchor[1]} if anchor is not None else {}),
            "bundle": bundle_json(bundle),
            "contents": dict(working_set.gateway.contents[bundle.id]),
        }
        self.append(working_set, "composed", body)
        self._sent_here.add(bundle.id)
        return bundle

    def rebuild(self, jti: str) -> str:
        """Compose the same parts under a new id, sealed to the newest keys. Raises as `compose`."""
        with self.transaction() as working_set:
            outgoing = working_set.outbox[jti]
            parts = tuple(read_part(part) for part in outgoing.parts)
            # It was checked when it was composed first.
            bundle = self._compose_in(
                working_set, outgoing.kind, parts, outgoing.case, outgoing.form
            )
            if jti not in self._sent_here:
                self._sent_here.discard(bundle.id)
            self.append(working_set, "replaced", {"jti": jti, "by": bundle.id})
            return bundle.id

    def open(
        self,
        jti: str,
        part: str | None,
        *,
        by: str,
        second: str | None = None,
        is_automatic: bool = False,
    ) -> Reading:
        """Open one part for a named person.

        `is_automatic` is true if the gateway opens it by itself, in that person's name. The
        acknowledgement, which names the obligations, is queued first: a failure to compose it
        keeps the part closed. Raises `AgencyError` `not-here`, `which-part`, `destroyed`; as
        `Gateway.open`. A part that only a legal hold keeps raises `on-hold`.
        """
        refuse_hidden_name(by)
        refuse_hidden_name(second)
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
            self._check_not_only_held(working_set, received.record, chosen)
            already = received.opened.get(chosen)
            reading = working_set.gateway.open(
                issuer, jti, chosen, by=by, now=self.clock(), second=second
            )
            keep = reading.opened.label.keep_until
            back = acknowledgement(received, reading, keep_until=keep)
            # A record about no case obliges nobody to anything, and nor does another's
            # acknowledgement: two agencies would acknowledge each other's for ever.
            kind, case = received.record.kind, received.record.case
            if already is None and case is not None and kind != "acknowledgement":
                self.compose_in(working_set, "acknowledgement", (back,), case, None)
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
                    "automatic": is_automatic,
                },
            )
            return reading

    def _check_not_only_held(self, working_set: WorkingSet, record: Record, part: str) -> None:
        """Check that more than a legal hold keeps a part.

        INVARIANT: a hold preserves a part and opens nothing. Raises `AgencyError` `on-hold`.
        """
        gateway = working_set.gateway
        today = day_of(gateway.hub_time(self.clock()), gateway.history.newest.zone)
        is_over = record.labels[part].keep_until < today.isoformat()
        if is_over and working_set.retention.is_held(record.case):
            raise AgencyError(
                "on-hold",
                f"the time of `{part}` is over, and only a legal hold keeps it",
                fix="ask counsel: a hold preserves a part, and opens nothing",
            )

    def _received(self, working_set: WorkingSet, jti: str) -> Any:
        for (_, received_id), received in working_set.gateway.received.items():
            if received_id == jti:
                return received
        raise AgencyError(
            "not-here", f"no record `{jti}` came here", fix="look at `offramp agency inbox`"
        )

    # Answers of the hub

    def take(self, answer: Inbox, after: int, line: InboxLine | None) -> int:
        """Take an answer to a pull, and return how many items were new.

        `after` is the number of items before it, `line` the hub's newest line at the request.
        Returns 0 where another program pulled meanwhile: a sound answer may then look old.
        """
        with self.transaction() as working_set:
            if working_set.gateway.cursor != after or working_set.gateway.line != line:
                return 0
            taken = working_set.gateway.take(answer, self.clock())
            if answer.items:
                body = {
                    "items": [item.json() for item in answer.items],
                    "line": answer.line.decode(),
                }
                self.append(working_set, "inbox", body)
            else:
                self._refresh_line(working_set, answer.line)
            return len(taken)

    def _refresh_line(self, working_set: WorkingSet, line: bytes) -> None:
        """Note how new the rest is after an answer without items, but not at every poll."""
        last = self.journal.get("line")
        now = self.clock()
        if last is None or not 0 <= now - last["time"] < LINE_EVERY:
            self.append(working_set, "inbox", {"items": [], "line": line.decode()})
            self.journal.put("line", {"time": now})

    def receive(self, jti: str, receipt: Any) -> None:
        """Take the hub's receipt of a record."""
        with self.transaction() as working_set:
            if working_set.outbox[jti].receipt is None:
                working_set.gateway.sent(jti, receipt)
                self.append(working_set, "receipt", {"jti": jti, "receipt": receipt.json()})

    def refused(self, jti: str, status: int, error: Mapping[str, Any]) -> None:
        """Note that the hub refused a record. A person must look at it."""
        with self.transaction() as working_set:
            if working_set.outbox[jti].waits:
                self.append(
                    working_set, "refused", {"jti": jti, "status": status, "error": dict(error)}
                )
                if jti in self._sent_here:
                    self.refused_here.append(jti)

    def retry(self, jti: str) -> None:
        """Queue a refused record again, as it is.

        Raises `AgencyError` `not-here`, `destroyed`.
        """
        with self.transaction() as working_set:
            if jti not in working_set.outbox:
                raise AgencyError(
                    "not-here",
                    f"no record `{jti}` was composed here",
                    fix="look at `offramp agency status`",
                )
            if any(destroyed == jti for _, destroyed, _ in working_set.destroyed):
                raise AgencyError(
                    "destroyed",
                    f"what `{jti}` said was destroyed when its time was up",
                    fix="tell it again, if it still may be told",
                )
            self.append(working_set, "retry", {"jti": jti})
            self._sent_here.add(jti)

    def learn_account(self, account: Account) -> AccountStatement:
        """Verify a case's account, and keep it. Raises as `Gateway.learn_account`."""
        with self.transaction() as working_set:
            statement = working_set.gateway.learn_account(account)
            self.append(working_set, "account", {"account": account.write().decode()})
            return statement

    def broken(self, working_set: WorkingSet, error: ExchangeError) -> None:
        """Note a log that went back or split. It is believed no more, also after a restart."""
        self.append(
            working_set, "broken", {"code": error.code, "message": error.message, "fix": error.fix}
        )

    # Destruction

    @property
    def is_destruction_unfinished(self) -> bool:
        """True if destroyed texts may still be in the write-ahead log, as after a crash."""
        return bool((self.journal.get(_DESTROYING) or {}).get("unfinished"))

    def destroy_events(self, notes: Collection[Event], statements: Collection[Event]) -> None:
        """Destroy the content of notes and of the texts of consents, within a transaction.

        Call `forget_destroyed` after it.
        """
        if not notes and not statements:
            return
        self._begin_destruction()
        for event in notes:
            destroy_note(self.journal, event)
        for event in statements:
            destroy_statement(self.journal, event)

    def destroy_in(self, working_set: WorkingSet, parts: Collection[PartKey]) -> None:
        """Destroy the contents and texts of parts, within a transaction.

        Call `forget_destroyed` after it.
        """
        if not parts:
            return
        self._begin_destruction()
        destroy_parts(self.journal, set(parts))
        for issuer, jti, part in sorted(parts):
            self.append(working_set, "destroyed", {"issuer": issuer, "jti": jti, "part": part})

    def _begin_destruction(self) -> None:
        self._forget_derived(anew=True)
        self.journal.put(_DESTROYING, {"unfinished": True})

    def forget_destroyed(self, destroyed: Collection[object]) -> None:
        """Forget destroyed texts, after the transaction.

        INVARIANT: destroyed texts stay neither in memory nor in the write-ahead log. A program
        that was killed in between, or that another reader kept from emptying the log, leaves a
        mark, and the next daily work goes on.
        """
        if not destroyed and not self.is_destruction_unfinished:
            return
        self._working_set = None
        if self.journal.write_back():
            with self.journal.together():
                self.journal.put(_DESTROYING, {"unfinished": False})


def _only(labels: Mapping[str, Any]) -> str:
    if len(labels) != 1:
        raise AgencyError(
            "which-part",
            f"the record has the parts {', '.join(f'`{label}`' for label in labels)}",
            fix="name one with `--part`",
        )
    return next(iter(labels))
