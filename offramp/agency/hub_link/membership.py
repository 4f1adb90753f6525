"""Change the directory: list and sign drafts, propose versions, retire keys, adopt packs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from exchange.log.leaves import sha256_hex
from exchange.membership import proposal
from exchange.membership.directory import MUST_SIGN, Directory, read_directory
from exchange.membership.signatures import read_signing_kid, sign_directory
from exchange.models import agency_of
from offramp.adoption import PackFiles
from offramp.agency.errors import AgencyError
from offramp.agency.hub_link.directory import fetch_pack, learn_directory, parse_signed
from offramp.agency.hub_link.link import HubLink
from offramp.agency.hub_link.memos import check_memo, fetch_memo, names_new_memo
from offramp.agency.hub_link.restoration import sign_generation
from offramp.memo_file import MemoFile
from offramp.pack_trial import examine_pack
from rules.author.difference import differences
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.pack import Pack


@frozen
class PendingDraft:
    """A draft of the directory's next version that waits for signatures.

    `sha256` is its digest, `changes` has a sentence for each change, `signed` the keys that signed.
    `is_mine` is true while this agency's signature is missing. `pack` is the id and the digest of
    the pack that it names. `still_needed` has a sentence for each signature that is missing.
    `memo` has the lines of the memo that the draft names, once it was checked here, and
    `memo_digest` its digest.
    """

    sha256: str
    changes: tuple[str, ...]
    signed: tuple[str, ...]
    is_mine: bool
    pack: tuple[str, str] = ("", "")
    still_needed: tuple[str, ...] = ()
    memo: tuple[str, ...] = ()
    memo_digest: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the draft's JSON in `offramp agency status`."""
        return {
            "sha256": self.sha256,
            "changes": list(self.changes),
            "signed": list(self.signed),
            "yours": self.is_mine,
            "pack": {"id": self.pack[0], "digest": self.pack[1]},
            "still_needed": list(self.still_needed),
            "memo": list(self.memo),
        }


@frozen
class Adoption:
    """A proposed pack: its id and digest, the digest of its draft, a sentence for each change."""

    id: str
    pack: str
    draft: str
    changes: tuple[str, ...]


@frozen
class Retired:
    """A retirement: whether it is in force, the draft that others must sign, the new key's id."""

    at_once: bool
    draft: str | None
    new_key: str | None


def list_drafts(link: HubLink, *, proves: bool) -> tuple[PendingDraft, ...]:
    """Return the drafts that can come into force next, the oldest first.

    With `proves`, a pack that isn't kept here yet is fetched and proved first.
    """
    learn_directory(link, proves=proves)
    office = link.office
    history = office.working_set().gateway.history
    before = history.newest if history.size else None
    drafts = []
    for payload, signatures in link.client.drafts():
        drafted = read_directory(payload)
        if drafted.document.previous != (before.sha256 if before else None):
            continue
        signed = {
            read_signing_kid(signature, payload, before or drafted) for signature in signatures
        }
        signers = before.document.threshold.of if before else tuple(drafted.agencies)
        is_mine = office.agency in signers and office.signing.public.kid not in signed
        memo, rules = _rules(link, before, drafted, proves=proves)
        changes = (*proposal.describe_changes(before, payload, reader=office.agency), *rules)
        drafts.append(
            PendingDraft(
                drafted.sha256,
                changes,
                tuple(sorted(signed)),
                is_mine,
                (drafted.document.pack.id, drafted.pack),
                _still_needed(before, drafted, frozenset(agency_of(kid) for kid in signed)),
                memo,
                drafted.document.pack.memo if names_new_memo(before, drafted) else None,
            )
        )
    return tuple(drafts)


def _still_needed(
    before: Directory | None, drafted: Directory, signers: frozenset[str]
) -> tuple[str, ...]:
    """Say which signatures a draft lacks: of all founders, or of the threshold in force."""
    if before is None:
        founders = sorted(set(drafted.agencies) - signers)
        return (f"every founder must sign: {_listed(founders)} did not yet",) if founders else ()
    threshold = before.document.threshold
    roles = {agency: before.agencies[agency].role for agency in threshold.of}
    needed = [
        f"a {role.replace('_', ' ')} must sign: "
        f"{_listed([agency for agency in threshold.of if roles[agency] == role], ' or ')}"
        for role in MUST_SIGN
        if not any(roles[agency] == role for agency in threshold.of if agency in signers)
    ]
    count = sum(agency in signers for agency in threshold.of)
    if count < threshold.signatures:
        rest = [agency for agency in threshold.of if agency not in signers]
        needed.append(
            f"{count} of the {threshold.signatures} signatures are there, and these may sign: "
            f"{_listed(rest)}"
        )
    return tuple(needed)


