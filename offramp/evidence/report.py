"""Describe findings in plain sentences for counsel or a judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from exchange.consent.account_rows import Row
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
from exchange.membership.history import in_groups

DocumentFindings = Findings | DecisionFindings | ReceiptFindings | AccountFindings

_SENSITIVITIES = {
    "plain": "plain",
    "health": "health information",
    "part2": "a record of substance use treatment (42 CFR Part 2)",
}


def describe(findings: DocumentFindings, root_given: bool) -> Iterator[str]:
    """Yield the findings line by line.

    Without the founders' fingerprint (`root_given`), the first words say that nothing is verified.
    """
    if root_given:
        yield "VERIFIED. Everything below was proved from this file and the founders'"
        yield "fingerprint. Nobody else was asked."
    else:
        yield "NOT YET VERIFIED. The file is consistent, but anybody can found a directory of"
        yield "their own and sign with it. Compare the founders' fingerprint below. Until then,"
        yield "this file proves nothing about its signers."
    if isinstance(findings, Findings):
        yield from _exhibit(findings)
    elif isinstance(findings, DecisionFindings):
        yield from _decision(findings)
    elif isinstance(findings, ReceiptFindings):
        yield from _receipt(findings)
    else:
        yield from _account(findings)
    yield from _ground(findings.ground, root_given)
    yield from _limits(findings)


def _limits(findings: DocumentFindings) -> Iterator[str]:
    yield ""
    yield "What this does not prove"
    yield "  That the record is true: only that its signer said it, then, in these words."
    yield "  That no later version of the directory had retired a key or required other witnesses:"
    yield "  only the versions in this file were checked."
    if isinstance(findings, Findings):
        yield "  That the person had not revoked a consent or said no:"
        yield "  a revocation that isn't in this file can't be seen here. Only the hub's own log"
        yield "  entry for the hand-out speaks to that."
        yield "  That the program's rules as a whole allowed it: the account of the case"
        yield "  answers that."
    if isinstance(findings, AccountFindings):
        yield "  That nothing was disclosed orally without a record, or after the time above."


def _exhibit(findings: Findings) -> Iterator[str]:
    yield ""
    yield f"The record {findings.jti}, of the kind `{findings.kind}`"
    yield f"  case: {findings.case or 'none'}"
    yield f"  signed by: {_signer(findings.signer)}"
    yield f"  logged: {_logged(findings.logged)}"
    yield "  unaltered: every word shown is what was signed"
    for part in findings.parts:
        yield from _part(part)
    yield ""
    yield "What is not shown"
    yield f"  {findings.closed} digests of this record stay closed. Each is a part that was left"
    yield "  out, or a decoy without content. Nobody can tell which, so their number doesn't show"
    yield "  how much was left out."
    yield ""
    yield f"Handed out to `{findings.to}`"
    yield f"  logged: {_logged(findings.handed)}"
    yield f"  by the rules of: {findings.pack}"
    yield ""
    yield "What made it lawful"
    if not findings.relied:
        yield "  Only its own basis, above. It rests on no other record."
    for relied in findings.relied:
        yield f"  `{relied.kind}` {relied.jti}"
        yield f"    signed by: {_signer(relied.signer)}"
        yield f"    logged: {_logged(relied.logged)}, before the hand-out"
    if any(part.basis == "consent" for part in findings.parts):
        yield "  The consent names the sender, the recipient, this kind of information, and this"
        yield "  purpose. By its own dates, it had begun and not ended at the hand-out."


def _part(part: ShownPart) -> Iterator[str]:
    yield ""
    yield f"Shown: {', '.join(part.category)} (part {part.id})"
    yield f"  content: {json.dumps(part.content, ensure_ascii=False)}"
    yield f"  told to: `{part.to}`, for `{part.purpose}`, on the basis `{part.basis}`"
    yield f"  sensitivity: {_SENSITIVITIES.get(part.sensitivity, part.sensitivity)}"
    if part.notice == "none":
        yield "  notice: its label names none"
    else:
        yield f"  notice: 42 CFR 2.32 applies, in the version `{part.notice}`: it may not be passed"
        yield "  on, or used against the person, except as 42 CFR Part 2 permits"
    if part.use == "no_adverse_action":
        yield "  limit: it may not be used against the person"
    yield f"  to be kept until: {part.keep_until} at most"


def _decision(findings: DecisionFindings) -> Iterator[str]:
    yield from _record("The decision", findings.record)
    yield from confirmed_lines(findings)
    for source in findings.sources:
        yield from _record("It rests on", source)
    if findings.decided:
        return
    yield ""
    yield "  Whether the rules give this answer on these facts is another question."
    yield "  `offramp replay` works it out."


def confirmed_lines(
    findings: DecisionFindings,
    spoken: Callable[[str, Any], str] = lambda decision, outcome: f"{decision} is {outcome}",
) -> Iterator[str]:
    """Yield each decision of a named person, and how the person confirmed it.

    `spoken` puts a decision and its outcome into words.
    """
    for decision in findings.decided:
        by = f", by {decision['by']}" if decision.get("by") else ""
        reason = f" ({decision['reason'].replace('_', ' ')})" if decision.get("reason") else ""
        yield f"  decided: {spoken(decision['decision'], decision['outcome'])}{by}{reason}"
        if decision.get("differs"):
            yield "  the rules answered otherwise"
    for confirmation in findings.confirmations:
        yield f"  {confirmation.by}: {confirmation.words}"
    if findings.decided and not findings.confirmations:
        yield "  how it was confirmed isn't in this file"


def _record(heading: str, record: ProvedRecord) -> Iterator[str]:
    yield ""
    yield f"{heading}: record {record.jti}, of the kind `{record.kind}`"
    yield f"  signed by: {_signer(record.signer)}"
    yield f"  logged: {_logged(record.logged)}"
    for part, label in record.labels.items():
        content = (
            json.dumps(record.contents[part], ensure_ascii=False)
            if part in record.contents
            else "not shown"
        )
        yield f"  {', '.join(label.category)} (part {part}): {content}"


def _receipt(findings: ReceiptFindings) -> Iterator[str]:
    yield ""
    yield f"The record {findings.jti}, of the kind `{findings.kind}`"
    yield f"  case: {findings.case or 'none'}"
    yield f"  signed by: {_signer(findings.signer)}"
    yield f"  logged: {_logged(findings.logged)}"
    yield f"  number {findings.number} of this agency in this case"


def _account(findings: AccountFindings) -> Iterator[str]:
    statement = findings.statement
    missing = statement.missing
    yield ""
    yield f"The account of the case {statement.case}, as of {_time(statement.at)}"
    counts = ", ".join(f"`{issuer}` {last}" for issuer, last in sorted(statement.last.items()))
    exception = ", except for what the log has lost" if missing else ""
    yield (
        "  complete: every record of each agency is here, by the hub's own count"
        f"{exception}: {counts or 'none'}"
    )
    if missing:
        yield f"  MISSING: the hub was restored, and {len(missing)} entries of its log are lost in"
        yield "  full or in part. They may be of this case or of any other. The agencies signed"
        yield "  these:"
        indices = ", ".join(str(index) for index in missing[:20])
        yield f"  {indices}{' …' if len(missing) > 20 else ''}"
    yield ""
    for row in statement.rows:
        yield f"  {_time(row.at)}  {_row(row)}"


def _row(row: Row) -> str:
    if row.is_oral:
        return (
            f"`{row.issuer}` reports that `{row.to}` was told `{row.category}` outside the "
            f"exchange (`{row.kind}`)"
        )
    relies = f", resting on {', '.join(row.relies)}" if row.relies else ""
    return (
        f"`{row.issuer}` to `{row.to}`: `{row.category}` for `{row.purpose}` on the basis "
        f"`{row.basis}`: {row.status}{relies}"
    )


def _ground(ground: Ground, root_given: bool) -> Iterator[str]:
    yield ""
    yield f"Whose log this is: {ground.program}"
    yield f"  directory: version {ground.version}, each signed as the version before it requires"
    witnesses = ", ".join(f"`{witness}`" for witness in ground.witnesses)
    yield f"  log: {ground.size} entries, cosigned by {witnesses}"
    yield f"  founders' fingerprint: {in_groups(ground.founders)}"
    if root_given:
        yield "  This is the fingerprint that you gave."
    else:
        yield "  NOT COMPARED. Call one of the founding agencies and have the fingerprint read to"
        yield "  you (`offramp agency status` prints it there), or give it with --root. Don't take"
        yield "  the number from the sender of this file."
        yield "  If the fingerprint differs, this file proves nothing."


def _signer(signer: Signer) -> str:
    role = signer.role.replace("_", " ")
    return (
        f"{signer.name} (`{signer.agency}`, {role}), with the key `{signer.kid}`, in force at that "
        "place in the log"
    )


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
