"""Change the directory: join, compare and sign drafts, retire keys, adopt a pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from exchange.errors import ExchangeError, shorten
from exchange.membership import proposal
from exchange.membership.directory import MUST_SIGN
from exchange.models import agency_of
from exchange.standards.notes import COSIGNATURE, derive_note_key
from offramp.adoption import PackFiles
from offramp.agency.errors import AgencyError, HubAway
from offramp.agency.folder.office import Office
from offramp.agency.folder.settings import write_settings
from offramp.agency.hub_link import membership as directory_changes
from offramp.agency.hub_link.client import Client, Http, short_patience
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.key_rotation import replace_sealing_key
from offramp.agency.hub_link.link import HubLink, link_of
from offramp.agency.hub_link.membership import PendingDraft
from offramp.agency.operations.access import ADMIN, needs
from offramp.digest_words import digest_words
from offramp.invitation_code import check_code_form
from offramp.memo_file import MemoFile
from rules.frozen import frozen

# Each word of the list differs in its first four letters.
_LETTERS = 4


@frozen
class JoinRequest:
    """A request to be listed in the directory of the hub at this URL."""

    hub: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency join`."""
        return {"joined": self.hub}


@frozen
class Approval:
    """A signature under a draft. `result` is `signed`, `trusted` or `begun`.

    `digest` is the draft's SHA-256 in hexadecimal, `changes` a sentence for each change. `draft` is
    its state after this signature, None if it is in force or isn't a draft of the directory. `memo`
    is the digest of the memo that is signed with it.
    """

    digest: str
    result: str
    changes: tuple[str, ...]
    pack: tuple[str, str] | None = None
    draft: PendingDraft | None = None
    memo: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The memo's digest as people read it to each other by telephone."""
        return digest_words(self.memo) if self.memo is not None else ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency approve`."""
        return {
            "digest": self.digest,
            "did": self.result,
            "changes": list(self.changes),
            "pack": {"id": self.pack[0], "digest": self.pack[1]} if self.pack else None,
            "still_needed": list(self.draft.still_needed) if self.draft else [],
            "memo": self.memo,
            "words": list(self.words),
        }


@frozen
class Retirement:
    """The retirement of a key or an agency.

    `at_once` is true where it is in force already. `draft` is the digest that others must sign,
    `new_key` the id of the key that replaces an agency's last. `opens_parts` is true for a sealing
    key.
    """

    agency: str
    retired: str
    at_once: bool
    draft: str | None
    new_key: str | None
    opens_parts: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency retire`."""
        return {
            "retired": self.retired,
            "at_once": self.at_once,
            "draft": self.draft,
            "new_key": self.new_key,
        }


@frozen
class SpareKey:
    """A new signing key, and the digest of the draft that lists it."""

    key: str
    draft: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency spare`."""
        return {"new_key": self.key, "draft": self.draft}


