"""`offramp verify`: what an exhibit, an account or a receipt proves, in words for counsel or a judge. Offline."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exchange.consent.accounting import Row
from exchange.errors import ExchangeError
from exchange.evidence.documents import (
    LARGEST,
    DecisionExhibit,
    ProvedAccount,
    ProvedReceipt,
    read_any,
)
from exchange.evidence.findings import (
    AccountFindings,
    DecisionFindings,
    Findings,
    Ground,
    Logged,
    ProvedRecord,
    ReceiptFindings,
    ShownPart,
    Signer,
)
from exchange.evidence.verify import (
    verify_decision,
    verify_exhibit,
    verify_proved_account,
    verify_receipt,
)
from rules.errors import Refusal, RequestError
from rules.input.facts import printable

Found = Findings | DecisionFindings | ReceiptFindings | AccountFindings


def verify(options: argparse.Namespace) -> int:
    """Runs the command. 0 proved, 1 not what it claims to be; raises `Refusal` for what can't be read."""
    root = fingerprint(options.root)
    evidence = read_any(read_file(options.file))
    try:
        if isinstance(evidence, ProvedReceipt):
            found: Found = verify_receipt(evidence, root)
        elif isinstance(evidence, ProvedAccount):
            found = verify_proved_account(evidence, root)
        elif isinstance(evidence, DecisionExhibit):
            found = verify_decision(evidence, root)
        else:
            found = verify_exhibit(evidence, root)
    except ExchangeError as error:
        wrong(error, as_json=options.json)
        return 1
    if options.json:
        print(
            json.dumps(
                {"verified": root is not None, "holds_together": True, "found": _json(found)}
            )
        )
    else:
        for line in said(found, root is not None):
            # What stands in a record was written by somebody else: it can't move the cursor or hide a line.
            print(printable(line))
    return 0


def fingerprint(text: str | None) -> str | None:
    """A fingerprint as people read it out: groups and capitals don't matter. Raises `RequestError` `usage`."""
    if text is None:
        return None
    plain = "".join(letter for letter in text if letter not in " -:").lower()
    if len(plain) != 64 or not set(plain) <= set("0123456789abcdef"):
        raise RequestError(
            "usage",
            "`--root` is no fingerprint of 64 hex digits",
            fix="ask a founding agency for it",
        )
    return plain


def read_file(name: str) -> bytes:
    """The bytes of a file, or of standard input for `-`. Raises `RequestError` `no-file`."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(name).open("rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it can't be read").lower()
        raise RequestError(
            "no-file", f"`{printable(name)}` can't be read: {reason}", fix="check the path"
        ) from None


def wrong(error: Refusal, *, as_json: bool) -> None:
    """Says that a file isn't what it claims to be, and why."""
    if as_json:
        print(json.dumps({"verified": False, "holds_together": False, "error": error.as_json()}))
        return
    print("NOT VERIFIED. Don't rely on anything in this file.")
    print(f"  what is wrong: {printable(error.message)} [{error.code}]")
    print(f"  what to do: {printable(error.fix)}")


def _json(value: Any) -> Any:
    """The findings as JSON has them: their own names, and nothing of the log's bytes."""
    if isinstance(value, AccountFindings):
        statement = value.statement
        return {
            "ground": _json(value.ground),
            "case": statement.case,
            "at": statement.at,
            "last": dict(statement.last),
            "rows": [_json(row) for row in statement.rows],
        }
    if isinstance(value, DecisionFindings):
        return {
            "ground": _json(value.ground),
            "told": _json(value.record),
            "sources": _json(value.sources),
        }
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _json(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple | list):
        return [_json(each) for each in value]
    return value


# Words


def said(found: Found, root_given: bool) -> Iterator[str]:
    """The findings, line by line."""
    if root_given:
        yield "VERIFIED. What stands below was proved from this file and the founders' fingerprint, without asking anybody."
    else:
        yield "NOT YET VERIFIED. The file holds together, but anybody can found a directory of their own and sign with it."
        yield "Compare the founders' fingerprint below; until then nothing here says whose word this is."
    if isinstance(found, Findings):
        yield from _exhibit(found)
    elif isinstance(found, DecisionFindings):
        yield from _decision(found)
    elif isinstance(found, ReceiptFindings):
        yield from _receipt(found)
    else:
        yield from _account(found)
    yield from _ground(found.ground, root_given)
    yield ""
    yield "What this does not prove"
    yield "  That what the record says is true: only that its signer said it, then, in these words."
    yield "  That no later version of the directory had retired a key, or asked for other witnesses: only the versions in this"
    yield "  file were looked at."
    if isinstance(found, Findings):
        yield "  That the person hadn't taken a consent back, or said no: a revocation that isn't in this file can't be seen"
        yield "  here. Against that stands only the hand-out's own entry in the log, by which the hub answers for its check."
        yield "  That the program's rules as a whole allowed it: the account of the case, and the hub, answer that."
    if isinstance(found, AccountFindings):
        yield "  What was said aloud and never recorded, and what came after the time above."