def _listed(agencies: Sequence[str], joined: str = ", ") -> str:
    return joined.join(f"`{agency}`" for agency in agencies)


def _rules(
    link: HubLink, before: Directory | None, drafted: Directory, *, proves: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the memo of what a draft's pack changes, or else a sentence for each change.

    A memo that isn't of the two packs is no memo: a sentence says so, and each change follows.
    """
    if before is None or before.pack == drafted.pack:
        return (), ()
    if not proves and not link.office.keeps(drafted.pack):
        return (), (
            "the rules change. This machine has not proved the new pack yet: "
            "`offramp agency approve DIR 0` does, and then this list says what changes",
        )
    warning: tuple[str, ...] = ()
    if names_new_memo(before, drafted):
        try:
            return fetch_memo(link, before, drafted, is_whole=proves).lines(), ()
        except Refusal as refusal:
            warning = (
                f"THE MEMO CAN'T BE RELIED ON, and no agency can sign this: {refusal.message}",
            )
    changes = differences(fetch_pack(link, before.pack), fetch_pack(link, drafted.pack))
    return (), (*warning, *(str(change) for change in changes))


def approve_draft(link: HubLink, digest: str, without: Sequence[str] = ()) -> str:
    """Sign the draft of this digest, and trust a directory that contains it.

    Returns `signed`, `trusted` where the version is in force already, or for a closed hub `begun`.
    While a restored hub is closed, the draft is of how its log goes on. Raises `AgencyError`
    `no-draft`, `another-draft`, `not-listed`, `no-rules-today`; as `sign_generation`.
    """
    if link.client.directory().closed:
        learn_directory(link)
        return sign_generation(link, link.client.generation(), digest, without)
    payloads = {sha256_hex(payload): payload for payload, _ in link.client.drafts()}
    if digest not in payloads:
        if _is_in_force(link, digest):
            _trust(link, digest)
            return "trusted"
        raise _no_such_draft(tuple(payloads))
    payload = payloads[digest]
    history = link.office.working_set().gateway.history
    _check_listed(link, history.newest if history.size else read_directory(payload))
    if history.size:
        # No agency signs for rules that weren't read and proved here, nor under a memo of others.
        drafted = read_directory(payload)
        pack = fetch_pack(link, drafted.pack)
        if drafted.pack != history.newest.pack:
            _check_runs(link, pack)
        if names_new_memo(history.newest, drafted):
            fetch_memo(link, history.newest, drafted, is_whole=True)
    _trust(link, digest)
    link.client.sign_draft(digest, sign_directory(payload, link.office.signing))
    return "signed"


def _check_runs(link: HubLink, pack: Pack) -> None:
    """Check that a pack has rules today: it is in force from the moment when all have signed.

    Raises `AgencyError` `no-rules-today`.
    """
    today = datetime.fromtimestamp(link.office.clock(), ZoneInfo(pack.time_zone)).date()
    since, until = pack.program.since, pack.program.until
    if since is not None and today < since:
        raise AgencyError(
            "no-rules-today",
            f"`{pack.id}` has no rules before {since}, so until then nobody could get an offer",
            fix="adopt it on that day, or give it the rules of today too",
        )
    if until is not None and today >= until:
        raise AgencyError(
            "no-rules-today",
            f"the last day of `{pack.id}` was {until - timedelta(days=1)}, so nobody could get an "
            "offer",
            fix="adopt a program that runs today",
        )


def _is_in_force(link: HubLink, digest: str) -> bool:
    versions = link.client.directory().versions
    return digest in {
        sha256_hex(parse_signed(version.get("signed")).payload) for version in versions
    }


def _trust(link: HubLink, digest: str) -> None:
    with link.office.transaction() as working_set:
        link.office.append(working_set, "approved", {"sha256": digest})


def _no_such_draft(digests: tuple[str, ...]) -> AgencyError:
    if not digests:
        return AgencyError(
            "no-draft", "no version of the directory is being drafted", fix="propose one"
        )
    drafted = " or ".join(f"`{digest}`" for digest in digests)
    return AgencyError(
        "another-draft",
        f"the draft has the digest {drafted}",
        fix="compare it with the others again",
    )


def _check_listed(link: HubLink, directory: Directory) -> None:
    agency, own_key = link.office.agency, link.office.signing.public
    entry = directory.agencies.get(agency)
    if entry is None or own_key.kid not in entry.signing:
        raise AgencyError(
            "not-listed", f"the draft doesn't list the key of `{agency}`", fix="join first"
        )
    if entry.signing[own_key.kid].thumbprint != own_key.thumbprint:
        raise AgencyError(
            "not-listed",
            f"the draft lists another key as `{agency}`'s",
            fix="tell the others",
        )


def propose(link: HubLink, payload: bytes) -> str:
    """Propose a next version and sign it. Returns its digest.

    Raises as `approve_draft`, `Office.check_works_here`.
    """
    link.office.check_works_here()
    link.client.propose(payload)
    digest = sha256_hex(payload)
    approve_draft(link, digest)
    learn_directory(link)
    return digest


def adopt_pack(link: HubLink, files: PackFiles, memo: MemoFile | None = None) -> Adoption:
    """Propose that the program adopt a pack and its time zone, and sign.

    With a memo of the change, its digest is part of what is signed. Raises `PackError` where the
    pack can't be proved, `AgencyError` `adopted`, and as `propose`, `check_memo`.
    """
    learn_directory(link)
    newest = link.office.working_set().gateway.history.newest
    digest = examine_pack(files)
    pack = files.pack()
    if digest == newest.pack:
        raise AgencyError(
            "adopted",
            f"the pack `{digest[:20]}…` is in force already",
            fix="change the pack first",
        )
    _check_runs(link, pack)
    before = fetch_pack(link, newest.pack)
    if memo is not None:
        check_memo(link, memo, newest.pack, (digest, files))
    changes = differences(before, pack)
    link.client.send_pack(files.write())
    link.office.keep_pack(files, digest)
    if memo is not None:
        link.client.send_memo(memo.text)
    # None leaves the memo of an earlier change out.
    reference = {"id": pack.id, "digest": digest, "memo": memo.digest if memo else None}
    change = {"pack": reference, "zone": pack.time_zone}
    draft = propose(link, proposal.apply_change(newest, change))
    return Adoption(pack.id, digest, draft, tuple(str(change) for change in changes))


def retire(link: HubLink, subject: str) -> Retired:
    """Retire a signing key, or propose that an agency leaves.

    A key of this agency retires at once, by its own signature alone. If it was the last, a new one
    is made and proposed to the threshold. Anything else is a draft for the threshold. Raises
    `AgencyError` `no-key-file` where the key must sign and isn't here; `DirectoryError`
    `unknown-key`, `bad-directory`.
    """
    learn_directory(link)
    office = link.office
    newest = office.working_set().gateway.history.newest
    if subject in newest.agencies:
        payload = proposal.apply_change(newest, {"agencies": {subject: None}})
        return Retired(False, propose(link, payload), None)
    payload = proposal.remove_key(newest, subject)
    if agency_of(subject) != office.agency:
        return Retired(False, propose(link, payload), None)
    retiring = office.keys.signing(subject)
    draft = new_key = None
    link.client.propose(payload)
    without = read_directory(payload)
    if not without.agencies[office.agency].signing:
        # The new key must be on the disk before others list it, and be proposed while the old one
        # still signs requests.
        new_key, following = _add_key(link, without)
        link.client.propose(following)
        draft = sha256_hex(following)
    link.client.sign_draft(sha256_hex(payload), sign_directory(payload, retiring))
    learn_directory(link)
    return Retired(True, draft, new_key)


def make_spare_key(link: HubLink) -> tuple[str, str]:
    """Make one more signing key and propose it. Returns the key's id and the draft's digest.

    Raises `AgencyError` `not-listed`; `DirectoryError` `no-directory`; as `propose`.
    """
    learn_directory(link)
    newest = link.office.working_set().gateway.history.newest
    if link.office.agency not in newest.agencies:
        raise AgencyError(
            "not-listed", f"the directory doesn't list `{link.office.agency}`", fix="join first"
        )
    key, payload = _add_key(link, newest)
    return key, propose(link, payload)


def _add_key(link: HubLink, directory: Directory) -> tuple[str, bytes]:
    """Make a signing key on the disk. Returns its id and the payload that lists it."""
    agency = link.office.agency
    kid = f"{agency}.s{int(link.office.numbered('s')[-1].rpartition('s')[2]) + 1}"
    new_key = link.office.keys.make_signing(kid).public.as_jwk()
    keys = [key.as_jwk() for key in directory.agencies[agency].signing.values()]
    change = {"agencies": {agency: {"signing": [*keys, new_key]}}}
    return kid, proposal.apply_change(directory, change)