@frozen
class Proposal:
    """The digest of a proposed draft, and a sentence for each of its changes."""

    draft: str
    changes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency propose`."""
        return {"draft": self.draft, "changes": list(self.changes)}


@frozen
class PackProposal:
    """A proposed pack: its id, its digest, the draft that names it, and what it changes.

    `memo` is the digest of the memo that is signed with it, None without one.
    """

    id: str
    pack: str
    draft: str
    changes: tuple[str, ...]
    memo: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency adopt`."""
        return {
            "id": self.id,
            "pack": self.pack,
            "draft": self.draft,
            "changes": list(self.changes),
            "memo": self.memo,
        }


@needs(ADMIN, look="act")
def join_hub(
    office: Office,
    url: str,
    code: str,
    *,
    part2: Literal["yes", "no", "unknown"] = "unknown",
    custody: Literal["own", "hosted"] = "own",
) -> JoinRequest:
    """Ask a hub to list this agency, and remember the hub.

    `code` is the operator's invitation. `part2` states whether 42 CFR Part 2 covers the agency,
    `custody` whether it holds its own keys. The same request can be repeated. Raises `HubAway`,
    `HubRefused`; `AgencyError` `bad-url`, `no-room`;
    `RequestError` `wrong-code` for a code that isn't whole.
    """
    check_code_form(code)
    client = Client(Http(url), office.signing, office.clock, office.random, office.hub_name)
    witness = f"{office.agency}.w1"
    request = {
        "code": code,
        "agency": office.agency,
        "part2": part2,
        "custody": custody,
        "signing": office.signing.public.as_jwk(),
        "witness": derive_note_key(office.witness, witness, COSIGNATURE).vkey,
    }
    try:
        client.join(request)
    except HubAway as away:
        # The hub may have listed it all the same. It takes the same request again.
        raise HubAway(
            "hub-away",
            f"`{office.agency}` has not joined: {away.message}",
            fix=f"see if `{shorten(url)}` is the hub's address, and try again when the hub runs; "
            "nothing changed here, and the code stays valid",
        ) from None
    office.settings = office.settings.model_copy(update={"hub": url})
    write_settings(office.folder, office.settings)
    return JoinRequest(url)


@needs(ADMIN)
def list_drafts(office: Office) -> tuple[PendingDraft, ...]:
    """Return the drafts that wait for signatures, the oldest first.

    Empty where the agency has joined no hub or the hub doesn't answer within three seconds.
    """
    return _pending_drafts(link_of(office)) if office.settings.hub else ()


def _pending_drafts(link: HubLink, *, proves: bool = False) -> tuple[PendingDraft, ...]:
    with suppress(ExchangeError), short_patience(link.client):
        return directory_changes.list_drafts(link, proves=proves)
    return ()


@needs(ADMIN, look="act")
def approve_draft(office: Office, digest: str, *, without: Sequence[str] = ()) -> Approval:
    """Sign the draft of this digest, which people compared by voice.

    While a restored hub is closed, the draft is of how its log continues, and `without` names the
    agencies that the signers give up waiting for. Raises `HubAway`, `HubRefused`; `AgencyError`
    `not-joined`, `no-draft`, `another-draft`, `not-listed`, `nothing-to-sign`, `not-heard`.
    """
    link = link_of(office)
    drafts = _pending_drafts(link, proves=True)
    draft = next((draft for draft in drafts if draft.sha256 == digest), None)
    result = directory_changes.approve_draft(link, digest, without)
    if draft is None:
        return Approval(digest, result, ())
    now = (each for each in _pending_drafts(link, proves=False) if each.sha256 == digest)
    return Approval(digest, result, draft.changes, draft.pack, next(now, None), draft.memo_digest)


@needs(ADMIN, look="act")
def approve_by_words(office: Office, digest: str, heard: str) -> Approval:
    """Sign the draft of a digest, if the eight words that another agency reads are its words.

    The first four letters of a word are enough. Raises `AgencyError` `words-differ`; as
    `approve_draft`.
    """
    own = [spoken[:_LETTERS] for spoken in digest_words(digest)]
    typed = [spoken[:_LETTERS] for spoken in _words_in(heard)]
    if typed != own:
        callers = ", ".join(f"`{name}`" for name in agencies_to_call(office))
        raise AgencyError(
            "words-differ",
            "the words that you typed aren't those of this draft, and nothing was signed",
            fix=f"don't sign; call {callers or 'the other agencies'}, and compare again",
        )
    return approve_draft(office, digest)


def agencies_to_call(office: Office) -> tuple[str, ...]:
    """Return the names of the agencies to call first: the defenders and treatment providers.

    One of each must sign every version, since the directory could be turned against their clients.
    """
    history = office.working_set().gateway.history
    if not history.size:
        return ()
    return tuple(
        agency.name
        for agency in history.newest.agencies.values()
        if agency.role in MUST_SIGN and agency.id != office.agency
    )


def _words_in(text: str) -> list[str]:
    return "".join(sign if sign.isalpha() else " " for sign in text.lower()).split()


@frozen
class DirectoryView:
    """The directory in force, and the drafts of the next version.

    `version` is None before the first. `to_call` are the names of the agencies to call if a draft
    is doubtful. `is_closed` is true while a restored hub waits: then the command approves.
    """

    version: int | None
    agencies: tuple[tuple[str, str], ...]
    drafts: tuple[tuple[PendingDraft, tuple[str, ...]], ...]
    to_call: tuple[str, ...]
    is_closed: bool


@needs(ADMIN, look="list")
def read_directory_drafts(office: Office) -> DirectoryView:
    """Return the directory in force, and each draft with the eight words of its digest.

    A pack that a draft names is fetched and proved first, so that its changes can be read.
    """
    history = office.working_set().gateway.history
    drafts = _pending_drafts(link_of(office), proves=True) if office.settings.hub else ()
    agencies = history.newest.agencies.values() if history.size else ()
    return DirectoryView(
        history.newest.version if history.size else None,
        tuple((agency.name, agency.role) for agency in agencies),
        tuple((draft, digest_words(draft.sha256)) for draft in drafts),
        agencies_to_call(office),
        bool(office.journal.get("restored")),
    )


@frozen
class OwnKey:
    """A key of this agency. `opens_parts` is true for a sealing key, false for a signing key."""

    id: str
    opens_parts: bool


@needs(ADMIN, look="list")
def list_own_keys(office: Office) -> tuple[OwnKey, ...]:
    """List this agency's keys in force: those that sign, and the newest that opens parts."""
    history = office.working_set().gateway.history
    if not history.size or office.agency not in history.newest.agencies:
        return ()
    signing = history.newest.agencies[office.agency].signing
    sealing = history.membership_at(2**53 - 1).sealing.get(office.agency, ())
    return (
        *(OwnKey(kid, False) for kid in sorted(signing)),
        *(OwnKey(key.kid, True) for key in sealing),
    )


