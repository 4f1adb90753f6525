"""Facts that rows lack, where the rules need them: what left the answers of a table open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from offramp.policy.cohort.completions import open_rules_of
from offramp.policy.cohort.unlisted_codes import is_safe
from rules.decide.ruling import CHARGES, Ruling
from rules.frozen import frozen

SHOWN, SHOWN_CODES = 8, 5  # facts that are named, and codes of each
Missing = frozenset[tuple[str, str]]  # facts by path, each with the code of the charge or ""


@frozen
class MissingFact:
    """A fact that some rows lack which can have several answers, and the most frequent codes.

    A number that would tell a small one is None.
    """

    path: str
    rows: int | None
    codes: tuple[tuple[str, int | None], ...] = ()

    @property
    def line(self) -> tuple[str, str]:
        """The line of a map that gives the fact, and the list that it is under, if any."""
        of_list, _, name = self.path.partition("[].")
        return (name, of_list) if name else (of_list, "")


def missing_facts(rulings: Iterable[Ruling]) -> Missing:
    """Return the facts that open rules of a case ask for. `[]` is in place of a record's place."""
    missing = set()
    for ruling in rulings:
        if ruling.status == "decided" or ruling.segment is None:
            continue
        for rule in open_rules_of(ruling).rules:
            for path in ruling.unknown(rule.condition):
                of_list, bracket, rest = path.partition("[")
                place, _, field = rest.partition("].")
                code = _code(ruling, int(place)) if of_list == CHARGES and bracket else ""
                missing.add((f"{of_list}[].{field}" if bracket else path, code))
    return frozenset(missing)


def _code(ruling: Ruling, place: int) -> str:
    citation = ruling.case.original.known[CHARGES][place].get("code")
    return "" if citation is None else str(citation.given)


def shown_missing(
    counted: Iterable[tuple[Sequence[Missing], int]],
    place: int,
    printed: Collection[int] | None,
    least: int,
    kept_back: Collection[str],
) -> Iterator[MissingFact]:
    """Yield the facts that most rows of one question lack.

    `printed` and `least` are those of `shown_codes`. The numbers of the facts in `kept_back` are
    hidden, since a table is by their columns. Each open row lacks a fact. So two numbers can tell
    how many lack both, and that is protected too.
    """
    whole, rows, by_code = 0, Counter[str](), dict[str, Counter[str]]()
    for missing, number in counted:
        whole += number if missing[place] else 0
        rows.update(dict.fromkeys({path for path, _ in missing[place]}, number))
        for path, code in missing[place]:
            by_code.setdefault(path, Counter())[code] += number
    others = set(printed or ())
    for path in sorted(rows, key=lambda path: (-rows[path], path))[:SHOWN]:
        is_shown = printed is not None and path not in kept_back
        if not is_shown or not is_safe(rows[path], others, least):
            yield MissingFact(path, None)
            continue
        others |= {rows[path], whole - rows[path]}
        codes = tuple(_codes(by_code[path], rows[path], others, least))
        yield MissingFact(path, rows[path], codes)


def _codes(
    by_code: Mapping[str, int], whole: int, others: set[int], least: int
) -> Iterator[tuple[str, int | None]]:
    known_codes = [code for code in by_code if code]
    for code in sorted(known_codes, key=lambda code: (-by_code[code], code))[:SHOWN_CODES]:
        if not is_safe(by_code[code], others, least):
            return
        others |= {by_code[code], whole - by_code[code]}
        yield code, by_code[code]
