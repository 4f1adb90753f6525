"""The memo of a rule change as one HTML file: no script, nothing to load, light, dark, and print.

The page is made from the memo's JSON and nothing else. So it shows what the memo's digest covers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import SequenceMatcher
from typing import Any

from offramp.digest_words import digest_words
from offramp.documents import memo_charts
from offramp.documents.memo_cohort import cohort_blocks
from offramp.documents.memo_style import MEMO_STYLE
from offramp.documents.stylesheet import STYLESHEET
from offramp.documents.web_page import escape_html, inline_html
from offramp.policy.break_even import program_lines
from offramp.policy.change_text import (
    HOW,
    adopted_command,
    change_notes,
    compared_text,
    difference_text,
    earlier_text,
    effect_text,
    finding_sentences,
    has_other_basis_before,
    how_text,
    is_adoptable,
    is_several,
    never_sentences,
    open_case_sentences,
    outcome_text,
    pair_title,
    promises_text,
    unanswered_sentences,
    version_text,
)
from offramp.policy.change_wording import (
    READ_FIRST,
    OneSidedPart,
    days_text,
    findings_title,
    has_titles,
    without_rules,
)
from offramp.policy.failing_text import failing_together
from rules.author.phrases import format_day, spell_name
from rules.author.redline import SOURCED

_MOST_ROWS = 20  # of a list that the page shows whole
OTHERWISE = "otherwise"  # the rule of the answer where no rule applies


def memo_title(value: Mapping[str, Any]) -> str:
    """Return the title of a memo's page: the program whose rules change."""
    return f"{value['new']['title']}: a rule change"


def memo_page(value: Mapping[str, Any]) -> str:
    """Return a memo as one HTML file."""
    title = escape_html(memo_title(value))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLESHEET}{MEMO_STYLE}</style>\n</head>\n"
        '<body class="page">\n<a class="skip" href="#text">Skip to the text</a>\n'
        f"<header>\n<h1>{title}</h1>\n</header>\n"
        f'<main id="text" tabindex="-1" class="memo">\n{memo_fragment(value)}\n</main>\n'
        "<footer>\n<p>Made from the rules that run. Not legal advice.</p>\n</footer>\n"
        "</body>\n</html>\n"
    )


def memo_fragment(value: Mapping[str, Any]) -> str:
    """Return a memo below its title, for a page that has a frame and a stylesheet."""
    parts = [_sides(value)]
    if "cohort" in value:
        parts.append(memo_charts.hatch())
    parts += _warnings(value)
    sections = [
        ("What changes", _changes(value)),
        ("Which cases change", _cases(value)),
        ("Do the scenarios notice?", _scenarios(value["scenarios"])),
        ("Open cases on the day", _open_cases(value)),
        ("Who is affected", cohort_blocks(value)),
    ]
    if "program" in value:
        sections.append(("Places and money", _places_and_money(value)))
    sections.append(("How to repeat it", _repeat(value)))
    for title, body in sections:
        parts += [f"<h2>{title}</h2>", *body]
    return "\n".join(parts)


def _sides(value: Mapping[str, Any]) -> str:
    old, new = value["old"], value["new"]
    days = [format_day(date.fromisoformat(side["day"])) for side in (old, new)]
    if old["digest"] == new["digest"]:
        text = (
            f"From the rules of {days[0]} to those of {days[1]}, both of the pack `{new['pack']}`."
        )
    else:
        names = [
            f"the pack `{side['pack']}` of {day}{version_text(value, name)}"
            for side, day, name in zip((old, new), days, ("old", "new"), strict=True)
        ]
        text = f"From {names[0]} to {names[1]}."
    effect = effect_text(value)
    return f"<p>{inline_html(text)}</p>" + ("" if effect is None else f"<p>{effect}</p>")


# What contradicts a pack comes first


def _warnings(value: Mapping[str, Any]) -> Iterator[str]:
    if not value["findings"]:
        return
    items = _list(f"{_capital(finding)}." for finding in finding_sentences(value))
    cases = "".join(_broken(promise) for promise in value["promises"]["broken"])
    title = findings_title(value["findings"])
    yield (
        f'<section class="memo-stop" aria-labelledby="stop"><h2 id="stop">{title}</h2>'
        f"{items}{cases}</section>"
    )


def _broken(promise: Mapping[str, Any]) -> str:
    text = (
        f"<p>Invariant <code>{escape_html(promise['promise'])}</code>: {_said(promise['says'])}</p>"
    )
    if "why" in promise:
        text += f"<p>{inline_html(_capital(promise['why']))}.</p>"
    if "facts" not in promise:
        return text
    answer = f"The rules say: {outcome_text(promise['outcome'])}"
    by = _rule_names(promise["rules"])
    return text + _card("The smallest case that breaks it", promise["facts"], f"{answer}, by {by}")