@needs(ADMIN, look="list")
def hub_folder(office: Office) -> Path | None:
    """Return the folder of the hub, where this agency's account runs it too. None elsewhere."""
    folder = office.settings.hub_folder
    return Path(folder) if folder is not None else None


@needs(ADMIN)
def hub_of(office: Office) -> str | None:
    """Return the address of the hub that this agency asked to be listed, None before that."""
    return office.settings.hub


@needs(ADMIN, look="act")
def open_invitations(office: Office) -> Path:
    """Return the folder of the hub for a change of its invitations, which is a look.

    Raises `AgencyError` `no-hub-folder`.
    """
    folder = hub_folder(office)
    if folder is None:
        raise AgencyError(
            "no-hub-folder",
            "this machine runs no hub for this agency",
            fix="ask the hub's operator for an invitation",
        )
    return folder


@needs(ADMIN, look="act")
def retire(office: Office, subject: str) -> Retirement:
    """Retire a key, or propose that an agency leaves. `subject` is the id of either.

    An agency's own key retires at once, and a new sealing key replaces a sealing key. Anything else
    is a draft for the threshold. Raises `HubAway`, `HubRefused`; `AgencyError` `not-joined`,
    `no-key-file`, `not-own-key`; `DirectoryError` `unknown-key`, `bad-directory`.
    """
    if subject in office.working_set().gateway.history.sealing_kids():
        return _retire_sealing_key(office, subject)
    done = directory_changes.retire(link_of(office), subject)
    return Retirement(office.agency, subject, done.at_once, done.draft, done.new_key)


def _retire_sealing_key(office: Office, kid: str) -> Retirement:
    if agency_of(kid) != office.agency:
        raise AgencyError(
            "not-own-key",
            f"`{kid}` is a sealing key of `{agency_of(kid)}`, which alone can replace it",
            fix=f"tell `{agency_of(kid)}` by phone",
        )
    new_key = replace_sealing_key(link_of(office), kid)
    return Retirement(office.agency, kid, True, None, new_key, opens_parts=True)


@needs(ADMIN, look="act")
def make_spare_key(office: Office) -> SpareKey:
    """Make one more signing key and propose it, so that another can retire.

    Raises `HubAway`, `HubRefused`; `AgencyError` `not-joined`, `not-listed`; `DirectoryError`
    `no-directory`.
    """
    return SpareKey(*directory_changes.make_spare_key(link_of(office)))


@needs(ADMIN, look="act")
def propose_change(office: Office, change: Mapping[str, Any]) -> Proposal:
    """Propose a change of the directory, and sign it. `change` has the members that change.

    Raises `HubAway`, `HubRefused`; `AgencyError` `not-joined`, `no-directory`, `not-a-change`;
    `DirectoryError` `bad-directory`.
    """
    link = link_of(office)
    learn_directory(link)
    history = office.working_set().gateway.history
    if not history.size:
        raise AgencyError(
            "no-directory",
            "this agency knows no directory yet",
            fix="let its gateway run. The first one is in force when all founders have approved it",
        )
    payload = proposal.apply_change(history.newest, change)
    changes = proposal.describe_changes(history.newest, payload, reader=office.agency)
    if not changes:
        raise AgencyError("not-a-change", "this changes nothing", fix="name a member that changes")
    return Proposal(directory_changes.propose(link, payload), changes)


@needs(ADMIN, look="act")
def adopt_pack(office: Office, pack: PackFiles, memo: MemoFile | None = None) -> PackProposal:
    """Propose that the program adopt a pack, and sign. See `offramp.adoption.collect_pack`.

    With a memo of the change, its digest is part of what is signed, and the others read it before
    they sign. Raises `HubAway`, `HubRefused`; `AgencyError` `not-joined`, `adopted`,
    `memo-not-true`; `RequestError` as `MemoFile.check_belongs`; `PackError` where the pack can't be
    proved.
    """
    done = directory_changes.adopt_pack(link_of(office), pack, memo)
    digest = memo.digest if memo is not None else None
    return PackProposal(done.id, done.pack, done.draft, done.changes, digest)
