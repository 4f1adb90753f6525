"""Decisions as text: one in full, or several programs' answers to one case side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

import rules
from offramp.policy.law_age import age_of_answer
from offramp.terminal import terminal_width, wrap_words
from rules.author.phrases import format_amount
from rules.decide.next_step import PERSON_NAMES, find_interim_step
from rules.decide.observed import open_rules
from rules.decide.wording import list_contrary
from rules.errors import Refusal
from rules.input.printing import plain, printable
from rules.input.vocabulary import Fact
from rules.shelf import vocabulary

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def in_words(
    decision: rules.Decision,
    *,
    considered: bool = False,
    today: date | None = None,
    needed: Sequence[Mapping[str, Any]] | None = None,
    overruled: str | None = None,
) -> str:
    """Return one decision as text, its answer first.

    With `today`, it names the sources that it rests on and that are out of date then. With
    `needed`, only these missing facts are asked for, and nothing else that would bring the others.
    `overruled` states a named person's decision that is in force. It stands in place of the
    next step, which would follow from the rules' answer.
    """
    asks = decision.needed if needed is None else needed
    is_cut = len(asks) < len(decision.needed)
    zone = decision.program.pack.time_zone
    lines = [_headline(decision), _under(decision), ""]
    lines += _entry("But", overruled) if overruled is not None else []
    step = decision.next if decision.status == "decided" else find_interim_step(decision)
    if step is not None and decision.status == "undetermined" and not is_cut:
        lines += _entry("Now", f"{_role(step['who'])}: {step['text']}")
    for index, entry in enumerate(asks):
        lines += _entry(
            "Ask" if index == 0 else "",
            f"{_asked(entry)}: {entry['question']}  ({entry['fact']}{_given(entry)})",
        )
    for reason in decision.reasons:
        lines += _entry("Why", reason["text"])
        for value in _values(reason):
            said = f"{_name(value['parameter'])} is {_amount(value)}"
            lines += _entry("", f"{said}: {_source(value)}")
        lines += _entry("", _source(reason))
        if reason["facts"]:
            lines += _entry(
                "",
                "on "
                + "; ".join(
                    f"{path} = {_value(value, zone)}" for path, value in reason["facts"].items()
                ),
            )
        for inner, because in reason.get("because", {}).items():
            for inner_reason in because:
                lines += _entry(
                    "",
                    f"{inner} is {_name(inner_reason['outcome'])}: {inner_reason['text']} "
                    f"{_source(inner_reason)}",
                )
        for says, title in list_contrary(reason):
            lines += _entry("But", f"{title} says: {says}")
        if reason["reviewable_by"]:
            lines += _entry("", f"{_role(reason['reviewable_by'])} may look at this again")
    if step is not None and decision.status == "decided" and overruled is None:
        lines += _entry("Next", f"{_role(step['who'])}: {step['text']}")
    for index, observation in enumerate(() if is_cut else observations_of(decision)):
        lines += _entry("If" if index == 0 else "", observation)
    for clock in decision.clocks:
        due = f", due {_moment(clock['due'], zone)}" if clock["due"] else ""
        lines += _entry(
            "Clock", f"{clock['clock']}: {_name(clock['status'])}{due} ({_role(clock['owner'])})"
        )
    for obligation in (
        decision.obligations if decision.outcome != "deny" else ()
    ):  # they go with what is permitted
        lines += _entry("With", _name(obligation))
    for entry in decision.offenses:
        lines += _entry("Law" if entry["given"] is None else "But", _offense(entry))
        if entry["source"] is not None:
            lines += _entry("", _source(entry))
    for doubt in decision.provisional:
        lines += _entry("Doubt", doubt)
    age = age_of_answer(decision, today) if today is not None else None
    if age is not None:
        lines += _entry("Age", age)
    if considered:
        lines += ["", *_considered(decision)]
    return "\n".join(lines).rstrip()


def observations_of(decision: rules.Decision) -> Iterator[str]:
    """Yield a sentence for each rule that something not yet known could make true."""
    rules_open = open_rules(decision)
    if not rules_open:
        return
    from rules.author.observations import sentence_of  # most answers don't need it
    from rules.author.phrases import words_of
    from rules.shelf import english

    assert decision.segment is not None
    terms = words_of(decision.segment.segment, english())
    for in_force, facts in rules_open:
        yield f"{sentence_of(in_force, terms, facts)}  ({', '.join(facts)})"


def _headline(decision: rules.Decision) -> str:
    if decision.outcome == "not_part_of_this_program":
        return f"{_name(decision.decision).upper()}: not part of this program"
    if isinstance(decision.outcome, list):
        sure = ", ".join(_name(outcome) for outcome in decision.outcome) or "nothing sure yet"
        perhaps = [outcome for outcome in decision.possible if outcome not in decision.outcome]
        more = f"; perhaps {', '.join(_name(outcome) for outcome in perhaps)}" if perhaps else ""
        return f"{_name(decision.decision).upper()}: {sure}{more}"
    if decision.outcome is None:
        possible = " or ".join(_name(outcome) for outcome in decision.possible)
        return f"{_name(decision.decision).upper()}: UNDETERMINED, {possible}"
    return f"{_name(decision.decision).upper()}: {_name(decision.outcome).upper()}"


def _under(decision: rules.Decision) -> str:
    pack = decision.program.pack
    rules_of = f"rules of {decision.as_of.isoformat()}" if decision.as_of else "the day isn't known"
    return f"{pack.title}, {rules_of}; decided by {_role(decision.decided_by)}"


def _considered(decision: rules.Decision) -> Iterator[str]:
    zone = decision.program.pack.time_zone
    yield "Every rule, and what settled it"
    for entry in decision.considered:
        value = {True: "holds", False: "does not hold", None: "unknown"}[entry["value"]]
        on = "; ".join(
            f"{path} = {_value(value_of_fact, zone)}"
            for path, value_of_fact in entry["settled_by"].items()
        )
        missing = f"; not known: {', '.join(entry['unknown'])}" if entry["value"] is None else ""
        excepted = (
            f"; excepted by {', '.join(entry['excepted_by'])}" if "excepted_by" in entry else ""
        )
        yield from _entry(
            "",
            f"{entry['rule']} -> {_name(entry['outcome'])}: {value}{excepted}{missing}"
            + (f"  [{on}]" if on else ""),
        )


_INDENT = 7


def _entry(label: str, text: str, indent: int = _INDENT) -> list[str]:
    lines = wrap_words(text, max(_width() - indent, 30)) or [""]
    return [
        f"{label if index == 0 else '':<{indent}}{line}".rstrip()
        for index, line in enumerate(lines)
    ]


def side_by_side(
    decision: str,
    facts: Any,
    answers: list[tuple[str, rules.Decision | Refusal]],
    today: date | None = None,
) -> str:
    """Return one case under several programs: a row each, with the answer, why, and the source."""
    rows = [("Program", "Answer", "Why, and what comes next", "Source")]
    rows += [_row(name, answer, today) for name, answer in answers]
    asks = next(
        (
            answer.program.pack.decisions[decision].asks
            for _, answer in answers
            if isinstance(answer, rules.Decision) and decision in answer.program.pack.decisions
        ),
        decision,
    )
    head = [f"One case under {len(answers)} programs: {asks}", ""]
    head += _case(facts, _fact_finder(answers))
    return "\n".join([*head, "", *_table(rows)])


def _row(
    name: str, answer: rules.Decision | Refusal, today: date | None
) -> tuple[str, str, str, str]:
    if isinstance(answer, Refusal):
        return name, "NO ANSWER", f"{answer.message}\n{answer.fix}", ""
    program = f"{answer.program.pack.title}\n({name})"
    if answer.outcome == "not_part_of_this_program":
        return program, "not part of this program", "This program has no such decision.", ""
    outcome = ", ".join(answer.outcome) if isinstance(answer.outcome, list) else answer.outcome
    sentences: list[str] = [reason["text"] for reason in answer.reasons]
    sources = [_source(item) for reason in answer.reasons for item in (*_values(reason), reason)]
    for reason in answer.reasons:
        for because in reason.get("because", {}).values():
            sentences += [item["text"] for item in because]
            sources += [_source(entry) for item in because for entry in (*_values(item), item)]
    step = answer.next
    if answer.status == "undetermined":
        now = find_interim_step(answer)
        sentences += [f"Now, {_role(now['who'])}: {now['text']}"] if now else []
        sentences += [f"Could be {' or '.join(_name(item) for item in answer.possible)}."]
        sentences += [f"Ask {_asked(entry)}: {entry['question']}" for entry in answer.needed]
    elif step is not None:
        sentences.append(f"Next, {_role(step['who'])}: {step['text']}")
    sentences += [
        f"But {_offense(entry)}." for entry in answer.offenses if entry["given"] is not None
    ]
    if answer.provisional:
        sentences.append(f"Doubtful: {'; '.join(answer.provisional)}")
    age = age_of_answer(answer, today) if today is not None else None
    if age is not None:
        sentences.append(age)
    return (
        program,
        _name(outcome or "undetermined").upper(),
        "\n".join(sentences),
        "\n".join(dict.fromkeys(sources)),
    )


def _fact_finder(
    answers: Sequence[tuple[str, rules.Decision | Refusal]],
) -> Callable[[str], Fact | None]:
    """Return the function that finds a fact of the vocabulary, without those that packs added.

    A pack has the whole vocabulary, which takes longer to read from its own file.
    """
    decided = (answer for _, answer in answers if isinstance(answer, rules.Decision))
    words = next((decision.program.pack.vocabulary for decision in decided), None) or vocabulary()
    return lambda path: None if path in words.own else words.facts.get(path)


def _case(facts: Any, find_fact: Callable[[str], Fact | None]) -> Iterator[str]:
    """Return the facts, a line each, with records in short."""
    if not isinstance(facts, dict):
        return
    for path, value in _flat(facts, ""):
        fact = find_fact(path)
        values = (
            [_record(fact, text) for text in value]
            if isinstance(value, list)
            else [_short(fact, value)]
        )
        for index, text in enumerate(values or ["none"]):
            yield from _entry(path if index == 0 else "", text, indent=34)


def _flat(level: dict[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in level.items():
        path = f"{above}{printable(key)}"
        if isinstance(value, dict):
            yield from _flat(value, f"{path}.")
        else:
            yield path, value


def _record(fact: Fact | None, record: Any) -> str:
    """Return a record's values, one after the other: `opioid, 1.8 g, weighed`."""
    if fact is None or not isinstance(record, dict):
        return _value(record)
    return (
        ", ".join(_short(fact.fields.get(key), value, key) for key, value in record.items())
        or "nothing known of it"
    )