# 1. What changes


def _changes(value: Mapping[str, Any]) -> Iterator[str]:
    days = _days(value)
    before: Any = None
    for title, part in days:
        yield f"<h3>{title}</h3>" if title else ""
        if part["redline"] == before and before:
            yield "<p>The same.</p>"
        else:
            yield from _changes_on_days(part, value["sources"], "h4" if title else "h3")
        before = part["redline"]
    for item in without_rules(value):
        yield f"<h3>{item.days}</h3><p><b>{escape_html(_capital(item.says))}</b></p>"
        for own in item.parts:
            yield f"<p>{escape_html(_beside(own))}</p>"
            if own.part is not None:
                yield from _changes_on_days(own.part, value["sources"], "h4")
    others = value["redline_other_days"]
    if others:
        yield "<h3>On other days</h3>"
        yield _capped([inline_code(difference_text(item)) for item in others])
    earlier = earlier_text(value)
    yield f'<p class="notes">{inline_html(earlier)}</p>' if earlier is not None else ""


def _beside(own: OneSidedPart) -> str:
    return f"{own.days}: {own.beside}" if own.days else own.beside


def inline_code(text: str) -> str:
    """Return a difference with the name of its item marked."""
    for how in HOW.values():
        name, verb, rest = text.partition(f" {how}")
        if verb:
            return f"`{name}`{verb}{rest}"
    return text


