"""What people do about the directory: look at what is drafted, sign it, retire keys, propose changes. Words and JSON of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError
from exchange.membership import proposal
from exchange.standards import i_json
from offramp.agency.errors import AgencyError
from offramp.agency.hub_link.sync import Sync, Waiting

Answer = tuple[Any, list[str]]
# Whoever looks at what is here doesn't wait long for a hub that is away.
SHORT_PATIENCE = 3.0


def waiting(sync: Sync) -> tuple[Waiting, ...]:
    """The drafts that wait, as far as the hub can be asked. A hub that is away has none to show."""
    before, sync.client.patience = sync.client.patience, SHORT_PATIENCE
    try:
        with suppress(ExchangeError):
            return sync.waiting()
        return ()
    finally:
        sync.client.patience = before


def lines(one: Waiting) -> list[str]:
    """A draft in words: its digest, what it changes, who signed."""
    whose = "waits for your signature" if one.mine else "waits for others"
    signed = f"; signed with {', '.join(one.signed)}" if one.signed else ""
    return [f"draft {one.sha256} {whose}{signed}", *(f"  {change}" for change in one.changes)]


def as_json(one: Waiting) -> dict[str, Any]:
    return {
        "sha256": one.sha256,
        "changes": list(one.changes),
        "signed": list(one.signed),
        "yours": one.mine,
    }


def approve(sync: Sync, digest: str, without: Sequence[str] = ()) -> Answer:
    """Signs the draft of a digest, and says what was signed. Raises as `Sync.approve`."""
    said = next((one for one in waiting(sync) if one.sha256 == digest), None)
    done = sync.approve(digest, without)
    changes = list(said.changes) if said else []
    return {"digest": digest, "did": done, "changes": changes}, [
        f"{done} `{digest}`",
        *(f"  {one}" for one in changes),
    ]


def retire(sync: Sync, named: str) -> Answer:
    """Retires a key, or proposes it. Raises as `Sync.retire`."""
    done = sync.retire(named)
    value = {"retired": named, "at_once": done.at_once, "draft": done.draft, "new_key": done.new}
    said = []
    if done.at_once:
        said.append(
            f"`{named}` is retired: nothing that it signs from now on counts, and all it signed before stays good"
        )
    if done.new:
        said.append(
            f"`{done.new}` takes its place when enough have signed; until then `{sync.office.agency}` can send nothing"
        )
    if done.draft:
        said.append(f"have the others compare and approve `{done.draft}`")
    return value, said


def spare(sync: Sync) -> Answer:
    """Makes one more signing key and proposes it. Raises as `Sync.propose`."""
    done = sync.spare()
    return {"new_key": done.new, "draft": done.draft}, [
        f"made `{done.new}`; have the others compare and approve `{done.draft}`",
        f"then keep its file, `keys/{done.new}.json`, in another place: whoever steals this folder must not have both",
    ]


def adopt(sync: Sync, name: str) -> Answer:
    """Proposes a pack and signs. Raises as `Sync.adopt`."""
    done = sync.adopt(name)
    value = {"id": done.id, "pack": done.pack, "draft": done.draft, "changes": list(done.changes)}
    return value, [
        f"proposed and signed `{done.draft}`: the pack `{done.id}` ({done.pack})",
        *(f"  {one}" for one in done.changes),
        "it is in force when enough have approved that draft, and for what stands in the log after it",
    ]


def propose(sync: Sync, path: Path) -> Answer:
    """Proposes the change in a JSON file. Raises `AgencyError` `not-a-change`; as `proposal.changed` and `Sync.propose`."""
    try:
        change = i_json.read_object(path.read_bytes())
    except (OSError, ExchangeError) as error:
        why = error.message if isinstance(error, ExchangeError) else error.strerror
        raise AgencyError(
            "not-a-change", f"`{path}` can't be read: {why}", fix="write the change as JSON"
        ) from None
    sync.directory()
    history = sync.office.working_set().gateway.history
    if not history.size:
        raise AgencyError(
            "no-directory",
            "no directory is in force yet",
            fix="have all founders approve the draft",
        )
    payload = proposal.apply_change(history.newest, change)
    said = proposal.describe_changes(history.newest, payload)
    if not said:
        raise AgencyError(
            "not-a-change", f"`{path}` changes nothing", fix="write the change as JSON"
        )
    digest = sync.propose(payload)
    return {"draft": digest, "changes": list(said)}, [
        f"proposed and signed `{digest}`",
        *(f"  {one}" for one in said),
    ]
