"""Changing the directory: the next version as somebody proposes it, and what it changes, in words.

A proposal is the whole next document, so that what is signed is what will hold. Whoever is asked to sign reads the words, which
are made here from both documents and never taken from whoever proposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.errors import DirectoryError, shorten
from exchange.membership.directory import AgencyEntry, Directory, read_directory, write_document
from exchange.models import agency_of

_TOGETHER = ("version", "previous", "log")


def draft_next_version(directory: Directory) -> dict[str, Any]:
    """The document of the next version, before anything is changed."""
    document = directory.document.model_dump(mode="json", exclude_none=True)
    return {**document, "version": directory.version + 1, "previous": directory.sha256}


def apply_change(directory: Directory, change: Mapping[str, Any]) -> bytes:
    """The payload of the next version with a change: members as the document has them, agencies by id.

    `{"threshold": {"signatures": 3}, "agencies": {"clinic": {"custody": "hosted"}, "old": None}}` sets two members and takes an
    agency out, also of threshold and witnesses. Raises as `write_document`; `DirectoryError` `bad-change`.
    """
    document = draft_next_version(directory)
    for name, value in change.items():
        if name == "agencies" and isinstance(value, Mapping):
            document[name] = list(_agencies({one["id"]: one for one in document[name]}, value))
        elif name in _TOGETHER or name not in document:
            raise _no_change(f"`{shorten(name)}` is nothing that a change can set")
        else:
            held = document[name]
            document[name] = (
                {**held, **value}
                if isinstance(held, dict) and isinstance(value, Mapping)
                else value
            )
    _leave(document)
    return write_document(document)


def _agencies(listed: Mapping[str, Any], change: Mapping[str, Any]) -> Iterator[Any]:
    for agency in (*listed, *(one for one in change if one not in listed)):
        said = change.get(agency, {})
        if said is not None:
            if not isinstance(said, Mapping):
                raise _no_change(f"what is said of `{shorten(agency)}` is no list of members")
            yield {**listed.get(agency, {"id": agency}), **said}


def _leave(document: dict[str, Any]) -> None:
    """Who isn't listed signs and witnesses no more."""
    listed = {one.get("id") for one in document["agencies"]}
    for where, what in (("threshold", "of"), ("witnesses", "required")):
        if isinstance(document[where].get(what), list):
            document[where] = {
                **document[where],
                what: [one for one in document[where][what] if one in listed],
            }


def remove_key(directory: Directory, kid: str) -> bytes:
    """The payload of the next version without one signing key. Raises as `changed`, and `DirectoryError` `unknown-key`."""
    agency = directory.agencies.get(agency_of(kid))
    if agency is None or kid not in agency.signing:
        raise DirectoryError(
            "unknown-key",
            f"the key `{shorten(kid)}` isn't in force",
            fix="name a key that the directory lists",
        )
    left = [key.as_jwk() for one, key in agency.signing.items() if one != kid]
    return apply_change(directory, {"agencies": {agency.id: {"signing": left}}})


# What it changes, in words


def describe_changes(before: Directory | None, payload: bytes) -> tuple[str, ...]:
    """What a drafted version changes, a sentence each. Raises as `read_directory`."""
    after = read_directory(payload)
    if before is None:
        listed = ", ".join(f"`{one.id}` ({_words(one.role)})" for one in after.agencies.values())
        return (f"the directory begins, with {listed}", *_rules(after))
    return tuple(_differences(before, after))


def _rules(directory: Directory) -> Iterator[str]:
    threshold, witnesses = directory.document.threshold, directory.document.witnesses
    yield f"{threshold.signatures} of {_list(threshold.of)} sign each later version"
    yield f"{witnesses.at_least} witnesses cosign the log, {_list(witnesses.required)} always among them"


def _differences(before: Directory, after: Directory) -> Iterator[str]:
    old, new = before.document, after.document
    held, now = ({one.id: one for one in each.agencies} for each in (old, new))
    for agency in sorted(held.keys() | now.keys()):
        yield from _agency(agency, held.get(agency), now.get(agency))
    if old.pack != new.pack:
        yield f"the rules: pack `{new.pack.id}` ({new.pack.digest[:19]}…) in place of `{old.pack.id}` ({old.pack.digest[:19]}…)"
    if (old.threshold, old.witnesses) != (new.threshold, new.witnesses):
        yield from _rules(after)
    for name in ("program", "zone"):
        if getattr(old, name) != getattr(new, name):
            yield f"the {name} is `{getattr(new, name)}` and was `{getattr(old, name)}`"
    if old.log != new.log:
        yield "THE LOG'S KEY IS ANOTHER"


def _agency(agency: str, old: AgencyEntry | None, new: AgencyEntry | None) -> Iterator[str]:
    if new is None:
        yield f"`{agency}` is no longer listed"
        return
    if old is None:
        yield f"`{agency}` joins as {_words(new.role)}, 42 CFR part 2: {new.part2}, keys held by {_custody(new.custody)}"
        return
    for jwk in old.signing:
        if jwk not in new.signing:
            yield f"the key `{jwk['kid']}` retires: what it signs from then on counts for nothing"
    for jwk in new.signing:
        if jwk not in old.signing:
            yield f"the key `{jwk['kid']}` signs for `{agency}` from then on: ask `{agency}` by voice whether it is theirs"
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
    return "itself" if custody == "own" else "somebody who hosts it"


def _words(word: str) -> str:
    return word.replace("_", " ")


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{one}`" for one in names) or "nobody"


def _no_change(why: str) -> DirectoryError:
    return DirectoryError(
        "bad-change", f"this is no change of a directory: {why}", fix="see the page on agencies"
    )