def _days(value: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the stretches of days that the memo covers, each with its title."""
    if value["covers"] is None or not has_titles(value):
        return [("", value)]
    return [(days_text(part["covers"]), part) for part in (value, *value["later"])]


def _changes_on_days(
    part: Mapping[str, Any], sources: Mapping[str, Any], heading: str
) -> Iterator[str]:
    for sentence in part["sentences"]:
        words = redlined(sentence["before"], sentence["after"])
        name = escape_html(sentence["rule"])
        yield f'<div class="memo-bind"><p>{words} <code>{name}</code></p></div>'
    changes = part["redline"]
    if not changes:
        yield "<p>Nothing, on these days.</p>"
    moving = [change for change in changes if not change.get("changes_no_answer")]
    yield from (_change(change, sources) for change in moving)
    still = [change for change in changes if change.get("changes_no_answer")]
    if still:
        yield f"<{heading}>Changes no answer</{heading}>"
        sourced = [change for change in still if change["how"] == SOURCED]
        yield from (_change(change, sources) for change in sourced)
        others = [change for change in still if change["how"] != SOURCED]
        names = [f"`{change['what']}` {how_text(change)}{_texts(change)}" for change in others]
        yield _capped(names) if names else ""


def redlined(before: str, after: str) -> str:
    """Return two sentences as one, with the words that go and those that come marked."""
    old, new = before.split(), after.split()
    parts: list[str] = []
    for kind, first, last, start, end in SequenceMatcher(None, old, new, False).get_opcodes():
        gone, here = " ".join(old[first:last]), " ".join(new[start:end])
        if kind == "equal":
            parts.append(escape_html(here))
            continue
        if gone:
            parts.append(f"<del>{_spoken('removed')}{escape_html(gone)}</del>")
        if here:
            parts.append(f"<ins>{_spoken('added')}{escape_html(here)}</ins>")
    return " ".join(parts)


def _spoken(word: str) -> str:
    """Return a word for screen readers, which skip the marks of a redline."""
    return f'<span class="vh">{word}: </span>'


def _change(change: Mapping[str, Any], sources: Mapping[str, Any]) -> str:
    name = f"<code>{escape_html(change['what'])}</code>"
    label = f"“{escape_html(change['label'])}” " if "label" in change else ""
    before, after = change.get("before"), change.get("after")
    if before is not None and after is not None:
        text = f" from <del>{escape_html(before)}</del> to <ins>{escape_html(after)}</ins>"
    else:
        only = after if after is not None else before
        text = f": {inline_html(only)}" if only is not None else ""
    reason = f"Reason: {inline_html(change['because'])}" if "because" in change else ""
    bases = [reason, _basis("Source", change.get("source"), change.get("provisional"), sources)]
    if has_other_basis_before(change):
        basis = change["source_before"], change.get("provisional_before")
        bases.append(_basis("Source before", *basis, sources))
    bases += [f"<b>Note:</b> {escape_html(note)}" for note in change_notes(change)]
    lines = "".join(f'<p class="notes">{basis}</p>' for basis in bases if basis)
    what = f"<b>{label}{name} {how_text(change)}</b>{text}"
    return f'<div class="memo-change"><p>{what}</p>{lines}</div>'


def _basis(label: str, source: str | None, doubt: str | None, sources: Mapping[str, Any]) -> str:
    if source is None:
        return ""
    known = sources.get(source)
    text = known["title"] if known else source
    in_doubt = f" <b>In doubt:</b> {inline_html(doubt)}." if doubt else ""
    return f"{label}: {inline_html(text)}.{in_doubt}"


def _texts(change: Mapping[str, Any]) -> str:
    before, after = change.get("before"), change.get("after")
    if before is None or after is None:
        only = after if after is not None else before
        return f": {only}" if only is not None else ""
    return f": {before} → {after}"


# 2. Which cases change


def _cases(value: Mapping[str, Any]) -> Iterator[str]:
    yield f"<p>{escape_html(compared_text(value))}</p>"
    days = _days(value)
    for title, part in days:
        yield f"<h3>{title}</h3>" if title else ""
        yield from _cases_on_days(part, 4 if title else 3)
    for item in without_rules(value):
        yield f"<h3>{item.days}</h3><p><b>{inline_html(item.cases)}</b></p>"
        for own in item.parts:
            if own.part is not None:
                yield f"<p>{escape_html(_beside(own))}</p>"
                yield from _cases_on_days(own.part, 4)
    yield from _promises(value)


def _cases_on_days(part: Mapping[str, Any], level: int) -> Iterator[str]:
    several = len(part["decisions"]) > 1
    for name, answer in part["decisions"].items():
        yield f"<h{level}>{_capital(spell_name(name))}</h{level}>" if several else ""
        for pair in answer["pairs"]:
            yield from _pair(name, pair, f"h{level + 1}" if several else f"h{level}")
        if "open" in answer:
            yield f"<p><b>Open:</b> {inline_html(answer['open'])}.</p>"
        yield from (
            f"<p><b>{escape_html(sentence)}</b></p>" for sentence in never_sentences(answer)
        )
    if part["unchanged"]:
        names = ", ".join(map(spell_name, part["unchanged"]))
        yield f"<p><b>Proved: no answer changes</b> of {escape_html(names)}.</p>"
    for name, through in part["changed_only_through"].items():
        yield (
            f"<p>{_capital(spell_name(name))} changes only through "
            f"{escape_html(', '.join(map(spell_name, through)))}: its own rules are the same.</p>"
        )


def _promises(value: Mapping[str, Any]) -> Iterator[str]:
    unsettled = value["promises"]["open"]
    if value["promises"]["proved"]:
        yield f"<p><b>{promises_text(value)}</b>. That is proved for every case.</p>"
    if unsettled:
        yield _list(f"Open: `{item['promise']}`: {item['why']}." for item in unsettled)


def _pair(decision: str, pair: Mapping[str, Any], heading: str) -> Iterator[str]:
    several = is_several(pair)
    when = "in each of these cases" if several else "in this case"
    yield f"<{heading}>{escape_html(pair_title(pair))}, {when}</{heading}>"
    regions = "".join(f"<li>{_region(region)}</li>" for region in pair["regions"])
    yield f'<ol class="memo-cases">{regions}</ol>'
    if pair["regions_left_out"]:
        yield f"<p>And {pair['regions_left_out']} more.</p>"
    if not pair["complete"]:
        yield "<p>And others that were not counted.</p>"
    example = pair["example"]
    before, after = (_rule_names(example["rules"][side]) for side in ("before", "after"))
    answers = f"{_capital(spell_name(pair['before']))} before, by {before}"
    answers += f". {_capital(spell_name(pair['after']))} after, by {after}"
    yield _card("The smallest such case", example["facts"], answers)


def _region(region: Mapping[str, Any]) -> str:
    """Return a region as one sentence. Long ones are a list, a line for each part."""
    reads = region["reads"]
    if sum(map(len, reads)) < 160:
        sentence = _capital(
            ", and ".join([", ".join(reads[:-1]), reads[-1]] if reads[1:] else reads)
        )
        return f"{inline_html(sentence)}."
    return f"All of this is so:{_list(_capital(part) for part in reads)}"


def _rule_names(names: Sequence[str]) -> str:
    if list(names) == [OTHERWISE]:
        return "no bar (`otherwise`)"
    return "the rules " + ", ".join(f"`{name}`" for name in names) if names[1:] else f"`{names[0]}`"


def _card(title: str, facts: Mapping[str, Any], answer: str) -> str:
    rows = "".join(
        f"<dt>{escape_html(name)}</dt><dd>{escape_html(text)}</dd>"
        for name, text in fact_rows(facts)
    )
    return (
        f'<div class="memo-card"><p class="label">{title}</p><dl>{rows}</dl>'
        f"<p>{inline_html(answer)}.</p></div>"
    )


def fact_rows(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the facts of a case in words, such as `drugs 1` and `opioid, grams 4`."""
    for name, value in facts.items():
        label = f"{before} {spell_name(name)}".strip()
        if isinstance(value, Mapping) and not before:
            yield from fact_rows(value, spell_name(name))
        elif isinstance(value, list) and not value:
            yield label, "none"
        elif isinstance(value, list):
            for number, item in enumerate(value, start=1):
                yield (f"{label} {number}" if value[1:] else label), _value(item)
        else:
            yield label, _value(value)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return spell_name(value)
        case Mapping():
            return ", ".join(f"{spell_name(name)} {_value(item)}" for name, item in value.items())
        case list():
            return ", ".join(map(_value, value)) or "none"
    return str(value)


# 3. Do the scenarios notice?


def _scenarios(value: Mapping[str, Any]) -> Iterator[str]:
    asked, flips, edges = value["asked"], value["flips"], value["edges"]
    failing = value.get("failing", ())
    if not asked:
        yield "<p>There are no scenarios.</p>"
    elif not flips and not value.get("unanswered"):
        noun = "outcome" if failing else "answer"
        yield f"<p>None of {asked} scenarios has another {noun}.</p>"
    elif flips:
        yield f"<p>{len(flips)} of {asked} scenarios have another answer:</p>"
        yield _capped(
            [
                f"`{flip['id']}` ({spell_name(flip['decision'])}): "
                f"{spell_name(flip['before'])} → {spell_name(flip['after'])}"
                for flip in flips
            ]
        )
    yield from (f"<p>{inline_html(text)}.</p>" for text in unanswered_sentences(value))
    if failing:
        yield "<p>These fail after the change:</p>"
        groups = failing_together((item["id"], item["why"]) for item in failing)
        yield _capped([f"{group.named}: {group.why}" for group in groups])
    if edges:
        count = "1 part" if len(edges) == 1 else f"{len(edges)} parts"
        yield (
            f"<p><b>No scenario is in {count} of the change.</b> Ready scenarios, to read before "
            "you keep them: each takes the new pack’s own answer as right.</p>"
        )
        says = [edge["says"].removesuffix(READ_FIRST).rstrip() for edge in edges]
        yield _capped([f"`{edge['id']}`: {text}" for edge, text in zip(edges, says, strict=True)])
        yield (
            "<p>The command prints each of them whole, and <code>--write-scenarios</code> adds "
            "them to the new pack.</p>"
        )
    if value.get("uncovered"):
        yield "<p><code>offramp test</code> counts these as not covered:</p>"
        yield _capped(list(value["uncovered"]))
    if value.get("none_possible"):
        yield "<p>No scenario is offered for these days of change:</p>"
        yield _capped(list(value["none_possible"]))


# 4. Open cases on the day


def _open_cases(value: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"<p>{inline_html(sentence)}</p>" for sentence in open_case_sentences(value))


# 6. Places and money


def _places_and_money(value: Mapping[str, Any]) -> Iterator[str]:
    lines = program_lines(value["program"], value.get("cohort"))
    yield "".join(f"<p>{inline_html(line.removeprefix('- ').strip())}</p>" for line in lines)


# 7. How to repeat it


def _repeat(value: Mapping[str, Any]) -> Iterator[str]:
    engines = ", ".join(f"{name} {version}" for name, version in value["repeat"]["engines"].items())
    typed = value["repeat"].get("command")
    rows = [
        *([("Command", f"`{typed}`")] if typed is not None else []),
        *([("Adopted copies", f"`{adopted_command(value)}`")] if is_adoptable(value) else []),
        ("Old pack", f"`{value['old']['digest']}`"),
        ("New pack", f"`{value['new']['digest']}`"),
        ("Engines", engines),
        ("Memo", f"`{value['memo']}`"),
    ]
    yield "<p>Anybody with both packs can make this memo again. Its digest is then the same.</p>"
    yield _list(f"{name}: {text}" for name, text in rows)
    if value["findings"]:
        return  # it can't be adopted so, and nobody reads its words to others
    words = " · ".join(digest_words(value["memo"]))
    yield (
        "<p>The memo’s digest as eight words, to read to each other by telephone:</p>"
        f'<p class="memo-words">{words}</p>'
    )


# Parts of all


def _said(text: str) -> str:
    return f"“{escape_html(text)}”"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _list(items: Iterator[str] | Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{inline_html(item)}</li>' for item in items)}</ul>"


def _capped(items: Sequence[str]) -> str:
    """Return a list of at most `_MOST_ROWS`, and how many more there are."""
    rest = len(items) - _MOST_ROWS
    shown = [*items[:_MOST_ROWS], f"and {rest} more"] if rest > 1 else items
    return _list(shown).replace("<ul>", '<ul class="memo-list">', 1)