def _exhibit(found: Findings) -> Iterator[str]:
    yield ""
    yield f"The record {found.jti}, of the kind `{found.kind}`"
    yield f"  case: {found.case or 'none'}"
    yield f"  signed by: {_signer(found.signer)}"
    yield f"  logged: {_logged(found.logged)}"
    yield "  unaltered: every word shown is what was signed"
    for part in found.parts:
        yield from _part(part)
    yield ""
    yield "What is not shown"
    yield f"  {found.closed} digests of this record stay closed. Each is a part that was left out, or a decoy that hides"
    yield "  nothing; nobody can tell which, so their number says nothing about how much was left out."
    yield ""
    yield f"Handed out to `{found.to}`"
    yield f"  logged: {_logged(found.handed)}"
    yield f"  by the rules of: {found.pack}"
    yield ""
    yield "What made it lawful"
    if not found.relied:
        yield "  Nothing but its own basis, above; it rests on no other record."
    for one in found.relied:
        yield f"  `{one.kind}` {one.jti}"
        yield f"    signed by: {_signer(one.signer)}"
        yield f"    logged: {_logged(one.logged)}, before the hand-out"
    if any(part.basis == "consent" for part in found.parts):
        yield "  The consent names who told, who was told, this kind of information and this purpose, and had begun"
        yield "  and not ended by its own dates when it was handed out."


def _part(part: ShownPart) -> Iterator[str]:
    yield ""
    yield f"Shown: {', '.join(part.category)} (part {part.id})"
    yield f"  content: {json.dumps(part.content, ensure_ascii=False)}"
    yield f"  told to: `{part.to}`, for `{part.purpose}`, on the basis `{part.basis}`"
    yield f"  sensitivity: {_SENSITIVITY.get(part.sensitivity, part.sensitivity)}"
    if part.notice == "none":
        yield "  notice: its label names none"
    else:
        yield f"  notice: 42 CFR 2.32 applies, in the version `{part.notice}`: it may not be passed on, or used against the"
        yield "  person, except as 42 CFR Part 2 permits"
    if part.use == "no_adverse_action":
        yield "  limit: it may not be used against the person"
    yield f"  to be kept until: {part.keep_until} at most"


_SENSITIVITY = {
    "plain": "plain",
    "health": "health information",
    "part2": "a record of substance use treatment (42 CFR Part 2)",
}


def _decision(found: DecisionFindings) -> Iterator[str]:
    for index, told in enumerate((found.record, *found.sources)):
        yield ""
        yield f"{'The decision' if index == 0 else 'It rests on'}: record {told.jti}, of the kind `{told.kind}`"
        yield f"  signed by: {_signer(told.signer)}"
        yield f"  logged: {_logged(told.logged)}"
        yield from _shown(told)
    yield ""
    yield "  Whether the rules give this answer on these facts is another question: `offramp replay` works it out."


def _shown(told: ProvedRecord) -> Iterator[str]:
    for part, label in told.labels.items():
        content = (
            json.dumps(told.contents[part], ensure_ascii=False)
            if part in told.contents
            else "not shown"
        )
        yield f"  {', '.join(label.category)} (part {part}): {content}"


def _receipt(found: ReceiptFindings) -> Iterator[str]:
    yield ""
    yield f"The record {found.jti}, of the kind `{found.kind}`"
    yield f"  case: {found.case or 'none'}"
    yield f"  signed by: {_signer(found.signer)}"
    yield f"  logged: {_logged(found.logged)}"
    yield f"  number {found.number} of this agency in this case"


def _account(found: AccountFindings) -> Iterator[str]:
    statement = found.statement
    yield ""
    yield f"The account of the case {statement.case}, as of {_time(statement.at)}"
    counted = ", ".join(f"`{issuer}` {last}" for issuer, last in sorted(statement.last.items()))
    but = ", but for what the log has lost" if statement.missing else ""
    yield f"  complete: every record of each agency is here, by the hub's own count{but}: {counted or 'none'}"
    if statement.missing:
        yield f"  MISSING: the hub was restored, and of {len(statement.missing)} entries of its log nobody has all that"
        yield "  stood there. They may be of this case or of any other. The agencies signed which these are:"
        yield f"  {', '.join(str(at) for at in statement.missing[:20])}{' …' if len(statement.missing) > 20 else ''}"
    yield ""
    for row in statement.rows:
        yield f"  {_time(row.at)}  {_row(row)}"


def _row(row: Row) -> str:
    if row.told_aloud:
        return f"`{row.issuer}` reports that `{row.to}` was told `{row.category}` outside the exchange (`{row.kind}`)"
    relies = f", resting on {', '.join(row.relies)}" if row.relies else ""
    return f"`{row.issuer}` to `{row.to}`: `{row.category}` for `{row.purpose}` on the basis `{row.basis}`: {row.what}{relies}"


def _ground(ground: Ground, root_given: bool) -> Iterator[str]:
    yield ""
    yield f"Whose log this is: {ground.program}"
    yield f"  directory: version {ground.version}, each version signed as the one before it asks"
    yield f"  log: {ground.size} entries, cosigned by {', '.join(f'`{one}`' for one in ground.witnesses)}"
    groups = " ".join(ground.founders[i : i + 8] for i in range(0, 64, 8))
    yield f"  founders' fingerprint: {groups}"
    if root_given:
        yield "  This is the fingerprint that you gave."
    else:
        yield "  NOT COMPARED. Call one of the founding agencies, on a number that you didn't get from this file's sender, and"
        yield "  have it read to you; or give it with --root. If it differs, nothing above holds."


def _signer(signer: Signer) -> str:
    role = signer.role.replace("_", " ")
    return f"{signer.name} (`{signer.agency}`, {role}), with the key `{signer.kid}`, in force at that place in the log"


def _logged(logged: Logged) -> str:
    after = (
        f"after {_time(logged.after)}"
        if logged.after is not None
        else "no checkpoint from before it is shown"
    )
    return f"entry {logged.index}, {_time(logged.time)} (witnessed: {after}, by {_time(logged.by)})"


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} seconds after 1970"
