"""Say how the reasons of rules change: the sentence before and the sentence after."""

from __future__ import annotations

from collections.abc import Iterable

from rules.decide.wording import fill_in
from rules.packs.resolve import Segment


def redlined_sentences(
    old: Segment, new: Segment, decisions: Iterable[str]
) -> list[dict[str, str]]:
    """Return the reason of each rule that both sides have and give another reason for.

    A reason names the values that it reads, so a changed number changes it too.
    """
    sentences = []
    for name in decisions:
        before = {rule.rule.id: rule.rule.because for rule in old.decisions[name].rules}
        after = {rule.rule.id: rule.rule.because for rule in new.decisions[name].rules}
        for rule_id in after:
            if rule_id in before:
                texts = fill_in(old, before[rule_id]), fill_in(new, after[rule_id])
                if texts[0] != texts[1]:
                    rule = f"{name}.{rule_id}"
                    sentences.append({"rule": rule, "before": texts[0], "after": texts[1]})
    return sentences