def _short(fact: Fact | None, value: Any, key: str = "") -> str:
    if isinstance(value, bool) and key:
        return f"{'' if value else 'not '}{_name(printable(key))}"
    unit = (
        f" {fact.unit}" if fact is not None and fact.unit is not None and value is not None else ""
    )
    return f"{_name(_value(value))}{unit}"


def _table(rows: list[tuple[str, str, str, str]]) -> Iterator[str]:
    total = _width() - 13
    longest = max(len(line) for row in rows for line in row[0].split("\n") if " " not in line)
    first = max(min(longest, total * 25 // 100), total * 15 // 100)
    widths = [first, max(12, total * 13 // 100), 0, max(18, total * 23 // 100)]
    widths[2] = total - sum(widths)
    across, down, cross = ("─", "│", "┼") if _can_draw() else ("-", "|", "+")
    rule = f"{across}{cross}{across}".join(across * width for width in widths)
    for index, row in enumerate(rows):
        if index:
            yield rule
        cells = [
            [
                line
                for part in cell.split("\n")
                for line in wrap_words(part, width, break_long_words=True) or [""]
            ]
            for cell, width in zip(row, widths, strict=True)
        ]
        for line in range(max(len(cell) for cell in cells)):
            texts = [cell[line] if line < len(cell) else "" for cell in cells]
            yield f" {down} ".join(
                f"{text:<{width}}" for text, width in zip(texts, widths, strict=True)
            ).rstrip()


def _offense(entry: dict[str, Any]) -> str:
    """Return a field that the offense table fills in, or has otherwise than given."""
    code, table = entry["code"], _name(entry["table"])
    if entry["table"] == "none":
        charge = entry["fact"].rpartition(".")[0]
        return f"{charge} counts for nothing: by its code {code} it was no offense on that day"
    if entry["given"] is None:
        return f"{entry['fact']} = {table}, from its code {code}"
    value = _name(entry["given"])
    if entry["table"] == "violent":
        return f"{entry['fact']} is given as {value}, and its code {code} is homicide, which counts"
    return (
        f"{entry['fact']} is given as {value}, and by its code {code} it is {table}: neither counts"
    )


def _values(reason: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the values that a rule decided by. Where no rule holds, none of them decided."""
    values: list[dict[str, Any]] = reason["values"]
    return [] if reason["rule"] == "otherwise" else values


def _amount(value: dict[str, Any]) -> str:
    """Return a value with its unit: `6 g`, `2 g for cocaine`, or a list."""
    row = f" for {_name(value['row'])}" if "row" in value else ""
    if isinstance(value["value"], list):
        return ", ".join(map(_name, value["value"]))
    amount = value["value"]
    text = amount if isinstance(amount, str) else format_amount(amount, value["unit"])
    return f"{text}{row}"


def _source(reason: dict[str, Any]) -> str:
    source = reason["source"]
    if source is None:
        return "its own answer"
    at = f", {source['at']}" if source["at"] else ""
    return f"{source['title']}{at} ({source['confidence']} confidence)"


def _value(value: Any, zone: str | None = None) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return (
                ", ".join(
                    f"{printable(key).replace('_', ' ')} {_value(item, zone)}"
                    for key, item in value.items()
                )
                or "(nothing)"
            )
        case list():
            return "; ".join(_value(item, zone) for item in value) if value else "none"
        case None:
            return "not known"
    plain_value = plain(value)
    if isinstance(plain_value, str) and zone is not None:
        return printable(_moment(plain_value, zone))
    return printable(plain_value)


def _moment(text: str, time_zone: str) -> str:
    """Return a moment as its local time. A text that is none stays as it is."""
    if "T" not in text or not text[:1].isdigit():
        return text
    from zoneinfo import ZoneInfo  # slow to load, and most texts are no moments

    from rules.author.spoken_dates import spoken_moment

    return spoken_moment(text, ZoneInfo(time_zone))


def _name(name: str) -> str:
    return name.replace("_", " ")


def _asked(entry: Mapping[str, Any]) -> str:
    """Return the role to ask, and the person whom the role asks."""
    person = f", who asks {PERSON_NAMES[entry['of']]}" if "of" in entry else ""
    return _role(entry["ask"]) + person


def _given(entry: Mapping[str, Any]) -> str:
    """Return the value that is given and that does not settle the question."""
    return f", given: {_value(entry['given'])}" if "given" in entry else ""


def _role(role: str) -> str:
    return role.replace("_", " ")


def _width() -> int:
    return min(max(terminal_width(110), 72), 140)


def _can_draw() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
