"""An answer that is open is no difference, and equal rules are never open.

A draft of a shipped pack gets one more value, and its memo says when that takes effect.
"""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

from offramp.adoption import collect_pack
from offramp.cli import main
from offramp.memo_file import read_memo
from offramp.policy.change_text import effect_text, open_answers
from offramp.policy.memo_check import check_plain_parts

pytest.importorskip("z3", reason="the solver isn't installed")

SANTA_FE = Path(__file__).parents[2] / "jurisdictions" / "santa-fe"
LAST_VALUE = "          - {says: 3 g, source: nation-2014, why: the rule at the launch}\n"
OF_DAYS = "      counts: days\n"
DAY = ("--today", "2026-12-01")


def draft_in(folder: Path, text: str, replacement: str) -> str:
    """Write a draft of Santa Fe's pack with another text in one place."""
    draft = folder / "santa-fe"
    draft.mkdir(parents=True)
    for path in SANTA_FE.iterdir():
        (draft / path.name).write_bytes(path.read_bytes())
    pack = (SANTA_FE / "pack.yaml").read_text()
    assert text in pack
    (draft / "pack.yaml").write_text(pack.replace(text, replacement, 1))
    return str(draft)


def with_value(folder: Path, value: int) -> str:
    """Write a draft in which the limit has one more value, from the first day of 2027 on."""
    lines = f"      - from: 2027-01-01\n        value: {value}\n        source: nation-2014\n"
    return draft_in(folder, LAST_VALUE, LAST_VALUE + lines)


@pytest.mark.parametrize(
    ("value", "headline"),
    [
        (8, "Takes effect on January 1, 2027, in 1 month."),
        (6, "No answer differs on the days that are compared."),
    ],
)
def test_one_more_value_takes_effect_on_its_first_day_alone(
    value: int, headline: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines of the clocks move down in the file, which changes no answer."""
    new = with_value(tmp_path, value)
    assert main(["change", "santa-fe", new, *DAY]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[1] == headline
    assert "pen:" not in text and "is open" not in text and "and so changed" not in text
    proved = "Proved: no answer changes of offer, eligibility, disclosure, admission, filing, "
    assert proved + "review, ejection, screening." in text


def test_an_open_answer_is_not_said_to_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clock in local days against one in elapsed days: no case of `review` shows a difference."""
    new = draft_in(tmp_path, OF_DAYS, "")
    page = tmp_path / "memo.html"
    scenarios = Path(new) / "scenarios.yaml"
    main(["change", "santa-fe", new, *DAY, "--html", str(page)])
    text = capsys.readouterr().out
    # A scenario shows that `filing` differs.
    assert "`the-thirtieth-day` (filing)" in text
    changed = "Decided by the rules of the day on which it is asked, and so changed: filing."
    perhaps = "Decided by the rules of the day on which it is asked. It is open if answers differ: "
    headline = "It is open if answers of review differ."
    assert text.splitlines()[2].startswith("Takes effect at once.")
    assert text.splitlines()[2].endswith(headline)
    assert changed in text and f"{perhaps}review." in text
    words = " ".join(unescape(re.sub(r"<[^>]+>", "", page.read_text())).split())
    assert headline in words and changed in words and f"{perhaps}review." in words
    # Without the scenario, nothing is known to differ.
    scenarios.unlink()
    main(["change", f"{SANTA_FE}", new, *DAY, "--decision", "review", "--json"])
    memo = json.loads(capsys.readouterr().out)
    assert effect_text(memo) == headline and open_answers(memo) == ["review"]
    assert memo["open_cases"]["decided_at_the_time"] == []
    assert memo["open_cases"]["perhaps_decided_at_the_time"] == ["review"]
    main(["change", f"{SANTA_FE}", new, *DAY, "--json"])
    whole = read_memo(capsys.readouterr().out.encode())
    check_plain_parts(whole, collect_pack(str(SANTA_FE)), collect_pack(new))


def test_past_days_are_not_said_to_take_effect_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limit of 2014 to 2018 alone is another one."""
    first = "      - from: 2014-04-01\n        value: 3\n"
    new = draft_in(tmp_path, first, first.replace("3\n", "4\n"))
    (Path(new) / "scenarios.yaml").unlink()
    words = ("--decision", "eligibility")
    main(["change", f"{SANTA_FE}@2014-04-01", f"{new}@2014-04-01", *DAY, *words])
    text = capsys.readouterr().out
    assert (
        "Takes effect on April 1, 2014, the first day of the new pack's program. Ends on October "
        "1, 2018: the rules are those of the old pack from then on. These days are past."
    ) in text
    assert "at once" not in text
    main(["change", f"{SANTA_FE}", new, *DAY, *words])
    text = " ".join(capsys.readouterr().out.split())
    assert "The packs differ on days before December 1, 2026, from April 1, 2014 on." in text
    assert "2026 too" not in text and "akes effect" not in text
