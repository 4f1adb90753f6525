"""Learn the directory, the announced keys, and the log's generations from the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from exchange.errors import LogError
from exchange.log.generation import read_signed as read_signed_generation
from exchange.log.leaves import Leaf, sha256_hex
from exchange.membership.signatures import SignedPayload, read_signed_directory
from exchange.standards import i_json
from offramp.adoption import read_pack_files
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.link import HubLink
from offramp.agency.hub_link.restoration import send_missing
from rules.errors import Refusal
from rules.packs.pack import Pack


def learn_directory(link: HubLink, *, proves: bool = True) -> int:
    """Learn the versions, keys and generations that are new, and return how many there were.

    With `proves`, packs in force that aren't kept here are fetched and proved. A closed hub is sent
    what it may lack. Raises `HubAway`, `HubRefused`; `AgencyError` `not-approved`; `LogError` where
    the log would go on without what is stored here.
    """
    served = link.client.directory()
    members = served.members
    dropped: LogError | None = None
    with link.office.transaction() as working_set:
        known = {leaf.index for leaf in working_set.gateway.members}
        if not known and served.versions:
            _check_approved(working_set, served.versions)
        new = [member for member in members if member[0].index not in known]
        for leaf, member in new:
            dropped = _learn(link, working_set, leaf, member)
            if dropped is not None:
                break
    if dropped is not None:
        raise dropped
    link.restored = send_missing(link) if served.closed and known else None
    if (link.office.journal.get("restored") or {}) != (link.restored or {}):
        with link.office.transaction():
            link.office.journal.put("restored", link.restored or {})
    link.take_up_key()
    if proves:
        _fetch_packs(link)
    return len(new)


def _learn(
    link: HubLink, working_set: WorkingSet, leaf: Leaf, member: Mapping[str, Any]
) -> LogError | None:
    """Learn one entry. Returns the error of a generation that breaks the log."""
    office, gateway = link.office, working_set.gateway
    if "generation" in member:
        try:
            gateway.learn_generation(leaf, read_signed_generation(member["generation"]))
        except LogError as error:
            if error.code not in ("generation-drops", "split-view"):
                raise
            office.broken(working_set, error)
            return error
        body = {"leaf": member["leaf"], "generation": member["generation"]}
        office.append(working_set, "generation", body)
    elif "signed" in member:
        signed = parse_signed(member["signed"])
        gateway.learn_directory(leaf, signed)
        body = {"leaf": member["leaf"], "signed": signed.write().decode()}
        office.append(working_set, "directory", body)
    else:
        gateway.learn_key(leaf, str(member.get("announced")))
        body = {"leaf": member["leaf"], "announced": member["announced"]}
        office.append(working_set, "key", body)
    return None


def _check_approved(working_set: WorkingSet, versions: Sequence[Mapping[str, Any]]) -> None:
    """Believe a first directory because people compared its digest, never since a hub serves it."""
    served = {sha256_hex(parse_signed(version.get("signed")).payload) for version in versions}
    if not served & working_set.approved:
        raise AgencyError(
            "not-approved",
            "nobody here has approved a version of the directory that the hub serves",
            fix="compare its digest by voice, then run `offramp agency approve DIR DIGEST`",
        )


def _fetch_packs(link: HubLink) -> None:
    """Keep the pack of every version, since earlier ones judge earlier records.

    Without its pack nothing passes. What is learned of members and keys counts all the same.
    """
    for digest in sorted(link.office.working_set().gateway.history.packs()):
        if not link.office.keeps(digest):
            with suppress(Refusal):
                fetch_pack(link, digest)


def fetch_pack(link: HubLink, digest: str) -> Pack:
    """Return an adopted or proposed pack, from this folder or the hub, proved here.

    Raises `HubAway`, `HubRefused`; as `Office.keep_pack`, also where the hub gives another pack.
    """
    try:
        return link.office.pack(digest)
    except AgencyError:
        return link.office.keep_pack(read_pack_files(link.client.pack(digest)), digest)


def parse_signed(value: Any) -> SignedPayload:
    """Read a signed directory from its JSON value."""
    return read_signed_directory(i_json.write(value))
