"""Proposals to change the directory: a draft of the next version, and its changes in words.

A proposal is the whole next document, so that the signers sign what will apply. They read the words
before they sign. The words are made here from both documents and never taken from the proposer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.errors import DirectoryError, shorten
from exchange.membership.directory import (
    AgencyEntry,
    Directory,
    PackReference,
    read_directory,
    write_document,
)
from exchange.models import agency_of

_FIXED_MEMBERS = ("version", "previous", "log")


def draft_next_version(directory: Directory) -> dict[str, Any]:
    """Return the document of the next version, before any change."""
    document = directory.document.model_dump(mode="json", exclude_none=True)
    return {**document, "version": directory.version + 1, "previous": directory.sha256}


def apply_change(directory: Directory, change: Mapping[str, Any]) -> bytes:
    """Return the payload of the next version with a change.

    A change has members as the document has them, and agencies by id. `{"threshold": {"signatures":
    3}, "agencies": {"clinic": {"custody": "hosted"}, "old": None}}` sets two members and removes an
    agency, also from threshold and witnesses. Raises as `write_document`, and `DirectoryError`
    `bad-change`.
    """
    document = draft_next_version(directory)
    for name, value in change.items():
        if name == "agencies" and isinstance(value, Mapping):
            document[name] = list(
                _agencies({entry["id"]: entry for entry in document[name]}, value)
            )
        elif name in _FIXED_MEMBERS or name not in document:
            raise _no_change(f"`{shorten(name)}` can't be changed")
        else:
            document[name] = _changed_member(document[name], value)
    _remove_unlisted(document)
    return write_document(document)


def _changed_member(member: Any, value: Any) -> Any:
    """Return a member with a change. A part that is set to None is left out."""
    if not isinstance(member, dict) or not isinstance(value, Mapping):
        return value
    merged = {**member, **value}
    return {name: part for name, part in merged.items() if part is not None}


def _agencies(listed: Mapping[str, Any], change: Mapping[str, Any]) -> Iterator[Any]:
    for agency in (*listed, *(agency_id for agency_id in change if agency_id not in listed)):
        members = change.get(agency, {})
        if members is not None:
            if not isinstance(members, Mapping):
                raise _no_change(f"the value for `{shorten(agency)}` isn't a set of members")
            yield {**listed.get(agency, {"id": agency}), **members}


def _remove_unlisted(document: dict[str, Any]) -> None:
    """Remove agencies that aren't listed from the threshold and the required witnesses."""
    listed = {entry.get("id") for entry in document["agencies"]}
    for section, member in (("threshold", "of"), ("witnesses", "required")):
        if isinstance(document[section].get(member), list):
            document[section] = {
                **document[section],
                member: [entry for entry in document[section][member] if entry in listed],
            }


def remove_key(directory: Directory, kid: str) -> bytes:
    """Return the payload of the next version without one signing key.

    Raises as `apply_change`, and `DirectoryError` `unknown-key`.
    """
    agency = directory.agencies.get(agency_of(kid))
    if agency is None or kid not in agency.signing:
        raise DirectoryError(
            "unknown-key",
            f"the key `{shorten(kid)}` isn't in force",
            fix="name a key that the directory lists",
        )
    remaining = [key.as_jwk() for signing_kid, key in agency.signing.items() if signing_kid != kid]
    return apply_change(directory, {"agencies": {agency.id: {"signing": remaining}}})


# What it changes, in words


def describe_changes(
    before: Directory | None, payload: bytes, *, reader: str | None = None
) -> tuple[str, ...]:
    """List the changes of a drafted version, a sentence each, for the people of an agency.

    Raises as `read_directory`.
    """
    after = read_directory(payload)
    if before is None:
        listed = ", ".join(
            f"`{entry.id}` ({_words(entry.role)})" for entry in after.agencies.values()
        )
        return (f"the directory begins, with {listed}", *_rules(after))
    return tuple(_differences(before, after, reader))


def _rules(directory: Directory) -> Iterator[str]:
    threshold, witnesses = directory.document.threshold, directory.document.witnesses
    yield f"{threshold.signatures} of {_list(threshold.of)} sign each later version"
    required = _list(witnesses.required)
    yield f"{witnesses.at_least} witnesses cosign the log, {required} always among them"


def _differences(before: Directory, after: Directory, reader: str | None) -> Iterator[str]:
    old, new = before.document, after.document
    entries_before, entries_after = (
        {entry.id: entry for entry in document.agencies} for document in (old, new)
    )
    for agency in sorted(entries_before.keys() | entries_after.keys()):
        yield from _agency(agency, entries_before.get(agency), entries_after.get(agency), reader)
    if (old.pack.id, old.pack.digest) != (new.pack.id, new.pack.digest):
        yield f"the rules: pack {_pack(new.pack)} in place of {_pack(old.pack)}"
    if old.pack.memo != new.pack.memo and new.pack.memo is not None:
        yield f"the memo of the change is {new.pack.memo}"
    if (old.threshold, old.witnesses) != (new.threshold, new.witnesses):
        yield from _rules(after)
    for name in ("program", "zone"):
        if getattr(old, name) != getattr(new, name):
            yield f"the {name} is `{getattr(new, name)}` and was `{getattr(old, name)}`"
    if old.log != new.log:
        yield "THE LOG'S KEY IS ANOTHER"


def _agency(
    agency: str, old: AgencyEntry | None, new: AgencyEntry | None, reader: str | None
) -> Iterator[str]:
    if new is None:
        yield f"`{agency}` is no longer listed"
        return
    if old is None:
        yield (
            f"`{agency}` joins as {_words(new.role)}, 42 CFR part 2: {new.part2}, "
            f"keys held by {_custody(new.custody)}"
        )
        return
    for jwk in old.signing:
        if jwk not in new.signing:
            yield f"the key `{jwk['kid']}` retires: what it signs from then on counts for nothing"
    for jwk in new.signing:
        if jwk not in old.signing:
            check = f"ask `{agency}` by voice whether it is theirs"
            if agency == reader:
                check = "approve it only if your own people made it"
            yield f"the key `{jwk['kid']}` signs for `{agency}` from then on: {check}"
    if old.role != new.role:
        yield f"`{agency}` is {_words(new.role)} and was {_words(old.role)}"
    if old.part2 != new.part2:
        yield f"42 CFR part 2 covers `{agency}`: {new.part2}, and was {old.part2}"
    if old.custody != new.custody:
        yield f"the keys of `{agency}` are held by {_custody(new.custody)}"
    if old.witness != new.witness:
        yield f"`{agency}` cosigns the log with another key"
    if old.name != new.name:
        yield f"`{agency}` is called `{new.name}`"


def _custody(custody: str) -> str:
    return "itself" if custody == "own" else "a host"


def _pack(pack: PackReference) -> str:
    return f"`{pack.id}` ({pack.digest[:19]}…)"


def _words(term: str) -> str:
    return term.replace("_", " ")


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nobody"


def _no_change(why: str) -> DirectoryError:
    return DirectoryError(
        "bad-change", f"the change of the directory is invalid: {why}", fix="see `docs/agency.md`"
    )
